"""From run records to a comparison: means, intervals and paired tests on the same test rows."""

import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from . import splits
from .config import ARMS
from .experiments import results
from .records import Record
from .study import Study

REPLICATES = 10_000
PAIRS = (
    ("gpt2_finetuned", "gpt2_scratch"),
    ("gpt2_finetuned", "gpt2_frozen"),
    ("gpt2_embeddings", "gpt2_scratch"),
    ("gpt2_lm", "gpt2_finetuned"),
    ("gpt2_finetuned", "bilstm"),
    ("gpt2_finetuned", "tfidf_logreg"),
    ("bilstm", "bilstm_original"),
)


def hits(records: list[Record], labels: np.ndarray) -> np.ndarray:
    """(seeds, n) float64: 1 where a seed's run classifies a test row rightly, else 0."""
    return np.stack([(record.test_logits.argmax(axis=1) == labels).astype(float) for record in records])


def bootstrap_means(values: np.ndarray, row_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(replicates,) means of (seeds, n) values when seeds and rows are both drawn with replacement.

    row_weights: (replicates, n), each row summing to 1. Resampling both factors of the crossed design is the pigeonhole
    bootstrap (Owen 2007, Annals of Applied Statistics 1:386).
    """
    n_seeds = len(values)
    seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=len(row_weights)) / n_seeds
    return ((seed_weights @ values) * row_weights).sum(axis=1)


def draw_rows(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(REPLICATES, n) weights of test rows when diseases are drawn with replacement, each with all of its rows.

    Rows of one disease come from one page and stand or fall together; drawing single rows would call them independent.
    """
    diseases, which = np.unique(labels, return_inverse=True)
    drawn = rng.multinomial(len(diseases), np.full(len(diseases), 1 / len(diseases)), size=REPLICATES)[:, which]
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
    """Student's 95 % interval of the mean over seeds alone, the test rows taken as they are; (nan, nan) for one seed."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def summary(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, in the order given: mean over seeds of each test metric, 95 % intervals of accuracy, cost.

    Columns: name, accuracy, low, high (diseases and seeds resampled), seed_low, seed_high (seeds alone), top5, macro_f1, mrr,
    class_perplexity, loss, ece, seconds, parameters, seeds, value.
    """
    labels = splits.side(study.split, "test")[1]
    rows = {}
    for arm in arms:
        records = results(study, arm)
        _, low, high = mean_interval(hits(records, labels), labels)
        seed_low, seed_high = seed_interval([r.metrics["test"]["accuracy"] for r in records])
        mean = {name: float(np.mean([r.metrics["test"][name] for r in records])) for name in records[0].metrics["test"]}
        intervals = {"low": low, "high": high, "seed_low": seed_low, "seed_high": seed_high}
        rows[arm] = {"name": ARMS[arm].name, **mean, **intervals} | {
            "seconds": float(np.mean([record.seconds for record in records])),
            "memory": float(np.mean([record.memory for record in records])),
            "parameters": records[0].parameters,
            "seeds": len(records),
            "value": records[0].spec.value,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def difference(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Mean of (seeds, n) values of two arms on the same rows, a minus b, and its 95 % interval.

    Both see the same draws of diseases; their seeds, which have nothing to do with each other, are drawn each by itself.
    """
    rng = np.random.default_rng(0)
    weights = draw_rows(labels, rng)
    low, high = interval(bootstrap_means(a, weights, rng) - bootstrap_means(b, weights, rng))
    return float(a.mean() - b.mean()), low, high


def paired(study: Study, pairs=PAIRS) -> pd.DataFrame:
    """Differences in test accuracy between arms on the same rows: mean, 95 % interval, exact McNemar p (Holm-corrected).

    The interval resamples diseases (shared by both arms) and seeds; McNemar compares the first seed's predictions.
    Columns: a, b, difference, low, high, only_a, only_b (rows that only one of them gets right), p, p_holm.
    """
    labels = splits.side(study.split, "test")[1]
    rows = []
    for a, b in pairs:
        hits_a, hits_b = (hits(results(study, arm), labels) for arm in (a, b))
        first_a, first_b = hits_a[0].astype(bool), hits_b[0].astype(bool)
        only_a, only_b = int((first_a & ~first_b).sum()), int((~first_a & first_b).sum())
        table = [[(first_a & first_b).sum(), only_a], [only_b, (~first_a & ~first_b).sum()]]
        rows.append(
            (a, b, *difference(hits_a, hits_b, labels), only_a, only_b, float(mcnemar(table, exact=True).pvalue))
        )
    out = pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "only_a", "only_b", "p"])
    return out.assign(p_holm=multipletests(out["p"], method="holm")[1])


def estimate(value: float, low: float, high: float, sign: bool = False) -> str:
    """A number with its interval as every text shows it: `0.412 [0.381, 0.443]`."""
    form = "+.3f" if sign else ".3f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]".replace("-", "−")
