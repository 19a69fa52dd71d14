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
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    return re.sub(r"\*(.+?)\*", r"\\emph{\1}", text)


def number(value: float | None) -> str:
    r"""A count for siunitx, `\num{1234}`; below a thousand as it is."""
    if is_missing(value):
        return DASH
    if abs(value) >= LARGE:
        return rf"\num{{{power(value)}}}"
    return str(round(value)) if abs(value) < 1000 else rf"\num{{{round(value)}}}"
