"""The figures of notebook 02: how text becomes tensors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .plots import INK, MIN_FONT, SIZE, headline, panel_title
from .plots_data import BPE, WORDS

# where a name may stand beside its point, the best first
SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
THEME_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def token_boxes(rows: dict[str, tuple[list[str], str]], title: str) -> Figure:
    """For each tokenizer one block of boxes, a box a token, broken into lines; unknown words in salmon."""
    fig, axes = plt.subplots(len(rows), 1)
    for ax, (name, (tokens, color)) in zip(np.atleast_1d(axes), rows.items(), strict=True):
        x, y = 0.0, 0
        for token in tokens:
            width = 0.98 * len(token) + 1.1
            if x + width > 66:
                x, y = 0.0, y - 1
            box = {"boxstyle": "round,pad=0.25", "fc": "#F4C7B5" if token == "[UNK]" else color, "ec": INK, "lw": 0.5}
            ax.text(x + width / 2, y, token, ha="center", va="center", fontsize=10, family="DejaVu Sans Mono", bbox=box)
            x += width + 0.5
        ax.set(xlim=(-1, 66), ylim=(min(y, -2) - 0.6, 0.7))
        panel_title(ax, name)
        ax.axis("off")
    headline(fig, title)
    return fig


def merges(steps: list[list[str]], title: str) -> Figure:
    """A word's BPE merges from top to bottom: a line a step, boxes as wide as their letters, the new piece in colour."""
    fig, ax = plt.subplots(figsize=SIZE)
    shown = steps if len(steps) <= 9 else [*steps[:5], None, *steps[-3:]]
    for y, pieces in enumerate(shown):
        if pieces is None:
            ax.text(0, -y, "⋮", ha="left", va="center", fontsize=12)
            continue
        number, x = steps.index(pieces), 0
        earlier = steps[number - 1] if number else []
        for piece in pieces:
            new = number > 0 and pieces.count(piece) > earlier.count(piece)
            ax.add_patch(
                plt.Rectangle(
                    (x + 0.04, -y - 0.36), len(piece) - 0.08, 0.72, fc="#F0C75E" if new else "#D6EAF8", ec=INK, lw=0.6
                )
            )
            ax.text(x + len(piece) / 2, -y, piece, ha="center", va="center", fontsize=10, family="DejaVu Sans Mono")
            x += len(piece)
        label = f"{len(pieces)} pieza{'s' if len(pieces) > 1 else ''}"
        ax.text(
            x + 0.4,
            -y,
            f"{len(pieces)} bytes" if number == 0 else f"unión {number}: {label}",
            va="center",
            fontsize=MIN_FONT,
            color="#555555",
        )
    ax.set(xlim=(-0.2, max(16, len("".join(steps[0])) + 5)), ylim=(-len(shown) + 0.3, 0.7))
    ax.axis("off")
    headline(fig, title)
    return fig


def unknown_words(read: np.ndarray, unknown: np.ndarray, vocabulary: np.ndarray, unit: str, title: str) -> Figure:
    """By training texts read: entries of the word vocabulary (left) and unknown share of validation words (right)."""
    fig, (left, right) = plt.subplots(1, 2)
    left.plot(read, vocabulary, "o-", color=WORDS, ms=4)
    left.set(xlabel=f"{unit} de entrenamiento", ylabel="vocabulario de palabras", xlim=(0, None), ylim=(0, None))
    right.plot(read, 100 * unknown, "o-", color=WORDS, ms=4)
    right.axhline(0, color=BPE, lw=2.5)
    right.annotate(
        "palabras",
        (read[len(read) // 2], 100 * unknown[len(read) // 2]),
        (6, 6),
        textcoords="offset points",
        color=WORDS,
        fontsize=MIN_FONT,
    )
    right.annotate(
        "byte-level BPE", (read[len(read) // 2], 0), (0, 5), textcoords="offset points", color=BPE, fontsize=MIN_FONT
    )
    right.set(
        xlabel=f"{unit} de entrenamiento",
        ylabel="desconocidas en validación (%)",
        xlim=(0, None),
        ylim=(-2, None),
    )
    headline(fig, title)
    return fig


def padding_waste(shares: pd.DataFrame, title: str) -> Figure:
    """Share of computed positions that are padding: a group of bars a habit, a bar a unit. shares: index habit, columns unit."""
    fig, ax = plt.subplots(figsize=SIZE)
    places = np.arange(len(shares))[::-1]
    for offset, color, unit in zip((0.19, -0.19), ("#009E73", "#CC79A7"), shares.columns, strict=True):
        bars = ax.barh(places + offset, 100 * shares[unit], 0.36, color=color, label=unit)
        ax.bar_label(bars, fmt="%.0f %%", padding=3, fontsize=MIN_FONT)
    ax.set_yticks(places, list(shares.index))
    ax.set(xlabel="posiciones calculadas que son relleno (%)", xlim=(0, 115 * shares.to_numpy().max()))
    ax.grid(axis="y", visible=False)
    fig.legend(loc="outside lower center", ncols=2, fontsize=MIN_FONT)
    headline(fig, title)
    return fig


def padded_batches(panels: dict[str, tuple[list[np.ndarray], int | None]], title: str) -> Figure:
    """One panel a habit: every text a row, its tokens dark and its padding light, batches apart.

    panels: habit -> (lengths, an array a batch; the width to pad to, None: each batch's longest).
    """
    fig, axes = plt.subplots(1, len(panels), sharey=True)
    widest = max(max(wanted or 0, *(int(batch.max()) for batch in batches)) for batches, wanted in panels.values())
    for ax, (habit, (batches, wanted)) in zip(axes, panels.items(), strict=True):
        y = 0
        for batch in batches:
            width = wanted or batch.max()
            rows = np.arange(y, y + len(batch))
            ax.barh(rows, width, height=1, color="#F4C7B5")
            ax.barh(rows, batch, height=1, color=BPE)
            y += len(batch) + 3
        panel_title(ax, habit)
        ax.set(xlabel="tokens", yticks=[], xlim=(0, widest * 1.02), ylim=(y, -2))
        ax.grid(visible=False)
    axes[0].set_ylabel("textos, por lotes")
    handles = [plt.Rectangle((0, 0), 1, 1, color=c, label=n) for c, n in ((BPE, "texto"), ("#F4C7B5", "relleno"))]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    headline(fig, title)
    return fig


def mask_effect(agreement: pd.DataFrame, title: str) -> Figure:
    """Share of texts whose predicted label stays what it is without padding, by padding added; a line a column of `agreement`."""
    fig, ax = plt.subplots(figsize=SIZE)
    styles = {"derecha": "-", "izquierda": "--"}
    for name, shares in agreement.items():
        masked = "con máscara" in name
        side = name.split(",")[0]
        color = "#009E73" if masked else "#D55E00"
        face = color if side == "derecha" else "white"
        ax.plot(
            agreement.index, 100 * shares, styles[side], marker="o", ms=6, mfc=face, color=color, label=name, lw=1.8
        )
    ax.set(xlabel="longitud con relleno (palabras)", ylabel="misma respuesta (%)")
    ax.set_ylim(max(-3, 100 * agreement.to_numpy().min() - 12), 103)
    fig.legend(loc="outside lower center", ncols=2, fontsize=MIN_FONT)
    headline(fig, title)
    return fig


def lookup(one_hot: np.ndarray, matrix: np.ndarray, names: list[str], token: int) -> Figure:
    """A one-hot row times a slice of an embedding matrix is one of its rows. one_hot: (n,), matrix: (n, d), names: n tokens."""
    fig, axes = plt.subplots(1, 3, width_ratios=[2.4, 3, 3])
    limit, (n, d) = np.abs(matrix).max(), matrix.shape
    axes[0].imshow(one_hot[None, :], cmap="Greys", vmin=0, vmax=1.2, aspect="equal")
    for x, value in enumerate(one_hot):
        axes[0].text(x, 0, f"{value:.0f}", ha="center", va="center", fontsize=MIN_FONT, color="white" if value else INK)
    axes[1].imshow(matrix, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes[1].add_patch(plt.Rectangle((-0.5, token - 0.5), d, 1, fill=False, ec=INK, lw=2))
    axes[2].imshow((one_hot @ matrix)[None, :], cmap="RdBu", vmin=-limit, vmax=limit, aspect="equal")
    for ax, title in zip(axes, (f"one-hot, 1 × {n}", f"× matriz, {n} × {d}", f"= renglón, 1 × {d}"), strict=True):
        panel_title(ax, title)
        ax.set(xticks=[], yticks=[])
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    axes[0].set_xticks(range(n), names, rotation=90, fontsize=MIN_FONT)
    axes[1].set_yticks(range(n), names, fontsize=MIN_FONT)
    axes[2].set_xlabel("azul: positivo · rojo: negativo", fontsize=MIN_FONT)
    headline(fig, f"Buscar el renglón de «{names[token]}» es multiplicar por un vector one-hot")
    return fig


def word_maps(
    maps: dict[str, np.ndarray], themes: dict[str, list[str]], similarity: dict[str, tuple[float, float]]
) -> Figure:
    """The same words on several 2-D maps side by side, coloured by theme. maps: title -> (n, 2); similarity: (within, between)."""
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
    """Each word beside its point, at the one of eight places where it covers least of other words and points."""
    dot, points = ax.figure.dpi / 72, ax.transData.transform(xy)
    texts = [
        ax.annotate(
            word, place, (0, 0), textcoords="offset points", ha="center", va="center", color=color, fontsize=MIN_FONT
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
