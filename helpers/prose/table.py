"""A table as the class reads it."""

import re
from dataclasses import dataclass
from functools import partial
from html import escape

import pandas as pd

from .numbers import POWER

AS_TEXT = partial(escape, quote=False)  # how a cell is shown as HTML: nothing of the data is a tag there


class Given(str):
    """A text of the data, in a table's cell: whatever it looks like, it stands there as it is."""


@dataclass(frozen=True)
class Table:
    """Columns' heads and rows of text, plain as the class reads it; the first column is on the left."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    last: list[tuple[str, ...]] = ()  # below a rule of their own

    def frame(self):
        """For a notebook."""
        rows = [
            [text if isinstance(text, Given) else POWER.sub(raised, text) for text in row]
            for row in (*self.rows, *self.last)
        ]
        shown = pd.DataFrame(rows, columns=list(self.head)).style.hide(axis="index").format(AS_TEXT)
        return shown.set_properties(subset=[self.head[0]], **{"text-align": "left"})


def raised(power: re.Match) -> str:
    """`1.6e+09` as `1.6 × 10⁹`."""
    exponent = str(int(power[2])).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{power[1]} × 10{exponent}"
