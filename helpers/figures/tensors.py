"""The figures of notebook 02: how text becomes tensors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .style import (
    BPE,
    BPE_BOX,
    INK,
    LACKING,
    MIN_FONT,
    MUTED,
    NEW,
    SIZE,
    SLATE,
    WORDS,
    headline,
    panel_title,
)


def token_boxes(rows: dict[str, tuple[list[str], str]], title: str) -> Figure:
    """For each tokenizer one block of boxes, a box a token, broken into lines; unknown words in salmon."""
    fig, axes = plt.subplots(len(rows), 1)
    for ax, (name, (tokens, color)) in zip(np.atleast_1d(axes), rows.items(), strict=True):
        x, y = 0.0, 0
        for token in tokens:
            width = 0.98 * len(token) + 1.1
            if x + width > 66:
                x, y = 0.0, y - 1
            box = {
                "boxstyle": "round,pad=0.25",
                "fc": LACKING if token.startswith("[UNK]") else color,
                "ec": INK,
                "lw": 0.5,
            }
            ax.text(
                x + width / 2,
                y,
                token,
                ha="center",
                va="center",
                fontsize=10,
                family="DejaVu Sans Mono",
                bbox=box,
                parse_math=False,
            )
            x += width + 0.5
        ax.set(xlim=(-1, 66), ylim=(min(y, -2) - 0.6, 0.7))
        panel_title(ax, name)
        ax.axis("off")
    headline(fig, title)
    return fig


def merges(steps: list[list[str]], title: str) -> Figure:
    """A word's BPE merges from top to bottom, one line per step, the new piece in colour.

    Boxes are as wide as their letters.
    """
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
                    (x + 0.04, -y - 0.36), len(piece) - 0.08, 0.72, fc=NEW if new else BPE_BOX, ec=INK, lw=0.6
                )
            )
            ax.text(
                x + len(piece) / 2,
                -y,
                piece,
                ha="center",
                va="center",
                fontsize=10,
                family="DejaVu Sans Mono",
                parse_math=False,
            )
            x += len(piece)
        label = f"{len(pieces)} pieza{'s' if len(pieces) > 1 else ''}"
        ax.text(
            x + 0.4,
            -y,
            f"{len(pieces)} bytes" if number == 0 else f"unión {number}: {label}",
            va="center",
            fontsize=MIN_FONT,
            color=MUTED,
        )
    ax.set(xlim=(-0.2, max(16, len("".join(steps[0])) + 5)), ylim=(-len(shown) + 0.3, 0.7))
    ax.axis("off")
    headline(fig, title)
    return fig


def padded_batches(panels: dict[str, tuple[list[np.ndarray], int | None]], title: str) -> Figure:
    """One panel a habit: every text a row, its tokens dark and its padding light, batches apart.

    panels: habit -> (lengths, an array a batch; the width to pad to, None: each batch's longest).
    """
    fig, axes = plt.subplots(1, len(panels), sharey=True)
    widest = max(
        max(wanted or 0, *(int(batch.max()) for batch in batches)) for batches, wanted in panels.values()
    )
    for ax, (habit, (batches, wanted)) in zip(axes, panels.items(), strict=True):
        y = 0
        for batch in batches:
            width = wanted or batch.max()
            rows = np.arange(y, y + len(batch))
            ax.barh(rows, width, height=1, color=LACKING)
            ax.barh(rows, batch, height=1, color=BPE)
            y += len(batch) + 3
        panel_title(ax, habit)
        ax.set(xlabel="palabras", yticks=[], xlim=(0, widest * 1.02), ylim=(y, -2))
        ax.grid(visible=False)
    axes[0].set_ylabel("textos, por lotes")
    handles = [
        plt.Rectangle((0, 0), 1, 1, color=c, label=n) for c, n in ((BPE, "texto"), (LACKING, "relleno"))
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    headline(fig, title)
    return fig


def mask_effect(agreement: pd.DataFrame, title: str) -> Figure:
    """Share of texts whose predicted label is the same as without padding, by padding added.

    One line per column of `agreement`.
    """
    fig, ax = plt.subplots(figsize=SIZE)
    styles = {"derecha": "-", "izquierda": "--"}
    for name, shares in agreement.items():
        masked = "con máscara" in name
        side = name.split(",")[0]
        color = SLATE if masked else WORDS
        face = color if side == "derecha" else "white"
        ax.plot(
            agreement.index,
            100 * shares,
            styles[side],
            marker="o",
            ms=6,
            mfc=face,
            color=color,
            label=name,
            lw=1.8,
        )
    ax.set(xlabel="longitud con relleno (palabras)", ylabel="misma respuesta (%)")
    ax.set_ylim(max(-3, 100 * agreement.to_numpy().min() - 12), 103)
    fig.legend(loc="outside lower center", ncols=2, fontsize=MIN_FONT)
    headline(fig, title)
    return fig
