"""Figures of the recurrent network: drawn unrolled, its first attempt, its autopsy and its knobs."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ..arms import ARMS
from ..experiments.records import Record
from .style import (
    BACKWARD,
    FAINT,
    FORWARD,
    INK,
    JOINED,
    MIN_FONT,
    MUTED,
    PERCENT,
    PLAIN,
    SIDE_COLORS,
    color_of,
    headline,
    panel_title,
)


def _box(ax, x, y, text, color, width=0.86, height=0.62, tone="white"):
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            "round,pad=0.02,rounding_size=0.1",
            fc=color,
            ec=INK,
            lw=0.8,
        )
    )
    ax.text(x, y, text, ha="center", va="center", fontsize=MIN_FONT, color=tone)


def _arrow(ax, start, end, color=INK):
    ax.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.1, "shrinkA": 0, "shrinkB": 0},
    )


def unrolled(words: list[str], title: str) -> Figure:
    """The bidirectional network drawn once per word.

    Embedding, both chains, and the two last states that go on to the softmax.
    """
    fig, ax = plt.subplots()
    gap = 1.5
    places = gap * np.arange(len(words))
    last = places[-1]
    for t, (x, word) in enumerate(zip(places, words, strict=True)):
        ax.text(x, -0.1, word, ha="center", va="center", fontsize=MIN_FONT, style="italic")
        _arrow(ax, (x, 0.1), (x, 0.42))
        _box(ax, x, 0.75, f"$x_{{{t + 1}}}$", PLAIN, tone=INK)
        _box(ax, x, 1.95, "LSTM\n→", FORWARD)
        _box(ax, x, 3.15, "LSTM\n←", BACKWARD)
        _arrow(ax, (x - 0.18, 1.08), (x - 0.18, 1.62), FORWARD)
        curve = {"arrowstyle": "-|>", "color": BACKWARD, "lw": 1.1, "connectionstyle": "arc3,rad=0.2"}
        ax.annotate("", (x + 0.3, 2.82), (x + 0.3, 1.08), arrowprops=curve | {"shrinkA": 0, "shrinkB": 0})
        if x < last:
            _arrow(ax, (x + 0.5, 1.95), (x + gap - 0.5, 1.95), FORWARD)
            _arrow(ax, (x + gap - 0.5, 3.15), (x + 0.5, 3.15), BACKWARD)
    for x, y, color in ((places[0] + 0.78, 2.45, FORWARD), (last - gap + 0.78, 3.65, BACKWARD)):
        ax.text(x, y, "$h, c$", ha="center", va="center", fontsize=MIN_FONT, color=color)
    ax.text(places[0] - 0.55, 0.75, "vectores", ha="right", va="center", fontsize=MIN_FONT)
    ax.text(places[0] - 0.55, 1.95, "de ida", ha="right", va="center", fontsize=MIN_FONT, color=FORWARD)
    ax.text(places[0] - 0.55, 3.15, "de vuelta", ha="right", va="center", fontsize=MIN_FONT, color=BACKWARD)
    _box(ax, last + 1.75, 2.55, "$[\\vec h_T; \\overleftarrow{h}_1]$", JOINED, 1.1)
    _arrow(ax, (last + 0.45, 1.95), (last + 1.2, 2.4), FORWARD)
    ax.plot([0, 0, last + 1.75], [3.48, 4.0, 4.0], color=BACKWARD, lw=1.1)
    _arrow(ax, (last + 1.75, 4.0), (last + 1.75, 2.88), BACKWARD)
    _arrow(ax, (last + 2.34, 2.55), (last + 2.65, 2.55))
    _box(ax, last + 3.36, 2.55, "densa +\nsoftmax", PLAIN, 1.35, 0.85, INK)
    _arrow(ax, (last + 4.07, 2.55), (last + 4.38, 2.55))
    ax.text(last + 4.43, 2.55, r"$p(y \mid x)$", ha="left", va="center", fontsize=MIN_FONT)
    ax.set(xlim=(-1.75, last + 5.6), ylim=(-0.45, 4.3))
    ax.axis("off")
    headline(fig, title)
    return fig


def first_attempt(record: Record, title: str) -> Figure:
    """Training accuracy epoch by epoch, and the test accuracy at the end."""
    history, color = record.history, ARMS[record.spec.arm].color
    end = history["epoch"].iloc[-1], record.metrics["test"]["accuracy"]
    halfway = (history["train_accuracy"] >= history["train_accuracy"].max() / 2).idxmax()
    fig, ax = plt.subplots()
    ax.plot(history["epoch"], history["train_accuracy"], color=color, ls="--", lw=2)
    ax.plot(*end, "o", color=SIDE_COLORS["test"], ms=9, clip_on=False)
    place = {"textcoords": "offset points", "ha": "right"}
    ax.annotate("entrenamiento", tuple(history.loc[halfway, ["epoch", "train_accuracy"]]), (-8, 0), **place)
    ax.annotate("prueba, al terminar", end, (-8, 6), color=SIDE_COLORS["test"], **place)
    ax.set(xlabel="época", ylabel="exactitud", ylim=(-0.03, 1.03))
    ax.yaxis.set_major_formatter(PERCENT)
    headline(fig, title)
    return fig


CHANGES = {  # of `plan.autopsy_specs`: who is suspected, and what the experiment changes
    "unchanged": ("", "como entonces"),
    "cleaned": ("poca limpieza", "texto muy limpio"),
    "fewer pages": ("pocos datos", "la mitad de las páginas"),
    "more pages": ("pocos datos", "50 % más de páginas"),
    "lower rate": ("tasa de aprendizaje", "tasa ÷ 10"),
    "higher rate": ("tasa de aprendizaje", "tasa × 10"),
    "fewer epochs": ("épocas", "épocas ÷ 4"),
    "more epochs": ("épocas", "épocas × 2"),
    "larger network": ("demasiado simple", "unidades × 2"),
}


def suspects(table: pd.DataFrame, title: str) -> Figure:
    """Training accuracy beside test accuracy, one line per experiment.

    table: `change` (a key of CHANGES), `train`, `test`.
    """
    fig, ax = plt.subplots()
    names = []
    for y, row in enumerate(table[::-1].itertuples()):
        ax.plot([row.test, row.train], [y, y], color=FAINT, lw=1.2, zorder=1)
        ax.plot(row.train, y, "o", mfc="white", mec=SIDE_COLORS["valid"], mew=1.8, ms=8)
        ax.plot(row.test, y, "o", color=SIDE_COLORS["test"], ms=8)
        suspect, change = CHANGES[row.change]
        names.append(change)
        ax.annotate(
            suspect, (1.03, y), xycoords=ax.get_yaxis_transform(), va="center", fontsize=MIN_FONT, color=MUTED
        )
    top = len(table) - 1
    ax.annotate(
        "prueba",
        (table["test"].iloc[0], top),
        (4, 9),
        textcoords="offset points",
        ha="left" if table["test"].iloc[0] < 0.1 else "center",
        fontsize=MIN_FONT,
        color=SIDE_COLORS["test"],
    )
    ax.annotate(
        "entrenamiento", (table["train"].iloc[0], top), (0, 9), textcoords="offset points",
        ha="right" if table["train"].iloc[0] > 0.7 else "left", fontsize=MIN_FONT, color=SIDE_COLORS["valid"],
    )  # fmt: skip
    ax.set_yticks(range(len(table)), names)
    ax.set(xlabel="exactitud", xlim=(-0.03, 1.03), ylim=(-0.6, len(table) - 0.2))
    ax.xaxis.set_major_formatter(PERCENT)
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def repair(table: pd.DataFrame, bounds: dict[str, float], title: str) -> Figure:
    """Each model under both protocols, and what an oracle limited to seen labels would reach.

    table: one row a model, its name as index, columns `pages` and `fragments` (test accuracy).
    bounds: the Spanish name of each protocol to the oracle's accuracy, in that order.
    """
    fig, axes = plt.subplots(1, 2, sharey=True)
    top = 1.3 * max(table["cured"].max(), table["pages"].max(), 0.01)
    for ax, column, (name, bound) in zip(axes, ("pages", "cured"), bounds.items(), strict=True):
        for y, row in enumerate(table[::-1].itertuples()):
            value = getattr(row, column)
            ax.barh(y, value, color=color_of(row.Index), height=0.6)
            ax.annotate(
                f"{100 * value:.1f} %",
                (value, y),
                (-6 if value > top / 2 else 6, 0),
                textcoords="offset points",
                ha="right" if value > top / 2 else "left",
                va="center",
                color="white" if value > top / 2 else INK,
                fontsize=MIN_FONT,
            )
        ax.set_yticks(range(len(table)), table.index[::-1])
        ax.set(xlabel="exactitud en prueba", xlim=(0, top))
        ax.xaxis.set_major_formatter(PERCENT)
        panel_title(ax, f"{name}: cota {100 * bound:.1f} %")
        ax.grid(axis="y", visible=False)
        if bound < top:
            ax.axvline(bound, color=SIDE_COLORS["test"], lw=3, zorder=5, clip_on=False)
    headline(fig, title)
    return fig


KNOBS = {  # of `plan.sweep_specs`: how each is called, and a changed value as it is written
    "embedding": ("tamaño del vector", "{:g}"),
    "units": ("unidades", "{:g}"),
    "directions": ("direcciones", "sólo de ida"),
    "pooling": ("qué estados lee", "el último"),
    "batch_size": ("textos por lote", "{:g}"),
    "dropout": ("dropout de los estados", "{:g}"),
    "word_dropout": ("dropout de palabras", "{:g}"),
    "rate": ("tasa de aprendizaje", "×\N{NO-BREAK SPACE}{:g}"),
    "epochs": ("épocas", "×\N{NO-BREAK SPACE}{:g}"),
}


NOISE = 0.1  # of MRR: what one seed and few validation rows may do by themselves


def sweep(table: pd.DataFrame, title: str) -> Figure:
    """Validation MRR when one hyperparameter is changed, one line each; vertical: the arm as it is.

    Shaded: what may be noise (see NOISE). table: see `comparison.swept`.
    """
    fig, ax = plt.subplots()
    own = table.loc[table["name"] == "", "mrr"].iloc[0]
    ax.axvspan(own - NOISE, own + NOISE, color=FAINT, alpha=0.35, lw=0)
    ax.axvline(own, color=INK, lw=1)
    for y, (name, (_, written)) in enumerate(reversed(KNOBS.items())):
        rows = table[table["name"] == name].sort_values("mrr")
        ax.plot([min(own, *rows["mrr"]), max(own, *rows["mrr"])], [y, y], color=FAINT, lw=1.2, zorder=1)
        for number, row in enumerate(rows.itertuples()):
            ax.plot(row.mrr, y, "o", color=SIDE_COLORS["valid"], ms=7)
            place = {"textcoords": "offset points", "va": "center", "fontsize": MIN_FONT}
            place["bbox"] = {"fc": "white", "ec": "none", "pad": 0.6}
            left = number == 0 and len(rows) > 1
            text = written.format(row.value)
            ax.annotate(text, (row.mrr, y), (-7 if left else 7, 0), ha="right" if left else "left", **place)
    ax.set_yticks(range(len(KNOBS)), [name for name, _ in reversed(KNOBS.values())], fontsize=MIN_FONT)
    low, high = min(own, table["mrr"].min()), max(own, table["mrr"].max())
    ax.set(
        xlabel="MRR en validación (línea: sin cambios; banda: ruido posible)",
        ylim=(-0.6, len(KNOBS) - 0.4),
    )
    ax.set_xlim(low - 0.2 * (high - low), high + 0.2 * (high - low))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig
