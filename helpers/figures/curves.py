"""Curves by epoch."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..arms import ARMS
from ..experiments.records import Record
from .style import INK, MIN_FONT, PERCENT, headline


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
