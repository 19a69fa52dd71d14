"""One profile on one source: pages masked, cut and frozen into the splits that every model shares."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open

from . import data, fragments, splits
from .config import BUILD, ROOT, InputError, Profile, get_profile
from .text import base_file, load_bpe

COMMITTED = "report"  # the profile whose notebooks, figures and tables are in the repository
MIN_UNSEEN = 6  # labels from which some can be held out: two to test, one to choose with, and a few to train on


@dataclass(frozen=True)
class Study:
    """One profile on one source: the pages, the frozen splits, Spanish names of the labels, and where outputs go."""

    profile: Profile
    source: str
    protocol: str
    pages: pd.DataFrame = field(repr=False)  # text, label: cleaned, nothing masked
    masked: pd.DataFrame = field(repr=False)  # the same pages with names masked
    split: pd.DataFrame = field(repr=False)  # every arm's rows, from the masked pages
    split_key: str
    page_split: pd.DataFrame = field(repr=False)  # the original protocol: nothing masked
    page_key: str
    unseen_split: pd.DataFrame = field(
        repr=False
    )  # masked pages, the test labels named nowhere else: the original test pages
    unseen_key: str
    names: dict[str, str] = field(repr=False)
    aliases: dict[str, tuple[str, ...]] = field(repr=False)  # other names of a label, masked like its own
    others: pd.DataFrame = field(repr=False)  # pages of the source's labels that the profile leaves out

    @property
    def num_labels(self) -> int:
        return self.split["label"].nunique()

    @property
    def answers(self) -> list[str]:
        """The English names of the split's labels, in the order of `splits.label_classes`: what a language model answers."""
        return self.answers_of(self.split)

    def answers_of(self, split: pd.DataFrame) -> list[str]:
        """As `answers`, for another split of the same labels."""
        return [next(iter(self.aliases[label]), label.replace("-", " ")) for label in splits.label_classes(split)]

    @property
    def source_name(self) -> str:
        return self.source if self.source in data.NAMED_SOURCES else Path(self.source).stem

    @property
    def output(self) -> Path:
        """The repository for the profile whose outputs are committed, on its own source; else, and with HELPERS_BUILD, scratch."""
        own = (
            self.profile.name == COMMITTED and self.source == self.profile.source and "HELPERS_BUILD" not in os.environ
        )
        return ROOT if own else BUILD / "outputs" / f"{self.profile.name}-{self.source_name}"


def check_base(base: str) -> None:
    """Raises InputError unless the base's weights and tokenizer can be opened: now, not after other arms have trained."""
    weights, tokenizer = base_file(base, "model.safetensors"), base_file(base, "tokenizer.json")
    try:
        with safe_open(weights, framework="numpy") as tensors:
            next(iter(tensors.keys()))
        load_bpe(base)
    except Exception as error:  # safetensors and tokenizers raise their own kinds
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"{tokenizer.parent}: the base cannot be opened ({type(error).__name__}: {reason}); restore it"
        ) from error


def prepare(profile: str = "class", source: str | None = None) -> Study:
    """Loads, masks, cuts and freezes the data of a profile; the same arguments always give the same splits.

    source None: the profile's own. Raises InputError on anything unusable, before a file is written.
    """
    settings = get_profile(profile)
    source = settings.source if source is None else source
    if source not in data.NAMED_SOURCES:
        source = str(Path(source).resolve())
    check_base(settings.base)
    pages = data.load_table(source)
    keep = sorted(set(pages["label"]))
    names, aliases = data.label_names_of(source, keep)
    if source == "embedded" and settings.groups is not None:
        diseases = data.load_diseases()
        keep = sorted(diseases.index[diseases["group"].isin(settings.groups)])
    elif source != "embedded" and settings.max_labels is not None and len(keep) > settings.max_labels:
        keep = sorted(np.random.default_rng(0).choice(keep, settings.max_labels, replace=False).tolist())
    protocol = splits.choose_protocol(pages)
    # Masked before the subset is taken: which words give a name away is decided on all pages.
    chosen = pages["label"].isin(keep)
    masked = fragments.mask_table(pages, aliases)[chosen].reset_index(drop=True)
    split = splits.make_split(masked, protocol)
    if left_out := sorted(set(keep) - set(split["label"])):
        print(
            f"left out: {len(left_out)} label(s) with under {splits.MIN_ROWS} distinct texts: "
            f"{', '.join(left_out[:5])}{' …' if left_out[5:] else ''}"
        )
    others, pages = pages[~chosen].reset_index(drop=True), pages[chosen].reset_index(drop=True)
    page_split = splits.page_split(pages)
    unseen_split = _unseen(masked, page_split, aliases)
    return Study(
        settings,
        source,
        protocol,
        pages,
        masked,
        split,
        splits.freeze(split),
        page_split,
        splits.freeze(page_split),
        unseen_split,
        splits.freeze(unseen_split),
        names,
        aliases,
        others,
    )


def _unseen(masked: pd.DataFrame, page_split: pd.DataFrame, aliases: dict) -> pd.DataFrame:
    """`splits.unseen_split` with what the original split tests without having taught it; of fewer than MIN_UNSEEN labels, no row.

    A source of many rows a label leaves no such test labels, so a fifth of the labels is drawn.
    """
    labels = sorted(set(masked["label"]))
    if len(labels) < MIN_UNSEEN:
        return splits.page_rows(masked).assign(side="train").iloc[:0]
    held_out = splits.unseen_labels(page_split)[0]
    if len(held_out) < max(2, len(labels) // 10):
        held_out = set(np.random.default_rng(0).choice(labels, max(2, len(labels) // 5), replace=False).tolist())
    return splits.unseen_split(masked, held_out, aliases)
