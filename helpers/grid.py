"""The grid of runs: which are done, running and left; trains what is missing, here in parallel or on a Ray cluster."""

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import joblib
import psutil

from . import experiments
from .config import ARMS, BAD_INPUT, InputError, RunError, rank
from .experiments import choose, run, running
from .records import Record, RunSpec, load
from .specs import autopsy_specs, grid_specs, seed_specs, trial_specs
from .study import Study

MEMORY_PER_RUN = 2 * 2**30  # bytes that a run at hand may take: bounds how many run side by side
TRIES = 3  # how often a stage whose workers died without finishing a single run is begun again


@dataclass(frozen=True)
class Where:
    """Where runs are trained: `jobs` side by side (None: what cores and memory allow), by joblib's `loky` or on Ray."""

    backend: str = "loky"
    address: str | None = None
    jobs: int | None = None


def stages(study: Study, arms: list[str], whole: bool) -> Iterator[list[RunSpec]]:
    """The specs of some arms in two steps: what depends on no choice, then what is run with the chosen values.

    whole: with the training fractions and the unseen diseases; else only what notebooks 02 to 05 show. Where the trials are
    not done, the second step is shown as if the first trial won: as many runs, other keys.
    """
    seen = [arm for arm in arms if ARMS[arm].seen]
    answering = [arm for arm in arms if ARMS[arm].answers and ARMS[arm].unseen] if whole else []
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
    jobs = min(len(specs), where.jobs or default_jobs(ARMS[specs[0].arm].framework))
    if jobs == 1:  # in this process, with all its cores
        for spec in specs:
            run(spec, study)
        return None
    # One thread each: on small matrices two runs side by side are faster than one with two threads.
    with joblib.parallel_config("loky", inner_max_num_threads=1), warnings.catch_warnings():
        # It replaces a worker that has grown; every run begins from nothing, so that takes nothing away.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        joblib.Parallel(n_jobs=jobs, batch_size=1)(joblib.delayed(one)(spec, study) for spec in specs)
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


class Reporter:
    """While it is entered, says each run that ends, and how long the rest may take."""

    def __init__(self, specs: list[RunSpec], done: int, total: int):
        self.left, self.done, self.ended, self.total = list(specs), done, 0, total
        self.began, self.over = time.perf_counter(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        if rank() == 0:
            self.thread.start()
        return self

    def __exit__(self, *error):
        if rank() == 0:
            self.over.set()
            self.thread.join()
            self.look()

    def watch(self) -> None:
        while not self.over.wait(1):
            self.look()

    def look(self) -> None:
        for spec in list(self.left):
            if record := load(spec):
                self.left.remove(spec)
                self.ended, done = self.ended + 1, self.done + self.ended + 1
                to_go = (time.perf_counter() - self.began) / self.ended * (self.total - done)
                accuracy = record.metrics.get("valid", {}).get("accuracy")
                shown = "" if accuracy is None else f" · valid accuracy {accuracy:.3f}"
                rest = f" · about {clock(to_go)} to go" if done < self.total else ""
                print(f"[{done}/{self.total}] {spec} · {record.seconds:.0f} s{shown}{rest}", flush=True)


def clock(seconds: float) -> str:
    """A duration for people: `48 s`, `7 min`, `1 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def status(study: Study, arms: list[str]) -> str:
    """What of the whole grid is done, running and left, arm by arm, and an estimate of the time to go.

    A run left is taken to last as long as the finished ones of its arm for each training row and epoch (of all arms of its
    framework where its own has none yet); as many as `default_jobs` at a time.
    """
    lines, pace, todo, active = [f"{'arm':<18} {'done':>5} {'running':>8} {'left':>5}"], {}, [], []
    sizes = {
        key: len(experiments.splits.load_split(key)) for key in (study.split_key, study.page_key, study.unseen_key)
    }
    for arm in arms:
        specs = [spec for stage in stages(study, [arm], whole=True) for spec in stage]
        records = [load(spec) for spec in specs]
        under_way = [
            (spec, told) for spec, r in zip(specs, records, strict=True) if r is None and (told := running(spec))
        ]
        work = {s: _work(s, study, sizes) for s in specs}
        done: list[Record] = [r for r in records if r]
        if done:
            pace[arm] = sum(r.seconds for r in done) / sum(work[r.spec] for r in done)
        todo += [(arm, work[s]) for s, r in zip(specs, records, strict=True) if r is None]
        active += under_way
        left = len(specs) - len(done) - len(under_way)
        lines.append(f"{arm:<18} {len(done):>5} {len(under_way):>8} {left:>5}")
    for spec, told in active:
        lines.append(f"running for {clock(time.time() - told['since'])}: {spec} {told['said']}".rstrip())
    if not todo:
        return "\n".join([*lines, "everything is done"])
    frameworks = {}
    for arm, seconds in pace.items():
        frameworks.setdefault(ARMS[arm].framework, []).append(seconds)
    seconds = 0.0
    for arm, amount in todo:
        known = [pace[arm]] if arm in pace else frameworks.get(ARMS[arm].framework)
        if not known:
            return "\n".join([*lines, f"{len(todo)} runs left; how long is known when the first {arm} is done"])
        seconds += amount * sum(known) / len(known)
    jobs = max(1, min(joblib.cpu_count(), len(todo)))
    return "\n".join([*lines, f"{len(todo)} runs left: about {clock(seconds / jobs)} with {jobs} at a time"])


def _work(spec: RunSpec, study: Study, sizes: dict[str, int]) -> float:
    """Rows times epochs, the measure of a run's length."""
    rows = sizes.get(spec.split) or sizes[study.page_key]
    if spec.fraction is not None:
        rows = min(rows, (rows + 3 * spec.fraction * study.num_labels) / 4)
    return rows * (spec.epochs or 1)
