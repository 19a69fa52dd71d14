"""Near-duplicate texts: which are so alike that they must stay on one side of a split."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

NEAR_DUPLICATE = 0.7  # Jaccard similarity of word 3-grams from which two texts count as the same
BLOCK = 2000  # texts that are compared with all others at once: bounds the memory


def near_duplicate_groups(texts: pd.Series) -> np.ndarray:
    """(n,) int: texts with the same number are near-duplicates, directly or through others between them.

    Two texts are near-duplicates if the sets of their word 3-grams (of their words, where a text has under
    three) have Jaccard similarity >= NEAR_DUPLICATE. Exact, and fast because each distinct text is compared
    once, and only with those that share one of its rarest 3-grams: sets of that similarity must (prefix
    filtering: Chaudhuri, Ganti and Kaushik 2006, ICDE; Bayardo, Ma and Srikant 2007, WWW).
    """
    which, distinct = pd.factorize(pd.Series(texts).to_numpy(dtype=object))
    matrix = shingle_matrix(distinct)
    size = np.diff(matrix.indptr)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], size)
    prefix = matrix.copy()
    prefix.data = (place < np.repeat(size - np.ceil(NEAR_DUPLICATE * size - 1e-9) + 1, size)).astype(np.int32)
    prefix.eliminate_zeros()
    others, groups = prefix.T.tocsc(), np.arange(len(distinct))
    for start in range(0, len(distinct), BLOCK):
        first, second = near_pairs(matrix, prefix[start : start + BLOCK] @ others, size, start)
        edges = coo_array((np.ones(len(first)), (groups[first], groups[second])), shape=(len(distinct),) * 2)
        groups = connected_components(edges, directed=False)[1][groups]
    return groups[which]


def shingle_matrix(texts: np.ndarray) -> csr_array:
    """(n, 3-grams) int32 of 0 and 1, the columns from the rarest to the most frequent, sorted in each row."""

    def shingles(text: str) -> list[str]:
        words = str(text).lower().split()
        return words if len(words) < 3 else [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]

    vectorizer = CountVectorizer(analyzer=shingles, binary=True, dtype=np.int32)
    matrix = csr_array(vectorizer.fit_transform(texts))
    frequency = np.asarray(matrix.sum(axis=0)).ravel()
    matrix = matrix[:, np.argsort(frequency, kind="stable")]
    matrix.sort_indices()
    return matrix


def near_pairs(matrix: csr_array, candidates, size: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of near-duplicates (first < second) among the candidates: (rows from `start` on, all rows)
    sparse.
    """
    pairs = coo_array(candidates)
    first, second = pairs.row + start, pairs.col
    first, second = first[first < second], second[first < second]
    near = np.zeros(len(first), dtype=bool)
    for begin in range(0, len(first), 100_000):
        rows = slice(begin, begin + 100_000)
        a, b = first[rows], second[rows]
        shared = np.asarray(matrix[a].multiply(matrix[b]).sum(axis=1)).ravel()
        near[rows] = shared >= NEAR_DUPLICATE * (size[a] + size[b] - shared) - 1e-9
    return first[near], second[near]


def near_duplicates(texts: pd.Series) -> np.ndarray:
    """(n,) bool: whether a text is a near-duplicate of another (see `near_duplicate_groups`)."""
    groups = near_duplicate_groups(texts)
    return np.bincount(groups)[groups] > 1
