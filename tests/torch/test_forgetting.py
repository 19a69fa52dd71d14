"""Surprise at texts before and after, on models whose answer is known; and text that goes on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.analysis import forgetting
from helpers.data.study import prepare
from helpers.models import answering, bases


@pytest.fixture(scope="module")
def pair(toy_base):
    return answering.build_lm("base", str(toy_base), 0).eval(), bases.load_tokenizer(str(toy_base))


def test_a_model_without_opinion_needs_the_uniform_bits(pair, toy_base):
    tokenizer = pair[1]
    blank = answering.build_lm("random", str(toy_base), 0).eval()
    with torch.no_grad():
        blank.transformer.wte.weight.zero_()  # tied to the output: every token is as likely as any other
    rows = forgetting.text_surprise(blank, tokenizer, ["Fever and cough.", "A rash at night, no fever."])
    size = blank.config.vocab_size
    np.testing.assert_allclose(rows["nats"], rows["tokens"] * np.log(size), rtol=1e-5)
    assert forgetting.token_perplexity(rows) == pytest.approx(size, rel=1e-4)
    assert rows["bytes"].tolist() == [16, 26]
    assert rows["tokens"][0] == len(tokenizer("Fever and cough.")["input_ids"])
    bits = rows["tokens"].sum() * np.log2(size) / 42
    assert forgetting.text_bits(rows) == pytest.approx(bits, rel=1e-4)


def test_the_change_is_paired_and_its_interval_holds_it():
    rng = np.random.default_rng(1)
    before = pd.DataFrame({"nats": rng.uniform(10, 90, 60), "tokens": 20, "bytes": 80})
    after = before.assign(nats=before["nats"] + 5 + rng.normal(0, 0.5, 60))
    found = forgetting.change([before], [after])
    assert found["change"] == pytest.approx(5 / np.log(2) / 80, rel=0.05)
    # The texts differ widely, their changes hardly: only a paired interval is that narrow.
    assert found["low"] < found["change"] < found["high"]
    assert found["high"] - found["low"] < 0.01
    same = forgetting.change([before], [before])
    assert (same["change"], same["low"], same["high"]) == (0, 0, 0)


def test_the_general_texts_are_not_about_health():
    texts = forgetting.general_texts()
    assert len(texts) == len(set(texts)) >= 40
    assert not {"disease", "symptom", "patient", "fever"} & set(" ".join(texts).lower().split())


def test_the_epoch_that_was_kept_is_that_of_the_least_loss(monkeypatch):
    """Of two runs the mean."""
    rows = pd.DataFrame({"nats": 10.0, "tokens": 20, "bytes": 80}, index=range(60)).to_dict("list")
    runs = [
        SimpleNamespace(
            spec=SimpleNamespace(epochs=3),
            history=pd.DataFrame({"epoch": [1, 2, 3], "valid_loss": losses}),
        )
        for losses in ([2.0, 1.0, 3.0], [1.0, 2.0, 3.0])
    ]
    study = prepare("quick")
    monkeypatch.setattr(forgetting, "results", lambda *of, **more: runs)
    monkeypatch.setattr(
        forgetting, "derived", lambda *of: dict.fromkeys(("domain", "general"), [rows, rows, rows])
    )
    monkeypatch.setattr(forgetting.splits, "side", lambda *of: (["a"] * 60, np.arange(60)))
    for row in forgetting.table(study, "gpt2_lm").values():
        assert (row["epoch"], row["epochs"]) == (1.5, 3)
        assert row["change"] == 0
