"""What a tokenizer does with a text, and padding with the batches: the lessons of notebook 02."""

import json
from collections.abc import Iterable

import numpy as np
from tokenizers import Tokenizer

from ..data.passages import split_sentences
from ..models.bases import base_file, count_tokens
from ..models.tokens import LONGEST, STEP_BYTES, bucketed_batches, encode_words, vocabulary_of, word_tokenizer


def cut(text: str) -> list[str]:
    """The words that Keras' tokenizer makes of a text, none of them unknown."""
    own = word_tokenizer([text])
    return np.array(vocabulary_of(own))[encode_words(own, [text])[0]].tolist()


def sentence_with_unknown(tokenizer: Tokenizer, texts: Iterable[str]) -> str | None:
    """The shortest sentence of the texts, of four words or more, with a word that the tokenizer lacks.

    None where there is none.
    """
    found = [sentence for text in texts for sentence in split_sentences(text) if len(sentence.split()) >= 4]
    lacking = [
        sentence
        for sentence, ids in zip(found, encode_words(tokenizer, found), strict=True)
        if 1 in ids and sentence.isascii()
    ]
    return min(lacking, key=len, default=None)


def merge_steps(bpe, word: str) -> list[list[str]]:
    """The pieces of `word` after 0, 1, … BPE merges: first single bytes, last its tokens.

    They are in byte-level spelling (`Ġ` a space). Each step joins, wherever it stands, the adjacent pair
    that comes first in the tokenizer's list of merges (Sennrich, Haddow and Birch 2016, ACL). Raises
    ValueError if the tokenizer would cut `word` in several words first.
    """
    merges = json.loads(bpe.to_str())["model"]["merges"]
    rank = {
        tuple(pair.split(" ") if isinstance(pair, str) else pair): place for place, pair in enumerate(merges)
    }
    words = bpe.pre_tokenizer.pre_tokenize_str(word)
    if len(words) != 1:
        raise ValueError(f"{word!r} is {len(words)} words to the tokenizer; give one")
    steps = [list(words[0][0])]
    while pairs := [pair for pair in zip(steps[-1], steps[-1][1:], strict=False) if pair in rank]:
        first, second = min(pairs, key=rank.get)
        pieces, joined = steps[-1], []
        while pieces:
            size = 2 if pieces[:2] == [first, second] else 1
            joined.append("".join(pieces[:size]))
            pieces = pieces[size:]
        steps.append(joined)
    return steps


def padding_habits(
    lengths: np.ndarray, batch_size: int, rng: np.random.Generator
) -> dict[str, list[np.ndarray]]:
    """Batches (index arrays) under three habits of padding: `all`, `batch` and `bucketed`.

    `all` and `batch` hold texts at random, to be padded to the longest of all and to the longest of their
    batch; `bucketed` holds texts of similar length.
    """
    order = rng.permutation(len(lengths))
    random = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return {
        "all": random,
        "batch": random,
        "bucketed": list(bucketed_batches(lengths, batch_size, rng)),
    }


def padding_share(lengths: np.ndarray, batches: list[np.ndarray], width: int | None = None) -> float:
    """Share of positions that are padding, in [0, 1).

    Each batch is padded to `width`, or None: to its own longest row.
    """
    computed = sum(len(batch) * (width or lengths[batch].max()) for batch in batches)
    return float(1 - lengths.sum() / computed)


def describe_lengths(base: str, rows: list[str], pages: list[str]) -> str:
    """What long texts cost, for people: memory of the notes' network, share that the base cannot read.

    rows: what the models are trained and examined on; pages: what the first attempt is (the notes' network is
    trained on both, padded to the longest).
    """
    words = min(max(len(text.split()) for text in [*rows, *pages]), LONGEST)
    config = json.loads(base_file(base, "config.json").read_text(encoding="utf-8"))
    positions = config.get("n_positions") or config["max_position_embeddings"]
    tokens = np.array(count_tokens(base, rows))
    lost = np.maximum(tokens - positions, 0)
    return (
        f"the notes' network pads to {words:,} words: about {STEP_BYTES * words / 2**30:.1f} GiB for a step; "
        f"GPT-2 reads the first {positions:,} tokens of a text: {100 * lost.sum() / tokens.sum():.1f} % "
        f"of all tokens are cut, in {(lost > 0).sum():,} rows"
    )
