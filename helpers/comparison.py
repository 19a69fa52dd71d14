"""From run records to a comparison: means, intervals and paired tests on the same test rows."""

import numpy as np
import pandas as pd
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


def draw_rows(n: int, rng: np.random.Generator) -> np.ndarray:
    """(REPLICATES, n) weights of test rows drawn with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), size=REPLICATES) / n


def interval(means: np.ndarray) -> tuple[float, float]:
    """The central 95 % of bootstrap means."""
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def summary(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, in the order given: mean over seeds of each test metric, 95 % interval of accuracy, cost.

    Columns: name, accuracy, low, high, top5, macro_f1, mrr, class_perplexity, ece, seconds, parameters, seeds, value.
    """
    labels = splits.side(study.split, "test")[1]
    rows = {}
    for arm in arms:
        rng = np.random.default_rng(0)  # the same test rows for every arm
        records = results(study, arm)
        low, high = interval(bootstrap_means(hits(records, labels), draw_rows(len(labels), rng), rng))
        mean = {name: float(np.mean([r.metrics["test"][name] for r in records])) for name in records[0].metrics["test"]}
        rows[arm] = {"name": ARMS[arm].name, **mean, "low": low, "high": high} | {
            "seconds": float(np.mean([record.seconds for record in records])),
            "parameters": records[0].parameters,
            "seeds": len(records),
            "value": records[0].spec.value,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def paired(study: Study, pairs=PAIRS) -> pd.DataFrame:
    """Differences in test accuracy between arms on the same rows: mean, 95 % interval, exact McNemar p (Holm-corrected).

    The interval resamples rows (shared by both arms) and seeds; McNemar compares the first seed's predictions.
    Columns: a, b, difference, low, high, only_a, only_b (rows that only one of them gets right), p, p_holm.
    """
    labels = splits.side(study.split, "test")[1]
    rows = []
    for a, b in pairs:
        rng = np.random.default_rng(0)
        weights = draw_rows(len(labels), rng)
        hits_a, hits_b = (hits(results(study, arm), labels) for arm in (a, b))
        low, high = interval(bootstrap_means(hits_a, weights, rng) - bootstrap_means(hits_b, weights, rng))
        first_a, first_b = hits_a[0].astype(bool), hits_b[0].astype(bool)
        table = [
            [(first_a & first_b).sum(), (first_a & ~first_b).sum()],
            [(~first_a & first_b).sum(), (~first_a & ~first_b).sum()],
        ]
        p = float(mcnemar(table, exact=True).pvalue)
        rows.append((a, b, float(hits_a.mean() - hits_b.mean()), low, high, int(table[0][1]), int(table[1][0]), p))
    out = pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "only_a", "only_b", "p"])
    return out.assign(p_holm=multipletests(out["p"], method="holm")[1])


def estimate(value: float, low: float, high: float, sign: bool = False) -> str:
    """A number with its interval as every text shows it: `0.412 [0.381, 0.443]`."""
    form = "+.3f" if sign else ".3f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"
