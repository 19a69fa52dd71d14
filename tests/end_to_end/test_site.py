"""The reading copies in a browser: nothing from the network, every picture and formula there.

Nothing is too wide or too tall.
"""

import importlib.util
import json
import re
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup

from helpers.config import ROOT
from helpers.figures.captions import CAPTIONS
from helpers.notebooks import site
from helpers.notebooks.stamps import NOTEBOOKS

NAMES = list(NOTEBOOKS)
PAGES = ["index", *NAMES]
WIDTHS = (1280, 390)
LOADED = "Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode(); }))"
MEASURE = """() => Reveal.getSlides().map(slide => {
  const at = Reveal.getIndices(slide);
  Reveal.slide(at.h, at.v);
  const sheet = slide.querySelector('.lamina'), image = slide.querySelector('img');
  const inside = [...sheet.querySelectorAll('.prosa, .celda, pre, table')];
  return {height: sheet.scrollHeight, width: sheet.scrollWidth, text: sheet.innerText.trim().length,
          over: Math.max(0, ...inside.map(e => e.scrollWidth - e.clientWidth),
                         ...inside.map(e => e.scrollHeight - e.clientHeight)),
          image: image ? image.getBoundingClientRect().height : null};
})"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if not all(map(importlib.util.find_spec, site.PACKAGES)):
        pytest.skip("pip install -r requirements-html.txt")
    return site.build(target=tmp_path_factory.mktemp("site") / "html")


@pytest.fixture
def visit(browser, built):
    """Opens a page of the site at a width.

    When the test ends, nothing must have come from elsewhere, failed or complained.
    """
    complaints, context = [], browser.new_context()

    def open_page(name, width, height=900):
        page = context.new_page()
        page.on(
            "request",
            lambda r: r.url.startswith(("file://", "data:")) or complaints.append(f"asked for {r.url}"),
        )
        page.on("requestfailed", lambda r: complaints.append(f"failed: {r.url}"))
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_viewport_size({"width": width, "height": height})
        page.goto((built / f"{name}.html").as_uri())
        return page

    yield open_page
    context.close()
    assert not complaints


def formulas(name):
    """How many formulas the prose of a notebook has; counted apart from the code under test."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    prose = "\n\n".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"
    )
    return len(
        re.findall(r"\$\$[^$]+\$\$|\$[^$]+\$", re.sub(r"```.*?```|`[^`]*`", "", prose, flags=re.DOTALL))
    )


def pictures_are_there(page):
    page.evaluate(LOADED)
    said = "i => [i.src, i.naturalWidth, i.alt.trim(), i.hasAttribute('width') && i.hasAttribute('height')]"
    for file, wide, alt, sized in page.evaluate(f"[...document.images].map({said})"):
        name = file.rpartition("/")[2].removesuffix(".png")
        kind = CAPTIONS[name].kind if name in CAPTIONS else "Captura"  # of the demo, which prose shows
        assert wide > 0, file
        assert sized or name not in CAPTIONS, file
        assert alt.startswith(kind), file
        assert len(alt) > len(kind) + 20, file


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_fits(name, width, visit):
    page = visit(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == WIDTHS[0]:
        pictures_are_there(page)
    boxes = page.evaluate(
        """[...document.querySelectorAll('table')].map(t => {
        const b = t.closest('.tabla'), r = b?.getBoundingClientRect();
        return b && getComputedStyle(b).overflowX === 'auto' && b.tabIndex === 0
            && r.left >= 0 && r.right <= innerWidth; })"""
    )
    assert all(boxes)
    assert boxes or name == "index"
    sizes = page.evaluate(
        """[...document.querySelectorAll('svg.formula')].map(f => {
        const r = f.getBoundingClientRect(), b = f.viewBox.baseVal;
        return [r.height, r.width / r.height * b.height / b.width]; })"""
    )
    assert len(sizes) == (formulas(name) if name != "index" else 0)
    assert all(4 < tall < 110 and 0.9 < stretched < 1.1 for tall, stretched in sizes), sizes
    prose = page.evaluate(
        "[...document.querySelectorAll('main p, main li, main h2, main td')].map(e => e.innerText).join(' ')"
    )
    assert "$" not in re.sub(r"`[^`]*`", "", prose)
    figures = page.locator("figure").count()
    assert figures == len(CAPTIONS if name == "index" else NOTEBOOKS[name][1])
    assert page.locator("figcaption").count() == figures


@pytest.mark.parametrize("name", NAMES)
def test_the_contents_stand_beside_a_wide_page_and_are_folded_on_a_narrow_one(name, visit):
    page = visit(name, 1280)
    assert page.locator(".lateral").is_visible()
    assert not page.locator(".plegado").is_visible()
    assert page.locator(".lateral li").count() == page.locator("main h2, main h3").count()
    page.set_viewport_size({"width": 390, "height": 900})
    assert not page.locator(".lateral").is_visible()
    assert page.locator(".plegado").get_attribute("open") is None
    page.locator(".plegado summary").click()
    assert page.locator(".plegado li").first.is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_slides_fit_their_sheet(name, visit):
    page = visit(f"diapositivas/{name}", *site.SLIDE)
    page.wait_for_function("Reveal.isReady()")
    slides = page.evaluate(MEASURE)
    assert 6 <= len(slides) <= 20
    for number, slide in enumerate(slides, 1):
        fits = slide["width"] <= site.SLIDE[0] and slide["height"] <= site.SLIDE[1] and slide["over"] <= 1
        assert fits, (number, slide)
        assert slide["text"] or slide["image"], (number, slide)
        assert slide["image"] is None or slide["image"] > 350, (number, slide)
    pictures_are_there(page)
    assert "$" not in page.evaluate(
        "[...document.querySelectorAll('.prosa')].map(e => e.innerText).join(' ')"
    )


@pytest.fixture(scope="module")
def documents(built):
    return {
        file: BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser") for file in built.rglob("*.html")
    }


def test_pages_form_a_chain(built, documents):
    found = {file.stem: soup for file, soup in documents.items() if file.parent == built}
    step = {
        way: {name: [a["href"] for a in found[name].select(f"a[rel={way}]")] for name in NAMES}
        for way in ("prev", "next")
    }
    assert step["next"] == {a: [f"{b}.html"] for a, b in zip(NAMES, NAMES[1:], strict=False)} | {
        NAMES[-1]: []
    }
    assert step["prev"] == {b: [f"{a}.html"] for a, b in zip(NAMES, NAMES[1:], strict=False)} | {NAMES[0]: []}


def test_every_link_leads_somewhere_inside_and_ids_are_unique(built, documents):
    assert len(documents) == 1 + 2 * len(NAMES)
    ids = {file.resolve(): [tag["id"] for tag in soup.find_all(id=True)] for file, soup in documents.items()}
    for file, soup in documents.items():
        assert soup.html["lang"] == "es"
        assert soup.title.get_text()
        assert len(ids[file]) == len(set(ids[file])) or file.parent != built, file
        for tag in soup.find_all(["a", "link", "script", "img"]):
            where = unquote(tag.get("href") or tag.get("src") or "")
            path, _, anchor = where.partition("#")
            goal = (file.parent / path).resolve() if path else file
            assert "://" not in where, (file.name, where)
            assert goal.is_file(), (file.name, where)
            assert goal.is_relative_to(built), (file.name, where)
            assert not anchor or anchor in ids[goal], (file.name, where)


def test_only_what_is_needed_is_there_with_its_licence(built):
    files = {str(file.relative_to(built)) for file in built.rglob("*") if file.is_file()}
    expected = {"index.html", "estilo.css", "diapositivas.css", *(f"{name}.html" for name in NAMES)}
    expected |= {f"diapositivas/{name}.html" for name in NAMES} | {
        f"figuras/{name}.png" for name in (*CAPTIONS, "06_demo")
    }
    assert files == expected | {
        f"reveal/{name}" for name in ("reveal.css", "reveal.js", "notes.js", "LICENSE")
    }
    assert sum((built / file).stat().st_size for file in files) < 15e6
    for sheet in ("estilo.css", "diapositivas.css", "reveal/reveal.css"):
        assert not re.search(r"@import|url\((?!data:)", (built / sheet).read_text(encoding="utf-8"))
