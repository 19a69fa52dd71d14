"""The grid on a Ray cluster, through joblib's Ray backend. All nodes must see the same HELPERS_BUILD."""

import logging
import os

import joblib

from ..arms import ARMS
from ..config import BUILD, InputError
from ..data.study import Study
from .runs import attempt
from .specs import RunSpec

# Half a core each and spread out: so both nodes work, and the workers of a node that dies find room on those
# that are left. Ray begins a dead worker's run again by itself, a few times.
REMOTE = {"num_cpus": 0.5, "scheduling_strategy": "SPREAD", "max_restarts": -1, "max_task_retries": 3}
PASSED_ON = ("KERAS_BACKEND", "HF_HOME", "HF_HUB_OFFLINE", "PYTHONPATH")  # variables of this process


def train_on_ray(
    specs: list[RunSpec], study: Study, address: str | None, jobs: int | None
) -> list[str | None]:
    """Trains the specs (of one framework) on the cluster at `address` (None: one is started here); records go
    to BUILD.

    Returns what was wrong with each that failed (None: nothing). Raises InputError where Ray is not
    installed, the cluster does not answer, or it has a single core; what else a run raises comes through.
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
