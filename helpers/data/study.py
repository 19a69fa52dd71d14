"""One profile on one source: pages masked, cut and frozen into the splits that every model shares."""

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from ..arms import call_after
from ..config import BUILD, COMMITTED, ROOT, InputError, Profile, get_profile
from . import masking, sources, splits

# labels from which some can be held out: two to test, one to choose with, and a few to train on
MIN_UNSEEN = 6


@dataclass(frozen=True)
class Study:
    """One profile on one source: pages, frozen splits, Spanish names of the labels, and where outputs go."""

    profile: Profile
    source: str
    protocol: str
    pages: pd.DataFrame = field(repr=False)  # text, label: cleaned, nothing masked
    masked: pd.DataFrame = field(repr=False)  # the same pages with names masked
    split: pd.DataFrame = field(repr=False)  # every arm's rows, from the masked pages
    split_key: str
    page_split: pd.DataFrame = field(repr=False)  # the original protocol: nothing masked
    page_key: str
    # each label on one side, the original test labels in test: pages, or passages and statements
    unseen_split: pd.DataFrame = field(repr=False)
    unseen_key: str
    names: dict[str, str] = field(repr=False)
    aliases: dict[str, tuple[str, ...]] = field(repr=False)  # other names of a label, masked like its own
    statements: pd.DataFrame | None = field(repr=False)  # what patients say of the labels, nothing masked
    others: pd.DataFrame = field(repr=False)  # pages of the source's labels that the profile leaves out
    hands: dict[str, str] = field(repr=False)  # who wrote a statement, by its id, where that is known

    @property
    def num_labels(self) -> int:
        return self.split["label"].nunique()

    @property
    def answers(self) -> list[str]:
        """The English names of the split's labels: what a language model answers.

        In the order of `splits.label_classes`.
        """
        return self.answers_of(self.split)

    def answers_of(self, split: pd.DataFrame) -> list[str]:
        """As `answers`, for another split of the same labels."""
        return [
            next(iter(self.aliases[label]), label.replace("-", " ")) for label in splits.label_classes(split)
        ]

    def hands_of(self, split: pd.DataFrame) -> np.ndarray | None:
        """Who wrote each test row of a split: (n,) str; None where that is not known of all."""
        found = split.loc[split["side"] == "test", "id"].map(self.hands)
        return None if found.isna().any() or found.empty else found.to_numpy(str)

    @property
    def source_name(self) -> str:
        return sources.name_of(self.source)

    @property
    def called(self) -> str:
        """The name of its outputs: profile and source, and the base where it is not the profile's own.

        Of a directory, its name and 8 digits over where it lies.
        """
        name, at, base = self.profile.name.partition("@")
        place = hashlib.sha256(base.encode()).hexdigest()[:8] if Path(base).is_absolute() else ""
        return "-".join(filter(None, (name, self.source_name, Path(base).name if at else "", place)))

    @property
    def output(self) -> Path:
        """Where outputs go: the repository or scratch space.

        The repository for the profile whose outputs are committed, on its own source; else, and with
        HELPERS_BUILD, scratch.
        """
        own = (
            self.profile.name == COMMITTED
            and self.source == self.profile.source
            and "HELPERS_BUILD" not in os.environ
        )
        return ROOT if own else BUILD / "outputs" / self.called

    @cached_property
    def page_variants(self) -> dict[str, pd.DataFrame]:
        """The original split with one thing changed, by what is changed; the test pages stay the same."""
        variants = {"cleaned": scrub_pages(self), "fewer pages": drop_half(self.page_split)}
        more = add_other_pages(self)
        return variants | ({"more pages": more} if len(more) > len(self.page_split) else {})

    @cached_property
    def variant_keys(self) -> dict[str, str]:
        """The content hash of each of `page_variants`, which `freeze_variants` writes."""
        return {change: splits.split_hash(split) for change, split in self.page_variants.items()}

    def freeze_variants(self) -> None:
        """Writes `page_variants`, for whoever trains on them."""
        for split in self.page_variants.values():
            splits.freeze(split)


def scrub_pages(study: Study) -> pd.DataFrame:
    """The page split with its texts cleaned as hard as could be.

    Names masked, no numbers, no English stop words, lower case.
    """
    split = study.page_split
    texts = masking.mask_table(split[["text", "label"]], study.aliases)["text"]
    words = texts.str.lower().str.findall(r"[a-z]+(?:-[a-z]+)*")
    return split.assign(
        text=[" ".join(word for word in row if word not in ENGLISH_STOP_WORDS) for row in words]
    )


def drop_half(split: pd.DataFrame) -> pd.DataFrame:
    """A page split with every other training page left out."""
    train = np.flatnonzero(split["side"] == "train")
    return split.drop(index=split.index[train[1::2]]).reset_index(drop=True)


def add_other_pages(study: Study) -> pd.DataFrame:
    """The page split with half as many training pages again, of other diseases of the same source.

    Fewer pages where there are fewer.
    """
    others = study.others.sort_values("label").head(int((study.page_split["side"] == "train").sum()) // 2)
    if others.empty:
        return study.page_split
    more = splits.page_rows(others).assign(side="train")
    return pd.concat([study.page_split, more]).sort_values("id").reset_index(drop=True)


def prepare(profile: str = "class", source: str | None = None) -> Study:
    """Loads, masks, cuts and freezes the data of a profile; the same arguments always give the same splits.

    source None: the profile's own. Raises InputError on anything unusable, before a file is written.
    """
    settings = get_profile(profile)
    call_after(settings.base)
    source = sources.resolve(settings.source if source is None else source)
    pages = sources.load_table(source)
    for note in pages.attrs.get("notes", ()):
        print(f"{sources.called(source)}: {note}")
    names, aliases = sources.label_names_of(source, sorted(set(pages["label"])))
    statements = sources.load_statements(source, set(pages["label"]))
    protocol = splits.choose_protocol(pages, statements)
    # Masked before the subset is taken: which words give a name away is decided on all pages.
    masked, said = masking.mask_all(pages, aliases, statements)
    chosen = choose_labels(settings, source, masked, protocol, said)
    others = pages[~pages["label"].isin(chosen)].reset_index(drop=True)
    pages, masked, statements, said = (
        None if table is None else table[table["label"].isin(chosen)].reset_index(drop=True)
        for table in (pages, masked, statements, said)
    )
    try:
        split = splits.make_split(masked, protocol, statements=said)
    except InputError as error:
        raise InputError(f"--data {source}: {error}") from error
    page_split = splits.page_split(pages)
    unseen_split = _unseen(masked[masked["label"].isin(split["label"])], page_split, said)
    say_left_out(sorted(set(pages["label"]) - set(split["label"])), protocol)
    if settings.rows:
        split, unseen_split = sample(split, unseen_split, settings.rows)
    keys = [splits.freeze(rows) for rows in (split, page_split, unseen_split)]
    return Study(
        profile=settings,
        source=source,
        protocol=protocol,
        pages=pages,
        masked=masked,
        split=split,
        split_key=keys[0],
        page_split=page_split,
        page_key=keys[1],
        unseen_split=unseen_split,
        unseen_key=keys[2],
        names=names,
        aliases=aliases,
        others=others,
        statements=statements,
        hands={} if said is None else splits.hands(said),
    )


def sample(
    split: pd.DataFrame, unseen_split: pd.DataFrame, rows: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A split and one of unseen diseases with at most the rows that a profile allows (see `Profile`)."""
    held = {side: rows[side] for side in ("valid", "test")}
    each = splits.thin(split, rows["train"], 0)
    return splits.at_most(each, held), splits.at_most(unseen_split, held | {"train": rows["pages"]})


def choose_labels(
    settings: Profile, source: str, masked: pd.DataFrame, protocol: str, statements: pd.DataFrame | None
) -> list[str]:
    """The labels that a profile keeps: whole confusion groups of ours, as many as it allows of any other.

    Of another source they are drawn among those that have texts enough to be split.
    """
    labels = sorted(set(masked["label"]))
    embedded = sources.parts_of(source)[0] == "embedded"
    if embedded and settings.groups is not None:
        diseases = sources.load_diseases()
        return sorted(diseases.index[diseases["group"].isin(settings.groups)])
    if not embedded and settings.max_labels is not None and len(labels) > settings.max_labels:
        too_few = splits.left_out(masked, protocol, statements)
        labels = [label for label in labels if label not in too_few] or labels
        if len(labels) > settings.max_labels:
            drawn = np.random.default_rng(0).choice(labels, settings.max_labels, replace=False)
            labels = sorted(drawn.tolist())
    return labels


def say_left_out(labels: list[str], protocol: str) -> None:
    """Says which labels have too few texts to be split, if any."""
    few = f"with under {splits.MIN_ROWS} distinct texts"
    if labels:
        few = "without a statement to test" if protocol == "patients" else few
        print(f"left out: {len(labels)} label(s) {few}: {', '.join(labels[:5])}{' …' if labels[5:] else ''}")


def _unseen(masked: pd.DataFrame, page_split: pd.DataFrame, statements: pd.DataFrame | None) -> pd.DataFrame:
    """`splits.unseen_split` with those labels held out that the original split tests but never taught.

    Of fewer than MIN_UNSEEN labels, or without a statement to choose by, no row. A source of many rows a
    label leaves no such test labels, so a fifth of the labels is drawn.
    """
    labels = sorted(set(masked["label"]))
    if len(labels) < MIN_UNSEEN:
        return splits.page_rows(masked).assign(side="train").iloc[:0]
    held_out = splits.unseen_labels(page_split)[0] & set(labels)
    if len(held_out) < max(2, len(labels) // 10):
        held_out = set(
            np.random.default_rng(0).choice(labels, max(2, len(labels) // 5), replace=False).tolist()
        )
    return splits.unseen_split(masked, held_out, statements)
