"""Trains the runs of the grid that are missing: here, side by side, or on a Ray cluster."""

import os
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass

import joblib
import psutil

from .config import ARMS, BAD_INPUT, InputError, RunError
from .experiments import run
from .plan import missing, stages
from .progress import Reporter
from .records import RunSpec, load
from .study import Study

MEMORY_PER_RUN = 2 * 2**30  # bytes that a run at hand may take: bounds how many run side by side
TRIES = 3  # how often a stage whose workers died without finishing a single run is begun again


@dataclass(frozen=True)
class Where:
    """Where runs are trained: `jobs` side by side (None: what cores and memory allow), by joblib's `loky` or on Ray."""

    backend: str = "loky"
    address: str | None = None
    jobs: int | None = None


def ensure(study: Study, arms: list[str], whole: bool = False, where: Where = Where()) -> None:
    """Trains what is missing, framework by framework; each has processes of its own, since two in one do not get along."""
    for framework in ("sklearn", "keras", "torch"):
        own = [arm for arm in arms if ARMS[arm].framework == framework]
        if not missing(study, own, whole):
            continue
        if framework == "sklearn":
            train(study, own, whole, where)
            continue
        options = {"--profile": study.profile.name, "--data": study.source, "--arms": ",".join(own)}
        options |= {"--backend": where.backend, "--address": where.address, "--jobs": where.jobs}
        given = [str(part) for option in options.items() if option[1] is not None for part in option]
        command = [sys.executable, "-m", "helpers", "grid", *given]
        environment = os.environ | {"HELPERS_WORKER": "whole" if whole else "part", "PYTHONUNBUFFERED": "1"}
        # One process trains on one GPU; torchrun is for more.
        environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        code = subprocess.run(command, env=environment, check=False).returncode
        if code == BAD_INPUT:
            raise InputError(f"training of {', '.join(own)} ended with the error above")
        if code:
            raise RunError(
                f"training of {', '.join(own)} ended with exit code {code}; finished runs are kept, run again to go on"
            )


def train(study: Study, arms: list[str], whole: bool, where: Where) -> None:
    """Trains what is missing of the arms, all of one framework: trials, the choice on validation, then the rest."""
    done = 0
    for number in range(2):
        # The second step is only known when the first is done.
        steps = [[spec for spec in step if load(spec) is None] for step in stages(study, arms, whole)]
        left, tries = steps[number], 0
        while left:
            with Reporter(left, done, done + len(left) + (len(steps[1]) if number == 0 else 0)):
                try:
                    _parallel(left, study, where)
                except (InputError, RunError, KeyboardInterrupt):
                    raise
                except Exception as error:  # each backend has its own for a worker that was killed or a node that went
                    print(f"a worker died ({type(error).__name__}); its runs begin again", flush=True)
            before, left = left, [spec for spec in left if load(spec) is None]
            done += len(before) - len(left)
            tries = tries + 1 if len(left) == len(before) else 0
            if tries == TRIES:
                raise RunError(
                    f"{left[0]}: its worker died {TRIES} times without finishing a run; is there memory enough?"
                )


def _parallel(specs: list[RunSpec], study: Study, where: Where) -> None:
    if where.backend == "ray":
        from .cluster import parallel

        return parallel(specs, study, where.address, where.jobs)
    jobs = where.jobs or default_jobs(ARMS[specs[0].arm].framework)
    if jobs == 1:  # in this process, with all its cores
        for spec in specs:
            run(spec, study)
        return None
    # One thread each, even for a single run that is left: on small matrices two runs side by side are faster than one with
    # two threads, and how many threads add up a sum decides its last digits.
    with joblib.parallel_config("loky", inner_max_num_threads=1), warnings.catch_warnings():
        # It replaces a worker that has grown; every run begins from nothing, so that takes nothing away.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        joblib.Parallel(n_jobs=max(2, min(jobs, len(specs))), batch_size=1)(
            joblib.delayed(one)(spec, study) for spec in specs
        )
    return None


def default_jobs(framework: str) -> int:
    """How many runs side by side: what cores and free memory allow; one on a GPU, and one when torchrun shares it out."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return 1
    if framework == "torch":
        import torch

        if torch.cuda.is_available():
            return 1
    return max(1, min(joblib.cpu_count(), psutil.virtual_memory().available // MEMORY_PER_RUN))


def one(spec: RunSpec, study: Study) -> None:
    """A run in a worker process, which ends with the process that started it."""
    die_with_parent()
    run(spec, study)


def die_with_parent() -> None:
    """In a worker: ends the process when the one that started it is gone, so that a killed pipeline leaves none behind."""
    if any(thread.name == "die_with_parent" for thread in threading.enumerate()):
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="die_with_parent", daemon=True).start()
