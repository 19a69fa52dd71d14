"""How far the grid is: each run said as it ends, and what is done, running and left."""

import json
import threading
import time
from contextlib import suppress

from ..arms import ARMS
from ..config import InputError
from ..data import splits
from ..data.study import Study
from .archive import RECORD, RUNS
from .plan import stages
from .processes import rank
from .records import Record, load, running
from .specs import RunSpec


class Reporter:
    """While it is entered, says each run that ends, and how long the rest may take."""

    def __init__(self, specs: list[RunSpec], done: int, total: int):
        self.left, self.done, self.ended, self.total = list(specs), done, 0, total
        self.began, self.over = time.perf_counter(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        if rank() == 0:
            self.thread.start()
        return self

    def __exit__(self, *error):
        if rank() == 0:
            self.over.set()
            self.thread.join()
            self.look()

    def watch(self) -> None:
        while not self.over.wait(1):
            self.look()

    def look(self) -> None:
        for spec in list(self.left):
            if record := load(spec):
                self.left.remove(spec)
                self.ended, done = self.ended + 1, self.done + self.ended + 1
                to_go = (time.perf_counter() - self.began) / self.ended * (self.total - done)
                accuracy = record.metrics.get("valid", {}).get("accuracy")
                shown = "" if accuracy is None else f" · valid accuracy {accuracy:.3f}"
                rest = f" · about {clock(to_go)} to go" if done < self.total else ""
                print(f"[{done}/{self.total}] {spec} · {record.seconds:.0f} s{shown}{rest}", flush=True)


def clock(seconds: float) -> str:
    """A duration for people: `48 s`, `7 min`, `1 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def status(study: Study, arms: list[str]) -> str:
    """What of the whole grid is done, running and left, arm by arm, and an estimate of the time to go."""
    found = {
        arm: [(spec, load(spec)) for stage in stages(study, [arm], "whole") for spec in stage] for arm in arms
    }
    done = [record for own in found.values() for _, record in own if record]
    lines, left = [f"{'arm':<18} {'done':>5} {'running':>8} {'left':>5} {'one at a time':>14}"], []
    under_way: list[tuple[RunSpec, dict]] = []
    for arm, own in found.items():
        missing = [spec for spec, record in own if record is None]
        active = [(spec, told) for spec in missing if (told := running(spec))]
        seconds, unknown, _ = remaining(study, done, missing)
        time_left = "?" if unknown else clock(seconds) if missing else ""
        counts = f"{len(own) - len(missing):>5} {len(active):>8} {len(missing) - len(active):>5}"
        lines.append(f"{arm:<18} {counts} {time_left:>14}".rstrip())
        left, under_way = left + missing, under_way + active
    lines += [
        f"{clock(time.time() - told['since'])} into {spec} {told['said']}".rstrip()
        for spec, told in under_way
    ]
    if not left:
        return "\n".join([*lines, "everything is done"])
    jobs = min(max(len(under_way), 1), len(left))
    seconds, unknown, borrowed = remaining(study, done, left)
    known = f"about {clock(seconds / jobs)} with {jobs} at a time"
    if borrowed:
        known += f" ({borrowed} at the pace of their arm in another profile)"
    if unknown:
        known += f", and {unknown} of whose like none is done yet"
    return "\n".join([*lines, f"{len(left)} runs left: {known}"])


def remaining(study: Study, done: list[Record], left: list[RunSpec]) -> tuple[float, int, int]:
    """Seconds that the runs left take one after the other; how many are not counted; how many are guessed.

    A run takes, for each training row and epoch, what the finished ones of its arm took; where its arm has
    none yet, those that train the same module of a base of the same size; where there is none of these
    either, runs of its arm and base in other profiles (see `pace_elsewhere`): those are guessed. Not counted
    is what has nothing like it anywhere.
    """
    keys = (study.split_key, study.page_key, study.unseen_key)
    rows = {key: training_rows(key) for key in keys}

    def work(spec: RunSpec) -> float:
        # the autopsy's splits are about as large; with fewer rows a run has as many steps (see `make_task`)
        return rows.get(spec.split, rows[study.page_key]) * (spec.epochs or 1)

    total, unknown, guessed = 0.0, 0, 0
    for spec in left:
        alike = [r for r in done if r.spec.arm == spec.arm] or [r for r in done if kind(r.spec) == kind(spec)]
        if alike:
            pace = sum(r.seconds for r in alike) / sum(work(r.spec) for r in alike)
        elif pace := pace_elsewhere(spec.arm, spec.base):
            guessed += 1
        else:
            unknown += 1
            continue
        total += pace * work(spec)
    return total, unknown, guessed


def training_rows(key: str) -> int:
    """How many training rows a frozen split has."""
    return int((splits.load_split(key)["side"] == "train").sum())


def pace_elsewhere(arm: str, base: str | None) -> float:
    """Seconds a training row and epoch of all finished runs of an arm on a base; 0 where there are none."""
    seconds, work = 0.0, 0
    for file in RUNS.glob(f"*/{RECORD}"):
        known = json.loads(file.read_text(encoding="utf-8"))
        spec = known["spec"]
        if (spec["arm"], spec["base"]) == (arm, base):
            with suppress(InputError):  # its split is no longer here
                work += training_rows(spec["split"]) * (spec["epochs"] or 1)
                seconds += known["seconds"]
    return seconds / work if work else 0.0


def kind(spec: RunSpec) -> tuple:
    """What makes runs of two arms take about as long."""
    arm = ARMS[spec.arm]
    return arm.module, arm.large, arm.frozen
