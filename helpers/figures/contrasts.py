"""Figures of the comparison: differences, the ladder, data efficiency, unseen diseases, forgetting, cost."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from ..arms import ARMS
from .style import INK, MIN_FONT, QUIET, headline, panel_title


def forest(summary: pd.DataFrame, title: str, chance: float) -> Figure:
    """Test accuracy of each arm with its 95 % interval, one line an arm, chance as a dotted line."""
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(summary[::-1].iterrows()):
        color = ARMS[arm].color
        ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.accuracy, y, "o", color=color, ms=8)
        ax.annotate(
            f"{row.accuracy:.3f}",
            (row.high, y),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=MIN_FONT,
        )
    ax.axvline(chance, color=INK, ls=":", lw=1)
    ax.annotate(
        "azar", (chance, len(summary) - 0.5), (4, 0), textcoords="offset points", fontsize=MIN_FONT, color=INK
    )
    ax.set_yticks(range(len(summary)), summary["name"][::-1])
    ax.set(xlabel="exactitud en prueba, con intervalo del 95 %", ylim=(-0.6, len(summary) + 0.1))
    ax.set_xlim(min(0, ax.get_xlim()[0]), 1.15 * summary["high"].max())
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


ON_WHITE = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}  # for text that a line may cross
TOP_NAMES = {"mrr": "MRR", "top1": "primer lugar", "top5": "primeros 5", "top10": "primeros 10"}


def differences(pairs: pd.DataFrame, title: str) -> Figure:
    """Paired differences with their intervals; in colour where the interval excludes zero."""
    fig, ax = plt.subplots()
    for y, row in enumerate(pairs[::-1].itertuples()):
        clear = row.low > 0 or row.high < 0
        color = ARMS[row.a].color if clear else QUIET
        ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.difference, y, "o", color=color, ms=8, mfc=color if clear else "white", zorder=4)
        shown, place = (
            f"{row.difference:+.3f}".replace("-", "−"),
            {"textcoords": "offset points", "ha": "center"},
        )
        ax.annotate(shown, (row.difference, y), (0, 6), fontsize=MIN_FONT, bbox=ON_WHITE, **place)
    ax.axvline(0, color=INK, ls=":", lw=1)
    names = [f"{ARMS[row.a].name} − {ARMS[row.b].name}" for row in pairs[::-1].itertuples()]
    ax.set_yticks(range(len(pairs)), names, fontsize=MIN_FONT)
    ax.set(xlabel="diferencia de exactitud [IC 95 %]", ylim=(-0.6, len(pairs) - 0.2))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig


def ladder(summary: pd.DataFrame, rungs: dict[str, str], reference: str, title: str) -> Figure:
    """Test accuracy rung by rung: which pre-trained weights are given, and whether they may be trained.

    rungs: arm -> what it is given, from nothing to everything; reference: an arm drawn as a line across.
    """
    fig, ax = plt.subplots()
    for x, arm in enumerate(rungs):
        row = summary.loc[arm]
        ax.bar(x, row.accuracy, color=ARMS[arm].color, width=0.62, alpha=0.9)
        for width, color in ((4, "white"), (2, INK)):  # on a black bar too
            ax.plot([x, x], [row.low, row.high], color=color, lw=width, solid_capstyle="butt")
        ax.annotate(
            f"{row.accuracy:.3f}", (x, row.high), (0, 4), textcoords="offset points", ha="center", fontsize=10
        )
    line = summary.loc[reference]
    ax.axhline(line.accuracy, color=ARMS[reference].color, lw=1.5, ls="--")
    ax.annotate(
        f"{ARMS[reference].name} {line.accuracy:.3f}",
        (0.005, line.accuracy),
        (0, 4),
        ax.get_yaxis_transform(),
        "offset points",
        color=ARMS[reference].color,
        fontsize=MIN_FONT,
    )
    ax.set_xticks(
        range(len(rungs)),
        [
            f"{ARMS[arm].name}:\n{given}".replace("mini, ", "mini,\n").replace("mini ", "mini\n")
            for arm, given in rungs.items()
        ],
        fontsize=MIN_FONT,
    )
    ax.set(
        ylabel="exactitud en prueba (IC 95 %)",
        ylim=(0, 1.2 * max(summary["high"][list(rungs)].max(), line.accuracy)),
    )
    ax.grid(axis="x", visible=False)
    headline(fig, title)
    return fig


def efficiency(curve: pd.DataFrame, chance: float, title: str) -> Figure:
    """Accuracy against labelled rows per disease (log scale), with a band for each arm's interval.

    Names stand at the lines' ends.
    """
    fig, ax = plt.subplots()
    ends, colors = {"azar": chance}, {"azar": INK}
    for arm, rows in curve.groupby("arm", sort=False):
        name, color = ARMS[arm].name, ARMS[arm].color
        ax.fill_between(rows["per_disease"], rows["low"], rows["high"], color=color, alpha=0.1, lw=0)
        ax.plot(rows["per_disease"], rows["accuracy"], "o-", color=color, ms=5, lw=1.8)
        ends[name], colors[name] = rows["accuracy"].iloc[-1], color
    ax.axhline(chance, color=INK, ls=":", lw=1)
    sizes = sorted(curve["per_disease"].unique())
    top = curve["high"].max() * 1.05
    for name, y in spread(ends, 0.06 * top).items():
        place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(
            name, (sizes[-1], y), color=colors[name], fontsize=MIN_FONT, annotation_clip=False, **place
        )
    ax.set_xscale("log")
    ax.set_xticks(sizes, [f"{size:.0f}" if size == round(size) else f"{size:.1f}\n(todas)" for size in sizes])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(
        xlabel="filas de entrenamiento por enfermedad", ylabel="exactitud en prueba (IC 95 %)", ylim=(0, top)
    )
    ax.set_xlim(sizes[0] * 0.92, sizes[-1] * 1.04)
    headline(fig, title)
    return fig


def spread(ends: dict[str, float], gap: float) -> dict[str, float]:
    """Heights for labels, in the values' order, at least `gap` apart, as near the values as that allows."""
    order = sorted(ends, key=ends.get)
    heights = [ends[name] for name in order]
    for _ in range(200):
        for i in range(len(order) - 1):
            if (short := gap - (heights[i + 1] - heights[i])) > 1e-9:
                heights[i] -= short / 2
                heights[i + 1] += short / 2
    return dict(zip(order, heights, strict=True))


def unseen(table: pd.DataFrame, chance: dict[str, float], title: str) -> Figure:
    """Diseases without a training row: MRR and top-1, top-5 and top-10 shares, beside chance.

    Top-n share: how often the disease's name comes among the first n.

    table: one row an arm, columns as `unseen.table` gives them.
    """
    fig, axes = plt.subplots(1, len(TOP_NAMES), sharey=True)
    for ax, (measure, name) in zip(axes, TOP_NAMES.items(), strict=True):
        for y, row in enumerate(table[::-1].itertuples()):
            color, value = ARMS[row.arm].color, getattr(row, measure)
            low, high = getattr(row, f"{measure}_low"), getattr(row, f"{measure}_high")
            ax.plot([low, high], [y, y], color=color, lw=3, solid_capstyle="round")
            ax.plot(value, y, "o", color=color, ms=6)
            place = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            ax.annotate(f"{value:.2f}", (high, y), fontsize=MIN_FONT, bbox=ON_WHITE, **place)
        ax.axvline(chance[measure], color=INK, ls=":", lw=1.2)
        panel_title(ax, name)
        right = max(table[f"{measure}_high"].max(), chance[measure])
        ax.set(xlim=(-0.08 * right, 1.6 * right), ylim=(-0.6, len(table) - 0.4))
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="x", labelsize=MIN_FONT)
        ax.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes[0].set_yticks(
        range(len(table)),
        [ARMS[arm].name.replace(", ", ",\n") for arm in table["arm"][::-1]],
        fontsize=MIN_FONT,
    )
    fig.supxlabel(
        "punteado: lo que se espera de ordenar los nombres al azar · barras: IC 95 %", fontsize=MIN_FONT
    )
    headline(fig, title)
    return fig


def forgetting(rows: dict[str, dict[str, float]], title: str) -> Figure:
    """Bits per byte before (hollow) and after (filled) fine-tuning, one line per kind of text.

    rows: kind -> `forgetting.change`.
    """
    fig, ax = plt.subplots()
    color = ARMS["gpt2_lm"].color
    for y, row in enumerate(rows.values()):
        ax.annotate(
            "",
            (row["bits_after"], y),
            (row["bits_before"], y),
            arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 5, "shrinkB": 4},
        )
        ax.plot(
            row["bits_before"],
            y,
            "o",
            color=color,
            mfc="white",
            ms=9,
            mew=2,
            label="antes" if y == 0 else None,
        )
        ax.plot(row["bits_after"], y, "o", color=color, ms=9, label="después" if y == 0 else None)
        text = f"{row['change']:+.2f} bits por byte\n[{row['low']:+.2f}, {row['high']:+.2f}]".replace(
            "-", "−"
        )
        middle = (row["bits_before"] + row["bits_after"]) / 2
        ax.annotate(text, (middle, y), (0, 10), textcoords="offset points", ha="center", fontsize=MIN_FONT)
    values = [row[key] for row in rows.values() for key in ("bits_before", "bits_after")]
    margin = 0.12 * (max(values) - min(values)) + 0.05
    ax.set_yticks(range(len(rows)), rows)
    ax.set(
        xlabel="bits por byte (menos es mejor)",
        ylim=(-0.6, len(rows) - 0.2),
        xlim=(min(values) - margin, max(values) + margin),
    )
    ax.grid(axis="y", visible=False)
    ax.legend(loc="best", fontsize=MIN_FONT)
    headline(fig, title)
    return fig


def cost(table: pd.DataFrame, title: str) -> Figure:
    """Test accuracy against the seconds of a training, logarithmic; the further up and left the better."""
    fig, ax = plt.subplots()
    top, longest = table["accuracy"].max(), table["seconds"].max()
    slow = table["seconds"] > longest / 10  # most of them, close together: their names stand in a column
    heights = spread(table["accuracy"][slow].to_dict(), 0.09 * top)
    for arm, row in table.iterrows():
        name, color, point = ARMS[arm].name, ARMS[arm].color, (row.seconds, row.accuracy)
        ax.plot(*point, "o", color=color, ms=10)
        if arm in heights:
            line = {"arrowstyle": "-", "color": color, "lw": 0.7, "shrinkA": 1, "shrinkB": 0}
            ax.annotate(
                name,
                point,
                (2 * longest, heights[arm]),
                va="center",
                color=color,
                fontsize=MIN_FONT,
                arrowprops=line,
            )
        else:
            ax.annotate(
                name, point, (8, 0), textcoords="offset points", va="center", color=color, fontsize=MIN_FONT
            )
    ax.set_xscale("log")
    ax.set(
        xlabel="segundos de un entrenamiento (escala logarítmica)",
        ylabel="exactitud en prueba",
        xlim=(table["seconds"].min() / 2, 1.6 * longest),
        ylim=(-0.05 * top, 1.1 * top),
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    headline(fig, title)
    return fig


def within(table: pd.DataFrame, title: str) -> Figure:
    """Share of each arm's errors that stay in the confusion group of the true disease.

    A small bar marks blind errors.

    table: index arm; columns within, low, high, chance (see `errors.confusion_groups`).
    """
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(table[::-1].iterrows()):
        if np.isnan(row.within):
            ax.annotate(
                "sin errores", (0, y), (6, 0), textcoords="offset points", va="center", fontsize=MIN_FONT
            )
            continue
        ax.plot([row.low, row.high], [y, y], color=ARMS[arm].color, lw=3, solid_capstyle="round")
        ax.plot(row.within, y, "o", color=ARMS[arm].color, ms=8)
        ax.annotate(
            f"{100 * row.within:.0f} %",
            (row.high, y),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=MIN_FONT,
        )
        ax.plot([row.chance] * 2, [y - 0.3, y + 0.3], color=INK, lw=1.2, ls=":")
    ax.set_yticks(range(len(table)), [ARMS[arm].name for arm in table.index[::-1]])
    ax.set(xlabel="errores dentro del grupo correcto (punteado: al azar)", ylim=(-0.6, len(table) - 0.3))
    ax.set_xlim(0, 1.15 * max(table["high"].max(skipna=True), 0.05) if table["high"].notna().any() else 1)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.grid(axis="y", visible=False)
    headline(fig, title)
    return fig
