"""Honest baselines from scikit-learn: what a model has to beat before it may be called good."""

import warnings

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from ..arms import Arm
from ..data.splits import side
from .task import Task

# What reads the TF-IDF weights, by the name that an arm's settings give: the tuned value to a classifier.
CLASSIFIERS = {
    "prior": lambda _: DummyClassifier(strategy="prior"),
    "bayes": lambda alpha: MultinomialNB(alpha=alpha),
    "logistic": lambda c: LogisticRegression(C=c, max_iter=1000),
}
FITTED = ("coef_", "feature_log_prob_", "class_prior_")  # where scikit-learn keeps what was fitted


def build(arm: Arm, value: float | None):
    """The untrained pipeline of an arm: TF-IDF weights of words, and the classifier of its settings."""
    return make_pipeline(TfidfVectorizer(sublinear_tf=True), CLASSIFIERS[arm.settings["classifier"]](value))


def train(task: Task) -> dict:
    """Fits on the train side (see `Task`); the logits are log-probabilities.

    The fits are deterministic and know no epochs.
    """
    split = task.split
    texts, labels = side(split, "train")
    with warnings.catch_warnings():
        # One row a disease is meant.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        pipeline = build(task.arm, task.value).fit(texts, labels)
    classes = pipeline[-1].classes_
    n_labels = split["label"].nunique()

    def logits(name: str) -> np.ndarray:
        # A label without training rows keeps the lowest score there is in float32 terms, so its likelihood is
        # finite.
        scores = np.full((int((split["side"] == name).sum()), n_labels), -100.0, dtype=np.float32)
        rows = side(split, name)[0]
        if rows:
            scores[:, classes] = pipeline.predict_log_proba(rows)
        return scores

    return {
        "valid_logits": logits("valid"),
        "test_logits": logits("test"),
        "parameters": sum(
            int(getattr(pipeline[-1], name).size) for name in FITTED if hasattr(pipeline[-1], name)
        ),
        "history": [],
    }
