"""The grid on a Ray cluster, through joblib's Ray backend. All nodes must see the same HELPERS_BUILD."""

import logging
import os

import joblib

from . import experiments
from .config import ARMS, BUILD, InputError
from .records import RunSpec
from .study import Study

# Half a core each and spread out: so both nodes work, and the workers of a node that dies find room on those that are left.
# Ray begins a dead worker's run again by itself.
REMOTE = {"num_cpus": 0.5, "scheduling_strategy": "SPREAD", "max_restarts": -1, "max_task_retries": -1}
PASSED_ON = ("HELPERS_BUILD", "KERAS_BACKEND", "HF_HOME", "HF_HUB_OFFLINE", "PYTHONPATH")  # variables of this process


def parallel(specs: list[RunSpec], study: Study, address: str | None, jobs: int | None) -> None:
    """Trains the specs (of one framework) on the cluster at `address` (None: one is started here); records go to BUILD.

    Raises InputError where Ray is not installed or the cluster does not answer; what a run raises comes through.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise InputError("--backend ray: Ray is not installed; pip install -r requirements-ray.txt") from error
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if not ray.is_initialized():
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": passed | {"HELPERS_BUILD": str(BUILD), "OMP_NUM_THREADS": "1"}},
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"--address {address}: no Ray cluster answers there ({type(error).__name__})") from error
    register_ray()
    resources, remote = ray.cluster_resources(), dict(REMOTE)
    jobs = jobs or int(resources["CPU"])
    if ARMS[specs[0].arm].framework == "torch" and (gpus := int(resources.get("GPU", 0))):
        jobs, remote["num_gpus"] = min(jobs, gpus), 1
    with joblib.parallel_config("ray", n_jobs=min(jobs, len(specs)), ray_remote_args=remote):
        joblib.Parallel(batch_size=1)(joblib.delayed(experiments.run)(spec, study) for spec in specs)
