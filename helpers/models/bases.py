"""The pre-trained bases: where each is, whether it can be opened, its tokenizer, its hash."""

import hashlib
import json
from functools import cache
from pathlib import Path

from safetensors import safe_open
from tokenizers import Tokenizer

from ..config import ROOT, InputError


def check_base(base: str) -> None:
    """Raises InputError unless the base's weights and tokenizer can be opened: now, not after other arms have
    trained.
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


def resolve_base(base: str) -> tuple[str, str | None]:
    """Where transformers finds the pre-trained base: (directory or Hub id, revision or None).

    A path in the repository or anywhere else must hold config, weights and tokenizer; otherwise InputError
    says what lacks.
    """
    if base in GPT2_REVISIONS:
        return base, GPT2_REVISIONS[base]
    directory = Path(base) if Path(base).is_absolute() else ROOT / base
    if not directory.is_dir():
        raise InputError(
            f"--base {base}: no such directory, nor one of {', '.join(GPT2_REVISIONS)}; see `python -m "
            "helpers pretrain`"
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
    """The path of one of the base's files; one of a base on the Hub is downloaded at its pinned revision,
    once.
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
    """The base's byte-level BPE as a plain `tokenizers.Tokenizer`: it loads no framework, so Keras notebooks
    can use it.
    """
    tokenizer = Tokenizer.from_file(str(base_file(base, "tokenizer.json")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@cache
def base_hash(base: str) -> str:
    """Hash of the base's weights and tokenizer, or the pinned revision of a base on the Hub."""
    where, revision = resolve_base(base)
    if revision is not None:
        return revision
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        digest.update((Path(where) / name).read_bytes())
    return digest.hexdigest()[:12]
