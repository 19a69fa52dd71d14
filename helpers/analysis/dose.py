"""How much reading is enough: fine-tuning from bases that have read less and more."""

import json
from pathlib import Path

import numpy as np

from ..config import ROOT, InputError
from ..data import splits
from ..data.study import Study, prepare
from ..experiments.grid import ensure
from ..experiments.plan import results
from ..experiments.records import work_alone
from ..files import write_json
from ..models.bases import resolve_base
from .comparison import correctness
from .intervals import difference, mean_interval

DOSES = ROOT / "report" / "dose"  # numbers kept from such runs
ARM, NOTHING_READ = "gpt2_finetuned", "gpt2_scratch"
RECORD = "pretraining.json"


def points(kept: Path) -> dict[int, Path]:
    """The bases in a directory, each in a folder of its own, by the tokens that they have read.

    InputError where there is none, or where two have read as much.
    """
    found: dict[int, Path] = {}
    for file in sorted(kept.glob(f"*/{RECORD}")):
        if (tokens := read_by(file)) in found:
            raise InputError(
                f"--kept {kept}: {found[tokens].name} and {file.parent.name} have both read {tokens:,} "
                "tokens; a point of the curve is one base: move the other away"
            )
        found[tokens] = file.parent
    if not found:
        raise InputError(
            f"--kept {kept}: no model there; give the folder of several `pretrain --out FOLDER/NAME`, or "
            "OUT/kept of one `pretrain --keep`"
        )
    return dict(sorted(found.items()))


def read_by(record: Path) -> int:
    """The tokens of a base's record."""
    return int(json.loads(record.read_text(encoding="utf-8"))["tokens_seen"])


def file_of(profile: str) -> Path:
    """Where a profile's numbers are kept."""
    return DOSES / f"{profile}.json"


def known(study: Study) -> dict:
    """What `measure` wrote for a study's profile on its very split; {} where that was not asked for."""
    file = file_of(study.profile.name)
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found if found.get("split") == study.split_key else {}


def doses(profile: str, kept: Path) -> dict[int, tuple[Study, str]]:
    """Of each number of tokens read, the study and the arm that starts from there.

    The ends are arms of the comparison: the one that starts from random weights, and the fine-tuning of the
    profile's own base where it is on record what that has read.
    """
    own = prepare(profile)
    found = {
        tokens: (prepare(f"{profile}@{base.resolve()}"), ARM) for tokens, base in points(kept).items()
    } | {0: (own, NOTHING_READ)}
    record = Path(resolve_base(own.profile.base)[0]) / RECORD
    if record.is_file():
        found[read_by(record)] = own, ARM
    return dict(sorted(found.items()))


def measured_before(study: Study, rows: list[dict]) -> list[dict]:
    """The points on record that are none of `rows` and still stand beside them.

    They do where all that was measured both times, the point without reading among it, is equal to the digit:
    then data, exam and training are the same.
    """
    before = {row["tokens"]: row for row in known(study).get("points", ())}
    own = {row["tokens"]: row for row in rows}
    same = 0 in before and all(row == before.get(tokens, row) for tokens, row in own.items())
    return [row for tokens, row in before.items() if same and tokens not in own]


def measure(profile: str, kept: Path) -> Path:
    """Fine-tunes from each point, its rate chosen on validation; writes report/dose/<profile>.json: its path.

    The file holds `command`, `split` (its key), `rows` (test rows) and `points`: `tokens`, `arm`, `value`
    (the rate), `epochs`, `seeds`, `accuracy` with its 95 % interval `low`, `high` over seeds and diseases,
    `mrr`, `top5`, of validation `valid_accuracy`, `valid_mrr`, `gain` over the first point on the same rows
    with its interval `gain_low`, `gain_high`, and `bits_per_byte`, the base's own on held-out text (None:
    not on record). What an earlier call measured of bases not in `kept` stays (see `measured_before`).
    """
    rows, nothing = [], None
    for tokens, (study, arm) in doses(profile, kept).items():
        with work_alone():
            ensure(study, [arm], "chosen")
        labels, records = splits.side(study.split, "test")[1], results(study, arm)
        right = correctness(records)
        nothing = right if nothing is None else nothing  # the points come by tokens, 0 first
        accuracy, low, high = mean_interval(right, labels)
        gain = dict(zip(("gain", "gain_low", "gain_high"), difference(right, nothing, labels), strict=True))
        means = {
            f"{prefix}{name}": float(np.mean([r.metrics[side][name] for r in records]))
            for prefix, side in (("", "test"), ("valid_", "valid"))
            for name in ("accuracy", "mrr", "top5")
        }
        record = Path(resolve_base(study.profile.base)[0]) / RECORD
        facts = json.loads(record.read_text(encoding="utf-8")) if tokens else {}
        rows.append(
            {"tokens": tokens, "arm": arm, "value": records[0].spec.value}
            | {"epochs": records[0].spec.epochs, "seeds": len(records)}
            | means
            | {"accuracy": accuracy, "low": low, "high": high}
            | gain
            | {"bits_per_byte": facts.get("valid_bits_per_byte")}
        )
        print(f"{tokens:,} tokens: accuracy {100 * accuracy:.1f} %", flush=True)
    own = prepare(profile)
    rows = sorted(rows + measured_before(own, rows), key=lambda row: row["tokens"])
    file = file_of(profile)
    command = f"python -m helpers dose --profile {profile} --kept FOLDER"
    write_json(file, {"command": command, "split": own.split_key, "rows": len(labels), "points": rows})
    return file
