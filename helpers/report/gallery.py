"""A run's figures in one place: an index with thumbnails for people, captions and alt texts for LaTeX."""

from pathlib import Path

from PIL import Image

from ..config import ROOT
from ..figures.captions import CAPTIONS
from ..files import copy, write_text
from .numbers import latex

HEAD = """# Figuras

Este índice se genera junto con las figuras; no se edita a mano. Cada una está en PDF (al ancho del texto del
reporte, con las fuentes incluidas) y en PNG de 1920 × 1080 (para diapositivas). El título de cada figura lo
escribe la ejecución que la produjo; la descripción, que sirve también de pie en el reporte y en las
diapositivas, está en `helpers/figures/captions.py`.
"""
# A screenshot that notebook 06 shows and no run draws: `python benchmarks/demo_latency.py --screenshot FILE`
# takes it.
SCREENSHOT = "06_demo.png"
SCREENSHOT_TEXT = (
    "Captura de la demostración (`make demo`): un texto sobre síntomas y lo que contesta cada modelo."
)


def write_index(output: Path) -> None:
    """Writes figures/README.md and report/generated/figuras.tex under `output`, for the figures that are
    there.
    """
    figures = output / "figures"
    shown = {
        name: described(figures / f"{name}.png") for name in CAPTIONS if (figures / f"{name}.png").is_file()
    }
    entries = [
        f'## {name}\n\n<a href="{name}.png"><img src="{name}.png" width="480" '
        f'alt="{alt.replace(chr(34), "&quot;")}"></a>\n\n'
        f"**{title or 'Sin título'}.** {CAPTIONS[name].text} [PDF]({name}.pdf)\n"
        for name, (title, alt) in shown.items()
    ]
    if output != ROOT:
        copy(ROOT / "figures" / SCREENSHOT, figures / SCREENSHOT)
    entries.append(
        f'## 06_demo\n\n<a href="{SCREENSHOT}"><img src="{SCREENSHOT}" width="480" '
        f'alt="Captura"></a>\n\n{SCREENSHOT_TEXT}\n'
    )
    write_text(figures / "README.md", "\n".join([HEAD, *entries]))
    lines = [
        rf"\definefigure{{{name}}}{{{latex(CAPTIONS[name].text)}}}{{{latex(alt)}}}"
        for name, (_, alt) in shown.items()
    ]
    write_text(
        output / "report" / "generated" / "figuras.tex",
        "% Written from the figures' metadata; do not edit.\n" + "\n".join(lines) + "\n",
    )


def described(png: Path) -> tuple[str, str]:
    """What the figure found and its alt text, as `plots.save_figure` put them into the file; empty where they
    lack.
    """
    with Image.open(png) as picture:
        return picture.text.get("Title", ""), picture.text.get("Description", "")
