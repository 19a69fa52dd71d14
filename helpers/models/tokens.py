"""Text to tensors: word tokenizer, BPE merges, padding, and batches of similar length.

No framework is imported here.
"""

import json
from collections.abc import Iterable, Iterator

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import WordLevelTrainer

from ..data.passages import split_sentences

LONGEST = 2500  # words to which the notes' network pads at most
STEP_BYTES = 64 * 28 * 1024  # what each of those words takes of memory in a training step of 64 texts
SPECIAL_WORDS = ["[PAD]", "[UNK]"]
PUNCTUATION = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""  # what TextVectorization strips


def word_tokenizer(texts: Iterable[str] = (), vocabulary: Iterable[str] | None = None) -> Tokenizer:
    """The word tokenizer of Keras (lower case, ASCII punctuation off, cut at white space) adapted to `texts`.

    Id 0 is padding, 1 an unknown word, then the words, frequent first. It cuts as
    `keras.layers.TextVectorization` does (a test holds it to that), but needs no TensorFlow. vocabulary: the
    words by id, of a tokenizer adapted before.
    """
    words = list(SPECIAL_WORDS if vocabulary is None else vocabulary)
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=SPECIAL_WORDS[1]))
    tokenizer.normalizer = Sequence([Lowercase(), Replace(Regex(PUNCTUATION), "")])
    tokenizer.pre_tokenizer = WhitespaceSplit()
    if vocabulary is None:
        trainer = WordLevelTrainer(vocab_size=2**31, special_tokens=SPECIAL_WORDS, show_progress=False)
        tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> list[str]:
    """The tokens of a tokenizer by id."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def encode_words(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Word ids of each text, unpadded. A text without a word gives [1], so that no row is all padding."""
    return [row.ids or [1] for row in tokenizer.encode_batch(list(texts))]


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


def pad(
    sequences: list[list[int]], length: int | None = None, side: str = "right", value: int = 0
) -> np.ndarray:
    """(n, length) int32 filled up with `value`; length None: the longest. Longer ones lose their end.

    side: "left" (the notes' way) or "right" (what masks and cuDNN want).
    """
    width = max(map(len, sequences)) if length is None else length
    out = np.full((len(sequences), width), value, dtype=np.int32)
    for row, sequence in zip(out, sequences, strict=True):
        kept = sequence[:width]
        if kept and side == "left":
            row[-len(kept) :] = kept
        elif kept:
            row[: len(kept)] = kept
    return out


def bucketed_batches(
    lengths: np.ndarray, batch_size: int, rng: np.random.Generator | None
) -> Iterator[np.ndarray]:
    """Index arrays of batches of similar length: little padding, every index exactly once.

    With `rng`, rows are ordered by length plus noise of 10 % (so that batches differ from epoch to epoch) and
    the batches are shuffled; without, the order is by length alone.
    """
    key = lengths * rng.uniform(0.9, 1.1, len(lengths)) if rng is not None else lengths
    order = np.argsort(key, kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if rng is not None:
        rng.shuffle(batches)
    yield from batches


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
