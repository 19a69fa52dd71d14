"""A process that keeps models loaded and answers questions about them; where it dies it begins again, and no
question is lost.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from ..config import RunError
from ..experiments.processes import die_with_parent

TRIES = 3  # how often one question may lose its process
_failed = ""  # in the process: why it could not load


class Worker:
    """One process of its own, so that its framework meets no other. Questions wait their turn in the order
    they came.

    load, arguments: called in the process when it begins; what it loads stays there for the functions that
    are asked.
    """

    def __init__(self, load: Callable, *arguments):
        self.load, self.arguments = load, arguments
        self.lock, self.pool = threading.Lock(), None
        self.begin(None)

    def begin(self, dead: ProcessPoolExecutor | None) -> None:
        """A new process in the place of `dead`, unless another question has already seen to that."""
        with self.lock:
            if self.pool is dead:
                self.pool = ProcessPoolExecutor(
                    1, multiprocessing.get_context("spawn"), _begin, (os.getpid(), self.load, *self.arguments)
                )

    def ask(self, function: Callable, *arguments):
        """What `function(*arguments)` gives in the process. RunError if the process died TRIES times over it,
        or cannot load.
        """
        for _ in range(TRIES):
            pool = self.pool
            try:
                return pool.submit(_call, function, *arguments).result()
            except BrokenProcessPool:
                self.begin(pool)
        raise RunError(
            f"{self.load.__name__}: the models' process died {TRIES} times; is there memory enough?"
        )

    @property
    def pid(self) -> int:
        """Of the process, begun if it has not."""
        return self.ask(os.getpid)

    def end(self) -> None:
        """Ends the process without waiting for what it was asked."""
        self.pool.shutdown(wait=False, cancel_futures=True)


def _begin(parent: int, load: Callable, *arguments) -> None:
    """In the new process: it ends with the one that started it, and loads. Why it could not is said to
    whoever asks.
    """
    global _failed
    # Ctrl-C in a terminal is for the server, which ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
    try:
        load(*arguments)
    except Exception as error:  # a pool that meets it here only says that it is broken
        _failed = f"{load.__name__}: {type(error).__name__}: {error}"


def _call(function: Callable, *arguments):
    if _failed:
        raise RunError(_failed)
    return function(*arguments)
