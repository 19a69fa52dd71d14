"""What a model's `train` is told, and the rows and batches of its epochs: functions of seed and epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..arms import Arm
from ..data.passages import recut
from ..data.splits import label_classes


def say_nothing(text: str) -> None:
    """The default for who wants to hear of a run's progress."""


@dataclass(frozen=True)
class Task:
    """One run to train.

    `train(task)` returns a dict: `valid_logits`, `test_logits` (n, k) float32, `history` (one row an epoch),
    `parameters` (trained ones), `chosen`, numbers by name, if it chose any on validation itself, and, where a
    model keeps them, `arrays` by name.

    split: columns `text`, `label`, `side`. value: of the arm's tuned hyperparameter (None: its own). base: of
    a transformer. names: of the labels in the order of `splits.label_classes`, for a model that answers.
    work: where its checkpoint is kept. anew: whether the training rows are passages, which networks get cut
    anew each epoch. rows: how many training rows an epoch has at least (see `epoch_rows`).
    """

    split: pd.DataFrame
    arm: Arm
    value: float | None = None
    seed: int = 0
    epochs: int | None = None
    base: str | None = None
    names: list[str] | None = None
    work: Path | None = None
    progress: Callable[[str], None] = say_nothing
    anew: bool = False
    rows: int | None = None


def epoch_rows(task: Task, epoch: int) -> tuple[list[str], np.ndarray]:
    """Texts and class numbers that a network trains on in an epoch, counted from 0.

    Passages are cut anew (see `passages.recut`) where the task says so. With fewer training rows than
    `task.rows` an epoch goes over them several times, until it has as many. Passages cut anew are shorter and
    so some more than the fixed ones, by a third on the embedded corpus: with all rows an epoch has them all.
    """
    given = task.split[task.split["side"] == "train"]
    size = max(task.rows or 0, len(given))
    passes, drawn = -(-size // len(given)), []
    for number in range(passes * epoch, passes * (epoch + 1)):
        rows = recut(given, task.seed, number) if task.anew else given
        room = max(0, size - sum(map(len, drawn)))
        if drawn and len(rows) > room:
            rows = rows.sample(room, random_state=np.random.default_rng([task.seed, number]))
        drawn.append(rows)
    rows = pd.concat(drawn)
    return rows["text"].tolist(), np.searchsorted(label_classes(task.split), rows["label"].to_numpy(str))


def steps_of(task: Task, batch_size: int) -> int:
    """Optimizer steps of an epoch: as many with fewer training rows, and with passages cut anew.

    So a batch of passages cut anew has some more than `batch_size`.
    """
    return -(-max(task.rows or 0, int((task.split["side"] == "train").sum())) // batch_size)


def draw_batches(lengths: np.ndarray, steps: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row numbers in `steps` batches of nearly equal size, each of rows of like length, in random order.

    Rows of one length, or of none (0), are shuffled.
    """
    order = np.argsort((lengths + 1) * rng.uniform(0.9, 1.1, len(lengths)), kind="stable")
    batches = np.array_split(order, steps)
    return [batches[number] for number in rng.permutation(steps)]


class EpochBatches:
    """The batches of an epoch as a map-style dataset for PyTorch: every item is a list of rows.

    rows_of: an epoch's number, from 0 -> its rows, each a dict, with `input_ids` if they have lengths. A
    step's batch lies in `parts` items one after the other, for who takes it in parts; where it has fewer rows
    than parts, some are in two. accelerate calls `set_epoch` before each epoch.
    """

    def __init__(self, rows_of: Callable[[int], list[dict]], steps: int, parts: int, seed: int):
        self.rows_of, self.steps, self.parts, self.seed, self.epoch = rows_of, steps, parts, seed, None
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draws the batches of an epoch, once: the Trainer and accelerate both ask for it."""
        if epoch == self.epoch:
            return
        self.epoch = epoch
        rows, rng = self.rows_of(epoch), np.random.default_rng([self.seed, epoch])
        lengths = np.array([len(row.get("input_ids", ())) for row in rows])
        self.items = [
            [rows[number] for number in part]
            for batch in draw_batches(lengths, min(self.steps, len(rows)), rng)
            for part in np.array_split(np.resize(batch, max(len(batch), self.parts)), self.parts)
        ]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: int) -> list[dict]:
        return self.items[item]
