"""The real Hub code path over HTTP, against a server on loopback.

Download, cache, offline, wrong commit, broken transfer.
"""

import io
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from helpers.data.sources import MAYO, MEDQUAD
from tests.hub import Hub, serve

PARQUET = "data/train-00000-of-00001.parquet"
PARTS = "left right upper lower inner outer front back".split()


def parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()


def page(number: int) -> str:
    """A made-up page with the residue of scraped ones: bullets, tabs, captions, entities."""
    items = "".join(
        f"\r\n\t- Dull ache {number} of the {part} side that comes {number + i} times a day"
        for i, part in enumerate(PARTS)
    )
    head = f"Signs of trouble number {number} &amp; its kin\r\n\tEnlarge image"
    return f"{head}\r\n{items}\r\nOpen pop-up dialog box\r\n"


MAYO_PAGES = pd.DataFrame(
    {"text": [page(i) for i in range(12)], "label": [f"trouble-{i}" for i in range(12)]}
)
MEDQUAD_ROWS = pd.DataFrame(
    {
        "question_focus": [f"Trouble {i // 3}" for i in range(36)],
        "question_type": ["symptoms", "treatment", "symptoms"] * 12,
        "answer": [f"{page(i)} More of it." if i % 3 else "Short." for i in range(36)],
        "synonyms": ["a|b"] * 36,
    }
)


@pytest.fixture
def hub():
    hub = Hub()
    hub.add(
        MAYO["path"],
        MAYO["revision"],
        {PARQUET: parquet(MAYO_PAGES), "README.md": b"---\nlicense: other\n---\n"},
    )
    hub.add(
        MEDQUAD["path"],
        "c" * 40,
        {PARQUET: parquet(MEDQUAD_ROWS), "README.md": b"---\nlicense: cc-by-4.0\n---\n"},
    )
    return hub


@pytest.fixture
def home(tmp_path):
    return tmp_path / "hf"


def call(home, endpoint, source, code=None, **environment):
    """Runs `python -m helpers audit --data SOURCE`, or some Python code, in a process of its own.

    The process knows only this Hub.
    """
    command = (
        [sys.executable, "-c", code] if code else [sys.executable, "-m", "helpers", "audit", "--data", source]
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE"))}
    return subprocess.run(
        command,
        env=clean | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint} | environment,
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_first_download_then_cache_then_offline(hub, home):
    with serve(hub) as endpoint:
        first = call(home, endpoint, "mayo")
        assert first.returncode == 0, first.stderr
        assert f"{MAYO['path']}@{MAYO['revision']}" in first.stdout
        assert "12, of which 12 have a single row" in first.stdout
        assert "bullets in 12, furniture in 12" in first.stdout
        assert hub.downloads(PARQUET) == 1
        again = call(home, endpoint, "mayo")
        assert again.stdout == first.stdout
        assert hub.downloads(PARQUET) == 1
        asked = sum(hub.requests.values())
        offline = call(home, endpoint, "mayo", HF_HUB_OFFLINE="1")
        assert offline.stdout == first.stdout
        assert sum(hub.requests.values()) == asked
    assert call(home, endpoint, "mayo", HF_HUB_OFFLINE="1").stdout == first.stdout


def test_offline_without_cache_says_both_ways_out(hub, home):
    with serve(hub) as endpoint:
        done = call(home, endpoint, "mayo", HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert not hub.requests
    assert "run once with network so that it is cached, or use --data embedded" in done.stderr


def test_a_commit_that_the_hub_does_not_have_is_refused(hub, home):
    hub.repositories[MAYO["path"]]["commit"] = "a" * 40
    with serve(hub) as endpoint:
        done = call(home, endpoint, "mayo")
    assert done.returncode == 2
    assert MAYO["revision"] in done.stderr
    assert "doesn't exist" in done.stderr
    assert hub.downloads(PARQUET) == 0


def test_another_commit_in_the_cache_is_never_taken_for_the_pinned_one(hub, home):
    other = "a" * 40
    hub.repositories[MAYO["path"]]["commit"] = other
    code = f"from helpers.data import sources; sources.MAYO['revision'] = {other!r}; "
    code += "print(len(sources.load_table('mayo')))"
    with serve(hub) as endpoint:
        assert call(home, endpoint, "mayo", code).stdout.strip() == "12"
        done = call(home, endpoint, "mayo", HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert f"is cached at commit {other} only" in done.stderr


def test_a_transfer_that_breaks_off_is_refused_and_the_next_one_succeeds(hub, home):
    hub.truncated.add(PARQUET)
    with serve(hub) as endpoint:
        broken = call(home, endpoint, "mayo")
        assert broken.returncode == 2
        assert "cannot be loaded from the Hugging Face Hub" in broken.stderr
        hub.truncated.clear()
        assert call(home, endpoint, "mayo").returncode == 0


def test_a_file_that_is_no_parquet_is_refused(hub, home):
    hub.repositories[MAYO["path"]]["files"][PARQUET] = parquet(MAYO_PAGES)[:-200]
    with serve(hub) as endpoint:
        done = call(home, endpoint, "mayo")
    assert done.returncode == 2
    assert "cannot be loaded" in done.stderr


def test_a_repository_that_wants_to_run_code_is_refused(hub, home):
    name = MAYO["path"].split("/")[1] + ".py"
    hub.repositories[MAYO["path"]]["files"][name] = b"import pathlib\npathlib.Path('owned').touch()\n"
    with serve(hub) as endpoint:
        done = call(home, endpoint, "mayo")
    assert done.returncode == 2
    assert "scripts are no longer supported" in done.stderr
    assert hub.downloads(PARQUET) == 0


def test_medquad_gives_its_symptom_answers_and_the_commit_that_main_was(hub, home):
    with serve(hub) as endpoint:
        done = call(home, endpoint, "medquad")
    assert done.returncode == 0, done.stderr
    assert f"{MEDQUAD['path']}@{'c' * 40}" in done.stdout
    assert "12, of which 12 have a single row" in done.stdout


def test_the_first_notebook_runs_on_pages_of_the_hub(hub, home, tmp_path):
    shutil.rmtree(tmp_path / "build", ignore_errors=True)
    arguments = ["run", "--profile", "quick", "--data", "mayo", "--only", "01"]
    code = f"from helpers.__main__ import main; raise SystemExit(main({arguments}))"
    with serve(hub) as endpoint:
        done = call(home, endpoint, "mayo", code, HELPERS_BUILD=str(tmp_path / "build"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "build" / "outputs" / "quick-mayo" / "figures" / "01_protocolos.png").is_file()
