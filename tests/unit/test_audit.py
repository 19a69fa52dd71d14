"""The audit: right counts on tables whose answers are known, quick on two thousand pages.

It is clear where nothing can be done.
"""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.__main__ import main
from helpers.config import ROOT
from helpers.data import audit, leakage, masking, passages, vocabulary
from helpers.models.bases import count_tokens

SAMPLE = ROOT.parent / "shared" / "data" / "nih_symptoms.csv"


def sentence(rng, n=10):
    return "S" + " ".join(f"w{i}" for i in rng.integers(0, 5000, n)) + "."


def read_audit(source):
    """The audit of a source with the shipped base's tokenizer."""
    return audit.audit(source, lambda texts: count_tokens("models/gpt2-mini", texts))


@pytest.fixture
def table():
    """Eight pages of eight sentences, with known faults.

    3 repeats 2, 5 nearly repeats 4 under another label, 7 has two sentences only, 8 a label of 1.
    """
    rng = np.random.default_rng(0)
    pages = [" ".join(sentence(rng) for _ in range(8)) for _ in range(8)]
    pages[2], pages[4] = pages[1], pages[3] + " one more word"
    pages[6] = " ".join(sentence(rng) for _ in range(2))
    pages[0] += " Kidney-stones (KS) return, and KS hurts."
    labels = ["kidney-stones", "cold", "cold", "flu", "grippe", "mumps", "tiny", "Kidney Stones"]
    return pd.DataFrame({"text": pages, "label": labels}, dtype=object)


def test_an_audit_counts_what_was_put_in(table, tmp_path):
    table.assign(text=table["text"].str.replace(". ", ".\r\n\t- ", n=1, regex=False)).to_csv(
        tmp_path / "made-up.csv", index=False
    )
    result = read_audit(str(tmp_path / "made-up.csv"))
    facts = result.facts
    assert (facts["rows"], facts["labels"], facts["singletons"]) == (8, 7, 6)
    assert facts["rows_per_label"] == {"min": 1, "median": 1, "mean": 8 / 7, "max": 2}
    assert facts["residue"]["bullets"] == 8
    assert facts["residue"]["tags"] == 0
    assert facts["changed_by_cleaning"] == 8
    assert result.findings[["row", "label", "reason"]].to_numpy().tolist() == [
        [3, "cold", "same text as row 2"],
        [5, "grippe", "near-duplicate of row 4, which is labelled 'flu'"],
        [8, "Kidney Stones", "label differs from 'kidney-stones' in spelling only"],
    ]
    assert facts["leakage"]["pages"] == [1 / 8, 0]
    assert facts["leakage"]["rows"][1] == 0
    assert facts["left_out"] == {
        "flu": 0,
        "grippe": 0,
        "tiny": 2,
    }  # the sentences of page 4 stand under two labels
    assert result.protocol == "fragment"
    assert sum(facts["sides"].values()) == len(result.split)
    text = audit.describe(result)
    assert "row 5: grippe: near-duplicate of row 4" in text
    assert "tiny (2)" in text
    assert "2 labels" not in text


def test_many_rows_a_label_are_split_as_rows(tmp_path):
    rng = np.random.default_rng(1)
    rows = [(sentence(rng, 20), f"disease-{i % 4}") for i in range(80)]
    pd.DataFrame(rows, columns=["text", "label"]).to_parquet(tmp_path / "rows.parquet")
    result = read_audit(str(tmp_path / "rows.parquet"))
    assert result.protocol == "row"
    assert result.facts["sides"] == {"train": 56, "valid": 12, "test": 12}
    assert "the median label has 20 rows" in audit.describe(result)


def test_the_name_matcher_sees_what_a_mask_misses():
    table = pd.DataFrame(
        {
            "text": ["An inflamed appendix.", "Stones pass.", "Nothing here."],
            "label": ["appendicitis", "kidney-stones", "gout"],
        }
    )
    assert leakage.name_matches(table, {}).tolist() == [True, True, False]
    short = pd.DataFrame({"text": ["No fever.", "A rash."], "label": ["no", "yes"]})
    assert leakage.name_matches(short, {}).tolist() == [True, False]
    assert not leakage.name_matches(short.assign(label=["a", "b"]), {}).any()
    hidden = table.assign(text=[masking.MASK + " hurts.", "They pass.", "Nothing here."])
    assert not leakage.name_matches(hidden, {}).any()


@given(st.lists(st.sampled_from(["fever rash fever", "cough", "", "rash itches"]), min_size=1))
def test_word_counts_and_vocabulary_growth_agree(texts):
    counts = vocabulary.word_counts(texts)
    read, distinct = vocabulary.vocabulary_growth(texts, passages.split_words)
    assert read[-1] == counts.sum()
    assert distinct[-1] == len(counts)
    assert len(read) == len(texts) + 1
    assert (np.diff(read) >= np.diff(distinct)).all()
    assert counts.is_monotonic_decreasing


def test_two_thousand_pages_are_audited_whole(tmp_path):
    rng = np.random.default_rng(2)
    pages = [" ".join(sentence(rng, 14) for _ in range(18)) for _ in range(2000)]
    pd.DataFrame({"text": pages, "label": [f"disease-of-type-{i}" for i in range(2000)]}).to_csv(
        tmp_path / "large.csv", index=False
    )
    result = read_audit(str(tmp_path / "large.csv"))
    assert result.facts["labels"] == 2000
    assert result.split["label"].nunique() == 2000


def test_the_command_prints_the_audit_of_the_embedded_corpus(capsys):
    assert main(["audit"]) == 0
    printed = capsys.readouterr().out
    assert "data/symptoms.csv" in printed
    assert "labels on every side" in printed
    assert "chance 0.4 %" in printed


def test_tokens_are_counted_with_the_base_that_is_asked_for(tmp_path, capsys):
    """One that merges less makes more tokens of the same pages."""
    base = tmp_path / "narrower"
    shutil.copytree(ROOT / "models" / "gpt2-mini", base)
    whole = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    whole["model"]["merges"] = whole["model"]["merges"][:1000]
    (base / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    told = {}
    for name in ("gpt2-mini", str(base)):
        assert main(["audit", "--base", name]) == 0
        told[name] = capsys.readouterr().out
    own, other = (re.search(r"BPE tokens per row.*?median ([\d,]+)", text)[1] for text in told.values())
    assert int(other.replace(",", "")) > int(own.replace(",", ""))
    assert main(["audit", "--base", str(tmp_path / "nowhere")]) == 2


def test_the_command_lists_rows_and_reasons_and_exits_with_2(tmp_path, capsys):
    rows = "\n".join(f",disease-{i}" for i in range(25))
    (tmp_path / "bad.csv").write_text(f"text,label\nfever,flu\n{rows}\n", encoding="utf-8")
    assert main(["audit", "--data", str(tmp_path / "bad.csv")]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith("error: ")
    assert "bad.csv: 25 fault(s)" in error[0]
    assert error[1] == "  row 2: `text` is empty"
    assert error[-1] == "  … and 5 more"
    assert len(error) == 22


def test_the_sample_data_set_is_audited_as_counted_by_hand(capsys):
    if not SAMPLE.is_file():
        pytest.skip("the sample data set is not beside the repository")
    raw = pd.read_csv(SAMPLE, dtype=str)
    result = read_audit(str(SAMPLE))
    assert result.facts["rows"] == len(raw)
    assert result.facts["singletons"] == raw["label"].nunique() == len(raw)
    assert (
        result.facts["residue"]["bullets"]
        == raw["text"].str.contains(r"(?:\s{2,}|[\r\n\t]\s*)[-*•·]\s").sum()
    )
    pair = result.findings.iloc[0]
    assert "kidney-stones-in-adults" in pair.reason
    assert pair.label == "kidney-stones-in-children"
    assert raw["label"][pair.row - 1] == pair.label
    assert result.facts["leakage"]["pages"][1] == 0
    assert result.protocol == "fragment"
