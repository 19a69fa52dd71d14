"""What is up to date: stamps keep what a notebook was executed from."""

import hashlib
import json
from pathlib import Path

from ..config import BUILD, ROOT
from ..data import splits
from ..data.study import Study
from ..experiments import plan
from ..experiments.fingerprints import imported, module_file, reached
from ..files import sha256, write_json
from ..models.bases import base_hash
from .contents import NOTEBOOKS, promised


def is_current(study: Study, name: str) -> bool:
    """Whether nothing that a notebook depends on has changed since it was executed, and its outputs are as it
    left them.
    """
    try:
        stamp = json.loads(stamp_of(study, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp == {"inputs": fingerprint(study, name), "outputs": _hashes(promised(study, name))}


def stamp_of(study: Study, name: str) -> Path:
    """Where a notebook's stamp is kept."""
    return BUILD / "stamps" / f"{study.profile.name}-{study.source_name}" / f"{name}.json"


def write_stamp(study: Study, name: str, inputs: str) -> None:
    """Notes what a notebook was executed from (its `fingerprint` before) and what came out."""
    stamp = stamp_of(study, name)
    write_json(stamp, {"inputs": inputs, "outputs": _hashes(promised(study, name))})


def fingerprint(study: Study, name: str) -> str:
    """Hash of all that decides a notebook's outputs: its cells, the helpers it imports, data, profile,
    training code, run records.
    """
    arms, source = (
        list(NOTEBOOKS[name][0]),
        json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")),
    )
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in source["cells"]]
    code = "\n".join(text for kind, text in cells if kind == "code")
    parts = [
        json.dumps(cells),
        repr(study.profile),
        study.split_key,
        study.page_key,
        splits.split_hash(study.pages.assign(id="", side="")),
        base_hash(study.profile.base),
    ]
    shown = [module_file(module) for module in sorted(reached(imported(code)))]
    shown += [ROOT / "data" / name for name in ("diseases.csv", "contamination.json", "general.csv")]
    shown += sorted((ROOT / "report" / "external").glob("*.json"))
    shown += sorted(
        file for suffix in ("csv", "json") for file in (ROOT / study.profile.base).glob(f"*.{suffix}")
    )
    parts += [file.read_text(encoding="utf-8") for file in shown]
    runs = [spec.key for stage in plan.stages(study, arms, name == "06_comparacion") for spec in stage]
    parts += [f"{key} {sha256(BUILD / 'runs' / key / 'record.json')}" for key in runs]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _hashes(files: list[Path]) -> dict[str, str]:
    """File name to the hash of its content."""
    return {file.name: sha256(file) for file in files}
