"""Figures: one style, one colour and one Spanish name per arm; each figure is saved as PDF (report) and PNG (slides)."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .config import ARMS
from .records import Record
from .study import Study

# 6.4 x 3.6 in is the report's text width; at 300 dpi it is 1920 x 1080, where 10 pt reads like 21 pt on a 7.5 in slide.
SIZE, DPI = (6.4, 3.6), 300
INK, GRID = "#222222", "#DDDDDD"
SIDE_COLORS = {"train": "#0072B2", "valid": "#E69F00", "test": "#D55E00"}
SIDE_NAMES = {"train": "entrenamiento", "valid": "validación", "test": "prueba"}
STYLE = {
    "figure.figsize": SIZE,
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#999999"]),
    "pdf.fonttype": 42,  # TrueType: text stays text in the PDF
    "svg.hashsalt": "helpers",
}


def use_style() -> None:
    """Makes the project's style the default of this process's figures."""
    plt.rcParams.update(STYLE)


def headline(fig: Figure, text: str) -> None:
    """The finding, as the title of a figure with several panels."""
    fig.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold")


def save_figure(fig: Figure, name: str, study: Study) -> Path:
    """Writes figures/<name>.pdf and .png under the study's output and returns the PNG's path; nothing half-written is left."""
    directory = study.output / "figures"
    directory.mkdir(parents=True, exist_ok=True)
    for suffix, metadata in (("pdf", {"CreationDate": None}), ("png", None)):
        temporary = directory / f".{name}.part.{suffix}"
        fig.savefig(temporary, dpi=DPI, metadata=metadata)
        temporary.replace(directory / f"{name}.{suffix}")
    return directory / f"{name}.png"


def forest(summary: pd.DataFrame, title: str, chance: float) -> Figure:
    """Test accuracy of each arm with its 95 % interval, one line an arm, chance as a dotted line."""
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(summary[::-1].iterrows()):
        color = ARMS[arm].color
        ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.accuracy, y, "o", color=color, ms=8)
        ax.annotate(f"{row.accuracy:.3f}", (row.high, y), (6, 0), textcoords="offset points", va="center", fontsize=9)
    ax.axvline(chance, color=INK, ls=":", lw=1)
    ax.annotate("azar", (chance, len(summary) - 0.45), (4, 0), textcoords="offset points", fontsize=9, color=INK)
    ax.set_yticks(range(len(summary)), summary["name"][::-1])
    ax.set(xlabel="exactitud en prueba, con intervalo del 95 %", ylim=(-0.6, len(summary) - 0.2))
    ax.set_xlim(left=min(0, ax.get_xlim()[0]))
    ax.grid(axis="y", visible=False)
    ax.set_title(title)
    return fig


def curves(groups: dict[str, list[Record]], title: str, num_labels: int) -> Figure:
    """Loss and validation accuracy by epoch for the records of some arms; dashed training, solid validation, a line a seed."""
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
        "azar", (0.99, np.log(num_labels)), (0, -9), left.get_yaxis_transform(), "offset points", ha="right", fontsize=8
    )
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set(xlabel="época", ylabel="pérdida (nats)", ylim=(0, None))
    left.plot([], [], color=INK, ls="--", lw=1, label="entrenamiento")
    left.plot([], [], color=INK, lw=1.4, label="validación")
    left.legend(fontsize=8, loc="best")
    top = max(record.history["valid_accuracy"].max() for records in groups.values() for record in records)
    right.set(xlabel="época", ylabel="exactitud en validación", ylim=(0, 1.4 * top or 1))  # room for the legend
    right.legend(fontsize=8, loc="best")
    headline(fig, title)
    return fig
