"""How much reading is enough: fine-tuning from points of one pre-training run, accuracy against tokens."""

import json
from pathlib import Path

import numpy as np

from ..config import ROOT, InputError
from ..data import splits
from ..data.study import prepare
from ..experiments.grid import ensure
from ..experiments.plan import results
from ..experiments.records import work_alone
from ..files import write_json
from .comparison import correctness
from .intervals import mean_interval

DOSES = ROOT / "report" / "dose"  # numbers kept from such runs
ARM = "gpt2_finetuned"


def points(kept: Path) -> dict[int, Path]:
    """The bases that `pretrain --keep` left in a directory, by the tokens that they have read.

    InputError where there is none.
    """
    found = {}
    for file in sorted(kept.glob("*/pretraining.json")):
        found[int(json.loads(file.read_text(encoding="utf-8"))["tokens_seen"])] = file.parent
    if not found:
        raise InputError(f"--kept {kept}: no model there; give OUT/kept of a `pretrain --keep`")
    return dict(sorted(found.items()))


def file_of(profile: str) -> Path:
    """Where a profile's numbers are kept."""
    return DOSES / f"{profile}.json"


def known(profile: str) -> dict:
    """What `measure` wrote for a profile; {} where that was not asked for."""
    file = file_of(profile)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def measure(profile: str, kept: Path) -> Path:
    """Fine-tunes from each point, its rate chosen on validation; writes report/dose/<profile>.json: its path.

    The file holds `command`, `rows` (test rows) and `points`: `tokens`, `value` (the rate), `seeds`,
    `accuracy` with its 95 % interval `low`, `high` over seeds and diseases, `mrr`, `top5`, and of validation
    `valid_accuracy`, `valid_mrr`.
    """
    rows = []
    for tokens, base in points(kept).items():
        study = prepare(f"{profile}@{base.resolve()}")
        with work_alone():
            ensure(study, [ARM], "chosen")
        labels, records = splits.side(study.split, "test")[1], results(study, ARM)
        accuracy, low, high = mean_interval(correctness(records), labels)
        means = {
            f"{prefix}{name}": float(np.mean([r.metrics[side][name] for r in records]))
            for prefix, side in (("", "test"), ("valid_", "valid"))
            for name in ("accuracy", "mrr", "top5")
        }
        rows.append(
            {"tokens": tokens, "value": records[0].spec.value, "seeds": len(records)}
            | means
            | {"accuracy": accuracy, "low": low, "high": high}
        )
        print(f"{tokens:,} tokens: accuracy {100 * accuracy:.1f} %", flush=True)
    file = file_of(profile)
    command = f"python -m helpers dose --profile {profile} --kept OUT/kept"
    write_json(file, {"command": command, "rows": len(labels), "points": rows})
    return file
