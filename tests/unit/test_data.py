"""Loading and cleaning: one schema whatever the source, errors that name file, row and way out."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.config import InputError
from helpers.data.cleaning import clean_text, label_slug
from helpers.data.sources import load_table, symptom_answers


def test_residue_of_scraped_pages_is_removed():
    raw = "Fever &amp; chills\r\n\t\r\n  - sore throat  - cough\u00a0at night\nEnlarge image\n"
    raw += "Open pop-up dialog box\n<p>Rash</p>"
    assert clean_text(raw) == "Fever & chills\nsore throat\ncough at night\nRash"


def test_hyphens_inside_words_and_ranges_survive():
    assert clean_text("Non-itchy spots in 10-12 year-olds - mostly on the legs") == (
        "Non-itchy spots in 10-12 year-olds - mostly on the legs"
    )


def test_comparisons_and_ordinary_words_are_no_residue():
    text = "Children show less interest in play; oxygen <90 or heart rate >120."
    assert clean_text(text) == text


# Words, and every kind of residue that scraped pages carry, in any order.
SCRAPED = st.lists(
    st.sampled_from(
        ["fever", "10-12", "non-itchy", "rash.", "\r\n\t", "\n- ", "  * ", "\t• ", " "]
        + ["\u00a0", "\u200b", "\ufeff"]
        + ["&amp;", "&lt;p&gt;", "&amp;nbsp;", "<b>", "</li>", "\nEnlarge image\n", "Open pop-up dialog box"]
        + ["\nPrint\n"]
        + ["\x00", "\u2028", "e\u0301"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=300), SCRAPED))
def test_cleaning_a_clean_text_changes_nothing_and_no_residue_is_left(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert not set(once) & set("\r\t\x00\u200b\u00a0\ufeff\u2028")
    assert "  " not in once
    assert "\n\n" not in once
    assert once == once.strip()


@given(
    st.lists(
        st.sampled_from(["fever", "itchy", "non-itchy", "10-12", "rash.", "O2", "(dry)", "<90", "a*b"]),
        min_size=1,
    )
)
def test_cleaning_keeps_every_word_of_a_text_without_residue(words):
    assert clean_text("  " + "\r\n\t".join(words)).split() == words


def test_captions_and_buttons_of_a_made_up_page_go_and_its_symptoms_stay():
    page = (
        "Sunburn-like rash\r\n\t\r\n\tPrint\r\n\tEnlarge image Close\r\nSigns on the skin:\r\n\t\r\n* Small "
        "bumps\r\n* Flaking&nbsp;skin\r\nOpen pop-up dialog box\r\n<p>It itches at night.</p>\r\n&copy; 2023 "
        "A clinic\r\nShow more\r\n"
    )
    assert clean_text(page).split("\n") == [
        "Sunburn-like rash", "Signs on the skin:", "Small bumps", "Flaking skin", "It itches at night.",
    ]  # fmt: skip


def test_slug_has_the_form_of_the_first_data_set():
    assert label_slug("Crohn's Disease (regional enteritis)") == "crohns-disease-regional-enteritis"


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "the file is empty"),
        ("columns.csv", "texto,label\na,b\nc,d\n", "no column for `text`; name it with --text-column"),
        ("texts.csv", "text,label\nfever,flu\n  ,cold\nrash,measles\n", r"1 fault\(s\); fill or remove"),
        ("one.csv", "text,label\nfever,flu\n", r"1 row\(s\)"),
        ("header.csv", "text,label\n", r"0 row\(s\)"),
        ("commas.csv", "text,label\nfever, high,flu\ncough, dry,cold\n", "more fields than the header"),
        ("ragged.csv", "text,label\nfever,flu\na,b,c,d\n", "cannot be read as csv"),
        ("onelabel.csv", "text,label\nfever,flu\ncough,flu\n", "only one label"),
        (
            "broken.jsonl",
            '{"text": "fever", "label": ',
            "cannot be read as jsonl; mend or remove these lines",
        ),
        ("broken.parquet", "this is no parquet", "cannot be read as parquet"),
        ("notes.txt", "fever", "nor the path of"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        load_table(write(tmp_path / name, content))


def test_every_faulty_row_is_listed_with_its_reason(tmp_path):
    content = "text,label\nfever,flu\n  ,cold\nrash,\nEnlarge image,measles\n,\n"
    with pytest.raises(InputError) as caught:
        load_table(write(tmp_path / "faults.csv", content))
    assert caught.value.rows == [
        (2, "`text` is empty"),
        (3, "`label` is empty"),
        (4, "`text` is empty after cleaning: nothing but page furniture in 'Enlarge image'"),
        (5, "`label` is empty"),
        (5, "`text` is empty"),
    ]


def test_faulty_lines_of_json_are_listed_by_number(tmp_path):
    lines = ['{"text": "fever", "label": "flu"}', '{"text": "cough"', "", "[1, 2]"]
    with pytest.raises(InputError) as caught:
        load_table(write(tmp_path / "faults.jsonl", "\n".join(lines)))
    assert [number for number, _ in caught.value.rows] == [2, 4]


def test_a_file_saved_by_a_spreadsheet_with_a_byte_order_mark_is_read(tmp_path):
    file = write(tmp_path / "bom.csv", "\ufefftext,label\nfever,flu\ncough,cold\n")
    assert load_table(file)["text"].tolist() == ["fever", "cough"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(InputError, match="not UTF-8"):
        load_table(
            write(
                tmp_path / "latin.csv", "text,label\nfiebre y dolor de garganta según él,x\nb,y\n", "latin-1"
            )
        )


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
            "answer": [
                "Short.",
                "A longer answer.",
                "Rest and much longer text than the others.",
                "Rash.",
                None,
            ],
        }
    )
    assert symptom_answers(table, "MedQuAD").to_dict("records") == [
        {"text": "A longer answer.", "label": "gout"},
        {"text": "Rash.", "label": "measles"},
    ]


def test_a_table_that_is_not_medquad_is_refused():
    with pytest.raises(InputError, match="no column answer, question_focus"):
        symptom_answers(pd.DataFrame({"question_type": ["symptoms"]}), "somewhere")
