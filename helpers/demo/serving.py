"""What the demo's page asks: a profile's models, a process for each framework, and their training."""

import multiprocessing
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from ..arms import ARMS
from ..config import BUILD, COMMITTED, ROOT, InputError, RunError
from ..data import sources
from ..data.study import prepare
from ..experiments.processes import Where, die_with_parent, worker_command
from ..experiments.records import work_alone
from . import answers

TRIES = 3  # how often one question may lose its process
_failed = ""  # in the process: why it could not load


class Worker:
    """One process of its own, so that its framework meets no other.

    Questions wait their turn in the order they came.

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
        """What `function(*arguments)` gives in the process.

        RunError if the process died TRIES times over it, or cannot load.
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
    """In the new process: loads, and ends with the process that started it.

    Why it could not load is said to whoever asks.
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


FRAMEWORKS = tuple(answers.LOADERS)  # in the order of training


class Demo:
    """The loaded models: a process for each framework; `open` begins them, `answer` asks them all at once."""

    def __init__(self, profile: str | None = None, source: str | None = None):
        self.profile, self.source = profile, source
        self.models, self.workers = None, {}

    def open(self) -> bool:
        """Loads the models of the profile (None: the last finished one); False if none has been trained."""
        for profile in [self.profile] if self.profile else finished():
            study = prepare(profile, self.source)
            try:
                models = answers.models_of(study)
            except InputError:
                continue
            self.shown = f"perfil {study.profile.name} · {len(models.classes)} enfermedades"
            self.end()
            self.workers = {name: Worker(load, models) for name, load in answers.LOADERS.items()}
            self._all(os.getpid, {name: () for name in self.workers})  # which waits until they have loaded
            self.models = models
            return True
        return False

    def end(self) -> None:
        """Ends the processes."""
        for worker in self.workers.values():
            worker.end()

    def answer(self, text: str, explained: str) -> tuple[dict[str, np.ndarray], answers.Words, int]:
        """Log-probabilities by arm, word attributions for the first answer of `explained`, that answer.

        explained: an arm that classifies and is not large, or "" for no attributions.
        """
        if not self.models:
            raise RunError("no models are loaded")
        own = self.models.of_framework
        asked = {name: (own(name), text, explained) for name in self.workers}
        parts = self._all(answers.answer, asked)
        scores = {arm: values for part, _ in parts for arm, values in part.items()}
        words = next((words for _, words in parts if words is not None), [])
        return scores, words, int(scores[explained].argmax()) if explained in scores else -1

    def _all(self, function: Callable, arguments: dict[str, tuple]) -> list:
        """What the function gives in each worker named; all are asked at once."""
        with ThreadPoolExecutor(len(arguments)) as threads:
            return list(
                threads.map(lambda item: self.workers[item[0]].ask(function, *item[1]), arguments.items())
            )


def finished() -> list[str]:
    """Profiles whose last notebook was executed on their own data, the latest first; then the others.

    The others have records but no notebook.
    """
    stamps = sorted((BUILD / "stamps").glob("*/06_comparacion.json"), key=lambda file: -file.stat().st_mtime)
    # A file's outputs are called by its stem and a hash, so none of them is called like a named source.
    own = [stamp.parent.name.split("-", 1) for stamp in stamps]
    names = [profile for profile, source in own if source == "embedded"]
    return list(dict.fromkeys([*names, "class", COMMITTED, "quick"])) if (BUILD / "runs").is_dir() else []


def train_quick(demo: Demo, progress: Callable) -> str:
    """Trains the profile `quick` and opens it, telling how far it is; what went wrong, or nothing."""
    if demo.models:  # another visitor has seen to that
        return ""
    progress(0, desc="Preparando")
    try:
        with work_alone():
            wrong = _train(demo.source, progress)
    except InputError:  # of the lock: what is wrong with the training is said by its own process
        wrong = f"Otro proceso ya entrena en {BUILD}: espera a que termine, o termínalo, y vuelve a pulsar."
    if wrong:
        return wrong
    demo.profile = "quick"
    try:
        return "" if demo.open() else "El entrenamiento terminó, pero falta algún modelo."
    except RunError as error:
        return f"Los modelos no se pudieron abrir. {error}"


def _train(source: str | None, progress: Callable) -> str:
    """Trains the profile `quick` in a process of its own; what went wrong, or nothing."""
    source = None if source is None else sources.resolve(source)  # the process begins in another directory
    # Only what the page shows, which is less than `python -m helpers grid` trains.
    command, said = worker_command("quick", source, answers.NEEDED, "chosen", Where()), ""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            said = line.strip() or said
            if found := re.match(r"\[(\d+)/(\d+)\] (\w+)", line):  # each framework counts its own
                part = FRAMEWORKS.index(ARMS[found[3]].framework) + int(found[1]) / int(found[2])
                progress(part / len(FRAMEWORKS), desc=f"Entrenando {ARMS[found[3]].name}")
    return f"El entrenamiento terminó con un error: {said}" if process.returncode else ""
