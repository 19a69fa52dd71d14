"""Honest baselines from scikit-learn: what a model has to beat before it may be called good."""

import warnings

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from .splits import side


def build(arm: str, value: float | None):
    """The untrained pipeline of an arm; `value` is alpha for `naive_bayes` and C for `tfidf_logreg`."""
    if arm == "majority":
        return make_pipeline(TfidfVectorizer(), DummyClassifier(strategy="prior"))
    if arm == "naive_bayes":
        return make_pipeline(TfidfVectorizer(sublinear_tf=True), MultinomialNB(alpha=value))
    return make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=value, max_iter=1000))


def train(
    split: pd.DataFrame, arm: str, value: float | None, seed: int, epochs=None, progress=None, *, work=None
) -> dict:
    """Fits on the train side; returns `valid_logits`, `test_logits` (n, k float32: log-probabilities), `parameters`.

    Called as the other arms' `train` are; the three fits are deterministic and short, so all after `value` changes nothing.
    """
    texts, labels = side(split, "train")
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "The number of unique classes is greater than 50%"
        )  # one row a disease is meant
        pipeline = build(arm, value).fit(texts, labels)
    classes = pipeline[-1].classes_
    n_labels = split["label"].nunique()

    def logits(name: str) -> np.ndarray:
        # A label without training rows keeps the lowest score there is in float32 terms, so its likelihood is finite.
        scores = np.full((int((split["side"] == name).sum()), n_labels), -100.0, dtype=np.float32)
        rows = side(split, name)[0]
        if rows:
            scores[:, classes] = pipeline.predict_log_proba(rows)
        return scores

    fitted = pipeline[-1]
    parameters = {"majority": n_labels}.get(arm) or sum(
        getattr(fitted, a).size for a in ("coef_", "feature_log_prob_") if hasattr(fitted, a)
    )
    return {
        "valid_logits": logits("valid"),
        "test_logits": logits("test"),
        "parameters": int(parameters),
        "history": [],
    }
