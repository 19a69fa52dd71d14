"""Seconds per epoch and peak memory of training, ours beside the usual way, and how both grow.

    python benchmarks/training_speed.py [--data SOURCE]                          writes
    training_speed_<device>.csv
    python benchmarks/training_speed.py [--data SOURCE] --growth 240 1000 4000   writes
    training_growth_<device>.csv

On whole pages and on fragments. Prints the table too. Each row is measured in a process of its own, one after
the other, in this one run, so compare within it. "naive" is what a notebook does first: float32, every text
padded to the longest, batches at random. "ours" is what `helpers` does. The epoch timed is the second (the
first one traces and compiles). `loss` is that of the trained model after those two epochs: on held-out
fragments, or on the pages it was trained on, whose labels have no other page. Rows marked ~ time some steps,
all of one shape, and multiply. `growth` repeats the pages to each number given, once with the labels they
have and once with a label for each, and times one epoch.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine

from helpers.arms import BATCH_SIZE
from helpers.config import ROOT
from helpers.data import passages, sources, splits

SAMPLED_STEPS = 8
WAYS = {
    "bilstm": ("naive", "ours", "ours, bf16", "ours, XLA", "ours, JAX"),
    "gpt2": ("naive", "ours", "ours, float32", "ours, compiled"),
}


def rows_of(source: str, unit: str, pages: int | None, own_label: bool):
    """(train texts, labels), (held-out texts, labels), number of labels of a source.

    Of its pages or its fragments, by `unit`. pages: how many, repeated to that number.
    """
    table = sources.load_table(source)
    if unit == "fragments":
        split = splits.fragment_split(passages.make_fragments(table))
        return splits.side(split, "train"), splits.side(split, "valid"), split["label"].nunique()
    texts, labels = table["text"].tolist(), pd.factorize(table["label"])[0]
    if pages is not None:
        take = np.arange(pages) % len(texts)
        texts, labels = [texts[i] for i in take], np.arange(pages) if own_label else labels[take]
    return (texts, labels), (texts, labels), int(labels.max()) + 1


def bilstm(way: str, train, held_out, num_labels: int, epochs: int) -> dict:
    """Some epochs of the BiLSTM; the last is timed."""
    from helpers.models import bilstm
    from helpers.models.keras_backend import keras
    from helpers.models.keras_training import Batches
    from helpers.models.tokens import encode_words, word_tokenizer

    keras.utils.set_random_seed(0)
    tokenizer = word_tokenizer(train[0])
    ids, other = (encode_words(tokenizer, texts) for texts in (train[0], held_out[0]))
    naive = way == "naive"
    if way == "ours, bf16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    width = max(map(len, ids)) if naive else None
    model = bilstm.build(tokenizer.get_vocab_size(), num_labels, mask=not naive)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=way in ("ours, XLA", "ours, JAX"))
    steps = -(-len(ids) // BATCH_SIZE)
    batches = Batches(lambda _: (ids, train[1]), steps, 0, width)
    seconds = []
    for epoch in range(epochs):
        batches.start(epoch)
        began = time.perf_counter()
        for number in range(len(batches)):
            model.train_on_batch(*batches[number])
        seconds.append(time.perf_counter() - began)
    found = {"epoch": seconds[-1], "steps": len(batches)}
    if epochs == 1:
        return found
    few = -(-len(other) // BATCH_SIZE)
    loss = model.evaluate(Batches(lambda _: (other, held_out[1]), few, None, width), verbose=0)
    return found | {"first_epoch": seconds[0], "loss": float(loss)}


def gpt2(way: str, train, held_out, num_labels: int, epochs: int, base: str = "models/gpt2-mini") -> dict:
    """Some epochs of fine-tuning GPT-2, the last one timed; of the usual loop, as many steps as suffice."""
    import torch

    from helpers.arms import ARMS
    from helpers.models import bases, classifier, finetuning
    from helpers.models.task import Task

    tokenizer = bases.load_tokenizer(base)
    labels = [str(number) for number in range(num_labels)]
    rows = bases.encode(tokenizer, *train)
    if way == "naive":
        model, order = (
            classifier.build(ARMS["gpt2_finetuned"], base, labels, 0).train(),
            np.random.default_rng(0).permutation(len(rows)),
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
        width, size = max(len(row["input_ids"]) for row in rows), finetuning.BATCH_SIZE
        seconds, steps = [], -(-len(rows) // size)
        for number in range(min(SAMPLED_STEPS + 1, steps)):
            began = time.perf_counter()
            batch = [rows[i] for i in order[number * size : (number + 1) * size]]
            tensors = tokenizer.pad(batch, padding="max_length", max_length=width, return_tensors="pt")
            model(**tensors)["loss"].backward()
            optimizer.step()
            optimizer.zero_grad()
            seconds.append(time.perf_counter() - began)
        return {"epoch": float(np.mean(seconds[1:]) * steps), "steps": steps, "sampled": True}
    if way == "ours, float32":
        finetuning.precision = lambda: {"bf16": False, "use_cpu": not torch.cuda.is_available()}
    if way == "ours, compiled":
        if not finetuning.can_compile():
            return {}
        make = finetuning.arguments
        finetuning.arguments = lambda *a: replace(make(*a), torch_compile=True)
    split = pd.DataFrame({"text": train[0], "label": train[1], "side": "train"})
    with tempfile.TemporaryDirectory() as work:
        model, history = finetuning.fit(
            lambda: classifier.build(ARMS["gpt2_finetuned"], base, labels, 0),
            {"train": lambda _: rows, "valid": rows[:1]},
            lambda batch: dict(tokenizer.pad(batch, return_tensors="pt")),
            None,
            "eval_loss",
            Task(split, ARMS["gpt2_finetuned"], 3e-4, epochs=epochs, work=Path(work)),
        )
    found = {"epoch": history[-1]["seconds"], "steps": -(-len(rows) // finetuning.BATCH_SIZE)}
    if epochs == 1:
        return found
    logits = classifier.logits_of(model, tokenizer, held_out[0])
    loss = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(np.asarray(held_out[1]))
    ).item()
    return found | {"first_epoch": history[0]["seconds"], "loss": loss}


def measure(
    options: argparse.Namespace, model: str, way: str, unit: str, pages: int | None = None, own_label=False
):
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
    parser.add_argument(
        "--growth", nargs="+", type=int, metavar="PAGES", help="measure ours on so many pages instead"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        model, way, unit, pages, own_label = json.loads(options.one)
        train, held_out, num_labels = rows_of(options.data, unit, pages, own_label)
        found = {"bilstm": bilstm, "gpt2": gpt2}[model](way, train, held_out, num_labels, 1 if pages else 2)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"rows": len(train[0]), "labels": num_labels, "peak_mib": round(peak)} | found))
        return
    if options.growth:
        jobs = [
            (model, "ours", "pages", n, own)
            for model in WAYS
            for n in options.growth
            for own in (False, True)
        ]
    else:
        jobs = [
            (model, way, unit)
            for model, ways in WAYS.items()
            for unit in ("pages", "fragments")
            for way in ways
        ]
    name = (
        f"training_{'growth' if options.growth else 'speed'}_{'cpu' if 'cores' in machine() else 'gpu'}.csv"
    )
    file, rows = ROOT / "benchmarks" / name, []
    for job in jobs:
        if (row := measure(options, *job)) is not None:
            rows.append(row)
            table = with_speedups(pd.DataFrame(rows)).assign(data=Path(options.data).stem, machine=machine())
            table.to_csv(file, index=False)  # after every row: what is measured is kept
    print(table.drop(columns=["data", "machine"]).to_string(index=False))
    print(f"written to {file}")


def with_speedups(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with how many times faster than "naive" each is, rounded for people."""
    naive = table[table["way"] == "naive"].set_index(["model", "unit"])["epoch"]
    speedup = [naive.get((row.model, row.unit), np.nan) / row.epoch for row in table.itertuples()]
    sampled = table["sampled"].eq(True) if "sampled" in table else np.zeros(len(table), bool)
    epochs = [
        f"{'~' if some else ''}{seconds:.1f}" for seconds, some in zip(table["epoch"], sampled, strict=True)
    ]
    table = table.assign(speedup=speedup, epoch=epochs).drop(columns="sampled", errors="ignore")
    return table.round({"first_epoch": 1, "loss": 3, "speedup": 2})


if __name__ == "__main__":
    main()
