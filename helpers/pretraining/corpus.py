"""A directory of JSON Lines text to what pre-training reads: a byte-level BPE tokenizer and packed rows of
tokens.
"""

import json
import lzma
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..config import InputError
from ..files import write_json
from .settings import PretrainSpec

END_OF_TEXT = "<|endoftext|>"


def corpus_files(directory: Path) -> list[Path]:
    """The directory's `*.jsonl`, `*.jsonl.xz` and `*.jsonl.gz` files, sorted by name."""
    return sorted(file for end in ("", ".xz", ".gz") for file in Path(directory).glob(f"*.jsonl{end}"))


def part_files(directory: Path, validation: bool) -> list[Path]:
    """The held-out files (`valid*`) or the others; InputError if there is none."""
    files = [f for f in corpus_files(directory) if f.name.startswith("valid") == validation]
    if not files:
        kind = "valid*.jsonl[.xz]" if validation else "*.jsonl[.xz]"
        raise InputError(
            f"--corpus {directory}: no file {kind} there; give a directory of JSON Lines with `text`, "
            "`source`"
        )
    return files


def read_corpus(directory: Path, include: str, validation: bool) -> pd.DataFrame:
    """Documents whose `source` matches `include`: columns `text`, `source`, `licence` ("not stated" where it
    is not).

    Files named `valid*.jsonl*` are the held-out part, all other `*.jsonl*` the training part; xz and gzip are
    read as they are. Raises InputError when the directory has no such file or nothing matches.
    """
    try:
        re.compile(include)
    except re.error as error:
        raise InputError(f"--include {include!r}: no regular expression ({error})") from error
    parts = []
    for file in part_files(directory, validation):
        try:
            table = pd.read_json(file, lines=True, compression="infer", dtype=False)
        except (ValueError, OSError, EOFError, lzma.LZMAError) as error:
            raise InputError(
                f"{file}: cannot be read as JSON Lines in UTF-8 ({error}); repair or remove it"
            ) from error
        if missing := {"text", "source"} - set(table.columns):
            raise InputError(f"{file}: no column {sorted(missing)}; each line needs `text` and `source`")
        odd = ~table[["text", "source"]].map(lambda value: isinstance(value, str)).all(axis=1)
        if odd.any():
            rows = [(number + 1, "`text` or `source` is no text") for number in np.flatnonzero(odd)]
            raise InputError(f"{file}: {len(rows)} line(s) at fault; repair or remove them", rows)
        chosen = table.loc[table["source"].str.contains(include, regex=True)]
        parts.append(chosen.reindex(columns=["text", "source", "licence"]).fillna({"licence": "not stated"}))
    documents = pd.concat(parts, ignore_index=True)
    if documents.empty:
        raise InputError(f"--include {include!r}: no document of {directory} has such a source")
    return documents


def train_tokenizer(texts, vocab_size: int, n_positions: int):
    """A GPT-2 tokenizer (byte-level BPE, so no unknown tokens) learnt from `texts`; its only special token
    ends a text.
    """
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2TokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        texts, vocab_size=vocab_size, min_frequency=2, special_tokens=[END_OF_TEXT], show_progress=False
    )
    return GPT2TokenizerFast(
        tokenizer_object=bpe._tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        model_max_length=n_positions,
    )


def token_stream(texts: Iterable[str], tokenizer) -> np.ndarray:
    """Token ids of all texts one after the other, each closed by <|endoftext|>: (n,) uint16."""
    texts, parts = list(texts), []
    for start in range(0, len(texts), 1000):
        for ids in tokenizer(texts[start : start + 1000], verbose=False)["input_ids"]:
            parts.append(np.asarray([*ids, tokenizer.eos_token_id], dtype=np.uint16))
    return np.concatenate(parts)


def pack(texts: Iterable[str], tokenizer, block_size: int) -> np.ndarray:
    """The token stream of `texts` cut in rows: (n, block_size) uint16; the last, short row is dropped."""
    stream = token_stream(texts, tokenizer)
    rows = len(stream) // block_size
    return stream[: rows * block_size].reshape(rows, block_size)


def prepare(corpus: Path, spec: PretrainSpec, work: Path) -> dict:
    """Tokenizer and packed blocks in `work`, made once; returns the facts about them (documents, tokens,
    bytes per token).
    """
    from transformers import AutoTokenizer

    facts_file = work / "facts.json"
    if facts_file.exists():
        return json.loads(facts_file.read_text())
    train = read_corpus(corpus, spec.include, validation=False)
    train = train.sample(frac=1, random_state=spec.seed)
    valid = read_corpus(corpus, spec.include, validation=True)
    work.mkdir(parents=True, exist_ok=True)
    print(
        f"corpus: {len(train):,} documents to train on, {len(valid):,} held out; learning the tokenizer …",
        flush=True,
    )
    train_tokenizer(train["text"], spec.vocab_size, spec.n_positions).save_pretrained(work / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    blocks = {"train": pack(train["text"], tokenizer, spec.n_positions)}
    held_out = pack(valid["text"], tokenizer, spec.n_positions)
    for what, rows, needed in (("training", blocks["train"], spec.batch_size), ("held-out", held_out, 1)):
        if len(rows) < needed:
            raise InputError(
                f"--corpus {corpus}: too little {what} text, {len(rows)} rows of --n-positions "
                f"{spec.n_positions} tokens; needed: {needed}"
            )
    blocks["valid"] = held_out[: len(held_out) // spec.batch_size * spec.batch_size or len(held_out)]
    for name, array in blocks.items():
        np.save(work / f"{name}.npy", array)
    held_out_text = "".join(tokenizer.batch_decode(blocks["valid"], clean_up_tokenization_spaces=False))
    n_bytes = len(held_out_text.replace(END_OF_TEXT, "").encode())
    facts = {
        "documents": len(train),
        "train_tokens": int(blocks["train"].size),
        "valid_tokens": int(blocks["valid"].size),
        "bytes_per_token": n_bytes / blocks["valid"].size,
        "sources": sorted(train["source"].str.split(":").str[0].unique().tolist()),
    }
    write_json(facts_file, facts)
    print(
        f"packed: {facts['train_tokens']:,} training tokens, {facts['bytes_per_token']:.2f} bytes a token",
        flush=True,
    )
    return facts
