"""What is measured on logits, and how sure one can be. Everything in float64, nothing from rounded
probabilities.
"""

import math

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.metrics import f1_score, top_k_accuracy_score


def class_perplexity(logits: np.ndarray, labels: np.ndarray) -> float:
    """exp of the mean negative log-likelihood of the true class.

    logits: (n, k) float, unnormalised; labels: (n,) int in [0, k). Computed in float64 through log-softmax,
    so a confident mistake stays finite. Uniform guessing gives k. Raises ValueError on a label outside [0,
    k).
    """
    return float(np.exp(negative_log_likelihood(logits, labels).mean()))


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float64, nats: -log softmax(logits)[label]. Raises ValueError on a label outside [0, k) or a NaN
    logit.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"labels must lie in [0, {logits.shape[1]}), found {labels.min()}..{labels.max()}")
    if np.isnan(logits).any():
        raise ValueError("logits contain NaN: the model did not train")
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]


def ranks(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float: rank of the true class, 1 the best; ties share their mean rank, so constant logits give (k
    + 1) / 2.

    Raises ValueError on a NaN logit, which would otherwise rank above all.
    """
    if np.isnan(logits).any():
        raise ValueError("logits contain NaN: the model did not train")
    true = logits[np.arange(len(labels)), labels][:, None]
    return 1 + (logits > true).sum(axis=1) + ((logits == true).sum(axis=1) - 1) / 2


def mean_reciprocal_rank(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of 1/rank of the true class (Voorhees 1999, TREC-8), in (0, 1]; it moves with every rank, accuracy
    with the first only.
    """
    return float((1 / ranks(logits, labels)).mean())


def expected_calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Mean |confidence - accuracy| over equal-width confidence bins, weighted by their rows (Guo et al. 2017,
    eq. 3).
    """
    probability = softmax(np.asarray(logits, dtype=np.float64), axis=1)
    confidence, correct = probability.max(axis=1), probability.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[which == b].mean() - correct[which == b].mean()) * (which == b).mean()
        for b in np.unique(which)
    ]
    return float(sum(gaps))


def evaluate(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """accuracy, top5, macro_f1, mrr, class_perplexity, loss (nats) and ece of (n, k) logits against (n,) int
    labels.
    """
    classes = np.arange(logits.shape[1])
    predicted = logits.argmax(axis=1)
    top5 = 1.0 if len(classes) <= 5 else top_k_accuracy_score(labels, logits, k=5, labels=classes)
    return {
        "accuracy": float((predicted == labels).mean()),
        "top5": float(top5),
        "macro_f1": float(
            f1_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)
        ),
        "mrr": mean_reciprocal_rank(logits, labels),
        "class_perplexity": class_perplexity(logits, labels),
        "loss": float(negative_log_likelihood(logits, labels).mean()),
        "ece": expected_calibration_error(logits, labels),
    }


def bits_per_byte(nats: float, n_bytes: float) -> float:
    """Cross-entropy in bits per byte of text; unlike token perplexity it can be compared across tokenizers.

    nats: of a text, and n_bytes its length in UTF-8; or both a token, on average.
    """
    return nats / math.log(2) / n_bytes
