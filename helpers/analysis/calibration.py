"""How far a model's confidence may be believed, and the one number that mends most of it, a temperature."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from ..experiments.records import Record
from ..models.metrics import evaluate, expected_calibration_error, negative_log_likelihood

TEMPERATURES = (0.05, 100.0)  # where `fit_temperature` looks


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 that minimises the mean negative log-likelihood of logits / T (Guo et al. 2017, ICML, section
    4.2).

    logits: (n, k) float of rows that the model was not trained on (validation); labels: (n,) int in [0, k). T
    > 1: the model was too sure. T changes no answer, only how sure it is. The loss has one valley over log T
    (convex in 1 / T), searched in float64 within `TEMPERATURES`; an optimum beyond (T to 0 where every row is
    right, to infinity where logits mislead) ends beside that bound, or where the loss is first lost to
    rounding. Raises ValueError on a label outside [0, k) or a NaN logit.
    """
    logits = np.asarray(logits, dtype=np.float64)
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits / np.exp(log_t), labels).mean(),
        bounds=np.log(TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def reliability(logits: np.ndarray, labels: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Confidence against accuracy: a row a non-empty bin of equal width, the lowest first (Guo et al. 2017,
    section 2).

    logits: (n, k) float; labels: (n,) int. Columns: `confidence` (mean top probability), `accuracy`, `rows`.
    The bins are those of `metrics.expected_calibration_error`, which is the mean gap of the two columns
    weighted by `rows`.
    """
    probability = softmax(np.asarray(logits, dtype=np.float64), axis=1)
    table = pd.DataFrame(
        {"confidence": probability.max(axis=1), "accuracy": probability.argmax(axis=1) == labels}
    )
    which = np.minimum((table["confidence"] * bins).astype(int), bins - 1)
    groups = table.astype(float).groupby(which.to_numpy())
    return groups.mean().assign(rows=groups.size()).reset_index(drop=True)


def calibration_table(
    records: dict[str, list[Record]], valid_labels: np.ndarray, test_labels: np.ndarray
) -> pd.DataFrame:
    """One row an arm, means over its seeds, each with a temperature fitted on its own validation logits,
    never on test.

    Columns, on test unless said otherwise: `ece` and `loss` (nats) as the model gives its logits,
    `ece_scaled` and `loss_scaled` with logits / T, `temperature` (validation), `confidence` (mean top
    probability, unscaled), `accuracy`. Index: arm.
    """

    def of_seed(record: Record) -> dict[str, float]:
        scores = evaluate(record.test_logits, test_labels)
        temperature = fit_temperature(record.valid_logits, valid_labels)
        scaled = np.asarray(record.test_logits, dtype=np.float64) / temperature
        return {
            "ece": scores["ece"],
            "ece_scaled": expected_calibration_error(scaled, test_labels),
            "loss": scores["loss"],
            "loss_scaled": float(negative_log_likelihood(scaled, test_labels).mean()),
            "temperature": temperature,
            "confidence": float(softmax(record.test_logits.astype(np.float64), axis=1).max(axis=1).mean()),
            "accuracy": scores["accuracy"],
        }

    rows = {arm: pd.DataFrame(map(of_seed, seeds)).mean() for arm, seeds in records.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("arm")
