"""Diseases that no training row names: every name is scored, and where the right one comes is the measure."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from ..data import splits
from ..data.study import MIN_UNSEEN, Study
from ..experiments.plan import asked, results
from ..models import metrics
from .intervals import sign_flip, skewed_interval

TOPS = (1, 5, 10)


# Why the questions about unseen diseases are left out, where they are.
WHY_NOT = (
    f"Con menos de {MIN_UNSEEN} etiquetas, o sin relatos con qué elegir, no se puede apartar ninguna "
    "enfermedad: esta parte se omite."
)


def is_possible(study: Study) -> bool:
    """Whether some labels can be held out: there are enough, and others to choose by."""
    return not study.unseen_split.empty


def measures_of(above: np.ndarray, tied: np.ndarray) -> dict[str, np.ndarray]:
    """`mrr` (1 / rank), `top1`, `top5`, `top10` (1 or 0) of `metrics.places`, (n,) each."""
    found = {"mrr": metrics.reciprocal_ranks(above, tied)}
    return found | {f"top{top}": metrics.within(above, tied, top) for top in TOPS}


def chance(candidates: int) -> dict[str, float]:
    """What a blind order of the candidates is expected to get: MRR, top1, top5, top10.

    The MRR is the harmonic number of `candidates` divided by `candidates`.
    """
    mrr = float((1 / np.arange(1, candidates + 1)).mean())
    return {"mrr": mrr} | {f"top{top}": min(1.0, top / candidates) for top in TOPS}


def measures(study: Study, arm: str, which: str) -> dict[str, np.ndarray]:
    """`measures_of` an arm on the test rows among some names (see `candidates`), (seeds, n) each."""
    rows = []
    for record in results(study, arm, unseen=True):
        test = record.test
        places = (test.above, test.tied) if which == "all" else (test.above_own, test.tied_own)
        rows.append(measures_of(*places))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def candidates(study: Study) -> dict[str, np.ndarray]:
    """Which names are ranked: `all`, or only the `unseen` ones (the test diseases).

    Among the unseen alone it is easier, and no seen name tempts.
    """
    everything = np.arange(len(splits.label_classes(study.unseen_split)))
    return {"all": everything, "unseen": np.unique(splits.side(study.unseen_split, "test")[1])}


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm and set of candidates: mrr, top1, top5, top10, `weight`.

    Each measure has its 95 % interval over diseases in `_low`, `_high` (see `intervals.skewed_interval`).
    `weight`: the share of a name's prior that its score is less (see `answering.weigh`), of the first seed;
    None for a classifier. No row for no arm.
    """
    labels, rows = splits.side(study.unseen_split, "test")[1], []
    for arm in arms:
        weight = results(study, arm, unseen=True)[0].chosen.get("weight")
        for which in candidates(study):
            row = {"arm": arm, "candidates": which, "weight": weight}
            for name, values in measures(study, arm, which).items():
                row[name], row[f"{name}_low"], row[f"{name}_high"] = skewed_interval(values, labels)
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


def guessed(study: Study) -> dict[str, np.ndarray]:
    """`guess` on the rows that the models are asked about, by what it knows (see KNOWN): (n, k) each."""
    texts = splits.side(study.unseen_split, "test")[0]
    classes = splits.label_classes(study.unseen_split)
    english = [(name,) for name in study.answers_of(study.unseen_split)]
    every = [(*own, *study.aliases.get(label, ())) for own, label in zip(english, classes, strict=True)]
    return {"english": guess(texts, english), "all": guess(texts, every)}


def guessers(study: Study) -> pd.DataFrame:
    """What the guessers get on the same rows: without them no ranking shows knowledge.

    One row for each of KNOWN and set of candidates: `knows`, `candidates`, and the measures of `table`; none
    where no disease can be held out.
    """
    if not is_possible(study):
        return pd.DataFrame()
    labels, rows = splits.side(study.unseen_split, "test")[1], []
    for knows, scores in guessed(study).items():
        for which, among in candidates(study).items():
            row = {"knows": knows, "candidates": which}
            for name, values in measures_of(*metrics.places(scores, labels, among)).items():
                row[name], row[f"{name}_low"], row[f"{name}_high"] = skewed_interval(values[None], labels)
            rows.append(row)
    return pd.DataFrame(rows)


GUESSER = "guesser"  # of English names, the ones that the models rank
# What is claimed of diseases without a label: each is a gain in MRR among all names, over what stands second.
GAINS = (
    ("smollm2_lm", GUESSER),
    ("smollm2_lm", "smollm2_lm_zero"),
    ("smollm2_lm_zero", GUESSER),
    ("gpt2_lm", GUESSER),
    ("gpt2_lm", "gpt2_lm_scratch"),
    ("smollm2_lm", "gpt2_lm"),
)


def gains(study: Study, pairs: Iterable[tuple[str, str]] = GAINS) -> pd.DataFrame:
    """Differences in MRR among all names on the same rows, of the pairs that the study has.

    Columns: a, b, difference, low, high (see `intervals.skewed_interval`), p (see `intervals.sign_flip`).
    Seeds, which have nothing to do with each other, are averaged before.
    """
    known, labels = set(asked(study, "unseen")), splits.side(study.unseen_split, "test")[1]
    rows = []
    for pair in pairs if is_possible(study) else ():
        if set(pair) - {GUESSER} <= known:
            a, b = (_reciprocal(study, name).mean(axis=0, keepdims=True) for name in pair)
            rows.append((*pair, *skewed_interval(a - b, labels), sign_flip(a, b, labels)))
    return pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "p"])


def _reciprocal(study: Study, name: str) -> np.ndarray:
    """(seeds, n): 1 / rank among all names of an arm, or of the guesser."""
    if name != GUESSER:
        return measures(study, name, "all")["mrr"]
    labels = splits.side(study.unseen_split, "test")[1]
    return metrics.reciprocal_ranks(*metrics.places(guessed(study)["english"], labels))[None]
