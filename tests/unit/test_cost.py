"""What a training costs, measured alone: one process an arm, extrapolated from a few epochs."""

import json
import re
from dataclasses import replace

import pytest

from helpers.analysis import cost
from helpers.arms import ARMS
from helpers.config import PROFILES
from helpers.data.study import prepare
from helpers.experiments.grid import ensure
from helpers.experiments.specs import make_spec

MEASURED = ["majority", "naive_bayes"]


def test_each_arm_is_measured_alone_and_the_table_says_so(tmp_path, monkeypatch):
    study = prepare("quick")
    ensure(study, MEASURED)
    monkeypatch.setattr(cost, "COSTS", tmp_path)
    monkeypatch.setattr(cost, "asked", lambda study, question: MEASURED)
    before = cost.table(study, MEASURED)
    assert not before["alone"].any()
    file = cost.measure("quick")
    kept = json.loads(file.read_text())
    assert kept["command"] == "python -m helpers cost --profile quick"
    assert "cores" in kept["machine"]
    assert list(kept["arms"]) == MEASURED
    assert all(0 < row["seconds"] < 60 for row in kept["arms"].values())
    after = cost.table(study, MEASURED)
    assert after["alone"].all()
    assert after["seconds"].tolist() == [row["seconds"] for row in kept["arms"].values()]
    other = {arm: row | {"epochs": 7} for arm, row in kept["arms"].items()}
    file.write_text(json.dumps(kept | {"arms": other}))
    assert not cost.table(study, MEASURED)["alone"].any()  # of as many epochs as no run here has
    assert after["flops"].isna().all()  # scikit-learn's training is no count of products


def test_epochs_that_were_not_trained_are_added(monkeypatch):
    class Trained:
        @staticmethod
        def train(task):
            assert task.epochs == cost.EPOCHS
            sides = task.split["side"].value_counts()
            assert max(sides["valid"], sides["test"]) <= cost.MOST
            return {"history": [{"seconds": 9.0}, {"seconds": 2.0}]}

    monkeypatch.setattr(cost, "import_module", lambda name: Trained)
    found = cost.alone("quick", "bag", 3e-3)
    assert found["epochs"] == prepare("quick").profile.epochs["words"]
    assert found["seconds_epoch"] == 2.0
    assert found["seconds"] == pytest.approx(2.0 * (found["epochs"] - 2), abs=0.5)


def test_what_an_arm_reads_first_is_stretched_as_its_epochs_are(monkeypatch):
    """A first entry of 12 s holds 10 s of reading in two epochs; a frozen body reads all its cuts."""
    asked = []

    class Trained:
        @staticmethod
        def train(task):
            asked.append(task.epochs)
            return {"history": [{"seconds": 12.0}, *[{"seconds": 2.0}] * (task.epochs - 1)]}

    monkeypatch.setattr(cost, "import_module", lambda name: Trained)
    monkeypatch.setitem(PROFILES["quick"].epochs, "whole", 30)
    monkeypatch.setitem(PROFILES["quick"].epochs, "head", 30)
    own = cost.alone("quick", "gpt2_self", 1e-3)
    assert own["seconds"] == pytest.approx(28 * (2.0 + 10.0 / 2), abs=0.5)
    cost.alone("quick", "gpt2_frozen", 1e-3)
    assert asked == [cost.EPOCHS, ARMS["gpt2_frozen"].settings["cuts"]]


def test_ranking_reads_each_text_once_and_every_name_after_it(monkeypatch):
    study = prepare("quick")
    split = study.split[study.split["side"] != "train"].groupby("side").head(2)
    monkeypatch.setattr(cost, "load_split", lambda key: split)
    monkeypatch.setattr(
        cost, "count_tokens", lambda base, texts: [3 if text.startswith(" ") else 5 for text in texts]
    )
    monkeypatch.setattr(cost, "multiplied", lambda base: (100, 10, 1))
    names = 3 * len(study.answers_of(split))
    read, scored = 4 * 5 + 4 * names, 4 * names  # four texts of five tokens
    assert not split["text"].str.startswith(" ").any()
    own = cost.ranking_flops(make_spec(study, "gpt2_lm", 1e-3, 0), study)
    assert own == 2 * (100 * read + 10 * scored)
    assert cost.ranking_flops(make_spec(study, "gpt2_finetuned", 1e-3, 0), study) == 0


def test_pretraining_is_six_operations_a_weight_and_token():
    assert cost.pretraining_flops(2e12, 1.35e8) == pytest.approx(1.62e21)


def test_the_arithmetic_of_what_is_left_goes_with_epochs_and_runs():
    study = prepare("quick")
    spec = make_spec(study, "gpt2_finetuned", 1e-3, 0)
    one = cost.training_flops(spec, study)
    assert cost.training_flops(replace(spec, epochs=2 * spec.epochs), study) == pytest.approx(2 * one)
    assert cost.training_flops(spec, study, 0) == 0
    said = [cost.on_gpu(study, [replace(spec, seed=seed) for seed in range(n)] + other)
            for n, other in ((1, []), (3, [make_spec(study, "bag", 1e-3, 0)]))]  # fmt: skip
    counted = [float(re.search(r"are (\S+) floating", line)[1]) for line in said]
    assert counted[0] == pytest.approx(one, rel=0.1)
    assert counted[1] == pytest.approx(3 * one, rel=0.1)
    assert all(f"h on an {name}" in said[0] for name in cost.PEAKS)
    assert cost.ranking_flops(spec, study) == 0
    asked = make_spec(study, "gpt2_lm", 1e-3, 0)
    held = int((study.split["side"] != "train").sum())
    assert cost.ranking_flops(asked, study) > 2 * cost.multiplied(study.profile.base)[0] * held * 10
