"""What a model's `train` is told: the same for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..arms import Arm


def say_nothing(text: str) -> None:
    """The default for who wants to hear of a run's progress."""


@dataclass(frozen=True)
class Task:
    """One run to train.

    `train(task)` returns a dict: `valid_logits`, `test_logits` (n, k) float32, `history` (one row an epoch),
    `parameters` (trained ones) and, where a model keeps them, `arrays` by name.

    split: columns `text`, `label`, `side`. value: of the arm's tuned hyperparameter (None: its own). base: of
    a transformer. names: of the labels in the order of `splits.label_classes`, for a model that answers.
    work: where its checkpoint is kept.
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
