"""Two arms summed, and rows by the words they share with their pages, on scores whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import together
from helpers.analysis.embeddings import neighbour_share
from helpers.data.study import prepare


def scores(rng, labels, sure):
    """Logits (n, 4) that lean to the right class by `sure` of each row."""
    logits = rng.normal(size=(len(labels), 4))
    logits[np.arange(len(labels)), labels] += sure
    return logits.astype(np.float32)


@pytest.fixture
def told(monkeypatch):
    """Two arms, each right where the other is not, and their labels."""
    rng, labels = np.random.default_rng(0), np.tile(np.arange(4), 50)
    half = np.arange(200) % 2
    both = {
        "a": {side: scores(rng, labels, 6 * half) for side in ("valid", "test")},
        "b": {side: scores(rng, labels, 6 * (1 - half)) for side in ("valid", "test")},
        "loud": {side: 100 * scores(rng, labels, 6 * (1 - half)) for side in ("valid", "test")},
        "noise": {side: scores(rng, labels, 0 * half) for side in ("valid", "test")},
    }
    monkeypatch.setattr(together, "load_logits", both.get)
    return {"valid": labels.tolist(), "test": labels.tolist()}


def accuracy(found, told):
    return (np.array(found["answers"]) == told["test"]).mean()


def test_two_arms_that_err_differently_are_better_together(told):
    (b,) = together.summed(["a", "b"], told)
    assert 0.2 < b["share"] < 0.8
    assert accuracy(b, told) > 0.75
    above, tied = np.array(b["above"]), np.array(b["tied"])
    assert ((above == 0) == (np.array(b["answers"]) == told["test"])).all()
    assert (tied == 1).all()


def test_who_shouts_is_brought_to_its_own_temperature_first(told):
    b, loud = together.summed(["a", "b", "loud"], told)
    assert accuracy(loud, told) == pytest.approx(accuracy(b, told), abs=0.1)
    assert 0.2 < loud["share"] < 0.8


def test_what_adds_nothing_takes_nothing_away(told):
    noise, b = together.summed(["a", "noise", "b"], told)
    assert 0.5 < accuracy(noise, told) < accuracy(b, told) - 0.1


def test_the_weight_is_chosen_on_validation_whatever_test_would_like(told, monkeypatch):
    rng, labels = np.random.default_rng(1), np.array(told["valid"])
    good, bad = (scores(rng, labels, np.full(200, sure)) for sure in (6.0, 0.0))
    both = {"a": {"valid": good, "test": bad}, "b": {"valid": bad, "test": good}}
    monkeypatch.setattr(together, "load_logits", both.get)
    (found,) = together.summed(["a", "b"], told)
    assert found["share"] < 0.5


def test_the_words_that_a_statement_shares_with_its_own_pages():
    split = pd.DataFrame(
        {
            "text": ["Swollen red toe.", "Stiff neck, light hurts", "my toe is red", "stiff and sore", "the"],
            "label": ["gout", "meningitis", "gout", "meningitis", "gout"],
            "side": ["train", "train", "test", "test", "test"],
        }
    )
    assert together.shared_words(SimpleNamespace(split=split)).tolist() == [1.0, 0.5, 0.0]
    assert together.content_words("The toe, THE Toe") == {"toe"}


def test_rows_fall_in_parts_of_equal_size_the_least_sharing_first(monkeypatch):
    study = prepare("quick")
    right = np.arange(30) >= 15
    record = SimpleNamespace(test=SimpleNamespace(correct=right))
    monkeypatch.setattr(together, "results", lambda study, arm: [record])
    monkeypatch.setattr(together, "shared_words", lambda study: np.arange(30) / 30)
    table = together.by_shared_words(study, ["bilstm"], parts=3)
    assert table["rows"].tolist() == [10, 10, 10]
    assert table["accuracy"].tolist() == [0, 0.5, 1]
    assert table["shared"].is_monotonic_increasing


def test_three_rows_fall_in_three_parts(monkeypatch):
    record = SimpleNamespace(test=SimpleNamespace(correct=np.array([True, False, True])))
    monkeypatch.setattr(together, "results", lambda study, arm: [record])
    monkeypatch.setattr(together, "shared_words", lambda study: np.array([0.3, 0.1, 0.2]))
    split = pd.DataFrame({"text": list("xyz"), "label": list("aab"), "side": "test"})
    table = together.by_shared_words(SimpleNamespace(split=split), ["bilstm"])
    assert table["rows"].tolist() == [1, 1, 1]
    assert table["accuracy"].tolist() == [0, 1, 1]


def test_neighbours_of_the_same_disease_take_no_part():
    labels = np.array([0, 0, 1, 1, 2, 2])
    groups = np.array(["eyes", "eyes", "eyes", "eyes", "heart", "heart"])
    vectors = np.array([[1, 0], [1, 0.01], [1, 0.1], [1, 0.11], [0, 1], [0.01, 1]])
    share, chance = neighbour_share(vectors, labels, groups)
    assert share == 1
    assert chance == pytest.approx(2 / 4)  # of four texts of other diseases two are of the eyes
    turned = vectors[[4, 5, 2, 3, 0, 1]]  # the heart's lies between the eyes' two, beside the second
    assert neighbour_share(turned, labels, groups)[0] == 0.5
    assert np.isnan(neighbour_share(vectors, labels, labels.astype(str))).all()  # groups of one disease
