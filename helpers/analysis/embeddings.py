"""What is near what: word vectors of GPT-2 or of a trained BiLSTM, and texts as a classifier reads them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from sklearn.manifold import TSNE

from ..arms import ARMS
from ..experiments.records import load_arrays
from ..experiments.specs import RunSpec
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


def neighbour_share(vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """How often the nearest text of another disease is of the same group, and how often chance would have it.

    vectors: (n, d); labels, groups: (n,) of each text's disease and of the group that this is in. Cosine
    similarity; a disease's other texts take no part, so that to know the disease again is not enough. Texts
    whose group has no other disease are left out; (nan, nan) where that leaves none.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = np.where(labels[:, None] == labels, -np.inf, unit @ unit.T)
    related = (groups[:, None] == groups) & (labels[:, None] != labels)
    asked = related.any(axis=1)
    if not asked.any():
        return float("nan"), float("nan")
    hit = groups[similarity.argmax(axis=1)] == groups
    by_chance = related.sum(axis=1) / (labels[:, None] != labels).sum(axis=1)
    return float(hit[asked].mean()), float(by_chance[asked].mean())


def text_map(
    specs: list[RunSpec],
    base: str,
    classes: list[str],
    texts: list[str],
    labels: list[int],
    groups: list[str],
) -> dict:
    """Texts where a run's classifier sees them: `places` (n, 2) by t-SNE, `same_group`, `chance`.

    specs: of one run. classes: its labels; labels: number of each text's; groups: of each text's label. The
    two shares are those of `neighbour_share` in the whole space, so that the picture cannot flatter.
    """
    from ..models import bases, classifier

    model = classifier.build(ARMS[specs[0].arm], base, classes, specs[0].seed)
    model = bases.put_weights(model, load_arrays(specs[0]))
    vectors = classifier.features_of(model, bases.load_tokenizer(base), texts)
    share, chance = neighbour_share(vectors, np.array(labels), np.array(groups))
    drawn = TSNE(2, metric="cosine", init="random", random_state=0, perplexity=min(30, (len(texts) - 1) / 3))
    places = drawn.fit_transform(vectors).round(2)
    return {"places": places.tolist(), "same_group": share, "chance": chance}
