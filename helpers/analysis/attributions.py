"""Which tokens spoke for an answer: integrated gradients of a GPT-2 classifier."""

import numpy as np

from ..models.gpt2 import encode


def logits_at_end(model, ids):
    """(rows, k) logits of a GPT2ForSequenceClassification read at each row's last position, whatever its
    tokens are.

    ids: (rows, length) int64 tensor without padding. The model's own forward pass looks for the last token
    that is not the pad token, and so would read a baseline made of pad tokens elsewhere than the text.
    """
    return model.score(model.transformer(input_ids=ids).last_hidden_state[:, -1])


def text_and_baseline(model, tokenizer, text: str):
    """Two (1, length) int64 tensors: the text's token ids (cut at the model's positions), and as many pad
    tokens.

    Raises ValueError for a text without a token.
    """
    import torch

    ids = torch.tensor([encode(tokenizer, [text])[0]["input_ids"]], dtype=torch.int64, device=model.device)
    if not ids.numel():
        raise ValueError("the text has no token: nothing to attribute to")
    return ids, torch.full_like(ids, tokenizer.pad_token_id)


def token_attributions(model, tokenizer, text: str, target: int, steps: int = 50) -> list[tuple[str, float]]:
    """What each token adds to the logit of class `target`: (decoded token, attribution in logits), in order.

    model: a GPT2ForSequenceClassification (see `gpt2.build`), put in evaluation mode. Integrated gradients of
    the token embeddings (Sundararajan, Taly and Yan 2017, ICML, eq. 1) from a text of pad tokens, summed over
    the embedding; `steps` points of the integral, more where `completeness` is not small. Raises ValueError
    for a text without a token.
    """
    from captum.attr import LayerIntegratedGradients

    model.eval()
    ids, baseline = text_and_baseline(model, tokenizer, text)
    method = LayerIntegratedGradients(lambda tokens: logits_at_end(model, tokens), model.transformer.wte)
    # A few points of the integral go through at once: a long text would not fit in memory 50 times.
    parts = method.attribute(ids, baseline, target=target, n_steps=steps, internal_batch_size=8)
    values = parts.sum(dim=-1)[0].tolist()
    return [(tokenizer.decode([token]), value) for token, value in zip(ids[0].tolist(), values, strict=True)]


def completeness(model, tokenizer, text: str, target: int, attributions: list[tuple[str, float]]) -> float:
    """How far the sum of attributions is from what it must be, 0 is exact (Sundararajan et al. 2017, prop.
    1).

    |sum - d| / |d|, d the difference of `target`'s logit between the text and the baseline; not finite where
    d is 0.
    """
    import torch

    model.eval()
    with torch.inference_mode():
        text_logit, baseline_logit = (
            logits_at_end(model, ids)[0, target].item() for ids in text_and_baseline(model, tokenizer, text)
        )
    difference = np.float64(text_logit - baseline_logit)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(abs(sum(value for _, value in attributions) - difference) / abs(difference))
