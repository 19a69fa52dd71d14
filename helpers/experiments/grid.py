"""Trains the runs of the grid that are missing: here, side by side, or on a Ray cluster."""

import logging
import os
import warnings
from pathlib import Path

import joblib
import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool

from ..arms import ARMS, Arm
from ..config import BAD_INPUT, BUILD, InputError, RunError
from ..data.study import Study
from ..models.bases import base_file, check_base
from ..models.tokens import LONGEST, STEP_BYTES
from .plan import missing, stages
from .processes import Where, die_with_parent, train_in_a_process
from .progress import Reporter
from .records import load
from .runs import attempt
from .specs import RunSpec

# Half a core each and spread out: so both nodes work, and the workers of a node that dies find room on those
# that are left. Ray begins a dead worker's run again by itself, a few times.
REMOTE = {"num_cpus": 0.5, "scheduling_strategy": "SPREAD", "max_restarts": -1, "max_task_retries": 3}
PASSED_ON = ("KERAS_BACKEND", "HF_HOME", "HF_HUB_OFFLINE", "PYTHONPATH")  # variables of this process


def train_on_ray(
    specs: list[RunSpec], study: Study, address: str | None, jobs: int | None
) -> list[str | None]:
    """Trains the specs (of one framework) on the Ray cluster at `address`; records go to BUILD.

    address None: a cluster is started here. Returns what was wrong with each that failed (None: nothing).
    Raises InputError where Ray is not installed, the cluster does not answer, or it has a single core; what
    else a run raises comes through.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise InputError(
            "--backend ray: Ray is not installed; pip install -r requirements-ray.txt"
        ) from error
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": passed | {"HELPERS_BUILD": str(BUILD), "OMP_NUM_THREADS": "1"}},
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"--address {address}: no Ray cluster answers there ({type(error).__name__})"
        ) from error
    try:
        register_ray()
        resources, remote = ray.cluster_resources(), dict(REMOTE)
        cores, gpus = int(resources["CPU"]), int(resources.get("GPU", 0))
        if cores < 2:  # joblib would train in this process instead
            raise InputError(
                "--backend ray: the cluster has one core; start it with more, or leave --backend out"
            )
        most = min(jobs or cores, cores)
        if ARMS[specs[0].arm].framework != "sklearn" and gpus:
            most = min(most, gpus)
            remote["num_gpus"] = min(1.0, gpus / max(2, most))
        with joblib.parallel_config("ray", n_jobs=max(2, min(most, len(specs))), ray_remote_args=remote):
            return joblib.Parallel(batch_size=1)(joblib.delayed(attempt)(spec, study) for spec in specs)
    finally:
        ray.shutdown()


MEMORY_PER_RUN = 2 * 2**30  # bytes that a run takes besides what `memory_of` counts
HERE = Where()
TRIES = 3  # how often a stage whose workers died without finishing a single run is begun again


def ensure(study: Study, arms: list[str], extent: str = "shown", where: Where = HERE) -> None:
    """Trains what is missing, framework by framework, each in processes of its own.

    Two frameworks in one process do not get along. A run that fails lets the others of its step and the other
    frameworks finish; then RunError says which failed. extent: how much, see `plan.stages`.
    """
    for base in bases_of(study, missing(study, arms, extent)):
        check_base(base)
    failed = []
    for framework in dict.fromkeys(ARMS[arm].framework for arm in ARMS):
        own = [arm for arm in arms if ARMS[arm].framework == framework]
        if not missing(study, own, extent):
            continue
        if framework == "sklearn":
            train(study, own, extent, where)
            continue
        code = train_in_a_process(study, own, extent, where)
        if code == BAD_INPUT:
            raise InputError(f"training of {', '.join(own)} ended with the error above")
        if code or missing(study, own, extent):
            failed.append(f"training of {', '.join(own)} ended with exit code {code}")
    if failed:
        raise RunError(f"{'; '.join(failed)}; finished runs are kept, run again to go on")


def bases_of(study: Study, specs: list[RunSpec]) -> list[str]:
    """The pre-trained bases that some runs take."""
    found = (study.profile.base_of(ARMS[spec.arm]) for spec in specs)
    return list(dict.fromkeys(base for base in found if base))


def train(study: Study, arms: list[str], extent: str, where: Where) -> None:
    """Trains what is missing of the arms, all of one framework.

    First come the trials, then the choice on validation, then the rest. RunError, once a step is through,
    names the runs of it that failed.
    """
    if any(ARMS[arm].asked("autopsy") for arm in arms):
        study.freeze_variants()
    done = 0
    while step := next_step(study, arms, extent):
        train_step(step, study, where, done, len(missing(study, arms, extent)) - len(step))
        done += len(step)


def next_step(study: Study, arms: list[str], extent: str) -> list[RunSpec]:
    """The runs that can be trained now: the missing trials, then, with their choices made, the others.

    What has been tried may ask for more trials (see `plan.trial_specs`). Empty when all is done.
    """
    for large in (False, True):  # what takes hours goes last
        own = [arm for arm in arms if ARMS[arm].large == large]
        for stage in stages(study, own, extent):
            if step := [spec for spec in stage if load(spec) is None]:
                return step
    return []


def train_step(specs: list[RunSpec], study: Study, where: Where, done: int, to_come: int) -> None:
    """Trains specs side by side; those of a worker that dies begin again.

    done, to_come: runs before and after this step.
    """
    left, tries, failed = specs, 0, {}
    while left:
        with Reporter(left, done, done + len(left) + to_come):
            try:
                failed |= {
                    spec: said
                    for spec, said in zip(left, train_parallel(left, study, where), strict=True)
                    if said
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


def train_parallel(specs: list[RunSpec], study: Study, where: Where) -> list[str | None]:
    """Trains the specs; what was wrong with each that failed (None: nothing)."""
    if where.backend == "ray":
        return train_on_ray(specs, study, where.address, where.jobs)
    jobs = where.jobs or default_jobs(ARMS[specs[0].arm], study)
    if jobs == 1:  # in this process, with all its cores
        return [attempt(spec, study) for spec in specs]
    # One thread each, even for a single run that is left: on small matrices two runs side by side are faster
    # than one with two threads, and how many threads add up a sum decides its last digits.
    # Also a worker that has not been given a run yet ends with this process.
    ends = {"initializer": die_with_parent, "initargs": (os.getpid(),)}
    with joblib.parallel_config("loky", inner_max_num_threads=1, **ends), warnings.catch_warnings():
        # It replaces a worker that has grown; every run begins from nothing, so that takes nothing away.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        return joblib.Parallel(n_jobs=max(2, min(jobs, len(specs))), batch_size=1)(
            joblib.delayed(attempt_in_worker)(spec, study) for spec in specs
        )


def memory_of(arm: Arm, study: Study) -> int:
    """About how many bytes a run takes: bounds how many run side by side.

    Of a transformer, its base's weights eight times: weights, gradients, AdamW's two means, and as much again
    for what is kept of a step. Of the notes' network, a step on the longest page. Of a regression, 25 doubles
    a weight: L-BFGS keeps ten pairs of steps and gradients.
    """
    if base := study.profile.base_of(arm):
        return MEMORY_PER_RUN + 8 * base_file(base, "model.safetensors").stat().st_size
    if arm.framework == "keras":
        return MEMORY_PER_RUN + STEP_BYTES * min(LONGEST, max(map(len, study.pages["text"].str.split())))
    words = len(set(study.split["text"].str.cat(sep=" ").lower().split())) if arm.counts_words else 0
    return MEMORY_PER_RUN + 25 * 8 * words * study.num_labels


def default_jobs(arm: Arm, study: Study) -> int:
    """How many runs of an arm side by side: what cores and free memory allow.

    One on a GPU, one of a large model, and one when torchrun shares it out.
    """
    if arm.large:
        return 1
    on_gpu = arm.framework != "sklearn" and Path("/proc/driver/nvidia/version").is_file()
    if on_gpu or "TORCHELASTIC_RUN_ID" in os.environ:
        return 1
    return max(1, min(joblib.cpu_count(), psutil.virtual_memory().available // memory_of(arm, study)))


def attempt_in_worker(spec: RunSpec, study: Study) -> str | None:
    """`attempt` in a worker process, which ends at Ctrl-C."""
    try:
        return attempt(spec, study)
    except KeyboardInterrupt:
        os._exit(130)
