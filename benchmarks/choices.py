"""What was tried before each arm's settings were fixed, on validation alone: what paid and what did not.

    python benchmarks/choices.py [--only gpt2_finetuned] [--profile class]

Appends to choices.csv what it does not hold yet.

Each row is one training of an arm on the patients' exam, with the first seed, on the diseases of a profile,
and says all its settings; TRIALS says them as changes to those of `helpers/arms.py`. Test rows are not looked
at. One row is trained after the other, with all cores; a killed row goes on from its last epoch.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from helpers.arms import ARMS
from helpers.config import BUILD, get_profile
from helpers.data import splits
from helpers.data.study import prepare
from helpers.models import metrics
from helpers.models.task import Task

FILE = Path(__file__).with_name("choices.csv")
# Each: arm, value of its tuned hyperparameter, epochs (None: the profile's), what is changed.
Trials = tuple[tuple[str, float | None, int | None, dict], ...]
REFERENCE: Trials = (
    ("bag", 3e-3, None, {}),
    ("bilstm", 3e-3, None, {"pooling": "last"}),
    ("bilstm", 3e-3, None, {}),
    ("bilstm", 1e-2, None, {}),
    ("bilstm", 3e-3, None, {"word_dropout": 0.3}),
    ("bilstm", 3e-3, None, {"word_dropout": 0.3, "dropout": 0.3, "embedding_dropout": 0.1}),
    ("bilstm", 3e-3, None, {"units": 128}),
    ("gpt2_finetuned", 1e-3, None, {}),
    ("gpt2_finetuned", 3e-3, None, {}),
    ("gpt2_finetuned", 1e-3, 30, {}),
    ("gpt2_finetuned", 1e-3, 30, {"token_dropout": 0.3}),
    ("gpt2_finetuned", 1e-3, 20, {"token_dropout": 0.3}),
    ("gpt2_finetuned", 1e-3, 30, {"dropout": 0.5}),
    ("gpt2_finetuned", 1e-3, None, {"smoothing": 0.0}),
    ("bag", 3e-3, None, {"word_dropout": 0.3}),
    ("bag", 3e-3, None, {"dropout": 0.0}),
    ("bag", 3e-3, 160, {}),
    ("gpt2_frozen", 1e-2, None, {}),
    ("smollm2_finetuned", 3e-4, None, {}),
    ("smollm2_finetuned", 3e-4, None, {"smoothing": 0.0}),
    ("smollm2_finetuned", 1e-4, None, {}),
    ("smollm2_lm_zero", None, None, {}),
    ("smollm2_frozen", 3e-3, None, {}),
    ("bilstm_original", None, None, {}),
    ("gpt2_scratch", 1e-3, None, {}),
    ("gpt2_scratch", 1e-3, None, {"dropout": 0.5}),
    ("gpt2_scratch", 1e-3, None, {"token_dropout": 0.3}),
    ("gpt2_self", 1e-3, None, {}),
    ("gpt2_lm_zero", None, None, {}),
    ("gpt2_lm", 1e-3, None, {}),
    ("smollm2_lm", 1e-4, None, {}),
    ("bilstm", 3e-3, None, {"anew": False}),
    ("bilstm", 3e-3, None, {"word_dropout": 0.0}),
    ("bilstm", 3e-3, 160, {}),
    ("bilstm", 3e-3, None, {"units": 256}),
    ("gpt2_finetuned", 1e-3, 60, {}),
    ("gpt2_finetuned", 1e-3, None, {"anew": False}),
    ("gpt2_finetuned", 1e-3, None, {"pooling": "last"}),
    ("gpt2_finetuned", 1e-3, None, {"head_rate": 1.0}),
    ("gpt2_finetuned", 1e-3, None, {"head_rate": 10.0}),
    ("gpt2_frozen", 1e-2, None, {"cuts": 1}),
    ("gpt2_frozen", 1e-2, None, {"pooling": "last"}),
    ("gpt2_scratch", 1e-3, None, {"pooling": "last"}),
    ("smollm2_lm_zero", None, None, {"prompt": "Diagnosis:"}),
    ("smollm2_lm_zero", None, None, {"prompt": "These are typical symptoms of"}),
    ("smollm2_lm_zero", None, None, {"prompt": "My doctor says that I have"}),
    ("smollm2_lm_zero", None, None, {"prompt": "The name of this disease is"}),
    ("smollm2_finetuned", 3e-4, None, {"token_dropout": 0.3}),
    ("smollm2_finetuned", 3e-4, None, {"anew": False}),
    ("smollm2_finetuned", 3e-4, None, {"pooling": "last"}),
    ("smollm2_scratch", 3e-4, None, {}),
)  # fmt: skip
# Where does a transformer stop improving when it begins from random weights, and when it is fine-tuned?
PLATEAU: Trials = (
    ("gpt2_scratch", 3e-4, 80, {}),
    ("gpt2_scratch", 3e-4, 160, {}),
    ("gpt2_finetuned", 3e-4, 80, {}),
    ("gpt2_scratch", 1e-3, 80, {}),
    ("gpt2_finetuned", 1e-3, 80, {}),
    ("gpt2_finetuned", 3e-3, 60, {}),
    ("smollm2_finetuned", 3e-4, 16, {}),
    ("smollm2_finetuned", 3e-4, 48, {}),
    ("smollm2_scratch", 3e-4, 48, {}),
)  # fmt: skip
# And what reads words?
WORDS: Trials = (
    ("bag", 3e-3, 30, {}),
    ("bag", 3e-3, 60, {}),
    ("bag", 3e-3, 120, {}),
    ("bilstm", 1e-2, 60, {}),
    ("bilstm", 1e-2, 120, {}),
    ("bilstm", 1e-2, 240, {}),
)  # fmt: skip
# And what answers with a name?
ANSWERING: Trials = (
    ("gpt2_lm", 1e-3, 4, {}),
    ("gpt2_lm", 1e-3, 8, {}),
    ("gpt2_lm", 1e-3, 16, {}),
    ("gpt2_lm", 1e-3, 30, {}),
    ("smollm2_lm", 1e-4, 8, {}),
    ("smollm2_lm", 1e-4, 16, {}),
)  # fmt: skip
TRIALS = [("class", *row) for row in WORDS + PLATEAU + ANSWERING] + [("reference", *row) for row in REFERENCE]
COLUMNS = (
    "profile", "arm", "value", "epochs", "settings", "valid_accuracy", "valid_top5", "valid_mrr",
    "best_epoch", "seconds",
)  # fmt: skip


def known() -> list[tuple]:
    """What the table holds already: (profile, arm, value, epochs, settings) as text."""
    if not FILE.is_file():
        return []
    with FILE.open(encoding="utf-8") as file:
        return [tuple(row[name] for name in COLUMNS[:5]) for row in csv.DictReader(file)]


def settings_of(arm: str, changed: dict) -> dict:
    """All settings of a trial, also `anew` (passages cut anew) and `prompt` where they are changed."""
    return dict(sorted({**ARMS[arm].settings, **changed}.items()))


def measure(profile: str, arm: str, value: float | None, epochs: int | None, changed: dict) -> dict:
    """One row of the table."""
    study = prepare(profile)
    split = study.split[study.split["side"] != "test"].reset_index(drop=True)
    own = replace(ARMS[arm], settings=settings_of(arm, changed))
    module = import_module(f"helpers.models.{own.module}")
    if "prompt" in changed:
        module.PROMPT = changed["prompt"]
    name = f"{profile}-{arm}-{value}-{epochs}-" + "-".join(f"{key}={new}" for key, new in changed.items())
    epochs = epochs or study.profile.epochs_of(own)
    task = Task(
        split=split,
        arm=own,
        value=value,
        epochs=epochs,
        base=study.profile.base_of(own),
        names=study.answers if own.answers else None,
        work=BUILD / "choices" / name,
        progress=lambda text: print(f"  {text}", flush=True),
        anew=changed.get("anew", True),
    )
    began = time.perf_counter()
    result = module.train(task)
    found = metrics.evaluate(result["valid_logits"], splits.side(split, "valid")[1])
    scores = [row["valid_mrr"] for row in result["history"] if "valid_mrr" in row]
    # a row that goes on costs what its epochs took, also those before it was cut short
    seconds = max(time.perf_counter() - began, sum(row["seconds"] for row in result["history"]))
    return {
        **{f"valid_{name}": round(found[name], 4) for name in ("accuracy", "top5", "mrr")},
        "best_epoch": 1 + scores.index(max(scores)) if scores else "",
        "seconds": round(seconds),
    }


def keep(row: dict) -> None:
    """Appends a row to the table."""
    new = not FILE.is_file()
    with FILE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def wanted(given: argparse.Namespace, profile: str, arm: str) -> bool:
    """Whether a trial is one of those that were asked for."""
    return profile == (given.profile or profile) and (not given.only or arm in given.only.split(","))


def main() -> None:
    """Measures what is missing, row by row, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="arms, separated by commas")
    parser.add_argument("--profile", help="only the trials on the diseases of this profile")
    parser.add_argument("--row", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    for number, (profile, arm, value, epochs, changed) in enumerate(TRIALS):
        row = {"profile": profile, "arm": arm, "value": "" if value is None else f"{value:g}"}
        row |= {
            "epochs": str(epochs or get_profile(profile).epochs_of(ARMS[arm]) or ""),
            "settings": json.dumps(settings_of(arm, changed)),
        }
        if given.row == number:
            keep(row | measure(profile, arm, value, epochs, changed))
        elif given.row is None and wanted(given, profile, arm):
            if tuple(row.values()) not in known():
                print(" · ".join(row.values()), flush=True)
                subprocess.run([sys.executable, __file__, "--row", str(number)], check=True)
    if given.row is None:
        print(f"the table is {FILE}")


if __name__ == "__main__":
    main()
