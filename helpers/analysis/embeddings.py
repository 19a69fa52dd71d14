"""Tables of word vectors, one row a word: GPT-2's, or a trained BiLSTM's; who is near whom in them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from sklearn.manifold import TSNE

from ..models.bases import base_file, load_bpe


def gpt2_words(base: str) -> pd.DataFrame:
    """The base's token embeddings of whole lower-case words: index word, (n, d) float32.

    Whole words are tokens that begin with a space.
    """
    weights = load_file(base_file(base, "model.safetensors"))
    tables = ("wte.weight", "embed_tokens.weight")
    matrix = next(tensor for name, tensor in weights.items() if name.endswith(tables)).astype(np.float32)
    bpe = load_bpe(base)
    tokens = pd.Series([bpe.decode([number]) for number in range(len(matrix))])
    whole = tokens.str.fullmatch(r" [a-z]{2,}")
    return pd.DataFrame(matrix[whole.to_numpy()], index=tokens[whole].str.strip().to_numpy(object))


def bilstm_words(arrays: dict[str, np.ndarray], trained: bool = True) -> pd.DataFrame:
    """A BiLSTM's embedding from its run's arrays, before or after training: index word, (n, 150) float32."""
    matrix = arrays["weight_0" if trained else "initial_embedding"]
    # 0 is padding, 1 an unknown word
    return pd.DataFrame(matrix[2:], index=arrays["vocabulary"][2:].astype(object))


def cosine(table: pd.DataFrame, words: Iterable[str]) -> pd.DataFrame:
    """Cosine similarity of `words` (rows) to every word of the table (columns).

    Raises KeyError for a word not in the table.
    """
    unit = table.div(np.linalg.norm(table, axis=1), axis=0)
    return unit.loc[list(words)] @ unit.T


def turned(before: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
    """Cosine similarity of each word's vector in one table and in the other: index word.

    Both tables have the same words in the same order.
    """
    product = (before * after).sum(axis=1)
    return product / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)


def nearest(table: pd.DataFrame, words: Iterable[str], k: int = 5) -> pd.Series:
    """For each of `words` the k words with the most similar vectors: index word, lists of str.

    The nearest comes first; the word itself is left out.
    """
    similarity = cosine(table, words)
    return pd.Series(
        {word: row.drop(word).nlargest(k).index.tolist() for word, row in similarity.iterrows()}, dtype=object
    )


def theme_similarity(table: pd.DataFrame, themes: dict[str, list[str]]) -> tuple[float, float]:
    """Mean cosine similarity of pairs of words in one theme, and of pairs in different themes."""
    theme_of = np.array([theme for theme, words in themes.items() for _ in words])
    words = [word for group in themes.values() for word in group]
    similarity = cosine(table.loc[words], words).to_numpy()
    same, other = theme_of[:, None] == theme_of, theme_of[:, None] != theme_of
    np.fill_diagonal(same, False)
    return float(similarity[same].mean()), float(similarity[other].mean())


def known_to_all(themes: dict[str, list[str]], *tables: pd.DataFrame) -> dict[str, list[str]]:
    """The themes with only the words that every table has.

    Themes with fewer than two such words are left out.
    """
    found = {
        theme: [w for w in words if all(w in table.index for table in tables)]
        for theme, words in themes.items()
    }
    return {theme: words for theme, words in found.items() if len(words) > 1}


def flat_map(table: pd.DataFrame, words: list[str]) -> np.ndarray:
    """(n, 2) t-SNE positions of the words' vectors under cosine distance.

    Only which words are near one another means anything.
    """
    perplexity = min(6.0, (len(words) - 1) / 2)  # must be under the number of words
    return TSNE(2, perplexity=perplexity, metric="cosine", init="random", random_state=0).fit_transform(
        table.loc[words]
    )
