"""Loading and cleaning: one schema whatever the source, and errors that name the file, the row and the way out."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.config import InputError
from helpers.data import _medquad, clean_text, load_table, slug


def test_residue_of_scraped_pages_is_removed():
    raw = "Fever &amp; chills\r\n\t\r\n  - sore throat  - cough\u00a0at night\nEnlarge image\nOpen pop-up dialog box\n<p>Rash</p>"
    assert clean_text(raw) == "Fever & chills\nsore throat\ncough at night\nRash"


def test_hyphens_inside_words_and_ranges_survive():
    assert clean_text("Non-itchy spots in 10-12 year-olds - mostly on the legs") == (
        "Non-itchy spots in 10-12 year-olds - mostly on the legs"
    )


def test_comparisons_and_ordinary_words_are_no_residue():
    text = "Children show less interest in play; oxygen <90 or heart rate >120."
    assert clean_text(text) == text


@given(st.text(max_size=300))
def test_cleaning_leaves_no_control_characters(text):
    once = clean_text(text)
    assert once == clean_text(text)
    assert not set(once) & set("\r\t\x00\u200b")
    assert "  " not in once and "\n\n" not in once


def test_slug_has_the_form_of_the_first_data_set():
    assert slug("Crohn's Disease (regional enteritis)") == "crohns-disease-regional-enteritis"


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "the file is empty"),
        ("columns.csv", "texto,label\na,b\nc,d\n", "no column `text`"),
        ("texts.csv", "text,label\nfever,flu\n  ,cold\nrash,measles\n", r"empty `text` in 1 row\(s\): 2"),
        ("labels.csv", "text,label\nfever,flu\ncough,\n", r"empty `label` in 1 row\(s\): 2"),
        ("one.csv", "text,label\nfever,flu\n", r"1 row\(s\)"),
        ("header.csv", "text,label\n", r"0 row\(s\)"),
        ("commas.csv", "text,label\nfever, high,flu\ncough, dry,cold\n", "more fields than the header"),
        ("ragged.csv", "text,label\nfever,flu\na,b,c,d\n", "cannot be read as csv"),
        ("onelabel.csv", "text,label\nfever,flu\ncough,flu\n", "only one label"),
        ("broken.jsonl", '{"text": "fever", "label": ', "cannot be read as jsonl"),
        ("broken.parquet", "this is no parquet", "cannot be read as parquet"),
        ("notes.txt", "fever", "nor the path of"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        load_table(write(tmp_path / name, content))


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(InputError, match="not UTF-8"):
        load_table(write(tmp_path / "latin.csv", "text,label\nfiebre y dolor de garganta según él,x\nb,y\n", "latin-1"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_table(str(tmp_path / "nothing.csv"))


def test_csv_jsonl_and_parquet_give_the_same_table(tmp_path):
    rows = [{"text": "High fever.", "label": "flu"}, {"text": "Runny nose.", "label": "none"}]
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    tables = [load_table(str(tmp_path / f"a.{kind}")) for kind in ("csv", "jsonl", "parquet")]
    assert tables[0].to_dict("records") == rows  # the label "none" is a label, not a missing value
    assert all(table.equals(tables[0]) for table in tables)


def test_medquad_keeps_the_longest_symptom_answer_of_each_disease():
    table = pd.DataFrame(
        {
            "question_focus": ["Gout", "Gout", "Gout", "Measles", "Rubella"],
            "question_type": ["symptoms", "symptoms", "treatment", "symptoms", "symptoms"],
            "answer": ["Short.", "A longer answer.", "Rest and much longer text than the others.", "Rash.", None],
        }
    )
    assert _medquad(table).to_dict("records") == [
        {"text": "A longer answer.", "label": "gout"},
        {"text": "Rash.", "label": "measles"},
    ]
