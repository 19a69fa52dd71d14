"""The protocols and their frozen splits: near-duplicates on one side, tables named by their hash."""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ..config import BUILD, InputError
from ..files import replacing
from .duplicates import near_duplicate_groups
from .passages import make_fragments, make_passages, page_id

SIDES = ("train", "valid", "test")
MIN_ROWS = 4  # distinct texts per label: at least two to train on, one to choose with, one to test
MANY_ROWS = 5  # rows in the median label from which whole rows are split


def choose_protocol(table: pd.DataFrame, statements: pd.DataFrame | None = None) -> str:
    """The protocol that fits.

    "patients" where there are statements; else "row" if half of the labels have MANY_ROWS rows or more, else
    "fragment".
    """
    if statements is not None:
        return "patients"
    return "row" if table["label"].value_counts().median() >= MANY_ROWS else "fragment"


def make_split(
    masked: pd.DataFrame, protocol: str, seed: int = 0, statements: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The split of a masked table under a protocol; masked statements are for "patients"."""
    if protocol == "patients":
        return patients_split(masked, statements)
    rows = _rows_of(masked, protocol)
    return row_split(rows, seed) if protocol == "row" else fragment_split(rows, seed)


def _rows_of(masked: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """What is put on sides under "row" and "fragment": whole rows, or fragments of pages."""
    return page_rows(masked) if protocol == "row" else make_fragments(masked)


def left_out(masked: pd.DataFrame, protocol: str, statements: pd.DataFrame | None = None) -> dict[str, int]:
    """Labels that the protocol leaves out, with how many texts they have of what it needs.

    Under "patients" that is a statement to test; else MIN_ROWS distinct texts of their own.
    """
    if protocol == "patients":
        tested = statements.loc[statements["side"] == "test", "label"].value_counts()
        counts = tested.reindex(sorted(set(masked["label"])), fill_value=0)
        return counts[counts == 0].to_dict()
    distinct = _own_texts(_rows_of(masked, protocol))[2]
    return distinct[distinct < MIN_ROWS].to_dict()


def patients_split(masked: pd.DataFrame, statements: pd.DataFrame) -> pd.DataFrame:
    """Learn from pages, answer people: passages of the pages train, statements choose and test.

    Returns `id`, `page`, `label`, `text`, `side`, sorted by id; a statement is its own page. Labels without a
    statement to test are left out, and statements that are near-duplicates of a passage, or of one on a side
    before theirs (train, test, valid). InputError if under two labels, or nothing to choose by, remain.
    masked: pages, `text`, `label`; statements: `text`, `label`, `side`.
    """
    kept = set(masked["label"]) - set(left_out(masked, "patients", statements))
    if len(kept) < 2:
        raise InputError("fewer than two labels have a statement to test; give statements with side `test`")
    said = statements[statements["label"].isin(kept)]
    ids = [page_id(label, text) for text, label in zip(said["text"], said["label"], strict=True)]
    rows = pd.concat(
        [
            make_passages(masked[masked["label"].isin(kept)]).assign(side="train"),
            said.assign(id=ids, page=ids)[["id", "page", "label", "text", "side"]],
        ]
    )
    place = rows["side"].map({"train": 0, "test": 1, "valid": 2})
    group = pd.Series(near_duplicate_groups(rows["text"]), index=rows.index)
    before = place.groupby(group.to_numpy()).transform("min")
    rows = rows[(place == before).to_numpy()].drop_duplicates("id")
    tested = rows.loc[rows["side"] == "test", "label"]
    rows = rows[rows["label"].isin(tested)].sort_values("id").reset_index(drop=True).astype(object)
    if tested.nunique() < 2:
        raise InputError(
            "fewer than two labels have a statement to test that is none of a page's passages; give others"
        )
    if not (rows["side"] == "valid").any():
        raise InputError("no statement is left to choose by; give statements with side `valid`")
    return rows


def hands(statements: pd.DataFrame) -> dict[str, str]:
    """Who wrote each statement, by its id in a split; those of whom that is not known are left out."""
    rows = zip(statements["label"], statements["text"], statements["hand"], strict=True)
    return {page_id(label, text): hand for label, text, hand in rows if hand}


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


def unseen_split(
    masked: pd.DataFrame, held_out: set[str], statements: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Each label on one side: `held_out` test, an eighth of the others choose, the rest train.

    Rows are whole pages; with statements, passages to train on and statements to be asked about: those that
    choose in the study choose here, those that test it test here; no row if none can choose. All names are
    masked in all texts (see `masking.Mask`), so no training row names what is held out.
    """
    labels = set(masked["label"])
    valid = train_test_split(sorted(labels - held_out), test_size=0.125, random_state=0)[1]
    rows = page_rows(masked)
    side = np.select([rows["label"].isin(held_out), rows["label"].isin(valid)], ["test", "valid"], "train")
    if statements is not None:
        split = patients_split(masked, statements)
        known = set(split.loc[split["side"] == "valid", "label"]) - held_out
        if not known:
            return split.iloc[:0]
        if not known & set(valid):
            valid = sorted(known)[: len(valid)]
        asked = {"test": held_out, "valid": set(valid), "train": labels - held_out - set(valid)}
        rows = split[[la in asked[at] for la, at in zip(split["label"], split["side"], strict=True)]]
        rows, side = rows.drop(columns="side").reset_index(drop=True), rows["side"].to_numpy()
    return rows.assign(side=side.astype(object))


def at_most(split: pd.DataFrame, rows: Mapping[str, int]) -> pd.DataFrame:
    """The split with at most so many rows on each side that `rows` names, one of each label first."""
    place = split.groupby(["side", "label"]).cumcount()
    order = split.assign(place=place).sort_values("place", kind="stable")
    rank = order.groupby("side").cumcount().reindex(split.index)
    limit = split["side"].map(dict(rows)).fillna(len(split))
    return split[rank < limit].reset_index(drop=True)


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
    fragments: columns `id`, `page`, `label`, `text` (see `passages.make_fragments`).
    """
    return assign_sides(fragments, lambda n: (2, 3) if n >= 10 else (1, 1), seed)


def page_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Whole pages as rows `id`, `page`, `label`, `text`, exact repetitions once.

    Sorted by id, so the order of rows is irrelevant.
    """
    ids = [page_id(label, text) for text, label in zip(table["text"], table["label"], strict=True)]
    rows = table.assign(id=ids, page=ids)[["id", "page", "label", "text"]]
    return rows.drop_duplicates("id").sort_values("id").reset_index(drop=True).astype(object)


def assign_sides(rows: pd.DataFrame, quota: Callable[[int], tuple[int, int]], seed: int) -> pd.DataFrame:
    """`rows` with a `side`, sorted by id; quota(rows of a label) gives how many choose and how many test.

    Near-duplicates go to one side together; where they stand under two labels, to train. Every label has rows
    on every side, even where the quota is missed for it. Labels with fewer than
    MIN_ROWS distinct texts of their own are left out (compare the labels before and after); InputError if
    under two remain.
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
        for name, wanted, left in (("test", n_test, 2), ("valid", n_valid, 1)):
            taken = _fill(sizes, wanted, left)
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


def _fill(sizes: pd.Series, wanted: int, left: int) -> list[int]:
    """Groups, in the order given, that fit into `wanted` rows; the smallest one if none does.

    sizes: rows by group; left: groups that stay for the other sides.
    """
    taken, total = [], 0
    for group, size in sizes.items():
        if total + size <= wanted and len(taken) < len(sizes) - left:
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
