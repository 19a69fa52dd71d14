"""The report and the slides as PDF, built with latexmk and checked, and the index of their figures."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from PIL import Image

from ..config import BUILD, ROOT, InputError, RunError
from ..figures.captions import CAPTIONS, stopped
from ..files import copy, sha256, write_text
from ..report.latex import latex

HEAD = """# Figuras

Este índice se genera junto con las figuras; no se edita a mano. Cada una está en PDF (al ancho del texto
del reporte, con las fuentes incluidas) y en PNG de 1920 × 1080 (para diapositivas); `06_demo` es una
captura. El título de cada figura lo escribe la ejecución que la produjo; la descripción, que sirve también
de pie en el reporte y en las diapositivas, está en `helpers/figures/captions.py`.
"""
# A screenshot that notebook 06 shows and no run draws: `python benchmarks/demo_latency.py --screenshot FILE`
# takes it.
SCREENSHOT = "06_demo.png"
SCREENSHOT_TEXT = (
    "Captura de la demostración (`make demo`): un texto sobre síntomas y lo que contesta cada modelo, "
    "entrenado con el corpus incluido."
)


def write_index(output: Path) -> None:
    """Writes figures/README.md and report/generated/figuras.tex under `output`.

    For the figures that are there.
    """
    figures = output / "figures"
    shown = {
        name: described(figures / f"{name}.png") for name in CAPTIONS if (figures / f"{name}.png").is_file()
    }
    entries = [
        f'## {name}\n\n<a href="{name}.png"><img src="{name}.png" width="480" '
        f'alt="{alt.replace(chr(34), "&quot;")}"></a>\n\n'
        f"**{stopped(title or 'Sin título')}** {CAPTIONS[name].text} [PDF]({name}.pdf)\n"
        for name, (title, alt) in shown.items()
    ]
    if output != ROOT:
        copy(ROOT / "figures" / SCREENSHOT, figures / SCREENSHOT)
    entries.append(
        f'## 06_demo\n\n<a href="{SCREENSHOT}"><img src="{SCREENSHOT}" width="480" '
        f'alt="Captura"></a>\n\n{SCREENSHOT_TEXT}\n'
    )
    write_text(figures / "README.md", "\n".join([HEAD + of_what(output), *entries]))
    lines = [
        rf"\definefigure{{{name}}}"
        + "".join(f"{{{latex(text)}}}" for text in (CAPTIONS[name].text, alt, title, stopped(title)))
        for name, (title, alt) in shown.items()
    ]
    write_text(
        output / "report" / "generated" / "figuras.tex",
        "% Written from the figures' metadata; do not edit.\n" + "\n".join(lines) + "\n",
    )


def of_what(output: Path) -> str:
    """A paragraph that says of which data the figures are; empty before there are results."""
    file = output / "report" / "generated" / "results.json"
    if not file.is_file():
        return ""
    told = json.loads(file.read_text(encoding="utf-8"))
    profile, source, labels = told["profile"]["name"], told["source"], told["num_labels"]
    return f"\nPerfil `{profile}`, fuente `{source}`, {labels} enfermedades.\n"


def described(png: Path) -> tuple[str, str]:
    """What the figure found and its alt text, as `style.save_figure` put them into the file.

    Empty where they are missing.
    """
    with Image.open(png) as picture:
        return picture.text.get("Title", ""), picture.text.get("Description", "")


DOCUMENTS = ("informe", "expo", "expo_notas")
# What the sources need: a program or a file that TeX must find, and the Debian package that brings it.
NEEDED = {
    "latexmk": "latexmk",
    "pdflatex": "texlive-latex-base",
    "biber": "biber",
    "beamer.cls": "texlive-latex-recommended",
    "siunitx.sty": "texlive-science",
    "biblatex.sty": "texlive-bibtex-extra",
    "spanish.ldf": "texlive-lang-spanish",
    "enumitem.sty": "texlive-latex-extra",
    "qrcode.sty": "texlive-pictures",
    "tikz.sty": "texlive-pictures",
    "lmodern.sty": "lmodern",
}
OVERFULL = 2.0  # points that a box may stick out
FINGERPRINT = re.compile(r"huella ([0-9a-f]{16})")


def build(output: Path = ROOT) -> list[Path]:
    """Writes informe.pdf, expo.pdf and expo_notas.pdf to `output`/report; returns them.

    They are made from the results and figures of `output`. Each PDF carries `fingerprint(output)` in its
    keywords. A file is replaced only by one that came out whole: no undefined reference, no missing
    character, no box over OVERFULL points; otherwise RunError with the lines of the log. InputError if LaTeX
    or the results are missing.
    """
    check_tools()
    for needed in (output / "report" / "generated" / "results.json", output / "figures" / "README.md"):
        if not needed.is_file():
            raise InputError(
                f"{needed}: no such file; `make run` writes it (PROFILE=course for the committed results)"
            )
    stage = BUILD / "latex"
    shutil.rmtree(stage, ignore_errors=True)
    bring_together(output, stage)
    made = []
    for name in DOCUMENTS:
        print(f"{name}.pdf …", flush=True)
        latexmk(stage / "report", name)
        target = output / "report" / f"{name}.pdf"
        copy(stage / "report" / f"{name}.pdf", target)
        made.append(target)
    return made


def check_tools() -> None:
    """Raises InputError that names the Debian packages that are missing."""
    missing = [package for file, package in NEEDED.items() if not _found(file)]
    if missing:
        packages = " ".join(dict.fromkeys(missing))
        raise InputError(f"LaTeX is not complete; on Debian: apt-get install {packages}")


def _found(file: str) -> bool:
    if "." not in file:
        return shutil.which(file) is not None
    if shutil.which("kpsewhich") is None:
        return False
    return bool(
        subprocess.run(["kpsewhich", file], capture_output=True, text=True, check=False).stdout.strip()
    )


def inputs(output: Path) -> list[Path]:
    """All files that decide what the PDFs show.

    Sources, generated macros, tables and captions, results, figures.
    """
    sources = [ROOT / "report" / pattern for pattern in ("*.tex", "*.bib", "dibujos/*.tex")]
    made = [output / "report" / "generated" / pattern for pattern in ("*.tex", "results.json")]
    return [
        file
        for pattern in (*sources, *made, output / "figures" / "*.pdf")
        for file in sorted(pattern.parent.glob(pattern.name))
    ]


def fingerprint(output: Path) -> str:
    """16 hex digits of the content of `inputs`."""
    digest = hashlib.sha256()
    for file in inputs(output):
        digest.update(f"{file.parent.name}/{file.name}\0".encode() + bytes.fromhex(sha256(file)))
    return digest.hexdigest()[:16]


def bring_together(output: Path, stage: Path) -> None:
    """Copies `inputs` to `stage`, laid out as in the repository, with the fingerprint as a macro."""
    for file in inputs(output):
        root = (
            output
            if file.is_relative_to(output / "report" / "generated") or file.is_relative_to(output / "figures")
            else ROOT
        )
        target = stage / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    macros = stage / "report" / "generated" / "macros.tex"
    macros.write_text(
        macros.read_text(encoding="utf-8") + rf"\newcommand{{\Fingerprint}}{{{fingerprint(output)}}}" + "\n",
        encoding="utf-8",
    )


def latexmk(directory: Path, name: str) -> None:
    """Builds one document, the same bytes from the same inputs; RunError with the log's complaints."""
    command = [
        "latexmk",
        "-pdf",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "-file-line-error",
        f"{name}.tex",
    ]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    log = directory / f"{name}.log"
    wrong = complaints(log.read_text(encoding="utf-8", errors="replace")) if log.is_file() else []
    if done.returncode or wrong:
        shown = wrong or (done.stdout + done.stderr).splitlines()[-12:]
        raise RunError(f"{name}.tex: {'; '.join(shown[:8])} (the log is {log})")


def complaints(log: str) -> list[str]:
    """Lines of a LaTeX log that spoil a page.

    Errors, undefined references, missing characters, boxes over OVERFULL points.
    """
    out = re.findall(
        r"^(?:!.*|.*:\d+: .*error.*|.*[Uu]ndefined (?:control|references?|citations?).*|Missing "
        r"character.*)$",
        log,
        re.M,
    )
    out += [
        line
        for line in re.findall(r"^.*Citation .* undefined.*$|^.*Reference .* undefined.*$", log, re.M)
        if line not in out
    ]
    for line in re.findall(r"^Overfull .*$", log, re.M):
        if (size := re.search(r"\(([\d.]+)pt too", line)) and float(size.group(1)) > OVERFULL:
            out.append(line)
    return out


def fingerprint_of(pdf: Path) -> str | None:
    """The fingerprint that a PDF was built with; None if it carries none."""
    from pypdf import PdfReader

    found = FINGERPRINT.search(str((PdfReader(pdf).metadata or {}).get("/Keywords", "")))
    return found.group(1) if found else None
