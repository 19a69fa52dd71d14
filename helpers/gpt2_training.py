"""Trains GPT-2 on transformers' Trainer: resumes, halves its micro-batch when memory runs out, stops at a loss that is no number."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from transformers import (
    DataCollatorWithPadding,
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)
from transformers.trainer_callback import PrinterCallback

from . import gpt2
from .config import InputError
from .files import drop_broken_checkpoints
from .hardware import precision
from .metrics import mean_reciprocal_rank
from .splits import label_classes, side

BATCH_SIZE = 16  # rows of an optimizer step, over all processes and accumulated micro-batches
LOGGED = {
    "loss": "train_loss",
    "eval_loss": "valid_loss",
    "eval_accuracy": "valid_accuracy",
    "eval_mrr": "valid_mrr",
    "seconds": "seconds",
}


class Watch(TrainerCallback):
    """Says each epoch's loss, stops at one that is no number, and logs the seconds an epoch took, validation included."""

    def __init__(self, progress: Callable[[str], None], epochs: int):
        self.progress, self.epochs = progress, epochs

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.began = time.perf_counter()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise FloatingPointError(
                    f"training loss became {logs['loss']} in epoch {round(state.epoch)}: lower the learning rate; "
                    f"the checkpoint in {args.output_dir} is of the epoch before"
                )
            self.progress(f"epoch {round(state.epoch)}/{self.epochs} · training loss {logs['loss']:.3f}")

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        if not math.isfinite(metrics["eval_loss"]):
            raise FloatingPointError(
                f"validation loss became {metrics['eval_loss']} in epoch {round(state.epoch)}: lower the learning rate; "
                f"the checkpoint in {args.output_dir} is of the epoch before"
            )
        state.log_history[-1]["seconds"] = time.perf_counter() - self.began


class Head(torch.nn.Module):
    """A classifier's last layer by itself, on features that were computed once."""

    def __init__(self, linear: torch.nn.Linear):
        super().__init__()
        self.linear = linear

    def forward(self, features, labels):
        logits = self.linear(features)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def arguments(work: Path, learning_rate: float, epochs: int, seed: int, metric: str, micro_batch: int, grouped=True):
    """Rows grouped by length unless told not to, one evaluation and checkpoint an epoch, warm-up, linear decay, clipping."""
    processes = PartialState().num_processes
    # Not compiled: that takes longer than the whole of a fine-tuning gains by it (benchmarks/training_speed_cpu.csv).
    return TrainingArguments(
        output_dir=str(work),
        num_train_epochs=epochs,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=BATCH_SIZE // (micro_batch * processes),
        per_device_eval_batch_size=4 * micro_batch,
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.01,
        max_grad_norm=1.0,
        **precision(),
        train_sampling_strategy="group_by_length" if grouped else "random",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model=metric,
        greater_is_better=metric != "eval_loss",
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        logging_nan_inf_filter=False,  # a NaN loss must be seen, not smoothed away
    )


def fit(
    make: Callable,
    data: dict[str, list[dict]],
    collate: Callable,
    compute_metrics: Callable | None,
    *,
    learning_rate: float,
    epochs: int,
    seed: int,
    metric: str,
    progress: Callable[[str], None],
    work: Path,
) -> tuple:
    """Trains what `make()` builds on data["train"], keeps the epoch whose `metric` on data["valid"] is best: (model, history).

    Goes on from the checkpoint in `work` if there is one. Under torchrun the processes share each step's rows. Where memory
    runs out the micro-batch is halved and gradients are accumulated, so that a step still has BATCH_SIZE rows. The model
    comes back in float32, the history as one row an epoch (train_loss, valid_loss, …, seconds).
    """
    state = PartialState()
    if BATCH_SIZE % state.num_processes:
        raise InputError(f"torchrun: a step's {BATCH_SIZE} rows cannot be shared by {state.num_processes} processes")
    with state.main_process_first():
        drop_broken_checkpoints(work)
    micro_batch = BATCH_SIZE // state.num_processes
    while True:
        trainer = Trainer(
            make(),
            arguments(work, learning_rate, epochs, seed, metric, micro_batch, "input_ids" in data["train"][0]),
            train_dataset=data["train"],
            eval_dataset=data["valid"],
            data_collator=collate,
            compute_metrics=compute_metrics,
            callbacks=[Watch(progress, epochs)],
        )
        trainer.remove_callback(PrinterCallback)
        if trainer.args.n_gpu > 1:
            raise InputError(
                "several GPUs in one process: set CUDA_VISIBLE_DEVICES to one of them, or start it with torchrun"
            )
        # A classifier's loss is a mean over the rows it is given, whatever it is told of the others: the Trainer must divide.
        trainer.model_accepts_loss_kwargs = isinstance(trainer.model, GPT2LMHeadModel)
        try:
            trainer.train(resume_from_checkpoint=any(work.glob("checkpoint-*")))
            break
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            if micro_batch == 1 or state.num_processes > 1:
                raise InputError(
                    f"out of memory with {micro_batch} row(s) at once on each of {state.num_processes} device(s); use a smaller "
                    "base or shorter texts, or a device with more memory"
                ) from error
            micro_batch //= 2
            progress(f"out of memory: {micro_batch} rows at once from here on")
        del trainer
        clear_device_cache(garbage_collection=True)
    state.wait_for_everyone()  # all have read the best checkpoint before anyone drops it
    # Training in bf16 leaves the forward pass in bf16; what is measured is computed in float32.
    return trainer.accelerator.unwrap_model(trainer.model_wrapped, keep_fp32_wrapper=False), epochs_of(
        trainer.state.log_history
    )


def train(
    split: pd.DataFrame,
    arm: str,
    learning_rate: float,
    seed: int,
    epochs: int,
    progress: Callable[[str], None],
    *,
    base: str,
    work: Path,
) -> dict:
    """A classifier: every weight that `gpt2.build` leaves free, the epoch with the best validation MRR kept.

    Returns logits of both held-out sides, one history row an epoch, and the number of trained parameters.
    """
    tokenizer = gpt2.load_tokenizer(base)
    labels = label_classes(split).tolist()

    def make():
        return gpt2.build(arm, base, labels, seed)

    settings = {"learning_rate": learning_rate, "epochs": epochs, "seed": seed, "progress": progress, "work": work}
    if arm == "gpt2_frozen":
        # The body never changes, so each text goes through it once and not once an epoch.
        model, data, began = make().to(PartialState().device), {}, time.perf_counter()
        for name in ("train", "valid"):
            texts, numbers = side(split, name)
            features = gpt2.features_of(model, tokenizer, texts)
            data[name] = [{"features": f, "labels": n} for f, n in zip(features, numbers, strict=True)]
        once = time.perf_counter() - began
        head, history = fit(lambda: Head(make().score), data, default_data_collator, measure, metric="mrr", **settings)
        history[0]["seconds"] += once
        model.score = head.linear.to(model.device)
    else:
        data = {name: gpt2.encode(tokenizer, *side(split, name)) for name in ("train", "valid")}
        model, history = fit(make, data, DataCollatorWithPadding(tokenizer), measure, metric="mrr", **settings)
    return {
        "valid_logits": gpt2.logits_of(model, tokenizer, side(split, "valid")[0]),
        "test_logits": gpt2.logits_of(model, tokenizer, side(split, "test")[0]),
        "history": history,
        "parameters": int(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "arrays": gpt2.weights_of(model),
    }


def measure(out) -> dict[str, float]:
    """The Trainer's metrics of a classifier's predictions: accuracy and MRR (0 for those that are no numbers)."""
    if not np.isfinite(out.predictions).all():
        return {"accuracy": 0.0, "mrr": 0.0}
    return {
        "accuracy": float((out.predictions.argmax(-1) == out.label_ids).mean()),
        "mrr": mean_reciprocal_rank(out.predictions, out.label_ids),
    }


def epochs_of(log_history: list[dict]) -> list[dict]:
    """The Trainer's log as one row an epoch: `epoch` and those of LOGGED that it has."""
    rows: dict[int, dict] = {}
    for entry in log_history:
        found = {new: float(entry[old]) for old, new in LOGGED.items() if old in entry}
        if found:
            rows.setdefault(round(entry["epoch"]), {"epoch": round(entry["epoch"])}).update(found)
    return [rows[epoch] for epoch in sorted(rows)]
