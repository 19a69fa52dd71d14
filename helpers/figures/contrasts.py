"""Figures of the comparison: who is right how often, differences, unseen diseases, maps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..arms import ARMS
from .style import (
    FAINT,
    GUESSER,
    INK,
    MIN_FONT,
    ON_WHITE,
    PERCENT,
    QUIET,
    THEME_COLORS,
    beside,
    headline,
    panel_title,
)


def span(ax: Axes, row, y: float, color: str, value: str = "accuracy") -> None:
    """A measure and its interval on a line of its own."""
    ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
    ax.plot(getattr(row, value), y, "o", color=color, ms=8)


def forest(summary: pd.DataFrame, title: str, chance: float, pairs=(), beyond=None) -> Figure:
    """Test accuracy of each arm with its 95 % interval, one line an arm, chance as a dotted line.

    pairs: rows of `comparison.paired` to be bracketed, none within another; beyond: a row of
    `comparison.summary` of an arm that is drawn as a line from top to bottom.
    """
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(summary[::-1].iterrows()):
        span(ax, row, y, ARMS[arm].color)
        beside(ax, f"{100 * row.accuracy:.1f} %", (row.high, y))
    ax.axvline(chance, color=INK, ls=":", lw=1)
    ax.annotate("azar", (chance, len(summary) - 0.5), (4, 0), textcoords="offset points", fontsize=MIN_FONT)
    ax.set_yticks(range(len(summary)), summary["name"][::-1], fontsize=MIN_FONT)
    ax.set(xlabel="exactitud en prueba, con intervalo del 95 %", ylim=(-0.6, len(summary) + 0.1))
    ax.set_xlim(min(0, ax.get_xlim()[0]), (1.25 if pairs else 1.15) * summary["high"].max())
    if beyond is not None:
        color = ARMS[beyond.name].color
        ax.axvline(beyond.accuracy, color=color, ls="--", lw=1.4)
        told = f"{ARMS[beyond.name].name}\n{100 * beyond.accuracy:.1f} %"
        at = {
            "textcoords": "offset points",
            "ha": "right",
            "va": "top",
            "fontsize": MIN_FONT,
            "bbox": ON_WHITE,
        }
        ax.set_ylim(top=len(summary) + 0.6)  # room for its name above the rows
        ax.annotate(told, (beyond.accuracy, len(summary) + 0.6), (-4, 0), color=color, **at)
        ax.set_xlim(right=max(ax.get_xlim()[1], 1.08 * beyond.accuracy))
    right = ax.get_xlim()[1]
    for pair in pairs:
        bracket(ax, summary, pair, right)
    ax.xaxis.set_major_formatter(PERCENT)
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def bracket(ax: Axes, summary: pd.DataFrame, pair, right: float) -> None:
    """The rows of two arms tied together at `right`, with their difference."""
    ends = [len(summary) - 1 - summary.index.get_loc(arm) for arm in (pair.a, pair.b)]
    ax.plot(
        [right, 1.03 * right, 1.03 * right, right],
        [ends[0], ends[0], ends[1], ends[1]],
        color=INK,
        lw=1.2,
        clip_on=False,
    )
    size = f"{100 * pair.difference:+.1f}\n[{100 * pair.low:+.1f},\n{100 * pair.high:+.1f}]".replace("-", "−")
    place = {"textcoords": "offset points", "va": "center", "fontsize": MIN_FONT, "annotation_clip": False}
    ax.annotate(size, (1.03 * right, sum(ends) / 2), (5, 0), weight="bold", **place)


def signed(value: float) -> str:
    """A difference of shares in whole percentage points with its sign; 0 has none."""
    return f"{100 * value:+.0f}".replace("-", "−") if round(100 * value) else "0"


def differences(pairs: pd.DataFrame, title: str) -> Figure:
    """Paired differences with their intervals; in colour where the interval excludes zero."""
    fig, ax = plt.subplots()
    for y, row in enumerate(pairs[::-1].itertuples()):
        clear = row.low > 0 or row.high < 0
        color = ARMS[row.a].color if clear else QUIET
        ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.difference, y, "o", color=color, ms=8, mfc=color if clear else "white", zorder=4)
        beside(ax, f"{100 * row.difference:+.1f}".replace("-", "−"), (row.high, y), bbox=ON_WHITE)
    ax.axvline(0, color=INK, ls=":", lw=1)
    names = [f"{ARMS[row.a].name} − {ARMS[row.b].name}" for row in pairs[::-1].itertuples()]
    ax.set_yticks(range(len(pairs)), names, fontsize=MIN_FONT)
    ax.set(xlabel="puntos porcentuales [IC 95 %]", ylim=(-0.6, len(pairs) - 0.2))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value)))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def unseen(table: pd.DataFrame, guessers: pd.DataFrame, chance: float, title: str) -> Figure:
    """MRR of diseases without a training row: every arm, and below a rule the guessers; chance dotted.

    table and guessers: one row an arm or guesser, columns as `unseen.table` and `unseen.guessers` give them.
    """
    known = {"english": "Adivino: nombres en inglés", "all": "Adivino: todos los nombres"}
    lines = [(ARMS[row.arm].name, ARMS[row.arm].color, row) for row in table.itertuples()]
    lines += [(known[row.knows], GUESSER, row) for row in guessers.itertuples()]
    fig, ax = plt.subplots()
    for y, (_, color, row) in enumerate(lines[::-1]):
        ax.plot([row.mrr_low, row.mrr_high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.mrr, y, "o", color=color, ms=8)
        beside(ax, f"{row.mrr:.3f}", (row.mrr_high, y), bbox=ON_WHITE)
    ax.axvline(chance, color=INK, ls=":", lw=1.2)
    ax.axhline(len(guessers) - 0.5, color=QUIET, lw=0.8)
    ax.set_yticks(range(len(lines)), [name for name, *_ in lines[::-1]], fontsize=MIN_FONT)
    right = np.nanmax([row.mrr_high for *_, row in lines] + [row.mrr for *_, row in lines])
    ax.set(xlabel="MRR entre todos los nombres (punteado: azar)", ylim=(-0.6, len(lines) - 0.4))
    ax.set_xlim(-0.03 * right, 1.15 * max(right, chance))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


GROUPS = {  # of data/diseases.csv, as the class reads them: those of `config.CLASS_GROUPS`
    "arthritis": "artritis", "headache": "cefaleas", "anemia": "anemias", "airways": "vías respiratorias",
    "inflammatory-rash": "piel inflamada", "childhood-rash": "exantemas", "bowel": "intestino",
    "heart": "corazón", "hormones": "hormonas", "eyes": "ojos",
}  # fmt: skip


def text_maps(panels: dict[str, tuple[np.ndarray, float]], groups: np.ndarray, title: str) -> Figure:
    """What patients say, each as a point where a model sees it, a panel a model; some groups in colour.

    panels: arm -> (n, 2) places and the share of nearest neighbours of the same group; groups: (n,) str. The
    largest groups have colours, as many as there are; all others are grey.
    """
    columns = min(4 if len(panels) > 6 else 3, len(panels))
    fig, axes = plt.subplots(-(-len(panels) // columns), columns, squeeze=False)
    shown = pd.Series(groups).value_counts().index[: len(THEME_COLORS)]
    for ax in axes.flat:
        ax.axis("off")
    for ax, (arm, (places, share)) in zip(axes.flat, panels.items(), strict=False):
        ax.scatter(*places.T, s=3, color=FAINT)
        for group, color in zip(shown, THEME_COLORS, strict=False):
            ax.scatter(*places[groups == group].T, s=8, color=color, label=GROUPS.get(group, group))
        start = ARMS[arm].name.removeprefix(ARMS[arm].family).strip()
        panel_title(ax, f"{ARMS[arm].family}\n{start}\n{100 * share:.0f} % del grupo")
    handles, names = axes[0, 0].get_legend_handles_labels()
    close = {"handletextpad": 0.1, "columnspacing": 1.2, "markerscale": 2, "fontsize": MIN_FONT}
    fig.legend(handles, names, loc="outside lower center", ncols=len(names), **close)
    headline(fig, title)
    return fig
