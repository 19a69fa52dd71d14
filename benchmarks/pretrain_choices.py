"""The small runs that chose gpt2-mini's shape and training: equal time, one thing changed at a time.

    python benchmarks/pretrain_choices.py --corpus DIR --include REGEX [--minutes 2]

Each run is `helpers.pretrain` itself, learning-rate decay included. Writes benchmarks/pretrain_choices.csv,
which the model card shows; a run that is already there (same name and minutes) is not done again. Held-out
losses are comparable within the table only.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from helpers.config import ROOT
from helpers.pretraining.corpus import PretrainSpec
from helpers.pretraining.pretrain import pretrain

FILE = ROOT / "benchmarks" / "pretrain_choices.csv"
BASE = PretrainSpec(tokens=None)
RUNS = {
    "as shipped: 4 layers of 256, vocabulary 8,192, Muon, no dropout": {},
    "AdamW for the matrices too": {"optimizer": "adamw", "learning_rate": 3e-3},
    "6 layers": {"n_layer": 6},
    "2 layers of 384": {"n_layer": 2, "n_embd": 384, "n_head": 6},
    "vocabulary 4,096": {"vocab_size": 4096},
    "dropout 0.1": {"dropout": 0.1},
    "16 rows a step": {"batch_size": 16},
}
COLUMNS = ["run", "budget_minutes", "parameters", "tokens_seen", "bytes_per_token", "valid_bits_per_byte"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--include", default="")
    parser.add_argument("--minutes", type=float, default=2)
    given = parser.parse_args()
    table = pd.read_csv(FILE) if FILE.is_file() else pd.DataFrame(columns=COLUMNS)
    table = table[table["budget_minutes"] == given.minutes]  # one table, one budget
    for name, changes in RUNS.items():
        if name in set(table["run"]):
            continue
        torch._dynamo.reset()  # or the shapes of the runs before would decide how this one is compiled
        print(f"== {name}", flush=True)
        spec = replace(BASE, include=given.include, **changes)
        with tempfile.TemporaryDirectory() as out:
            facts = pretrain(given.corpus, Path(out), spec, eval_every=10**6, budget=60 * given.minutes)
        row = {"run": name, "budget_minutes": given.minutes} | {
            column: facts[column] for column in COLUMNS[2:]
        }
        table = (
            pd.concat([table, pd.DataFrame([row])], ignore_index=True) if len(table) else pd.DataFrame([row])
        )
        table.round(4).to_csv(FILE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
