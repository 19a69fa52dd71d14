"""Curves: by epoch, by labelled passages, by words shared, by what was read before."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from ..arms import ARMS
from ..experiments.records import Record
from .style import INK, MIN_FONT, PERCENT, QUIET, beside, headline, spread


def curves(groups: dict[str, list[Record]], title: str, num_labels: int) -> Figure:
    """Loss and validation accuracy by epoch for the records of some arms, one line per seed.

    Dashed training, solid validation.
    """
    fig, (left, right) = plt.subplots(1, 2)
    for arm, records in groups.items():
        color = ARMS[arm].color
        for number, record in enumerate(records):
            history = record.history
            left.plot(history["epoch"], history["train_loss"], color=color, ls="--", lw=1, alpha=0.8)
            left.plot(history["epoch"], history["valid_loss"], color=color, lw=1.4)
            right.plot(
                history["epoch"],
                history["valid_accuracy"],
                color=color,
                lw=1.4,
                label=ARMS[arm].name if number == 0 else None,
            )
    left.axhline(np.log(num_labels), color=INK, ls=":", lw=1)
    left.annotate(
        "azar",
        (0.99, np.log(num_labels)),
        (0, 3),
        left.get_yaxis_transform(),
        "offset points",
        ha="right",
        fontsize=MIN_FONT,
    )
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set(
        xlabel="época", ylabel="pérdida (nats)", ylim=(0, max(left.get_ylim()[1], 1.1 * np.log(num_labels)))
    )
    left.plot([], [], color=INK, ls="--", lw=1, label="entrenamiento")
    left.plot([], [], color=INK, lw=1.4, label="validación")
    left.legend(fontsize=MIN_FONT, loc="best")
    top = max(record.history["valid_accuracy"].max() for records in groups.values() for record in records)
    # room for the legend
    right.set(xlabel="época", ylabel="exactitud en validación", ylim=(0, 1.4 * top or 1))
    right.set_yticks([tick for tick in right.get_yticks() if tick <= 1])
    right.yaxis.set_major_formatter(PERCENT)
    right.legend(fontsize=MIN_FONT, loc="best")
    headline(fig, title)
    return fig


def three_measures(groups: dict[str, list[Record]], num_labels: int, title: str) -> Figure:
    """Loss, accuracy and class perplexity of some arms' records as they train, one line per seed.

    x: percent of an arm's epochs, of which arms have different numbers. Dashed training, solid validation,
    dotted chance.
    """
    fig, axes = plt.subplots(1, 3)
    for ax, name, of, chance in (
        (axes[0], "pérdida (nats)", lambda history, side: history[f"{side}_loss"], np.log(num_labels)),
        (axes[1], "exactitud", lambda history, side: history[f"{side}_accuracy"], 1 / num_labels),
        (
            axes[2], "perplejidad de clase",
            lambda history, side: np.exp(history[f"{side}_loss"]), num_labels,
        ),
    ):  # fmt: skip
        for arm, history in ((arm, record.history) for arm, records in groups.items() for record in records):
            color = ARMS[arm].color
            done = 100 * history["epoch"] / history["epoch"].max()
            ax.plot(done, of(history, "train"), color=color, ls="--", lw=1, alpha=0.8)
            ax.plot(done, of(history, "valid"), color=color, lw=1.4)
        ax.axhline(chance, color=INK, ls=":", lw=1)
        lift = -9 if name == "exactitud" else 3
        place = ("offset points", ax.get_yaxis_transform())
        ax.annotate("azar", (0.98, chance), (0, lift), place[1], place[0], ha="right", fontsize=MIN_FONT)
        ax.set(xlabel="% de sus épocas", ylabel=name)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes[0].set_ylim(0, None)
    axes[1].set_ylim(-0.06, 1.02)
    axes[1].yaxis.set_major_formatter(PERCENT)
    axes[2].set_yscale("log")
    for arm in groups:
        axes[0].plot([], [], color=ARMS[arm].color, label=ARMS[arm].name)
    axes[0].plot([], [], color=INK, ls="--", lw=1, label="entrenamiento")
    axes[0].plot([], [], color=INK, lw=1.4, label="validación")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=MIN_FONT)
    headline(fig, title)
    return fig


def efficiency(curve: pd.DataFrame, chance: float, height: float | None, title: str) -> Figure:
    """Accuracy against labelled rows per disease (log scale), with a band for each arm's interval.

    Names stand at the lines' ends. height: where "worth k times the labels" is read, a line across.
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
    for name, y in spread(ends, 0.065 * top).items():
        beside(ax, name, (sizes[-1], y), color=colors[name], annotation_clip=False)
    note = ""
    if height is not None:
        ax.axhline(height, color=QUIET, lw=1)
        note = "\nlínea gris: la altura a la que se lee el factor"
    ax.set_xscale("log")
    ax.set_xticks(
        sizes, [f"{size:.0f}" if size == round(size) else f"≈ {size:.0f}\n(todos)" for size in sizes]
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(
        xlabel=f"pasajes de entrenamiento por enfermedad (escala logarítmica){note}",
        ylabel="exactitud en prueba (IC 95 %)",
    )
    ax.set(ylim=(0, top), xlim=(sizes[0] * 0.92, sizes[-1] * 1.04))
    ax.yaxis.set_major_formatter(PERCENT)
    headline(fig, title)
    return fig


def shared_words(table: pd.DataFrame, arms: list[str], title: str) -> Figure:
    """Accuracy against the share of a statement's content words that its disease's pages hold, in quartiles.

    table: see `together.by_shared_words`.
    """
    fig, ax = plt.subplots()
    ends, colors = {}, {}
    for arm in arms:
        rows, color = table[table["arm"] == arm], ARMS[arm].color
        ax.fill_between(rows["shared"], rows["low"], rows["high"], color=color, alpha=0.12, lw=0)
        ax.plot(rows["shared"], rows["accuracy"], "o-", color=color, lw=1.8)
        ends[ARMS[arm].name], colors[ARMS[arm].name] = rows["accuracy"].iloc[-1], color
    right = table["shared"].max()
    for name, y in spread(ends, 0.06).items():
        beside(ax, name, (right, y), color=colors[name], annotation_clip=False)
    ax.set(xlabel="palabras del texto que están en la página de su enfermedad", ylim=(0, 1))
    ax.set_ylabel("exactitud en prueba (IC 95 %)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PERCENT)
    headline(fig, title)
    return fig


def dose(points: pd.DataFrame, large: dict | None, title: str) -> Figure:
    """Accuracy of the fine-tuned model against the tokens that its base has read, log scale.

    points: `tokens`, `accuracy`, `low`, `high`, `bits_per_byte` (see `dose.measure`); large: a base of
    another size and make (see `facts.large_dose`), hollow, above what it does without reading; or None.
    """
    fig, ax = plt.subplots()
    read = points[points["tokens"] > 0]
    color, nothing = ARMS["gpt2_finetuned"].color, points[points["tokens"] == 0]
    ax.fill_between(read["tokens"], read["low"], read["high"], color=color, alpha=0.15, lw=0)
    ax.plot(read["tokens"], read["accuracy"], "o-", color=color)
    for row in read.itertuples():
        at = {"color": color, "ha": "center", "fontsize": MIN_FONT}
        ax.annotate(
            f"{100 * row.accuracy:.1f}",
            (row.tokens, row.high),
            (0, 4),
            **at | {"textcoords": "offset points"},
        )
        if row.bits_per_byte == row.bits_per_byte:
            ax.text(row.tokens, 0.02, f"{row.bits_per_byte:.2f}", transform=ax.get_xaxis_transform(), **at)
    for row in nothing.itertuples():
        ax.axhline(row.accuracy, color=ARMS["gpt2_scratch"].color, ls="--", lw=1.4)
        told = f"sin haber leído nada, {100 * row.accuracy:.1f}"
        beside(ax, told, (read["tokens"].max(), row.accuracy), va="bottom")
    if large is not None:
        own = ARMS["smollm2_finetuned"].color
        ax.plot([large["tokens"]] * 2, [large["low"], large["high"]], color=own, lw=2)
        ax.plot(large["tokens"], large["accuracy"], "o", color=own, mfc="white", mew=2, ms=9)
        place = {"textcoords": "offset points", "ha": "right", "va": "center", "fontsize": MIN_FONT}
        end = large["tokens"], large["accuracy"]
        told = f"SmolLM2 (otro tamaño), {100 * large['accuracy']:.1f}"
        ax.annotate(told, end, (-10, 0), color=own, **place)
        if (nothing := large["nothing"]) is not None:
            faint, ends = ARMS["smollm2_scratch"].color, (large["tokens"] / 30, large["tokens"] * 2)
            ax.plot(ends, [nothing] * 2, "--", color=faint, lw=2)
            told = f"SmolLM2 sin haber leído nada, {100 * nothing:.1f}"
            ax.annotate(told, (ends[1], nothing), (0, -5), **place | {"va": "top"})
    ax.set_xscale("log")
    ax.set(xlabel="tokens leídos por la base (escala logarítmica); sobre el eje, sus bits por byte")
    ax.set(ylabel="exactitud en prueba (IC 95 %)", ylim=(0, None))
    ax.yaxis.set_major_formatter(PERCENT)
    headline(fig, title)
    return fig
