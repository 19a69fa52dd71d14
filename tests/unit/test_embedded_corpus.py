"""The embedded corpus keeps what its datasheet promises."""

import collections
import re

import pytest

from helpers.config import CLASS_GROUPS, ROOT
from helpers.data import load_diseases, load_table
from helpers.fragments import MIN_WORDS, names_itself, split_fragments, split_sentences

PAGES = load_table("embedded")
DISEASES = load_diseases()
SENTENCES = [
    (label, s) for text, label in zip(PAGES["text"], PAGES["label"], strict=True) for s in split_sentences(text)
]


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def test_one_page_for_each_of_at_least_80_diseases():
    assert len(PAGES) >= 80
    assert PAGES["label"].is_unique
    assert set(PAGES["label"]) == set(DISEASES.index)


@pytest.mark.parametrize("label", PAGES["label"])
def test_pages_have_the_promised_length(label):
    text = PAGES.loc[PAGES["label"] == label, "text"].item()
    assert 8 <= len(split_sentences(text)) <= 14
    assert 110 <= len(text.split()) <= 220
    assert re.fullmatch(r"[\x20-\x7e]+", text)
    assert len(split_fragments(text)) == len(split_sentences(text)), f"a sentence under {MIN_WORDS} words"


def test_labels_are_slugs_and_names_are_filled_in():
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", label) for label in DISEASES.index)
    assert (DISEASES[["name_en", "name_es", "icd10_chapter", "group"]] != "").all().all()
    assert DISEASES["icd10_chapter"].nunique() >= 12
    assert DISEASES["name_es"].is_unique


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
    foreign = set()
    for text in load_table(str(sample))["text"]:
        tokens = words(text)
        foreign |= {tuple(tokens[i : i + 9]) for i in range(len(tokens) - 8)}
    shared = []
    for text in PAGES["text"]:
        tokens = words(text)
        shared += [run for i in range(len(tokens) - 8) if (run := tuple(tokens[i : i + 9])) in foreign]
    assert shared == []
