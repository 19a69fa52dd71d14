"""Data efficiency: accuracy against labelled rows per disease, and how many labels pre-training is worth."""

import numpy as np
import pandas as pd

from . import splits
from .comparison import bootstrap_means, draw_rows, hits, interval
from .experiments import results
from .study import Study


def labels_per_disease(study: Study) -> list[float]:
    """Training rows a label at each fraction of the profile; last, the mean where all are used."""
    own = study.split.loc[study.split["side"] == "train", "label"].value_counts()
    return [*(float(own.clip(upper=fraction).mean()) for fraction in study.profile.fractions), float(own.mean())]


def replicates(study: Study, arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy of an arm at each fraction, smallest first: means over seeds (f,), bootstrap means (REPLICATES, f).

    The same diseases are drawn at every fraction and for every arm, and the same seeds at every fraction where they have them.
    """
    labels = splits.side(study.split, "test")[1]
    means, draws = [], []
    for fraction in (*study.profile.fractions, None):
        values = hits(results(study, arm, fraction), labels)
        rng = np.random.default_rng(0)
        means.append(values.mean())
        draws.append(bootstrap_means(values, draw_rows(labels, rng), rng))
    return np.array(means), np.stack(draws, axis=1)


def curve(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm and fraction: arm, per_disease (labelled rows), accuracy, low, high (95 %)."""
    rows, sizes = [], labels_per_disease(study)
    for arm in arms:
        means, draws = replicates(study, arm)
        rows += [(arm, size, means[i], *interval(draws[:, i])) for i, size in enumerate(sizes)]
    return pd.DataFrame(rows, columns=["arm", "per_disease", "accuracy", "low", "high"])


def worth(study: Study, more: str = "gpt2_finetuned", less: str = "gpt2_scratch") -> dict[str, float]:
    """How many times the labels `less` needs for what `more` does: `k`, its 95 % interval `low`, `high`, and its `limit`.

    k = all the labels / the labels with which `more` is as accurate as `less` is with all of them (see `factor`). The curves
    measure no further than `limit`, all the labels over the fewest: a k at the limit means that or more.
    """
    sizes = np.array(labels_per_disease(study))
    (mean_more, draws_more), (mean_less, draws_less) = (replicates(study, arm) for arm in (more, less))
    drawn = [factor(sizes, a, b) for a, b in zip(draws_more, draws_less, strict=True)]
    low, high = interval(np.array(drawn))
    return {"k": factor(sizes, mean_more, mean_less), "low": low, "high": high, "limit": float(sizes[-1] / sizes[0])}


def factor(sizes: np.ndarray, more: np.ndarray, less: np.ndarray) -> float:
    """k of two accuracy curves over the same sizes (ascending), each read as never falling and straight in log size.

    `more` needs sizes[-1] / k labels for what `less` reaches with sizes[-1]. Where `more` never gets there, k is below 1: `less`
    needs k * sizes[-1] for the best of `more`. k is cut to [1 / limit, limit], limit = sizes[-1] / sizes[0].
    """
    more, less = np.maximum.accumulate(more), np.maximum.accumulate(less)
    if more[-1] >= less[-1]:
        return float(sizes[-1] / reach(sizes, more, less[-1]))
    return float(reach(sizes, less, more[-1]) / sizes[-1])


def reach(sizes: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """The smallest size at which a never falling curve has the target; sizes[0] if it has it there already."""
    at = int(np.argmax(accuracy >= target))
    if at == 0:
        return float(sizes[0])
    share = (target - accuracy[at - 1]) / (accuracy[at] - accuracy[at - 1])
    return float(sizes[at - 1] * (sizes[at] / sizes[at - 1]) ** share)
