"""Which mistakes the arms make: within a group of look-alike diseases or across, shared or not, and for which
words.
"""

from collections.abc import Callable

import numpy as np

from ..arms import ARMS, Arm
from ..experiments.records import Record
from . import intervals


def confusion_groups(records: list[Record], labels: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """How often a wrong answer is at least of the right group. records: one arm's, one a seed; all seeds'
    errors count.

    labels: (n,) int, the test rows' classes; groups: (k,) str, the group of each class. Returns `errors` (how
    many), `within` (share whose answer is in the true class's group), `chance` (that share if each wrong
    answer were drawn evenly from the k - 1 other classes), and `low`, `high`: 95 % interval of `within` when
    diseases (true classes) are drawn with replacement, all rows and seeds of one together (cluster bootstrap:
    Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90:414). All but `errors` are NaN
    where nothing is wrong.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    wrong = 1 - intervals.correctness(records, labels)
    if not wrong.any():
        return {"errors": 0, **dict.fromkeys(("within", "chance", "low", "high"), float("nan"))}
    answers = np.stack([record.test_logits.argmax(axis=1) for record in records])
    near = wrong * (groups[answers] == groups[labels])
    siblings = (groups[:, None] == groups).sum(axis=1) - 1
    drawn = intervals.draw_rows(labels, np.random.default_rng(0)) @ np.stack(
        [near.sum(axis=0), wrong.sum(axis=0)], 1
    )
    drawn = drawn[drawn[:, 1] > 0]  # a draw of faultless diseases alone has no share
    low, high = intervals.interval(drawn[:, 0] / drawn[:, 1])
    return {
        "errors": int(wrong.sum()),
        "within": float(near.sum() / wrong.sum()),
        "chance": float((wrong * siblings[labels]).sum() / wrong.sum() / (len(groups) - 1)),
        "low": low,
        "high": high,
    }


def gallery(hits: dict[str, np.ndarray], few: int) -> dict[str, np.ndarray]:
    """Test rows worth reading, at most the first `few` of each kind, in row order: (<= few,) int arrays of
    row numbers.

    hits: arm to its (seeds, n) array of 0 and 1 (see `intervals.correctness`), of at least one arm.
    `all_wrong`: every arm wrong with every seed. `only_pretrained`: a pre-trained arm right with most of its
    seeds, none that starts from random weights with any. `only_counts`: one that counts words right with most
    of its seeds, no transformer with any.
    """
    n = next(iter(hits.values())).shape[1]

    def ever(kind: Callable[[Arm], bool]) -> np.ndarray:
        return np.any(
            [np.zeros(n, bool), *(hits[arm].any(axis=0) for arm in hits if kind(ARMS[arm]))], axis=0
        )

    def mostly(kind: Callable[[Arm], bool]) -> np.ndarray:
        return np.any(
            [np.zeros(n, bool), *(hits[arm].mean(axis=0) > 0.5 for arm in hits if kind(ARMS[arm]))], axis=0
        )

    chosen = {
        "all_wrong": ~ever(lambda arm: True),
        "only_pretrained": mostly(lambda arm: arm.pretrained) & ~ever(lambda arm: arm.start == "random"),
        "only_counts": mostly(lambda arm: arm.counts_words) & ~ever(lambda arm: arm.framework == "torch"),
    }
    return {kind: np.flatnonzero(rows)[:few] for kind, rows in chosen.items()}
