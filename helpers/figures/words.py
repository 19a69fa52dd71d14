"""Figures of words: near each other on a map, and for or against an answer in a coloured text."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .style import INK, MIN_FONT, SIGNED, SIZE, THEME_COLORS, headline, panel_title

# where a name may stand beside its point, the best first
SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])


def lookup(one_hot: np.ndarray, matrix: np.ndarray, names: list[str], token: int) -> Figure:
    """A one-hot row times a slice of an embedding matrix is one of its rows.

    one_hot: (n,), matrix: (n, d), names: n tokens.
    """
    fig, axes = plt.subplots(1, 3, width_ratios=[2.4, 3, 3])
    limit, (n, d) = np.abs(matrix).max(), matrix.shape
    axes[0].imshow(one_hot[None, :], cmap="Greys", vmin=0, vmax=1.2, aspect="equal")
    for x, value in enumerate(one_hot):
        axes[0].text(
            x, 0, f"{value:.0f}", ha="center", va="center", fontsize=MIN_FONT, color="white" if value else INK
        )
    axes[1].imshow(matrix, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto")
    axes[1].add_patch(plt.Rectangle((-0.5, token - 0.5), d, 1, fill=False, ec=INK, lw=2))
    axes[2].imshow((one_hot @ matrix)[None, :], cmap=SIGNED, vmin=-limit, vmax=limit, aspect="equal")
    for ax, title in zip(
        axes, (f"one-hot, 1 × {n}", f"× matriz, {n} × {d}", f"= renglón, 1 × {d}"), strict=True
    ):
        panel_title(ax, title)
        ax.set(xticks=[], yticks=[])
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    axes[0].set_xticks(range(n), names, rotation=90, fontsize=MIN_FONT)
    axes[1].set_yticks(range(n), names, fontsize=MIN_FONT)
    axes[2].set_xlabel("rojo: positivo · azul: negativo", fontsize=MIN_FONT)
    headline(fig, f"Buscar el renglón de «{names[token]}» es multiplicar por un vector one-hot")
    return fig


def word_maps(
    maps: dict[str, np.ndarray], themes: dict[str, list[str]], similarity: dict[str, tuple[float, float]]
) -> Figure:
    """The same words on several 2-D maps side by side, coloured by theme.

    maps: title -> (n, 2); similarity: title -> (within, between).
    """
    fig, axes = plt.subplots(1, len(maps))
    words = [word for group in themes.values() for word in group]
    colors = [color for group, color in zip(themes.values(), THEME_COLORS, strict=False) for _ in group]
    for ax, (name, xy) in zip(axes, maps.items(), strict=True):
        ax.scatter(xy[:, 0], xy[:, 1], color=colors, s=14)
        ax.margins(x=0.26, y=0.08)
        within, between = similarity[name]
        panel_title(ax, name)
        numbers = f"coseno: {within:.2f} en el tema, {between:.2f} entre temas"
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(numbers.replace("-0.00", "0.00").replace("-", "−"), fontsize=MIN_FONT)
    for theme, color in zip(themes, THEME_COLORS, strict=False):
        axes[0].scatter([], [], color=color, s=14, label=theme)
    fig.legend(loc="outside lower center", ncols=len(themes), fontsize=MIN_FONT)
    gains = {name: within - between for name, (within, between) in similarity.items()}
    best = max(gains, key=gains.get)
    near = (
        "más parecido dentro de un tema que entre temas"
        if gains[best] > 0.05
        else "casi igual dentro de un tema que entre temas"
    )
    headline(fig, f"{best}: {near}")
    fig.canvas.draw()  # lays the panels out: words are placed in pixels
    for ax, xy in zip(axes, maps.values(), strict=True):
        _name_points(ax, xy, words, colors)
    return fig


def _name_points(ax: Axes, xy: np.ndarray, words: list[str], colors: list[str]) -> None:
    """Each word beside its point, at the one of eight places where it hides least of the others."""
    dot, points = ax.figure.dpi / 72, ax.transData.transform(xy)
    texts = [
        ax.annotate(
            word,
            place,
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            color=color,
            fontsize=MIN_FONT,
        )
        for word, place, color in zip(words, xy, colors, strict=True)
    ]
    half = np.array([[box.width, box.height] for box in (text.get_window_extent() for text in texts)]) / 2
    shifts = SIDES * (half + np.array([4, 1]) * dot)[:, None]  # (words, places, 2)
    boxes = _boxes(points[:, None] + shifts, half[:, None])
    taken = np.concatenate([boxes[:, 0], _boxes(points, 3 * dot)])  # one place a word, then the points
    for _ in range(20):
        for i, own in enumerate(boxes):
            others = np.delete(taken, i, axis=0)
            taken[i] = own[_overlaps(own[:, None], others).sum(axis=1).argmin()]
    for text, point, box in zip(texts, points, taken, strict=False):
        text.set_position(((box[:2] + box[2:]) / 2 - point) / dot)


def _boxes(centres: np.ndarray, half: np.ndarray | float) -> np.ndarray:
    """(x0, y0, x1, y1) of boxes, along the last axis."""
    return np.concatenate([centres - half, centres + half], axis=-1)


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The area that boxes share, 0 for boxes that are apart."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return sides.clip(0).prod(axis=-1)


FONT_SIZES = (10, MIN_FONT)  # points, the largest that fits is taken
# a line's height in font sizes; lines that a text needs beside its own: its label and a gap
LINE, HEAD = 1.65, 1.5
MARGIN, TITLE = 0.02, 0.12  # left and right, and the title's height, in fractions of the figure
TONES = plt.get_cmap(SIGNED)


def attribution_bars(rows: list[tuple[str, list[tuple[str, float]]]], title: str) -> Figure:
    """Texts, each token coloured by its attribution: red for, blue against, pale is little for that text.

    rows: what is written above a text, and its (token, attribution) pairs, a token that begins a word with
    its space (see `errors.token_attributions`). Words are wrapped at the figure's width in the largest of
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
    """At most `most` lines; if some are left out, an ellipsis takes the place of the last token kept."""
    if len(lines) <= most:
        return lines
    *kept, last = lines[:most]
    return [*kept, [*last[:-1], (last[-1][0], "…", 0.0)]]


def _draw(fig: Figure, x: float, y: float, token: str, strength: float, size: float) -> None:
    """One token on its colour; strength in [-1, 1]."""
    tone = "white" if abs(strength) > 0.6 else INK
    box = {"boxstyle": "square,pad=0.08", "fc": TONES(Normalize(-1.1, 1.1)(strength)), "ec": "none"}
    fig.text(x, y, token, fontsize=size, color=tone, va="baseline", bbox=box, parse_math=False)
