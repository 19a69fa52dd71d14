"""What a study found: computed from its finished runs, kept as results.json for all who state it."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from ..analysis import (
    comparison,
    cost,
    dose,
    efficiency,
    embeddings,
    errors,
    exam,
    forgetting,
    probing,
    unseen,
)
from ..analysis import together as mixing
from ..arms import ARMS
from ..config import BUILD
from ..data import sources, splits
from ..data.study import Study
from ..experiments import archive, plan
from ..experiments.derived import derived
from ..experiments.records import load
from ..experiments.specs import code_hash, reached
from ..files import sha256, write_json
from ..prose.readings import main_pair
from . import facts, gallery

# Pairs whose label curves are read at one height: what learns from fewer labels, and what needs more.
WORTH = (
    ("gpt2_finetuned", "gpt2_scratch"),
    ("smollm2_finetuned", "gpt2_finetuned"),
    ("smollm2_finetuned", "bilstm"),
)
ANSWERING = ("gpt2_lm", "smollm2_lm")  # whose forgetting is measured
MAPPED = (
    "gpt2_scratch", "gpt2_self", "gpt2_frozen", "gpt2_finetuned",
    "smollm2_scratch", "smollm2_frozen", "smollm2_finetuned",
)  # fmt: skip


def of(study: Study) -> dict:
    """The results of a study whose runs are all done: read if they are of these runs and this code.

    Else they are computed and written to report/generated/results.json under the study's output. Parts that
    the study has no runs for are empty. InputError names what is not trained yet.
    """
    file, mark = place(study), BUILD / "stamps" / study.called / "results.json"
    inputs = fingerprint(study)
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.is_file() else None
    if known != {"inputs": inputs, "outputs": sha256(file)}:
        write_json(file, plain(collect(study)))
        write_json(mark, {"inputs": inputs, "outputs": sha256(file)})
    return json.loads(file.read_text(encoding="utf-8"))


def place(study: Study) -> Path:
    """Where a study's results are kept."""
    return study.output / "report" / "generated" / "results.json"


def fingerprint(study: Study) -> str:
    """16 digits over all that decides the results: runs, data, code, and numbers kept beside the runs."""
    runs = [spec.key for stage in plan.stages(study, list(ARMS), "whole") for spec in stage]
    own = study.profile.name
    beside = [*facts.external_files(), dose.file_of(own), cost.file_of(own), facts.CHOICES]
    parts = [[archive.state(run) for run in runs], repr(study.profile), study.source_name]
    parts += [study.split_key, code_hash(reached([__name__]))]
    parts += [study.hands, study.names, study.aliases, study.answers]
    parts += [sha256(file) for file in (*beside, *facts.files(study))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def collect(study: Study) -> dict:
    """All parts of the results by name: frames (indexed by arm, or one row an item) and dicts of numbers."""
    seen = plan.asked(study, "seen")
    readers = [arm for arm in seen if ARMS[arm].reads]
    mixed = mixing.together(study)
    arms = comparison.summary(study, seen)
    pairs, gains, mixed_pair = comparison.correct_together(
        comparison.paired(study), unseen.gains(study), pd.DataFrame([mixed["pair"]])
    )
    return head(study) | {
        "first_attempt": load(plan.page_spec(study)).metrics["test"],
        "suspects": probing.trials(study),
        "arms": arms,
        "pairs": pairs,
        "by_hand": comparison.by_hand(study, *main_pair_of(arms, pairs)),
        "ladders": [list(rungs) for rungs in comparison.ladders(study)],
        "tuning": plan.tuning_table(study, [arm for arm in seen if ARMS[arm].tuned]),
        "curve": efficiency.curve(study, on_curve(study)),
        "worth": worth(study),
        **{"together": mixed | {"pair": mixed_pair.iloc[0].to_dict()}},
        "shared_words": mixing.by_shared_words(study, readers),
        "pages_together": exam.read_together(study, seen),
        **unlabelled(study, gains),
        "forgetting": {arm: forgetting.table(study, arm) for arm in ANSWERING if possible(study, arm)},
        "calibration": errors.calibration_table(study, readers),
        "confusions": confusions(study, readers),
        "maps": {arm: {k: v for k, v in mapped(study, arm).items() if k != "places"} for arm in maps(study)},
        "cost": cost.table(study, seen),
        "measured_on": cost.measured(study).get("machine"),
        "dose": dose.known(study),
        "story": gallery.answered(study, readers),
        "longer": facts.longer(study),
        "beyond": facts.beyond(study),
        "facts": facts.collect(study),
    }


def main_pair_of(arms: pd.DataFrame, pairs: pd.DataFrame) -> tuple[str, str]:
    """The ids of `readings.main_pair`."""
    main = main_pair({"pairs": pairs.to_dict("records"), "arms": arms.to_dict("index")})
    return main.a, main.b


def on_curve(study: Study) -> list[str]:
    """The arms that read and are asked what they do with fewer rows a label."""
    arms = plan.asked(study, "curve")
    return [arm for arm in arms if ARMS[arm].reads and arm not in study.profile.no_curve]


def worth(study: Study) -> list[dict]:
    """`efficiency.worth` of the pairs of WORTH that the study has; none without smaller fractions."""
    pairs = WORTH if study.profile.fractions else ()
    return [efficiency.worth(study, *pair) for pair in pairs if set(pair) <= set(on_curve(study))]


def possible(study: Study, arm: str) -> bool:
    """Whether a study has an arm's runs on unseen diseases."""
    return unseen.is_possible(study) and arm in plan.asked(study, "unseen")


def unlabelled(study: Study, gains: pd.DataFrame) -> dict:
    """The parts about diseases without a training row; empty ones where none can be held out."""
    if not unseen.is_possible(study):
        return {"unseen": [], "unseen_chance": {}, "guessers": [], "gains": []}
    arms = plan.asked(study, "unseen")
    return {
        "unseen": unseen.table(study, arms),
        "unseen_chance": {
            which: unseen.chance(len(among)) for which, among in unseen.candidates(study).items()
        },
        "guessers": unseen.guessers(study),
        "gains": gains,
    }


def groups_of(study: Study) -> np.ndarray:
    """The confusion group of each class; the class itself where the source has no groups."""
    embedded = sources.parts_of(study.source)[0] == "embedded"
    group_of = sources.load_diseases()["group"].to_dict() if embedded else {}
    return np.array([group_of.get(label, label) for label in splits.label_classes(study.split)])


def confusions(study: Study, arms: list[str]) -> pd.DataFrame:
    """`errors.confusion_groups` of each arm: index arm."""
    labels, groups = splits.side(study.split, "test")[1], groups_of(study)
    rows = {arm: errors.confusion_groups(plan.results(study, arm), labels, groups) for arm in arms}
    return pd.DataFrame(rows).T.astype(float).rename_axis("arm")


def maps(study: Study) -> list[str]:
    """The arms whose view of the test rows is mapped: none where no two diseases are of one group."""
    if len(set(groups_of(study))) == study.num_labels:
        return []
    return [arm for arm in MAPPED if arm in plan.asked(study, "seen")]


def mapped(study: Study, arm: str) -> dict:
    """`embeddings.text_map` of an arm's first seed on the test rows."""
    texts, labels = splits.side(study.split, "test")
    classes, groups = splits.label_classes(study.split).tolist(), groups_of(study)
    spec, base = plan.results(study, arm)[0].spec, study.profile.base_of(ARMS[arm])
    told = (base, classes, texts, labels.tolist(), groups[labels].tolist())
    return derived(embeddings.text_map, [spec], *told)


def places(view: dict) -> np.ndarray:
    """The (n, 2) places of `mapped`."""
    return np.array(view["places"])


def head(study: Study) -> dict:
    """What results are of: profile, source, protocol, splits, sizes."""
    return {
        "profile": profile_of(study),
        "source": study.source_name,
        "protocol": study.protocol,
        "split": study.split_key,
        "page_split": study.page_key,
        "unseen_split": study.unseen_key,
        "num_labels": int(study.split["label"].nunique()),
        "rows": {name: int((study.split["side"] == name).sum()) for name in ("train", "valid", "test")},
        "hands": [] if study.hands_of(study.split) is None else sorted(set(study.hands.values())),
    }


def profile_of(study: Study) -> dict:
    """The study's profile as JSON has it, with the epochs and the grid of every arm by its id."""
    arms = [ARMS[arm] for arm in ARMS if plan.takes_part(study, arm)]
    profile = asdict(study.profile)
    profile["trials"] = {arm.id: study.profile.grid_of(arm) for arm in arms if arm.tuned}
    profile["epochs"] = {arm.id: epochs for arm in arms if (epochs := study.profile.epochs_of(arm))}
    del profile["grids"]
    return json.loads(json.dumps(profile))


def plain(part):
    """Frames and dicts as JSON has them: by arm where they are indexed, else as rows; NaN becomes null."""
    if isinstance(part, pd.DataFrame):
        rows = isinstance(part.index, pd.RangeIndex)
        return json.loads(part.to_json(orient="records" if rows else "index", double_precision=15))
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [plain(value) for value in part]
    if isinstance(part, np.generic):
        part = part.item()
    return None if isinstance(part, float) and part != part else part


def frame(part: dict | list) -> pd.DataFrame:
    """A part of the results as a frame: indexed by arm where it is a dict, else one row an item."""
    return pd.DataFrame.from_dict(part, orient="index") if isinstance(part, dict) else pd.DataFrame(part)
