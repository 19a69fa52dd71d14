"""Masks catch a name however it is written, in every text, and leave every other word alone."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.masking import (
    MASK,
    Mask,
    label_names,
    mask_names,
    mask_of,
    mask_table,
    names_itself,
    telltale_words,
)

TEXTS = st.text(alphabet="abc AB.!?\n\"'()[]-0 ", max_size=200)


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
        ("A heart attack, heart_attack, Heart-Attacks.", ["heart_attack"], f"A {MASK}, {MASK}, {MASK}."),
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


@pytest.mark.parametrize("apostrophe", "'’")
def test_a_label_with_an_apostrophe_gives_itself_away_by_its_possessive_too(apostrophe):
    told = f"Those with Crohn{apostrophe}s hurt; Crohn disease."
    table = pd.DataFrame(
        {"text": [told, "Joints swell."], "label": [f"Crohn{apostrophe}s disease", "rheumatoid"]}
    )
    assert telltale_words(table)[table["label"][0]] == {"crohn", "crohns", "disease"}
    assert mask_table(table)["text"][0] == f"Those with {MASK} hurt; {MASK} {MASK}."


def test_a_label_may_have_underscores():
    table = pd.DataFrame(
        {
            "text": ["After a heart attack.", "The heart under attack, as in Alzheimer's disease."],
            "label": ["heart_attack", "alzheimer_s_disease"],
        }
    )
    masked = mask_table(table)["text"].tolist()
    assert masked == [f"After a {MASK}.", f"The heart under attack, as in {MASK}."]
    assert names_itself("After a heart attack.", "heart_attack")


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


def test_every_text_is_masked_of_every_label_so_that_a_mask_tells_none():
    table = pd.DataFrame(
        {
            "text": [
                "Gout hurts more than asthma.",
                "Asthmatic people wheeze; gouty ones limp.",
                "Calves ache.",
            ],
            "label": ["gout", "asthma", "perthes-calve"],
        }
    )
    masked = mask_table(table)["text"].tolist()
    assert masked == [
        f"{MASK} hurts more than {MASK}.", f"{MASK} people wheeze; {MASK} ones limp.", "Calves ache.",
    ]  # fmt: skip
    assert masked == mask_table(table.assign(label=table["label"].tolist()[::-1]))["text"].tolist()
    assert mask_of(table).on(["The Calve sign in Perthes hips."]) == [f"The {MASK} sign in {MASK} hips."]


PARTS = [
    "gout",
    "Kidney-Stones",
    "lyme",
    "disease",
    "RA",
    "Crohn's",
    "crohn’s",
    "asthmatic",
    "a",
    "stone,",
    "(MS)",
    "RAs",
    "flus",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(" ".join))
def test_looking_only_at_names_that_may_stand_there_misses_none(text):
    names = {"gout", "kidney stone", "lyme disease", "RA", "crohns disease", "asthma", "MS", "flu"}
    masked = Mask(frozenset(names), frozenset()).on([text])[0]
    assert masked == mask_names(text, names)
