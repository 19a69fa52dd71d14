"""How fast SmolLM2 is fine-tuned and read here, one remedy after the other, and what share of the peak it is.

    python benchmarks/llm_speed.py [--base smollm2] [--steps 8]      writes llm_speed_<device>.csv

Each way adds one thing to the one before; all take the same training passages of the patients' exam, in turns
within this one run, so compare within it. Tokens are those of the texts, without padding. FLOPs: 6 a token
and multiplied weight in training, 2 in reading (attention's own products left out). Peak: the fastest product
of two square matrices in bf16 or float32 in this run. `memory_gib` is the most that the process held so far.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
import torch
from machine import machine
from pretrain_throughput import peak_flops

from helpers.analysis.cost import multiplied
from helpers.arms import ARMS
from helpers.config import ROOT
from helpers.data.splits import label_classes
from helpers.data.study import prepare
from helpers.models import bases, classifier, finetuning
from helpers.models.task import Task, draw_batches, epoch_rows

# What a way is made of: rows a step, whether rows of like length go together (else all are padded to the
# longest), bf16, fused AdamW, how attention is computed.
WAYS = {
    "as it comes": (8, False, False, False, "sdpa"),
    "+ rows of like length": (8, True, False, False, "sdpa"),
    "+ 32 rows a step": (32, True, False, False, "sdpa"),
    "+ bf16": (32, True, True, False, "sdpa"),
    "+ fused AdamW": (32, True, True, True, "sdpa"),
    "+ attention as plain products (ours)": (32, True, True, True, "eager"),
}


def batches_of(rows: list[dict], size: int, alike: bool) -> list[list[dict]]:
    """The rows of an epoch in batches."""
    rng, steps = np.random.default_rng(0), -(-len(rows) // size)
    lengths = np.array([len(row["input_ids"]) for row in rows])
    drawn = draw_batches(lengths, steps, rng) if alike else np.array_split(rng.permutation(len(rows)), steps)
    return [[rows[number] for number in batch] for batch in drawn]


def tensors_of(tokenizer, batch: list[dict], width: int | None, device) -> dict:
    """A padded batch: to its own longest row, or to `width`."""
    longest = {} if width is None else {"padding": "max_length", "max_length": width}
    return dict(tokenizer.pad(batch, return_tensors="pt", **longest).to(device))


def train(model, tokenizer, rows: list[dict], way: tuple, steps: int) -> tuple[float, int]:
    """Seconds and tokens of some steps of one way, after one that is not counted."""
    size, alike, half, fused, attention = way
    model.body.set_attn_implementation(attention)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=fused, foreach=not fused)
    width = None if alike else max(len(row["input_ids"]) for row in rows)
    seconds = tokens = 0
    for number, batch in enumerate(batches_of(rows, size, alike)[: steps + 1]):
        began = time.perf_counter()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            loss = model(**tensors_of(tokenizer, batch, width, model.device))["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        synchronize()
        if number:
            seconds += time.perf_counter() - began
            tokens += sum(len(row["input_ids"]) for row in batch)
    return seconds, tokens


def read(model, tokenizer, rows: list[dict], half: bool, steps: int) -> tuple[float, int]:
    """Seconds and tokens of computing features of some batches, after one that is not counted."""
    model.eval()
    seconds = tokens = 0
    for number, batch in enumerate(batches_of(rows, 64, True)[: steps + 1]):
        tensors = tensors_of(tokenizer, batch, None, model.device)
        began = time.perf_counter()
        with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            model.features(tensors["input_ids"], tensors["attention_mask"])
        synchronize()
        if number:
            seconds += time.perf_counter() - began
            tokens += sum(len(row["input_ids"]) for row in batch)
    return seconds, tokens


def synchronize() -> None:
    """Waits for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measures every way, twice in turn; the faster counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--steps", type=int, default=8)
    given = parser.parse_args()
    study = prepare("reference")
    tokenizer, arm = bases.load_tokenizer(given.base), ARMS["smollm2_finetuned"]
    rows = bases.encode(tokenizer, *epoch_rows(Task(study.split, arm, anew=True), 0))
    model = classifier.build(arm, given.base, label_classes(study.split).tolist(), 0)
    model.to(finetuning.state().device)
    peak = max(peak_flops(dtype) for dtype in (torch.bfloat16, torch.float32))
    body, found = multiplied(given.base)[0], {}
    for _ in range(2):
        for name, way in WAYS.items():
            pace = train(model, tokenizer, rows, way, given.steps * 32 // way[0])
            keep(found, "fine-tuning", name, pace, 6 * body, peak)
        for name, half in (("float32", False), ("bf16", True)):
            keep(found, "features", name, read(model, tokenizer, rows, half, given.steps), 2 * body, peak)
    table = pd.DataFrame(found.values())
    first = table.groupby("what")["tokens_per_second"].transform("first")
    table.insert(3, "times", table["tokens_per_second"] / first)
    table.insert(0, "machine", machine())
    device = "gpu" if torch.cuda.is_available() else "cpu"
    table.round(3).to_csv(ROOT / "benchmarks" / f"llm_speed_{device}.csv", index=False)
    print(table.drop(columns="machine").round(3).to_string(index=False))


def keep(found: dict, what: str, way: str, pace: tuple[float, int], flops: int, peak: float) -> None:
    """Keeps the faster of the measurements of one way."""
    speed = pace[1] / pace[0]
    if (what, way) in found and found[what, way]["tokens_per_second"] >= speed:
        return
    found[what, way] = {
        "what": what,
        "way": way,
        "tokens_per_second": speed,
        "gflops": speed * flops / 1e9,
        "share_of_peak": speed * flops / peak,
        "peak_gflops": peak / 1e9,
        "memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print(f"{what} · {way}: {speed:,.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
