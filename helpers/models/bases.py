"""The pre-trained bases: where each is, whether it opens, hash, tokenizer, models that start from it."""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import safe_open
from tokenizers import Tokenizer

from ..config import ROOT, InputError
from . import smollm2


def check_base(base: str) -> None:
    """Raises InputError unless the base's weights and tokenizer can be opened.

    So it is said now, not after other arms have trained.
    """
    weights, tokenizer = base_file(base, "model.safetensors"), base_file(base, "tokenizer.json")
    try:
        with safe_open(weights, framework="numpy") as tensors:
            next(iter(tensors.keys()))
        load_bpe(base)
    except Exception as error:  # safetensors and tokenizers raise their own kinds
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"{tokenizer.parent}: the base cannot be opened ({type(error).__name__}: {reason}); restore it"
        ) from error


GPT2_REVISIONS = {"openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e"}
# Bases that have a name; any other is a directory.
NAMED = {"gpt2-mini": "models/gpt2-mini", "gpt2": "openai-community/gpt2"}


def resolve_base(base: str) -> tuple[str, str | None]:
    """Where transformers finds the pre-trained base: (directory or Hub id, revision or None).

    A path in the repository or anywhere else must hold config, weights and tokenizer; otherwise InputError
    says what lacks.
    """
    base = str(smollm2.unpack()) if base == smollm2.NAME else NAMED.get(base, base)
    if base in GPT2_REVISIONS:
        return base, GPT2_REVISIONS[base]
    directory = Path(base) if Path(base).is_absolute() else ROOT / base
    if not directory.is_dir():
        raise InputError(
            f"--base {base}: no such directory, nor one of {', '.join((*NAMED, smollm2.NAME))}; see "
            "`python -m helpers pretrain`"
        )
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (directory / file).is_file():
            raise InputError(
                f"--base {base}: incomplete, {file} is missing; restore it or make it with `python -m "
                "helpers pretrain`"
            )
    try:
        json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"--base {base}: config.json is no JSON ({error}); restore it") from error
    return str(directory), None


def base_file(base: str, name: str) -> Path:
    """The path of one of the base's files.

    That of a base on the Hub is downloaded at its pinned revision, once.
    """
    where, revision = resolve_base(base)
    if revision is None:
        return Path(where) / name
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(where, name, revision=revision))
    except (
        Exception
        # offline, timeout and missing-revision errors differ by library version; the way out does not
    ) as error:
        raise InputError(
            f"--base {base}: {name} cannot be had from the Hugging Face Hub ({type(error).__name__}); use "
            "models/gpt2-mini"
        ) from error


def count_tokens(base: str, texts: list[str]) -> list[int]:
    """How many tokens the base's tokenizer makes of each text."""
    return [len(row.ids) for row in load_bpe(base).encode_batch(texts)]


def load_bpe(base: str) -> Tokenizer:
    """The base's byte-level BPE as a plain `tokenizers.Tokenizer`.

    It loads no framework, so Keras notebooks can use it.
    """
    tokenizer = Tokenizer.from_file(str(base_file(base, "tokenizer.json")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@cache
def base_hash(base: str) -> str:
    """Hash of the base's weights and tokenizer, or what pins a base that comes from elsewhere."""
    if base == smollm2.NAME:  # the packed file's, so that a run's key can be told without unpacking it
        return smollm2.HASH[:12]
    where, revision = resolve_base(base)
    if revision is not None:
        return revision
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        digest.update((Path(where) / name).read_bytes())
    return digest.hexdigest()[:12]


def load_tokenizer(base: str):
    """The base's byte-level BPE tokenizer, with a pad token, padding right, and no longer than it reads.

    GPT-2 has no pad token: its end-of-text token serves.
    """
    from transformers import AutoConfig, AutoTokenizer

    where, revision = resolve_base(base)
    tokenizer = AutoTokenizer.from_pretrained(where, revision=revision)
    positions = AutoConfig.from_pretrained(where, revision=revision).max_position_embeddings
    tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


KINDS = {"body": "AutoModel", "lm": "AutoModelForCausalLM"}


def start_model(kind: str, start: str, base: str, seed: int):
    """A decoder in float32 with the base's architecture: its "body", or as a language model ("lm").

    start: where its weights begin (see `Arm`). The seed fixes every random weight; the pad token goes into
    the configuration. No vector of a random start is zero: transformers leaves that of the pad token so where
    it is a `padding_idx`, and through a text that begins with it (a dropped token is that token) normalized
    zeros multiply gradients, layer by layer, beyond what is a number.
    """
    import torch
    import transformers
    from transformers.utils import logging

    # Weight-loading bars hide the progress lines.
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    where, revision = resolve_base(base)
    pad = load_tokenizer(base).pad_token_id
    config = transformers.AutoConfig.from_pretrained(where, revision=revision, pad_token_id=pad)
    transformers.set_seed(seed)
    auto = getattr(transformers, KINDS[kind])
    if start == "base":
        return auto.from_pretrained(where, config=config, revision=revision, dtype=torch.float32)
    model = auto.from_config(config, dtype=torch.float32)
    table = model.get_input_embeddings()
    if table.padding_idx is not None:
        torch.nn.init.normal_(table.weight.data[table.padding_idx], std=config.initializer_range)
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    """The model's weights as float16 arrays by the names of its state.

    A language model's output matrix is its input's, so it is not among them.
    """
    import torch

    state = model.state_dict()
    return {name: state[name].cpu().to(torch.float16).numpy() for name in state if name != "lm_head.weight"}


def put_weights(model, arrays: dict[str, np.ndarray]):
    """The model in evaluation mode with the weights that `weights_of` gave, in float32.

    KeyError if one is missing.
    """
    import torch

    names = [name for name in model.state_dict() if name != "lm_head.weight"]
    model.load_state_dict({name: torch.from_numpy(arrays[name]).float() for name in names}, strict=False)
    return model.eval()


def encode(tokenizer, texts: list[str], labels: np.ndarray | None = None) -> list[dict]:
    """One dict a text: `input_ids`, `attention_mask`, and `labels` where given.

    `input_ids` are truncated to what the model reads (see `load_tokenizer`).
    """
    if not len(texts):
        return []
    rows = tokenizer(texts, truncation=True)
    return [
        {"input_ids": ids, "attention_mask": mask} | ({} if labels is None else {"labels": int(labels[i])})
        for i, (ids, mask) in enumerate(zip(rows["input_ids"], rows["attention_mask"], strict=True))
    ]
