"""Diseases without a training row: the split, the scores, and ranks whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers import fragments, splits, unseen
from helpers.study import prepare


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def test_no_label_is_on_two_sides_and_the_test_pages_are_the_first_attempts(study):
    sides = study.unseen_split.groupby("side")["label"].agg(set)
    assert (
        not sides["train"] & sides["test"]
        and not sides["train"] & sides["valid"]
        and not sides["valid"] & sides["test"]
    )
    assert sides["test"] == set(study.page_split.loc[study.page_split["side"] == "test", "label"])
    assert set.union(*sides) == set(study.pages["label"])
    assert len(study.unseen_split) == len(study.pages)


def test_no_page_names_its_own_disease(study):
    named = [
        fragments.names_itself(row.text, row.label, study.aliases.get(row.label, ()))
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
    assert study.protocol == "row" and len(sides["test"]) >= 2 and not sides["train"] & (sides["test"] | sides["valid"])


def test_chance_is_what_blind_orders_get():
    rng = np.random.default_rng(0)
    ranks = np.array([rng.permutation(20)[0] + 1 for _ in range(100_000)])
    expected = unseen.chance(20)
    assert expected["mrr"] == pytest.approx((1 / ranks).mean(), abs=0.005)
    assert expected["top5"] == pytest.approx((ranks <= 5).mean(), abs=0.005) and unseen.chance(4)["top5"] == 1


def test_scores_of_a_language_model_and_of_a_classifier(monkeypatch):
    logits, lengths, prior = np.array([[-4.0, -6.0, -9.0]]), np.array([2, 3, 9]), np.array([-1.0, -6.0, -5.0])
    monkeypatch.setattr(unseen, "load_arrays", lambda spec: {"prior": prior})
    record = SimpleNamespace(spec=SimpleNamespace(arm="gpt2_lm"))
    found = unseen.scores(record, logits, lengths)
    np.testing.assert_allclose(found["mean"], [[-2, -2, -1]])
    np.testing.assert_allclose(found["pmi"], [[-3, 0, -4]])
    assert found["sum"] is logits
    record.spec.arm = "tfidf_logreg"
    assert list(unseen.scores(record, logits, lengths)) == ["sum"]


def test_ranks_among_all_and_among_some():
    scores = np.array([[0.9, 0.1, 0.5, 0.3], [0.1, 0.9, 0.2, 0.8]])
    assert unseen.reciprocal_ranks(scores, np.array([2, 3]), np.arange(4))[0].tolist() == [2, 2]
    assert unseen.reciprocal_ranks(scores, np.array([2, 3]), np.array([2, 3]))[0].tolist() == [1, 1]


def test_lengths_count_the_name_and_its_end(study):
    lengths = unseen.name_lengths(study)
    bpe = unseen.load_bpe(study.profile.base)
    names = study.answers_of(study.unseen_split)
    assert lengths.shape == (len(names),) and lengths[0] == len(bpe.encode(f" {names[0]}").ids) + 1
    assert splits.label_classes(study.unseen_split).tolist() == splits.label_classes(study.page_split).tolist()
