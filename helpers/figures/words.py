"""Which words of a text spoke for an answer or against it, as a coloured text."""

import matplotlib.pyplot as plt
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .style import INK, MIN_FONT, SIZE, headline

FONT_SIZES = (10, MIN_FONT)  # points, the largest that fits is taken
# a line's height in font sizes; lines that a text needs beside its own: its label and a gap
LINE, HEAD = 1.65, 1.5
MARGIN, TITLE = 0.02, 0.12  # left and right, and the title's height, in fractions of the figure
TONES = plt.get_cmap("RdBu_r")


def attribution_bars(rows: list[tuple[str, list[tuple[str, float]]]], title: str) -> Figure:
    """Texts, each token coloured by its attribution: red supports, blue speaks against, pale is little for
    that text.

    rows: what is written above a text, and its (token, attribution) pairs, a token that begins a word with
    its space (see `errors.attributions`). Words are wrapped at the figure's width in the largest of
    `FONT_SIZES` at which all fit; in the smallest each text gets as many lines as the others, and ends in …
    where they are too few, like a label wider than the page. Raises ValueError for more than 5 texts that do
    not fit.
    """
    fig, ax = plt.subplots(figsize=SIZE)
    ax.axis("off")  # the texts are the figure's own, but a notebook shows no figure without axes
    headline(fig, title)
    size, texts = _fit(rows)
    step, y = size * LINE / (SIZE[1] * 72), 1 - TITLE
    for (label, tokens), lines in zip(rows, texts, strict=True):
        fig.text(
            MARGIN,
            y,
            _short(label, size),
            fontsize=size,
            color=INK,
            fontweight="bold",
            va="baseline",
            parse_math=False,
        )
        strongest = max((abs(value) for _, value in tokens), default=0) or 1
        for number, line in enumerate(lines, 1):
            for x, token, value in line:
                _draw(fig, x, y - number * step, token, value / strongest, size)
        y -= step * (len(lines) + HEAD)
    for x, word, strength in _wrap([("a favor", 0.7), (" en contra", -0.7)], size)[0]:
        _draw(fig, x, y, word, strength, size)
    return fig


def _fit(rows: list[tuple[str, list[tuple[str, float]]]]) -> tuple[float, list]:
    """The font size, in points, and the lines of each text (see `_wrap`)."""
    for size in FONT_SIZES:
        texts = [_wrap(tokens, size) for _, tokens in rows]
        room = int(SIZE[1] * 72 * (1 - TITLE) / (size * LINE)) - 1  # lines; the last is the key's
        if sum(len(lines) + HEAD for lines in texts) <= room:
            return size, texts
    most = int(room / len(rows) - HEAD)
    if most < 1:
        raise ValueError(f"{len(rows)} texts do not fit even in {size} points")
    return size, [_cut(lines, most) for lines in texts]


def _short(label: str, size: float) -> str:
    """A label in bold, cut with … where it is wider than the page."""
    while _width(label, size, "bold") > 1 - 2 * MARGIN:
        label = label.removesuffix("…")[:-1].rstrip() + "…"
    return label


def _width(text: str, size: float, weight: str = "normal") -> float:
    """Of a text, in fractions of the figure's width; the same at every resolution."""
    font = FontProperties(family=plt.rcParams["font.family"], size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / (SIZE[0] * 72)


def _wrap(tokens: list[tuple[str, float]], size: float) -> list[list[tuple[float, str, float]]]:
    """Lines of (x, token, attribution); a line is broken only before a token that begins with white space."""
    words: list[list[tuple[str, float]]] = []
    for token, value in tokens:
        if not words or token[:1].isspace():
            words.append([])
        words[-1].append((token.strip(), value))
    lines, x, gap = [[]], MARGIN, 0.45 * size / (SIZE[0] * 72)
    for word in words:
        widths = [_width(token, size) + gap / 4 if token else 0 for token, _ in word]
        if x + sum(widths) > 1 - MARGIN and lines[-1]:
            lines.append([])
            x = MARGIN
        for (token, value), width in zip(word, widths, strict=True):
            lines[-1].append((x, token, value))
            x += width
        x += gap
    return lines


def _cut(lines: list, most: int) -> list:
    """At most `most` lines; where some are left out, the last token of the last line gives way to an
    ellipsis.
    """
    if len(lines) <= most:
        return lines
    *kept, last = lines[:most]
    return [*kept, [*last[:-1], (last[-1][0], "…", 0.0)]]


def _draw(fig: Figure, x: float, y: float, token: str, strength: float, size: float) -> None:
    """One token on its colour; strength in [-1, 1]."""
    tone = "white" if abs(strength) > 0.6 else INK
    box = {"boxstyle": "square,pad=0.08", "fc": TONES(Normalize(-1.1, 1.1)(strength)), "ec": "none"}
    fig.text(x, y, token, fontsize=size, color=tone, va="baseline", bbox=box, parse_math=False)
