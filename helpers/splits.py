"""The three protocols and their frozen splits: a table of rows with a `side`, written once, named by its content's hash."""

import hashlib
import os
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from .config import BUILD, InputError
from .fragments import page_id

SIDES = ("train", "valid", "test")
NEAR_DUPLICATE = 0.7  # Jaccard similarity of word 3-grams from which two texts count as the same
MIN_ROWS = 4  # per label: at least two to train on, one to choose with, one to test


def choose_protocol(table: pd.DataFrame) -> str:
    """The protocol that fits: "row" if half of the labels have five rows or more, else "fragment"."""
    return "row" if table["label"].value_counts().median() >= 5 else "fragment"


def page_split(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The original protocol: whole pages at random, 80 % train and 20 % test, nothing held out to choose with.

    table: columns `text`, `label`. Returns one row a page: `id`, `page`, `label`, `text`, `side`, sorted by id.
    """
    rows = page_rows(table)
    test = train_test_split(rows["id"].tolist(), test_size=0.2, random_state=seed)[1]
    return rows.assign(side=np.where(rows["id"].isin(test), "test", "train").astype(object))


def row_split(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Many rows a label: 70/15/15 within each label, near-duplicates in train."""
    return _assign(page_rows(table), lambda n: (max(1, round(0.15 * n)),) * 2, seed)


def fragment_split(fragments: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Every label on every side. Of ten fragments or more, three test, two choose, the rest train (under ten: one and one).

    fragments: columns `id`, `page`, `label`, `text` (see `fragments.make_fragments`); near-duplicates stay in train.
    """
    return _assign(fragments, lambda n: (2, 3) if n >= 10 else (1, 1), seed)


def page_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Whole pages as rows `id`, `page`, `label`, `text`, exact repetitions once, sorted by id (so row order is irrelevant)."""
    ids = [page_id(label, text) for text, label in zip(table["text"], table["label"], strict=True)]
    rows = pd.DataFrame(
        {"id": ids, "page": ids, "label": table["label"].to_numpy(object), "text": table["text"].to_numpy(object)}
    )
    return rows.drop_duplicates("id").sort_values("id").reset_index(drop=True).astype(object)


def _assign(rows: pd.DataFrame, quota: Callable[[int], tuple[int, int]], seed: int) -> pd.DataFrame:
    """`rows` with a `side`; quota(rows of the label) gives (validation rows, test rows). Labels too small are left out, aloud."""
    rows = rows.sort_values("id").reset_index(drop=True)
    duplicated = near_duplicates(rows["text"])
    distinct = rows.loc[~duplicated, "label"].value_counts()
    small = sorted(set(rows["label"]) - set(distinct[distinct >= MIN_ROWS].index))
    if len(small) > rows["label"].nunique() - 2:
        raise InputError(
            f"fewer than two labels have {MIN_ROWS} distinct texts of their own; give longer pages or more rows"
        )
    if small:
        print(
            f"left out: {len(small)} label(s) with under {MIN_ROWS} distinct texts: {', '.join(small[:5])}{' …' if small[5:] else ''}"
        )
    keep = ~rows["label"].isin(small).to_numpy()
    rows, duplicated = rows[keep].reset_index(drop=True), duplicated[keep]
    side = np.full(len(rows), "train", dtype=object)
    rng = np.random.default_rng(seed)
    for label in sorted(set(rows["label"])):
        own = rng.permutation(np.flatnonzero((rows["label"] == label).to_numpy() & ~duplicated))
        n_valid, n_test = quota(len(own))
        side[own[:n_test]] = "test"
        side[own[n_test : n_test + n_valid]] = "valid"
    return rows.assign(side=side)


def near_duplicates(texts: pd.Series) -> np.ndarray:
    """(n,) bool: whether a text has Jaccard similarity >= NEAR_DUPLICATE (word 3-grams; shorter texts: words) with another."""

    def shingles(text: str) -> list[str]:
        words = str(text).lower().split()
        return words if len(words) < 3 else [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]

    matrix = CountVectorizer(analyzer=shingles, binary=True, dtype=np.int32).fit_transform(texts.to_numpy(dtype=object))
    shared = (matrix @ matrix.T).tocoo()
    size = np.asarray(matrix.sum(axis=1)).ravel()
    jaccard = shared.data / (size[shared.row] + size[shared.col] - shared.data)
    pair = (shared.row != shared.col) & (jaccard >= NEAR_DUPLICATE)
    found = np.zeros(len(texts), dtype=bool)
    found[shared.row[pair]] = True
    return found


def split_hash(split: pd.DataFrame) -> str:
    """16 hexadecimal digits over id, label, text and side of every row, whatever their order."""
    lines = sorted("\x00".join(row) for row in split[["id", "label", "text", "side"]].itertuples(index=False))
    return hashlib.sha256("\x01".join(lines).encode()).hexdigest()[:16]


def freeze(split: pd.DataFrame) -> str:
    """Writes the split under its hash, once, and returns the hash; `load_split` gives it back to any process."""
    key = split_hash(split)
    file = BUILD / "splits" / f"{key}.csv"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}.part")
        split.to_csv(temporary, index=False)
        temporary.replace(file)
    return key


def load_split(key: str) -> pd.DataFrame:
    """The frozen split of that hash; raises InputError if it is not there or its content no longer has the hash."""
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
