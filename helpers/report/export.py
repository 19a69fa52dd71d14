"""Run records to LaTeX: results.json first, and from it alone the macros and the tables."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ..arms import ARMS
from ..data.study import Study
from ..files import write_json, write_text
from .macros import colors, macros
from .tables import NOTE, TABLES


def export(study: Study, first_attempt: dict, **parts) -> Path:
    """Writes report/generated/{results.json, macros.tex, tabla_*.tex} under the study's output; returns the
    directory.

    first_attempt: the test metrics of the notes' network on whole pages. parts: what else is to be kept, one
    name each: a frame (indexed by arm: an object an arm; else a list of rows), or a dict of numbers. `arms`,
    `pairs` and `tuning` must be among them. Everything in the .tex files is read back from results.json, so
    that changing a number there and calling `write_tex` changes it everywhere.
    """
    directory = study.output / "report" / "generated"
    results = (
        head(study) | {"first_attempt": first_attempt} | {name: plain(part) for name, part in parts.items()}
    )
    write_json(directory / "results.json", results)
    write_tex(directory)
    return directory


def head(study: Study) -> dict:
    """What results are of: profile, source, protocol, splits, sizes."""
    return {
        "profile": profile_of(study),
        "source": study.source_name,
        "protocol": study.protocol,
        "split": study.split_key,
        "page_split": study.page_key,
        "unseen_split": study.unseen_key,
        "num_labels": int(study.split["label"].nunique()),
        "rows": {name: int((study.split["side"] == name).sum()) for name in ("train", "valid", "test")},
    }


def profile_of(study: Study) -> dict:
    """The study's profile as JSON has it, with the epochs and the grid of every arm by its id."""
    arms, profile = ARMS.values(), asdict(study.profile)
    profile["trials"] = {arm.id: study.profile.grid_of(arm) for arm in arms if arm.tuned}
    profile["epochs"] = {arm.id: epochs for arm in arms if (epochs := study.profile.epochs_of(arm))}
    del profile["grids"]
    return json.loads(json.dumps(profile))


def plain(part):
    """A frame or dict as JSON has it; what is no number (NaN) becomes null."""
    if isinstance(part, pd.DataFrame):
        return json.loads(
            part.to_json(orient="records" if isinstance(part.index, pd.RangeIndex) else "index")
        )
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return None if isinstance(part, float) and part != part else part


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    lines = "\n".join(rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros(results).items())
    write_text(directory / "macros.tex", f"{NOTE}{lines}\n{colors()}")
    for name, table in TABLES.items():
        write_text(directory / f"tabla_{name}.tex", NOTE + table(results))
