"""Texts that are nearly the same."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

NEAR_DUPLICATE = 0.7  # Jaccard similarity of word 3-grams from which two texts count as the same


def near_duplicate_groups(texts: pd.Series) -> np.ndarray:
    """(n,) int: texts with the same number are near-duplicates, directly or through others between them.

    Two texts are near-duplicates if the sets of their word 3-grams (of their words, where a text has under
    three) have Jaccard similarity >= NEAR_DUPLICATE. Exact, and fast because only texts that share one of
    their rarest 3-grams are
    compared: sets of that similarity must (prefix filtering: Chaudhuri, Ganti and Kaushik 2006, ICDE;
    Bayardo, Ma and Srikant 2007, WWW).
    """

    def shingles(text: str) -> list[str]:
        words = str(text).lower().split()
        return words if len(words) < 3 else [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]

    vectorizer = CountVectorizer(analyzer=shingles, binary=True, dtype=np.int32)
    matrix = vectorizer.fit_transform(pd.Series(texts).to_numpy(dtype=object)).tocsr()
    size = np.diff(matrix.indptr)
    # Columns renumbered from the rarest to the most frequent: each row's first ones are then its rarest.
    frequency = np.asarray(matrix.sum(axis=0)).ravel()
    matrix = matrix[:, np.argsort(frequency, kind="stable")]
    matrix.sort_indices()
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], size)
    prefix = matrix.copy()
    prefix.data = (place < np.repeat(size - np.ceil(NEAR_DUPLICATE * size - 1e-9) + 1, size)).astype(np.int32)
    prefix.eliminate_zeros()
    pairs = coo_array((prefix @ prefix.T).tocoo())
    first, second = (index[pairs.row < pairs.col] for index in (pairs.row, pairs.col))
    shared = np.zeros(len(first))
    for start in range(0, len(first), 100_000):
        rows = slice(start, start + 100_000)
        shared[rows] = np.asarray(matrix[first[rows]].multiply(matrix[second[rows]]).sum(axis=1)).ravel()
    near = shared >= NEAR_DUPLICATE * (size[first] + size[second] - shared) - 1e-9
    graph = coo_array((np.ones(near.sum()), (first[near], second[near])), shape=(len(size),) * 2)
    return connected_components(graph, directed=False)[1]


def near_duplicates(texts: pd.Series) -> np.ndarray:
    """(n,) bool: whether a text is a near-duplicate of another (see `near_duplicate_groups`)."""
    groups = near_duplicate_groups(texts)
    return np.bincount(groups)[groups] > 1
