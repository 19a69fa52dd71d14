"""What an exam measures: baselines under each way to examine, without and with masks, read together."""

import warnings
from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from ..arms import ARMS, arms_asked
from ..data import splits
from ..data.passages import make_fragments
from ..data.study import Study
from ..experiments.plan import results
from ..experiments.records import load_logits
from ..models import baselines
from ..models.metrics import mean_reciprocal_rank
from ..models.task import Task
from .intervals import mean_interval

TOGETHER = 3  # sentences of a page that are read together at most


def counting_arms() -> list[str]:
    """The arms that know a text by its words' counts: they train in seconds."""
    return [arm for arm in arms_asked("seen") if ARMS[arm].counts_words]


def rivals() -> dict[str, Pipeline]:
    """Models that know neither rate nor epochs, not yet fitted, by their Spanish names: texts -> classes.

    From here on scikit-learn no longer warns of one text a class, which is meant.
    """
    warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
    values = {"naive_bayes": 0.1, "tfidf_logreg": 10.0}
    found = {ARMS[arm].name: baselines.build(ARMS[arm], value) for arm, value in values.items()}
    return found | {"Vecino más cercano": make_pipeline(TfidfVectorizer(), KNeighborsClassifier(1))}


class Fit(NamedTuple):
    """A counting arm after training: the value it was given, and its log-probabilities (n, k) in test."""

    value: float
    logits: np.ndarray


def fitted(arm: str, split: pd.DataFrame, values: tuple[float, ...] | None = None) -> Fit:
    """The fit of an arm whose value validation chose, by MRR.

    values: which are tried (None: the arm's own); one alone where nothing is held out to choose with.
    """
    labels, found = splits.side(split, "valid")[1], []
    for value in values or ARMS[arm].grid:
        result = baselines.train(Task(split, ARMS[arm], value))
        score = mean_reciprocal_rank(result["valid_logits"], labels) if len(labels) else np.nan
        found.append((score, Fit(value, result["test_logits"])))
    return max(found, key=lambda pair: pair[0])[1]


def fit_all(study: Study) -> dict[tuple[str, str], Fit]:
    """`fitted` for each exam (see `exam_splits`) and counting arm.

    Where nothing is held out to choose with, its value is the one chosen on the study's own exam.
    """
    found = {}
    for arm in counting_arms():
        own = fitted(arm, study.split)
        for name, split in exam_splits(study).items():
            chooses = (split["side"] == "valid").any()
            found[name, arm] = fitted(arm, split, None if chooses else (own.value,))
    return found


def exams(study: Study, fits: dict[tuple[str, str], Fit]) -> pd.DataFrame:
    """Test accuracy of the counting arms under each exam: `exam`, `arm`, `accuracy`, `low`, `high`, `rows`.

    Exams: "page" (the original: whole pages at random), "fragment 1" … (so many sentences of a page, read
    together; where pages are cut), and "row" or "patients" (the study's own). Intervals as in
    `comparison.mean_interval`, one fit an arm. fits: see `fit_all`.
    """
    rows = []
    for arm in counting_arms():
        for name, split in exam_splits(study).items():
            logits, labels = fits[name, arm].logits[None], splits.side(split, "test")[1]
            if name == "fragment":
                rows += [
                    (f"fragment {row.read}", arm, *row[2:]) for row in together(logits, split).itertuples()
                ]
                continue
            right = (logits.argmax(axis=-1) == labels).astype(float)
            rows.append((name, arm, *mean_interval(right, labels), len(labels)))
    return pd.DataFrame(rows, columns=["exam", "arm", "accuracy", "low", "high", "rows"])


def exam_splits(study: Study) -> dict[str, pd.DataFrame]:
    """The splits that a study's pages can be put in, by exam, from the original to the study's own."""
    found = {"page": study.page_split}
    if study.protocol == "patients":
        fragments = make_fragments(study.masked)
        if (fragments["page"].value_counts() >= splits.MIN_ROWS).sum() > 1:
            found["fragment"] = splits.fragment_split(fragments)
    return found | {study.protocol: study.split}


def together(logits: np.ndarray, split: pd.DataFrame, most: int = TOGETHER) -> pd.DataFrame:
    """Accuracy when 1, 2, … test rows of a page are read together: their log-probabilities are added.

    Only pages with `most` test rows (fewer where no page has so many), so that they are the same throughout;
    of each page all choices of so many rows count. Columns: `read`, `accuracy`, `low`, `high`, `rows`
    (pages).
    logits: (seeds, n, k) of the test rows in the order of the split.
    """
    labels, scores = splits.side(split, "test")[1], log_softmax(np.asarray(logits, np.float64), axis=-1)
    pages = pd.Series(range(len(labels))).groupby(split.loc[split["side"] == "test", "page"].to_numpy())
    own = [rows.to_numpy() for _, rows in pages]
    most = min(most, max(map(len, own)))
    own, out = [rows[:most] for rows in own if len(rows) >= most], []
    truth = np.array([labels[rows[0]] for rows in own])
    for read in range(1, most + 1):
        right = np.zeros((len(scores), len(own)))
        for page, rows in enumerate(own):
            chosen = [scores[:, list(some)].sum(axis=1) for some in combinations(rows, read)]
            right[:, page] = np.mean([added.argmax(axis=-1) == truth[page] for added in chosen], axis=0)
        out.append((read, *mean_interval(right, truth), len(own)))
    return pd.DataFrame(out, columns=["read", "accuracy", "low", "high", "rows"])


def read_together(study: Study, arms: Iterable[str]) -> pd.DataFrame:
    """`together` of each arm's records, without training: with a column `arm` first.

    Only where rows are sentences of pages ("fragment"): statements are of different people.
    """
    tables = [
        together(
            np.stack([load_logits(record.spec)["test"] for record in results(study, arm)]), study.split
        ).assign(arm=arm)
        for arm in arms
        if study.protocol == "fragment"
    ]
    columns = ["arm", "read", "accuracy", "low", "high", "rows"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def masking_effect(study: Study, fits: dict[tuple[str, str], Fit]) -> pd.DataFrame:
    """Test accuracy of the counting arms with names left in, and with names masked, in training and test.

    One row an exam that has something to choose by (see `exam_splits`) and arm: `exam`, `arm`, `named`,
    `named_low`, `named_high`, `masked`, `masked_low`, `masked_high`. Sides are drawn by the same rule, so
    where sentences are drawn they are not the same ones; the value is the one chosen with masks. fits: with
    masks (see `fit_all`).
    """
    out = []
    for exam, masked in exam_splits(study).items():
        if exam == "page":
            continue
        plain = splits.make_split(study.pages, exam, statements=study.statements)
        for arm in counting_arms():
            row = {"exam": exam, "arm": arm}
            for name, split, logits in (
                ("named", plain, fitted(arm, plain, (fits[exam, arm].value,)).logits),
                ("masked", masked, fits[exam, arm].logits),
            ):
                labels = splits.side(split, "test")[1]
                right = (logits.argmax(axis=-1) == labels).astype(float)[None]
                row |= zip((name, f"{name}_low", f"{name}_high"), mean_interval(right, labels), strict=True)
            out.append(row)
    return pd.DataFrame(out)
