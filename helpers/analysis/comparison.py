"""From run records to a comparison of the arms on the same rows: means with intervals, pairs with tests."""

from itertools import pairwise

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from ..experiments.plan import asked, results, sweep_specs
from ..experiments.records import Record, load
from .intervals import difference, mean_interval, seed_interval, sign_flip


def correctness(records: list[Record]) -> np.ndarray:
    """(seeds, n) float64: 1 where a seed's run classifies a test row rightly, else 0."""
    return np.stack([record.test.correct.astype(float) for record in records])


# The same architecture with ever more of pre-training.
LADDERS = (
    ("gpt2_scratch", "gpt2_self", "gpt2_frozen", "gpt2_finetuned"),
    ("smollm2_scratch", "smollm2_frozen", "smollm2_finetuned"),
)
# What is compared besides the steps of the ladders, the pairs that the question is about first.
MAIN = (
    ("smollm2_finetuned", "smollm2_scratch"),
    ("gpt2_finetuned", "gpt2_scratch"),
    ("gpt2_finetuned", "gpt2_self"),
    ("smollm2_finetuned", "gpt2_finetuned"),
    ("smollm2_finetuned", "tfidf_logreg"),
    ("smollm2_finetuned", "bilstm"),
    ("gpt2_finetuned", "tfidf_logreg"),
    ("gpt2_finetuned", "bilstm"),
    ("gpt2_finetuned", "bag"),
    ("bilstm", "bilstm_original"),
    ("smollm2_lm", "smollm2_finetuned"),
    ("gpt2_lm", "gpt2_finetuned"),
)


def ladders(study: Study) -> list[tuple[str, ...]]:
    """The rungs of each ladder that the study has, of those with two or more."""
    seen = asked(study, "seen")
    found = [tuple(arm for arm in rungs if arm in seen) for rungs in LADDERS]
    return [rungs for rungs in found if len(rungs) > 1]


def stated_pairs(study: Study) -> list[tuple[str, str]]:
    """Every pair of arms whose difference in accuracy is stated anywhere, each once."""
    seen = set(asked(study, "seen"))
    main = [pair for pair in MAIN if set(pair) <= seen]
    return list(dict.fromkeys(main + [(b, a) for rungs in ladders(study) for a, b in pairwise(rungs)]))


def summary(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, in the order given: mean test metrics over seeds, 95 % intervals of accuracy, cost.

    Columns: name, accuracy, low, high (diseases and seeds resampled), seed_low, seed_high (seeds alone),
    hand_low, hand_high (also who wrote the statements; NaN where that is not known), top5, macro_f1, mrr,
    class_perplexity, loss, ece, valid_accuracy, seconds, parameters, seeds, value. Where an arm gives
    all rows one answer its accuracy is arithmetic, and low = high.
    """
    labels, hands = splits.side(study.split, "test")[1], study.hands_of(study.split)
    rows = {}
    for arm in arms:
        records = results(study, arm)
        right = correctness(records)
        _, low, high = mean_interval(right, labels)
        seed_low, seed_high = seed_interval([r.metrics["test"]["accuracy"] for r in records])
        by_hand = (np.nan, np.nan) if hands is None else mean_interval(right, labels, hands)[1:]
        if all(len(np.unique(record.test.answers)) == 1 for record in records):
            low = high = float(right.mean())
        mean = {
            name: float(np.mean([r.metrics["test"][name] for r in records]))
            for name in records[0].metrics["test"]
        }
        mean["class_perplexity"] = float(np.exp(mean["loss"]))
        mean["valid_accuracy"] = float(np.mean([r.metrics["valid"]["accuracy"] for r in records]))
        rows[arm] = {"name": ARMS[arm].name, **mean} | {
            **{"low": low, "high": high, "seed_low": seed_low, "seed_high": seed_high},
            **dict(zip(("hand_low", "hand_high"), by_hand, strict=True)),
            "seconds": float(np.mean([record.seconds for record in records])),
            "memory": float(np.mean([record.memory for record in records])),
            "parameters": records[0].parameters,
            "seeds": len(records),
            "value": records[0].spec.value,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def paired(study: Study, pairs: list[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Differences in test accuracy between arms on the same rows: mean, 95 % interval, tests.

    pairs None: `stated_pairs`. Columns: a, b, difference, low, high (diseases, shared by both arms, and seeds
    resampled), hand_low, hand_high (also hands; NaN where they are not known), p (see
    `intervals.sign_flip`: all seeds), and of the first seed alone only_a, only_b (rows that only one of them
    gets right) and p_first, McNemar's exact test of the two.
    """
    labels, hands = splits.side(study.split, "test")[1], study.hands_of(study.split)
    rows = []
    for a, b in stated_pairs(study) if pairs is None else pairs:
        hits_a, hits_b = (correctness(results(study, arm)) for arm in (a, b))
        first_a, first_b = hits_a[0].astype(bool), hits_b[0].astype(bool)
        only_a, only_b = int((first_a & ~first_b).sum()), int((~first_a & first_b).sum())
        table = [[(first_a & first_b).sum(), only_a], [only_b, (~first_a & ~first_b).sum()]]
        mean, low, high = difference(hits_a, hits_b, labels)
        by_hand = (np.nan, np.nan) if hands is None else difference(hits_a, hits_b, labels, hands)[1:]
        p_first = float(mcnemar(table, exact=True).pvalue)
        p = sign_flip(hits_a, hits_b, labels)
        rows.append((a, b, mean, low, high, *by_hand, p, only_a, only_b, p_first))
    columns = ("a", "b", "difference", "low", "high", "hand_low", "hand_high", "p", "only_a", "only_b")
    return pd.DataFrame(rows, columns=[*columns, "p_first"])


def by_hand(study: Study, a: str, b: str) -> pd.DataFrame:
    """The difference in test accuracy between two arms on the rows of each who wrote some of them.

    Columns: hand, rows, difference (mean over seeds); no rows where the hands are not known.
    """
    hands, columns = study.hands_of(study.split), ["hand", "rows", "difference"]
    if hands is None:
        return pd.DataFrame(columns=columns)
    gap = correctness(results(study, a)).mean(axis=0) - correctness(results(study, b)).mean(axis=0)
    rows = [(hand, int((hands == hand).sum()), float(gap[hands == hand].mean())) for hand in np.unique(hands)]
    return pd.DataFrame(rows, columns=columns)


def swept(study: Study, arm: str) -> pd.DataFrame:
    """What each hyperparameter of an arm does by itself, on validation, first seed (see `plan.sweep_specs`).

    Columns: name, value (as changed), mrr, accuracy (validation), seconds (median of an epoch), parameters.
    Without a change comes first, its name empty.
    """
    runs = {change: load(spec) for change, spec in sweep_specs(results(study, arm)[0].spec).items()}
    rows = [
        (
            *change,
            *(record.metrics["valid"][name] for name in ("mrr", "accuracy")),
            float(record.history["seconds"].median()),
            record.parameters,
        )
        for change, record in runs.items()
    ]
    return pd.DataFrame(rows, columns=["name", "value", "mrr", "accuracy", "seconds", "parameters"])


def correct_together(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """The tables with a column `p_holm`: their `p` corrected as one family (Holm 1979)."""
    together = np.concatenate([table["p"].to_numpy(float) for table in tables])
    corrected = multipletests(together, method="holm")[1] if len(together) else together
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return [table.assign(p_holm=own) for table, own in zip(tables, np.split(corrected, ends), strict=True)]
