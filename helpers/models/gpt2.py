"""What GPT-2's classifier and language model share: tokenizer, starting weights, kept weights."""

import numpy as np

from .bases import resolve_base


def load_tokenizer(base: str):
    """The base's byte-level BPE tokenizer, with a pad token (GPT-2 has none: its end-of-text token serves),
    padding right.
    """
    from transformers import AutoTokenizer

    where, revision = resolve_base(base)
    tokenizer = AutoTokenizer.from_pretrained(where, revision=revision)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


def start_model(model_class, start: str, base: str, seed: int, **settings):
    """A GPT-2 of `model_class` in float32 with the base's architecture; start: where its weights begin (see
    `Arm`).

    The seed fixes every random weight; settings go into the configuration, and so does the pad token.
    """
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
    if start == "base":
        return model_class.from_pretrained(where, config=config, **pretrained)
    model = model_class(config).to(torch.float32)
    if start == "embeddings":
        theirs = GPT2Model.from_pretrained(where, **pretrained).wte.state_dict()
        model.transformer.wte.load_state_dict(theirs)
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    """The model's weights as float16 arrays by the names of its state; a language model's output matrix is
    its input's.
    """
    import torch

    state = model.state_dict()
    return {name: state[name].cpu().to(torch.float16).numpy() for name in state if name != "lm_head.weight"}


def put_weights(model, arrays: dict[str, np.ndarray]):
    """The model in evaluation mode with the weights that `weights_of` gave, in float32. KeyError if one is
    missing.
    """
    import torch

    names = [name for name in model.state_dict() if name != "lm_head.weight"]
    model.load_state_dict({name: torch.from_numpy(arrays[name]).float() for name in names}, strict=False)
    return model.eval()


def encode(tokenizer, texts: list[str], labels: np.ndarray | None = None) -> list[dict]:
    """One dict a text: `input_ids` (truncated to the model's positions), `attention_mask`, and `labels` where
    given.
    """
    rows = tokenizer(texts, truncation=True)
    return [
        {"input_ids": ids, "attention_mask": mask} | ({} if labels is None else {"labels": int(labels[i])})
        for i, (ids, mask) in enumerate(zip(rows["input_ids"], rows["attention_mask"], strict=True))
    ]
