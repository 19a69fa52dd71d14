"""Pre-training: held-out text stays out, killed runs resume to the same numbers, results load anywhere."""

import json
import re
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import files
from helpers.config import InputError
from helpers.models import metrics
from helpers.pretraining import corpus, pretrain, trainer

from .conftest import SPEC, torchrun


def test_the_finished_base_loads_with_plain_transformers(toy_base):
    model = AutoModelForCausalLM.from_pretrained(toy_base, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(toy_base)
    assert model.config.resid_pdrop == 0.1
    assert model.config.pad_token_id == tokenizer.pad_token_id
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


def test_the_steps_are_the_same_where_bf16_is_only_emulated(toy_base, monkeypatch):
    """Muon in float32 moves the blocks' matrices as the library's own in bf16 does, but for rounding."""
    tokenizer, moved = AutoTokenizer.from_pretrained(toy_base), {}
    for pays in (True, False):
        monkeypatch.setattr(trainer, "bf16_pays", lambda pays=pays: pays)
        model = trainer.make_model(SPEC, tokenizer)
        before = [p.detach().clone() for p in model.parameters()]
        for p in model.parameters():
            p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
        optimizer = trainer.make_optimizer(model, SPEC)
        optimizer.step()
        assert isinstance(optimizer, trainer.Float32Muon) is not pays
        moved[pays] = [p.detach() - old for p, old in zip(model.parameters(), before, strict=True)]
    for a, b in zip(moved[True], moved[False], strict=True):
        assert (a - b).norm() < 0.05 * b.norm()


def test_the_log_and_the_facts_agree(toy_base):
    log, facts = (
        pd.read_csv(toy_base / "pretraining.csv"),
        json.loads((toy_base / "pretraining.json").read_text()),
    )
    assert facts["tokens_seen"] == SPEC.tokens == log["tokens"].iloc[-1]
    assert facts["valid_bits_per_byte"] == pytest.approx(
        log["valid_bits_per_byte"].dropna().iloc[-1], abs=1e-4
    )
    assert log["valid_loss"].dropna().iloc[-1] < log["valid_loss"].dropna().iloc[0]


class Killed(trainer.Progress):
    """Interrupts the training after step 12."""

    def on_step_end(self, args, state, control, **kwargs):
        super().on_step_end(args, state, control, **kwargs)
        if state.global_step == 12:
            raise KeyboardInterrupt


def weights(directory):
    return AutoModelForCausalLM.from_pretrained(directory).state_dict()


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_killed_pretraining_resumes_to_the_same_weights_and_log(
    toy_corpus, toy_base, tmp_path, monkeypatch
):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "Progress", Killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    assert not any((tmp_path / "out").iterdir())
    pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    assert same(weights(toy_base), weights(tmp_path / "out"))
    unbroken, resumed = (pd.read_csv(d / "pretraining.csv") for d in (toy_base, tmp_path / "out"))
    clocks = ["seconds", "cpu_seconds"]
    pd.testing.assert_frame_equal(unbroken.drop(columns=clocks), resumed.drop(columns=clocks))
    assert resumed["seconds"].is_monotonic_increasing


def test_the_model_is_kept_where_it_was_asked_for(toy_corpus, toy_base, tmp_path, monkeypatch):
    """At no token the random weights, at the last the finished model; a killed run keeps the same."""
    step, work = SPEC.step_tokens, tmp_path / "build"
    monkeypatch.setattr(pretrain, "BUILD", work)
    run = partial(pretrain.pretrain, toy_corpus, tmp_path / "out", SPEC, False, eval_every=5)
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "Progress", Killed)
        with pytest.raises(KeyboardInterrupt):
            run(keep=(0, 12 * step))
    with pytest.raises(InputError, match=f"--keep {7 * step}: .* is past it"):
        run(keep=(7 * step,))
    run(keep=(0, 12 * step, 20 * step))
    kept = sorted((tmp_path / "out" / "kept").iterdir())
    assert [int(path.name) for path in kept] == [0, 12 * step, 20 * step]
    tokenizer = AutoTokenizer.from_pretrained(kept[0])
    random = trainer.make_model(SPEC, tokenizer).to(torch.float16).state_dict()
    assert same({name: random[name] for name in weights(kept[0])}, weights(kept[0]))
    assert same(weights(toy_base), weights(kept[2]))
    assert not same(weights(kept[1]), weights(kept[2]))
    assert json.loads((kept[1] / "pretraining.json").read_text())["tokens_seen"] == 12 * step


def test_what_is_kept_at_the_last_step_is_there_and_what_lies_beyond_is_named(tmp_path, capsys):
    """Whatever does not make a whole step is not read; a budget may end before all that was asked for."""
    spec = replace(SPEC, tokens=400_000, batch_size=8, n_positions=512)
    assert [spec.step_of(tokens) for tokens in (0, 4096, 398_000, 400_000)] == [0, 1, 97, spec.max_steps]
    assert replace(spec, tokens=None).step_of(400_000) == 98
    at = {tmp_path / "kept" / pretrain.kept_name(tokens): spec.step_of(tokens) for tokens in (0, 400_000)}
    reached, beyond = at
    reached.mkdir(parents=True)
    (reached / "config.json").write_text("{}")
    pretrain.publish_kept(at, tmp_path / "out")
    assert [file.parent.name for file in (tmp_path / "out").glob("*/*")] == [reached.name]
    assert capsys.readouterr().out == "--keep 400000: not reached\n"
    last = tmp_path / "checkpoints" / "checkpoint-97"
    for total, passed in ((97, True), (120, False)):  # the run is done, or goes on from there
        files.write_json(
            last / "trainer_state.json", {"global_step": 97, "log_history": [{"total_steps": total}]}
        )
        with pytest.raises(InputError, match="--keep 400000") if passed else nullcontext():
            pretrain.check_kept(at, last.parent)
    beyond.mkdir()
    pretrain.check_kept(at, last.parent)


def test_two_numbers_of_tokens_that_end_in_one_step_are_both_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "export", lambda model, tokenizer, directory, facts: None)
    at = {tmp_path / name: 3 for name in ("a", "b")} | {tmp_path / "c": 4}
    state = SimpleNamespace(global_step=3, is_world_process_zero=True)
    pretrain.Keeper(at, SPEC, None, {}).on_step_end(None, state, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_time_budget_gives_the_run_of_as_many_tokens(toy_corpus, tmp_path, monkeypatch):
    """Ended by the clock, the weights are those of a run whose length was known from the start.

    Even across an interruption.
    """
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    monkeypatch.setattr(
        trainer.Pretrainer, "spent", lambda self: {"seconds": self.state.global_step, "cpu_seconds": 0}
    )
    spec = replace(SPEC, tokens=None)
    for progress in (Killed, trainer.Progress):
        with monkeypatch.context() as patch:
            patch.setattr(trainer, "Progress", progress)
            try:
                facts = pretrain.pretrain(
                    toy_corpus, tmp_path / "budget", spec, False, eval_every=3, budget=15
                )
            except KeyboardInterrupt:
                assert progress is Killed
    # A step a second. The length is settled at step 9, of which the checkpoint that the second session goes
    # on from must know.
    assert facts["steps"] == 15
    known = replace(SPEC, tokens=facts["tokens_seen"])
    pretrain.pretrain(toy_corpus, tmp_path / "known", known, compile_model=False, eval_every=3)
    assert same(weights(tmp_path / "budget"), weights(tmp_path / "known"))


def test_a_run_killed_after_its_training_only_exports(toy_corpus, toy_base, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "export", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    monkeypatch.setattr(trainer.Pretrainer, "train", None)
    facts = pretrain.pretrain(toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5)
    assert facts["steps"] == 20
    assert same(weights(toy_base), weights(tmp_path / "out"))


def test_two_processes_share_a_step(toy_corpus, toy_base, tmp_path):
    """Under torchrun: as many tokens per step as with one process, and nearly the same losses.

    Nearly, because the sums are in another order.
    """
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(SPEC).items() if value != ""]
    places = (f"--corpus={toy_corpus}", f"--out={tmp_path / 'out'}")
    torchrun(tmp_path / "build", "pretrain", *places, "--no-compile", "--eval-every=5", *options)
    one, two = (
        pd.read_csv(d / "pretraining.csv").dropna(subset=["valid_loss"]) for d in (toy_base, tmp_path / "out")
    )
    assert two["tokens"].tolist() == one["tokens"].tolist()
    assert two["valid_loss"].to_numpy() == pytest.approx(one["valid_loss"].to_numpy(), rel=0.02)


def test_whichever_ends_first_ends_the_run(toy_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    monkeypatch.setattr(
        trainer.Pretrainer, "spent", lambda self: {"seconds": self.state.global_step, "cpu_seconds": 0}
    )
    for budget, steps in ((10, 10), (1000, 20)):  # a step a second; SPEC has 20 steps
        facts = pretrain.pretrain(
            toy_corpus, tmp_path / "out", SPEC, compile_model=False, eval_every=5, budget=budget
        )
        assert facts["steps"] == steps


def test_a_resumed_log_is_that_of_an_unbroken_run_with_dropout_and_over_an_epoch(
    toy_corpus, tmp_path, monkeypatch
):
    """Dropout draws random numbers, the run is over an epoch long, evaluations fall between log entries."""
    spec = replace(SPEC, tokens=50 * SPEC.step_tokens, dropout=0.1)
    logs = []
    for name, progress in (
        ("unbroken", trainer.Progress),
        ("resumed", Killed),
        ("resumed", trainer.Progress),
    ):
        monkeypatch.setattr(pretrain, "BUILD", tmp_path / name)
        with monkeypatch.context() as patch:
            patch.setattr(trainer, "Progress", progress)
            try:
                pretrain.pretrain(toy_corpus, tmp_path / "out", spec, compile_model=False, eval_every=9)
                logs.append((pd.read_csv(tmp_path / "out" / "pretraining.csv"), weights(tmp_path / "out")))
            except KeyboardInterrupt:
                assert progress is Killed
    rows = len(np.load(next(tmp_path.glob("unbroken/pretrain/*/train.npy"))))
    assert rows < 50 * SPEC.batch_size
    (unbroken, first), (resumed, second) = logs
    clocks = ["seconds", "cpu_seconds"]
    pd.testing.assert_frame_equal(unbroken.drop(columns=clocks), resumed.drop(columns=clocks))
    assert same(first, second)


@pytest.mark.parametrize(
    ("changes", "options", "named"),
    [
        ({"tokens": None}, {}, "--time-budget"),
        ({"tokens": 0}, {}, "--tokens 0"),
        ({}, {"budget": 0.0}, "--time-budget 0"),
        ({}, {"budget": float("nan")}, "--time-budget"),
        ({}, {"micro_batch": 3}, "--batch-size 4"),
        ({}, {"micro_batch": 0}, "--micro-batch 0"),
        ({}, {"eval_every": 0}, "--eval-every 0"),
        ({"n_head": 3}, {}, "--n-head 3"),
        ({"vocab_size": 70_000}, {}, "--vocab-size 70000"),
        ({"dropout": 2.0}, {}, "--dropout 2"),
        ({"include": "("}, {}, "--include"),
        ({"n_positions": 100_000}, {}, "too little training text"),
    ],
)
def test_options_that_cannot_be_are_refused(toy_corpus, tmp_path, monkeypatch, changes, options, named):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    with pytest.raises(InputError, match=re.escape(named)):
        pretrain.pretrain(toy_corpus, tmp_path / "out", replace(SPEC, **changes), **options)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_a_file_that_is_held_out_now_makes_another_run(toy_corpus, tmp_path, monkeypatch):
    """Names decide the side: with the same contents, the old one's blocks would train on held-out text."""
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    begun = []
    monkeypatch.setattr(
        pretrain, "_run", lambda corpus, out, spec, arguments, work, *more: begun.append(work)
    )
    for first, second in (("part-1.jsonl", "part-2.jsonl"), ("part-1.jsonl", "valid-1.jsonl")):
        place = tmp_path / second
        place.mkdir()
        for name, text in ((first, "train-00"), (second, "valid"), ("valid.jsonl", "valid")):
            (place / name).write_bytes((toy_corpus / f"{text}.jsonl").read_bytes())
        pretrain.pretrain(place, tmp_path / "out", SPEC, compile_model=False)
    assert len(set(begun)) == 2


def test_a_base_of_few_positions_shows_what_fits(toy_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    facts = pretrain.pretrain(
        toy_corpus, tmp_path / "out", replace(SPEC, n_positions=4), compile_model=False, eval_every=10
    )
    assert facts["steps"] > 0


def test_an_output_that_cannot_be_written_is_refused_before_training(toy_corpus, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        pretrain.pretrain(toy_corpus, tmp_path / "file", SPEC)


def test_a_loss_that_is_not_a_number_ends_the_run(toy_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "BUILD", tmp_path / "build")
    with pytest.raises(InputError, match="--learning-rate: the training loss became"):
        pretrain.pretrain(
            toy_corpus, tmp_path / "out", replace(SPEC, learning_rate=1e30), compile_model=False
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"text": "a", "source": "x"}\n{broken\n', "cannot be read"),
        ('{"text": "a"}\n', "no column ['source']"),
        ('{"text": "a", "source": "x"}\n{"text": null, "source": "x"}\n', "1 line(s) at fault"),
    ],
)
def test_a_corpus_that_cannot_be_read_names_the_file(tmp_path, content, reason):
    (tmp_path / "train.jsonl").write_text(content)
    with pytest.raises(InputError, match=re.escape("train.jsonl")) as caught:
        corpus.read_corpus(tmp_path, "", validation=False)
    assert reason in str(caught.value)
    assert caught.value.rows == ([(2, "`text` or `source` is no text")] if "fault" in reason else [])


def test_packing_keeps_every_token_in_order_and_closes_each_text(toy_base):
    tokenizer = AutoTokenizer.from_pretrained(toy_base)
    rows = corpus.pack(["fever and cough", "rash"] * 20, tokenizer, 8)
    end = tokenizer.eos_token_id
    stream = (tokenizer("fever and cough")["input_ids"] + [end] + tokenizer("rash")["input_ids"] + [end]) * 20
    assert rows.dtype == np.uint16
    assert rows.ravel().tolist() == stream[: rows.size]
    assert len(stream) - rows.size < 8


def test_sources_are_filtered_and_an_empty_choice_is_refused(toy_corpus):
    assert len(corpus.read_corpus(toy_corpus, "", False)) == 150
    assert len(corpus.read_corpus(toy_corpus, "^health", False)) == 120
    with pytest.raises(InputError, match="no document"):
        corpus.read_corpus(toy_corpus, "poetry", False)


def test_bits_per_byte_of_a_uniform_byte_model_is_eight():
    assert metrics.bits_per_byte(np.log(256), 1.0) == pytest.approx(8)
    assert replace(SPEC, tokens=1).max_steps == 1
