"""Runs a spec and keeps its record; chooses among trials on validation; gives the records of what was chosen."""

import errno
import json
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

import pandas as pd
import psutil

from . import baselines, metrics, splits
from .config import ARMS, BUILD, InputError, RunError, rank
from .files import unwritable
from .memory import MemoryWatch
from .records import Record, RunSpec, load, save
from .specs import make_spec, seed_specs, trial_specs
from .study import Study

FULL = 2**20  # free bytes below which a disk counts as full


def choose(records: list[Record]) -> Record:
    """The trial with the best validation MRR; the lower validation loss decides between equals. Test is not looked at.

    With a hundred validation rows accuracy jumps by whole points from one lucky row to the next; MRR uses every rank.
    """
    return max(records, key=lambda r: (r.metrics["valid"]["mrr"], -r.metrics["valid"]["loss"]))


def run(spec: RunSpec, study: Study) -> Record:
    """The record of a spec: from the cache, or trained now in this process (whose framework it must be).

    A run that was cut short left its checkpoints beside the records, and goes on from them. While it runs, a file beside
    the records says so (see `running`).
    """
    if record := load(spec):
        return record
    if make_spec(study, spec.arm, spec.value, spec.seed, spec.split).recipe != spec.recipe:
        raise RunError(f"{spec}: the code here is not the code that this grid began with; start it again")
    split = splits.load_split(spec.split)
    if spec.fraction is not None:
        split = splits.thin(split, spec.fraction, spec.seed)
    work = BUILD / "runs" / f"{spec.key}.work"
    train = _trainer(spec, study, split)
    began = time.perf_counter()  # the first run of a worker does not pay for importing the framework
    try:
        with MemoryWatch() as memory, sign(spec) as say:
            result = train(split, spec.arm, spec.value, spec.seed, spec.epochs, say, work=work)
    except FloatingPointError as error:
        raise RunError(f"{spec}: {error}") from error
    except Exception as error:  # a full disk has as many exceptions as there are writers
        full = work.is_dir() and shutil.disk_usage(work).free < FULL
        if full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS)):
            raise unwritable(work.parent, error) from error
        raise
    # A resumed run costs what its epochs took, also those before it was cut short.
    seconds = max(time.perf_counter() - began, sum(row.get("seconds", 0.0) for row in result["history"]))
    scores = {}
    for name in ("valid", "test"):
        labels = splits.side(split, name)[1]
        if len(labels):
            scores[name] = metrics.evaluate(result[f"{name}_logits"], labels)
    if spec.fraction is not None:  # of these only the answers are ever looked at
        result.pop("arrays", None)
    if rank() == 0:
        save(spec, result, seconds, memory.peak, scores)
        shutil.rmtree(work, ignore_errors=True)
    while (
        record := load(spec)
    ) is None:  # under torchrun the first process writes it, and ends the others if it cannot
        time.sleep(0.1)
    return record


@contextmanager
def sign(spec: RunSpec):
    """Says beside the records that a run is under way; gives the function that tells how far it is."""
    file = BUILD / "runs" / f"{spec.key}.running"
    own = psutil.Process()
    began = {"host": socket.gethostname(), "pid": own.pid, "created": own.create_time(), "since": time.time()}

    def say(text: str) -> None:
        if rank() == 0:
            file.write_text(json.dumps(began | {"said": text}), encoding="utf-8")

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        say("")
        yield say
    except OSError as error:
        if error.filename == str(file):
            raise unwritable(file.parent, error) from error
        raise
    finally:
        with suppress(OSError):
            if rank() == 0:
                file.unlink()


def running(spec: RunSpec) -> dict | None:
    """What a run that is under way said of itself (`since`, a time; `said`); None if it is not, or its process is gone."""
    try:
        told = json.loads((BUILD / "runs" / f"{spec.key}.running").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if told["host"] != socket.gethostname():
        return told
    try:  # a number that a later process has taken over is another process
        return told if psutil.Process(told["pid"]).create_time() == told.get("created") else None
    except psutil.NoSuchProcess:
        return None


def _trainer(spec: RunSpec, study: Study, split: pd.DataFrame) -> Callable:
    """The function that trains a spec's arm, its framework imported."""
    if ARMS[spec.arm].framework == "sklearn":
        return baselines.train
    if ARMS[spec.arm].framework == "keras":
        from . import bilstm_training

        return bilstm_training.train
    from . import gpt2_lm, gpt2_training

    if ARMS[spec.arm].answers:
        return partial(gpt2_lm.train, base=study.profile.base, names=study.answers_of(split))
    return partial(gpt2_training.train, base=study.profile.base)


def results(study: Study, arm: str, fraction: int | None = None, unseen: bool = False) -> list[Record]:
    """The records of an arm's chosen value, one a seed. Raises InputError if they have not been trained yet.

    fraction: training rows a label (None: all); unseen: on the diseases that no training row names.
    """
    own_choice = unseen and ARMS[arm].answers  # a classifier has nothing to choose by on diseases it cannot name
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
