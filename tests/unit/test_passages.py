"""Fragments and passages lose and invent nothing, and keep the order of the page."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import sources
from helpers.data.passages import (
    CUT_WORDS,
    join_anew,
    make_fragments,
    make_passages,
    recut,
    split_fragments,
    split_passages,
    split_sentences,
)

TEXTS = st.text(alphabet="abc AB.!?\n\"'()[]-0 ", max_size=200)
SENTENCES = st.lists(st.integers(1, 70), min_size=1, max_size=14)
PAGES = sources.load_table("embedded")


def page_of(lengths):
    """A page whose sentences have these numbers of words."""
    return " ".join("W" + " w" * (length - 1) + "." for length in lengths)


@given(TEXTS, st.integers(1, 20))
def test_fragments_hold_the_same_words_in_the_same_order(text, min_words):
    fragments = split_fragments(text, min_words)
    assert " ".join(fragments).split() == text.split()
    assert all(len(f.split()) >= min_words for f in fragments) or len(fragments) == 1


def test_sentences_end_where_a_reader_ends_them():
    text = 'It hurts, e.g. at night. "Like fire!" 3 in 10 faint. [condition] is rare? Yes, says Dr. House.'
    text += "\nswollen lips\nhives"
    assert split_sentences(text) == [
        "It hurts, e.g. at night.",
        '"Like fire!"',
        "3 in 10 faint.",
        "[condition] is rare?",
        "Yes, says Dr. House.",
        "swollen lips",
        "hives",
    ]


@given(SENTENCES, st.integers(0, 5))
def test_every_sentence_is_in_one_passage_in_order_however_it_is_cut(lengths, seed):
    page = page_of(lengths)
    sentences = split_sentences(page)
    for passages in (split_passages(page), join_anew(split_sentences(page), np.random.default_rng(seed))):
        assert [one for passage in passages for one in split_sentences(passage)] == sentences
        assert " ".join(passages) == page


@given(SENTENCES, st.integers(0, 5))
def test_passages_cut_anew_keep_to_the_lengths_where_that_can_be(lengths, seed):
    least, most = CUT_WORDS
    page = page_of(lengths)
    sizes = [
        len(passage.split()) for passage in join_anew(split_sentences(page), np.random.default_rng(seed))
    ]
    ends = {0}  # word counts of the page at which a cut is possible, by brute force
    total = 0
    for length in lengths:
        total += length
        if any(least <= total - end <= most for end in ends):
            ends.add(total)
    if sum(lengths) in ends:
        assert all(least <= size <= most for size in sizes)
    assert all(size <= most or size in lengths for size in sizes)


def test_all_ways_to_cut_are_as_likely():
    page = page_of([12, 12, 12, 12])  # pieces of one to four sentences: eight ways
    drawn = [tuple(join_anew(split_sentences(page), np.random.default_rng(seed))) for seed in range(800)]
    counts = pd.Series(drawn).value_counts()
    assert len(counts) == 8
    assert counts.between(60, 140).all()


def test_fixed_passages_are_as_close_to_their_length_as_sentences_allow():
    assert [len(p.split()) for p in split_passages(page_of([16, 16, 16, 16]))] == [32, 32]
    assert [len(p.split()) for p in split_passages(page_of([35, 17, 17]))] == [35, 34]
    assert [len(p.split()) for p in split_passages(page_of([80]))] == [80]
    made = make_passages(PAGES)
    words = made["text"].str.split().map(len)
    assert words.between(15, 55).all()
    assert 4.5 < len(made) / len(PAGES) < 6.5


def test_cuts_are_a_function_of_seed_epoch_and_page_alone():
    some = make_passages(PAGES.head(20))
    first = recut(some, 0, 0)
    assert recut(some[::-1], 0, 0).equals(first)
    for other in (recut(some, 0, 1), recut(some, 1, 0)):
        assert set(other["text"]) != set(first["text"])
        assert " ".join(other["text"]).split() == " ".join(first["text"]).split()
    assert list(first.columns) == list(some.columns)


def test_ids_do_not_depend_on_the_order_of_rows():
    table = pd.DataFrame({"text": ["One two three. Four five six.", "Seven."], "label": ["a", "b"]})
    forward, backward = make_fragments(table, 3), make_fragments(table[::-1], 3)
    assert sorted(forward["id"]) == sorted(backward["id"])
    assert forward["id"].is_unique


def test_given_passages_are_cut_anew_within_what_they_hold():
    """The same sentences in order, another cut each epoch, and none across a passage that is missing."""
    rows = make_passages(PAGES.head(6))
    first, again, other, seed = (recut(rows, *how) for how in ((0, 0), (0, 0), (0, 1), (1, 0)))
    assert first.equals(again)
    assert not first["text"].equals(other["text"])
    assert not first["text"].equals(seed["text"])
    held = {page: " ".join(own["text"]) for page, own in rows.groupby("page")}
    for cuts in (first, other):
        assert {page: " ".join(own["text"]) for page, own in cuts.groupby("page")} == held
        assert cuts.groupby("page")["label"].agg(set).map(len).eq(1).all()
    page = rows["page"].iloc[0]
    own = rows[rows["page"] == page]
    without = recut(rows.drop(own.index[1]), 0, 0)
    before, after = own["text"].iloc[0], " ".join(own["text"].iloc[2:])
    pieces = without.loc[without["page"] == page, "text"]
    assert all(piece in before or piece in after for piece in pieces)
    assert " ".join(pieces) == f"{before} {after}"


def test_list_items_of_given_passages_keep_their_ends():
    rows = pd.DataFrame(
        {
            "id": ["a1-000", "a1-001"], "page": "a1", "label": "x",
            "text": ["Swollen lips, no full stop at the end", "Hives that itch and burn all over, and hurt"],
        }
    )  # fmt: skip
    drawn = {tuple(recut(rows, 0, epoch)["text"]) for epoch in range(20)}
    assert drawn == {(" ".join(rows["text"]),)}  # each is too short to stand alone
    long = rows.assign(text=[text + " again" * 20 for text in rows["text"]])
    assert {tuple(recut(long, 0, epoch)["text"]) for epoch in range(20)} == {tuple(long["text"])}


@pytest.mark.parametrize("sentences", [1200, 40])
def test_a_page_of_any_length_is_cut(sentences):
    # of 1200 sentences there are more ways to cut than a float64 can count
    page = [f"{'word ' * 11}end{number}." for number in range(sentences)]
    passages = join_anew(page, np.random.default_rng(0))
    assert " ".join(passages) == " ".join(page)
    assert all(12 <= len(passage.split()) <= 50 for passage in passages)
