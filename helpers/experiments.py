"""Runs specs and keeps their records: trials, the choice on validation, seeds; one worker process per framework."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import pandas as pd

from . import baselines, metrics, splits
from .config import ARMS, BAD_INPUT, BUILD, InputError, RunError, rank
from .records import Record, RunSpec, load, save, unwritable
from .specs import autopsy_specs, seed_specs, trial_specs
from .study import Study

FULL = 2**20  # free bytes below which a disk counts as full


def choose(records: list[Record]) -> Record:
    """The trial with the best validation MRR; the lower validation loss decides between equals. Test is not looked at.

    With a hundred validation rows accuracy jumps by whole points from one lucky row to the next; MRR uses every rank.
    """
    return max(records, key=lambda r: (r.metrics["valid"]["mrr"], -r.metrics["valid"]["loss"]))


def run(spec: RunSpec, study: Study, progress: Callable[[str], None] = lambda text: None) -> Record:
    """The record of a spec: from the cache, or trained now in this process (whose framework it must be).

    A run that was cut short left its checkpoints beside the records, and goes on from them.
    """
    if record := load(spec):
        return record
    split = splits.load_split(spec.split)
    work = BUILD / "runs" / f"{spec.key}.work"
    train = _trainer(spec, study)
    began = time.perf_counter()  # the first run of a worker does not pay for importing the framework
    try:
        result = train(split, spec.arm, spec.value, spec.seed, spec.epochs, progress, work=work)
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
    if rank() == 0:
        save(spec, result, seconds, scores)
        shutil.rmtree(work, ignore_errors=True)
    while (
        record := load(spec)
    ) is None:  # under torchrun the first process writes it, and ends the others if it cannot
        time.sleep(0.1)
    return record


def _trainer(spec: RunSpec, study: Study) -> Callable:
    """The function that trains a spec's arm, its framework imported."""
    if ARMS[spec.arm].framework == "sklearn":
        return baselines.train
    if ARMS[spec.arm].framework == "keras":
        from . import bilstm_training

        return bilstm_training.train
    from . import gpt2_lm, gpt2_training

    if ARMS[spec.arm].answers:
        return partial(gpt2_lm.train, base=study.profile.base, names=study.answers)
    return partial(gpt2_training.train, base=study.profile.base)


def extra_specs(study: Study, arm: str) -> dict[str, RunSpec]:
    """Runs of an arm beside its trials and seeds: the first attempt and its autopsy, which are the notes' network's."""
    return autopsy_specs(study) if arm == "bilstm_original" else {}


def pending(study: Study, arm: str) -> int:
    """How many runs of an arm are still to be trained (before the trials are done: as if none of the seeds were)."""
    trials = trial_specs(study, arm)
    missing = [spec for spec in trials if load(spec) is None]
    n_extra = sum(load(spec) is None for spec in extra_specs(study, arm).values())
    if missing:
        return n_extra + len(missing) + len(seed_specs(study, trials[0])) - 1
    chosen = choose([load(spec) for spec in trials]).spec
    return n_extra + sum(load(spec) is None for spec in seed_specs(study, chosen))


def train_arms(study: Study, arms: list[str]) -> None:
    """Trains what is missing of the arms in this process: trials, choice on validation, the other seeds; says each run."""
    left = sum(pending(study, arm) for arm in arms)
    done = 0
    say = partial(print, flush=True) if rank() == 0 else lambda text: None

    def one(spec: RunSpec, note: str = "") -> Record:
        nonlocal done
        if record := load(spec):
            return record
        done += 1
        say(f"[{done}/{left}] {spec}{note} …")
        tty = sys.stdout.isatty() and rank() == 0
        record = run(
            spec, study, (lambda text: print(f"\r    {text}   ", end="", flush=True)) if tty else (lambda text: None)
        )
        accuracy = {name: f"{scores['accuracy']:.3f}" for name, scores in record.metrics.items() if name == "valid"}
        say(
            ("\r" if tty else "")
            + f"    done in {record.seconds:.0f} s{''.join(f' · {k} accuracy {v}' for k, v in accuracy.items())}      "
        )
        return record

    for arm in arms:
        for change, spec in extra_specs(study, arm).items():
            one(spec, f" · whole pages, {change}")
        chosen = choose([one(spec) for spec in trial_specs(study, arm)]).spec
        for spec in seed_specs(study, chosen):
            one(spec)


def ensure(study: Study, arms: list[str]) -> None:
    """Trains what is missing, one worker process per framework, one after the other (two at once slow each other down)."""
    for framework in ("sklearn", "keras", "torch"):
        own = [arm for arm in arms if ARMS[arm].framework == framework and pending(study, arm)]
        if not own:
            continue
        if framework == "sklearn":
            train_arms(study, own)
            continue
        options = {"--profile": study.profile.name, "--data": study.source, "--arms": ",".join(own)}
        command = [sys.executable, "-m", "helpers", "train", *(part for option in options.items() for part in option)]
        environment = os.environ | {"HELPERS_WORKER": "1", "PYTHONUNBUFFERED": "1"}
        # One process trains on one GPU; torchrun is for more.
        environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        code = subprocess.run(command, env=environment, check=False).returncode
        if code == BAD_INPUT:
            raise InputError(f"training of {', '.join(own)} ended with the error above")
        if code:
            raise RunError(
                f"training of {', '.join(own)} ended with exit code {code}; finished runs are kept, run again to go on"
            )


def die_with_parent() -> None:
    """In a worker: ends the process when the one that started it is gone, so that a killed pipeline leaves none behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def results(study: Study, arm: str) -> list[Record]:
    """The records of an arm's chosen value, one a seed. Raises InputError if they have not been trained yet."""
    trials = [load(spec) for spec in trial_specs(study, arm)]
    if None not in trials:
        records = [load(spec) for spec in seed_specs(study, choose(trials).spec)]
        if None not in records:
            return records
    raise InputError(
        f"{arm}: not trained yet in this profile; run `python -m helpers train --profile {study.profile.name} --arms {arm}`"
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
