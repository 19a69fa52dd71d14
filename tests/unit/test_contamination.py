"""The pre-training text has read no page.

Checked again where it is at hand, and by the kept audit where it is not.
"""

import json

import pandas as pd
import pytest

from helpers.__main__ import main
from helpers.config import ROOT
from helpers.data.sources import load_table
from helpers.pretraining import contamination

CORPUS = ROOT.parent / "shared" / "corpus"
RECORD = json.loads(contamination.RECORD.read_text(encoding="utf-8"))
PAGES = load_table("embedded")


def test_every_page_was_audited_as_it_stands_and_shares_nothing():
    assert contamination.unaudited(PAGES, RECORD) == [], (
        "run `python -m helpers contamination --corpus DIR` again"
    )
    assert RECORD["n"] == 13
    assert not any(RECORD["pages"].values())
    assert len(RECORD["pages"]) == len(PAGES)
    assert len(RECORD["corpus"]) > 1
    assert RECORD["documents"] > 0


def test_the_audit_gives_what_was_kept():
    if not CORPUS.is_dir():
        pytest.skip("the pre-training text is not beside the repository")
    assert contamination.audit(PAGES, CORPUS) == RECORD


def test_a_page_changed_after_the_audit_is_named():
    changed = PAGES.copy()
    changed.loc[3, "text"] += " One sentence more."
    assert contamination.unaudited(changed, RECORD) == [PAGES["label"][3]]


@pytest.fixture
def directory(tmp_path):
    """A corpus whose second document quotes a page, its held-out one another."""
    quote = " ".join(PAGES["text"][0].upper().split()[5:20])
    held_out = " ".join(PAGES["text"][1].split()[:13])
    rows = {"train.jsonl": ["Nothing of the kind.", f"As they say: {quote}!"], "valid.jsonl": [held_out]}
    for name, texts in rows.items():
        lines = (json.dumps({"text": text, "source": "a/b:1"}) for text in texts)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_quoted_page_is_found_in_training_and_held_out_text(directory):
    found = contamination.audit(PAGES, directory)
    shared = [found["pages"][contamination.page_key(text)] for text in PAGES["text"]]
    assert shared[:2] == [3, 1]
    assert not any(shared[2:])
    assert found["documents"] == 3


def test_the_command_reports_other_sources_and_keeps_only_the_embedded_audit(
    directory, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(contamination, "RECORD", tmp_path / "record.json")
    file = tmp_path / "mine.csv"
    pd.DataFrame({"text": PAGES["text"][:3], "label": ["x", "y", "x"]}).to_csv(file, index=False)
    assert main(["contamination", "--corpus", str(directory), "--data", str(file)]) == 0
    assert "2 of 3 pages share" in (shown := capsys.readouterr().out)
    assert "3 runs  x" in shown
    assert "1 runs  y" in shown
    assert not contamination.RECORD.exists()
    assert main(["contamination", "--corpus", str(directory)]) == 0
    assert json.loads(contamination.RECORD.read_text())["documents"] == 3


def test_shared_runs_are_found_in_any_spelling_and_counted_once():
    pages = ["One two, three four five.", "Six seven eight nine ten."]
    documents = ["zero ONE two three; four. five", "two three four five six", "nothing of the kind"]
    assert contamination.shared_runs(pages, documents, 5) == ["one two three four five"]
    assert contamination.shared_runs(pages, documents, 4) == ["one two three four", "two three four five"]
