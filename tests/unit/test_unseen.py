"""Diseases without a training row: the split, the scores, and ranks whose answer is known."""

import numpy as np
import pytest

from helpers.analysis import unseen
from helpers.arms import ARMS
from helpers.data import masking, splits
from helpers.data.study import prepare
from helpers.experiments import plan
from helpers.experiments.outcomes import outcome_of


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def test_no_label_is_on_two_sides_and_the_test_pages_are_the_first_attempts(study):
    sides = study.unseen_split.groupby("side")["label"].agg(set)
    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["valid"]
    assert not sides["valid"] & sides["test"]
    assert sides["test"] == set(study.page_split.loc[study.page_split["side"] == "test", "label"])
    assert set.union(*sides) == set(study.pages["label"])
    said = study.statements.groupby(["label", "side"]).size()
    asked = study.unseen_split.groupby(["side", "label"]).size()
    assert all(asked["test", label] == said[label, "test"] for label in sides["test"])
    assert all(asked["valid", label] == said[label, "valid"] for label in sides["valid"])


def test_no_training_page_names_a_disease_that_is_held_out(study):
    hidden = set(study.unseen_split.loc[study.unseen_split["side"] != "train", "label"])
    names = {name for x in hidden for name in (*masking.label_names(x), *study.aliases.get(x, ()))}
    pattern = masking.name_pattern(names)
    train = study.unseen_split[study.unseen_split["side"] == "train"]
    assert not [text for text in train["text"] if pattern.search(text)]
    # and a page that does name one is masked
    planted = study.pages.assign(
        text=study.pages["text"] + " It may be taken for " + sorted(hidden)[0].replace("-", " ") + "."
    )
    test = set(study.unseen_split.loc[study.unseen_split["side"] == "test", "label"])
    again = splits.unseen_split(masking.mask_table(planted, study.aliases), test)
    assert not [text for text in again.loc[again["side"] == "train", "text"] if pattern.search(text)]


@pytest.mark.parametrize("number", [2, 4, 6])
def test_sources_with_few_labels_have_none_to_hold_out(tmp_path, number):
    rng, file = np.random.default_rng(0), tmp_path / "few.csv"
    words = [f"word{i}" for i in range(200)]
    lines = [
        f"{' '.join(rng.choice(words, 12))},label{label}" for label in "abcdef"[:number] for _ in range(12)
    ]
    file.write_text("text,label\n" + "\n".join(lines) + "\n")
    study = prepare("quick", str(file))
    runs = [spec for stage in plan.stages(study, list(ARMS), "whole") for spec in stage]
    assert any(spec.split == study.unseen_key for spec in runs) == (number == 6)
    assert unseen.is_possible(study) == (number == 6)
    if number < 6:
        assert unseen.table(study, []).empty


def test_no_page_names_its_own_disease(study):
    named = [
        masking.names_itself(row.text, row.label, study.aliases.get(row.label, ()))
        for row in study.unseen_split.itertuples()
    ]
    assert not any(named)


def test_a_table_with_many_rows_a_label_gets_unseen_labels_too(tmp_path):
    file = tmp_path / "rows.csv"
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(200)]
    lines = [f"{' '.join(rng.choice(words, 12))},label{label}" for label in "abcdefgh" for _ in range(12)]
    file.write_text("text,label\n" + "\n".join(lines) + "\n")
    study = prepare("quick", str(file))
    sides = study.unseen_split.groupby("side")["label"].agg(set)
    assert study.protocol == "row"
    assert len(sides["test"]) >= 2
    assert not sides["train"] & (sides["test"] | sides["valid"])


def test_chance_is_what_blind_orders_get():
    rng = np.random.default_rng(0)
    ranks = np.array([rng.permutation(20)[0] + 1 for _ in range(100_000)])
    expected = unseen.chance(20)
    assert expected["mrr"] == pytest.approx((1 / ranks).mean(), abs=0.005)
    assert expected["top5"] == pytest.approx((ranks <= 5).mean(), abs=0.005)
    assert unseen.chance(4)["top5"] == 1


def test_hits_among_all_and_among_some():
    scores = np.array([[0.9, 0.1, 0.5, 0.3], [0.1, 0.9, 0.2, 0.8]])
    answer = outcome_of(scores, np.array([2, 3]))
    found = unseen.measures_of(answer.above, answer.tied)
    assert found["mrr"].tolist() == [0.5, 0.5]
    assert found["top1"].tolist() == [0, 0]
    assert found["top5"].tolist() == [1, 1]
    assert unseen.measures_of(answer.above_own, answer.tied_own)["top1"].tolist() == [1, 1]


def test_a_model_without_opinion_gets_what_chance_gets():
    blank = outcome_of(np.zeros((3, 20)), np.array([0, 7, 19]))
    found = unseen.measures_of(blank.above, blank.tied)
    for name, value in unseen.chance(20).items():
        assert found[name] == pytest.approx([value] * 3), name


def test_the_guesser_knows_names_and_nothing_else():
    names = [("kidney stones",), ("gout", "podagra"), ("migraine",)]
    found = unseen.guess(["A stone in my kidney.", "Migraines again", "zzz", "podagra"], names)
    assert found.argmax(axis=1)[[0, 1, 3]].tolist() == [0, 2, 1]
    assert (found[2] == 0).all()
    assert unseen.guess(["podagra"], [own[:1] for own in names])[0, 1] == 0  # of names that it does not know


def test_the_guesser_is_asked_what_the_models_are_asked(study):
    table = unseen.guessers(study)
    assert list(table["knows"]) == ["english", "english", "all", "all"]
    assert list(table["candidates"]) == ["all", "unseen"] * 2
    for row in table.itertuples():
        assert 0 <= row.mrr_low <= row.mrr <= row.mrr_high <= 1
        assert row.top1 <= row.top5 <= row.top10
