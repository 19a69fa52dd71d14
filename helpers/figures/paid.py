"""Figures of what is paid: how sure a model is, and seconds."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..arms import ARMS
from .style import MIN_FONT, MUTED, PERCENT, beside, headline, spread


def calibration(table: pd.DataFrame, title: str) -> Figure:
    """Calibration error before (hollow) and after (filled) temperature scaling; less is better.

    Beside it, the class perplexity after.
    """
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(table[::-1].iterrows()):
        color = ARMS[arm].color
        ax.plot([row.ece, row.ece_scaled], [y, y], color=color, lw=1.5)
        ax.plot(row.ece, y, "o", color=color, mfc="white", ms=8, mew=1.6)
        ax.plot(row.ece_scaled, y, "o", color=color, ms=8)
        beside(ax, f"{row.perplexity_scaled:.1f}", (1.02, y), xycoords=ax.get_yaxis_transform(), color=MUTED)
    top = len(table) - 0.4
    beside(ax, "perpl. con T", (1.0, top + 0.35), xycoords=ax.get_yaxis_transform(), color=MUTED)
    ax.set_yticks(range(len(table)), [ARMS[arm].name for arm in table.index[::-1]], fontsize=MIN_FONT)
    ax.set(xlabel="error de calibración, ECE (hueco: sin temperatura; lleno: con ella)", ylim=(-0.6, top))
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(PERCENT)
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
