"""Figures of what is paid: how sure a model is, where its errors fall, seconds."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..arms import ARMS
from .contrasts import beside, spread
from .style import INK, MIN_FONT, PERCENT, headline


def calibration(table: pd.DataFrame, title: str) -> Figure:
    """Class perplexity before (hollow) and after (filled) temperature scaling, log scale; less is better."""
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(table[::-1].iterrows()):
        color = ARMS[arm].color
        ax.plot([row.perplexity, row.perplexity_scaled], [y, y], color=color, lw=1.5)
        ax.plot(row.perplexity, y, "o", color=color, mfc="white", ms=8, mew=1.6)
        ax.plot(row.perplexity_scaled, y, "o", color=color, ms=8)
        beside(ax, f"ECE {100 * row.ece_scaled:.0f} %", (max(row.perplexity, row.perplexity_scaled), y))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_yticks(range(len(table)), [ARMS[arm].name for arm in table.index[::-1]], fontsize=MIN_FONT)
    ax.set(xlabel="perplejidad de clase (lleno: con temperatura)")
    ax.set_xlim(right=2 * max(table["perplexity"].max(), table["perplexity_scaled"].max()))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def cost(table: pd.DataFrame, title: str) -> Figure:
    """Test accuracy against the seconds of a training, logarithmic; the further up and left the better."""
    fig, ax = plt.subplots()
    top, longest = table["accuracy"].max(), table["seconds"].max()
    heights = spread(table["accuracy"].to_dict(), 0.062 * top)
    for arm, row in table.iterrows():
        color, point = ARMS[arm].color, (row.seconds, row.accuracy)
        ax.plot(*point, "o", color=color, ms=9)
        line = {"arrowstyle": "-", "color": color, "lw": 0.7, "shrinkA": 1, "shrinkB": 0}
        place = {"va": "center", "color": color, "fontsize": MIN_FONT, "annotation_clip": False}
        ax.annotate(ARMS[arm].name, point, (3 * longest, heights[arm]), arrowprops=line, **place)
    ax.set_xscale("log")
    ax.set(xlabel="segundos de un entrenamiento (escala logarítmica)", ylabel="exactitud en prueba")
    ax.set(xlim=(table["seconds"].min() / 2, 2 * longest), ylim=(-0.05 * top, 1.1 * top))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_major_formatter(PERCENT)
    headline(fig, title)
    return fig


def within(table: pd.DataFrame, title: str) -> Figure:
    """Share of each arm's errors that stay in the confusion group of the true disease; dotted: blind errors.

    table: index arm; columns within, low, high, chance (see `errors.confusion_groups`).
    """
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(table[::-1].iterrows()):
        if np.isnan(row.within):
            beside(ax, "sin errores", (0, y))
            continue
        ax.plot([row.low, row.high], [y, y], color=ARMS[arm].color, lw=3, solid_capstyle="round")
        ax.plot(row.within, y, "o", color=ARMS[arm].color, ms=8)
        beside(ax, f"{100 * row.within:.1f} %", (row.high, y))
        ax.plot([row.chance] * 2, [y - 0.3, y + 0.3], color=INK, lw=1.2, ls=":")
    ax.set_yticks(range(len(table)), [ARMS[arm].name for arm in table.index[::-1]], fontsize=MIN_FONT)
    ax.set(xlabel="errores dentro del grupo (punteado: al azar)", ylim=(-0.6, len(table) - 0.3))
    ax.set_xlim(0, 1.15 * max(table["high"].max(skipna=True), 0.05) if table["high"].notna().any() else 1)
    ax.xaxis.set_major_formatter(PERCENT)
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig
