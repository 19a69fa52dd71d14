"""Figures of the pre-trained base: two starts of one network, how its loss fell, where it looks."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from ..arms import ARMS
from ..pretraining import card
from .style import BASE, INK, MIN_FONT, MUTED, PLAIN, QUIET, headline, left_out, panel_title

BASELINES = {"unigram": "frecuencias de tokens", "gzip": "gzip", "xz": "xz", "kneser_ney_5": "5-gramas"}


def pretraining_curve(known: dict | None, title: str) -> Figure:
    """Held-out bits per byte against tokens read, beside what compressors and n-grams need for the same text.

    known: a base's records (see `card.records`); None where it brings none.
    """
    if known is None:
        return left_out(title)
    log, decay_from = known["curve"], (1 - known["facts"]["decay"]) * known["facts"]["tokens_seen"]
    baselines = card.others(known)
    fig, ax = plt.subplots()
    color, tokens = BASE, log["tokens"] / 1e6
    ax.plot(tokens, log["valid_bits_per_byte"], "o-", color=color, ms=4, zorder=3)
    end = log["valid_bits_per_byte"].iloc[-1]
    ax.annotate(
        f"{end:.2f}", (tokens.iloc[-1], end), (3, -14), textcoords="offset points", ha="right", color=color
    )
    draw_baselines(ax, baselines)
    ax.axvspan(decay_from / 1e6, tokens.iloc[-1], color=color, alpha=0.08, lw=0)
    ax.annotate(
        "la tasa de aprendizaje\nbaja hasta cero",
        (decay_from / 1e6, 0.93),
        (4, 0),
        ax.get_xaxis_transform(),
        "offset points",
        va="top",
        fontsize=MIN_FONT,
        color=color,
    )
    ax.set(
        xlabel="millones de tokens leídos",
        ylabel="bits por byte (texto apartado)",
        ylim=(0, 1.05 * max(log["valid_bits_per_byte"].max(), *baselines.values(), 0)),
        xlim=(-0.01 * tokens.max(), 1.02 * tokens.max()),
    )
    headline(fig, title)
    return fig


def draw_baselines(ax: Axes, baselines: dict[str, float]) -> None:
    """A dotted line a baseline, with its name; neighbours are labelled on two sides and at two places."""
    for rank, (name, bits) in enumerate(sorted(baselines.items(), key=lambda item: -item[1])):
        ax.axhline(bits, color=INK, ls=":", lw=1)
        below = rank % 2
        lift, va = (-3, "top") if below else (3, "bottom")
        ax.annotate(
            f"{BASELINES[name]} {bits:.2f}",
            ((1, 0.55)[below], bits),
            (-2, lift),
            ax.get_yaxis_transform(),
            "offset points",
            ha="right",
            va=va,
            fontsize=MIN_FONT,
        )


def two_lanes(shared: list[str], title: str) -> Figure:
    """The same network from two starts: a lane each, from its first weights to the exam.

    shared: what both lanes go through, step by step.
    """
    fig, ax = plt.subplots()
    starts = (("pesos que leyeron\nmillones de palabras", BASE), ("pesos al azar", QUIET))
    for y, (start, color) in enumerate(starts):
        boxes = [(-0.35, start, color, "white")]
        boxes += [(x, text, PLAIN, INK) for x, text in enumerate(shared, 1)]
        for x, text, face, tone in boxes:
            edge = {"boxstyle": "round,pad=0.5", "fc": face, "ec": INK, "lw": 0.8}
            ax.text(x, y, text, ha="center", va="center", fontsize=MIN_FONT, color=tone, bbox=edge)
        for x, _ in enumerate(shared):
            arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.6}
            ax.annotate("", (x + 0.62, y), (x + 0.4, y), arrowprops=arrow)
    middle = {"ha": "center", "va": "center", "fontsize": 10}
    ax.text(-0.35, 0.5, "cambia esto", color=INK, weight="bold", **middle)
    ax.text(
        (1 + len(shared)) / 2,
        0.5,
        "todo esto es igual\n(de las tasas, cada uno se queda con la que mejor valida)",
        color=MUTED,
        **middle,
    )
    ax.set(xlim=(-1.1, len(shared) + 0.5), ylim=(-0.4, 1.4))
    ax.axis("off")
    headline(fig, title)
    return fig


def attention_maps(maps: dict[str, np.ndarray], tokens: list[str], title: str) -> Figure:
    """One (tokens, tokens) heat map an entry, how much the row's token looks at the column's.

    All on the scale 0 to 1, small weights darkened by a square root.
    """
    fig, axes = plt.subplots(1, len(maps), sharey=True)
    places = range(len(tokens))
    for ax, (name, weights) in zip(np.atleast_1d(axes), maps.items(), strict=True):
        image = ax.imshow(weights, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto")
        ax.set_xticks(places, tokens, rotation=90, fontsize=MIN_FONT)
        ax.set_yticks(places, tokens, fontsize=MIN_FONT)
        panel_title(ax, name)
        ax.grid(visible=False)
    fig.colorbar(image, ax=axes, label="peso de atención", shrink=0.7)
    headline(fig, title)
    return fig


def watched(losses: dict[str, list[float]], classes: int, title: str) -> Figure:
    """Training loss step by step of one network from several starts, an arm each; dotted: an even guess."""
    fig, ax = plt.subplots()
    for arm, values in losses.items():
        color, steps = ARMS[arm].color, range(1, len(values) + 1)
        ax.plot(steps, values, color=color, lw=2)
        place = {"textcoords": "offset points", "va": "center", "fontsize": MIN_FONT, "color": color}
        ax.annotate(ARMS[arm].name, (len(values), values[-1]), (6, 0), annotation_clip=False, **place)
    ax.axhline(np.log(classes), color=INK, ls=":", lw=1)
    note = {"textcoords": "offset points", "fontsize": MIN_FONT}
    ax.annotate("repartir por igual", (len(values), np.log(classes)), (0, 4), ha="right", **note)
    ax.set(xlabel="paso del optimizador", ylabel="pérdida de entrenamiento (nats)", ylim=(0, None))
    headline(fig, title)
    return fig
