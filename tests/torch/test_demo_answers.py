"""GPT-2 as the demo asks it: word attributions add up for any text, name scores are log-probabilities."""

import numpy as np
import pytest
import torch

from helpers.analysis.errors import logits_of_ids, text_and_baseline
from helpers.arms import ARMS
from helpers.demo import answers
from helpers.models import answering, bases, classifier

ODD = [
    "fever", "fever and cough at night.", "…", "!?", "🤒 fever 👩‍👩‍👧", "<|endoftext|>",
    "fever <|endoftext|> cough", "حمى و سعال", "fever, " * 200,
]  # fmt: skip


@pytest.fixture
def loaded(toy_base, monkeypatch):
    """A classifier with random weights, a language model and their tokenizer, as in their process."""
    tokenizer = bases.load_tokenizer(str(toy_base))
    model = classifier.build(ARMS["gpt2_finetuned"], str(toy_base), list("abcd"), 0).eval()
    namer = answering.build_lm("base", str(toy_base), 0).eval()
    names = ["fever", "dry cough", "rash"]
    for name, value in {
        "gpt2_finetuned": model,
        "gpt2_lm": namer,
        ("tokenizer", "gpt2_finetuned"): tokenizer,
        ("tokenizer", "gpt2_lm"): tokenizer,
        "answers": names,
        ("prior", "gpt2_lm"): np.array([-1.0, -2.0, -3.0]),
    }.items():
        monkeypatch.setitem(answers._loaded, name, value)
    return model, tokenizer


@pytest.mark.parametrize("text", ODD)
def test_attributions_by_word_add_up_to_what_the_text_changed(loaded, text):
    model, tokenizer = loaded
    with torch.inference_mode():
        ids, baseline = text_and_baseline(model, tokenizer, text)
        change = (logits_of_ids(model, ids) - logits_of_ids(model, baseline))[0, 2].item()
    found = answers.words("gpt2_finetuned", text, 2)
    assert "".join(piece for piece, _ in found) == text
    assert sum(value for _, value in found) == pytest.approx(change, rel=0.03, abs=1e-3)


@pytest.mark.parametrize("text", ODD)
def test_scores_are_log_probabilities(loaded, text):
    scores, words = answers.answer(("gpt2_finetuned", "gpt2_lm"), text, "gpt2_finetuned")
    assert {arm: len(values) for arm, values in scores.items()} == {"gpt2_finetuned": 4, "gpt2_lm": 3}
    assert all(np.exp(values).sum() == pytest.approx(1) for values in scores.values())
    assert words == answers.words("gpt2_finetuned", text, int(scores["gpt2_finetuned"].argmax()))


def test_models_of_two_bases_answer_side_by_side_each_with_its_own_tokenizer(
    toy_base, toy_llama, monkeypatch
):
    """A large classifier and an untouched large language model beside the small ones."""
    own = {"gpt2_finetuned": toy_base, "gpt2_scratch": toy_base, "smollm2_finetuned": toy_llama,
           "smollm2_lm_zero": toy_llama}  # fmt: skip
    own = {arm: str(base) for arm, base in own.items()}
    kept = {"smollm2_lm_zero": {"prior": np.zeros(4, np.float32), "weight": np.float32(0.5)}}
    for arm in set(own) - set(kept):
        kept[arm] = bases.weights_of(classifier.build(ARMS[arm], own[arm], list("abcd"), 1))
    monkeypatch.setattr(answers, "load_arrays", lambda spec, *names: kept[spec])
    monkeypatch.setattr(answers, "_loaded", {})
    names = ["fever", "dry cough", "rash", "gout"]
    models = answers.Models({arm: arm for arm in own}, own, list("abcd"), names, {}, [])
    assert (models.namer, models.panels[-1]) == ("smollm2_lm_zero", "smollm2_finetuned")
    answers.load_torch(models)
    scores, words = answers.answer(models.of_framework("torch"), "fever at night", "")
    assert words is None
    assert {arm: len(values) for arm, values in scores.items()} == dict.fromkeys(own, 4)
    base = bases.load_tokenizer(own["smollm2_lm_zero"])
    alone = answering.build_lm("base", own["smollm2_lm_zero"], 0).eval()
    logits = answering.answer_logits(alone, base, ["fever at night"], names)[0]
    assert scores["smollm2_lm_zero"] == pytest.approx(logits - np.logaddexp.reduce(logits), abs=1e-4)
