"""A process that answers keeps what it loaded, is begun again when it dies, loses no question.

It says why it cannot load.
"""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import psutil
import pytest

from helpers.config import InputError, RunError
from helpers.data import sources
from helpers.demo import serving
from helpers.demo.serving import TRIES, Demo, Worker, train_quick
from helpers.experiments import archive, records
from helpers.files import only_one

_kept = []


def load(*what):
    _kept.extend(what)


def load_nothing():
    raise FileNotFoundError("no such record")


def load_and_die():
    os._exit(1)


def load_slowly(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(0.5)


def kept(number):
    return number, list(_kept), os.getpid()


def slowly(number):
    time.sleep(0.1)
    return number


def fail(kind):
    raise kind("the question's own")


def die():
    os._exit(1)


def die_once(file):
    if not file.exists():
        file.touch()
        os._exit(1)
    return "answered"


@contextmanager
def working(load, *arguments):
    worker = Worker(load, *arguments)
    try:
        yield worker
    finally:
        worker.end()


def test_what_is_loaded_stays_and_the_process_is_another():
    with working(load, "a", "b") as worker:
        answers = [worker.ask(kept, number) for number in range(3)]
    assert [answer[:2] for answer in answers] == [(number, ["a", "b"]) for number in range(3)]
    assert len({pid for *_, pid in answers}) == 1
    assert os.getpid() not in {pid for *_, pid in answers}
    assert _kept == []


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, RunError])
def test_a_question_that_fails_says_so_and_leaves_the_process_alone(kind):
    with working(load) as worker:
        before = worker.pid
        with pytest.raises(kind, match="the question's own"):
            worker.ask(fail, kind)
        assert worker.pid == before


def test_a_killed_process_begins_again_with_what_it_had_loaded():
    with working(load, "a") as worker:
        before = worker.pid
        os.kill(before, signal.SIGKILL)
        number, loaded, after = worker.ask(kept, 7)
        assert (number, loaded) == (7, ["a"])
        assert after != before
        assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE


def test_none_of_many_questions_is_lost_when_the_process_is_killed_under_them():
    with working(load) as worker, ThreadPoolExecutor(20) as threads:
        first = worker.pid
        answers = threads.map(lambda number: worker.ask(slowly, number), range(20))
        for _ in range(TRIES - 1):
            time.sleep(0.35)
            os.kill(worker.pool._processes and next(iter(worker.pool._processes)), signal.SIGKILL)
        assert list(answers) == list(range(20))
        assert worker.pid != first


def test_a_process_killed_while_it_loads_is_replaced_once(tmp_path):
    with working(load_slowly, tmp_path) as worker, ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda number: worker.ask(slowly, number), range(4))
        while not (begun := list(tmp_path.iterdir())):
            time.sleep(0.01)
        os.kill(int(begun[0].name), signal.SIGKILL)
        assert list(answers) == list(range(4))
        assert len(list(tmp_path.iterdir())) == 2


def test_a_question_that_its_process_does_not_survive_is_given_up(tmp_path):
    with working(load) as worker:
        assert worker.ask(die_once, tmp_path / "died") == "answered"
        with pytest.raises(RunError, match=f"died {TRIES} times"):
            worker.ask(die)
        assert worker.ask(slowly, 1) == 1  # the next one is answered


def test_what_cannot_be_loaded_is_said_and_not_tried_for_ever():
    with working(load_nothing) as worker:
        for _ in range(2):
            with pytest.raises(RunError, match="load_nothing: FileNotFoundError: no such record"):
                worker.ask(slowly, 1)
    with working(load_and_die) as worker, pytest.raises(RunError, match="load_and_die: .* died"):
        worker.ask(slowly, 1)


def test_an_ended_worker_leaves_no_process():
    with working(load) as worker:
        process = psutil.Process(worker.pid)
    assert process.wait(10) is not None or not process.is_running()


class Trained:
    """In the place of the process that trains: what it was told, and whether it could lose its records."""

    told = []

    def __init__(self, command, **more):
        Trained.told = command
        with pytest.raises(InputError, match="another"), records.only_one():
            pass
        self.stdout, self.returncode = ["[1/2] majority\n", "error: no more room\n"], 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize("statements", [None, "said.csv"])
def test_the_page_trains_on_the_data_it_was_started_with_and_alone(tmp_path, monkeypatch, statements):
    """The process begins in the repository, so it is told of files by their whole paths."""
    monkeypatch.setattr(serving.subprocess, "Popen", Trained)
    monkeypatch.setattr(records, "only_one", partial(only_one, tmp_path))
    monkeypatch.setattr(archive, "RUNS", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    source, shown = sources.with_options("mine.csv", statements=statements), []
    wrong = train_quick(Demo("quick", source), lambda share, desc: shown.append(desc))
    assert wrong == "El entrenamiento terminó con un error: error: no more room"
    assert shown == ["Preparando", "Entrenando Clase mayoritaria"]
    path, asked = sources.parts_of(Trained.told[Trained.told.index("--data") + 1])
    assert path == str(tmp_path / "mine.csv")
    assert asked == ({"statements": str(tmp_path / "said.csv")} if statements else {})
    train_quick(Demo("quick"), lambda share, desc: None)
    assert "--data" not in Trained.told
    with only_one(tmp_path):
        Trained.told = []
        assert "Otro proceso ya entrena" in train_quick(Demo("quick", source), lambda share, desc: None)
    assert Trained.told == []
