"""What each notebook shows and promises, what is up to date, and which outputs belong to which results."""

import hashlib
import json
from pathlib import Path

from ..analysis import cost, dose
from ..arms import ARMS
from ..config import BUILD, ROOT
from ..data import splits
from ..data.study import Study
from ..experiments import archive, plan
from ..experiments.specs import imported, module_file, reached
from ..figures.captions import CAPTIONS
from ..files import sha256, write_json
from ..models.bases import base_hash
from ..report import facts, tables

# Each notebook and the arms that it shows, where they take part; it promises the figures with its number.
# fmt: off
ARMS_OF: dict[str, tuple[str, ...]] = {
    "01_eda": (),
    "02_tokenizer_padding_embedding": ("bilstm",),
    "03_bilstm": ("bilstm_original", "bilstm"),
    "04_autopsia": ("bilstm_original",),
    "05_gpt2": (
        "gpt2_scratch", "gpt2_self", "gpt2_frozen", "gpt2_finetuned", "gpt2_lm", "gpt2_lm_zero",
        "smollm2_scratch", "smollm2_frozen", "smollm2_finetuned", "smollm2_lm_zero",
    ),
    "06_comparacion": tuple(ARMS),
    "07_lo_que_cuesta": tuple(ARMS),
}
# fmt: on
WHOLE = ("06_comparacion", "07_lo_que_cuesta")  # also show training fractions and unseen diseases
NOTEBOOKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    name: (arms, tuple(figure for figure in CAPTIONS if figure[:2] == name[:2]))
    for name, arms in ARMS_OF.items()
}
# written before the notebooks that show them
TABLES = [
    f"report/generated/{name}"
    for name in ("results.json", "macros.tex", *(f"tabla_{name}.tex" for name in tables.TABLES))
]
# written after the notebooks, from their figures
INDEX = ("figures/README.md", "report/generated/figuras.tex")
MANIFEST = "report/generated/manifest.json"
OPENS = "colab"  # the tag of cells that bring the project where it is not, see `colab`
RESULTS = "report/generated/results.json"


def promised(study: Study, name: str) -> list[Path]:
    """Files that a notebook's execution leaves: itself and its figures."""
    figures = [
        study.output / "figures" / f"{figure}.{suffix}"
        for figure in NOTEBOOKS[name][1]
        for suffix in ("pdf", "png")
    ]
    return [study.output / "notebooks" / f"{name}.ipynb", *figures]


def write_manifest(study: Study) -> None:
    """Writes report/generated/manifest.json under the study's output.

    It holds the hash of results.json and of all that was made with it.
    """
    files = [file for name in NOTEBOOKS for file in promised(study, name)]
    files += [study.output / file for file in (*INDEX, *TABLES)]
    hashes = {file.relative_to(study.output).as_posix(): sha256(file) for file in sorted(files)}
    content = {"results": hashes.pop(RESULTS), "files": hashes}
    write_json(study.output / MANIFEST, content)


def drifted(output: Path) -> list[str]:
    """Files that are no longer as the manifest says (changed or missing), relative to `output`.

    The manifest itself if it is missing.
    """
    if not (output / MANIFEST).is_file():
        return [MANIFEST]
    known = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
    return [
        name
        for name, kept in {RESULTS: known["results"], **known["files"]}.items()
        if sha256(output / name) != kept
    ]


def renew(output: Path, files: list[Path]) -> None:
    """Notes the present content of some of the files of the manifest under `output`."""
    known = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
    known["files"] |= {file.relative_to(output).as_posix(): sha256(file) for file in files}
    write_json(output / MANIFEST, known)


def is_current(study: Study, name: str) -> bool:
    """Whether neither what a notebook depends on nor its outputs have changed since it was executed."""
    try:
        stamp = json.loads(stamp_of(study, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp == {"inputs": fingerprint(study, name), "outputs": _hashes(promised(study, name))}


def stamp_of(study: Study, name: str) -> Path:
    """Where a notebook's stamp is kept."""
    return BUILD / "stamps" / study.called / f"{name}.json"


def write_stamp(study: Study, name: str, inputs: str) -> None:
    """Notes what a notebook was executed from (its `fingerprint` before) and what came out."""
    stamp = stamp_of(study, name)
    write_json(stamp, {"inputs": inputs, "outputs": _hashes(promised(study, name))})


def fingerprint(study: Study, name: str) -> str:
    """Hash of all that decides a notebook's outputs.

    Its cells (but those of `colab`), the helpers it imports, data, profile, training code, run records.
    """
    arms, source = (
        list(NOTEBOOKS[name][0]),
        json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")),
    )
    cells = [
        (cell["cell_type"], "".join(cell["source"]))
        for cell in source["cells"]
        if OPENS not in cell["metadata"].get("tags", [])
    ]
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
    kept = dose.file_of(study.profile.name), cost.file_of(study.profile.name)
    shown += [*facts.files(study), *facts.external_files(), *kept, facts.CHOICES]
    parts += [sha256(file) for file in shown]
    parts.append(json.dumps([study.hands, study.names, study.aliases, study.answers]))
    extent = "whole" if name in WHOLE else "shown"
    runs = [spec.key for stage in plan.stages(study, arms, extent) for spec in stage]
    parts += [archive.state(run) for run in runs]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _hashes(files: list[Path]) -> dict[str, str]:
    """File name to the hash of its content."""
    return {file.name: sha256(file) for file in files}
