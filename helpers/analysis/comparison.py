"""From run records to a comparison: intervals over diseases and seeds, paired tests, the worth of labels."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from ..experiments.plan import asked, results
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
    """(REPLICATES, n) weights of the test rows when whole diseases are drawn with replacement.

    A disease is drawn with all of its rows: they come from one page and stand or fall together; drawing
    single rows would call them independent.
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
    """Student's 95 % interval of the mean over seeds alone; (nan, nan) for one seed.

    The test rows are taken as they are.
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


PAIRS = (
    ("gpt2_finetuned", "gpt2_scratch"),
    ("gpt2_finetuned", "gpt2_frozen"),
    ("gpt2_self", "gpt2_scratch"),
    ("gpt2_lm", "gpt2_finetuned"),
    ("gpt2_finetuned", "bilstm"),
    ("gpt2_finetuned", "tfidf_logreg"),
    ("bilstm", "bilstm_original"),
    ("smollm2_finetuned", "smollm2_scratch"),
    ("smollm2_finetuned", "smollm2_frozen"),
    ("smollm2_finetuned", "gpt2_finetuned"),
    ("smollm2_finetuned", "tfidf_logreg"),
)


def summary(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, in the order given: mean test metrics over seeds, 95 % intervals of accuracy, cost.

    Columns: name, accuracy, low, high (diseases and seeds resampled), seed_low, seed_high (seeds alone),
    top5, macro_f1, mrr, class_perplexity, loss, ece, seconds, parameters, seeds, value.
    """
    labels = splits.side(study.split, "test")[1]
    rows = {}
    for arm in arms:
        records = results(study, arm)
        _, low, high = mean_interval(correctness(records, labels), labels)
        seed_low, seed_high = seed_interval([r.metrics["test"]["accuracy"] for r in records])
        mean = {
            name: float(np.mean([r.metrics["test"][name] for r in records]))
            for name in records[0].metrics["test"]
        }
        intervals = {"low": low, "high": high, "seed_low": seed_low, "seed_high": seed_high}
        rows[arm] = {"name": ARMS[arm].name, **mean, **intervals} | {
            "seconds": float(np.mean([record.seconds for record in records])),
            "memory": float(np.mean([record.memory for record in records])),
            "parameters": records[0].parameters,
            "seeds": len(records),
            "value": records[0].spec.value,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def paired(study: Study, pairs: Iterable[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Differences in test accuracy between arms on the same rows: mean, 95 % interval, McNemar's p.

    pairs None: those of PAIRS that take part in the study.

    The interval resamples diseases (shared by both arms) and seeds; McNemar's exact test compares the first
    seed's predictions. Columns: a, b, difference, low, high, only_a, only_b (rows that only one of them gets
    right), p, p_holm (Holm-corrected).
    """
    labels = splits.side(study.split, "test")[1]
    if pairs is None:
        pairs = [pair for pair in PAIRS if set(pair) <= set(asked(study, "seen"))]
    rows = []
    for a, b in pairs:
        hits_a, hits_b = (correctness(results(study, arm), labels) for arm in (a, b))
        first_a, first_b = hits_a[0].astype(bool), hits_b[0].astype(bool)
        only_a, only_b = int((first_a & ~first_b).sum()), int((~first_a & first_b).sum())
        table = [[(first_a & first_b).sum(), only_a], [only_b, (~first_a & ~first_b).sum()]]
        rows.append(
            (
                a,
                b,
                *difference(hits_a, hits_b, labels),
                only_a,
                only_b,
                float(mcnemar(table, exact=True).pvalue),
            )
        )
    out = pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "only_a", "only_b", "p"])
    return out.assign(p_holm=multipletests(out["p"], method="holm")[1])


def labels_per_disease(study: Study) -> list[float]:
    """Training rows a label at each fraction of the profile; last, the mean where all are used."""
    own = study.split.loc[study.split["side"] == "train", "label"].value_counts()
    return [
        *(float(own.clip(upper=fraction).mean()) for fraction in study.profile.fractions),
        float(own.mean()),
    ]


def replicates(study: Study, arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy of an arm at each fraction: means over seeds, and bootstrap means.

    Means are (f,), bootstrap means (REPLICATES, f), the smallest fraction first. The same diseases are drawn
    at every fraction and for every arm, and the same seeds at every fraction where they have them.
    """
    labels = splits.side(study.split, "test")[1]
    means, draws = [], []
    for fraction in (*study.profile.fractions, None):
        values = correctness(results(study, arm, fraction), labels)
        rng = np.random.default_rng(0)
        means.append(values.mean())
        draws.append(bootstrap_means(values, draw_rows(labels, rng), rng))
    return np.array(means), np.stack(draws, axis=1)


def curve(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm and fraction: arm, per_disease (labelled rows), accuracy, low, high (95 %)."""
    rows, sizes = [], labels_per_disease(study)
    for arm in arms:
        means, draws = replicates(study, arm)
        rows += [(arm, size, means[i], *interval(draws[:, i])) for i, size in enumerate(sizes)]
    return pd.DataFrame(rows, columns=["arm", "per_disease", "accuracy", "low", "high"])


def worth(study: Study, more: str = "gpt2_finetuned", less: str = "gpt2_scratch") -> dict[str, float]:
    """How many times the labels `less` needs for what `more` does: `k` and its 95 % interval.

    `k`: see `factor`; `low`, `high`: its interval. `at_least`: whether `more` is there with the fewest labels
    measured, so that k is a lower bound; `open`: the share of bootstrap draws of which that holds.
    """
    sizes = np.array(labels_per_disease(study))
    (mean_more, draws_more), (mean_less, draws_less) = (replicates(study, arm) for arm in (more, less))
    k, at_least = factor(sizes, mean_more, mean_less)
    drawn = np.array([factor(sizes, a, b) for a, b in zip(draws_more, draws_less, strict=True)])
    low, high = interval(drawn[:, 0])
    return {"k": k, "low": low, "high": high, "at_least": at_least, "open": float(drawn[:, 1].mean())}


def factor(sizes: np.ndarray, more: np.ndarray, less: np.ndarray) -> tuple[float, bool]:
    """k of two accuracy curves over the same sizes, and whether it is only a lower bound.

    Sizes ascend; each curve is read as never falling and straight in log size. Both are read at one height,
    the highest that both reach: k = labels that `less` needs for it / labels that `more` needs. Second:
    whether `more` is that high at the smallest size and `less` is not, so that k is at least that.
    """
    more, less = np.maximum.accumulate(more), np.maximum.accumulate(less)
    target = min(more[-1], less[-1])
    of_less, of_more = reach(sizes, less, target), reach(sizes, more, target)
    return of_less / of_more, bool(of_more == sizes[0] < of_less)


def reach(sizes: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """The smallest size at which a never falling curve has the target; sizes[0] if it is there already."""
    at = int(np.argmax(accuracy >= target))
    if at == 0:
        return float(sizes[0])
    share = (target - accuracy[at - 1]) / (accuracy[at] - accuracy[at - 1])
    return float(sizes[at - 1] * (sizes[at] / sizes[at - 1]) ** share)
