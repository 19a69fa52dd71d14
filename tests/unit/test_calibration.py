"""Temperature and reliability on logits whose calibration is known."""

import numpy as np
import pytest
from scipy.special import softmax

from helpers.analysis.errors import TEMPERATURES, calibration_table, fit_temperature, reliability
from helpers.experiments.records import Record
from helpers.models.metrics import expected_calibration_error, negative_log_likelihood


def calibrated(n, seed, classes=6):
    """Logits, and labels drawn from their own softmax: confidence is right by construction."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, classes))
    return logits, (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def run(valid, test):
    return Record(None, {}, None, 1.0, 1.0, 1, valid.astype(np.float32), test.astype(np.float32))


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


def test_bins_hold_the_mean_confidence_and_accuracy_of_their_rows():
    tops = np.array([0.95, 0.91, 0.62, 0.65, 0.68, 1.0])
    logits = np.log(np.stack([tops, 1 - tops], axis=1) + 1e-300)
    table = reliability(logits, np.array([0, 1, 1, 1, 0, 0]))
    assert table["rows"].tolist() == [3, 3]  # 1.0 is in the last bin, the eight empty ones are left out
    np.testing.assert_allclose(table["confidence"], [0.65, 2.86 / 3])
    np.testing.assert_allclose(table["accuracy"], [1 / 3, 2 / 3])


@pytest.mark.parametrize("bins", [5, 10])
def test_the_weighted_gap_of_the_bins_is_the_calibration_error(bins):
    logits, labels = calibrated(500, 2)
    table = reliability(3 * logits, labels, bins)
    gap = np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["rows"])
    assert gap == pytest.approx(expected_calibration_error(3 * logits, labels, bins))
    assert table["rows"].sum() == 500


def test_each_seed_is_scaled_by_its_own_validation_rows():
    (valid, valid_labels), (test, test_labels) = calibrated(8000, 3), calibrated(8000, 4)
    table = calibration_table(
        {
            "gpt2_finetuned": [run(2 * valid, 2 * test), run(4 * valid, 4 * test)],
            "gpt2_frozen": [run(4 * valid, test)],
        },
        valid_labels,
        test_labels,
    )
    assert table.index.tolist() == ["gpt2_finetuned", "gpt2_frozen"]
    assert table.index.name == "arm"
    row, other = table.loc["gpt2_finetuned"], table.loc["gpt2_frozen"]
    assert row.temperature == pytest.approx(3, rel=0.05)
    right = negative_log_likelihood(test, test_labels).mean()
    assert row.loss_scaled == pytest.approx(right, abs=0.01)
    assert row.ece_scaled < 0.02 < 0.1 < row.ece
    losses = [negative_log_likelihood(scale * test, test_labels).mean() for scale in (2, 4)]
    assert row.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert row.accuracy == pytest.approx((test.argmax(axis=1) == test_labels).mean())
    assert row.confidence == pytest.approx(
        np.mean([softmax(s * test, axis=1).max(axis=1).mean() for s in (2, 4)])
    )
    # Fitted on test, this one's temperature would be 1 and nothing would get worse.
    assert other.temperature == pytest.approx(4, rel=0.05)
    assert other.loss_scaled > other.loss + 0.1
    assert other.ece < 0.02 < 0.1 < other.ece_scaled
