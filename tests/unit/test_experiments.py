"""Specs, records, the rule by which a hyperparameter is chosen, and runs that fail."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import files
from helpers.__main__ import main
from helpers.arms import ARMS, get_arms
from helpers.config import BUILD, PROFILES, ROOT, InputError, RunError, get_profile
from helpers.data import splits
from helpers.data.study import prepare
from helpers.experiments import grid, plan, processes, records, runs, specs
from helpers.models import baselines
from helpers.models.bases import check_base
from helpers.models.task import Task


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def record(mrr, loss, test_mrr=0.0):
    scores = {"valid": {"mrr": mrr, "loss": loss, "accuracy": 1 - mrr}, "test": {"mrr": test_mrr}}
    return records.Record(None, scores, None, 0.0, 0.0, 0, {}, None, None)


def test_no_framework_is_loaded_by_the_shared_modules():
    code = (
        "import sys, helpers.notebooks.pipeline; "
        "sys.exit(bool({'tensorflow', 'keras', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_profile_takes_another_base_under_another_name():
    """So its outputs and runs are others, and workers and notebooks hear of it by the name alone."""
    assert prepare("reference@smollm2").output != ROOT
    study, other = prepare("quick"), prepare("quick@models/gpt2-mini/")
    assert (study.profile.base, other.profile.base) == ("gpt2-mini", "models/gpt2-mini/")
    assert other.called == f"{study.called}-gpt2-mini"
    assert other.output.name == other.called
    first, second = (replace(study, profile=replace(study.profile, name=f"quick@/{x}/model")) for x in "ab")
    assert first.called != second.called  # or the second would write over the first
    assert first.called.startswith(f"{study.called}-model-")
    command = processes.worker_command(other.profile.name, None, ["gpt2_lm"], "shown", grid.HERE)
    assert command[command.index("--profile") + 1] == "quick@models/gpt2-mini/"
    keys = [specs.make_spec(s, "gpt2_finetuned", 1e-3, 0).key for s in (study, other)]
    assert keys[0] == keys[1]  # the same weights, wherever they lie


def test_every_tuned_arm_of_a_profile_has_equally_many_trials():
    """Large models are trained once in `class` and `course`, and in `class` all that are trained whole.

    A rehearsal chooses nothing.
    """
    for profile in PROFILES.values():
        if profile.rows:
            continue
        part = [arm for arm in ARMS.values() if arm.tuned and arm.id not in profile.leaves_out]
        trials = {arm.id: len(profile.grid_of(arm)) for arm in part}
        once = {arm for arm in trials if ARMS[arm].large and profile.name in ("class", "course")}
        if profile.name == "class":
            once |= {
                arm for arm in trials if ARMS[arm].framework == "torch" and ARMS[arm].frozen == "nothing"
            }
        assert {trials.pop(arm) for arm in once} <= {1}
        assert set(trials.values()) == {3}, profile.name


def test_what_class_does_not_choose_is_what_course_chose():
    tuning = json.loads((ROOT / "report" / "generated" / "results.json").read_text("utf-8"))["tuning"]
    chosen = {row["arm"]: row["value"] for row in tuning if row["chosen"]}
    course, own = PROFILES["course"], PROFILES["class"]
    taken = {
        arm.id: own.grid_of(arm)
        for arm in ARMS.values()
        if arm.id in chosen and arm.id not in own.leaves_out and own.grid_of(arm) != course.grid_of(arm)
    }
    assert taken
    assert taken == {arm: (chosen[arm],) for arm in taken}


def test_unknown_profiles_and_arms_are_refused():
    with pytest.raises(InputError, match="choose one of quick, class, course, reference, full, rehearsal"):
        get_profile("fast")
    with pytest.raises(InputError, match="'bert'"):
        get_arms("bilstm,bert")
    assert get_arms("tfidf_logreg, majority") == ["majority", "tfidf_logreg"]


def test_each_field_of_a_spec_changes_its_key(study):
    spec = specs.make_spec(study, "gpt2_scratch", 1e-3, 0)
    changed = [replace(spec, **{name: value}) for name, value in
               dict(arm="gpt2_lm", split="x", seed=1, value=3e-5, epochs=99, base="y", recipe="z",
                    fraction=2).items()]  # fmt: skip
    assert len({spec.key, *(other.key for other in changed)}) == 9
    assert specs.make_spec(study, "gpt2_scratch", 1e-3, 0).key == spec.key


def test_the_choice_looks_at_validation_only():
    good, better, best = record(0.2, 1.0, test_mrr=0.9), record(0.3, 2.0), record(0.3, 1.5, test_mrr=0.1)
    assert records.choose([good, better, best]) is best


def test_runs_are_trained_once_and_then_read_back(study, monkeypatch):
    spec = specs.make_spec(study, "naive_bayes", 0.5, 0)
    first = runs.run(spec, study)
    monkeypatch.setattr(baselines, "train", lambda *a: pytest.fail("trained again"))
    again = runs.run(spec, study)
    assert again.metrics == first.metrics
    assert np.array_equal(again.test.first, first.test.first)
    logits, (texts, labels) = records.load_logits(spec)["test"], splits.side(study.split, "test")
    assert logits.shape == (len(texts), study.num_labels)
    assert first.test.answers.tolist() == logits.argmax(axis=1).tolist()
    assert first.test.correct.mean() == pytest.approx(first.metrics["test"]["accuracy"])
    assert first.test.reciprocal_ranks.mean() == pytest.approx(first.metrics["test"]["mrr"])
    assert first.test.nats.mean() == pytest.approx(first.metrics["test"]["loss"], rel=1e-5)
    assert first.test.labels.tolist() == labels.tolist()


def test_arrays_that_a_run_keeps_come_back_and_others_keep_none(study):
    spec = specs.make_spec(study, "naive_bayes", 0.125, 0)
    runs.run(spec, study)
    assert records.load_arrays(spec) == {}
    other = replace(spec, seed=99)
    logits = np.zeros((1, 2), np.float32)
    kept = {"vocabulary": np.array(["", "[UNK]", "fièvre"]), "weight_0": np.eye(3, dtype=np.float32)}
    records.save(
        other,
        {"valid_logits": logits, "test_logits": logits, "history": [], "parameters": 0, "arrays": kept},
        0.0,
        0.0,
        dict.fromkeys(("valid", "test"), np.zeros(1, int)),
    )
    again = records.load_arrays(other)
    assert list(again) == list(kept)
    assert all(np.array_equal(again[name], kept[name]) for name in kept)


@pytest.mark.parametrize(("arm", "kept"), [("gpt2_frozen", [0]), ("gpt2_scratch", [0, 1])])
def test_weights_of_what_is_large_or_frozen_are_kept_of_the_first_seed_alone(study, monkeypatch, arm, kept):
    def train(task):
        shape = {
            side: (len(splits.side(task.split, side)[0]), study.num_labels) for side in ("valid", "test")
        }
        logits = {f"{side}_logits": np.zeros(size, np.float32) for side, size in shape.items()}
        return logits | {"history": [], "parameters": 1, "arrays": {"weight": np.ones(2, np.float32)}}

    monkeypatch.setattr(runs, "import_module", lambda *of: SimpleNamespace(train=train))
    made = [specs.make_spec(study, arm, 0.0123, seed) for seed in (0, 1)]
    for spec in made:
        runs.run(spec, study)
    assert [spec.seed for spec in made if records.load_arrays(spec)] == kept


def test_code_that_every_run_goes_through_is_in_every_key(study, monkeypatch):
    arms = ("naive_bayes", "bilstm", "gpt2_finetuned", "gpt2_lm")
    before = [specs.make_spec(study, arm, 0.5, 0).key for arm in arms]
    assert len(specs.handling()) == len(specs.HANDLED) == 3
    monkeypatch.setattr(specs, "handling", lambda: ["other code"])
    after = [specs.make_spec(study, arm, 0.5, 0).key for arm in arms]
    assert all(old != new for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("alpha", "fault", "raised", "message"),
    [
        (0.25, KeyboardInterrupt(), KeyboardInterrupt, None),
        (0.26, OSError(28, "No space left on device"), InputError, "No space left on device"),
        (
            0.27,
            PermissionError(13, "Permission denied"),
            InputError,
            "make room or permit it, or move HELPERS_BUILD",
        ),
    ],
)
def test_a_record_that_cannot_be_written_leaves_nothing(study, monkeypatch, alpha, fault, raised, message):
    spec = specs.make_spec(study, "naive_bayes", alpha, 0)

    def half(file, **arrays):
        file.write_bytes(b"half")
        raise fault

    (BUILD / "runs").mkdir(parents=True, exist_ok=True)
    before = set((BUILD / "runs").iterdir())
    monkeypatch.setattr(records.np, "savez_compressed", half)
    with pytest.raises(raised, match=message):
        runs.run(spec, study)
    assert records.load(spec) is None
    assert set((BUILD / "runs").iterdir()) == before
    monkeypatch.undo()
    runs.run(spec, study)
    assert records.load(spec) is not None


def test_a_disk_that_fills_up_while_training_is_named(study, monkeypatch):
    spec = specs.make_spec(study, "naive_bayes", 0.375, 0)

    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(baselines, "train", full)
    with pytest.raises(InputError, match=f"{BUILD / 'runs'}: cannot be written"):
        runs.run(spec, study)


def test_a_loss_that_is_not_a_number_names_the_run(study, monkeypatch):
    spec = specs.make_spec(study, "naive_bayes", 0.75, 0)

    def diverge(*arguments, **keywords):
        raise FloatingPointError("training loss became nan in epoch 2: lower the learning rate")

    monkeypatch.setattr(baselines, "train", diverge)
    with pytest.raises(
        RunError, match=r"naive_bayes · seed 0 · 0.75: training loss became nan .* lower the learning"
    ):
        runs.run(spec, study)


@pytest.mark.parametrize(("code", "raised"), [(0, RunError), (1, RunError), (2, InputError), (-9, RunError)])
def test_a_worker_that_fails_is_not_taken_for_one_that_is_done(study, monkeypatch, code, raised):
    monkeypatch.setattr(grid, "train_in_a_process", lambda *arguments: code)
    with pytest.raises(raised, match="training of bilstm ended"):
        grid.ensure(study, ["bilstm"])


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (RunError("x: loss"), 1, "error: x: loss\n"),
        (KeyboardInterrupt(), 130, "the same command goes on from there"),
    ],
)
def test_the_command_line_ends_failed_and_interrupted_runs_in_one_line(
    monkeypatch, capsys, fault, code, message
):
    monkeypatch.setattr(grid, "ensure", lambda *arguments: (_ for _ in ()).throw(fault))
    assert main(["grid", "--profile", "quick", "--arms", "bilstm"]) == code
    assert message in capsys.readouterr().err


def test_torchrun_trains_only_what_shares_its_steps(monkeypatch, capsys):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    assert main(["grid", "--profile", "quick", "--arms", "bilstm,gpt2_scratch"]) == 2
    assert "--arms bilstm: torchrun trains GPT-2 only" in capsys.readouterr().err


def test_the_autopsy_changes_one_thing_at_a_time_and_never_the_test_pages(study):
    before = set((BUILD / "splits").iterdir())
    runs = plan.autopsy_specs(study)
    assert set((BUILD / "splits").iterdir()) == before  # a listing only lists
    study.freeze_variants()
    assert list(runs)[0] == "unchanged"
    assert len({spec.key for spec in runs.values()}) == len(runs) == 9
    first = runs["unchanged"]
    for change, spec in runs.items():
        assert sum(
            getattr(spec, name) != getattr(first, name) for name in ("split", "value", "epochs", "changed")
        ) == (change != "unchanged")
    tables = {change: splits.load_split(spec.split) for change, spec in runs.items()}
    tests = {change: table.loc[table["side"] == "test", "id"].tolist() for change, table in tables.items()}
    assert all(test == tests["unchanged"] for test in tests.values())
    sizes = {change: (table["side"] == "train").sum() for change, table in tables.items()}
    assert sizes["fewer pages"] * 2 == sizes["unchanged"] == sizes["more pages"] * 2 / 3
    for table in tables.values():  # what the first attempt suffered from is in all of them
        assert splits.unseen_labels(table)[0] == splits.unseen_labels(table)[1]
    cleaned = " ".join(tables["cleaned"]["text"])
    assert not set("0123456789.,;") & set(cleaned)
    assert not {"the", "and", "of", "osteoarthritis"} & set(cleaned.split())
    assert (tables["cleaned"]["text"].str.split().str.len() > 20).all()


def test_the_sweep_changes_one_thing_at_a_time_in_half_the_epochs(study):
    chosen = specs.make_spec(study, "bilstm", 0.01, 0, epochs=8)
    swept = plan.sweep_specs(chosen)
    base = swept["", ""]
    assert base == replace(chosen, epochs=4)
    assert swept["epochs", 2.0] == chosen
    assert len({spec.key for spec in swept.values()}) == len(swept)
    for change, spec in list(swept.items())[1:]:
        assert (
            sum(getattr(spec, name) != getattr(base, name) for name in ("value", "epochs", "changed")) == 1
        ), change


def test_what_a_language_model_is_taught_to_say_is_part_of_its_spec(study):
    renamed = replace(study, aliases={label: ("x",) for label in study.aliases})
    keys = [
        [specs.make_spec(s, arm, 1e-3, 0).key for s in (study, renamed)]
        for arm in ("gpt2_lm", "gpt2_finetuned")
    ]
    assert keys[0][0] != keys[0][1]
    assert keys[1][0] == keys[1][1]
    assert (
        study.answers[splits.label_classes(study.split).tolist().index("cluster-headache")]
        == "cluster headache"
    )


def test_results_of_untrained_arms_say_how_to_train_them(study):
    fresh = replace(study, profile=replace(study.profile, grids={"bilstm": (0.123,)}))
    with pytest.raises(InputError, match="helpers grid --profile quick --arms bilstm"):
        plan.results(fresh, "bilstm")


def test_the_scikit_learn_arms_from_trial_to_result(study):
    arms = ["majority", "naive_bayes", "tfidf_logreg"]
    grid.ensure(study, arms)
    assert plan.missing(study, arms) == []
    table = plan.tuning_table(study, arms[1:])
    assert table.groupby("arm")["chosen"].sum().tolist() == [1, 1]
    assert len(table) == 6
    majority = plan.results(study, "majority")[0]
    assert majority.metrics["test"]["class_perplexity"] == pytest.approx(study.num_labels, rel=0.02)


def test_a_baseline_learns_what_can_be_learned_and_a_label_without_training_rows_stays_finite(study):
    split = study.split.assign(text=["word" + label.replace("-", "") for label in study.split["label"]])
    result = baselines.train(Task(split, ARMS["tfidf_logreg"], 100.0))
    labels = runs.splits.side(split, "test")[1]
    assert (result["test_logits"].argmax(axis=1) == labels).all()
    result = baselines.train(Task(study.page_split, ARMS["naive_bayes"], 1.0))
    assert np.isfinite(result["test_logits"]).all()
    true = runs.splits.side(study.page_split, "test")[1]
    assert not (result["test_logits"].argmax(axis=1) == true).any()


def test_a_checkpoint_cut_short_by_a_kill_is_dropped_and_a_whole_one_stays(tmp_path):
    for name, state in (("checkpoint-1", "{}"), ("checkpoint-2", '{"epoch": 1'), ("checkpoint-3", None)):
        (tmp_path / name).mkdir()
        if state is not None:
            (tmp_path / name / "trainer_state.json").write_text(state)
    files.drop_broken_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_a_second_pipeline_on_the_same_records_is_refused():
    with files.only_one(), pytest.raises(InputError, match="another"), files.only_one():
        pytest.fail("two at once")


def test_a_base_whose_weights_are_cut_short_is_refused_before_anything_is_trained(tmp_path):
    shutil.copytree(ROOT / "models/gpt2-mini", tmp_path / "base")
    weights = tmp_path / "base" / "model.safetensors"
    check_base(str(tmp_path / "base"))
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(InputError, match="cannot be opened"):
        check_base(str(tmp_path / "base"))
