"""The grid of runs as specs, in the two steps that it is trained in."""

from collections.abc import Iterator

from .config import ARMS
from .experiments import choose
from .records import RunSpec, load
from .specs import autopsy_specs, grid_specs, seed_specs, trial_specs
from .study import Study


def stages(study: Study, arms: list[str], whole: bool) -> Iterator[list[RunSpec]]:
    """The specs of some arms in two steps: what depends on no choice, then what is run with the chosen values.

    whole: with the training fractions and the unseen diseases; else only what notebooks 02 to 05 show. Where the trials are
    not done, the second step is shown as if the first trial won: as many runs, other keys.
    """
    seen = [arm for arm in arms if ARMS[arm].seen]
    some_unseen = whole and len(study.unseen_split) > 0
    answering = [arm for arm in arms if some_unseen and ARMS[arm].answers and ARMS[arm].unseen]
    first = list(autopsy_specs(study).values()) if "bilstm_original" in arms else []
    first += [spec for arm in seen for spec in trial_specs(study, arm)]
    first += [spec for arm in answering for spec in trial_specs(study, arm, unseen=True)]
    yield list(dict.fromkeys(first))
    second = []
    for arm in seen:
        chosen = _chosen(trial_specs(study, arm))
        second += grid_specs(study, arm, chosen) if whole else seed_specs(study, chosen)
    for arm in answering:
        second += seed_specs(study, _chosen(trial_specs(study, arm, unseen=True)))
    yield [spec for spec in dict.fromkeys(second) if spec not in first]


def _chosen(trials: list[RunSpec]) -> RunSpec:
    records = [load(spec) for spec in trials]
    return trials[0] if None in records else choose(records).spec


def missing(study: Study, arms: list[str], whole: bool = False) -> list[RunSpec]:
    """The runs of some arms that are still to be trained."""
    return [spec for stage in stages(study, arms, whole) for spec in stage if load(spec) is None]
