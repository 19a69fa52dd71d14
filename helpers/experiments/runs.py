"""Trains one spec and keeps its record."""

import errno
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ..arms import ARMS
from ..config import BUILD, RunError
from ..data import splits
from ..data.study import Study
from ..files import unwritable
from ..models.task import Task
from .processes import MemoryWatch, rank, wait_for_all
from .records import SIDES, Record, announce, load, save
from .specs import RunSpec, make_spec

FULL = 2**20  # free bytes below which a disk counts as full


def run(spec: RunSpec, study: Study) -> Record:
    """The record of a spec: from the cache, or trained now in this process (whose framework it must be).

    A run that was cut short left its checkpoints beside the records, and goes on from them. While it runs, a
    file beside the records says so (see `running`).
    """
    if record := load(spec):
        return record
    if make_spec(study, spec.arm, spec.value, spec.seed, spec.split).recipe != spec.recipe:
        raise RunError(f"{spec}: the code here is not the code that this grid began with; start it again")
    task = make_task(spec, study)
    train = import_module(f"..models.{task.arm.module}", __package__).train
    began = time.perf_counter()  # the first run of a worker does not pay for importing the framework
    with MemoryWatch() as memory, announce(spec) as say, errors_named(spec, task.work):
        result = train(replace(task, progress=say))
    # A resumed run costs what its epochs took, also those before it was cut short.
    seconds = max(time.perf_counter() - began, sum(row.get("seconds", 0.0) for row in result["history"]))
    # of these only the answers are ever looked at; large weights are large, a frozen body's are the base's
    heavy = ARMS[spec.arm].large or ARMS[spec.arm].frozen == "body"
    fewer = heavy and spec.seed != study.profile.seeds[0]
    if spec.fraction is not None or fewer:
        result.pop("arrays", None)
    if rank() == 0:
        save(spec, result, seconds, memory.peak, {name: splits.side(task.split, name)[1] for name in SIDES})
        shutil.rmtree(task.work, ignore_errors=True)
    wait_for_all()
    return load(spec)


def make_task(spec: RunSpec, study: Study) -> Task:
    """What the arm's `train` is told of a spec: its rows, and what a model that answers is to say.

    That is the names of the rows' labels.
    """
    split, own = splits.load_split(spec.split), ARMS[spec.arm]
    arm = replace(own, settings={**own.settings, **dict(spec.changed)})
    rows = int((split["side"] == "train").sum())  # also with fewer of them a run has as many steps
    if spec.fraction is not None:
        split = splits.thin(split, spec.fraction, spec.seed)
    return Task(
        split=split,
        arm=arm,
        value=spec.value,
        seed=spec.seed,
        epochs=spec.epochs,
        base=study.profile.base_of(arm),
        names=study.answers_of(split) if arm.answers else None,
        work=BUILD / "runs" / f"{spec.key}.work",
        anew=study.protocol == "patients" and spec.split in (study.split_key, study.unseen_key),
        rows=rows,
    )


@contextmanager
def errors_named(spec: RunSpec, work: Path) -> Iterator[None]:
    """Turns what can go wrong in a training into what the user can do about it.

    What can go wrong: a loss that is no number, a full disk.
    """
    try:
        yield
    except FloatingPointError as error:
        raise RunError(f"{spec}: {error}") from error
    except Exception as error:  # a full disk has as many exceptions as there are writers
        full = work.is_dir() and shutil.disk_usage(work).free < FULL
        if full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS)):
            raise unwritable(work.parent, error) from error
        raise


def attempt(spec: RunSpec, study: Study) -> str | None:
    """Trains a spec; what was wrong if its loss was no number (its neighbours go on)."""
    try:
        run(spec, study)
    except RunError as error:
        return str(error)
    return None
