"""What pre-training saves in labels: accuracy against labelled rows, and where two curves are as high."""

import numpy as np
import pandas as pd

from ..data import splits
from ..data.study import Study
from ..experiments.plan import results
from .comparison import correctness
from .intervals import bootstrap_means, draw_rows, interval


def labels_per_disease(study: Study) -> list[float]:
    """Training rows a label at each fraction of the profile; last, the mean where all are used."""
    own = study.split.loc[study.split["side"] == "train", "label"].value_counts()
    return [
        *(float(own.clip(upper=fraction).mean()) for fraction in study.profile.fractions),
        float(own.mean()),
    ]


def replicates(study: Study, arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy of an arm at each fraction: means over seeds, and bootstrap means.

    Means are (f,), bootstrap means (REPLICATES, f), the smallest fraction first. The same diseases are drawn
    at every fraction and for every arm, and the same seeds at every fraction where they have them.
    """
    labels = splits.side(study.split, "test")[1]
    means, draws = [], []
    for fraction in (*study.profile.fractions, None):
        values = correctness(results(study, arm, fraction))
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


def worth(study: Study, more: str = "gpt2_finetuned", less: str = "gpt2_scratch") -> dict:
    """How many times the labels `less` needs for what `more` does: `k` and its 95 % interval.

    `k`, `height`: see `factor`; `low`, `high`: k's interval. `at_least`: whether `more` is there with the
    fewest labels measured, so that the curves share no height and k is only a lower bound; `open`: the share
    of bootstrap draws of which that holds.
    """
    sizes = np.array(labels_per_disease(study))
    (mean_more, draws_more), (mean_less, draws_less) = (replicates(study, arm) for arm in (more, less))
    k, at_least, height = factor(sizes, mean_more, mean_less)
    drawn = np.array([factor(sizes, a, b) for a, b in zip(draws_more, draws_less, strict=True)])
    low, high = interval(drawn[:, 0])
    found = {"more": more, "less": less, "k": k, "low": low, "high": high, "height": height}
    return found | {"at_least": at_least, "open": float(drawn[:, 1].mean())}


def factor(sizes: np.ndarray, more: np.ndarray, less: np.ndarray) -> tuple[float, bool, float]:
    """k of two accuracy curves over the same sizes, whether it is only a lower bound, and where it is read.

    Sizes ascend; each curve is read as never falling and straight in log size. Both are read at one height,
    the highest that both reach: k = labels that `less` needs for it / labels that `more` needs. Second:
    whether `more` is that high at the smallest size and `less` is not, so that k is at least that. Third: the
    height, an accuracy.
    """
    more, less = np.maximum.accumulate(more), np.maximum.accumulate(less)
    target = min(more[-1], less[-1])
    of_less, of_more = reach(sizes, less, target), reach(sizes, more, target)
    return of_less / of_more, bool(of_more == sizes[0] < of_less), float(target)


def reach(sizes: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """The smallest size at which a never falling curve has the target; sizes[0] if it is there already."""
    at = int(np.argmax(accuracy >= target))
    if at == 0:
        return float(sizes[0])
    share = (target - accuracy[at - 1]) / (accuracy[at] - accuracy[at - 1])
    return float(sizes[at - 1] * (sizes[at] / sizes[at - 1]) ** share)
