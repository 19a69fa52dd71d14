"""How fast SmolLM2 is fine-tuned and read here, one remedy after the other, and what share of the peak it is.

    python benchmarks/llm_speed.py [--base smollm2] [--steps 8]     writes llm_speed_<device>.csv
    python benchmarks/llm_speed.py --shape gpt2 --length 512        writes llm_speed_<device>_gpt2_512.csv

`--shape`: a network of GPT-2's shape, random weights, in the place of a base; `--length`: the passages laid
end to end in rows of so many tokens. Each way adds one thing to the one before; all take the same training
passages of the patients' exam, in turns within this one run, so compare within it. Tokens are those of the
texts, without padding. FLOPs: 6 a token and multiplied weight in training, 2 in reading (attention's own
products left out). Peak: the fastest product of two square matrices in bf16 or float32 in this run. `loss` is
the mean training loss over the steps timed, from the same weights and with the same dropout: compare
"+ bf16" with "+ 32 rows a step". `memory_gib` is the most that this way has held on a GPU; on a CPU, the
process so far.
"""

import argparse
import copy
import resource
import sys
import tempfile
import time
from pathlib import Path

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
    "+ attention as plain products": (32, True, True, True, "eager"),
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


def train(model, tokenizer, rows: list[dict], way: tuple, steps: int) -> tuple[float, int, float]:
    """Seconds, tokens and mean loss of some steps of one way, after one not counted, on a copy."""
    size, alike, half, fused, attention = way
    torch.manual_seed(0)  # the same dropout: a loss in bf16 is beside one in float32
    model, losses = copy.deepcopy(model), []
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
            losses.append(loss.detach())
    return seconds, tokens, torch.stack(losses).mean().item()


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


def end_to_end(rows: list[dict], length: int) -> list[dict]:
    """The rows' tokens in rows of `length`, each with the label of its first; the rest is dropped."""
    ids = [token for row in rows for token in row["input_ids"]]
    owner = [row["labels"] for row in rows for _ in row["input_ids"]]
    return [
        {"input_ids": ids[at : at + length], "attention_mask": [1] * length, "labels": owner[at]}
        for at in range(0, len(ids) - length + 1, length)
    ]


SHAPES = {"gpt2": {}, "tiny": {"n_layer": 1, "n_embd": 32, "n_head": 2}}  # what differs from GPT-2's


def write_base(directory: Path, shape: str) -> str:
    """Writes a base of a shape, random weights, as the rehearsal's Hub serves it; its directory."""
    sys.path.insert(0, str(ROOT))
    from tests.rehearsal import checkpoint

    for name, content in checkpoint(**SHAPES[shape]).items():
        (directory / name).write_bytes(content)
    return str(directory)


def synchronize() -> None:
    """Waits for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measures every way, twice in turn; the faster counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--length", type=int)
    given = parser.parse_args()
    device = "gpu" if torch.cuda.is_available() else "cpu"
    name = "_".join(["llm_speed", device, *filter(None, (given.shape, given.length and str(given.length)))])
    with tempfile.TemporaryDirectory() as made:
        base = write_base(Path(made), given.shape) if given.shape else given.base
        table = measure(base, given.steps, given.length)
    table.round(3).to_csv(ROOT / "benchmarks" / f"{name}.csv", index=False)
    print(table.drop(columns="machine").round(3).to_string(index=False))


def measure(base: str, steps: int, length: int | None) -> pd.DataFrame:
    """One row a way, for training and for reading."""
    study = prepare("reference")
    tokenizer, arm = bases.load_tokenizer(base), ARMS["smollm2_finetuned"]
    rows = bases.encode(tokenizer, *epoch_rows(Task(study.split, arm, anew=True), 0))
    rows = rows if length is None else end_to_end(rows, length)
    model = classifier.build(arm, base, label_classes(study.split).tolist(), 0)
    model.to(finetuning.state().device)
    pays = finetuning.bf16_pays()  # emulated bf16 takes minutes a step
    peak = max(peak_flops(dtype) for dtype in (torch.float32, *([torch.bfloat16] if pays else [])))
    body, found = multiplied(base)[0], {}
    for _ in range(2):
        for name, (size, alike, half, *more) in WAYS.items():
            if name == "+ bf16" and not pays:
                continue
            way = size, alike, half and pays, *more
            forget_memory()
            try:
                pace = train(model, tokenizer, rows, way, steps * 32 // way[0])
            except torch.OutOfMemoryError:
                print(f"fine-tuning · {name}: not enough memory", flush=True)
                continue
            keep(found, "fine-tuning", name, pace, 6 * body, peak)
        for name, half in [("float32", False), *([("bf16", True)] if pays else [])]:
            forget_memory()
            pace = (*read(model, tokenizer, rows, half, steps), float("nan"))
            keep(found, "features", name, pace, 2 * body, peak)
    table = pd.DataFrame(found.values())
    first = table.groupby("what")["tokens_per_second"].transform("first")
    table.insert(3, "times", table["tokens_per_second"] / first)
    table.insert(0, "machine", machine())
    return table


def keep(found: dict, what: str, way: str, pace: tuple[float, int, float], flops: int, peak: float) -> None:
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
        "loss": pace[2],
        "memory_gib": most_memory(),
    }
    print(f"{what} · {way}: {speed:,.0f} tokens/s", flush=True)


def forget_memory() -> None:
    """Begins to count a GPU's most memory anew."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def most_memory() -> float:
    """The most GiB held so far, on the GPU where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
