"""Diseases that no training row names: every name is scored, and where the right one comes is the measure."""

import numpy as np
import pandas as pd

from . import metrics, splits
from .comparison import difference, mean_interval
from .config import ARMS
from .experiments import results
from .records import Record, load_arrays
from .study import Study
from .text import load_bpe

TOPS = (1, 5, 10)
SCORINGS = {"sum": "suma", "mean": "por token", "pmi": "PMI"}


def name_lengths(study: Study) -> np.ndarray:
    """(k,) int: tokens of each disease's name as an answer, the end-of-text token counted."""
    tokenizer = load_bpe(study.profile.base)
    return np.array([len(tokenizer.encode(f" {name}").ids) + 1 for name in study.answers_of(study.unseen_split)])


def scores(record: Record, logits: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """(n, k) scores of each name for each page, by scoring; logits: log-probabilities of the names, in nats.

    `sum`: as it is, which favours short and frequent names; `mean`: a token; `pmi`: less the log-probability of the name
    after the question alone, what the page adds (pointwise mutual information; Holtzman et al. 2021, EMNLP, eq. 2). A classifier
    has one score a class and no such choice.
    """
    if not ARMS[record.spec.arm].answers:
        return {"sum": logits}
    return {"sum": logits, "mean": logits / lengths, "pmi": logits - load_arrays(record.spec)["prior"]}


def reciprocal_ranks(scores: np.ndarray, labels: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (n,) of the true names among the candidates `among` (column numbers, the true ones included), and 1 / rank."""
    place = {column: i for i, column in enumerate(among)}
    ranks = metrics.ranks(scores[:, among], np.array([place[label] for label in labels]))
    return ranks, 1 / ranks


def chance(candidates: int) -> dict[str, float]:
    """What a blind order of the candidates is expected to get: MRR (the harmonic number over the candidates), top1, top5, top10."""
    mrr = float((1 / np.arange(1, candidates + 1)).mean())
    return {"mrr": mrr} | {f"top{top}": min(1.0, top / candidates) for top in TOPS}


def ranks_of(study: Study, arm: str, scoring: str, among: np.ndarray, side: str = "test") -> np.ndarray:
    """(seeds, n) ranks of the true names of one side's pages."""
    labels, lengths = splits.side(study.unseen_split, side)[1], name_lengths(study)
    rows = []
    for record in results(study, arm, unseen=True):
        logits = record.test_logits if side == "test" else record.valid_logits
        rows.append(reciprocal_ranks(scores(record, logits, lengths)[scoring], labels, among)[0])
    return np.stack(rows)


def candidates(study: Study) -> dict[str, np.ndarray]:
    """Which names are ranked: `all`, or the `unseen` ones only (the test diseases; easier, and no seen name tempts)."""
    everything = np.arange(len(splits.label_classes(study.unseen_split)))
    return {"all": everything, "unseen": np.unique(splits.side(study.unseen_split, "test")[1])}


def choose_scoring(study: Study, arm: str) -> str:
    """The scoring with the best validation MRR among all names; test is not looked at."""
    everything = candidates(study)["all"]
    known = SCORINGS if ARMS[arm].answers else ("sum",)
    return max(known, key=lambda scoring: (1 / ranks_of(study, arm, scoring, everything, "valid")).mean())


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, scoring and set of candidates: mrr, top1, top5, top10, each with `_low`, `_high` (95 %), and `chosen`.

    Intervals resample test diseases and seeds. `chosen`: the scoring that validation prefers.
    """
    labels, rows = splits.side(study.unseen_split, "test")[1], []
    for arm in arms:
        chosen = choose_scoring(study, arm)
        for scoring in SCORINGS if ARMS[arm].answers else ("sum",):
            for which, among in candidates(study).items():
                ranks = ranks_of(study, arm, scoring, among)
                row = {"arm": arm, "scoring": scoring, "candidates": which, "chosen": scoring == chosen}
                measures = {"mrr": 1 / ranks} | {f"top{top}": (ranks <= top).astype(float) for top in TOPS}
                for name, values in measures.items():
                    row[name], row[f"{name}_low"], row[f"{name}_high"] = mean_interval(values, labels)
                rows.append(row)
    return pd.DataFrame(rows)


def gain(study: Study, more: str = "gpt2_lm", less: str = "gpt2_lm_scratch") -> tuple[float, float, float]:
    """Difference in MRR among all names between two arms, each by its chosen scoring, on the same pages; 95 % interval."""
    labels, among = splits.side(study.unseen_split, "test")[1], candidates(study)["all"]
    values = [1 / ranks_of(study, arm, choose_scoring(study, arm), among) for arm in (more, less)]
    return difference(*values, labels)
