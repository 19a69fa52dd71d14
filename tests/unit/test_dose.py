"""The dose: each kept point is fine-tuned as a base of its own."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.analysis import dose
from helpers.config import InputError
from helpers.data import splits
from helpers.experiments.outcomes import outcome_of


@pytest.fixture
def kept(tmp_path):
    for tokens in (6400, 0, 100_000):
        directory = tmp_path / "kept" / f"{tokens:012d}"
        directory.mkdir(parents=True)
        (directory / "pretraining.json").write_text(json.dumps({"tokens_seen": tokens}))
    return tmp_path / "kept"


def test_points_come_by_tokens_and_an_empty_directory_is_named(kept, tmp_path):
    assert list(dose.points(kept)) == [0, 6400, 100_000]
    with pytest.raises(InputError, match=r"--kept .*nothing: no model there; give OUT/kept"):
        dose.points(tmp_path / "nothing")


def test_each_point_is_the_base_of_its_own_runs(kept, tmp_path, monkeypatch):
    """The more it has read, the more rows the made-up records get right."""
    seen = []

    def results(study, arm):
        labels = splits.side(study.split, "test")[1]
        right = int(study.profile.base[-12:]) / 100_000 * len(labels)
        logits = np.zeros((len(labels), study.num_labels))
        for row, label in enumerate(labels):
            logits[row, label if row < right else (label + 1) % study.num_labels] = 1
        means = {name: right / len(labels) for name in ("accuracy", "mrr", "top5")}
        spec = SimpleNamespace(value=1e-3)
        test = outcome_of(logits, labels)
        return [SimpleNamespace(spec=spec, test=test, metrics={"test": means, "valid": means})] * 2

    monkeypatch.setattr(dose, "ensure", lambda study, arms, extent: seen.append((study.profile.base, arms)))
    monkeypatch.setattr(dose, "results", results)
    monkeypatch.setattr(dose, "DOSES", tmp_path / "dose")
    found = json.loads(dose.measure("quick", kept).read_text())
    assert seen == [(str(path), ["gpt2_finetuned"]) for path in sorted(kept.iterdir())]
    assert [point["tokens"] for point in found["points"]] == [0, 6400, 100_000]
    assert found["points"][0]["accuracy"] == 0
    assert found["points"][2]["accuracy"] == 1
    assert all(p["low"] <= p["accuracy"] <= p["high"] for p in found["points"])
