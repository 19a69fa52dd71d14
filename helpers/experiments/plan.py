"""Which runs a study consists of, in the two steps of their training, and the records of what was chosen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..arms import ARMS, RNN_UNITS, arms_asked
from ..config import InputError
from ..data.study import Study
from ..models import smollm2
from . import archive, derived
from .records import Record, choose, load
from .specs import RunSpec, make_spec


def trial_specs(study: Study, arm: str, unseen: bool = False) -> list[RunSpec]:
    """The tuning trials of an arm so far, all with the first seed, by ascending value.

    Where the values of its grid are all tried and the best is the least or the greatest, the next beyond it
    joins them, as often as the profile allows. unseen: on the unseen diseases.
    """
    values = sorted(study.profile.grid_of(ARMS[arm])) or [None]
    split = study.unseen_key if unseen else study.split_key

    def specs() -> list[RunSpec]:
        return [make_spec(study, arm, value, study.profile.seeds[0], split) for value in values]

    for _ in range(study.profile.extensions if len(values) > 1 else 0):
        records = [load(spec) for spec in specs()]
        best = None if None in records else choose(records).spec.value
        if best == values[0]:
            values.insert(0, beyond(best, up=False))
        elif best == values[-1]:
            values.append(beyond(best, up=True))
        else:
            break
    return specs()


def beyond(value: float, up: bool) -> float:
    """The neighbour of a value on the ladder 1, 3, 10, 30, …, on which all grids stand."""
    digit, exponent = f"{value:.0e}".split("e")
    digits = {("1", True): "3e0", ("3", True): "1e1", ("1", False): "3e-1", ("3", False): "1e0"}
    step, power = digits[digit, up].split("e")
    return float(f"{step}e{int(exponent) + int(power)}")


def seed_specs(study: Study, chosen: RunSpec, fraction: int | None = None) -> list[RunSpec]:
    """The chosen run with every seed, at a training fraction; one seed where no seed changes anything."""
    arm = ARMS[chosen.arm]
    seeds = study.profile.seeds_of(arm)
    seeds = seeds if arm.seeded or fraction is not None else seeds[:1]
    return [replace(chosen, seed=seed, fraction=fraction) for seed in seeds]


def grid_specs(study: Study, arm: str, chosen: RunSpec) -> list[RunSpec]:
    """The runs with an arm's chosen value: every training fraction with every seed.

    A classifier is also run once on the unseen diseases.
    """
    fractions = (None, *study.profile.fractions_of(ARMS[arm]))
    specs = [spec for fraction in fractions for spec in seed_specs(study, chosen, fraction)]
    once = ARMS[arm].asked("unseen") and not ARMS[arm].answers and len(study.unseen_split) > 0
    return specs + ([replace(chosen, split=study.unseen_key)] if once else [])


def takes_part(study: Study, arm: str) -> bool:
    """Whether a study trains an arm: where its profile has it, one of a large base if that is at hand."""
    return arm not in study.profile.leaves_out and (not ARMS[arm].large or smollm2.available())


def asked(study: Study, question: str) -> list[str]:
    """Ids of the arms of a study that take part in a question, in the order of the tables."""
    return [arm for arm in arms_asked(question) if takes_part(study, arm)]


def page_spec(study: Study, arm: str | None = None) -> RunSpec:
    """The first attempt: the notes' network on whole pages split at random."""
    arm = arm or arms_asked("autopsy")[0]
    return make_spec(study, arm, None, study.profile.seeds[0], split=study.page_key)


def autopsy_specs(study: Study, arm: str | None = None) -> dict[str, RunSpec]:
    """The first attempt again, one thing changed at a time: each change mapped to its spec.

    The unchanged run comes first. The changes are the suspects of the course notes: cleaning, amount of data
    (see `Study.page_variants`), learning rate, epochs, too simple a network. The test pages are the same in
    all.
    """
    first = page_spec(study, arm)
    return {
        "unchanged": first,
        **{change: replace(first, split=key) for change, key in study.variant_keys.items()},
        "lower rate": replace(first, value=1e-4),  # Adam's own is 1e-3
        "higher rate": replace(first, value=1e-2),
        "fewer epochs": replace(first, epochs=max(1, first.epochs // 4)),
        "more epochs": replace(first, epochs=2 * first.epochs),
        "larger network": replace(first, changed=(("units", 2 * RNN_UNITS),)),
    }


SWEPT = {
    "embedding": (50, 300),
    "units": (16, 256),
    "directions": (1,),
    "pooling": ("last",),
    "batch_size": (8, 128),
    "dropout": (0.0,),
    "word_dropout": (0.0,),
}


def sweep_specs(chosen: RunSpec) -> dict[tuple[str, float | str], RunSpec]:
    """A chosen run in half its epochs, and that with one hyperparameter changed at a time: change -> spec.

    ("", ""): nothing changed. Settings as in SWEPT; `rate`: ten times as high and as low; `epochs`: a quarter
    and twice as many.
    """
    base = replace(chosen, epochs=max(1, chosen.epochs // 2))
    found = {("", ""): base} | {
        (name, value): replace(base, changed=((name, value),))
        for name, values in SWEPT.items()
        for value in values
    }
    for factor in (0.1, 10.0):
        found["rate", factor] = replace(base, value=base.value * factor)
    for factor in (0.25, 2.0):
        found["epochs", factor] = replace(base, epochs=max(1, round(base.epochs * factor)))
    return found


def sweeps(study: Study, arm: str) -> bool:
    """Whether an arm's hyperparameters are each changed by itself in a study."""
    return study.profile.sweeps and takes_part(study, arm) and ARMS[arm].asked("sweep")


EXTENTS = ("chosen", "shown", "whole")  # how much is trained of a study, see `stages`


def stages(study: Study, arms: list[str], extent: str) -> Iterator[list[RunSpec]]:
    """The specs of some arms in two steps: what depends on no choice, then the runs with chosen values.

    Arms that do not take part in the study have none.
    extent: "chosen": the trials, and with every seed what they chose; "shown": also what notebooks 02 to 05
    show besides, each hyperparameter changed by itself; "whole": also the training fractions and the unseen
    diseases. Where the trials are not done, the second step is shown as if the first trial won: as many runs,
    other keys.
    """
    if extent not in EXTENTS:
        raise ValueError(f"extent {extent!r}: one of {', '.join(EXTENTS)}")
    whole = extent == "whole"
    arms = [arm for arm in arms if takes_part(study, arm)]
    seen = [arm for arm in arms if ARMS[arm].asked("seen")]
    some_unseen = whole and len(study.unseen_split) > 0
    answering = [arm for arm in arms if some_unseen and ARMS[arm].answers and ARMS[arm].asked("unseen")]
    first = [
        spec for arm in arms if ARMS[arm].asked("autopsy") for spec in autopsy_specs(study, arm).values()
    ]
    first += [spec for arm in seen for spec in trial_specs(study, arm)]
    first += [spec for arm in answering for spec in trial_specs(study, arm, unseen=True)]
    yield list(dict.fromkeys(first))
    second = []
    for arm in seen:
        chosen = chosen_spec(trial_specs(study, arm))
        second += grid_specs(study, arm, chosen) if whole else seed_specs(study, chosen)
        second += sweep_specs(chosen).values() if extent != "chosen" and sweeps(study, arm) else ()
    for arm in answering:
        second += seed_specs(study, chosen_spec(trial_specs(study, arm, unseen=True)))
    yield [spec for spec in dict.fromkeys(second) if spec not in first]


def chosen_spec(trials: list[RunSpec]) -> RunSpec:
    """The trial that validation chose; the first while they are not all done."""
    records = [load(spec) for spec in trials]
    return trials[0] if None in records else choose(records).spec


def missing(study: Study, arms: list[str], extent: str = "shown") -> list[RunSpec]:
    """The runs of some arms that are still to be trained."""
    return [spec for stage in stages(study, arms, extent) for spec in stage if load(spec) is None]


def keep(study: Study) -> Path:
    """Writes what the tables need of a study's finished runs into its profile's archive: its path.

    Says how many runs are missing. InputError, and the archive stays, if not one is finished.
    """
    every, name = [spec for stage in stages(study, list(ARMS), "whole") for spec in stage], study.profile.name
    runs = {spec.key for spec in every if load(spec)}
    if not runs:
        raise InputError(
            f"no run of profile {name} is finished here; nothing was written: train it, or first "
            f"`python -m helpers archive --profile {name} --unpack`"
        )
    if left := len(every) - len(runs):
        print(f"{left} of {len(every)} runs are not finished here and left out")
    return archive.write(runs, derived.current(runs), archive.file_of(name))


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


def tuning_table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row a trial: arm, value, validation MRR, accuracy and loss, whether it was chosen."""
    rows = []
    for arm in arms:
        trials = [load(spec) for spec in trial_specs(study, arm)]
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
