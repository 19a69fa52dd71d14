"""The frozen spec of a run: all that decides its numbers, hashed into its key."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cache

from ..arms import ARMS, Arm
from ..data.study import Study
from ..models.bases import base_hash
from .fingerprints import code_hash, reached


@dataclass(frozen=True)
class RunSpec:
    """All that decides a run's numbers. `value` is the tuned hyperparameter; `recipe` and `base` are content
    hashes.

    `fraction` is how many training rows each label keeps (see `splits.thin`); None: all.
    """

    arm: str
    split: str
    seed: int
    value: float | None
    epochs: int | None
    base: str | None
    recipe: str
    fraction: int | None = None

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        value = "" if self.value is None else f" · {self.value:g}"
        return f"{self.arm} · seed {self.seed}{value}" + (
            "" if self.fraction is None else f" · {self.fraction} a label"
        )


ROWS = {"helpers.data.splits": ("side", "label_classes", "thin")}  # which rows a run gets, in which order


@cache
def code_of(module: str) -> str:
    """Hash of the code that trains an arm (see `fingerprints.code_hash`): its module and what that imports of
    the models wing.
    """
    found = reached([f"helpers.models.{module}"])
    return code_hash((name for name in found if name.startswith("helpers.models.")), ROWS)


def recipe(arm: Arm, answers: list[str] | None) -> str:
    """Hash of how an arm is trained: new code, other settings or other answers are new runs; a new name or
    colour is not.
    """
    parts = [code_of(arm.module), dict(arm.settings), arm.start, arm.frozen, answers]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    keras = os.environ.get("KERAS_BACKEND", "tensorflow")
    return f"{digest}-{keras}" if arm.framework == "keras" and keras != "tensorflow" else digest


def make_spec(
    study: Study,
    arm_id: str,
    value: float | None,
    seed: int,
    split: str | None = None,
    epochs: int | None = None,
    fraction: int | None = None,
) -> RunSpec:
    """The spec of one run. split None: the study's own; epochs None: the profile's; fraction None: every
    training row.
    """
    arm, base = ARMS[arm_id], study.profile.base_of(ARMS[arm_id])
    answers = None
    if arm.answers:  # what it is taught to say decides its numbers too
        answers = study.answers_of(study.unseen_split if split == study.unseen_key else study.split)
    return RunSpec(
        arm=arm_id,
        split=split or study.split_key,
        seed=seed,
        value=value,
        epochs=epochs or study.profile.epochs_of(arm),
        base=None if base is None else base_hash(base),
        recipe=recipe(arm, answers),
        fraction=fraction,
    )
