"""Pre-trains a small GPT-2 from random weights on packed tokens, with transformers' Trainer; any interruption resumes."""

import csv
import hashlib
import json
import math
import re
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from pytorch_optimizer import Muon
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging

from .config import BUILD, InputError
from .corpus import PretrainSpec, corpus_files, prepare
from .hardware import precision
from .records import drop_broken_checkpoints

WARMUP_STEPS = 100
DECAY = 0.4  # share of the steps, the last ones, in which the learning rate falls to 0
PROMPTS = ("The most common symptoms of influenza are", "The patient was a")
NEVER = 10**9  # steps of a run that only a time budget ends


class Blocks:
    """A torch map-style dataset over packed rows (n, n_positions): `input_ids` and `labels` (the model shifts them itself)."""

    def __init__(self, rows: np.ndarray):
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        row = self.rows[index].astype(np.int64)
        return {"input_ids": row, "labels": row}


def bits_per_byte(nats_per_token: float, bytes_per_token: float) -> float:
    """Cross-entropy in bits per byte of text; unlike token perplexity it can be compared across tokenizers."""
    return nats_per_token / math.log(2) / bytes_per_token


class Schedule:
    """Learning-rate factor of a step: linear warm-up, constant, linear decay to 0 over the last `DECAY` of the steps.

    `total` is the number of steps, or None while a time budget leaves it open. Since the decay's length is a share of the
    whole, a run that a budget ends after n steps has the very schedule of a run of n steps
    (warm-up–stable–decay: Hu et al., MiniCPM, arXiv:2404.06395).
    """

    def __init__(self, total: int | None):
        self.total = total

    def __call__(self, step: int) -> float:
        warm = min(1.0, (step + 1) / WARMUP_STEPS)
        if self.total is None:
            return warm
        return min(warm, max(0.0, (self.total - step) / (DECAY * self.total)))

    def spend(self, step: int, seconds: float, budget: float) -> None:
        """Fixes `total` once only the decay's share of the budget (seconds) is left."""
        if self.total is None and seconds >= (1 - DECAY) * budget:
            self.total = math.ceil(step / (1 - DECAY))


def make_optimizer(model: torch.nn.Module, spec: PretrainSpec) -> torch.optim.Optimizer:
    """Muon for the matrices of the blocks, AdamW for all else (K. Jordan, https://kellerjordan.github.io/posts/muon/, 2024).

    With `spec.optimizer` "adamw" the matrices are AdamW's too.
    """
    named = list(model.named_parameters())
    blocks = [p for name, p in named if ".h." in name and p.ndim == 2]
    tables = [p for name, p in named if ".h." not in name and p.ndim == 2]
    vectors = [p for _, p in named if p.ndim == 1]
    adamw = {"use_muon": False, "lr": spec.adamw_learning_rate, "betas": (0.9, 0.95)}
    matrices = {"use_muon": True} if spec.optimizer == "muon" else adamw
    return Muon(
        [
            {"params": blocks, **matrices, "lr": spec.learning_rate, "weight_decay": 0.1},
            {"params": tables, **adamw, "weight_decay": 0.1},
            {"params": vectors, **adamw, "weight_decay": 0.0},
        ]
    )


class Pretrainer(Trainer):
    """A Trainer whose log also tells the time spent, the number of steps that is settled, and what the model writes.

    `seconds` (wall) and `cpu_seconds` (of this process) go on from the last log entry after an interruption.
    """

    def __init__(self, *args, schedule: Schedule, tokenizer, seed: int, **kwargs):
        super().__init__(*args, **kwargs)
        self.schedule, self.tokenizer, self.seed = schedule, tokenizer, seed
        self.clocks = {"seconds": time.monotonic, "cpu_seconds": time.process_time}
        self.zero = {name: clock() for name, clock in self.clocks.items()}

    def spent(self) -> dict[str, float]:
        """Seconds of training so far, all sessions together."""
        return {name: round(clock() - self.zero[name], 1) for name, clock in self.clocks.items()}

    def go_on_from(self, history: list[dict]) -> None:
        """Sets the clocks and the schedule to those of the last entry of an interrupted run."""
        last = history[-1]
        self.schedule.total = last["total_steps"]
        self.zero = {name: clock() - last[name] for name, clock in self.clocks.items()}

    def log(self, logs: dict, *args, **kwargs) -> None:
        if "eval_loss" in logs:
            logs["sample"] = self.sample()
        super().log({**logs, **self.spent(), "total_steps": self.schedule.total}, *args, **kwargs)

    def sample(self) -> str:
        """Continuations of `PROMPTS`, a line each, from the same random numbers each time; the training's own stay as they were."""
        texts = []
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(self.seed)
            for prompt in PROMPTS:
                ids = self.tokenizer(prompt, return_tensors="pt").to(self.model.device)
                room = self.model.config.n_positions - ids["input_ids"].shape[1]
                out = self.model.generate(**ids, max_new_tokens=min(40, room), do_sample=True, top_k=40)
                texts.append(" ".join(self.tokenizer.decode(out[0], skip_special_tokens=True).split()))
        return "\n".join(texts)


class Progress(TrainerCallback):
    """Restores the clocks, ends the run at the schedule's last step, and prints a line for each log entry."""

    def __init__(self, trainer: Pretrainer, spec: PretrainSpec, bytes_per_token: float, budget: float | None):
        self.trainer, self.spec, self.bytes_per_token, self.budget = trainer, spec, bytes_per_token, budget

    def on_train_begin(self, args, state, control, **kwargs):
        if state.log_history:
            self.trainer.go_on_from(state.log_history)

    def on_step_end(self, args, state, control, **kwargs):
        schedule = self.trainer.schedule
        if self.budget is not None:
            schedule.spend(state.global_step, slowest(self.trainer.spent()["seconds"], args), self.budget)
        if schedule.total is not None and state.global_step >= schedule.total:
            control.should_evaluate = control.should_save = control.should_log = control.should_training_stop = True

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not state.is_world_process_zero:
            return
        of = f"/{logs['total_steps']:,}" if logs.get("total_steps") else ""
        shown = f"step {state.global_step:,}{of} · {state.global_step * self.spec.step_tokens:,} tokens"
        if "eval_loss" in logs:
            bpb = bits_per_byte(logs["eval_loss"], self.bytes_per_token)
            print(f"{shown} · validation loss {logs['eval_loss']:.4f} · {bpb:.4f} bits/byte", flush=True)
        elif "loss" in logs:
            print(f"{shown} · training loss {logs['loss']:.4f} · {logs['seconds'] / 60:.0f} min", flush=True)


def slowest(seconds: float, arguments: TrainingArguments) -> float:
    """The greatest of all processes' clocks, so that all of them end at the same step."""
    if arguments.world_size == 1:
        return seconds
    clock = torch.tensor(seconds, device=arguments.device)
    torch.distributed.all_reduce(clock, torch.distributed.ReduceOp.MAX)
    return clock.item()


LOG_COLUMNS = ["step", "tokens", "seconds", "cpu_seconds", "train_loss", "valid_loss", "valid_bits_per_byte", "sample"]


def write_log(history: list[dict], spec: PretrainSpec, bytes_per_token: float, file: Path) -> None:
    """The Trainer's history as CSV, one row a logged step: losses in nats per token, validation also in bits per byte."""
    rows = {}
    for entry in history:
        step = entry["step"]
        row = rows.setdefault(step, {"step": step, "tokens": step * spec.step_tokens})
        row |= {name: entry[name] for name in ("seconds", "cpu_seconds", "sample") if name in entry}
        if "loss" in entry:
            row["train_loss"] = round(entry["loss"], 5)
        if "eval_loss" in entry:
            row["valid_loss"] = round(entry["eval_loss"], 5)
            row["valid_bits_per_byte"] = round(bits_per_byte(entry["eval_loss"], bytes_per_token), 5)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, LOG_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[step] for step in sorted(rows))


def make_model(spec: PretrainSpec, tokenizer) -> GPT2LMHeadModel:
    """A GPT-2 of the spec's shape with random weights, fixed by the spec's seed."""
    set_seed(spec.seed)
    end = tokenizer.eos_token_id
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=spec.n_positions,
            n_layer=spec.n_layer,
            n_embd=spec.n_embd,
            n_head=spec.n_head,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            resid_pdrop=spec.dropout,
            embd_pdrop=spec.dropout,
            attn_pdrop=spec.dropout,
        )
    )


def make_arguments(
    spec: PretrainSpec,
    directory: Path,
    compile_model: bool = True,
    eval_every: int = 200,
    micro_batch: int | None = None,
) -> TrainingArguments:
    """The Trainer's arguments; checkpoints go to `directory`. InputError when the processes cannot share a step's rows evenly."""
    arguments = TrainingArguments(
        output_dir=str(directory),
        max_steps=spec.max_steps or NEVER,
        max_grad_norm=1.0,
        **precision(),
        torch_compile=compile_model,
        eval_strategy="steps",
        eval_steps=eval_every,
        save_steps=eval_every,
        save_total_limit=2,
        load_best_model_at_end=True,  # it also keeps the best checkpoint from being cleared away
        metric_for_best_model="eval_loss",
        logging_steps=max(1, eval_every // 4),
        seed=spec.seed,
        data_seed=spec.seed,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to=[],
        disable_tqdm=True,
    )
    share, rest = divmod(spec.batch_size, arguments.world_size)
    micro_batch = min(micro_batch or share, share)
    if rest or not share or share % micro_batch:
        raise InputError(
            f"--batch-size {spec.batch_size}: not a multiple of {arguments.world_size} processes times --micro-batch {micro_batch}"
        )
    arguments.per_device_train_batch_size = arguments.per_device_eval_batch_size = micro_batch
    arguments.gradient_accumulation_steps = share // micro_batch
    return arguments


def make_trainer(
    model: GPT2LMHeadModel,
    arguments: TrainingArguments,
    spec: PretrainSpec,
    tokenizer,
    rows: dict[str, np.ndarray],
    bytes_per_token: float,
    budget: float | None = None,
) -> Pretrainer:
    """The Trainer with its optimizer, schedule and progress lines; `rows`: packed `train` and `valid`, (n, n_positions) each."""
    optimizer, schedule = make_optimizer(model, spec), Schedule(spec.max_steps)
    trainer = Pretrainer(
        model,
        arguments,
        train_dataset=Blocks(rows["train"]),
        eval_dataset=Blocks(rows["valid"]),
        optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)),
        schedule=schedule,
        tokenizer=tokenizer,
        seed=spec.seed,
    )
    trainer.add_callback(Progress(trainer, spec, bytes_per_token, budget))
    trainer.remove_callback(PrinterCallback)  # it repeats the progress lines
    return trainer


def pretrain(
    corpus: Path,
    out: Path,
    spec: PretrainSpec,
    compile_model: bool = True,
    eval_every: int = 200,
    budget: float | None = None,
    micro_batch: int | None = None,
) -> dict:
    """Trains from random weights and writes `out`: float16 safetensors, tokenizer, `pretraining.csv`, `pretraining.json`.

    Interrupted at any moment, the same call goes on from the last checkpoint (weights, optimizer state, schedule, data
    position, random states, clocks). It ends after `spec.tokens` token steps or `budget` seconds, whichever comes first;
    the weights kept are those of the best evaluation. `micro_batch` rows go through the model at once (default: all of a
    step's). Started by `torchrun`, the processes share each step's rows. Returns the facts written to `pretraining.json`.
    Raises InputError when nothing would end the run.
    """
    if spec.tokens is None and budget is None:
        raise InputError("pretrain: nothing would end it; give --tokens, --time-budget or both")
    logging.disable_progress_bar()
    key = hashlib.sha256(
        json.dumps([asdict(spec), [(f.name, f.stat().st_size) for f in corpus_files(corpus)]]).encode()
    ).hexdigest()[:12]
    work = BUILD / "pretrain" / key
    checkpoints = work / "checkpoints"
    arguments = make_arguments(spec, checkpoints, compile_model, eval_every, micro_batch)
    with arguments.main_process_first():
        facts = prepare(corpus, spec, work)
        drop_broken_checkpoints(checkpoints)
    resumes = any(checkpoints.glob("checkpoint-*"))
    arguments.eval_on_start = not resumes
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    model = make_model(spec, tokenizer)
    rows = {name: np.load(work / f"{name}.npy", mmap_mode="r") for name in ("train", "valid")}
    trainer = make_trainer(model, arguments, spec, tokenizer, rows, facts["bytes_per_token"], budget)
    if not finished(checkpoints):
        trainer.train(resume_from_checkpoint=resumes)
    if trainer.is_world_process_zero():
        state = last_state(checkpoints)
        history, last = state["log_history"], state["log_history"][-1]
        best = min((entry for entry in history if "eval_loss" in entry), key=lambda entry: entry["eval_loss"])
        facts |= asdict(spec) | {
            "eval_every": eval_every,
            "parameters": sum(p.numel() for p in model.parameters()),
            "steps": state["global_step"],
            "tokens_seen": state["global_step"] * spec.step_tokens,
            "seconds": last["seconds"],
            "cpu_seconds": last["cpu_seconds"],
            "best_step": best["step"],
            "valid_loss": best["eval_loss"],
            "valid_bits_per_byte": bits_per_byte(best["eval_loss"], facts["bytes_per_token"]),
        }
        weights = GPT2LMHeadModel.from_pretrained(checkpoints / Path(state["best_model_checkpoint"]).name)
        export(weights, tokenizer, work / "model", facts)
        write_log(history, spec, facts["bytes_per_token"], work / "model" / "pretraining.csv")
        publish(work / "model", out)
    return facts


def last_state(checkpoints: Path) -> dict | None:
    """The Trainer's state in the last checkpoint, or None where there is no checkpoint."""
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    return json.loads((found[-1] / "trainer_state.json").read_text(encoding="utf-8")) if found else None


def finished(checkpoints: Path) -> bool:
    """Whether the last checkpoint is that of the last step: the run was cut short only after its training."""
    state = last_state(checkpoints)
    return state is not None and state["global_step"] == state["log_history"][-1]["total_steps"]


def export(model, tokenizer, directory: Path, facts: dict) -> None:
    """Half-precision safetensors with GPT-2's own dropout in the configuration, the tokenizer, and the facts."""
    for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop"):
        setattr(model.config, name, 0.1)
    model.to(torch.float16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "pretraining.json").write_text(json.dumps(facts, indent=1) + "\n")


def publish(source: Path, out: Path) -> None:
    """Copies the finished files into `out`; each is renamed into place, so that no half-written file is ever seen there."""
    out.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and not re.search(r"training_args|optimizer", file.name):
            temporary = out / f".{file.name}.part"
            shutil.copyfile(file, temporary)
            temporary.replace(out / file.name)
