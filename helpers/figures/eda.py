"""The figures of notebook 01: what is in the data."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from .style import (
    BPE,
    EXAMS,
    INK,
    MIN_FONT,
    MUTED,
    QUIET,
    SAND,
    SIDE_COLORS,
    SIDE_NAMES,
    SIZE,
    SLATE,
    WORDS,
    headline,
    panel_title,
)


def lengths(words: dict[str, pd.Series], tokens: dict[str, pd.Series], title: str) -> Figure:
    """Histograms of words and BPE tokens a text, one panel for each kind of text, with medians.

    The 0.5 % of longest texts are counted in the last bar."""
    fig, axes = plt.subplots(1, len(words))
    for ax, unit in zip(np.atleast_1d(axes), words, strict=True):
        top = int(np.quantile(tokens[unit], 0.995))
        step = top // 40 + 1  # whole numbers a bar, the same in each
        bins = np.arange(0, top + step + 1, step) - 0.5
        for counts, color, name in ((words[unit], WORDS, "palabras"), (tokens[unit], BPE, "tokens BPE")):
            ax.hist(np.minimum(counts, top), bins=bins, color=color, alpha=0.75, label=name)
        medians = f"{words[unit].median():.0f} palabras,\n{tokens[unit].median():.0f} tokens"
        panel_title(ax, unit.capitalize())
        ax.set_xlabel(f"mediana: {medians}", fontsize=MIN_FONT)
    np.atleast_1d(axes)[0].set_ylabel("número de textos")
    handles, names = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=2)
    headline(fig, title)
    return fig


def zipf_and_growth(counts: pd.Series, read: np.ndarray, distinct: np.ndarray) -> Figure:
    """Left: frequency of each word by rank, log-log. Right: distinct words met by words read."""
    fig, (left, right) = plt.subplots(1, 2)
    rank = np.arange(1, len(counts) + 1)
    middle = slice(9, max(20, len(counts) // 5))
    left.loglog(rank, counts, color=INK, lw=1.6)
    slope, level = np.polyfit(np.log(rank[middle]), np.log(counts.to_numpy()[middle]), 1)
    left.loglog(rank[middle], np.exp(level) * rank[middle] ** slope, color=WORDS, ls="--", lw=1.8)
    left.text(0.97, 0.97, f"ajuste: pendiente {slope:.2f}".replace("-", "−"), transform=left.transAxes,
              ha="right", va="top", color=WORDS, fontsize=MIN_FONT)  # fmt: skip
    for place in {0, min(99, len(counts) - 1)}:
        left.plot(rank[place], counts.iloc[place], "o", color=INK, ms=4)
        # the curve falls: there is room below it
        offset, side = ((-5, -11), "right") if place else ((6, 3), "left")
        left.annotate(f"rango {place + 1}: «{counts.index[place]}»", (rank[place], counts.iloc[place]),
                      offset, textcoords="offset points", fontsize=MIN_FONT, ha=side)  # fmt: skip
    left.set(xlabel="rango de la palabra (log)", ylabel="apariciones (log)")
    left.set_ylim(top=4 * counts.iloc[0])
    right.plot(read, distinct, color=INK, lw=1.8)
    right.plot([0, distinct[-1]], [0, distinct[-1]], color=QUIET, ls=":", lw=1)
    right.annotate("si todas\nfueran nuevas", (distinct[-1], distinct[-1]), (-2, 4),
                   textcoords="offset points", fontsize=MIN_FONT, color=MUTED, ha="left")  # fmt: skip
    right.set(
        xlabel="palabras leídas", ylabel="palabras distintas", xlim=(0, None), ylim=(0, 1.22 * distinct[-1])
    )
    once = (counts == 1).mean()
    headline(fig, f"El {100 * once:.0f} % de las palabras distintas aparece una sola vez")
    return fig


def leakage(shares: dict[str, tuple[float, float]], chance: float) -> Figure:
    """Pairs of bars, before and after masking, for each measure of leakage (shares in [0, 1])."""
    fig, ax = plt.subplots(figsize=SIZE)
    places = np.arange(len(shares))[::-1]
    for offset, color, name, column in ((0.19, SAND, "a la vista", 0), (-0.19, SLATE, "tapado", 1)):
        bars = ax.barh(
            places + offset, [100 * pair[column] for pair in shares.values()], 0.36, color=color, label=name
        )
        ax.bar_label(bars, fmt="%.1f %%", padding=4, fontsize=MIN_FONT)
    ax.plot([100 * chance] * 2, [-0.45, 0.45], color=INK, ls=":", lw=1.2)
    ax.annotate(
        f"azar: {100 * chance:.1f} %",
        (100 * chance, -0.56),
        (3, 0),
        textcoords="offset points",
        fontsize=MIN_FONT,
        va="bottom",
    )
    ax.set_yticks(places, list(shares))
    ax.set(xlabel="% de los textos", xlim=(0, 119), ylim=(-0.6, len(shares) - 0.4))
    ax.grid(axis="y", visible=False)
    fig.legend(loc="outside lower center", ncols=2, fontsize=MIN_FONT)
    before, after = [*shares.values()][-1]
    headline(
        fig,
        f"Adivinar por el nombre: {100 * before:.0f} % de aciertos; tapado el nombre, {100 * after:.0f} %",
    )
    return fig


SQUARES = 13  # drawn of a label, at most about so many


def protocols(study: Study, exams: dict[str, pd.DataFrame], shown: int = 10) -> Figure:
    """The ways to split the same pages side by side, by protocol: the original one first.

    A row per disease, a square per text, its colour the side.
    """
    unseen, tested = splits.unseen_labels(study.page_split)
    labels = sorted(set(study.split["label"]))
    test = [label for label in labels if label in tested]
    rest = [label for label in labels if label not in tested]
    n_test = max(shown // 5, shown - len(rest))
    test, rest = (
        part[:: max(1, len(part) // n)][:n] for part, n in ((test, n_test), (rest, shown - shown // 5))
    )
    chosen = sorted([*test, *rest], key=lambda label: study.names[label].casefold(), reverse=True)
    fig, axes = plt.subplots(1, len(exams), sharey=True)
    for ax, (protocol, split) in zip(axes, exams.items(), strict=True):
        by, unit, _ = EXAMS[protocol]
        for y, label in enumerate(chosen):
            sides = _at_most(split.loc[split["label"] == label, "side"].tolist(), SQUARES)
            ax.barh(
                [y] * len(sides),
                0.8,
                left=range(len(sides)),
                height=0.62,
                color=[SIDE_COLORS[s] for s in sides],
            )
            if protocol == "page" and label in unseen:
                ax.annotate("¡nunca vista!", (len(sides), y), (3, 0), textcoords="offset points",
                            fontsize=MIN_FONT, va="center", color=SIDE_COLORS["test"])  # fmt: skip
        panel_title(ax, by.capitalize())
        unit = "pasajes y relatos" if protocol == "patients" else unit
        ax.set(xlabel=unit, xticks=[], xlim=(-0.4, SQUARES + 0.4))
        ax.grid(visible=False)
    axes[0].set_yticks(range(len(chosen)), [study.names[label] for label in chosen], fontsize=MIN_FONT)
    never, others = len(set(labels) & set(tested)), len(set(labels) - set(tested))
    axes[0].set_ylabel(f"{len(test)} de {never} de prueba y\n{len(rest)} de {others} de entrenamiento")
    handles = [
        plt.Rectangle((0, 0), 1, 1, color=color, label=SIDE_NAMES[s]) for s, color in SIDE_COLORS.items()
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    none = len(unseen) == len(tested)
    who = f"ninguna de las {len(tested)}" if none else f"{len(tested) - len(unseen)} de {len(tested)}"
    headline(fig, f"Por páginas, {who} enfermedades de prueba estaba en entrenamiento")
    return fig


def _at_most(sides: list[str], n: int) -> list[str]:
    """The sides in order of SIDES, thinned to about `n` in proportion; each that is there keeps one."""
    counts = {name: sides.count(name) for name in splits.SIDES if name in sides}
    return [
        name for name, count in counts.items() for _ in range(max(1, round(count * min(1, n / len(sides)))))
    ]


ASKED = {
    "page": "una página de enfermedad\nno vista (original)",
    "fragment 1": "una oración de la página",
    "fragment 2": "dos oraciones juntas",
    "fragment 3": "tres oraciones juntas",
    "row": "una fila de la tabla",
    "patients": "el relato de un paciente",
}  # fmt: skip


def exams(table: pd.DataFrame, chance: float, title: str) -> Figure:
    """Test accuracy of the counting arms under each exam (see `analysis.exam.exams`), with intervals."""
    fig, ax = plt.subplots()
    order, arms = list(dict.fromkeys(table["exam"])), list(dict.fromkeys(table["arm"]))
    for number, arm in enumerate(arms):
        own, color = table[table["arm"] == arm], ARMS[arm].color
        places = np.array([-order.index(exam) for exam in own["exam"]]) - 0.24 * (number - 0.5)
        ax.hlines(places, 100 * own["low"], 100 * own["high"], color=color, lw=3)
        ax.plot(100 * own["accuracy"], places, "o", color=color, ms=7, label=ARMS[arm].name)
        for place, row in zip(places, own.itertuples(), strict=True):
            ax.annotate(f"{100 * row.accuracy:.1f} %", (100 * row.high, place), (6, 0), va="center",
                        textcoords="offset points", fontsize=MIN_FONT)  # fmt: skip
    ax.axvline(100 * chance, color=INK, ls=":", lw=1)
    ax.annotate("azar", (100 * chance, 0.42), (3, 0), textcoords="offset points", fontsize=MIN_FONT)
    ax.set_yticks([-place for place in range(len(order))], [ASKED[exam] for exam in order])
    ax.set(xlabel="exactitud en prueba (%), con intervalo del 95 %", ylim=(0.6 - len(order), 0.6))
    ax.set_xlim(-1, max(20.0, 118 * table["high"].max()))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right", fontsize=MIN_FONT)
    headline(fig, title)
    return fig
