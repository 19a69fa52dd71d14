"""One style and every colour that is not a model's; each figure is saved as PDF (report) and PNG (slides)."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter

from ..arms import ARMS
from ..data.study import Study
from ..files import replacing
from .captions import CAPTIONS, alt

# 6.4 x 3.6 in is the report's text width; at 300 dpi it is 1920 x 1080, where 10 pt reads like 21 pt on a 7.5
# in slide.
SIZE, DPI = (6.4, 3.6), 300
MIN_FONT = 9  # points; smaller text is lost on the back row
# A model's colour (`arms`) means that model and nothing else. Whatever is no model gets one of these: greys,
# slates and sands.
INK, GRID = "#222222", "#DDDDDD"
# lines, second thoughts, side notes, empty boxes
FAINT, QUIET, MUTED, PLAIN = "#BBBBBB", "#888888", "#666666", "#EEEEEE"
# two of anything: after and before, with and without, one unit and another
SLATE, SAND = "#52616B", "#C9B79C"
SIDE_COLORS = {"train": "#B4BEC8", "valid": "#7D8A96", "test": "#2F3A45"}
# the word tokenizer (BiLSTM) and byte-level BPE (GPT-2), the same in every figure
WORDS, BPE = "#B08D57", "#5B7C99"
WORDS_BOX, BPE_BOX = "#FBE9C6", "#D6EAF8"  # their tokens, written in boxes
LACKING, NEW = "#F4C7B5", "#F0C75E"  # what is padding or unknown; what has just been joined
FORWARD, BACKWARD, JOINED = "#5B7C99", "#A97C50", "#6F7F66"  # the two readings of a BiLSTM, and both together
SIGNED = "RdBu_r"  # numbers on both sides of zero: red is positive or for, blue negative or against
BASE = "#3D5A6C"  # the pre-trained base before it is any of the models
GUESSER = "#A0522D"  # who has read nothing
DRAWN = {"Slate": BASE, "Sand": SAND, "Forward": FORWARD, "Backward": BACKWARD, "Joined": JOINED}  # in LaTeX
THEME_COLORS = ("#332288", "#117733", "#CC6677", "#AA4499", "#44AA99", "#999933")


class Exam(NamedTuple):
    """A protocol in Spanish: how its split is called, its training rows, and one of its test rows."""

    by: str
    unit: str
    asked: str


EXAMS = {
    "page": Exam("por páginas", "páginas", "una página"),
    "fragment": Exam("por fragmentos", "fragmentos", "una oración de su página"),
    "row": Exam("por filas", "filas", "otra fila"),
    "patients": Exam("con relatos", "pasajes", "lo que dice un paciente"),
}
PERCENT = PercentFormatter(1, decimals=0, symbol=" %")  # an axis of shares
SIDE_NAMES = {"train": "entrenamiento", "valid": "validación", "test": "prueba"}
# Fonts for names in scripts that DejaVu lacks, tried in this order where they are installed.
OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
)
STYLE = {
    "figure.figsize": SIZE,
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "font.family": ["DejaVu Sans", *(font for font in OTHER_SCRIPTS if font in get_font_names())],
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
    "axes.prop_cycle": cycler(color=[SLATE, SAND, BPE, WORDS, QUIET]),
    "pdf.fonttype": 42,  # TrueType: text stays text in the PDF
    "svg.hashsalt": "helpers",
}


def color_of(name: str) -> str:
    """The colour of the model of that Spanish name; a quiet one for what is no arm."""
    return next((arm.color for arm in ARMS.values() if arm.name == name), QUIET)


def use_style() -> None:
    """Makes the project's style the default of this process's figures."""
    warnings.filterwarnings("ignore", "Glyph .* missing")  # `save_figure` says so once
    plt.rcParams.update(STYLE)


def headline(fig: Figure, text: str) -> None:
    """The finding, as the figure's title: one line, a little smaller if it must, else as many as it needs.

    A number stays on one line with its percent sign.
    """
    title = fig.suptitle(
        text.replace(" %", "\N{NO-BREAK SPACE}%"), x=0.01, ha="left", fontsize=11, fontweight="bold"
    )
    if title.get_window_extent().x1 > 0.98 * fig.bbox.width:
        title.set(fontsize=10, wrap=True)


def panel_title(ax: Axes, text: str) -> None:
    """What one panel shows; lighter than the finding above it."""
    ax.set_title(text, fontsize=10, fontweight="normal")


def left_out(reason: str) -> Figure:
    """A figure in the place of one that these data do not allow, which says why."""
    fig, ax = plt.subplots()
    ax.text(0.5, 0.5, "No hay nada que dibujar con estos datos.", ha="center", va="center", color=MUTED)
    ax.axis("off")
    headline(fig, reason)
    return fig


@contextmanager
def says_missing_letters() -> Iterator[None]:
    """One line, and only the first time, instead of a warning for every letter that no installed font has."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Glyph .* missing")
        yield
    lacking = [warning for warning in caught if "Glyph" in str(warning.message)]
    for warning in caught:
        if warning not in lacking:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if lacking and not _said:
        _said.append(True)
        print("algunas letras de los nombres no están en las fuentes instaladas (p. ej. Noto Sans CJK)")


_said: list[bool] = []  # in this process


@says_missing_letters()
def save_figure(fig: Figure, name: str, study: Study) -> Path:
    """Writes figures/<name>.pdf and .png under the study's output; returns the PNG's path.

    Nothing half-written is left. The PDF goes without the figure's own title (what the run found), which its
    caption or its frame says. Title and alt text travel in the files' metadata. ValueError for a name without
    a caption or for text smaller than MIN_FONT points.
    """
    if name not in CAPTIONS:
        raise ValueError(f"figure {name!r} has no caption; write one in helpers/figures/captions.py")
    if small := sorted({text.get_text() for text in visible_text(fig) if text.get_fontsize() < MIN_FONT}):
        raise ValueError(f"figure {name!r}: text below {MIN_FONT} points: {', '.join(map(repr, small[:5]))}")
    directory = study.output / "figures"
    found = finding(fig)
    about = {
        "pdf": {"Title": found, "Subject": alt(name, found), "CreationDate": None},
        "png": {"Title": found, "Description": alt(name, found)},
    }
    for suffix, metadata in about.items():
        with replacing(directory / f"{name}.{suffix}") as temporary, untitled(fig, suffix == "pdf"):
            fig.savefig(temporary, dpi=DPI, metadata=metadata)
    return directory / f"{name}.png"


@contextmanager
def untitled(fig: Figure, asked: bool) -> Iterator[None]:
    """While it is entered, if asked, the figure has no title of its own, and the room of it."""
    own = [text for text in fig.texts if asked and text.get_text() and text.get_text() == fig.get_suptitle()]
    for title in own:
        title.set(visible=False, in_layout=False)
    yield
    for title in own:
        title.set(visible=True, in_layout=True)


def finding(fig: Figure) -> str:
    """The title that states what was found: the figure's, else its panels', joined."""
    title = fig.get_suptitle() or " · ".join(t for ax in fig.axes if (t := ax.get_title(loc="left")))
    return " ".join(title.split())


def visible_text(fig: Figure) -> list[Text]:
    """Every text that is drawn."""
    fig.canvas.draw()  # axis labels get their text and their visibility when they are drawn
    return [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]


ON_WHITE = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}  # for text that a line may cross


def beside(ax: Axes, text: str, place: tuple[float, float], **more) -> None:
    """A small note to the right of a point."""
    style = {"textcoords": "offset points", "va": "center", "fontsize": MIN_FONT} | more
    ax.annotate(text, place, (6, 0), **style)


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
