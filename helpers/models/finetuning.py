"""Training on transformers' Trainer, in the precision that pays here.

It resumes, halves its micro-batch when memory runs out, and stops at a loss that is no number.
"""

import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from ..config import InputError
from ..files import drop_broken_checkpoints
from .task import EpochBatches, Task, steps_of


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX).

    Without that, bf16 is slower than float32.
    """
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def bf16_pays() -> bool:
    """Whether bf16 autocast is faster than float32 in PyTorch here: on a GPU or CPU that has bf16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return cpu_has_bf16()


def precision() -> dict[str, bool]:
    """The Trainer's arguments `bf16` and `use_cpu`: bf16 where it pays, else float32."""
    return {"bf16": bf16_pays(), "use_cpu": on_cpu()}


def on_cpu() -> bool:
    """Whether the CPU must be asked for by name: without a GPU for bf16, and under torchrun at all.

    Otherwise accelerate takes each of torchrun's processes for one that is alone.
    """
    return (bf16_pays() or "RANK" in os.environ) and not torch.cuda.is_available()


def faster(device: torch.device) -> torch.autocast:
    """A context in which matrices are multiplied in bf16, where that pays."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16_pays())


def state() -> PartialState:
    """What accelerate knows of the processes that train together."""
    return PartialState(cpu=on_cpu())


def can_compile() -> bool:
    """Whether `torch.compile` finds what it needs: Triton on a GPU, a C++ compiler on a CPU.

    Says so where it does not.
    """
    if torch.cuda.is_available() or any(
        map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++", "cl")))
    ):
        return True
    print(
        "no C++ compiler (g++, clang++ or cl) found: training without torch.compile, which is slower",
        flush=True,
    )
    return False


DECAY = 0.01
BATCH_SIZE = 32  # of the fixed rows an optimizer step, over all processes and accumulated micro-batches
LOGGED = {
    "loss": "train_loss",
    "eval_loss": "valid_loss",
    "eval_accuracy": "valid_accuracy",
    "eval_mrr": "valid_mrr",
    "seconds": "seconds",
}


class EpochReport(TrainerCallback):
    """Says each epoch's loss, stops at one that is no number, and logs the seconds an epoch took.

    The seconds include validation.
    """

    def __init__(self, progress: Callable[[str], None], epochs: int):
        self.progress, self.epochs = progress, epochs

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.began = time.perf_counter()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise FloatingPointError(
                    f"training loss became {logs['loss']} in epoch {round(state.epoch)}: lower the learning "
                    f"rate; the checkpoint in {args.output_dir} is of the epoch before"
                )
            self.progress(f"epoch {round(state.epoch)}/{self.epochs} · training loss {logs['loss']:.3f}")

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        if not math.isfinite(metrics["eval_loss"]):
            raise FloatingPointError(
                f"validation loss became {metrics['eval_loss']} in epoch {round(state.epoch)}: lower the "
                f"learning rate; the checkpoint in {args.output_dir} is of the epoch before"
            )
        state.log_history[-1]["seconds"] = time.perf_counter() - self.began


def arguments(task: Task, metric: str, micro_batch: int) -> TrainingArguments:
    """The Trainer's arguments: an evaluation and a checkpoint an epoch, warm-up, linear decay, clipping.

    What the Trainer takes for a row is a batch of `micro_batch` rows (see `task.EpochBatches`).
    """
    processes = state().num_processes
    # Not compiled: that takes longer than the whole of a fine-tuning gains by it
    # (benchmarks/training_speed_cpu.csv).
    return TrainingArguments(
        output_dir=str(task.work),
        num_train_epochs=task.epochs,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=BATCH_SIZE // (micro_batch * processes),
        per_device_eval_batch_size=4 * micro_batch,
        learning_rate=task.value,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        max_grad_norm=1.0,
        **precision(),
        train_sampling_strategy="sequential",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model=metric,
        greater_is_better=metric != "eval_loss",
        seed=task.seed,
        data_seed=task.seed,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        logging_nan_inf_filter=False,  # a NaN loss must be seen, not smoothed away
    )


def fit(
    make: Callable,
    data: dict[str, Callable | list[dict]],
    collate: Callable,
    compute_metrics: Callable | None,
    metric: str,
    task: Task,
) -> tuple:
    """Trains what `make()` builds on data["train"] and keeps the best epoch: (model, history).

    data["train"] gives the rows of an epoch (see `task.EpochBatches`); `collate` makes a batch of rows.
    Best is the epoch whose `metric` on the rows data["valid"] is best. Goes on from the checkpoint in
    `task.work` if there is one. Under torchrun the processes share each step's rows. Where memory runs out
    the micro-batch is halved and gradients are accumulated, so that a step still has BATCH_SIZE rows. The
    model comes back in float32, the history as one row an epoch (train_loss, valid_loss, …, seconds).
    """
    processes = state()
    if BATCH_SIZE % processes.num_processes:
        raise InputError(
            f"torchrun: a step's {BATCH_SIZE} rows cannot be shared by {processes.num_processes} processes"
        )
    with processes.main_process_first():
        drop_broken_checkpoints(task.work)
    micro_batch = BATCH_SIZE // processes.num_processes
    while True:
        trainer = make_trainer(
            make(), data, collate, compute_metrics, arguments(task, metric, micro_batch), task
        )
        if not ran_out_of_memory(trainer, task.work):
            break
        if micro_batch == 1 or processes.num_processes > 1:
            raise InputError(
                f"out of memory with {micro_batch} row(s) at once on each of {processes.num_processes} "
                "device(s); use a smaller base or shorter texts, or a device with more memory"
            )
        micro_batch //= 2
        task.progress(f"out of memory: {micro_batch} rows at once from here on")
        del trainer
        clear_device_cache(garbage_collection=True)
    processes.wait_for_everyone()  # all have read the best checkpoint before anyone drops it
    # Training in bf16 leaves the forward pass in bf16; what is measured is computed in float32.
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped, keep_fp32_wrapper=False)
    return model, epochs_of(trainer.state.log_history)


def make_trainer(model, data, collate, compute_metrics, arguments: TrainingArguments, task: Task) -> Trainer:
    """The Trainer of one run, which says each epoch. InputError where one process would take several GPUs."""
    parts = arguments.gradient_accumulation_steps * state().num_processes
    rows = EpochBatches(data["train"], steps_of(task, BATCH_SIZE), parts, task.seed)
    trainer = Trainer(
        model,
        arguments,
        train_dataset=rows,
        eval_dataset=data["valid"],
        data_collator=lambda items: collate(items[0] if isinstance(items[0], list) else items),
        compute_metrics=compute_metrics,
        optimizers=(optimizer(model, task), None),
        callbacks=[EpochReport(task.progress, task.epochs)],
    )
    trainer.remove_callback(PrinterCallback)
    if trainer.args.n_gpu > 1:
        raise InputError(
            "several GPUs in one process: set CUDA_VISIBLE_DEVICES to one of them, or start it with torchrun"
        )
    # A classifier's loss is a mean over the rows it is given, whatever it is told of the others: the Trainer
    # must divide.
    trainer.model_accepts_loss_kwargs = isinstance(trainer.model, PreTrainedModel)
    return trainer


def optimizer(model, task: Task) -> torch.optim.Optimizer:
    """AdamW at the task's rate: decay on matrices alone, the dense layer `head_rate` times as fast."""
    faster = task.arm.settings.get("head_rate", 1.0)
    groups: dict[tuple, list] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = task.value * (faster if name.startswith("score.") else 1.0)
            groups.setdefault((rate, DECAY if parameter.ndim > 1 else 0.0), []).append(parameter)
    told = [{"params": own, "lr": rate, "weight_decay": decay} for (rate, decay), own in groups.items()]
    return torch.optim.AdamW(told, fused=True)


def ran_out_of_memory(trainer: Trainer, work: Path) -> bool:
    """Trains, from the checkpoint in `work` where there is one; whether the memory did not suffice."""
    try:
        trainer.train(resume_from_checkpoint=any(work.glob("checkpoint-*")))
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        return True
    return False


def epochs_of(log_history: list[dict]) -> list[dict]:
    """The Trainer's log as one row an epoch: `epoch` and those of LOGGED that it has."""
    rows: dict[int, dict] = {}
    for entry in log_history:
        found = {new: float(entry[old]) for old, new in LOGGED.items() if old in entry}
        if found:
            rows.setdefault(round(entry["epoch"]), {"epoch": round(entry["epoch"])}).update(found)
    return [rows[epoch] for epoch in sorted(rows)]
