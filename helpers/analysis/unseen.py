"""Diseases that no training row names: every name is scored, and where the right one comes is the measure."""

import numpy as np
import pandas as pd

from ..arms import ARMS
from ..data import splits
from ..data.study import MIN_UNSEEN, Study
from ..experiments.plan import results
from ..experiments.records import Record, load_arrays
from ..models.bases import load_bpe
from .comparison import difference, mean_interval

TOPS = (1, 5, 10)
SCORINGS = {"sum": "suma", "mean": "por token", "pmi": "PMI"}


# Why the questions about unseen diseases are left out, where they are.
WHY_NOT = f"Con menos de {MIN_UNSEEN} etiquetas no se puede apartar ninguna enfermedad: esta parte se omite."


def is_possible(study: Study) -> bool:
    """Whether there are labels enough to hold some out."""
    return not study.unseen_split.empty


def name_lengths(study: Study) -> np.ndarray:
    """(k,) int: tokens of each disease's name as an answer, the end-of-text token counted."""
    tokenizer = load_bpe(study.profile.base)
    return np.array(
        [len(tokenizer.encode(f" {name}").ids) + 1 for name in study.answers_of(study.unseen_split)]
    )


def scores(record: Record, logits: np.ndarray, lengths: np.ndarray, scoring: str) -> np.ndarray:
    """(n, k) scores of each name for each page; logits: log-probabilities of the names, in nats.

    `sum`: as it is, which favours short and frequent names; `mean`: a token; `pmi`: less the log-probability
    of the name after the question alone, what the page adds (pointwise mutual information; Holtzman et al.
    2021, EMNLP, eq. 2).
    """
    if scoring == "mean":
        return logits / lengths
    return logits - load_arrays(record.spec, "prior")["prior"] if scoring == "pmi" else logits


def rank_measures(scores: np.ndarray, labels: np.ndarray, among: np.ndarray) -> dict[str, np.ndarray]:
    """`mrr` (1 / rank), `top1`, `top5`, `top10` (1 or 0) of the true names among the candidates, (n,) each.

    among: column numbers, ascending, the true ones included. Equal scores are expected in a random order, so
    that a model that gives all names the same gets what chance gets (see `chance`), and not the mean rank's
    reciprocal.
    """
    own = scores[:, among]
    true = own[np.arange(len(own)), np.searchsorted(among, labels)][:, None]
    above, tied = (own > true).sum(axis=1), (own == true).sum(axis=1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(among) + 1))])
    found = {"mrr": (harmonic[above + tied] - harmonic[above]) / tied}
    return found | {f"top{top}": np.clip((top - above) / tied, 0.0, 1.0) for top in TOPS}


def chance(candidates: int) -> dict[str, float]:
    """What a blind order of the candidates is expected to get: MRR, top1, top5, top10.

    The MRR is the harmonic number of `candidates` divided by `candidates`.
    """
    mrr = float((1 / np.arange(1, candidates + 1)).mean())
    return {"mrr": mrr} | {f"top{top}": min(1.0, top / candidates) for top in TOPS}


def measures(
    study: Study, arm: str, scoring: str, among: np.ndarray, side: str = "test"
) -> dict[str, np.ndarray]:
    """`hits` of an arm on one side's pages, (seeds, n) each."""
    labels, lengths = splits.side(study.unseen_split, side)[1], name_lengths(study)
    rows = []
    for record in results(study, arm, unseen=True):
        logits = record.test_logits if side == "test" else record.valid_logits
        rows.append(rank_measures(scores(record, logits, lengths, scoring), labels, among))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def candidates(study: Study) -> dict[str, np.ndarray]:
    """Which names are ranked: `all`, or only the `unseen` ones (the test diseases).

    Among the unseen alone it is easier, and no seen name tempts.
    """
    everything = np.arange(len(splits.label_classes(study.unseen_split)))
    return {"all": everything, "unseen": np.unique(splits.side(study.unseen_split, "test")[1])}


def choose_scoring(study: Study, arm: str) -> str:
    """The scoring with the best validation MRR among all names; test is not looked at."""
    everything = candidates(study)["all"]
    return max(
        scorings(arm), key=lambda scoring: measures(study, arm, scoring, everything, "valid")["mrr"].mean()
    )


def scorings(arm: str) -> tuple[str, ...]:
    """The scorings of an arm; a classifier has one score a class."""
    return tuple(SCORINGS) if ARMS[arm].answers else ("sum",)


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, scoring and set of candidates: mrr, top1, top5, top10, and `chosen`.

    Each measure has its 95 % interval in `_low`, `_high`. Intervals resample test diseases and seeds.
    `chosen`: the scoring that validation prefers. No row for no arm.
    """
    labels, rows = splits.side(study.unseen_split, "test")[1], []
    for arm in arms:
        chosen = choose_scoring(study, arm)
        for scoring in scorings(arm):
            for which, among in candidates(study).items():
                row = {"arm": arm, "scoring": scoring, "candidates": which, "chosen": scoring == chosen}
                for name, values in measures(study, arm, scoring, among).items():
                    row[name], row[f"{name}_low"], row[f"{name}_high"] = mean_interval(values, labels)
                rows.append(row)
    measured = [
        f"{name}{end}" for name in ("mrr", *(f"top{top}" for top in TOPS)) for end in ("", "_low", "_high")
    ]
    return pd.DataFrame(rows, columns=["arm", "scoring", "candidates", "chosen", *measured])


def gain(study: Study, more: str = "gpt2_lm", less: str = "gpt2_lm_scratch") -> tuple[float, float, float]:
    """Difference in MRR among all names between two arms on the same pages, and its 95 % interval.

    Each arm's names are scored by its chosen scoring.
    """
    labels, among = splits.side(study.unseen_split, "test")[1], candidates(study)["all"]
    values = [measures(study, arm, choose_scoring(study, arm), among)["mrr"] for arm in (more, less)]
    return difference(*values, labels)
