"""HTML filters of the reading copies: Markdown with formulas drawn as SVG, tables that fit, printed text."""

import re
from html import escape

import ziamath
from bs4 import BeautifulSoup
from nbconvert.filters import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

ziamath.config.svg2 = False  # plain paths: SVG 2 symbols would repeat their ids from one formula to the next
UNITS = 20  # SVG units an em
AROUND = r"[\d.,\s\[\]()%+−–—→/×eE<≈∞-]*"
NUMBER = re.compile(rf"(más de )?{AROUND}\d( de )?{AROUND}|[-–—]")
TOUCHING = re.compile(r'([(«]*)(<svg class="formula".*?</svg>)([.,;:?!)»]*)', re.DOTALL)


def formula(tex: str, inline: bool = True) -> str:
    """The formula as SVG, as large as the text around it and on its baseline.

    Its TeX is what a screen reader says.
    """
    svg = ziamath.Latex(tex, size=UNITS, inline=inline, color="currentColor").svg()
    _, top, width, height = (float(number) for number in re.search(r'viewBox="([^"]+)"', svg)[1].split())
    below = top + height
    style = f"width:{width / UNITS:.3f}em;height:{height / UNITS:.3f}em;vertical-align:{-below / UNITS:.3f}em"
    attributes = (
        f'<svg class="formula" role="img" aria-label="{escape(" ".join(tex.split()))}" style="{style}"'
    )
    svg = re.sub(r'<svg .*? height="[^"]+"', lambda _: attributes, svg, count=1)
    return (
        svg
        if inline
        else f'<div class="ecuacion" role="group" tabindex="0" aria-label="Ecuación">{svg}</div>'
    )


def heading_id(html: str) -> str:
    """A heading's id: its text in lower case, words joined by hyphens."""
    return "-".join(re.findall(r"\w+", re.sub(r"<[^>]+>", "", html).lower()))


class Prose(IPythonRenderer):
    """Markdown as nbconvert reads it, with our formulas, tables and headings.

    A notebook's name links to its page.
    """

    def __init__(self, links: dict[str, str]):
        super().__init__(escape=False)
        self.links = links

    def inline_math(self, body):
        return formula(body)

    def block_math(self, body):
        return formula(body, inline=False)

    def heading(self, text, level, **attrs):
        return f'<h{level} id="{heading_id(text)}">{text}</h{level}>\n'

    def block_quote(self, text):
        # Pregunta, Antes: a line each
        return super().block_quote(text.replace("\n<strong>", "<br>\n<strong>"))

    def table(self, text):
        return tables(f"<table>{text}</table>")

    def codespan(self, text):
        code = super().codespan(text)
        return f'<a href="{self.links[text]}">{code}</a>' if text in self.links else code


def markdown(source: str, links: dict[str, str] | None = None) -> str:
    """Markdown to HTML. links: what `code` text leads to."""
    html = MarkdownWithMath(renderer=Prose(links or {})).render(source)
    html = TOUCHING.sub(
        lambda m: f'<span class="junto">{m[0]}</span>' if m[1] or m[3] else m[0], html
    )  # no line ends between
    # a p holds no div
    return re.sub(r'<p>(<div class="ecuacion".*?</div>)</p>', r"\1", html, flags=re.DOTALL)


def tables(html: str) -> str:
    """The same HTML with each table in a box that scrolls by itself, its numbers marked to line up."""
    soup = BeautifulSoup(html, "html.parser")
    for style in soup.find_all("style", scoped=True):  # pandas' own, for Jupyter
        style.decompose()
    for table in soup.find_all("table"):
        table.attrs = {key: value for key, value in table.attrs.items() if key == "id"}
        for tag in table.find_all(["tr", "th", "td"], style=True):
            del tag["style"]
        mark_numbers(table)
        named = [text for cell in table.find_all("th", limit=6) if (text := cell.get_text(" ", strip=True))]
        label = "Tabla: " + (table.caption.get_text(" ", strip=True) if table.caption else ", ".join(named))
        table.wrap(
            soup.new_tag(
                "div", attrs={"class": "tabla", "role": "region", "tabindex": "0", "aria-label": label}
            )
        )
    return str(soup)


def mark_numbers(table) -> None:
    """Class `num` for cells that hold a number, and for the heads of columns that hold nothing else."""
    rows = [row.find_all("td") for row in table.find_all("tr") if row.find("td")]
    for row in rows:
        for cell in row:
            if NUMBER.fullmatch(cell.get_text(strip=True)):
                cell["class"] = [*cell.get("class", []), "num"]
    width = max((len(row) for row in rows), default=0)
    for head in table.thead.find_all("tr") if table.thead else ():
        for cell, column in zip(reversed(head.find_all("th")), reversed(range(width)), strict=False):
            if all("num" in row[column].get("class", []) for row in rows if len(row) == width):
                cell["class"] = [*cell.get("class", []), "num"]


def printed(text: str) -> str:
    """What a cell printed, as HTML.

    A table, an array or code keeps its lines and scrolls in its box; any other text wraps.
    """
    body = ansi2html(text.rstrip("\n"))
    if re.search(r"\S {3,}\S.* {3,}\S|^ ?\[[\[\s\d]|^ {4}\S", text, flags=re.MULTILINE):
        return (
            f'<pre class="columnas" role="region" tabindex="0" aria-label="Salida de la celda">{body}</pre>'
        )
    return f"<pre>{body}</pre>"
