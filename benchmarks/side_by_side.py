"""Two trainings on two cores: one after the other, or side by side, with how many threads each.

    python benchmarks/side_by_side.py      writes side_by_side_cpu.csv

Each training is a process of its own: two epochs of GPT-2 mini, or ten of the BiLSTM, on the passages of
`class`. `seconds` is from the start of the first to the end of the last, less what a pair without an epoch
takes (imports, data). All ways are measured in this one run, so compare within it.
"""

import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import pandas as pd
from machine import machine

from helpers.arms import ARMS
from helpers.config import ROOT
from helpers.data.study import prepare
from helpers.models.task import Task

EPOCHS = {"gpt2_finetuned": 2, "bilstm": 10}
# Each: whether side by side, threads of each, whether a thread that waits sleeps.
WAYS = {
    "one after the other, all cores": (False, None, False),
    "side by side, all cores each": (True, None, False),
    "side by side, all cores each, waiting threads sleep": (True, None, True),
    "side by side, one thread each (ours)": (True, 1, False),
}


def train(arm: str, epochs: int) -> None:
    """One training, in this process."""
    study, own = prepare("class"), ARMS[arm]
    module = import_module(f"helpers.models.{own.module}")
    with tempfile.TemporaryDirectory() as work:
        base = study.profile.base_of(own)
        if epochs:
            module.train(Task(study.split, own, own.grid[0], 0, epochs, base, work=Path(work), anew=True))


def pair(arm: str, epochs: int, way: tuple[bool, int | None, bool]) -> float:
    """Seconds that two trainings take."""
    together, threads, sleeps = way
    environment = dict(os.environ)
    if threads:
        environment |= {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
    if sleeps:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    began, running = time.perf_counter(), []
    for _ in range(2):
        running.append(subprocess.Popen([sys.executable, __file__, arm, str(epochs)], env=environment))
        if not together:
            running[-1].wait()
    if any(process.wait() for process in running):
        sys.exit(f"{arm}: a training failed")
    return time.perf_counter() - began


def main() -> None:
    """Measures every way."""
    rows = []
    for arm, epochs in EPOCHS.items():
        for name, way in WAYS.items():
            seconds = pair(arm, epochs, way) - pair(arm, 0, way)
            rows.append({"machine": machine(), "arm": arm, "way": name, "seconds": round(seconds, 1)})
            print(f"{arm} · {name}: {seconds:.0f} s", flush=True)
    table = pd.DataFrame(rows)
    first = table.groupby("arm")["seconds"].transform("first")
    table["times"] = (first / table["seconds"]).round(2)
    table.to_csv(ROOT / "benchmarks" / "side_by_side_cpu.csv", index=False)


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
