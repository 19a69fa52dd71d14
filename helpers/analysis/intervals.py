"""Intervals and tests over the rows of an exam: diseases, seeds and hands drawn again, signs flipped."""

import warnings

import numpy as np
from scipy.stats import bootstrap, permutation_test, t

REPLICATES = 10_000


def bootstrap_means(values: np.ndarray, row_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(replicates,) means of (seeds, n) values when seeds and rows are both drawn with replacement.

    row_weights: (replicates, n), each row summing to 1. Resampling both factors of the crossed design is the
    pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386).
    """
    n_seeds = len(values)
    seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=len(row_weights)) / n_seeds
    return ((seed_weights @ values) * row_weights).sum(axis=1)


def draw_rows(labels: np.ndarray, rng: np.random.Generator, hands: np.ndarray | None = None) -> np.ndarray:
    """(REPLICATES, n) weights of the test rows when whole diseases are drawn with replacement.

    A disease is drawn with all of its rows: they come from one page and stand or fall together; drawing
    single rows would call them independent. hands: (n,), who wrote each row; they are then drawn too, each by
    itself with all rows, as a second factor.
    """
    drawn = _drawn(labels, rng)
    if hands is not None:
        drawn = drawn * _drawn(hands, rng)
        drawn = drawn[drawn.any(axis=1)]  # with few of both a draw may hold no row
    return drawn / drawn.sum(axis=1, keepdims=True)


def _drawn(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(REPLICATES, n): how often each row's group was drawn, as many draws as groups."""
    names, which = np.unique(groups, return_inverse=True)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=REPLICATES)
    return counts[:, which]


def interval(means: np.ndarray) -> tuple[float, float]:
    """The central 95 % of bootstrap means."""
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def mean_interval(
    values: np.ndarray, labels: np.ndarray, hands: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Mean of (seeds, n) values and its 95 % bootstrap interval over seeds and diseases (and hands)."""
    rng = np.random.default_rng(0)  # the same test rows for every arm
    return float(values.mean()), *interval(bootstrap_means(values, draw_rows(labels, rng, hands), rng))


def seed_interval(values: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean over seeds alone; (nan, nan) for one seed.

    The test rows are taken as they are.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def difference(
    a: np.ndarray, b: np.ndarray, labels: np.ndarray, hands: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Mean of (seeds, n) values of two arms on the same rows, a minus b, and its 95 % interval.

    Both see the same draws of diseases; their seeds, which have nothing to do with each other, are drawn each
    by itself.
    """
    rng = np.random.default_rng(0)
    weights = draw_rows(labels, rng, hands)
    low, high = interval(bootstrap_means(a, weights, rng) - bootstrap_means(b, weights, rng))
    return float(a.mean() - b.mean()), low, high


def by_disease(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(diseases,): the sum of (seeds, n) values over a disease's rows, seeds averaged."""
    return np.bincount(np.unique(labels, return_inverse=True)[1], values.mean(axis=0))


def sign_flip(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> float:
    """Two-sided p of no difference between (seeds, n) values of two arms on the same rows.

    A randomisation test over diseases: if neither arm were better, either could have had either's mean over
    seeds on each disease (Fisher 1935; Noreen 1989). It takes the trained models as they are and a disease's
    rows together, and assumes nothing of how the differences are spread.
    """
    sums = by_disease(a, labels), by_disease(b, labels)
    if np.array_equal(*sums):
        return 1.0
    found = permutation_test(
        sums,
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=REPLICATES - 1,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def skewed_interval(values: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Mean of (seeds, n) values and its 95 % BCa interval over diseases (Efron 1987, JASA 82:171).

    For means of few diseases with a long tail, reciprocal ranks say, where the percentile interval is too
    short. Seeds are averaged. A disease is drawn with all of its rows, and each row counts the same.
    """
    sums, rows = by_disease(values, labels), by_disease(np.ones_like(values), labels)
    mean, own = float(values.mean()), sums / rows
    if np.ptp(own) == 0:
        return mean, mean, mean
    data, statistic = (own,), np.mean
    if np.ptp(rows):  # with equally many the same, but for rounding, and BCa counts exact ties
        data, statistic = (sums, rows), lambda s, r, axis: s.sum(axis=axis) / r.sum(axis=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says so where its correction does not exist; then it is NaN
        found = bootstrap(
            data,
            statistic,
            paired=True,
            n_resamples=REPLICATES,
            method="BCa",
            rng=np.random.default_rng(0),
        )
    low, high = found.confidence_interval
    return mean, float(low), float(high)
