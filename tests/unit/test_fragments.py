"""Fragments lose and invent nothing; masks catch a name however it is written."""

import re

import pandas as pd
import pytest
from helpers.data.fragments import (
    MASK,
    label_names,
    make_fragments,
    mask_names,
    mask_table,
    names_itself,
    split_fragments,
    split_sentences,
    telltale_words,
)
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(alphabet="abc AB.!?\n\"'()[]-0 ", max_size=200)


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


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Crohn's disease and Crohns disease hurt.", ["crohns disease"], f"{MASK} and {MASK} hurt."),
        ("Kidney-stones and a kidney stone pass.", ["kidney stone"], f"{MASK} and a {MASK} pass."),
        (
            "Hand, foot and mouth disease, hand-foot-and-mouth disease.",
            ["hand foot and mouth disease"],
            f"{MASK}, {MASK}.",
        ),
        ("Asthmatic children; asthma.", ["asthma"], f"{MASK} children; {MASK}."),
        ("Psoriatic plaques in psoriasis.", ["psoriasis"], f"{MASK} plaques in {MASK}."),
        (
            "RHEUMATOID ARTHRITIS (RA) swells; RA lasts.",
            ["rheumatoid arthritis"],
            f"{MASK} swells; {MASK} lasts.",
        ),
        ("Gout, or gouty attacks; a gouttiere.", ["gout"], f"{MASK}, or {MASK} attacks; a gouttiere."),
        (
            "RA (rheumatoid arthritis) swells; RA lasts.",
            ["rheumatoid arthritis"],
            f"{MASK} swells; {MASK} lasts.",
        ),
        ("Anorexia (loss of appetite) and IgA.", ["asthma"], "Anorexia (loss of appetite) and IgA."),
        ("Raynaud's phenomenon, raynauds phenomenon.", ["Raynaud's phenomenon"], f"{MASK}, {MASK}."),
        ("MS comes in bouts, ms does not.", ["MS"], f"{MASK} comes in bouts, ms does not."),
        ("The heart attacks no one.", [], "The heart attacks no one."),
        ("Stroke it gently, backstroke.", ["stroke"], f"{MASK} it gently, backstroke."),
    ],
)
def test_names_are_masked_in_every_spelling(text, names, expected):
    assert mask_names(text, names) == expected


@given(st.sampled_from(["gout", "asthma", "kidney stones", "crohns disease", "lyme disease"]), TEXTS)
def test_no_name_is_left_after_masking(name, text):
    label = name.replace(" ", "-")
    assert not names_itself(mask_names(f"{text} {name} {text}", [name]), label)


NAMES = st.sampled_from(
    [
        "kidney stone",
        "rheumatoid arthritis",
        "strep throat",
        "Crohn's disease",
        "hand-foot-mouth disease",
        "chickenpox",
    ]
)


@given(
    NAMES,
    st.sampled_from([str.lower, str.upper, str.title]),
    st.sampled_from([" ", "-", "  "]),
    st.sampled_from(["", "s"]),
    st.sampled_from(["", " (XYZ)", "'s", ",", "-like"]),
)
def test_a_name_is_masked_in_any_case_with_hyphens_plural_possessive_or_abbreviation(
    name, case, joint, plural, behind
):
    written = case(name.replace("-", " ").replace(" ", joint) + plural) + behind
    masked = mask_names(f"In spring {written} comes back and XYZ hurts.", [name])
    assert MASK in masked
    assert not names_itself(masked, name.lower().replace("'", "").replace(" ", "-"))
    assert set(re.findall(r"[a-z]+", masked.lower())) <= {
        "in",
        "spring",
        "condition",
        "comes",
        "back",
        "and",
        "xyz",
        "hurts",
        "s",
        "like",
    }
    assert ("XYZ" in masked) == ("XYZ" not in behind)


@given(
    st.lists(st.sampled_from("fever itches at night over the knee after long walks".split()), max_size=30),
    NAMES,
)
def test_masking_leaves_every_other_word_alone(words, name):
    text = " ".join(words)
    assert mask_names(text, [name]) == text
    assert mask_names(f"{text} {name} {text}".strip(), [name]).split() == f"{text} {MASK} {text}".split()


def test_only_words_of_no_other_page_give_a_label_away():
    table = pd.DataFrame(
        {
            "text": ["Heart attack pain.", "A panic attack of the heart.", "Knuckles."],
            "label": ["heart-attack", "panic-disorder", "rheumatoid"],
        }
    )
    telltale = telltale_words(table)
    assert telltale == {
        "heart-attack": set(),
        "panic-disorder": {"panic", "disorder"},
        "rheumatoid": {"rheumatoid"},
    }
    masked = mask_table(table)
    assert masked["text"].tolist()[0] == f"{MASK} pain."
    assert table["text"].tolist()[0] == "Heart attack pain."  # the table given is left as it was


def test_a_slug_spells_possessives_and_acronyms():
    assert label_names("alzheimer-s-disease") == {"alzheimers disease"}
    assert label_names("chronic-fatigue-syndrome-cfs") == {
        "chronic fatigue syndrome cfs",
        "chronic fatigue syndrome",
        "CFS",
    }
    assert (
        mask_names("Alzheimer's disease, or Alzheimers disease.", label_names("alzheimer-s-disease"))
        == f"{MASK}, or {MASK}."
    )


def test_ids_do_not_depend_on_the_order_of_rows():
    table = pd.DataFrame({"text": ["One two three. Four five six.", "Seven."], "label": ["a", "b"]})
    forward, backward = make_fragments(table, 3), make_fragments(table[::-1], 3)
    assert sorted(forward["id"]) == sorted(backward["id"])
    assert forward["id"].is_unique
