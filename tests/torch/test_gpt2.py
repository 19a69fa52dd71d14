"""GPT-2 classifiers: random weights are random, pre-trained ones are the base's, and padding changes nothing."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from helpers import gpt2, hardware, metrics, splits
from helpers.study import prepare

TEXTS = [
    "Burning pain behind the breastbone after meals.",
    "Itchy rash.",
    "A child with fever, barking cough and noisy breath at night.",
]


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def quiet(text):
    pass


@pytest.mark.parametrize("base", ["toy_base", "models/gpt2-mini"])
def test_scratch_is_random_and_finetuned_starts_from_the_base(base, request):
    base = str(request.getfixturevalue(base)) if base == "toy_base" else base
    scratch, other, tuned = (
        gpt2.build(a, base, ["x", "y", "z"], s)
        for a, s in (("gpt2_scratch", 0), ("gpt2_scratch", 1), ("gpt2_finetuned", 0))
    )
    where, _ = gpt2.resolve_base(base)
    body = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32).transformer.state_dict()
    assert all(torch.equal(tensor, tuned.transformer.state_dict()[name]) for name, tensor in body.items())
    matrices = [name for name, tensor in body.items() if tensor.ndim == 2]
    for name in matrices:
        random = scratch.transformer.state_dict()[name]
        assert not torch.equal(random, body[name]) and not torch.equal(random, other.transformer.state_dict()[name])
        # GPT-2 draws weights from N(0, 0.02), those of the residual projections narrower.
        assert 0.002 < random.std() < 0.025
    assert scratch.num_parameters() == tuned.num_parameters()
    assert {p.dtype for p in tuned.parameters()} == {torch.float32} and all(p.requires_grad for p in tuned.parameters())


def test_logits_do_not_depend_on_padding_or_company(toy_base):
    model, tokenizer = gpt2.build("gpt2_finetuned", str(toy_base), list("abcd"), 0), gpt2.load_tokenizer(str(toy_base))
    alone = gpt2.logits_of(model, tokenizer, TEXTS, batch_size=1)
    assert np.allclose(alone, gpt2.logits_of(model, tokenizer, TEXTS, batch_size=3), atol=1e-5)
    wide = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=60, return_tensors="pt")
    with torch.inference_mode():
        assert np.allclose(alone, model(**wide).logits.numpy(), atol=1e-5)
    assert np.abs(alone - alone[0]).max() > 1e-3  # the texts do differ


def test_texts_longer_than_the_positions_are_cut(toy_base):
    tokenizer = gpt2.load_tokenizer(str(toy_base))
    assert len(gpt2.encode(tokenizer, ["fever " * 500])[0]["input_ids"]) == 64


@pytest.mark.parametrize("arm", ["gpt2_scratch", "gpt2_frozen", "gpt2_finetuned"])
def test_one_seed_gives_the_same_numbers_and_another_seed_others(study, toy_base, tmp_path, arm):
    first, again, other = (
        gpt2.train(study.split, arm, 1e-3, seed, 2, quiet, base=str(toy_base), work=tmp_path / f"{n}")
        for n, seed in enumerate((0, 0, 1))
    )
    assert np.array_equal(first["test_logits"], again["test_logits"]) and first["history"] == again["history"]
    assert not np.array_equal(first["test_logits"], other["test_logits"])
    assert [row["epoch"] for row in first["history"]] == [1, 2] and {
        "train_loss",
        "valid_loss",
        "valid_accuracy",
        "valid_mrr",
    } <= set(first["history"][0])
    assert not any(tmp_path.iterdir())  # checkpoints are gone once the run is done


def test_a_killed_run_resumes_to_the_numbers_of_an_unbroken_one(study, toy_base, tmp_path):
    def killed_in_the_third_epoch(text):
        if text.startswith("epoch 3/"):
            raise KeyboardInterrupt

    arguments = (study.split, "gpt2_scratch", 1e-3, 0, 4)
    unbroken = gpt2.train(*arguments, quiet, base=str(toy_base), work=tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        gpt2.train(*arguments, killed_in_the_third_epoch, base=str(toy_base), work=tmp_path / "b")
    assert any((tmp_path / "b").glob("checkpoint-*"))
    resumed = gpt2.train(*arguments, quiet, base=str(toy_base), work=tmp_path / "b")
    assert np.allclose(unbroken["test_logits"], resumed["test_logits"], atol=1e-6)
    assert [row["epoch"] for row in resumed["history"]] == [1, 2, 3, 4]


@pytest.mark.parametrize(("arm", "moves"), [("gpt2_frozen", False), ("gpt2_finetuned", True)])
def test_a_frozen_body_is_the_base_bit_for_bit_after_training(study, toy_base, tmp_path, monkeypatch, arm, moves):
    trained, real = [], gpt2.logits_of
    monkeypatch.setattr(gpt2, "logits_of", lambda model, *rest: trained.append(model) or real(model, *rest))
    result = gpt2.train(study.split, arm, 1e-2, 0, 2, quiet, base=str(toy_base), work=tmp_path / "w")
    start = gpt2.build(arm, str(toy_base), splits.label_classes(study.split).tolist(), 0)
    body, head = (
        all(torch.equal(p, dict(start.named_parameters())[n]) for n, p in trained[-1].named_parameters() if part in n)
        for part in ("transformer.", "score.")
    )
    assert body != moves and not head
    free = [p.numel() for n, p in start.named_parameters() if moves or "score" in n]
    assert result["parameters"] == sum(free)


def test_the_best_epoch_on_validation_is_kept(study, toy_base, tmp_path):
    result = gpt2.train(study.split, "gpt2_scratch", 1e-2, 0, 4, quiet, base=str(toy_base), work=tmp_path / "w")
    labels = splits.side(study.split, "valid")[1]
    kept = metrics.mean_reciprocal_rank(result["valid_logits"], labels)
    assert kept == pytest.approx(max(row["valid_mrr"] for row in result["history"]), abs=1e-3)


@pytest.mark.skipif(not hardware.bf16_pays(), reason="this machine trains in float32: nothing to round")
def test_logits_are_computed_in_float32_even_after_training_in_bf16(study, toy_base, tmp_path):
    result = gpt2.train(study.split, "gpt2_finetuned", 1e-3, 0, 1, quiet, base=str(toy_base), work=tmp_path / "w")
    logits = torch.from_numpy(result["valid_logits"])
    rounded = logits.to(torch.bfloat16).to(torch.float32)
    assert (logits != rounded).float().mean() > 0.9


def test_labels_survive_a_save_and_load(toy_base, tmp_path):
    model = gpt2.build("gpt2_scratch", str(toy_base), ["gout", "migraine"], 0)
    model.save_pretrained(tmp_path)
    assert AutoModelForSequenceClassification.from_pretrained(tmp_path).config.id2label == {0: "gout", 1: "migraine"}


def test_a_loss_that_is_not_a_number_stops_the_run(study, toy_base, tmp_path):
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        gpt2.train(study.split, "gpt2_scratch", 1e12, 0, 3, quiet, base=str(toy_base), work=tmp_path / "w")
