"""Seconds an epoch and peak memory of training, ours beside the usual way, on whole pages and on fragments; and how both grow.

    python benchmarks/training_speed.py [--data SOURCE] [--growth 240 1000 4000]

Prints a table and writes it to benchmarks/training_speed_<device>.csv. Each row is measured in a process of its own, one after
the other, in this one run, so compare within it. "naive" is what a notebook does first: float32, every text padded to the
longest, batches at random. "ours" is what `helpers` does. The epoch timed is the second (the first one traces and compiles).
`loss` is that of the trained model after those two epochs: on held-out fragments, or on the pages it was trained on, whose
labels have no other page. Rows marked ~ time evenly spaced steps and multiply. `growth` repeats the pages to each number
given, once with the labels they have and once with a label for each.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine

from helpers import data, fragments, splits
from helpers.config import ROOT

SAMPLED_STEPS = 8
WAYS = {
    "bilstm": ("naive", "ours", "ours, float32", "ours, XLA", "ours, JAX"),
    "gpt2": ("naive", "ours", "ours, float32", "ours, compiled"),
}


def rows_of(source: str, unit: str, pages: int | None, own_label: bool):
    """(train texts, labels), (held-out texts, labels), number of labels of a source's pages or fragments; pages: how many, repeated."""
    table = data.load_table(source)
    if unit == "fragments":
        split = splits.fragment_split(fragments.make_fragments(table))
        return splits.side(split, "train"), splits.side(split, "valid"), split["label"].nunique()
    texts, labels = table["text"].tolist(), pd.factorize(table["label"])[0]
    if pages is not None:
        take = np.arange(pages) % len(texts)
        texts, labels = [texts[i] for i in take], np.arange(pages) if own_label else labels[take]
    return (texts, labels), (texts, labels), int(labels.max()) + 1


def bilstm(way: str, train, held_out, num_labels: int) -> dict:
    """Two epochs of the BiLSTM."""
    from helpers import bilstm as network
    from helpers.backend import keras
    from helpers.bilstm_training import Batches
    from helpers.hardware import cpu_has_bf16
    from helpers.text import encode_words, word_tokenizer

    keras.utils.set_random_seed(0)
    tokenizer = word_tokenizer(train[0])
    ids, other = (encode_words(tokenizer, texts) for texts in (train[0], held_out[0]))
    naive, bf16 = way == "naive", way == "ours" and cpu_has_bf16()
    width = max(map(len, ids)) if naive else None
    model = network.build(
        tokenizer.get_vocab_size(), num_labels, mask=not naive, precision="mixed_bfloat16" if bf16 else "float32"
    )
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=way in ("ours, XLA", "ours, JAX"))
    batches = Batches(ids, train[1], network.BATCH_SIZE, 0, width)
    seconds = []
    for epoch in range(2):
        batches.start(epoch)
        began = time.perf_counter()
        for number in range(len(batches)):
            model.train_on_batch(*batches[number])
        seconds.append(time.perf_counter() - began)
    loss = model.evaluate(Batches(other, held_out[1], network.BATCH_SIZE, None, width), verbose=0)
    return {"first_epoch": seconds[0], "epoch": seconds[1], "steps": len(batches), "loss": float(loss)}


def gpt2(way: str, train, held_out, num_labels: int, base: str = "models/gpt2-mini") -> dict:
    """Two epochs of fine-tuning GPT-2, or as many steps of the usual loop as suffice."""
    import torch
    from transformers import DataCollatorWithPadding

    from helpers import gpt2 as network
    from helpers import gpt2_training, hardware

    tokenizer = network.load_tokenizer(base)
    labels = [str(number) for number in range(num_labels)]
    rows = network.encode(tokenizer, *train)
    if way == "naive":
        model, order = (
            network.build("gpt2_finetuned", base, labels, 0).train(),
            np.random.default_rng(0).permutation(len(rows)),
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
        width, size = max(len(row["input_ids"]) for row in rows), gpt2_training.BATCH_SIZE
        seconds, steps = [], -(-len(rows) // size)
        for number in range(min(SAMPLED_STEPS + 1, steps)):
            began = time.perf_counter()
            batch = [rows[i] for i in order[number * size : (number + 1) * size]]
            tensors = tokenizer.pad(batch, padding="max_length", max_length=width, return_tensors="pt")
            model(**tensors).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            seconds.append(time.perf_counter() - began)
        return {"epoch": float(np.mean(seconds[1:]) * steps), "steps": steps, "sampled": True}
    if way == "ours, float32":
        gpt2_training.precision = lambda: {"bf16": False, "use_cpu": not torch.cuda.is_available()}
    if way == "ours, compiled":
        if not hardware.can_compile():
            return {}
        make = gpt2_training.arguments
        gpt2_training.arguments = lambda *a: setattr(made := make(*a), "torch_compile", True) or made
    with tempfile.TemporaryDirectory() as work:
        model, history = gpt2_training.fit(
            lambda: network.build("gpt2_finetuned", base, labels, 0),
            {"train": rows, "valid": rows[:1]},
            DataCollatorWithPadding(tokenizer),
            None,
            learning_rate=3e-4, epochs=2, seed=0, metric="eval_loss", progress=lambda text: None, work=Path(work),
        )  # fmt: skip
    logits = network.logits_of(model, tokenizer, held_out[0])
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(np.asarray(held_out[1]))).item()
    steps = -(-len(rows) // gpt2_training.BATCH_SIZE)
    return {"first_epoch": history[0]["seconds"], "epoch": history[1]["seconds"], "steps": steps, "loss": loss}


def measure(options: argparse.Namespace, model: str, way: str, unit: str, pages: int | None = None, own_label=False):
    """One row of the table, from a process of its own; None where what it needs is not installed."""
    if way == "ours, JAX" and find_spec("jax") is None:
        return None
    print(f"{model} · {unit} · {way}" + (f" · {pages} pages" if pages else "") + " …", flush=True)
    command = [
        sys.executable,
        __file__,
        "--data",
        options.data,
        "--one",
        json.dumps([model, way, unit, pages, own_label]),
    ]
    environment = os.environ | {"KERAS_BACKEND": "jax" if way == "ours, JAX" else "tensorflow"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    row = json.loads(done.stdout.splitlines()[-1])
    return {"model": model, "unit": unit, "way": way} | row if "epoch" in row else None


def main() -> None:
    """Runs every row, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="embedded")
    parser.add_argument("--growth", nargs="*", type=int, default=[240, 1000, 4000])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        model, way, unit, pages, own_label = json.loads(options.one)
        train, held_out, num_labels = rows_of(options.data, unit, pages, own_label)
        found = {"bilstm": bilstm, "gpt2": gpt2}[model](way, train, held_out, num_labels)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"rows": len(train[0]), "labels": num_labels, "peak_mib": round(peak)} | found))
        return
    jobs = [(model, way, unit) for model, ways in WAYS.items() for unit in ("pages", "fragments") for way in ways]
    jobs += [(model, "ours", "pages", n, own) for model in WAYS for n in options.growth for own in (False, True)]
    rows = [row for job in jobs if (row := measure(options, *job)) is not None]
    table = pd.DataFrame(rows)
    naive = table[table["way"] == "naive"].set_index(["model", "unit"])["epoch"]
    first = table.drop_duplicates(["model", "unit", "way"]).index
    table["speedup"] = [
        naive[row.model, row.unit] / row.epoch if row.Index in first else np.nan for row in table.itertuples()
    ]
    table["epoch"] = [f"{'~' if row.sampled is True else ''}{row.epoch:.1f}" for row in table.itertuples()]
    table = table.drop(columns="sampled").assign(data=Path(options.data).stem, machine=machine())
    table = table.round({"first_epoch": 1, "loss": 3, "speedup": 2})
    print(table.drop(columns=["data", "machine"]).to_string(index=False))
    file = ROOT / "benchmarks" / f"training_speed_{'cpu' if 'cores' in machine() else 'gpu'}.csv"
    table.to_csv(file, index=False)
    print(f"written to {file}")


if __name__ == "__main__":
    main()
