"""Words of texts: how often each occurs, how many there are, and how many another text knows."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from .passages import split_words


def word_counts(texts: Iterable[str]) -> pd.Series:
    """How often each word occurs, the most frequent first, ties alphabetically.

    Index: the word (see `split_words`); values: int.
    """
    counts = Counter(word for text in texts for word in split_words(text))
    return pd.Series(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))), dtype=int)


def vocabulary_growth(texts: Iterable[str], tokenize) -> tuple[np.ndarray, np.ndarray]:
    """Tokens read and distinct tokens met after 0, 1, …, n texts: two arrays (n + 1,).

    tokenize: text -> list of tokens.
    """
    met: set = set()
    read, distinct = [0], [0]
    for text in texts:
        tokens = tokenize(text)
        met.update(tokens)
        read.append(read[-1] + len(tokens))
        distinct.append(len(met))
    return np.array(read), np.array(distinct)


def known_share(texts: Iterable[str], others: Iterable[str]) -> np.ndarray:
    """Which share of each text's words occurs in the others: (n,) float64, 0 for a text without words."""
    known = {word for text in others for word in split_words(text)}
    words = [split_words(text) for text in texts]
    return np.array([np.mean([word in known for word in own]) if own else 0.0 for own in words])
