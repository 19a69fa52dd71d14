"""A wheel brings all that the command line needs, without the repository."""

import os
import subprocess
import sys
import sysconfig
import venv
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from helpers.config import ROOT

PARTS = ("helpers", "data", "models", "pyproject.toml", "requirements.txt", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the sources, so that nothing is written beside them."""
    import shutil

    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--wheel-dir", out, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return next(out.glob("*.whl"))


def test_it_holds_every_module_every_template_and_what_it_needs(wheel):
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = Parser().parsestr(archive.read(next(n for n in names if n.endswith("METADATA"))).decode())
    for file in (ROOT / "helpers").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert file.relative_to(ROOT).as_posix() in names, file
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("#")[0].strip() for line in lines} - {""}
    assert {needed.replace(" ", "") for needed in about.get_all("Requires-Dist")} == pinned


def test_installed_into_an_empty_environment_it_audits_the_corpus(wheel, tmp_path):
    venv.create(tmp_path / "empty", with_pip=False)
    python = tmp_path / "empty" / "bin" / "python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # What it needs is lent from this environment, without its link to the repository, which no PYTHONPATH
    # follows.
    environment = {k: v for k, v in os.environ.items() if k not in ("HELPERS_BUILD", "PYTHONPATH")}
    environment["PYTHONPATH"] = sysconfig.get_path("purelib")
    where = "import helpers; print(helpers.__file__)"
    found = subprocess.run(
        [python, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(tmp_path / "empty")
    audit = [python, "-m", "helpers", "audit"]
    done = subprocess.run(audit, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "rows                280" in done.stdout
    assert "BPE tokens per row" in done.stdout
    assert not (tmp_path / "build").exists()
