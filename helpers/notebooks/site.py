"""The reading copies: executed notebooks as web pages and slides, readable offline, without Jupyter."""

import importlib.util
import re
import shutil
from copy import deepcopy
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from nbconvert import HTMLExporter, SlidesExporter
from pygments.formatters import HtmlFormatter

from ..config import BUILD, ROOT, InputError
from ..figures.captions import CAPTIONS, alt
from ..files import replacing
from .documents import described
from .stamps import NOTEBOOKS, OPENS

TEMPLATES = Path(__file__).with_name("templates")
PACKAGES = {"ziamath": "formulas", "sphinx_revealjs": "reveal.js"}  # requirements-html.txt
REVEAL = ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")
DRAWN = re.compile(r'save_figure\(.*"(\d\d_\w+)", study\)', re.DOTALL)
SLIDE = (1280, 720)


def build(results: Path = ROOT, target: Path = BUILD / "html") -> Path:
    """Writes the site of the executed notebooks under `results` into the directory `target`, and returns it.

    Nothing half-written is left, and what stood in `target` stays until the new site is complete. InputError
    for a package, a notebook or an output that is missing.
    """
    check_packages()
    notebooks = {name: read(results, name) for name in NOTEBOOKS}
    with replacing(target) as site:
        copy_static(site)
        for notebook in notebooks.values():
            copy_pictures(notebook, results, site)
        shown = {name: illustrate(notebook, results, site) for name, notebook in notebooks.items()}
        chapters = [describe(name, notebook, shown[name]) for name, notebook in notebooks.items()]
        for number, chapter in enumerate(chapters):
            write_chapter(site, notebooks[chapter["name"]], chapters, number)
        write_index(site, chapters, summary_of(notebooks["06_comparacion"]))
    return target


def summary_of(notebook) -> str:
    """What a notebook's code says in markdown from its summary on."""
    sources = [cell.source for cell in notebook.cells]
    first = next(place for place, text in enumerate(sources) if text.startswith("## Resumen"))
    outputs = [output for cell in notebook.cells[first:] for output in cell.get("outputs", ())]
    return "\n".join(text for output in outputs if (text := output.get("data", {}).get("text/markdown")))


def check_packages() -> None:
    """InputError if a package that only the reading copies need is missing."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise InputError(
            f"{missing[0]} ({PACKAGES[missing[0]]}) is not installed: pip install -r requirements-html.txt"
        )


def read(results: Path, name: str):
    """The notebook of that name; InputError if it is not there or was not executed to its end."""
    file = results / "notebooks" / f"{name}.ipynb"
    way_out = "execute it with `make run`"
    if not file.is_file():
        raise InputError(f"{file}: there is no such notebook; {way_out}")
    notebook = nbformat.read(file, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if OPENS not in cell.metadata.get("tags", [])]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.execution_count is None for cell in code) or not any(cell.outputs for cell in code):
        raise InputError(f"{file}: the notebook has no outputs, or not all; {way_out}")
    return notebook


def copy_static(site: Path) -> None:
    """Style sheets, and reveal.js with its licence; Sphinx, which brings it along, is not imported."""
    (site / "figuras").mkdir(parents=True)
    (site / "diapositivas").mkdir()
    (site / "reveal").mkdir()
    pygments = HtmlFormatter(style="vs").get_style_defs(".highlight")
    for name in ("estilo.css", "diapositivas.css"):
        (site / name).write_text(
            (TEMPLATES / name).read_text(encoding="utf-8") + pygments + "\n", encoding="utf-8"
        )
    package = Path(importlib.util.find_spec("sphinx_revealjs").submodule_search_locations[0])
    for name in REVEAL:
        shutil.copy(package / "_static" / "revealjs" / name, site / "reveal")


def copy_pictures(notebook, results: Path, site: Path) -> None:
    """Brings along the pictures that prose shows by their path."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for name in re.findall(r"\]\(\.\./figures/([\w.]+)\)", cell.source):
                shutil.copy(results / "figures" / name, site / "figuras")
            cell.source = cell.source.replace("](../figures/", "](figuras/")


def illustrate(notebook, results: Path, site: Path) -> list[dict]:
    """Puts the PNG of results/figures in the place of each named picture; returns those figures, in order."""
    shown = []
    for cell in notebook.cells:
        found = DRAWN.search(cell.source) if cell.cell_type == "code" else None
        png = results / "figures" / f"{found[1]}.png" if found else None
        if not (found and found[1] in CAPTIONS and png.is_file()):
            continue
        for output in cell.outputs:
            if "image/png" in output.get("data", {}) or output.get("data", {}).get(
                "text/plain", ""
            ).startswith("<Figure"):
                shutil.copy(png, site / "figuras")
                shown.append(figure(found[1], png))
                output.update(data={"image/png": ""}, metadata={"figure": shown[-1]})
    return shown


def figure(name: str, png: Path) -> dict:
    """What a page says of a figure: file, size, the text in its place, its caption."""
    finding, instead = described(png)
    width, height = (int.from_bytes(png.read_bytes()[start : start + 4]) for start in (16, 20))
    return {
        "name": name,
        "file": f"figuras/{png.name}",
        "width": width,
        "height": height,
        "finding": finding,
        "alt": instead or alt(name, ""),
        "kind": CAPTIONS[name].kind,
        "caption": CAPTIONS[name].text,
    }


def describe(name: str, notebook, figures: list[dict]) -> dict:
    """What the index and the neighbours say of a notebook: title, question, headings, figures."""
    from .markup import markdown

    first = notebook.cells[0].source
    title = re.match(r"# (\d+) · (.+)", first)
    question = re.search(r"\*\*Pregunta\.\*\*\s+(.+?)\s*\n> \*\*Antes", first, re.DOTALL)[1].replace(
        "\n> ", " "
    )
    prose = "".join(markdown(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return {
        "name": name,
        "number": title[1],
        "title": title[2],
        "asked": question,
        "question": markdown(question).strip().removeprefix("<p>").removesuffix("</p>"),
        "headings": re.findall(r'<h([23]) id="([^"]+)">(.*?)</h', prose),
        "figures": figures,
    }


def write_chapter(site: Path, notebook, chapters: list[dict], number: int) -> None:
    """One notebook as a page and as slides."""
    chapter = chapters[number]
    around = {"previous": chapters[number - 1] if number else None, "next": (chapters + [None])[number + 1]}
    for exporter, nb, root, where in (
        (HTMLExporter, notebook, "", f"{chapter['name']}.html"),
        (SlidesExporter, deck(notebook, chapter["asked"]), "../", f"diapositivas/{chapter['name']}.html"),
    ):
        template = "page" if exporter is HTMLExporter else "slides"
        options = {
            "template_name": template,
            "extra_template_basedirs": [str(TEMPLATES)],
            "filters": filters(root),
        }
        resources = {"chapter": chapter, **around, "root": root, "size": SLIDE}
        html, _ = exporter(**options).from_notebook_node(nb, resources)
        (site / where).write_text(html, encoding="utf-8")


def filters(root: str) -> dict:
    """The templates' filters; root: the way from the page to the site's top."""
    from .markup import markdown, printed, tables

    links = {name: f"{root}{name}.html" for name in NOTEBOOKS}
    return {"markdown2html": lambda source: markdown(source, links), "fit_tables": tables, "printed": printed}


def deck(notebook, question: str):
    """The notebook as slides need it.

    Its first cell only asks the question; a cell that ends a section and begins another begins its slide with
    the new heading; a slide without a heading carries its section's.
    """
    notebook, section = deepcopy(notebook), ""
    notebook.cells[0].source = notebook.cells[0].source.split("\n")[0] + f"\n\n{question}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^##+ (.+)", cell.source, re.MULTILINE)):
            cell.source, section = cell.source[heading.start() :], heading[1].replace("*", "")
        else:
            cell.metadata["section"] = section
    return notebook


def write_index(site: Path, chapters: list[dict], summary: str) -> None:
    """The first page. summary: what the last notebook found, in its own words."""
    from .markup import markdown

    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("index.html.j2")
    html = page.render(chapters=chapters, summary=markdown(summary))
    (site / "index.html").write_text(html, encoding="utf-8")
