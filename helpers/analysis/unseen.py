"""Diseases that no training row names: every name is scored, and where the right one comes is the measure."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from ..arms import ARMS
from ..data import splits
from ..data.study import MIN_UNSEEN, Study
from ..experiments.plan import results
from ..experiments.records import load_arrays
from .comparison import difference, mean_interval

TOPS = (1, 5, 10)


# Why the questions about unseen diseases are left out, where they are.
WHY_NOT = f"Con menos de {MIN_UNSEEN} etiquetas no se puede apartar ninguna enfermedad: esta parte se omite."


def is_possible(study: Study) -> bool:
    """Whether there are labels enough to hold some out."""
    return not study.unseen_split.empty


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


def measures(study: Study, arm: str, among: np.ndarray) -> dict[str, np.ndarray]:
    """`rank_measures` of an arm on the test rows, (seeds, n) each."""
    labels = splits.side(study.unseen_split, "test")[1]
    rows = [rank_measures(r.test_logits, labels, among) for r in results(study, arm, unseen=True)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def candidates(study: Study) -> dict[str, np.ndarray]:
    """Which names are ranked: `all`, or only the `unseen` ones (the test diseases).

    Among the unseen alone it is easier, and no seen name tempts.
    """
    everything = np.arange(len(splits.label_classes(study.unseen_split)))
    return {"all": everything, "unseen": np.unique(splits.side(study.unseen_split, "test")[1])}


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm and set of candidates: mrr, top1, top5, top10, `weight`.

    Each measure has its 95 % interval in `_low`, `_high`. Intervals resample test diseases and seeds.
    `weight`: the share of a name's prior that its score is less (see `answering.weigh`), of the first seed;
    None for a classifier. No row for no arm.
    """
    labels, rows = splits.side(study.unseen_split, "test")[1], []
    for arm in arms:
        kept = load_arrays(results(study, arm, unseen=True)[0].spec, "weight") if ARMS[arm].answers else {}
        for which, among in candidates(study).items():
            row = {"arm": arm, "candidates": which, "weight": kept.get("weight")}
            for name, values in measures(study, arm, among).items():
                row[name], row[f"{name}_low"], row[f"{name}_high"] = mean_interval(values, labels)
            rows.append(row)
    measured = [
        f"{name}{end}" for name in ("mrr", *(f"top{top}" for top in TOPS)) for end in ("", "_low", "_high")
    ]
    made = pd.DataFrame(rows, columns=["arm", "candidates", "weight", *measured])
    return made.astype({"weight": float})


KNOWN = {"english": "sus nombres en inglés", "all": "todos sus nombres"}  # what a guesser may match


def guess(texts: list[str], names: list[tuple[str, ...]]) -> np.ndarray:
    """(n, k) scores of a guesser that has read nothing: how many letters a text shares with each name.

    The cosine of TF-IDF weights of 3 to 5 letters within words, fitted on the names alone; of a disease's
    names the nearest counts. texts: n; names: k, of each at least one.
    """
    flat = [name for own in names for name in own]
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit(flat)
    near = (letters.transform(texts) @ letters.transform(flat).T).toarray()
    starts = np.cumsum([0, *map(len, names)])[:-1]
    return np.maximum.reduceat(near, starts, axis=1)


def guessers(study: Study) -> pd.DataFrame:
    """What `guess` gets on the rows that the models are asked about: without it no ranking shows knowledge.

    One row for each of KNOWN and set of candidates: `knows`, `candidates`, and the measures of `table`; none
    where no disease can be held out.
    """
    if not is_possible(study):
        return pd.DataFrame()
    texts, labels = splits.side(study.unseen_split, "test")
    classes, rows = splits.label_classes(study.unseen_split), []
    english = [(name,) for name in study.answers_of(study.unseen_split)]
    every = [(*own, *study.aliases.get(label, ())) for own, label in zip(english, classes, strict=True)]
    for knows, names in (("english", english), ("all", every)):
        for which, among in candidates(study).items():
            row = {"knows": knows, "candidates": which}
            for name, values in rank_measures(guess(texts, names), labels, among).items():
                row[name], row[f"{name}_low"], row[f"{name}_high"] = mean_interval(values[None], labels)
            rows.append(row)
    return pd.DataFrame(rows)


def gain(study: Study, more: str = "gpt2_lm", less: str = "gpt2_lm_scratch") -> tuple[float, float, float]:
    """Difference in MRR among all names between two arms on the same rows, and its 95 % interval."""
    labels, among = splits.side(study.unseen_split, "test")[1], candidates(study)["all"]
    return difference(*(measures(study, arm, among)["mrr"] for arm in (more, less)), labels)
