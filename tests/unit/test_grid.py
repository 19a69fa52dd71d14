"""Which runs the grid has, in which order, what it says of them, and that a worker that dies loses none."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
from joblib.externals.loky.process_executor import BrokenProcessPool

from helpers import files
from helpers.arms import ARMS
from helpers.config import BUILD, PROFILES, RunError
from helpers.data.study import prepare
from helpers.experiments import grid, plan, processes, progress, records, runs
from helpers.models import baselines
from helpers.report import results

SKLEARN = ["majority", "naive_bayes", "tfidf_logreg"]


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def fresh(study, alpha):
    """The study with other trials, so that nothing of it is trained."""
    return replace(study, profile=replace(study.profile, grids={"naive_bayes": alpha}))


def test_every_run_of_the_grid_is_there_once(study):
    first, second = plan.stages(study, list(ARMS), "whole")
    assert len({spec.key for spec in first + second}) == len(first) + len(second)
    for arm in ARMS:
        if not plan.takes_part(study, arm):
            assert not [spec for spec in first + second if spec.arm == arm]
            continue
        own = [spec for spec in first + second if spec.arm == arm and spec.split == study.split_key]
        seeds = {(spec.fraction, spec.seed) for spec in own}
        fractions = (None, 1) if ARMS[arm].asked("curve") else (None,)
        wanted = {(f, s) for f in fractions for s in study.profile.seeds if s == 0 or ARMS[arm].seeded or f}
        if ARMS[arm].framework == "sklearn":
            wanted.discard((None, 1))  # no seed changes anything
        assert seeds == (wanted if ARMS[arm].asked("seen") else set()), arm
        open_set = [spec for spec in first + second if spec.arm == arm and spec.split == study.unseen_key]
        assert bool(open_set) == ARMS[arm].asked("unseen")
        assert all(spec.fraction is None for spec in open_set)
    part = [spec for stage in plan.stages(study, list(ARMS), "shown") for spec in stage]
    assert {spec.fraction for spec in part} == {None}
    assert study.unseen_key not in {spec.split for spec in part}
    least = [spec for stage in plan.stages(study, list(ARMS), "chosen") for spec in stage]
    swept = [spec for spec in part if spec not in least]
    assert {spec.arm for spec in swept} == {"bilstm"}
    assert {name for spec in swept for name, _ in spec.changed} == set(plan.SWEPT)
    assert set(least) < set(part) < set(first + second)
    with pytest.raises(ValueError, match="one of chosen, shown, whole"):
        next(plan.stages(study, list(ARMS), "all"))


def test_where_only_the_start_differs_trials_epochs_and_seeds_are_the_same():
    starts = (
        ("gpt2_scratch", "gpt2_self", "gpt2_finetuned"),
        ("gpt2_lm_scratch", "gpt2_lm"),
        ("smollm2_scratch", "smollm2_finetuned"),
    )
    for profile, ids in product(PROFILES.values(), starts):
        assert len({(profile.epochs_of(ARMS[arm]), profile.seeds_of(ARMS[arm])) for arm in ids}) == 1
        grids = {profile.grid_of(ARMS[arm]) for arm in ids if arm not in profile.leaves_out}
        assert len(grids) <= 1 or {len(grid) for grid in grids} == {1}  # of one each: what `course` chose


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (0.03, [0.01, 0.03, 0.1]),  # inside: nothing more
        (1.0, [0.01, 0.03, 0.1, 0.3, 1.0]),  # always the greatest: as often as is allowed
        (0.001, [0.001, 0.003, 0.01, 0.03, 0.1]),
        (0.3, [0.01, 0.03, 0.1, 0.3, 1.0]),  # found by the first extension, confirmed by the second
    ],
)
def test_a_choice_at_the_edge_extends_the_grid(study, monkeypatch, best, tried):
    """Whatever is tried is there at once; the nearer to `best`, the better its validation."""
    profile = replace(study.profile, grids={"naive_bayes": (0.1, 0.01, 0.03)}, extensions=2)

    def load(spec):
        score = -abs(np.log(spec.value / best))
        return SimpleNamespace(spec=spec, metrics={"valid": {"mrr": score, "loss": 0.0}})

    monkeypatch.setattr(plan, "load", load)
    specs = plan.trial_specs(replace(study, profile=profile), "naive_bayes")
    assert [spec.value for spec in specs] == pytest.approx(tried)
    fixed = replace(study, profile=replace(profile, extensions=0))
    assert len(plan.trial_specs(fixed, "naive_bayes")) == 3


def test_what_is_not_tried_yet_extends_nothing(study, monkeypatch):
    monkeypatch.setattr(plan, "load", lambda spec: None)
    profile = replace(study.profile, grids={"naive_bayes": (0.01, 0.03, 0.1)}, extensions=2)
    assert len(plan.trial_specs(replace(study, profile=profile), "naive_bayes")) == 3


def test_a_large_base_takes_part_where_it_is_there_and_the_profile_has_it(study, monkeypatch):
    whole = replace(study, profile=replace(study.profile, leaves_out=()))
    large = [arm for arm in ARMS if ARMS[arm].large]
    for there in (True, False):
        monkeypatch.setattr(plan.smollm2, "available", lambda there=there: there)
        assert all(plan.takes_part(whole, arm) == there for arm in large)
        assert not any(plan.takes_part(study, arm) for arm in large)
        asked = plan.asked(whole, "seen")
        assert ("smollm2_finetuned" in asked) == there
        assert "gpt2_finetuned" in asked
        specs = [spec for stage in plan.stages(whole, list(ARMS), "whole") for spec in stage]
        assert any(ARMS[spec.arm].large for spec in specs) == there


def test_status_counts_what_is_done_running_and_left(study, monkeypatch):
    own = fresh(study, (0.031, 0.032))
    monkeypatch.setattr(progress, "pace_elsewhere", lambda arm, base: 2.0)
    said = progress.status(own, ["naive_bayes"])
    assert "4 runs left: about" in said
    assert "(4 at the pace of their arm in another profile)" in said
    monkeypatch.setattr(progress, "pace_elsewhere", lambda arm, base: 0.0)
    said = progress.status(own, ["naive_bayes"])
    assert " 0        0     4" in said
    assert "4 of whose like none is done yet" in said
    wanted = [spec for stage in plan.stages(own, ["naive_bayes"], "whole") for spec in stage]
    runs.run(wanted[0], own)
    with records.announce(wanted[1]) as say:
        say("epoch 3/10")
        said = progress.status(own, ["naive_bayes"])
        assert " 1        1     2" in said
        assert "epoch 3/10" in said
        assert "runs left: about" in said
        assert re.search(r"^naive_bayes +1 +1 +2 +\d+ s$", said, re.MULTILINE)
    grid.ensure(own, ["naive_bayes"], "whole")
    assert "everything is done" in progress.status(own, ["naive_bayes"])
    assert plan.missing(own, ["naive_bayes"], "whole") == []


def test_the_pace_of_an_arm_is_that_of_its_finished_runs_a_row_and_epoch(study, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "RUNS", tmp_path)
    spec = plan.trial_specs(study, "bag")[0]
    for seconds, epochs in ((30.0, 2), (50.0, 3)):
        place = tmp_path / str(epochs)
        place.mkdir()
        told = {"spec": asdict(replace(spec, epochs=epochs)), "seconds": seconds}
        (place / "record.json").write_text(json.dumps(told))
    rows = int((study.split["side"] == "train").sum())
    assert progress.pace_elsewhere("bag", None) == pytest.approx(80 / (5 * rows))
    assert progress.pace_elsewhere("bag", "another base") == progress.pace_elsewhere("bilstm", None) == 0


def test_a_run_whose_process_is_gone_is_not_running(study):
    spec = replace(plan.trial_specs(study, "naive_bayes")[0], value=0.0421)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    file = BUILD / "runs" / f"{spec.key}.running"
    with records.announce(spec):
        assert records.running(spec)["pid"] == os.getpid()
        told = file.read_text()
        file.write_text(told.replace(str(os.getpid()), str(dead.pid)))
        assert records.running(spec) is None
        # the number belongs to another process now
        file.write_text(json.dumps(json.loads(told) | {"created": 1.0}))
        assert records.running(spec) is None
    assert not file.exists()


def test_interrupted_work_leaves_no_run_under_way_and_no_mark(study):
    """Also of a run that did not hear the interruption; the process that is interrupted itself lives on."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    deaf += "print(flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    other.stdout.readline()
    spec = replace(plan.trial_specs(study, "naive_bayes")[0], value=0.0431)
    file = BUILD / "runs" / f"{spec.key}.running"
    with pytest.raises(KeyboardInterrupt), records.work_alone():
        with records.announce(spec):
            told = json.loads(file.read_text())
            created = psutil.Process(other.pid).create_time()
            elsewhere = file.with_stem("elsewhere")
            elsewhere.write_text(json.dumps(told | {"pid": other.pid, "created": created}))
            raise KeyboardInterrupt
    assert not psutil.pid_exists(other.pid)
    assert not list((BUILD / "runs").glob("*.running"))


def test_a_worker_that_is_killed_loses_no_run(study, monkeypatch, tmp_path):
    """The first run kills its own process once; every record is there in the end."""
    own, flag = fresh(study, (0.051, 0.052)), tmp_path / "killed"
    monkeypatch.setattr(grid, "attempt_in_worker", Killer(flag))
    grid.train(own, ["naive_bayes"], "whole", processes.Where(jobs=2))
    assert flag.exists()
    assert plan.missing(own, ["naive_bayes"], "whole") == []


class Killer:
    """`grid.attempt_in_worker`, but the first process to come here is killed by a signal."""

    def __init__(self, flag):
        self.flag, self.parent = flag, os.getpid()

    def __call__(self, spec, study):
        assert os.getppid() == self.parent
        # since before it was given a run
        assert "die_with_parent" in [thread.name for thread in threading.enumerate()]
        if not self.flag.exists():
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return runs.attempt(spec, study)


def test_workers_that_always_die_end_the_grid(study, monkeypatch):
    monkeypatch.setattr(grid, "train_parallel", raising(BrokenProcessPool("gone")))
    with pytest.raises(RunError, match="its worker died 3 times"):
        grid.train(fresh(study, (0.061, 0.062)), ["naive_bayes"], "whole", processes.Where(jobs=2))


def test_a_mistake_in_the_code_is_not_taken_for_a_dead_worker(study, monkeypatch):
    monkeypatch.setattr(baselines, "train", raising(ValueError("no such thing")))
    with pytest.raises(ValueError, match="no such thing"):
        grid.train(fresh(study, (0.081, 0.082)), ["naive_bayes"], "whole", processes.Where(jobs=1))


def test_a_run_that_diverges_lets_its_neighbours_finish(study, monkeypatch):
    own, train = fresh(study, (0.091, 0.092)), baselines.train

    def diverge(task):
        if task.value == 0.091:
            raise FloatingPointError("training loss became nan in epoch 2")
        return train(task)

    monkeypatch.setattr(baselines, "train", diverge)
    with pytest.raises(RunError, match=r"naive_bayes · seed 0 · 0.091: training loss became nan"):
        grid.train(own, ["naive_bayes"], "whole", processes.Where(jobs=1))
    assert [records.load(spec) is None for spec in plan.trial_specs(own, "naive_bayes")] == [True, False]


def raising(error):
    def fail(*arguments, **keywords):
        raise error

    return fail


def test_code_that_changed_under_a_grid_is_refused(study):
    spec = replace(plan.trial_specs(study, "naive_bayes")[0], value=0.0991, recipe="other")
    with pytest.raises(RunError, match="not the code that this grid began with"):
        runs.run(spec, study)


def test_the_estimate_counts_rows_and_epochs(study):
    def done(spec, seconds):
        return records.Record(spec, {}, None, seconds, 0.0, 0, {}, None, None)

    whole = plan.trial_specs(study, "bilstm")[0]
    thin = replace(whole, fraction=1)  # which has as many steps
    left = [replace(whole, seed=7), replace(thin, seed=7), replace(whole, epochs=2 * whole.epochs)]
    expected = 60 * (1 + 1 + 2)
    assert progress.remaining(study, [done(whole, 60.0)], left) == (pytest.approx(expected), 0, 0)
    other = replace(whole, arm="bilstm_original")  # none of its own: as others of its module
    assert progress.remaining(study, [done(whole, 60.0)], [other]) == (pytest.approx(60), 0, 0)
    assert progress.remaining(study, [done(whole, 60.0)], [replace(whole, arm="gpt2_lm")])[:2] == (0, 1)
    assert [progress.clock(s) for s in (5, 130, 4000)] == ["5 s", "2 min", "1 h 7 min"]


def test_one_after_the_other_and_side_by_side_give_the_same_numbers(study):
    metrics = []
    for jobs in (1, 2):
        for file in (BUILD / "runs").glob("*/record.json"):
            if any(value in file.read_text() for value in ("0.0711", "0.0722")):
                files.remove(file.parent)
        own = fresh(study, (0.0711, 0.0722))
        grid.train(own, ["naive_bayes"], "shown", processes.Where(jobs=jobs))
        metrics.append([records.load(spec).metrics for spec in plan.trial_specs(own, "naive_bayes")])
    assert metrics[0] == metrics[1]


def test_jobs_fit_cores_and_memory(study, monkeypatch):
    monkeypatch.setattr(grid.joblib, "cpu_count", lambda: 16)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("M", (), {"available": 5 * 2**30})())
    assert grid.default_jobs(ARMS["bilstm"], study) == 2
    monkeypatch.setattr(grid.Path, "is_file", lambda path: True)  # the driver of a GPU is there
    assert (grid.default_jobs(ARMS["bilstm"], study), grid.default_jobs(ARMS["majority"], study)) == (1, 2)
    monkeypatch.undo()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    assert grid.default_jobs(ARMS["bilstm"], study) == 1


def test_a_run_is_thought_to_need_more_memory_the_larger_its_network(study):
    small, large = (grid.memory_of(ARMS[arm], study) for arm in ("gpt2_scratch", "tfidf_logreg"))
    assert grid.MEMORY_PER_RUN < large < small < 1.2 * grid.MEMORY_PER_RUN
    many = SimpleNamespace(
        profile=study.profile, num_labels=1058,
        split=pd.DataFrame({"text": [" ".join(f"w{n}" for n in range(12_000))]}),
    )  # fmt: skip
    assert grid.memory_of(ARMS["tfidf_logreg"], many) > 2 * grid.MEMORY_PER_RUN
    assert grid.memory_of(ARMS["majority"], many) == grid.MEMORY_PER_RUN


def test_memory_is_what_a_run_adds():
    with runs.MemoryWatch() as watch:
        block = bytearray(os.urandom(1)) * (200 * 2**20)
        time.sleep(0.2)
    assert 150 < watch.peak < 400
    assert len(block)


def test_an_arm_may_stay_off_the_curve(study):
    own = replace(study, profile=replace(study.profile, no_curve=("naive_bayes",)))
    for one, fractions in ((study, {None, 1}), (own, {None})):
        specs = [spec for stage in plan.stages(one, ["naive_bayes"], "whole") for spec in stage]
        assert {spec.fraction for spec in specs} == fractions
        assert ("naive_bayes" in results.on_curve(one)) == (1 in fractions)
