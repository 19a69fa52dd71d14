"""The reading copies without a browser.

What stops a build and what it leaves, and the filters for formulas, tables, text.
"""

import importlib.util
import json
import re
import shutil

import pytest

from helpers.config import ROOT, InputError
from helpers.notebooks import site
from helpers.notebooks.stamps import NOTEBOOKS

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
KINDS = {"slide", "subslide", "fragment", "skip", "notes", "-"}


def cells(name):
    return json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def markup():
    pytest.importorskip("ziamath", reason="pip install -r requirements-html.txt")
    from helpers.notebooks import markup

    return markup


@pytest.fixture
def site_can_be_built(markup):
    if importlib.util.find_spec("sphinx_revealjs") is None:
        pytest.skip("pip install -r requirements-html.txt")


@pytest.mark.parametrize("package", site.PACKAGES)
def test_a_missing_package_is_named_with_the_way_out(package, monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(InputError, match=rf"{package}.*pip install -r requirements-html.txt"):
        site.build(target=tmp_path / "html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["missing", "never executed", "executed in part"])
def test_a_notebook_that_was_not_executed_is_named_with_the_way_out(fault, tmp_path):
    file = tmp_path / "notebooks" / "03_bilstm.ipynb"
    file.parent.mkdir()
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells("03_bilstm")}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in code if fault == "never executed" else code[-1:]:
        cell["execution_count"], cell["outputs"] = None, []
    if fault != "missing":
        file.write_text(json.dumps(notebook))
    with pytest.raises(InputError, match=r"03_bilstm\.ipynb.*make run"):
        site.read(tmp_path, "03_bilstm")


def test_a_build_that_fails_leaves_the_old_site_and_nothing_else(monkeypatch, tmp_path, site_can_be_built):
    target = tmp_path / "html"
    target.mkdir()
    (target / "index.html").write_text("old")
    monkeypatch.setattr(site, "write_chapter", lambda *arguments: None)
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(site, "write_index", lambda *arguments: 1 / 0)
        site.build(target=target)
    assert [file.name for file in tmp_path.iterdir()] == ["html"]
    assert (target / "index.html").read_text() == "old"
    site.build(target=target)
    assert [file.name for file in tmp_path.iterdir()] == ["html"]
    assert "<h1>" in (target / "index.html").read_text()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_says_what_it_is_in_the_slides(name):
    kinds = [cell["metadata"].get("slideshow", {}).get("slide_type") for cell in cells(name)]
    assert set(kinds) <= KINDS
    assert kinds[0] == "slide"
    assert 6 <= sum(kind in ("slide", "subslide") for kind in kinds) <= 20
    shown = " ".join(
        "".join(c["source"])
        for c, kind in zip(cells(name), kinds, strict=True)
        if kind not in ("skip", "notes")
    )
    assert "use_style()" not in shown
    assert "HELPERS_PROFILE" not in shown
    assert "## Resumen" in shown


def test_every_formula_of_the_notebooks_is_understood(markup):
    from latex2mathml.converter import convert

    assert "\\" in convert(r"\nosuchcommand x")  # what is not understood stays as it was written
    prose = "\n".join(
        "".join(c["source"]) for name in NOTEBOOKS for c in cells(name) if c["cell_type"] == "markdown"
    )
    prose = re.sub(r"```.*?```|`[^`]*`", "", prose, flags=re.DOTALL)
    found = [block or inline for block, inline in FORMULA.findall(prose)]
    assert len(found) > 50
    for tex in found:
        assert "\\" not in convert(tex), tex


def test_the_results_in_brief_are_the_whole_summary():
    """The main comparison first, over however many cells it goes."""
    notebook = site.read(ROOT, "06_comparacion")
    told = site.summary_of(notebook)
    assert told.startswith("- **Preentrenar contra empezar de cero**")
    assert "**Fuera de casa**" in told
    assert told.count("\n- ") > 10


def test_a_formula_is_drawn_says_its_tex_and_keeps_its_comma(markup):
    html = markup.markdown("Con $h_t$, y ($x$).\n\n$$a < b$$")
    assert html.count("<svg") == 3
    assert "$" not in html
    assert 'aria-label="h_t"' in html
    assert "a &lt; b" in html
    assert re.search(r'<span class="junto"><svg[^>]*>.*?</svg>,</span>', html)
    assert ">(<svg" in html
    assert not re.search(r"<p>\s*<div", html)


def test_a_table_gets_a_box_and_lines_up_its_numbers(markup):
    html = markup.tables(
        "<table border='1'><thead><tr style='text-align: right'><th></th><th>modelo</th>"
        "<th>exactitud</th></tr></thead><tbody><tr><th>0</th><td>GPT-2</td><td>0.094 [0.076, 0.113]</td></tr>"
        "<tr><th>1</th><td>azar</td><td>—</td></tr></tbody></table>"
    )
    box = html.split("<table")[0]
    assert 'class="tabla"' in box
    assert 'aria-label="Tabla: modelo, exactitud' in box
    assert 'tabindex="0"' in box
    assert '<th class="num">exactitud' in html
    assert "<th>modelo" in html
    assert "border" not in html
    assert "style" not in html
    assert html.count('<td class="num">') == 2
    assert "<td>GPT-2" in html
    assert "<svg" in (formula := markup.markdown("| a |\n| --- |\n| $K$ |"))
    assert "em;vertical-align" in formula


def test_only_text_in_columns_keeps_its_lines(markup):
    assert "columnas" in markup.printed("a      b      c\n1      2      3")
    assert "columnas" in markup.printed(" [[1 2]\n [3 4]]")
    assert "columnas" not in markup.printed("antes:   un texto\n[condition] y más")
    assert "&lt;p&gt;" in markup.printed("<p>")


def test_a_notebooks_name_leads_to_its_page(markup):
    assert '<a href="../01_eda.html">' in markup.markdown("`01_eda`", {"01_eda": "../01_eda.html"})


def test_a_picture_without_a_file_stays_in_the_page(markup, tmp_path):
    notebook = site.read(ROOT, "01_eda")
    (tmp_path / "figuras").mkdir()
    assert site.illustrate(notebook, tmp_path, tmp_path) == []
    figures = tmp_path / "figures"
    figures.mkdir()
    shutil.copy(ROOT / "figures" / "01_zipf.png", figures)
    shown = site.illustrate(notebook, tmp_path, tmp_path)
    assert [figure["name"] for figure in shown] == ["01_zipf"]
    assert shown[0]["alt"].startswith("Curvas")
    assert (shown[0]["width"], shown[0]["height"]) == (1920, 1080)
