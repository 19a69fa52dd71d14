"""From run records to a comparison: means, intervals and paired tests on the same test rows."""

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from ..experiments.results import results
from .intervals import correctness, difference, mean_interval, seed_interval

PAIRS = (
    ("gpt2_finetuned", "gpt2_scratch"),
    ("gpt2_finetuned", "gpt2_frozen"),
    ("gpt2_embeddings", "gpt2_scratch"),
    ("gpt2_lm", "gpt2_finetuned"),
    ("gpt2_finetuned", "bilstm"),
    ("gpt2_finetuned", "tfidf_logreg"),
    ("bilstm", "bilstm_original"),
)


def summary(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, in the order given: mean over seeds of each test metric, 95 % intervals of accuracy,
    cost.

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


def paired(study: Study, pairs=PAIRS) -> pd.DataFrame:
    """Differences in test accuracy between arms on the same rows: mean, 95 % interval, exact McNemar p
    (Holm-corrected).

    The interval resamples diseases (shared by both arms) and seeds; McNemar compares the first seed's
    predictions.
    Columns: a, b, difference, low, high, only_a, only_b (rows that only one of them gets right), p, p_holm.
    """
    labels = splits.side(study.split, "test")[1]
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
