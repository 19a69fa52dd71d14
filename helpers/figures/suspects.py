"""Figures of the autopsy: each suspect cleared, and the repair."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from .style import FAINT, MIN_FONT, MUTED, SIDE_COLORS, headline, panel_title

CHANGES = {  # of `plan.autopsy_specs`: who is suspected, and what the experiment changes
    "unchanged": ("", "como entonces"),
    "cleaned": ("poca limpieza", "texto muy limpio"),
    "fewer pages": ("pocos datos", "la mitad de páginas"),
    "more pages": ("pocos datos", "la mitad más"),
    "lower rate": ("tasa de aprendizaje", "tasa ÷ 10"),
    "higher rate": ("tasa de aprendizaje", "tasa × 10"),
    "fewer epochs": ("épocas", "épocas ÷ 4"),
    "more epochs": ("épocas", "épocas × 2"),
}


def suspects(table: pd.DataFrame, title: str) -> Figure:
    """One line an experiment: training accuracy beside test accuracy. table: `change` (a key of CHANGES),
    `train`, `test`.
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
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def repair(table: pd.DataFrame, bounds: dict[str, float], title: str) -> Figure:
    """Each model under both protocols, and what an oracle limited to seen labels would reach.

    table: one row a model, its name as index, columns `pages`, `fragments` (test accuracy) and `color`.
    bounds: the Spanish name of each protocol to the oracle's accuracy, in that order.
    """
    fig, axes = plt.subplots(1, 2, sharey=True)
    top = 1.3 * max(table["fragments"].max(), table["pages"].max(), 0.01)
    for ax, column, (name, bound) in zip(axes, ("pages", "fragments"), bounds.items(), strict=True):
        for y, row in enumerate(table[::-1].itertuples()):
            value = getattr(row, column)
            ax.barh(y, value, color=row.color, height=0.6)
            ax.annotate(
                f"{value:.3f}", (value, y), (6, 0), textcoords="offset points", va="center", fontsize=MIN_FONT
            )
        ax.set_yticks(range(len(table)), table.index[::-1])
        ax.set(xlabel="exactitud en prueba", xlim=(0, top))
        panel_title(ax, f"{name}: cota {bound:.3f}")
        ax.grid(axis="y", visible=False)
        if bound < top:
            ax.axvline(bound, color=SIDE_COLORS["test"], lw=3, zorder=5, clip_on=False)
    headline(fig, title)
    return fig
