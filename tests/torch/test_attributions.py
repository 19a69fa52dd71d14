"""Integrated gradients of a GPT-2 classifier: what they sum to, and nothing for what it cannot see."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.analysis.errors import completeness, logits_of_ids, text_and_baseline, token_attributions
from helpers.arms import ARMS
from helpers.models import bases, classifier

TEXT = "fever and cough after the rash at night."


@pytest.fixture
def pair(any_base):
    model = classifier.build(ARMS["gpt2_finetuned"], any_base, list("abcd"), 0)
    return model, bases.load_tokenizer(any_base)


def test_the_text_is_read_as_the_model_reads_it_and_the_baseline_at_the_same_place(pair):
    model, tokenizer = pair
    ids, baseline = text_and_baseline(model, tokenizer, TEXT)
    assert baseline.shape == ids.shape
    assert (baseline == tokenizer.eos_token_id).all()
    with torch.inference_mode():
        ours = logits_of_ids(model.eval(), ids).numpy()
        hidden = model.body(input_ids=baseline).last_hidden_state
        by_hand = hidden[0].mean(dim=0) @ model.score.weight.T
        np.testing.assert_allclose(logits_of_ids(model, baseline)[0].numpy(), by_hand.numpy(), atol=1e-6)
    np.testing.assert_allclose(ours, classifier.logits_of(model, tokenizer, [TEXT]), atol=1e-5)


@pytest.mark.parametrize("arm", ["gpt2_finetuned", "gpt2_frozen"])
def test_attributions_add_up_to_what_the_text_changed(toy_base, arm):
    model, tokenizer = (
        classifier.build(ARMS[arm], str(toy_base), list("abcd"), 0),
        bases.load_tokenizer(str(toy_base)),
    )
    model.train()  # as a training run leaves it: dropout must not take part
    found = token_attributions(model, tokenizer, TEXT, 2)
    assert "".join(token for token, _ in found) == TEXT
    assert completeness(model, tokenizer, TEXT, 2, found) < 0.05
    ids, baseline = text_and_baseline(model, tokenizer, TEXT)
    with torch.inference_mode():
        change = (logits_of_ids(model, ids) - logits_of_ids(model, baseline))[0, 2].item()
    assert sum(value for _, value in found) == pytest.approx(change, rel=0.05)
    assert found == token_attributions(model, tokenizer, TEXT, 2)
    assert found != token_attributions(model, tokenizer, TEXT, 1)
    assert all(p.grad is None for p in model.parameters())


def test_the_gap_is_a_share_of_the_change_and_shrinks_with_steps(pair):
    model, tokenizer = pair
    few, many = (token_attributions(model, tokenizer, TEXT, 0, steps) for steps in (1, 100))
    gaps = [completeness(model, tokenizer, TEXT, 0, found) for found in (few, many)]
    assert gaps[1] < 0.01
    assert gaps[1] < gaps[0]
    twice = [(token, 2 * value) for token, value in many]
    assert completeness(model, tokenizer, TEXT, 0, twice) == pytest.approx(1, abs=0.03)


def test_what_the_dense_layer_does_not_read_gets_nothing(toy_base):
    """Read at the last token with all attention silenced, the whole change is that token's."""
    arm = replace(ARMS["gpt2_finetuned"], settings={"pooling": "last"})
    model, tokenizer = (
        classifier.build(arm, str(toy_base), list("abcd"), 0),
        bases.load_tokenizer(str(toy_base)),
    )
    for block in model.body.h:
        torch.nn.init.zeros_(block.attn.c_proj.weight)
        torch.nn.init.zeros_(block.attn.c_proj.bias)
    values = np.array([value for _, value in token_attributions(model, tokenizer, TEXT, 1)])
    assert np.abs(values[:-1]).max() < 1e-7 < 1e-3 < abs(values[-1])


def test_a_text_is_cut_at_the_positions_and_an_empty_one_refused(pair):
    model, tokenizer = pair
    found = token_attributions(model, tokenizer, "fever " * 500, 0, steps=2)
    assert len(found) == model.body.config.max_position_embeddings
    with pytest.raises(ValueError, match="no token"):
        token_attributions(model, tokenizer, "", 0)
