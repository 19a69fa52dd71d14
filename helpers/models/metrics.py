"""What is measured on logits and on a language model's surprise, never from rounded probabilities."""

import math

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.metrics import f1_score


def class_perplexity(logits: np.ndarray, labels: np.ndarray) -> float:
    """exp of the mean negative log-likelihood of the true class.

    logits: (n, k) float, unnormalised; labels: (n,) int in [0, k). Computed in float64 through log-softmax,
    so a confident mistake stays finite. Uniform guessing gives k. Raises ValueError on a label outside [0,
    k).
    """
    return float(np.exp(negative_log_likelihood(logits, labels).mean()))


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log softmax(logits)[label], in nats: (n,) float64.

    Raises ValueError on a label outside [0, k) or a NaN logit.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if outside := sorted({*labels.tolist()} - {*range(logits.shape[1])}):
        raise ValueError(f"labels must lie in [0, {logits.shape[1]}), found {outside[0]}")
    if np.isnan(logits).any():
        raise ValueError("logits contain NaN: the model did not train")
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]


def places(
    logits: np.ndarray, labels: np.ndarray, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How many classes score higher than the true one, and how many as high, itself included: (n,) int each.

    among: the class numbers that compete, ascending, the true ones included (None: all). Raises ValueError on
    a NaN logit, which would otherwise rank above all.
    """
    if np.isnan(logits).any():
        raise ValueError("logits contain NaN: the model did not train")
    true = logits[np.arange(len(logits)), labels][:, None]
    own = logits if among is None else logits[:, among]
    return (own > true).sum(axis=1), (own == true).sum(axis=1)


def reciprocal_ranks(above: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """1 / rank of the true class, (n,) float64, of its `places`.

    Equal scores are expected in a random order, so that a model that gives all classes the same gets what
    chance gets, and not the mean rank's reciprocal.
    """
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, (above + tied).max(initial=0) + 1))])
    return (harmonic[above + tied] - harmonic[above]) / tied


def within(above: np.ndarray, tied: np.ndarray, top: int) -> np.ndarray:
    """Whether the true class is among the `top` first, (n,) float64: its chance of that where scores tie."""
    return np.clip((top - above) / tied, 0.0, 1.0)


def mean_reciprocal_rank(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of 1/rank of the true class (Voorhees 1999, TREC-8), in (0, 1]; see `reciprocal_ranks`.

    It moves with every rank, accuracy with the first only.
    """
    return float(reciprocal_ranks(*places(logits, labels)).mean())


def confidence_bins(logits: np.ndarray, bins: int = 10) -> tuple[np.ndarray, list[np.ndarray]]:
    """Top probabilities (n,) and the rows of each bin of equally many rows, the least sure first.

    Equal counts rather than equal widths: with hundreds of classes nearly all rows would share one bin of ten
    (Nixon et al. 2019, CVPR workshops, section 4).
    """
    confidence = softmax(np.asarray(logits, dtype=np.float64), axis=1).max(axis=1)
    order = np.argsort(confidence, kind="stable")
    return confidence, [rows for rows in np.array_split(order, bins) if len(rows)]


def expected_calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Mean |confidence - accuracy| over the bins of `confidence_bins`, weighted by their rows.

    Guo et al. 2017, eq. 3.
    """
    confidence, groups = confidence_bins(logits, bins)
    correct = logits.argmax(axis=1) == labels
    gaps = [abs(confidence[rows].mean() - correct[rows].mean()) * len(rows) for rows in groups]
    return float(sum(gaps) / len(labels))


def evaluate(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """accuracy, top5, macro_f1, mrr, class_perplexity, loss (nats) and ece of logits against labels.

    logits: (n, k); labels: (n,) int.
    """
    predicted = logits.argmax(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "top5": float(within(*places(logits, labels), top=5).mean()),
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


def token_nats(model, tokens: np.ndarray) -> np.ndarray:
    """Surprise of each token given those before it in its row of `n_positions`: (n,) float64 nats.

    The first token of a row has nothing before it and is not predicted: NaN.
    """
    import torch

    width, out = model.config.max_position_embeddings, np.full(len(tokens), np.nan)
    with torch.inference_mode():
        for start in range(0, len(tokens), width):
            ids = torch.from_numpy(tokens[start : start + width].astype(np.int64))[None].to(model.device)
            if ids.shape[1] > 1:
                logits = model(ids).logits[0, :-1].float()
                nats = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
                out[start + 1 : start + ids.shape[1]] = nats.double().cpu().numpy()
    return out
