"""The embedded corpus keeps what its datasheet promises."""

import collections
import re

import pandera.pandas as pa
import pytest

from helpers.config import CLASS_GROUPS, ROOT
from helpers.data.cleaning import label_slug
from helpers.data.masking import names_itself
from helpers.data.passages import MIN_WORDS, split_fragments, split_sentences
from helpers.data.sources import load_diseases, load_table
from helpers.pretraining.contamination import shared_runs

PAGES = load_table("embedded")
DISEASES = load_diseases()
SENTENCES = [
    (label, s)
    for text, label in zip(PAGES["text"], PAGES["label"], strict=True)
    for s in split_sentences(text)
]


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


SLUG = pa.Check.str_matches(r"^[a-z0-9]+(-[a-z0-9]+)*$")
# of ICD-10 (WHO)
CHAPTERS = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XXII".split()
PAGE_SCHEMA = pa.DataFrameSchema(
    {
        "text": pa.Column(
            object,
            [
                pa.Check.str_matches(r"^[\x20-\x7e]+$"),
                pa.Check(
                    lambda text: 110 <= len(text.split()) <= 220, element_wise=True, name="110 to 220 words"
                ),
                pa.Check(
                    lambda text: 8 <= len(split_sentences(text)) <= 14,
                    element_wise=True,
                    name="8 to 14 sentences",
                ),
            ],
        ),
        "label": pa.Column(object, SLUG, unique=True),
    },
    strict=True,
)
FILLED = pa.Check.str_matches(r"\S")
DISEASE_SCHEMA = pa.DataFrameSchema(
    {
        "name_en": pa.Column(str, FILLED, unique=True),
        "name_es": pa.Column(str, FILLED, unique=True),
        "icd10_chapter": pa.Column(str, pa.Check.isin(CHAPTERS)),
        "group": pa.Column(str, SLUG),
        "aliases": pa.Column(object, pa.Check(lambda names: all(map(str.strip, names)), element_wise=True)),
    },
    index=pa.Index(str, SLUG, unique=True),
    strict=True,
)


def test_both_tables_fit_their_schemas():
    PAGE_SCHEMA.validate(PAGES, lazy=True)
    DISEASE_SCHEMA.validate(DISEASES, lazy=True)


def test_the_schemas_are_not_blind():
    for column, value in (
        ("text", "Too short."),
        ("text", PAGES["text"][0] + " \u00e9"),
        ("label", PAGES["label"][1]),
    ):
        broken = PAGES.copy()
        broken.loc[0, column] = value
        with pytest.raises(pa.errors.SchemaErrors):
            PAGE_SCHEMA.validate(broken, lazy=True)


def test_one_page_for_each_of_at_least_240_diseases():
    assert len(PAGES) >= 240
    assert set(PAGES["label"]) == set(DISEASES.index)


def test_page_lengths_vary():
    counts = PAGES["text"].str.split().map(len)
    assert counts.quantile(0.9) - counts.quantile(0.1) >= 50


def test_labels_spell_the_english_name():
    for label, name in DISEASES["name_en"].items():
        assert label_slug(name) == label, (label, name)


def test_no_name_belongs_to_two_diseases():
    owners = collections.defaultdict(set)
    for label, row in DISEASES.iterrows():
        for name in (row.name_en, *row.aliases):
            owners[name.lower()].add(label)
    assert {name: labels for name, labels in owners.items() if len(labels) > 1} == {}


def test_a_sentence_is_a_fragment():
    for text in PAGES["text"]:
        assert len(split_fragments(text)) == len(split_sentences(text)), (
            f"a sentence under {MIN_WORDS} words in: {text}"
        )


def test_most_icd10_chapters_are_covered():
    counts = DISEASES["icd10_chapter"].value_counts()
    assert len(counts) >= 18
    assert counts.max() < 0.25 * len(DISEASES)


def test_groups_are_groups_and_the_class_subset_names_whole_ones():
    assert DISEASES["group"].value_counts().min() >= 3
    assert set(CLASS_GROUPS) <= set(DISEASES["group"])


def test_no_sentence_is_on_two_pages():
    counts = collections.Counter(sentence for _, sentence in SENTENCES)
    assert [s for s, n in counts.items() if n > 1] == []


def test_no_run_of_eight_words_is_on_more_than_two_pages():
    pages = collections.defaultdict(set)
    for text, label in zip(PAGES["text"], PAGES["label"], strict=True):
        tokens = words(text)
        for i in range(len(tokens) - 7):
            pages[tuple(tokens[i : i + 8])].add(label)
    assert [" ".join(run) for run, labels in pages.items() if len(labels) > 2] == []


def test_no_template_smell():
    openings = collections.Counter(" ".join(words(s)[:3]) for _, s in SENTENCES)
    opening, count = openings.most_common(1)[0]
    assert count < 0.02 * len(SENTENCES), opening


def test_most_sentences_do_not_name_the_disease():
    naming = sum(names_itself(s, label, DISEASES.loc[label, "aliases"]) for label, s in SENTENCES)
    assert 0 < naming < 0.25 * len(SENTENCES)


def test_nothing_of_the_sample_data_set_is_copied():
    sample = ROOT.parent / "shared" / "data" / "nih_symptoms.csv"
    if not sample.is_file():
        pytest.skip("the sample data set is not beside the repository")
    assert shared_runs(PAGES["text"], load_table(str(sample))["text"], 9) == []
