"""Temperature and reliability on logits whose calibration is known."""

import numpy as np
import pytest
from scipy.special import softmax

from helpers.analysis import errors
from helpers.analysis.errors import TEMPERATURES, calibrate, fit_temperature
from helpers.models.metrics import confidence_bins, expected_calibration_error, negative_log_likelihood


def calibrated(n, seed, classes=6):
    """Logits, and labels drawn from their own softmax: confidence is right by construction."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, classes))
    return logits, (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_is_what_calibrated_logits_were_multiplied_by(scale):
    logits, labels = calibrated(20_000, 0)
    assert fit_temperature(scale * logits, labels) == pytest.approx(scale, rel=0.03)


def test_no_temperature_of_a_fine_grid_has_a_lower_loss():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(40, 5)).astype(np.float32), rng.integers(0, 5, 40)
    logits[np.arange(40), labels] += 1.5
    found = fit_temperature(logits, labels)
    losses = [negative_log_likelihood(logits / t, labels).mean() for t in np.geomspace(*TEMPERATURES, 4001)]
    assert negative_log_likelihood(logits.astype(float) / found, labels).mean() <= min(losses) + 1e-9
    assert found == fit_temperature(logits, labels)


def test_an_optimum_out_of_reach_ends_beside_its_bound():
    certain, labels = 0.5 * np.eye(5), np.arange(5)
    assert fit_temperature(certain, labels) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert fit_temperature(800 * certain, (labels + 1) % 5) == pytest.approx(TEMPERATURES[1], rel=1e-3)
    assert np.isfinite(fit_temperature(np.zeros((5, 5)), labels))
    with pytest.raises(ValueError, match="NaN"):
        fit_temperature(np.full((5, 5), np.nan), labels)


def test_bins_hold_equally_many_rows_the_least_sure_first():
    tops = np.array([0.95, 0.91, 0.62, 0.65, 0.68, 1.0, 0.51])
    logits = np.log(np.stack([tops, 1 - tops], axis=1) + 1e-300)
    confidence, groups = confidence_bins(logits, bins=3)
    np.testing.assert_allclose(confidence, tops)
    assert [sorted(rows.tolist()) for rows in groups] == [[2, 3, 6], [1, 4], [0, 5]]
    assert len(confidence_bins(logits[:2])[1]) == 2  # fewer rows than bins
    labels = np.array([0, 1, 1, 1, 0, 0, 0])
    gaps = abs(1.78 - 1) + abs(1.59 - 1) + abs(1.95 - 2)  # sums of confidence less right answers
    assert expected_calibration_error(logits, labels, bins=3) == pytest.approx(gaps / 7)


def test_each_run_is_scaled_by_its_own_validation_rows(monkeypatch):
    (valid, valid_labels), (test, test_labels) = calibrated(8000, 3), calibrated(8000, 4)
    scores = {"twice": (2 * valid, 2 * test), "four": (4 * valid, 4 * test), "misled": (4 * valid, test)}
    monkeypatch.setattr(
        errors, "load_logits", lambda spec: dict(zip(("valid", "test"), scores[spec], strict=True))
    )
    told = {"valid": valid_labels.tolist(), "test": test_labels.tolist()}
    twice, four, misled = calibrate(list(scores), told)
    assert twice["temperature"] == pytest.approx(2, rel=0.05)
    assert four["temperature"] == misled["temperature"] == pytest.approx(4, rel=0.05)
    right = negative_log_likelihood(test, test_labels).mean()
    for row, scale in ((twice, 2), (four, 4)):
        assert row["loss_scaled"] == pytest.approx(right, abs=0.01)
        assert row["ece_scaled"] < 0.03 < 0.1 < row["ece"]
        assert row["loss"] == pytest.approx(negative_log_likelihood(scale * test, test_labels).mean())
        assert row["accuracy"] == pytest.approx((test.argmax(axis=1) == test_labels).mean())
        assert row["confidence"] == pytest.approx(softmax(scale * test, axis=1).max(axis=1).mean())
    # Fitted on test, this one's temperature would be 1 and nothing would get worse.
    assert misled["loss_scaled"] > misled["loss"] + 0.1
    assert misled["ece"] < 0.03 < 0.1 < misled["ece_scaled"]
