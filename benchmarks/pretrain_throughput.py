"""Tokens per second of pre-training and their share of the machine's peak: our loop beside plain ones.

    python benchmarks/pretrain_throughput.py [--shape tiny | mini | gpt2] [--steps 20]

Prints a table and writes it to benchmarks/pretrain_throughput_<device>_<shape>.csv; all rows are measured in
this one run, so compare within it. FLOPs a token: 6 N + 12 L d T, forward and backward, N without the
position table, attention not halved for the causal mask (Chowdhery et al. 2022, PaLM, appendix B). Peak: the
fastest product of two square matrices in this run, in float32 or, where that is not only emulated, bf16.
"""

import argparse
import gc
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from machine import machine
from transformers import Trainer, TrainerCallback, TrainingArguments

from helpers.config import ROOT
from helpers.models.finetuning import bf16_pays
from helpers.pretraining.corpus import PretrainSpec
from helpers.pretraining.trainer import Blocks, make_arguments, make_model, make_trainer

SHAPES = {
    "tiny": PretrainSpec(n_layer=1, n_embd=32, n_head=2, n_positions=32, vocab_size=300),
    "mini": PretrainSpec(),
    "gpt2": PretrainSpec(
        n_layer=12, n_embd=768, n_head=12, n_positions=1024, vocab_size=50257, batch_size=32
    ),
}


class Clock(TrainerCallback):
    """Wall seconds at the end of each step, once the device has finished it."""

    def __init__(self):
        self.ticks = []

    def on_step_end(self, args, state, control, **kwargs):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ticks.append(time.perf_counter())


class Vocabulary:
    """Stands in for a tokenizer of any size: the model needs its length and its end-of-text id.

    The samples are left out.
    """

    eos_token_id = 0

    def __init__(self, size: int):
        self.size = size

    def __len__(self) -> int:
        return self.size


def peak_flops(dtype: torch.dtype) -> float:
    """FLOP/s of the fastest square matrix product tried."""
    device, best = "cuda" if torch.cuda.is_available() else "cpu", 0.0
    for size in (4096, 8192) if device == "cuda" else (1024, 2048):
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        for _ in range(8):
            began = time.perf_counter()
            a @ b
            if device == "cuda":
                torch.cuda.synchronize()
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def plain_arguments(spec: PretrainSpec, directory: str) -> TrainingArguments:
    """The Trainer as it comes (float32, AdamW, no compile), logging and saving switched off."""
    return TrainingArguments(
        output_dir=directory,
        max_steps=spec.max_steps,
        per_device_train_batch_size=spec.batch_size,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def measure(way: str, spec: PretrainSpec, rows: np.ndarray, tokenizer) -> dict:
    """Median step seconds after the first five, and peak memory on a GPU, of one way of training."""
    model, clock = make_model(spec, tokenizer), Clock()
    gc.collect()  # the Trainer and its callbacks before this one
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as directory:
        if way == "plain":
            trainer = Trainer(model, plain_arguments(spec, directory), train_dataset=Blocks(rows))
        else:
            arguments = make_arguments(spec, Path(directory), compile_model=way != "ours without compile")
            arguments.eval_strategy = arguments.save_strategy = "no"
            arguments.load_best_model_at_end, arguments.metric_for_best_model = False, None
            parts = {"train": rows, "valid": rows[:8]}
            trainer = make_trainer(model, arguments, spec, tokenizer, parts, bytes_per_token=4.0)
            trainer.evaluate = lambda *args, **kwargs: {}
        trainer.add_callback(clock)
        trainer.train()
    seconds = float(np.median(np.diff(clock.ticks)[5:]))
    n = sum(p.numel() for p in model.parameters()) - spec.n_positions * spec.n_embd
    flops = spec.step_tokens * (6 * n + 12 * spec.n_layer * spec.n_embd * spec.n_positions)
    memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
    return {
        "way": way,
        "tokens_per_second": spec.step_tokens / seconds,
        "gflops": flops / seconds / 1e9,
        "gpu_gib": memory,
    }


def measure_if_it_fits(way: str, spec: PretrainSpec, rows: np.ndarray, tokenizer) -> dict:
    """`measure`, or no numbers where the device's memory does not suffice."""
    try:
        return measure(way, spec, rows, tokenizer)
    except torch.OutOfMemoryError:
        print(f"{way}: not enough memory for {spec.batch_size} rows at once", flush=True)
        return {"way": way} | dict.fromkeys(("tokens_per_second", "gflops", "gpu_gib"), float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="mini")
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    if given.steps < 10:
        parser.error("--steps: at least 10, of which the first five are not counted")
    shape = SHAPES[given.shape]
    spec = PretrainSpec(**vars(shape) | {"tokens": given.steps * shape.step_tokens})
    tokenizer = Vocabulary(spec.vocab_size)
    rows = np.random.default_rng(0).integers(
        0, spec.vocab_size, (spec.batch_size * given.steps, spec.n_positions)
    )
    rows = rows.astype(np.uint16)
    known = {"float32": torch.float32} | ({"bf16": torch.bfloat16} if bf16_pays() else {})
    peak = {name: peak_flops(dtype) for name, dtype in known.items()}
    table = pd.DataFrame(
        measure_if_it_fits(way, spec, rows, tokenizer) for way in ("plain", "ours without compile", "ours")
    )
    table["times_plain"] = table["tokens_per_second"] / table["tokens_per_second"].iloc[0]
    table["share_of_peak"] = table["gflops"] * 1e9 / max(peak.values())
    device = "gpu" if torch.cuda.is_available() else "cpu"
    table.insert(0, "machine", machine())
    for name in ("bf16", "float32"):
        table[f"{name}_peak_gflops"] = peak.get(name, float("nan")) / 1e9
    table.round(3).to_csv(
        ROOT / "benchmarks" / f"pretrain_throughput_{device}_{given.shape}.csv", index=False
    )
    print(f"{machine()} · torch {torch.__version__} · Python {platform.python_version()}")
    print("peak: " + ", ".join(f"{flops / 1e9:,.0f} GFLOP/s in {name}" for name, flops in peak.items()))
    print(
        table.drop(columns=["machine", "bf16_peak_gflops", "float32_peak_gflops"])
        .round(3)
        .to_string(index=False)
    )


if __name__ == "__main__":
    main()
