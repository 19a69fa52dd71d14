"""Bad input: one line and the rows at fault, exit code 2, nothing written."""

import os
import subprocess
import sys
from argparse import Namespace
from functools import partial

import pytest

from helpers.__main__ import main, profile_of
from helpers.config import ROOT
from helpers.options import base_of

GOOD = "text,label\n" + "\n".join(f"Sentence one about {x} is long enough. " * 3 + f",{x}" for x in "ab")


def call(tmp_path, *arguments, **environment):
    build = tmp_path / "build"
    done = subprocess.run(
        [sys.executable, "-m", "helpers", *arguments],
        env=os.environ | {"HELPERS_BUILD": str(build)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done, build


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--profile", "fast"), "--profile 'fast'"),
        (("run", "--only", "09"), "--only '09'"),
        (("grid", "--arms", "bert"), "--arms 'bert'"),
        (("run", "--profile", "quick", "--data", "nothing.csv"), "nothing.csv: no such file"),
        (("run", "--base", "nowhere"), "nor one of gpt2-mini, gpt2, smollm2"),
        (("grid", "--profile", "quick", "--arms", "smollm2_frozen"), "--arms smollm2_frozen: "),
        (("dose", "--kept", "nowhere"), "--kept nowhere: no model there"),
        (("audit", "--data", f"{'x' * 300}.csv"), ".csv: no such file"),
        (("pretrain", "--corpus", ".", "--out", ".", "--keep", "many"), "--keep many: numbers of tokens"),
        (("pretrain", "--corpus", ".", "--out", ".", "--tokens=9", "--keep=10"), "--keep 10: must lie"),
    ],
)
def test_unusable_arguments(arguments, message, capsys):
    assert main(list(arguments)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_base_is_sought_where_the_command_is_given(tmp_path, monkeypatch):
    """As `pretrain --out` writes it there; a name is no directory, and elsewhere it is the repository's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copied").mkdir()
    for file in (ROOT / "models" / "gpt2-mini").iterdir():
        (tmp_path / "copied" / file.name).symlink_to(file)
    (tmp_path / "smollm2").mkdir()
    given = partial(Namespace, profile="quick")
    assert profile_of(given(base="copied")) == f"quick@{tmp_path / 'copied'}"
    assert profile_of(given(base="models/gpt2-mini")) == "quick@models/gpt2-mini"
    assert base_of("smollm2") == "smollm2"
    assert base_of("nowhere") == "nowhere"
    monkeypatch.chdir(ROOT)
    assert base_of("models/gpt2-mini") == "models/gpt2-mini"


def test_bad_data_exits_with_2_and_writes_nothing(tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("text,label\nfever,flu\n,cold\n")
    done, build = call(tmp_path, "run", "--profile", "quick", "--data", str(file))
    assert done.returncode == 2
    assert "bad.csv: 1 fault(s); fill or remove these rows\n  row 2: `text` is empty\n" in done.stderr
    assert not build.exists()
    assert list(tmp_path.iterdir()) == [file]


def test_pages_too_short_to_cut_exit_with_2(tmp_path):
    file = tmp_path / "short.csv"
    file.write_text("text,label\nfever,flu\nrunny nose,cold\n")
    done, build = call(tmp_path, "grid", "--profile", "quick", "--data", str(file))
    assert done.returncode == 2
    assert "fewer than two labels" in done.stderr
    assert not build.exists()


def test_a_corpus_that_is_not_there_exits_with_2(tmp_path):
    done, build = call(
        tmp_path,
        "pretrain",
        "--corpus",
        str(tmp_path / "nowhere"),
        "--out",
        str(tmp_path / "model"),
        "--tokens=10",
    )
    assert done.returncode == 2
    assert "nowhere: no file *.jsonl[.xz] there" in done.stderr
    assert not build.exists()


@pytest.mark.parametrize("source", ["mayo", "medquad"])
def test_the_hub_out_of_reach_names_both_ways_out(tmp_path, source):
    done, build = call(
        tmp_path,
        "run",
        "--profile",
        "quick",
        "--data",
        source,
        HF_HUB_OFFLINE="1",
        HF_HOME=str(tmp_path / "hf"),
    )
    assert done.returncode == 2, done.stderr
    assert "run once with network so that it is cached, or use --data embedded" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not build.exists()
