"""GPT-2's networks: a classifier or a language model, from random weights or from the pre-trained base's."""

import numpy as np

from .text import bucketed_batches, resolve_base


def load_tokenizer(base: str):
    """The base's byte-level BPE tokenizer, with a pad token (GPT-2 has none: its end-of-text token serves), padding right."""
    from transformers import AutoTokenizer

    where, revision = resolve_base(base)
    tokenizer = AutoTokenizer.from_pretrained(where, revision=revision)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


def build(arm: str, base: str, labels: list[str], seed: int):
    """A GPT2ForSequenceClassification in float32: `gpt2_scratch` with random weights, the others with the base's.

    In `gpt2_frozen` only the head has gradients; in `gpt2_embeddings` only the token embeddings are the base's. All have the
    base's architecture, the pad token set on the configuration (the classifier reads the last token that is no padding) and
    a random head. The seed fixes every random weight.
    """
    from transformers import GPT2ForSequenceClassification

    names = dict(enumerate(labels))
    inverse = {name: i for i, name in names.items()}
    model = _start(
        GPT2ForSequenceClassification, arm, base, seed, num_labels=len(labels), id2label=names, label2id=inverse
    )
    model.transformer.requires_grad_(arm != "gpt2_frozen")
    return model


def build_lm(arm: str, base: str, seed: int):
    """A GPT2LMHeadModel in float32: an arm whose name ends in `scratch` with random weights, any other with the base's."""
    from transformers import GPT2LMHeadModel

    return _start(GPT2LMHeadModel, arm, base, seed)


def _start(model_class, arm: str, base: str, seed: int, **settings):
    import torch
    from transformers import GPT2Config, GPT2Model, set_seed
    from transformers.utils import logging

    # Weight-loading bars, and the notice that a classifier's head is new, hide the progress lines.
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    where, revision = resolve_base(base)
    settings["pad_token_id"] = load_tokenizer(base).pad_token_id
    config = GPT2Config.from_pretrained(where, revision=revision, **settings)
    set_seed(seed)
    pretrained = {"revision": revision, "dtype": torch.float32}
    if not arm.endswith(("scratch", "embeddings")):
        return model_class.from_pretrained(where, config=config, **pretrained)
    model = model_class(config).to(torch.float32)
    if arm.endswith("embeddings"):
        theirs = GPT2Model.from_pretrained(where, **pretrained).wte.state_dict()
        model.transformer.wte.load_state_dict(theirs)
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    """The model's weights as float16 arrays by the names of its state; a language model's output matrix is its input's."""
    import torch

    state = model.state_dict()
    return {name: state[name].cpu().to(torch.float16).numpy() for name in state if name != "lm_head.weight"}


def put_weights(model, arrays: dict[str, np.ndarray]):
    """The model in evaluation mode with the weights that `weights_of` gave, in float32. KeyError if one is missing."""
    import torch

    names = [name for name in model.state_dict() if name != "lm_head.weight"]
    model.load_state_dict({name: torch.from_numpy(arrays[name]).float() for name in names}, strict=False)
    return model.eval()


def encode(tokenizer, texts: list[str], labels: np.ndarray | None = None) -> list[dict]:
    """One dict a text: `input_ids` (truncated to the model's positions), `attention_mask`, and `labels` where given."""
    rows = tokenizer(texts, truncation=True)
    return [
        {"input_ids": ids, "attention_mask": mask} | ({} if labels is None else {"labels": int(labels[i])})
        for i, (ids, mask) in enumerate(zip(rows["input_ids"], rows["attention_mask"], strict=True))
    ]


def logits_of(model, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """(n, k) float32 logits in the order of `texts`, in evaluation mode, batches of similar length padded to their longest."""
    return _by_length(lambda tensors: model(**tensors).logits, model, tokenizer, texts, batch_size)


def features_of(model, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """(n, width) float32: what the classifier's last layer reads of each text, the body's output at the text's last token."""
    import torch

    def last_token(tensors):
        hidden, last = model.transformer(**tensors).last_hidden_state, tensors["attention_mask"].sum(1) - 1
        return hidden[torch.arange(len(last), device=hidden.device), last]

    return _by_length(last_token, model, tokenizer, texts, batch_size)


def _by_length(compute, model, tokenizer, texts: list[str], batch_size: int) -> np.ndarray:
    import torch

    rows, out = encode(tokenizer, texts), {}
    model.eval()
    with torch.inference_mode():
        for batch in bucketed_batches(np.array([len(r["input_ids"]) for r in rows]), batch_size, None):
            tensors = tokenizer.pad([rows[i] for i in batch], return_tensors="pt").to(model.device)
            out |= dict(zip(batch, compute(tensors).float().cpu().numpy(), strict=True))
    return np.array([out[row] for row in range(len(rows))], dtype=np.float32)
