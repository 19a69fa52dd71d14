"""Figures: one style, one colour and one Spanish name per arm; each figure is saved as PDF (report) and PNG (slides)."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from .captions import CAPTIONS, alt
from .config import ARMS
from .files import replacing
from .records import Record
from .study import Study

# 6.4 x 3.6 in is the report's text width; at 300 dpi it is 1920 x 1080, where 10 pt reads like 21 pt on a 7.5 in slide.
SIZE, DPI = (6.4, 3.6), 300
MIN_FONT = 9  # points; smaller text is lost on the back row
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
    """The finding, as the figure's title: one line, a little smaller if it must, else as many as it needs."""
    title = fig.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold")
    if title.get_window_extent().x1 > 0.98 * fig.bbox.width:
        title.set(fontsize=10, wrap=True)


def panel_title(ax: Axes, text: str) -> None:
    """What one panel shows; lighter than the finding above it."""
    ax.set_title(text, fontsize=10, fontweight="normal")


def save_figure(fig: Figure, name: str, study: Study) -> Path:
    """Writes figures/<name>.pdf and .png under the study's output and returns the PNG's path; nothing half-written is left.

    The figure's own title (what the run found) and its alt text travel in the files' metadata. ValueError for a name without a
    caption or for text smaller than MIN_FONT points.
    """
    if name not in CAPTIONS:
        raise ValueError(f"figure {name!r} has no caption; write one in helpers/captions.py")
    if small := sorted({text.get_text() for text in visible_text(fig) if text.get_fontsize() < MIN_FONT}):
        raise ValueError(f"figure {name!r}: text below {MIN_FONT} points: {', '.join(map(repr, small[:5]))}")
    directory = study.output / "figures"
    found = finding(fig)
    about = {
        "pdf": {"Title": found, "Subject": alt(name, found), "CreationDate": None},
        "png": {"Title": found, "Description": alt(name, found)},
    }
    for suffix, metadata in about.items():
        with replacing(directory / f"{name}.{suffix}") as temporary:
            fig.savefig(temporary, dpi=DPI, metadata=metadata)
    return directory / f"{name}.png"


def finding(fig: Figure) -> str:
    """The title that states what was found: the figure's, else its panels', joined."""
    title = fig.get_suptitle() or " · ".join(t for ax in fig.axes if (t := ax.get_title(loc="left")))
    return " ".join(title.split())


def visible_text(fig: Figure) -> list[Text]:
    """Every text that is drawn."""
    fig.canvas.draw()  # axis labels get their text and their visibility when they are drawn
    return [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]


def forest(summary: pd.DataFrame, title: str, chance: float) -> Figure:
    """Test accuracy of each arm with its 95 % interval, one line an arm, chance as a dotted line."""
    fig, ax = plt.subplots()
    for y, (arm, row) in enumerate(summary[::-1].iterrows()):
        color = ARMS[arm].color
        ax.plot([row.low, row.high], [y, y], color=color, lw=3, solid_capstyle="round")
        ax.plot(row.accuracy, y, "o", color=color, ms=8)
        ax.annotate(
            f"{row.accuracy:.3f}", (row.high, y), (6, 0), textcoords="offset points", va="center", fontsize=MIN_FONT
        )
    ax.axvline(chance, color=INK, ls=":", lw=1)
    ax.annotate("azar", (chance, len(summary) - 0.5), (4, 0), textcoords="offset points", fontsize=MIN_FONT, color=INK)
    ax.set_yticks(range(len(summary)), summary["name"][::-1])
    ax.set(xlabel="exactitud en prueba, con intervalo del 95 %", ylim=(-0.6, len(summary) + 0.1))
    ax.set_xlim(min(0, ax.get_xlim()[0]), 1.15 * summary["high"].max())
    ax.grid(axis="y", visible=False)
    headline(fig, title)
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
    left.set(xlabel="época", ylabel="pérdida (nats)", ylim=(0, max(left.get_ylim()[1], 1.1 * np.log(num_labels))))
    left.plot([], [], color=INK, ls="--", lw=1, label="entrenamiento")
    left.plot([], [], color=INK, lw=1.4, label="validación")
    left.legend(fontsize=MIN_FONT, loc="best")
    top = max(record.history["valid_accuracy"].max() for records in groups.values() for record in records)
    right.set(xlabel="época", ylabel="exactitud en validación", ylim=(0, 1.4 * top or 1))  # room for the legend
    right.legend(fontsize=MIN_FONT, loc="best")
    headline(fig, title)
    return fig
