"""Curves by epoch and against the clock."""

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


def three_measures(record: Record, num_labels: int, title: str) -> Figure:
    """Loss, accuracy and class perplexity of one run by epoch.

    Dashed training, solid validation, dotted chance.
    """
    fig, axes = plt.subplots(1, 3)
    history, color = record.history, ARMS[record.spec.arm].color
    for ax, name, of, chance in (
        (axes[0], "pérdida (nats)", lambda side: history[f"{side}_loss"], np.log(num_labels)),
        (axes[1], "exactitud", lambda side: history[f"{side}_accuracy"], 1 / num_labels),
        (axes[2], "perplejidad de clase", lambda side: np.exp(history[f"{side}_loss"]), num_labels),
    ):
        ax.plot(history["epoch"], of("train"), color=color, ls="--", label="entrenamiento")
        ax.plot(history["epoch"], of("valid"), color=color, label="validación")
        ax.axhline(chance, color=INK, ls=":", lw=1)
        lift = -9 if name == "exactitud" else 3
        ax.annotate(
            "azar",
            (0.98, chance),
            (0, lift),
            ax.get_yaxis_transform(),
            "offset points",
            ha="right",
            fontsize=MIN_FONT,
        )
        ax.set(xlabel="época", ylabel=name)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes[0].set_ylim(0, None)
    axes[1].set_ylim(-0.06, 1.02)
    axes[1].yaxis.set_major_formatter(PERCENT)
    axes[2].set_yscale("log")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=MIN_FONT)
    headline(fig, title)
    return fig


def race(groups: dict[str, list[Record]], steps_per_epoch: int, title: str) -> Figure:
    """Validation MRR of some arms against optimizer steps and against training seconds, on a log scale.

    One line per seed, a dot at its best epoch.
    """
    fig, axes = plt.subplots(1, 2, sharey=True)
    for arm, records in groups.items():
        for number, record in enumerate(records):
            history = record.history
            best = history["valid_mrr"].idxmax()
            for ax, x in zip(
                axes, (history["epoch"] * steps_per_epoch, history["seconds"].cumsum()), strict=True
            ):
                label = ARMS[arm].name if number == 0 else None
                ax.plot(x, history["valid_mrr"], color=ARMS[arm].color, lw=1.4, label=label)
                ax.plot(x[best], history["valid_mrr"][best], "o", color=ARMS[arm].color, ms=5)
    axes[0].set(xlabel="pasos del optimizador", ylabel="MRR en validación", ylim=(0, None), xlim=(0, None))
    axes[1].set(xlabel="segundos (escala logarítmica)", xscale="log")
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(groups), fontsize=MIN_FONT
    )
    headline(fig, title)
    return fig
