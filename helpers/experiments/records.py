"""Records of finished runs, cached on disk; what a run under way says of itself; the choice among trials.

A record is kept under its spec's key.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from ..config import InputError
from ..files import only_one, remove_parts, replacing, unwritable
from ..models import metrics
from . import archive
from .outcomes import Outcome, outcome, outcome_of
from .processes import rank
from .specs import RunSpec

SIDES = ("valid", "test")  # what a run is asked about
GRACE = 5  # seconds that an interrupted run has to end by itself


@dataclass(frozen=True)
class Record:
    """A finished run: metrics by side, history by epoch, cost, and its answers to both held-out sides.

    seconds: of training and measuring; memory: the most that the run needed beyond what the process held
    before it.
    """

    spec: RunSpec
    metrics: dict[str, dict[str, float]]
    history: pd.DataFrame = field(repr=False)
    seconds: float
    memory: float  # MiB
    parameters: int
    chosen: dict[str, float]  # what the run chose itself on validation, besides its best epoch
    valid: Outcome = field(repr=False)
    test: Outcome = field(repr=False)


def load(spec: RunSpec) -> Record | None:
    """The record of a finished run, or None."""
    if (found := archive.find(spec.key)) is None:
        return None
    saved, arrays = found
    return Record(
        spec,
        saved["metrics"],
        pd.DataFrame(saved["history"]),
        saved["seconds"],
        saved["memory"],
        saved["parameters"],
        saved["chosen"],
        *(outcome(arrays, side) for side in SIDES),
    )


def load_logits(spec: RunSpec) -> dict[str, np.ndarray]:
    """The whole scores of a finished run: `valid` and `test`, (n, k) float32 each.

    InputError where the run came out of an archive.
    """
    with np.load(whole(spec) / "logits.npz", allow_pickle=False) as logits:
        return {side: logits[side] for side in SIDES}


def whole(spec: RunSpec) -> Path:
    """The directory of a run that was trained here, with all that it kept.

    InputError where it came out of an archive, which holds its answers alone.
    """
    directory = archive.RUNS / spec.key
    if not (directory / "logits.npz").is_file():
        raise InputError(
            f"{spec}: only its answers were kept, not all its scores and weights; remove {directory} and "
            f"train it: `python -m helpers grid --arms {spec.arm}`, with the profile and the data of this run"
        )
    return directory


def load_arrays(spec: RunSpec, *names: str) -> dict[str, np.ndarray]:
    """The arrays that a finished run kept besides its logits, its weights say; empty if it kept none.

    names: which of them; all if none is named. InputError where the run came out of an archive.
    """
    file = whole(spec) / "arrays.npz"
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def save(spec: RunSpec, result: dict, seconds: float, memory: float, labels: dict[str, np.ndarray]) -> None:
    """Writes a record in one step: a directory appears whole or not at all.

    result: what `train` returned (see `Task`); labels: class numbers of the rows of both sides. InputError
    when it cannot be written.
    """
    directory = archive.RUNS / spec.key
    saved = {
        "spec": asdict(spec),
        "metrics": {
            side: metrics.evaluate(result[f"{side}_logits"], own) for side, own in labels.items() if len(own)
        },
        "history": result["history"],
        "seconds": seconds,
        "memory": memory,
        "parameters": result["parameters"],
        "chosen": result.get("chosen", {}),
    }
    with replacing(directory) as temporary:
        temporary.mkdir(parents=True, exist_ok=True)
        logits = {side: result[f"{side}_logits"] for side in SIDES}
        np.savez_compressed(temporary / "logits.npz", **logits)
        answers = [outcome_of(logits[side], labels[side]).arrays(side) for side in SIDES]
        np.savez_compressed(temporary / archive.ANSWERS, **answers[0], **answers[1])
        if "arrays" in result:
            np.savez(temporary / "arrays.npz", **result["arrays"])
        (temporary / archive.RECORD).write_text(json.dumps(saved, indent=1), encoding="utf-8")


def clean_up() -> None:
    """Removes what killed runs left unfinished beside the records.

    For the process that holds the lock (see `only_one`).
    """
    for file in (archive.RUNS).glob("*.running"):
        file.unlink(missing_ok=True)
    remove_parts(archive.RUNS)


def choose(records: list[Record]) -> Record:
    """The trial with the best validation MRR; the lower validation loss decides between equals.

    Test is not looked at. With a hundred validation rows accuracy jumps by whole points from one lucky row to
    the next; MRR uses every rank.
    """
    return max(records, key=lambda r: (r.metrics["valid"]["mrr"], -r.metrics["valid"]["loss"]))


@contextmanager
def announce(spec: RunSpec):
    """Says beside the records that a run is under way; gives the function that tells how far it is."""
    file = archive.RUNS / f"{spec.key}.running"
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
    """What a run that is under way said of itself (`since`, a time; `said`); None if its process is gone."""
    told = _mark(archive.RUNS / f"{spec.key}.running")
    return told if told and (told["host"] != socket.gethostname() or _process(told)) else None


def _mark(file: Path) -> dict | None:
    """What a run wrote beside the records; None where there is nothing, or not yet the whole."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _process(told: dict) -> psutil.Process | None:
    """The process of a run on this machine, if it is alive; a later process with its number is another."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(told["pid"])
        return process if process.create_time() == told.get("created") else None
    return None


@contextmanager
def work_alone() -> Iterator[None]:
    """For the process that trains: it has the records alone, and after Ctrl-C none of its runs goes on."""
    with only_one():
        clean_up()
        try:
            yield
        except KeyboardInterrupt:
            end_runs()
            raise


def end_runs() -> None:
    """Ends the runs that are still under way here, and clears their marks; for who holds the lock."""
    told = filter(None, map(_mark, (archive.RUNS).glob("*.running")))
    found = [_process(mark) for mark in told if mark["host"] == socket.gethostname()]
    processes = [process for process in found if process is not None and process.pid != os.getpid()]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                end(process)
        processes = psutil.wait_procs(processes, timeout=GRACE)[1]
    clean_up()
