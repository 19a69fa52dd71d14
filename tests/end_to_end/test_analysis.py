"""The comparison again from what the repository keeps of its runs: the same, byte by byte."""

import json
import os
import re
import subprocess
import sys

import pytest

from helpers.config import BUILD, ROOT
from helpers.experiments import archive
from helpers.models import smollm2
from helpers.notebooks import stamps

PROFILE = json.loads((ROOT / stamps.RESULTS).read_text(encoding="utf-8"))["profile"]["name"]


@pytest.fixture(scope="module")
def again():
    """Where `analysis` has put what it made, and what it printed."""
    if not smollm2.available():
        pytest.skip(smollm2.MISSING)
    command = [sys.executable, "-m", "helpers", "analysis", "--profile", PROFILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=dict(os.environ))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return BUILD / "analysis" / "outputs" / f"{PROFILE}-embedded", done.stdout


@pytest.mark.parametrize("name", stamps.TABLES)
def test_a_committed_table_is_what_the_kept_runs_give(again, name):
    assert (again[0] / name).read_bytes() == (ROOT / name).read_bytes()


def test_nothing_was_trained_and_the_notebooks_came_out(again):
    assert not re.search(r"^\[\d+/\d+\]", again[1], re.MULTILINE)
    for name in stamps.WHOLE:
        cells = json.loads((again[0] / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        assert any(cell.get("outputs") for cell in cells)
    assert re.search(r"of \d+ figures and tables are those of the repository, byte by byte", again[1])


def test_the_kept_file_is_small():
    assert archive.file_of(PROFILE).stat().st_size < 10e6
