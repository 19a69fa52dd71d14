"""The three protocols and their frozen splits: near-duplicates on one side, tables named by their hash."""

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from ..config import BUILD, InputError
from ..files import replacing
from .fragments import label_names, make_fragments, mask_names, page_id

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


SIDES = ("train", "valid", "test")
MIN_ROWS = 4  # distinct texts per label: at least two to train on, one to choose with, one to test
MANY_ROWS = 5  # rows in the median label from which whole rows are split


def choose_protocol(table: pd.DataFrame) -> str:
    """The protocol that fits: "row" if half of the labels have MANY_ROWS rows or more, else "fragment"."""
    return "row" if table["label"].value_counts().median() >= MANY_ROWS else "fragment"


def make_split(masked: pd.DataFrame, protocol: str, seed: int = 0) -> pd.DataFrame:
    """The split of a masked table under the protocol "row" or "fragment"."""
    rows = rows_of(masked, protocol)
    return row_split(rows, seed) if protocol == "row" else fragment_split(rows, seed)


def rows_of(masked: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """The rows that are put on sides under a protocol: whole ones, or fragments of pages."""
    return page_rows(masked) if protocol == "row" else make_fragments(masked)


def page_split(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The original protocol: whole pages at random, 80 % train and 20 % test.

    Nothing is held out to choose with. Returns one row a page: `id`, `page`, `label`, `text`, `side`, sorted
    by id.
    table: columns `text`, `label`.
    """
    rows = page_rows(table)
    test = train_test_split(rows["id"].tolist(), test_size=0.2, random_state=seed)[1]
    return rows.assign(side=np.where(rows["id"].isin(test), "test", "train").astype(object))


def unseen_labels(split: pd.DataFrame) -> tuple[set[str], set[str]]:
    """The test labels without a training row, and all test labels.

    No closed-set classifier can get the former right.
    """
    train, test = (set(split.loc[split["side"] == name, "label"]) for name in ("train", "test"))
    return test - train, test


def unseen_split(masked: pd.DataFrame, held_out: set[str], aliases: dict[str, Iterable[str]]) -> pd.DataFrame:
    """Whole pages, each label on one side: `held_out` test, an eighth of the others choose, the rest train.

    A page is masked of its own disease alone; here the names (and `aliases`) of what is held out or chosen by
    are masked in every training page too, so that no training row names them.
    """
    rows = page_rows(masked)
    others = sorted(set(rows["label"]) - held_out)
    valid = train_test_split(others, test_size=0.125, random_state=0)[1]
    side = np.select([rows["label"].isin(held_out), rows["label"].isin(valid)], ["test", "valid"], "train")
    hidden = {
        name for label in {*held_out, *valid} for name in (*label_names(label), *aliases.get(label, ()))
    }
    texts = [
        mask_names(text, hidden) if where == "train" else text
        for text, where in zip(rows["text"], side, strict=True)
    ]
    return rows.assign(text=pd.Series(texts, dtype=object), side=side.astype(object))


def thin(split: pd.DataFrame, per_label: int, seed: int) -> pd.DataFrame:
    """The split with at most `per_label` training rows of each label; the other sides as they are.

    Which ones depends on the seed alone, and fewer are always among more: a curve over `per_label` adds rows,
    never swaps them.
    """
    train = split.index[split["side"] == "train"]
    order = pd.Series(np.random.default_rng(seed).permutation(len(train)), index=train)
    place = order.groupby(split.loc[train, "label"]).rank()
    return split.drop(index=train[place > per_label]).reset_index(drop=True)


CONTROLLED = 3  # labels from which one can be held out whole and two are left to train on


def whole_labels(split: pd.DataFrame) -> pd.DataFrame:
    """The same rows with each label wholly on one side, every fifth in test.

    A control, for no test label can be learned.
    """
    held = label_classes(split)[::5]
    return split.assign(side=np.where(split["label"].isin(held), "test", "train"))


def row_split(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Many rows a label: about 70/15/15 within each, near-duplicates on one side (see `assign_sides`)."""
    return assign_sides(rows, lambda n: (max(1, round(0.15 * n)),) * 2, seed)


def fragment_split(fragments: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Every label on every side: of ten fragments or more, three test, two choose, the rest train.

    Of under ten, one tests and one chooses; near-duplicates are on one side.
    fragments: columns `id`, `page`, `label`, `text` (see `fragments.make_fragments`).
    """
    return assign_sides(fragments, lambda n: (2, 3) if n >= 10 else (1, 1), seed)


def page_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Whole pages as rows `id`, `page`, `label`, `text`, exact repetitions once.

    Sorted by id, so the order of rows is irrelevant.
    """
    ids = [page_id(label, text) for text, label in zip(table["text"], table["label"], strict=True)]
    rows = pd.DataFrame(
        {
            "id": ids,
            "page": ids,
            "label": table["label"].to_numpy(object),
            "text": table["text"].to_numpy(object),
        }
    )
    return rows.drop_duplicates("id").sort_values("id").reset_index(drop=True).astype(object)


def assign_sides(rows: pd.DataFrame, quota: Callable[[int], tuple[int, int]], seed: int) -> pd.DataFrame:
    """`rows` with a `side`, sorted by id; quota(rows of a label) gives how many choose and how many test.

    Near-duplicates go to one side together; where they stand under two labels, to train. Labels with fewer
    than MIN_ROWS distinct texts of their own are left out (compare the labels before and after); InputError
    if under two remain.
    """
    rows = rows.sort_values("id").reset_index(drop=True)
    rows, own, distinct = _own_texts(rows)
    kept = sorted(distinct.index[distinct >= MIN_ROWS])
    if len(kept) < 2:
        raise InputError(
            f"fewer than two labels have {MIN_ROWS} distinct texts of their own (of {len(distinct)} labels "
            f"{len(kept)}; the most that one has: {distinct.max()}); give longer pages or more rows"
        )
    groups_of = own.groupby(["label", "group"], sort=False).size()
    side_of: dict[int, str] = {}
    rng = np.random.default_rng(seed)
    for label in kept:
        sizes = groups_of[label]
        sizes = sizes.iloc[rng.permutation(len(sizes))]
        n_valid, n_test = quota(int(sizes.sum()))
        for name, wanted in (("test", n_test), ("valid", n_valid)):
            taken = _fill(sizes, wanted)
            side_of |= dict.fromkeys(taken, name)
            sizes = sizes.drop(taken)
    side = rows["group"].map(side_of).fillna("train").astype(object)
    return rows.assign(side=side)[rows["label"].isin(kept)].drop(columns="group").reset_index(drop=True)


def _own_texts(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """The rows with their near-duplicate `group`, each label's own ones among them, and counts of these.

    Own rows are those whose group has one label only; the counts are of the distinct ones, by label.
    """
    rows = rows.assign(group=near_duplicate_groups(rows["text"]))
    own = rows[rows.groupby("group")["label"].transform("nunique") == 1]
    distinct = own.groupby("label")["group"].nunique().reindex(sorted(set(rows["label"])), fill_value=0)
    return rows, own, distinct


def left_out(rows: pd.DataFrame) -> dict[str, int]:
    """Labels that `assign_sides` leaves out, with how many distinct texts of their own they have."""
    distinct = _own_texts(rows)[2]
    return distinct[distinct < MIN_ROWS].to_dict()


def _fill(sizes: pd.Series, wanted: int) -> list[int]:
    """Groups, in the order given, that fit into `wanted` rows; the smallest one if none does.

    sizes: rows by group.
    """
    taken, total = [], 0
    for group, size in sizes.items():
        if total + size <= wanted:
            taken.append(group)
            total += size
    return taken or [sizes.idxmin()]


def split_hash(split: pd.DataFrame) -> str:
    """16 hexadecimal digits over id, label, text and side of every row, whatever their order."""
    lines = sorted("\x00".join(row) for row in split[["id", "label", "text", "side"]].itertuples(index=False))
    return hashlib.sha256("\x01".join(lines).encode()).hexdigest()[:16]


def freeze(split: pd.DataFrame) -> str:
    """Writes the split under its hash, once, and returns the hash; `load_split` gives it to any process."""
    key = split_hash(split)
    file = BUILD / "splits" / f"{key}.csv"
    if not file.exists():
        with replacing(file) as temporary:
            split.to_csv(temporary, index=False)
    return key


def load_split(key: str) -> pd.DataFrame:
    """The frozen split of that hash.

    Raises InputError if it is not there or its content no longer has the hash.
    """
    file = BUILD / "splits" / f"{key}.csv"
    if not file.is_file():
        raise InputError(f"{file}: no such frozen split; run `python -m helpers run` to write it")
    split = pd.read_csv(file, dtype=str, keep_default_na=False).astype(object)
    if split_hash(split) != key:
        raise InputError(f"{file}: its content no longer has the hash of its name; delete it and run again")
    return split


def side(split: pd.DataFrame, name: str) -> tuple[list[str], np.ndarray]:
    """Texts and label numbers (int64; the position in the sorted labels of the whole split) of one side."""
    classes = label_classes(split)
    rows = split[split["side"] == name]
    return rows["text"].tolist(), np.searchsorted(classes, rows["label"].to_numpy(str)).astype(np.int64)


def label_classes(split: pd.DataFrame) -> np.ndarray:
    """The sorted distinct labels of all sides, (k,) str: the columns of every logit matrix."""
    return np.unique(split["label"].to_numpy(str))
