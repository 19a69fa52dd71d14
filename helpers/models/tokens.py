"""Text to tensors: word tokenizer, padding, and batches of similar length.

No framework is imported here.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import WordLevelTrainer

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
