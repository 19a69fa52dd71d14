"""Pre-training: held-out text stays held out, a killed run resumes to the same numbers, the result loads anywhere."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import corpus, pretrain
from helpers.config import InputError

from .conftest import SPEC


def test_the_finished_base_loads_with_plain_transformers(toy_base):
    model = AutoModelForCausalLM.from_pretrained(toy_base, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(toy_base)
    assert model.config.resid_pdrop == 0.1 and model.config.pad_token_id == tokenizer.pad_token_id
    text = "fever — 39 °C, «dolor»"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert sorted(p.suffix for p in toy_base.iterdir()) == [
        ".csv",
        ".json",
        ".json",
        ".json",
        ".json",
        ".json",
        ".safetensors",
    ]


def test_the_log_and_the_facts_agree(toy_base):
    log, facts = pd.read_csv(toy_base / "pretraining.csv"), json.loads((toy_base / "pretraining.json").read_text())
    assert facts["tokens_seen"] == SPEC.tokens == log["tokens"].iloc[-1]
    assert facts["valid_bits_per_byte"] == pytest.approx(log["valid_bits_per_byte"].dropna().iloc[-1], abs=1e-4)
    assert log["valid_loss"].dropna().iloc[-1] < log["valid_loss"].dropna().iloc[0]


def test_a_killed_pretraining_resumes_to_the_same_weights(toy_corpus, toy_base, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    real = pretrain.log_callback

    def killer(spec, bytes_per_token):
        callback = real(spec, bytes_per_token)
        callback.on_step_end = lambda args, state, control, **kw: (
            (_ for _ in ()).throw(KeyboardInterrupt) if state.global_step == 12 else None
        )
        return callback

    monkeypatch.setattr(pretrain, "log_callback", killer)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(pretrain, "log_callback", real)
    pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    unbroken, resumed = (AutoModelForCausalLM.from_pretrained(d).state_dict() for d in (toy_base, tmp_path / "out"))
    assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)


def test_packing_keeps_every_token_in_order_and_closes_each_text(toy_base):
    tokenizer = AutoTokenizer.from_pretrained(toy_base)
    rows = corpus.pack(["fever and cough", "rash"] * 20, tokenizer, 8)
    end = tokenizer.eos_token_id
    stream = (tokenizer("fever and cough")["input_ids"] + [end] + tokenizer("rash")["input_ids"] + [end]) * 20
    assert rows.dtype == np.uint16 and rows.ravel().tolist() == stream[: rows.size] and len(stream) - rows.size < 8


def test_sources_are_filtered_and_an_empty_choice_is_refused(toy_corpus):
    assert len(corpus.read_corpus(toy_corpus, "", False)) == 150
    assert len(corpus.read_corpus(toy_corpus, "^health", False)) == 120
    with pytest.raises(InputError, match="no document"):
        corpus.read_corpus(toy_corpus, "poetry", False)


def test_bits_per_byte_of_a_uniform_byte_model_is_eight():
    assert pretrain.bits_per_byte(np.log(256), 1.0) == pytest.approx(8)
    assert replace(SPEC, tokens=1).max_steps == 1
