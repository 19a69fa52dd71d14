"""Text and numbers as LaTeX sets them."""

import re

from .readings import DASH, LARGE, is_missing, power

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
    text = re.sub(r"(?<!\\)%", r"\%", text)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    return re.sub(r"\*(.+?)\*", r"\\emph{\1}", text)


PLAIN = str.maketrans(
    {char: rf"\{char}" for char in "#$%&_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
LETTERS = "¿¡«»–—‘’“”…°"  # that a Latin font has besides ASCII and the letters with accents


def plain(text: str) -> str:
    """A text of the data as LaTeX: every sign as it stands, and a question mark for what the font lacks."""
    known = (char if char.isascii() or "À" <= char <= "ÿ" or char in LETTERS else "?" for char in text)
    return "".join(known).translate(PLAIN).replace("…", r"\dots{}")


def number(value: float | None) -> str:
    r"""A count for siunitx, `\num{1234}`; below a thousand as it is."""
    if is_missing(value):
        return DASH
    if abs(value) >= LARGE:
        return rf"\num{{{power(value)}}}"
    return str(round(value)) if abs(value) < 1000 else rf"\num{{{round(value)}}}"
