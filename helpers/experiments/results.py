"""The records of what validation chose, and the table of what was tried."""

from dataclasses import replace

import pandas as pd

from ..arms import ARMS
from ..config import InputError
from ..data.study import Study
from .plan import seed_specs, trial_specs
from .records import Record, choose, load


def results(study: Study, arm: str, fraction: int | None = None, unseen: bool = False) -> list[Record]:
    """The records of an arm's chosen value, one a seed. Raises InputError if they have not been trained yet.

    fraction: training rows a label (None: all); unseen: on the diseases that no training row names.
    """
    # a classifier has nothing to choose by on diseases it cannot name
    own_choice = unseen and ARMS[arm].answers
    trials = [load(spec) for spec in trial_specs(study, arm, own_choice)]
    if None not in trials:
        chosen = choose(trials).spec
        if unseen and not own_choice:
            specs = [replace(chosen, split=study.unseen_key)]
        else:
            specs = seed_specs(study, chosen, fraction)
        records = [load(spec) for spec in specs]
        if None not in records:
            return records
    other = "" if study.source == study.profile.source else f" --data {study.source}"
    raise InputError(
        f"{arm}: not trained yet in this profile; run "
        f"`python -m helpers grid --profile {study.profile.name} --arms {arm}{other}`"
    )


def tuning_table(study: Study, arms: list[str], unseen: bool = False) -> pd.DataFrame:
    """One row a trial: arm, value, validation MRR, accuracy and loss, whether it was chosen."""
    rows = []
    for arm in arms:
        trials = [load(spec) for spec in trial_specs(study, arm, unseen)]
        best = choose(trials)
        for record in trials:
            rows.append(
                (
                    arm,
                    record.spec.value,
                    *(record.metrics["valid"][name] for name in ("mrr", "accuracy", "loss")),
                    record is best,
                )
            )
    return pd.DataFrame(rows, columns=["arm", "value", "valid_mrr", "valid_accuracy", "valid_loss", "chosen"])
