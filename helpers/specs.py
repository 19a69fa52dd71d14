"""Which runs a study consists of: the tuning trials, the seeds, the first attempt, and the experiments of its autopsy."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from . import splits
from .config import ARMS
from .fragments import mask_table
from .records import RunSpec, base_hash, recipe
from .study import Study


def make_spec(
    study: Study,
    arm: str,
    value: float | None,
    seed: int,
    split: str | None = None,
    epochs: int | None = None,
    fraction: int | None = None,
) -> RunSpec:
    """The spec of one run. split None: the study's own; epochs None: the profile's; fraction None: every training row."""
    torch_arm = ARMS[arm].framework == "torch"
    code = recipe(ARMS[arm].framework)
    if ARMS[arm].answers:  # what it is taught to say decides its numbers too
        answers = study.answers_of(study.unseen_split if split == study.unseen_key else study.split)
        code = hashlib.sha256(json.dumps([code, answers]).encode()).hexdigest()[:12]
    if ARMS[arm].framework == "keras" and (keras := os.environ.get("KERAS_BACKEND", "tensorflow")) != "tensorflow":
        code = f"{code}-{keras}"
    return RunSpec(
        arm=arm,
        split=split or study.split_key,
        seed=seed,
        value=value,
        epochs=epochs or study.profile.epochs.get(arm),
        base=base_hash(study.profile.base) if torch_arm else None,
        recipe=code,
        fraction=fraction,
    )


def trial_specs(study: Study, arm: str, unseen: bool = False) -> list[RunSpec]:
    """The tuning trials of an arm, all with the first seed: as many for every tuned arm. unseen: on the unseen diseases."""
    values = study.profile.trials[arm] if ARMS[arm].tuned else (None,)
    split = study.unseen_key if unseen else study.split_key
    return [make_spec(study, arm, value, study.profile.seeds[0], split) for value in values]


def seed_specs(study: Study, chosen: RunSpec, fraction: int | None = None) -> list[RunSpec]:
    """The chosen run with every seed, at a training fraction; one seed where no seed changes anything."""
    arm = ARMS[chosen.arm]
    fixed = chosen.arm == "gpt2_lm_zero" or (arm.framework == "sklearn" and fraction is None)
    seeds = study.profile.seeds[: study.profile.answer_seeds] if arm.answers else study.profile.seeds
    seeds = seeds[:1] if fixed else seeds
    return [replace(chosen, seed=seed, fraction=fraction) for seed in seeds]


def grid_specs(study: Study, arm: str, chosen: RunSpec) -> list[RunSpec]:
    """What the chosen value of an arm is run for: every training fraction with every seed; unseen diseases once, by a classifier."""
    fractions = study.profile.fractions if ARMS[arm].curve else ()
    specs = [spec for fraction in (None, *fractions) for spec in seed_specs(study, chosen, fraction)]
    once = ARMS[arm].unseen and not ARMS[arm].answers and len(study.unseen_split) > 0
    return specs + ([replace(chosen, split=study.unseen_key)] if once else [])


def page_spec(study: Study) -> RunSpec:
    """The first attempt: the notes' network on whole pages split at random."""
    return make_spec(study, "bilstm_original", None, study.profile.seeds[0], split=study.page_key)


def autopsy_specs(study: Study) -> dict[str, RunSpec]:
    """The first attempt again, one thing changed at a time: what is changed to the spec of the run, unchanged first.

    The changes are the suspects of the course notes: cleaning, amount of data, learning rate, epochs. The test pages are the
    same in all; every changed split is frozen here.
    """
    pages, epochs = study.page_split, study.profile.epochs["bilstm_original"]

    def changed(value=None, split=pages, epochs=epochs):
        return make_spec(study, "bilstm_original", value, study.profile.seeds[0], splits.freeze(split), epochs)

    specs = {
        "unchanged": page_spec(study),
        "cleaned": changed(split=scrub(study)),
        "fewer pages": changed(split=half(pages)),
    }
    if len(more := with_other_pages(study)) > len(pages):
        specs["more pages"] = changed(split=more)
    return specs | {
        "lower rate": changed(value=1e-4),  # Adam's own is 1e-3
        "higher rate": changed(value=1e-2),
        "fewer epochs": changed(epochs=max(1, epochs // 4)),
        "more epochs": changed(epochs=2 * epochs),
    }


def scrub(study: Study) -> pd.DataFrame:
    """The page split with its texts cleaned as hard as could be: names masked, no numbers, no English stop words, lower case."""
    split = study.page_split
    texts = mask_table(split[["text", "label"]], study.aliases)["text"]
    words = texts.str.lower().str.findall(r"[a-z]+(?:-[a-z]+)*")
    return split.assign(text=[" ".join(word for word in row if word not in ENGLISH_STOP_WORDS) for row in words])


def half(split: pd.DataFrame) -> pd.DataFrame:
    """A page split with every other training page left out."""
    train = np.flatnonzero(split["side"] == "train")
    return split.drop(index=split.index[train[1::2]]).reset_index(drop=True)


def with_other_pages(study: Study) -> pd.DataFrame:
    """The page split with half as many training pages again, of other diseases of the same source (fewer where there are)."""
    others = study.others.sort_values("label").head(int((study.page_split["side"] == "train").sum()) // 2)
    if others.empty:
        return study.page_split
    more = splits.page_rows(others).assign(side="train")
    return pd.concat([study.page_split, more]).sort_values("id").reset_index(drop=True)
