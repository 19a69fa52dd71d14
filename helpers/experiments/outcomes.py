"""What a run said of each row of a side: as much of its scores as the measures need, small enough to keep."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import softmax

from ..models import metrics

FIRST = 5  # classes that are kept of each row's order


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answers to the n rows of a side, in the order of the split.

    labels: (n,) int16, the true classes. above, tied: (n,) int16, how many classes score higher than the true
    one and as high (see `metrics.places`); above_own, tied_own: the same among the side's own classes alone,
    which is less where diseases are held out. nats: (n,) float32, -log of the true class's probability.
    first: (n, FIRST) int16, the classes that score highest, the best first, -1 where there are fewer; sure:
    (n,) float32, the probability of the best.
    """

    labels: np.ndarray
    above: np.ndarray
    tied: np.ndarray
    above_own: np.ndarray
    tied_own: np.ndarray
    nats: np.ndarray
    first: np.ndarray
    sure: np.ndarray

    @property
    def answers(self) -> np.ndarray:
        """The class that each row is given: (n,) int16."""
        return self.first[:, 0]

    @property
    def correct(self) -> np.ndarray:
        """(n,) bool: whether that is the true one."""
        return self.answers == self.labels

    @property
    def reciprocal_ranks(self) -> np.ndarray:
        """See `metrics.reciprocal_ranks`: (n,) float64."""
        return metrics.reciprocal_ranks(self.above, self.tied)

    def arrays(self, side: str) -> dict[str, np.ndarray]:
        """Its arrays by name, with the side before, as `outcome` takes them."""
        return {f"{side}_{field.name}": getattr(self, field.name) for field in fields(self)}


def outcome(arrays, side: str) -> Outcome:
    """An `Outcome` from what `Outcome.arrays` gave; KeyError if one is missing."""
    return Outcome(**{field.name: arrays[f"{side}_{field.name}"] for field in fields(Outcome)})


def outcome_of(logits: np.ndarray, labels: np.ndarray) -> Outcome:
    """The outcome of scores: logits (n, k) float, labels (n,) int in [0, k).

    Raises ValueError on a NaN logit.
    """
    labels = np.asarray(labels)
    (above, tied), own = metrics.places(logits, labels), np.unique(labels)
    above_own, tied_own = metrics.places(logits, labels, own)
    first = np.full((len(logits), FIRST), -1)
    order = np.argsort(-logits, axis=1, kind="stable")[:, :FIRST]
    first[:, : order.shape[1]] = order
    counts = {
        "labels": labels, "above": above, "tied": tied, "above_own": above_own, "tied_own": tied_own,
        "first": first,
    }  # fmt: skip
    sure = softmax(np.asarray(logits, dtype=np.float64), axis=1).max(axis=1, initial=0)
    nats = metrics.negative_log_likelihood(logits, labels)
    return Outcome(
        **{name: values.astype(np.int16) for name, values in counts.items()},
        nats=nats.astype(np.float32),
        sure=sure.astype(np.float32),
    )
