"""What each notebook shows and promises, and which outputs belong to which results."""

import json
from pathlib import Path

from ..arms import ARMS
from ..data.study import Study
from ..figures.captions import CAPTIONS
from ..files import sha256, write_json
from ..report import tables

# Each notebook and the arms that it shows; it promises the figures that carry its number.
ARMS_OF: dict[str, tuple[str, ...]] = {
    "01_eda": (),
    "02_tokenizer_padding_embedding": ("bilstm",),
    "03_bilstm": ("bilstm_original", "bilstm"),
    "04_autopsia": ("bilstm_original",),
    "05_gpt2": ("gpt2_scratch", "gpt2_frozen", "gpt2_finetuned", "gpt2_lm"),
    "06_comparacion": tuple(ARMS),
}
NOTEBOOKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    name: (arms, tuple(figure for figure in CAPTIONS if figure[:2] == name[:2]))
    for name, arms in ARMS_OF.items()
}
TABLES = ("results.json", "macros.tex", *(f"tabla_{name}.tex" for name in tables.TABLES))
# written after the notebooks, from their figures
INDEX = ("figures/README.md", "report/generated/figuras.tex")
MANIFEST = "report/generated/manifest.json"
RESULTS = "report/generated/results.json"


def promised(study: Study, name: str) -> list[Path]:
    """What a notebook's execution leaves: itself, its figures, and of the last one the results, macros and
    tables.
    """
    figures = [
        study.output / "figures" / f"{figure}.{suffix}"
        for figure in NOTEBOOKS[name][1]
        for suffix in ("pdf", "png")
    ]
    tables = (
        [study.output / "report" / "generated" / table for table in TABLES]
        if name == "06_comparacion"
        else []
    )
    return [study.output / "notebooks" / f"{name}.ipynb", *figures, *tables]


def write_manifest(study: Study) -> None:
    """Writes report/generated/manifest.json under the study's output: the hash of results.json and of all
    that was made with it.
    """
    files = [file for name in NOTEBOOKS for file in promised(study, name)] + [
        study.output / file for file in INDEX
    ]
    hashes = {file.relative_to(study.output).as_posix(): sha256(file) for file in sorted(files)}
    content = {"results": hashes.pop(RESULTS), "files": hashes}
    write_json(study.output / MANIFEST, content)


def drifted(output: Path) -> list[str]:
    """Files that are no longer as the manifest says (changed or missing), relative to `output`; the manifest
    itself if it lacks.
    """
    if not (output / MANIFEST).is_file():
        return [MANIFEST]
    known = json.loads((output / MANIFEST).read_text(encoding="utf-8"))
    return [
        name
        for name, kept in {RESULTS: known["results"], **known["files"]}.items()
        if sha256(output / name) != kept
    ]
