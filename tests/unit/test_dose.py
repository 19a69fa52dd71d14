"""The dose: each point is fine-tuned as a base of its own, between the two ends that the comparison has."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.analysis import dose
from helpers.arms import call_after
from helpers.config import InputError
from helpers.data import splits
from helpers.data.study import prepare
from helpers.experiments.outcomes import outcome_of
from helpers.figures import curves
from helpers.models.bases import resolve_base
from helpers.prose import bought
from helpers.report import facts


@pytest.fixture
def kept(tmp_path):
    for tokens in (6400, 0, 100_000):
        directory = tmp_path / "kept" / f"{tokens:012d}"
        directory.mkdir(parents=True)
        (directory / "pretraining.json").write_text(
            json.dumps({"tokens_seen": tokens, "valid_bits_per_byte": 1.5})
        )
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (directory / name).write_text("{}")
    yield tmp_path / "kept"
    call_after("gpt2-mini")  # the arms were called after the last point


def test_points_come_by_tokens_and_an_empty_directory_is_named(kept, tmp_path):
    assert list(dose.points(kept)) == [0, 6400, 100_000]
    shutil.copytree(kept / f"{6400:012d}", kept / "twin")
    with pytest.raises(InputError, match=r"000000006400 and twin have both read 6,400 tokens"):
        dose.points(kept)
    with pytest.raises(InputError, match=r"--kept .*nothing: no model there; give the folder"):
        dose.points(tmp_path / "nothing")


def test_each_point_is_the_base_of_its_own_runs(kept, tmp_path, monkeypatch):
    """The more it has read, the more rows the made-up records get right; the ends are the profile's own."""
    seen = []

    def results(study, arm):
        labels = splits.side(study.split, "test")[1]
        base = study.profile.base
        read = 0 if arm == "gpt2_scratch" else 1e9 if base == "gpt2-mini" else int(base[-12:])
        right = min(1, read / 100_000) * len(labels)
        logits = np.zeros((len(labels), study.num_labels))
        for row, label in enumerate(labels):
            logits[row, label if row < right else (label + 1) % study.num_labels] = 1
        means = {name: right / len(labels) for name in ("accuracy", "mrr", "top5")}
        spec = SimpleNamespace(value=1e-3, epochs=2)
        test = outcome_of(logits, labels)
        return [SimpleNamespace(spec=spec, test=test, metrics={"test": means, "valid": means})] * 2

    monkeypatch.setattr(dose, "ensure", lambda study, arms, extent: seen.append((study.profile.base, *arms)))
    monkeypatch.setattr(dose, "results", results)
    monkeypatch.setattr(dose, "DOSES", tmp_path / "dose")
    found = json.loads(dose.measure("quick", kept).read_text())
    between = [(str(kept / f"{tokens:012d}"), "gpt2_finetuned") for tokens in (6400, 100_000)]
    assert seen == [("gpt2-mini", "gpt2_scratch"), *between, ("gpt2-mini", "gpt2_finetuned")]
    points = found["points"]
    shipped = dose.read_by(Path(resolve_base("gpt2-mini")[0]) / dose.RECORD)
    assert [point["tokens"] for point in points] == [0, 6400, 100_000, shipped]
    assert [point["bits_per_byte"] for point in points[:3]] == [None, 1.5, 1.5]
    assert points[3]["bits_per_byte"] < 1.5
    assert points[0]["accuracy"] == points[0]["gain"] == 0
    assert points[2]["gain"] == pytest.approx(points[2]["gain_low"]) == pytest.approx(1)
    assert points[2]["accuracy"] == 1
    assert all(p["low"] <= p["accuracy"] <= p["high"] for p in points)
    quick = prepare("quick")
    assert dose.known(quick) == found
    assert dose.known(replace(quick, split_key="other")) == {}  # of other rows
    shutil.rmtree(kept / f"{6400:012d}")  # its number stays, as long as what is measured again is the same
    assert json.loads(dose.measure("quick", kept).read_text()) == found
    points[2]["epochs"] += 1
    dose.file_of("quick").write_text(json.dumps(found))
    left = json.loads(dose.measure("quick", kept).read_text())["points"]
    assert [point["tokens"] for point in left] == [0, 100_000, shipped]


def test_what_is_said_of_the_dose():
    points = [
        {"tokens": tokens, "accuracy": accuracy, "gain": accuracy - 0.3, "gain_low": accuracy - 0.4}
        | {"arm": "gpt2_finetuned", "epochs": 2}
        for tokens, accuracy in ((0, 0.3), (100_000, 0.2), (400_000, 0.35), (2_000_000, 0.5))
    ]
    found = {"dose": {"points": points}}
    points[2]["accuracy"] = 0.55  # the highest of several is no headline
    assert bought.dose(found) == "Sin leer nada, 30.0 %; con 2 millones de tokens, 50.0 %"
    told = bought.enough(found | {"profile": {"epochs": {}}})
    assert "Con 0 → 0.1 → 0.4 → 2 millones de tokens leídos: 30.0 → 20.0 → 55.0 → 50.0 %" in told
    assert "por encima de cero en 1 de 3 bases (2)." in told
    assert told.endswith("5 veces más lectura lleva la exactitud de 55.0 % a 50.0 %.")
    now = {"profile": {"epochs": {"gpt2_scratch": 60, "gpt2_finetuned": 60}}}
    for point in points:
        point |= {"arm": "gpt2_finetuned", "epochs": 60}
    assert "épocas" not in bought.enough(found | now)
    points[1]["epochs"] = 30
    assert bought.enough(found | now).endswith("aquí, GPT-2 mini con ajuste fino tuvo 30 épocas, no 60.")
    assert bought.enough({"dose": {}}) == "En este perfil no se midió la dosis."


def test_the_large_point_stands_above_what_it_does_without_reading():
    """Its lighter mark is there only where the same network was trained from random weights."""
    points = pd.DataFrame(
        [(0, 0.3, 0.2, 0.4, None), (10**5, 0.3, 0.2, 0.4, 2.0), (10**6, 0.4, 0.3, 0.5, 1.5)],
        columns=["tokens", "accuracy", "low", "high", "bits_per_byte"],
    )
    arm = {"accuracy": 0.8, "low": 0.7, "high": 0.9}
    results = {"arms": {"smollm2_finetuned": arm}, "facts": {"pretraining": {"smollm2": {"tokens": 2e12}}}}
    for nothing, shown in ((None, 0), (0.25, 1)):
        if nothing is not None:
            results["arms"]["smollm2_scratch"] = {"accuracy": nothing}
        figure = curves.dose(points, facts.large_dose(results), "Un título")
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert sum("SmolLM2 sin haber leído nada, 25.0" in text for text in texts) == shown
        assert "SmolLM2 (otro tamaño), 80.0" in texts
        plt.close(figure)
    assert facts.large_dose({"arms": {}, "facts": {"pretraining": {}}}) is None
