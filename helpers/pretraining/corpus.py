"""What a pre-training run is asked for, and the text that it reads: byte-level BPE, packed rows of tokens."""

import json
import lzma
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..config import InputError
from ..files import write_json


@dataclass(frozen=True)
class PretrainSpec:
    """Everything that decides the result, but for a time budget.

    `include` filters by `source` (regex). `tokens` is the number of token steps (None: until a time budget is
    spent). `batch_size` counts rows of `n_positions` tokens a step, all processes together. The learning
    rates are peaks: the first for the matrices of the blocks (`optimizer`: "muon" or "adamw"), the second for
    AdamW (embeddings, biases, gains).
    """

    include: str = ""
    tokens: int | None = 8_000_000
    vocab_size: int = 8192
    n_layer: int = 4
    n_embd: int = 256
    n_head: int = 4
    n_positions: int = 512
    batch_size: int = 8
    optimizer: str = "muon"
    learning_rate: float = 2e-2
    adamw_learning_rate: float = 3e-3
    dropout: float = 0.0
    seed: int = 0

    @property
    def step_tokens(self) -> int:
        return self.batch_size * self.n_positions

    @property
    def max_steps(self) -> int | None:
        return None if self.tokens is None else max(1, self.tokens // self.step_tokens)

    def step_of(self, tokens: int) -> int:
        """The step after which about so many tokens are read; never one beyond the last."""
        step = round(tokens / self.step_tokens)
        return step if self.max_steps is None else min(step, self.max_steps)


def check_settings(
    spec: PretrainSpec,
    eval_every: int,
    budget: float | None,
    micro_batch: int | None,
    keep: tuple[int, ...] = (),
) -> None:
    """InputError for options that cannot be, before anything is read or written."""
    if spec.tokens is None and budget is None:
        raise InputError("pretrain: nothing would end it; give --tokens, --time-budget or both")
    sizes = {
        name: getattr(spec, name)
        for name in ("vocab_size", "n_layer", "n_embd", "n_head", "n_positions", "batch_size")
    }
    for name, value in (
        sizes | {"tokens": spec.tokens, "eval_every": eval_every, "micro_batch": micro_batch}
    ).items():
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    most = math.inf if spec.tokens is None else spec.tokens
    if wrong := [tokens for tokens in keep if not 0 <= tokens <= most]:
        raise InputError(f"--keep {wrong[0]}: must lie between 0 and --tokens {most}")
    if budget is not None and not 0 < budget < math.inf:
        raise InputError(f"--time-budget {budget / 60:g}: must be a positive number of minutes")
    if not 0 <= spec.dropout < 1:
        raise InputError(f"--dropout {spec.dropout}: must be at least 0 and below 1")
    if not (0 < spec.learning_rate < math.inf and 0 < spec.adamw_learning_rate < math.inf):
        raise InputError("--learning-rate and --adamw-learning-rate: must be positive numbers")
    if not 0 <= spec.seed < 2**32:
        raise InputError(f"--seed {spec.seed}: must lie in [0, 2**32)")
    if spec.n_embd % spec.n_head:
        raise InputError(f"--n-embd {spec.n_embd}: not a multiple of --n-head {spec.n_head}")
    if spec.vocab_size > 2**16:
        raise InputError(f"--vocab-size {spec.vocab_size}: token ids are kept in 16 bits, so at most 65536")


def token_counts(text: str) -> tuple[int, ...]:
    """The numbers of `--keep`, separated by commas; InputError for what is none."""
    try:
        return tuple(int(float(tokens)) for tokens in text.split(",") if tokens)
    except (ValueError, OverflowError) as error:
        raise InputError(f"--keep {text}: numbers of tokens, with commas, e.g. 0,4e5,1.6e6") from error


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
    """Documents whose `source` matches `include`: columns `text`, `source`, `licence`.

    A licence that is not stated reads "not stated". Files named `valid*.jsonl*` are the held-out part, all
    other `*.jsonl*` the training part; xz and gzip are read as they are. Raises InputError when the directory
    has no such file or nothing matches.
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
    """A GPT-2 tokenizer (byte-level BPE, so no unknown tokens) learnt from `texts`.

    Its only special token ends a text.
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
    """Makes tokenizer and packed blocks in `work`, once; returns the facts about them.

    Facts: documents, tokens, bytes per token.
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
