"""Processes that train: how much memory one takes, how it is begun, and that none outlives its parent."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from ..data.study import Study


def rank() -> int:
    """Which of the processes that `torchrun` started this one is; 0 without it."""
    return int(os.environ.get("RANK", 0))


@dataclass(frozen=True)
class Where:
    """Where runs are trained: `jobs` side by side, by joblib's `loky` or on Ray.

    jobs None: what cores and memory allow.
    """

    backend: str = "loky"
    address: str | None = None
    jobs: int | None = None


def worker_command(profile: str, source: str | None, arms: list[str], extent: str, where: Where) -> list[str]:
    """The command of a process that trains some arms and ends with this one; see `worker` for its options."""
    options = {"--profile": profile, "--data": source, "--arms": ",".join(arms), "--parent": os.getpid()}
    options |= {
        "--backend": where.backend,
        "--address": where.address,
        "--jobs": where.jobs,
        "--extent": extent,
    }
    given = [str(part) for option in options.items() if option[1] is not None for part in option]
    return [sys.executable, "-u", "-m", "helpers.experiments.worker", *given]


def train_in_a_process(study: Study, arms: list[str], extent: str, where: Where) -> int:
    """Trains arms of one framework in a process that holds no other; returns its exit code."""
    environment = dict(os.environ)
    if where.backend == "loky":  # one process trains on one GPU; torchrun and Ray are for more
        environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = worker_command(study.profile.name, study.source, arms, extent, where)
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child too: it gets the time to clean up
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def wait_for_all() -> None:
    """Under `torchrun`, waits until all processes have come here.

    If one has failed, torchrun ends the others.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def die_with_parent(parent: int) -> None:
    """In a worker: ends the process when the one that started it is gone.

    So a killed pipeline leaves no worker behind.
    """
    if os.getppid() != parent:
        os._exit(1)
    if any(thread.name == "die_with_parent" for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="die_with_parent", daemon=True).start()


EVERY = 0.02  # seconds between two looks at the memory


class MemoryWatch:
    """While entered, watches this process's memory; `peak`: the most held beyond the start, in MiB.

    On a GPU that PyTorch trains on: the most that its tensors held there.
    """

    def __enter__(self):
        self.peak, self._over = 0.0, threading.Event()
        process = psutil.Process(os.getpid())
        give_back()  # or what an earlier run left free would hide what this one takes
        start = process.memory_info().rss

        def look() -> None:
            while not self._over.wait(EVERY):
                self.peak = max(self.peak, (process.memory_info().rss - start) / 2**20)

        if cuda := _cuda():
            cuda.reset_peak_memory_stats()
        self._thread = threading.Thread(target=look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()
        if cuda := _cuda():
            self.peak = cuda.max_memory_allocated() / 2**20


def give_back() -> None:
    """Returns the memory that this process has freed to the system, where the C library can (glibc)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _cuda():
    """torch.cuda where PyTorch is in use and sees a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
