"""Trains the runs of the grid that are missing: here, side by side, or on a Ray cluster."""

import os
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import joblib
import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool

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
    """Trains what is missing, framework by framework; each has processes of its own, since two in one do not get along.

    A run that fails lets the others of its step and the other frameworks finish; then RunError says which failed.
    """
    failed = []
    for framework in ("sklearn", "keras", "torch"):
        own = [arm for arm in arms if ARMS[arm].framework == framework]
        if not missing(study, own, whole):
            continue
        if framework == "sklearn":
            train(study, own, whole, where)
            continue
        code = _in_a_process(study, own, whole, where)
        if code == BAD_INPUT:
            raise InputError(f"training of {', '.join(own)} ended with the error above")
        if code or missing(study, own, whole):
            failed.append(f"training of {', '.join(own)} ended with exit code {code}")
    if failed:
        raise RunError(f"{'; '.join(failed)}; finished runs are kept, run again to go on")


def _in_a_process(study: Study, arms: list[str], whole: bool, where: Where) -> int:
    """Trains arms of one framework in a process that holds no other; returns its exit code."""
    options = {"--profile": study.profile.name, "--data": study.source, "--arms": ",".join(arms)}
    options |= {"--backend": where.backend, "--address": where.address, "--jobs": where.jobs}
    given = [str(part) for option in options.items() if option[1] is not None for part in option]
    environment = os.environ | {"HELPERS_WORKER": "whole" if whole else "part", "HELPERS_PARENT": str(os.getpid())}
    if where.backend == "loky":  # one process trains on one GPU; torchrun and Ray are for more
        environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = [sys.executable, "-u", "-m", "helpers", "grid", *given]
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child too: it gets the time to clean up
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def train(study: Study, arms: list[str], whole: bool, where: Where) -> None:
    """Trains what is missing of the arms, all of one framework: trials, the choice on validation, then the rest.

    RunError, once a step is through, names the runs of it that failed.
    """
    done = 0
    for number in range(2):
        # The second step is only known when the first is done.
        steps = [[spec for spec in step if load(spec) is None] for step in stages(study, arms, whole)]
        left, tries, failed = steps[number], 0, {}
        while left:
            with Reporter(left, done, done + len(left) + (len(steps[1]) if number == 0 else 0)):
                try:
                    failed |= {
                        spec: said for spec, said in zip(left, _parallel(left, study, where), strict=True) if said
                    }
                except Exception as error:
                    if not worker_died(error):
                        raise
                    print(f"a worker died ({type(error).__name__}); its runs begin again", flush=True)
            before, left = left, [spec for spec in left if load(spec) is None and spec not in failed]
            done += len(before) - len(left)
            tries = tries + 1 if len(left) == len(before) else 0
            if tries == TRIES:
                raise RunError(
                    f"{left[0]}: its worker died {TRIES} times without finishing a run; is there memory enough?"
                )
        if failed:
            raise RunError("; ".join(failed.values()))


def worker_died(error: Exception) -> bool:
    """Whether the error is that of a worker or node that went, not of a run."""
    return isinstance(error, BrokenProcessPool) or type(error).__module__.startswith("ray.")


def _parallel(specs: list[RunSpec], study: Study, where: Where) -> list[str | None]:
    """Trains the specs; what was wrong with each that failed (None: nothing)."""
    if where.backend == "ray":
        from .cluster import parallel

        return parallel(specs, study, where.address, where.jobs)
    jobs = where.jobs or default_jobs(ARMS[specs[0].arm].framework)
    if jobs == 1:  # in this process, with all its cores
        return [attempt(spec, study) for spec in specs]
    # One thread each, even for a single run that is left: on small matrices two runs side by side are faster than one with
    # two threads, and how many threads add up a sum decides its last digits.
    with joblib.parallel_config("loky", inner_max_num_threads=1), warnings.catch_warnings():
        # It replaces a worker that has grown; every run begins from nothing, so that takes nothing away.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        return joblib.Parallel(n_jobs=max(2, min(jobs, len(specs))), batch_size=1)(
            joblib.delayed(one)(spec, study, os.getpid()) for spec in specs
        )


def attempt(spec: RunSpec, study: Study) -> str | None:
    """Trains a spec; what was wrong if its loss was no number (its neighbours go on)."""
    try:
        run(spec, study)
    except RunError as error:
        return str(error)
    return None


def default_jobs(framework: str) -> int:
    """How many runs side by side: what cores and free memory allow; one on a GPU, and one when torchrun shares it out."""
    on_gpu = framework != "sklearn" and Path("/proc/driver/nvidia/version").is_file()
    if on_gpu or "TORCHELASTIC_RUN_ID" in os.environ:
        return 1
    return max(1, min(joblib.cpu_count(), psutil.virtual_memory().available // MEMORY_PER_RUN))


def one(spec: RunSpec, study: Study, parent: int) -> str | None:
    """`attempt` in a worker process, which ends with the process `parent` that started it, and at Ctrl-C."""
    die_with_parent(parent)
    try:
        return attempt(spec, study)
    except KeyboardInterrupt:
        os._exit(130)


def die_with_parent(parent: int) -> None:
    """In a worker: ends the process when the one that started it is gone, so that a killed pipeline leaves none behind."""
    if any(thread.name == "die_with_parent" for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="die_with_parent", daemon=True).start()
