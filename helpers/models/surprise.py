"""A causal language model's surprise: at each token of a text, and at a continuation of a given beginning."""

import numpy as np
import torch


def token_nats(model, tokens: np.ndarray) -> np.ndarray:
    """Surprise of each token given those before it in its row of `n_positions`: (n,) float64 nats.

    The first token of a row has nothing before it and is not predicted: NaN.
    """
    width, out = model.config.n_positions, np.full(len(tokens), np.nan)
    with torch.inference_mode():
        for start in range(0, len(tokens), width):
            ids = torch.from_numpy(tokens[start : start + width].astype(np.int64))[None].to(model.device)
            if ids.shape[1] > 1:
                logits = model(ids).logits[0, :-1].float()
                nats = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
                out[start + 1 : start + ids.shape[1]] = nats.double().cpu().numpy()
    return out


def continuation_bits(model, tokenizer, beginning: str, continuation: str) -> float:
    """-log2 of the probability that `beginning` goes on with `continuation` (its tokens multiplied by the
    chain rule).

    Raises ValueError when the tokens of `beginning` change once `continuation` follows: begin that with a
    space.
    """
    before, both = (tokenizer(text)["input_ids"] for text in (beginning, beginning + continuation))
    if not before or len(both) > model.config.n_positions:
        raise ValueError(
            f"{beginning!r} must have a token, and with its continuation at most {model.config.n_positions}"
        )
    if both[: len(before)] != before or len(both) == len(before):
        raise ValueError(
            f"{continuation!r} is no continuation of its own after {beginning!r}; begin it with a space"
        )
    return float(token_nats(model, np.array(both))[len(before) :].sum() / np.log(2))


def association(model, tokenizer, beginnings: list[str], continuations: list[str]) -> np.ndarray:
    """What each beginning does for each continuation beyond the two by themselves: (beginnings,
    continuations) bits.

    Minus `continuation_bits`, less the mean of its row and of its column: neither a word that is likely
    everywhere nor a beginning that is sure of everything has an advantage. Rows and columns add up to 0.
    """
    bits = -np.array([[continuation_bits(model, tokenizer, b, c) for c in continuations] for b in beginnings])
    return bits - bits.mean(axis=0) - bits.mean(axis=1, keepdims=True) + bits.mean()
