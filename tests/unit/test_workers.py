"""A process that answers keeps what it loaded, is begun again when it dies, loses no question.

It says why it cannot load.
"""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest

from helpers.config import RunError
from helpers.demo.serving import TRIES, Worker

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
