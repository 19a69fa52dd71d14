"""Text and numbers as LaTeX sets them."""

import re

from ..prose.numbers import DASH, LARGE, POWER, is_missing, power
from ..prose.table import Given, Table

SIGNS = {" %": r"\,\%", "…": r"\dots{}"} | {
    sign: rf"\ensuremath{{{command}}}"
    for sign, command in {
        "−": "-", "<": "<", "→": r"\to", "Δ": r"\Delta", "✓": r"\checkmark", "×": r"\times", "α": r"\alpha",
    }.items()
}  # fmt: skip


def latex(text: str) -> str:
    r"""Plain or Markdown text as LaTeX: bold and emphasis, `%`, `&` and `_` escaped, real minus signs."""
    text = re.sub(r"([#$&_{}])", r"\\\1", text.replace("\\$", "$"))
    for sign, command in SIGNS.items():
        text = text.replace(sign, command)
    text = re.sub(r"(?<!\\)%", r"\%", text).replace("--", "-{}-")
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    return re.sub(r"\*(.+?)\*", r"\\emph{\1}", text)


PLAIN = str.maketrans(
    {char: rf"\{char}" for char in "#$%&_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)

LETTERS = "¿¡«»–—‘’“”…°"  # that a Latin font has besides ASCII and the letters with accents


def plain(text: str) -> str:
    r"""A text of the data as LaTeX: every sign as it stands, and a question mark for what the font lacks.

    `\$` is a dollar sign (see `sources.label_names_of`).
    """
    text = text.replace(r"\$", "$")
    known = (char if char.isascii() or "À" <= char <= "ÿ" or char in LETTERS else "?" for char in text)
    return "".join(known).translate(PLAIN).replace("…", r"\dots{}")


def cell(text: str) -> str:
    """Text of a cell: counts and powers of ten by siunitx, what is of the data as it is, else by `latex`."""
    if isinstance(text, Given):
        return plain(text)
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        return rf"\num{{{text.replace(',', '')}}}"
    return rf"\num{{{text}}}" if POWER.fullmatch(text) else latex(text)


def number(value: float | None) -> str:
    r"""A count for siunitx, `\num{1234}`; below a thousand as it is."""
    if is_missing(value):
        return DASH
    if abs(value) >= LARGE:
        return rf"\num{{{power(value)}}}"
    return str(round(value)) if abs(value) < 1000 else rf"\num{{{round(value)}}}"


def tabular(table: Table) -> str:
    """A booktabs tabular."""

    def line(cells: tuple[str, ...]) -> str:
        return " & ".join(map(cell, cells)) + r" \\"

    body = [line(row) for row in table.rows]
    body += [r"\midrule", *map(line, table.last)] if table.last else []
    columns = "l" + "r" * (len(table.head) - 1)
    top = (rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(table.head), r"\midrule")
    return "\n".join([*top, *body, r"\bottomrule", r"\end{tabular}"]) + "\n"
