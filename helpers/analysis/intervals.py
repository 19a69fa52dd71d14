"""How sure one can be of a mean or a difference: bootstrap over diseases and seeds."""

import numpy as np
from scipy.stats import t

from ..experiments.records import Record

REPLICATES = 10_000


def correctness(records: list[Record], labels: np.ndarray) -> np.ndarray:
    """(seeds, n) float64: 1 where a seed's run classifies a test row rightly, else 0."""
    return np.stack([(record.test_logits.argmax(axis=1) == labels).astype(float) for record in records])


def bootstrap_means(values: np.ndarray, row_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(replicates,) means of (seeds, n) values when seeds and rows are both drawn with replacement.

    row_weights: (replicates, n), each row summing to 1. Resampling both factors of the crossed design is the
    pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386).
    """
    n_seeds = len(values)
    seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=len(row_weights)) / n_seeds
    return ((seed_weights @ values) * row_weights).sum(axis=1)


def draw_rows(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(REPLICATES, n) weights of test rows when diseases are drawn with replacement, each with all of its
    rows.

    Rows of one disease come from one page and stand or fall together; drawing single rows would call them
    independent.
    """
    diseases, which = np.unique(labels, return_inverse=True)
    drawn = rng.multinomial(len(diseases), np.full(len(diseases), 1 / len(diseases)), size=REPLICATES)[
        :, which
    ]
    return drawn / drawn.sum(axis=1, keepdims=True)


def interval(means: np.ndarray) -> tuple[float, float]:
    """The central 95 % of bootstrap means."""
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def mean_interval(values: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Mean of (seeds, n) values and its 95 % bootstrap interval over seeds and diseases."""
    rng = np.random.default_rng(0)  # the same test rows for every arm
    return float(values.mean()), *interval(bootstrap_means(values, draw_rows(labels, rng), rng))


def seed_interval(values: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean over seeds alone, the test rows taken as they are; (nan, nan) for
    one seed.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def difference(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Mean of (seeds, n) values of two arms on the same rows, a minus b, and its 95 % interval.

    Both see the same draws of diseases; their seeds, which have nothing to do with each other, are drawn each
    by itself.
    """
    rng = np.random.default_rng(0)
    weights = draw_rows(labels, rng)
    low, high = interval(bootstrap_means(a, weights, rng) - bootstrap_means(b, weights, rng))
    return float(a.mean() - b.mean()), low, high
