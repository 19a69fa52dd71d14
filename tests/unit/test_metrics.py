"""Metrics against hand-made cases and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss

from helpers.models.metrics import (
    class_perplexity,
    evaluate,
    expected_calibration_error,
    negative_log_likelihood,
    ranks,
)


def test_uniform_guessing_has_perplexity_k():
    assert class_perplexity(np.zeros((7, 43)), np.arange(7)) == pytest.approx(43)


def test_a_confident_mistake_stays_finite():
    logits = np.array([[200.0, 0.0]], dtype=np.float32)
    assert softmax(logits, axis=1)[0, 1] == 0  # what makes the naive perplexity infinite
    assert negative_log_likelihood(logits, np.array([1]))[0] == pytest.approx(200)


def test_labels_outside_the_softmax_and_nan_are_refused():
    with pytest.raises(ValueError, match=r"\[0, 3\)"):
        class_perplexity(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match="NaN"):
        class_perplexity(np.full((1, 3), np.nan), np.array([0]))


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_loss_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(30, 8)) * 3, rng.integers(0, 8, 30)
    assert evaluate(logits, labels)["loss"] == pytest.approx(
        log_loss(labels, softmax(logits, axis=1), labels=np.arange(8))
    )


def test_ranks_share_ties():
    logits = np.array([[3.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 5.0, 5.0]])
    assert ranks(logits, np.array([1, 0, 2])).tolist() == [2.0, 2.0, 1.5]


def test_calibration_error_of_a_certain_and_always_wrong_model_is_one():
    logits = np.array([[100.0, 0.0]] * 4)
    assert expected_calibration_error(logits, np.ones(4, int)) == pytest.approx(1)
    assert expected_calibration_error(logits, np.zeros(4, int)) == pytest.approx(0)


def test_evaluate_on_a_known_case():
    logits = np.eye(6) * 10
    scores = evaluate(logits, np.array([0, 1, 2, 3, 4, 0]))
    assert scores["accuracy"] == pytest.approx(5 / 6)
    # The sixth row ties label 0 with four others behind label 5: it is inside the top five or not by index
    # order alone.
    assert scores["top5"] in (pytest.approx(5 / 6), 1.0)
    assert scores["mrr"] == pytest.approx((5 + 1 / 4) / 6)


def test_a_rank_that_is_no_number_is_an_error_and_not_the_best():
    with pytest.raises(ValueError, match="NaN"):
        ranks(np.array([[np.nan, 1.0]]), np.array([0]))
