"""Killed at random moments, then finished: the same results, and nobody left behind (slow, `-m slow`)."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

COMMAND = [sys.executable, "-m", "helpers", "run", "--profile", "quick"]
RESULTS = "outputs/quick-embedded/report/generated/results.json"
KILLS = 10
MEASURED = {"seconds", "memory", "per_minute", "minutes"}  # what differs from one run to the next


def begin(build, log):
    environment = os.environ | {"HELPERS_BUILD": str(build)}
    return subprocess.Popen(COMMAND, env=environment, stdout=log, stderr=log, start_new_session=True)


def of_this_build(build):
    """Processes that were told to work in `build`."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get("HELPERS_BUILD") == str(build):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def without_clocks(part):
    if isinstance(part, dict):
        return {name: without_clocks(inner) for name, inner in part.items() if name not in MEASURED}
    return [without_clocks(inner) for inner in part] if isinstance(part, list) else part


def finished(build, log):
    process = begin(build, log)
    assert process.wait(1800) == 0, log.name
    return without_clocks(json.loads((build / RESULTS).read_text(encoding="utf-8")))


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_with_the_results_of_one_that_was_not(tmp_path):
    rng = np.random.default_rng()
    with open(tmp_path / "log.txt", "w") as log:
        began = time.monotonic()
        expected = finished(tmp_path / "whole", log)
        whole, build = time.monotonic() - began, tmp_path / "killed"
        for number in range(KILLS):
            process = begin(build, log)
            moment = rng.uniform(0, 0.2 * whole)  # so that the last ones still meet work
            time.sleep(moment)
            alone = number % 2 == 0
            print(f"kill {number + 1}: {'main process' if alone else 'whole group'} after {moment:.1f} s")
            process.kill() if alone else os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            deadline = time.monotonic() + 30  # workers look for their parent, notebooks for their client
            while (left := of_this_build(build)) and time.monotonic() < deadline:
                time.sleep(0.5)
            assert not left, [" ".join(process.cmdline()) for process in left]
        assert finished(build, log) == expected
        assert not list(build.glob("runs/*.running"))
        assert not list(build.glob("runs/.*.part.*"))
