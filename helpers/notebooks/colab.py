"""The notebooks where a class opens them: with the repository's address, each brings the project itself.

The address stands in one place, `\\Repositorio` of report/portada.tex.
"""

import json
import re
from pathlib import Path

from ..config import ROOT, InputError
from ..files import write_text
from .stamps import NOTEBOOKS, OPENS, drifted, renew

COVER = "report/portada.tex"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
BADGE = (
    "[![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name}.ipynb)"
)
SET_UP = """\
# Donde el proyecto no está instalado (Colab), lo trae e instala lo que usa; donde lo está, no hace nada.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("helpers") is None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run(["git", "clone", "--quiet", "{address}", "proyecto"], check=True)
    subprocess.run([*pip, "--constraint", "proyecto/constraints.txt", "-e", "proyecto"], check=True)
    subprocess.run([*pip, "--no-deps", "-r", "proyecto/requirements-llm.txt"])
    sys.path.insert(0, os.path.abspath("proyecto"))
    if "numpy" in sys.modules:
        print("Reinicia la sesión (Entorno de ejecución → Reiniciar sesión) y sigue en la celda de abajo.")"""


def address(root: Path = ROOT) -> str:
    """The repository's address, empty where the class has filled in none.

    InputError for one that a cell could not hold.
    """
    text = (root / COVER).read_text(encoding="utf-8")
    found = re.search(r"^\\newcommand\{\\Repositorio\}\{(.*)\}", text, re.MULTILINE)
    if found is None or re.search(r"[\s\"'\\{}]", found[1]):
        raise InputError(
            f"{COVER}: \\newcommand{{\\Repositorio}}{{…}} must hold nothing, or an address without spaces, "
            "quotes, braces or backslashes"
        )
    return found[1]


def opening(name: str, address: str) -> list[dict]:
    """The cells that bring the project: none without an address, a badge where Colab can open it."""
    if not address:
        return []
    found = {"markdown": "", "code": SET_UP.format(address=address)}
    if github := GITHUB.fullmatch(address):
        found["markdown"] = BADGE.format(repository=github[1], name=name)
    empty = {"markdown": {}, "code": {"execution_count": None, "outputs": []}}
    return [
        {
            "cell_type": kind,
            "id": f"{name[:2]}-{OPENS}-{kind}",
            "metadata": {"slideshow": {"slide_type": "skip"}, "tags": [OPENS]},
            "source": text.splitlines(keepends=True),
            **empty[kind],
        }
        for kind, text in found.items()
        if text
    ]


def stamp(root: Path = ROOT) -> list[Path]:
    """Puts the cells of the address under each notebook's title, or takes them away; the notebooks.

    Outputs stay. The manifest follows where it was true.
    """
    true, where = not drifted(root), address(root)
    files = [root / "notebooks" / f"{name}.ipynb" for name in NOTEBOOKS]
    for file in files:
        notebook = json.loads(file.read_text(encoding="utf-8"))
        title, *rest = (cell for cell in notebook["cells"] if OPENS not in cell["metadata"].get("tags", []))
        notebook["cells"] = [title, *opening(file.stem, where), *rest]
        write_text(file, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
    if true:
        renew(root, files)
    return files
