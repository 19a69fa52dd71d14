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
    places,
    reciprocal_ranks,
    within,
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


def test_places_count_what_is_above_and_what_is_tied():
    logits = np.array([[3.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 5.0, 5.0]])
    above, tied = places(logits, np.array([1, 0, 2]))
    assert above.tolist() == [1, 0, 0]
    assert tied.tolist() == [1, 3, 2]
    assert reciprocal_ranks(above, tied) == pytest.approx([1 / 2, (1 + 1 / 2 + 1 / 3) / 3, (1 + 1 / 2) / 2])
    assert within(above, tied, 1) == pytest.approx([0, 1 / 3, 1 / 2])
    above, tied = places(logits[:2], np.array([1, 1]), among=np.array([1, 2]))
    assert above.tolist() == [0, 0]  # what does not compete is not above
    assert tied.tolist() == [1, 2]


def test_calibration_error_of_a_certain_and_always_wrong_model_is_one():
    logits = np.array([[100.0, 0.0]] * 4)
    assert expected_calibration_error(logits, np.ones(4, int)) == pytest.approx(1)
    assert expected_calibration_error(logits, np.zeros(4, int)) == pytest.approx(0)


def test_evaluate_on_a_known_case():
    logits = np.eye(6) * 10
    scores = evaluate(logits, np.array([0, 1, 2, 3, 4, 0]))
    assert scores["accuracy"] == pytest.approx(5 / 6)
    # The sixth row ties label 0 with four others behind label 5: places 2 to 6, in any order.
    assert scores["top5"] == pytest.approx((5 + 4 / 5) / 6)
    assert scores["mrr"] == pytest.approx((5 + sum(1 / rank for rank in range(2, 7)) / 5) / 6)


def test_a_rank_that_is_no_number_is_an_error_and_not_the_best():
    with pytest.raises(ValueError, match="NaN"):
        places(np.array([[np.nan, 1.0]]), np.array([0]))
