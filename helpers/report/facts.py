"""What the report says beside the comparison: the data, the first attempt and its autopsy, the base.

From records, in one place.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..analysis.cost import pretraining_flops
from ..analysis.probing import trials
from ..arms import ARMS
from ..config import BUILD, ROOT, get_profile
from ..data import leakage as leaks
from ..data import passages, sources, splits, vocabulary
from ..data.published import FIRST_ATTEMPT, LITERATURE, READ_BY_SMOLLM2
from ..data.study import Study
from ..experiments.plan import asked, page_spec, results
from ..experiments.records import Record, load
from ..models import baselines, smollm2
from ..models.bases import load_bpe, resolve_base
from ..pretraining import card

# Where numbers on other people's data are kept: in the repository, with HELPERS_BUILD in scratch.
NIH = "nih_symptoms"  # the table of pages of the NIH, as `sources.name_of` calls it
PUBLISHED, SCRATCH = ROOT / "report" / "external", BUILD / "outputs" / "external"
CHOICES = ROOT / "benchmarks" / "choices.csv"  # what was tried before the arms' settings were fixed
EXTERNAL = SCRATCH if "HELPERS_BUILD" in os.environ else PUBLISHED
BASE = (
    "n_layer", "n_embd", "n_head", "n_positions", "vocab_size", "parameters", "tokens_seen", "documents",
    "minutes", "megabytes", "bits", "kneser_ney_5", "unigram", "xz", "gzip", "repeated", "bits_new",
    "kneser_ney_5_new", "contaminated",
)  # fmt: skip


def collect(study: Study) -> dict[str, dict]:
    """Numbers by topic, read from run records or recomputed where that needs no training.

    Topics: `published`, `literature`, `corpus`, `leakage`, `pages`, `first_run`, `autopsy`, `control`,
    `unseen`, `base`, `external`, `pretraining`. `base` holds None where a base has no record of its
    pre-training.
    """
    return {
        "published": FIRST_ATTEMPT,
        "literature": LITERATURE,
        "corpus": corpus(study),
        "leakage": leakage(study),
        "pages": page_protocol(study),
        **autopsy(study),
        "control": control(study),
        "unseen": held_out(study),
        "base": base(study),
        "external": external(),
        "pretraining": pretraining(study),
    }


def files(study: Study) -> list[Path]:
    """The files besides run records from which `collect` reads: of the corpus and of the study's base."""
    corpus = [ROOT / "data" / name for name in ("diseases.csv", "contamination.json", "general.csv")]
    base = Path(resolve_base(study.profile.base)[0])
    return corpus + sorted(file for suffix in ("csv", "json") for file in base.glob(f"*.{suffix}"))


def tried_besides(study: Study) -> Iterator[tuple[dict, Record]]:
    """The rows of CHOICES of the study's diseases and an arm's own settings, each with its first record.

    They are of the shipped base.
    """
    own = study.source == "embedded" and study.profile.base == get_profile("class").base
    if not own or not CHOICES.is_file():
        return
    tried = pd.read_csv(CHOICES)
    alike = [name for name in tried["profile"].unique() if get_profile(name).groups == study.profile.groups]
    for row in tried[tried["profile"].isin(alike)].to_dict("records"):
        settings = dict(sorted(ARMS[row["arm"]].settings.items()))
        if row["arm"] in asked(study, "seen") and json.loads(row["settings"]) == settings:
            yield row, results(study, row["arm"])[0]


def longer(study: Study) -> list[dict]:
    """What CHOICES knows of an arm as it was chosen here, but for more epochs: on validation, first seed.

    One row a trial: `arm`, `epochs` and `mrr`, both as [here, there].
    """
    rows = [
        {
            "arm": row["arm"],
            "epochs": [own.spec.epochs, int(row["epochs"])],
            "mrr": [own.metrics["valid"]["mrr"], row["valid_mrr"]],
        }
        for row, own in tried_besides(study)
        if row["value"] == own.spec.value and row["epochs"] > own.spec.epochs
    ]
    return sorted(rows, key=lambda row: list(ARMS).index(row["arm"]))


def beyond(study: Study) -> list[dict]:
    """What CHOICES knows of values beyond an arm's grid, for as many epochs: on validation, first seed.

    One row a trial: `arm`, `value` and `mrr`, both as [chosen here, there].
    """
    rows = [
        {
            "arm": row["arm"],
            "value": [own.spec.value, row["value"]],
            "mrr": [own.metrics["valid"]["mrr"], row["valid_mrr"]],
        }
        for row, own in tried_besides(study)
        if row["epochs"] == own.spec.epochs and row["value"] > max(study.profile.grid_of(ARMS[row["arm"]]))
    ]
    return sorted(rows, key=lambda row: list(ARMS).index(row["arm"]))


def corpus(study: Study) -> dict[str, float]:
    """Sizes of the corpus.

    Pages of the whole source and of the profile, words, distinct words and the share of them seen once,
    fragments, mean tokens and words per page.
    """
    counts, bpe = vocabulary.word_counts(study.pages["text"]), load_bpe(study.profile.base)
    texts = study.pages["text"].tolist()
    return {
        "whole": len(sources.read_source(study.source)[0]),
        "pages": len(texts),
        "words": int(counts.sum()),
        "distinct": len(counts),
        "once": float((counts == 1).mean()),
        "rows": len(study.split),
        "page_words": float(np.mean([len(text.split()) for text in texts])),
        "page_tokens": float(np.mean([len(row.ids) for row in bpe.encode_batch(texts)])),
    }


def leakage(study: Study) -> dict[str, float]:
    """Share of texts that name their disease, and accuracy of a rule that only compares names.

    The rule's accuracy is given before and after masking.
    """
    tables = (study.pages, study.masked)
    plain, masked = (passages.units(table, study.protocol) for table in tables)
    return {
        "pages": leaks.naming_share(study.pages, study.aliases),
        "rows": leaks.naming_share(plain, study.aliases),
        "rule": float(leaks.name_matches(plain, study.aliases).mean()),
        "rule_masked": float(leaks.name_matches(masked, study.aliases).mean()),
    }


def page_protocol(study: Study) -> dict[str, float]:
    """The original protocol in numbers.

    Pages per side, test labels and those never trained on, and the best accuracy such labels allow.
    """
    side, (never, tested) = study.page_split["side"], splits.unseen_labels(study.page_split)
    return {
        "train": int((side != "test").sum()),
        "test": int((side == "test").sum()),
        "tested": len(tested),
        "never": len(never),
        "oracle": float(1 - study.page_split.loc[side == "test", "label"].isin(never).mean()),
    }


def held_out(study: Study) -> dict[str, int]:
    """The rows of each side where whole diseases are held out, and `diseases`, those of the test rows."""
    side = study.unseen_split["side"]
    rows = {str(name): int(count) for name, count in side.value_counts().items()}
    return rows | {"diseases": study.unseen_split.loc[side == "test", "label"].nunique()}


def autopsy(study: Study) -> dict[str, dict]:
    """Numbers of the first attempt and of its autopsy.

    `first_run`: the notes' network on whole pages; `autopsy`: the span of accuracies as one thing after
    another is changed.
    """
    first = load(page_spec(study))
    runs = trials(study)
    return {
        "first_run": {
            "train_accuracy": float(first.history["train_accuracy"].iloc[-1]),
            "epochs": len(first.history),
            "parameters": first.parameters,
        },
        "autopsy": {
            "runs": len(runs),
            "changes": len(runs) - 1,
            **{f"{side}_low": float(runs[side].min()) for side in ("train", "test")},
            **{f"{side}_high": float(runs[side].max()) for side in ("train", "test")},
        },
    }


def control(study: Study) -> dict[str, float]:
    """Accuracy of one linear baseline on the same masked rows under two splits.

    Once with each disease wholly on one side, once on the shared split. Which baseline, and its value, was
    chosen on the shared split's validation rows.
    """
    if study.num_labels < splits.CONTROLLED:
        return {"apart": None, "shared": None}
    counting = [results(study, arm.id)[0] for arm in ARMS.values() if arm.counts_words]
    best = max(counting, key=lambda record: record.metrics["valid"]["mrr"])
    whole = splits.whole_labels(study.split)
    (texts, labels), (new, truth) = splits.side(whole, "train"), splits.side(whole, "test")
    apart = baselines.build(ARMS[best.spec.arm], best.spec.value).fit(texts, labels)
    return {"apart": float(apart.score(new, truth)), "shared": best.metrics["test"]["accuracy"]}


def base(study: Study) -> dict[str, float]:
    """Numbers of the base: its pre-training, its size, its overlap with our pages.

    From its own records; the overlap is how many of this project's pages share text with it.
    """
    where = Path(resolve_base(study.profile.base)[0])
    if (known := card.records(where)) is None:
        return dict.fromkeys(BASE)
    config = json.loads((where / "config.json").read_text(encoding="utf-8"))
    all_read, all_new = (known["bits"].set_index("source").loc[row] for row in (card.ALL_READ, card.ALL_NEW))
    pages = json.loads(card.RECORD.read_text(encoding="utf-8"))["pages"].values()
    found = {
        **config,
        **known["facts"],
        **all_read,
        "minutes": known["facts"]["seconds"] / 60,
        "megabytes": known["credits"]["bytes"].sum() / 1e6,
        "bits": all_read["gpt2"],
        "bits_new": all_new["gpt2"],
        "kneser_ney_5_new": all_new["kneser_ney_5"],
        "contaminated": sum(map(bool, pages)),
    }
    return {name: float(found[name]) for name in BASE}


def pretraining(study: Study) -> dict[str, dict]:
    """What the study's bases have read, and what that took.

    Of each `name`, `tokens`, `parameters`, `seconds`, `flops`; None where that is not on record. FLOP as
    in `cost.pretraining_flops`.
    """
    known = card.records(Path(resolve_base(study.profile.base)[0]))
    own = {"tokens": None, "parameters": None, "seconds": None}
    if known is not None:
        own = {"tokens": known["facts"]["tokens_seen"]} | {
            name: known["facts"][name] for name in ("parameters", "seconds")
        }
    found = {study.profile.base: {"name": ARMS["gpt2_finetuned"].family, **own}}
    if any(ARMS[arm].large for arm in asked(study, "seen")):
        found[smollm2.NAME] = {"name": ARMS["smollm2_finetuned"].family, "seconds": None} | READ_BY_SMOLLM2
    for row in found.values():
        row["flops"] = row["tokens"] and pretraining_flops(row["tokens"], row["parameters"])
    return found


def external_files() -> list[Path]:
    """What `helpers external` wrote: the repository's files, then those in scratch."""
    return sorted(PUBLISHED.glob("*.json")) + sorted(SCRATCH.glob("*.json"))


def externals() -> list[dict]:
    """What `external_files` hold."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in external_files()]


def external() -> dict:
    """What was measured on pages of the NIH, of which report and slides tell; empty if that is not there."""
    return next((found for found in externals() if found["source"] == NIH), {})


def large_dose(results: dict) -> dict | None:
    """A point of the dose: the fine-tuned large model, at what its base has read; None without it.

    `nothing`: the accuracy of the same network from random weights; None where that takes no part.
    """
    row, read = results["arms"].get("smollm2_finetuned"), results["facts"]["pretraining"].get(smollm2.NAME)
    if row is None:
        return None
    nothing = results["arms"].get("smollm2_scratch", {}).get("accuracy")
    return {key: row[key] for key in ("accuracy", "low", "high")} | read | {"nothing": nothing}
