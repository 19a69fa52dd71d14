"""From results.json, and from it alone, the macros and the booktabs tables that report and slides input."""

import json
from pathlib import Path

from ..files import write_text
from .macros import colors, macros
from .tables import TABLES

NOTE = "% Written from results.json; do not edit.\n"


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json; a number changed there changes everywhere."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    lines = "\n".join(rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros(results).items())
    write_text(directory / "macros.tex", f"{NOTE}{lines}\n{colors()}")
    for name, table in TABLES.items():
        write_text(directory / f"tabla_{name}.tex", NOTE + table(results).latex())
