"""Pre-trains a small GPT-2 from random weights on packed tokens, with transformers' Trainer.

A run resumes after any interruption.
"""

import copy
import csv
import hashlib
import json
import re
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel, TrainerCallback, TrainingArguments
from transformers.utils import logging

from .. import files
from ..config import BUILD, InputError
from ..files import check_writable, drop_broken_checkpoints, only_one, replacing, sha256
from ..models.finetuning import can_compile
from ..models.metrics import bits_per_byte
from .corpus import PretrainSpec, check_settings, part_files, prepare
from .trainer import DECAY, WARMUP_STEPS, make_arguments, make_model, make_trainer

LOG_COLUMNS = [
    "step",
    "tokens",
    "seconds",
    "cpu_seconds",
    "train_loss",
    "valid_loss",
    "valid_bits_per_byte",
    "sample",
]


def write_log(history: list[dict], spec: PretrainSpec, bytes_per_token: float, file: Path) -> None:
    """Writes the Trainer's history as CSV, one row a logged step.

    Losses are in nats per token, that of validation also in bits per byte.
    """
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


def pretrain(
    corpus: Path,
    out: Path,
    spec: PretrainSpec,
    compile_model: bool = True,
    eval_every: int = 200,
    budget: float | None = None,
    micro_batch: int | None = None,
    keep: tuple[int, ...] = (),
) -> dict:
    """Trains from random weights and writes the model and its record to `out`.

    Written are float16 safetensors, tokenizer, `pretraining.csv`, `pretraining.json`; and, in `out/kept`, the
    model as it was after each number of token steps in `keep` (see `kept_name`). Interrupted at any
    moment, the same call goes on from the last checkpoint (weights, optimizer state, schedule, data position,
    random states, clocks). It ends after `spec.tokens` token steps or `budget` seconds, whichever comes
    first; the weights kept are those of the best evaluation. `micro_batch` rows go through the model at once
    (default: all of a step's). Started by `torchrun`, the processes share each step's rows. Returns the facts
    written to `pretraining.json`. A budget sets the length from the pace of its first part, so a machine that
    slows down afterwards ends later. Raises InputError for values that cannot be, when nothing would end the
    run, and when `out` cannot be written.
    """
    check_settings(spec, eval_every, budget, micro_batch, keep)
    for validation in (False, True):
        part_files(corpus, validation)
    check_writable(out, "--out")
    logging.disable_progress_bar()
    texts = [[sha256(file) for file in part_files(corpus, validation)] for validation in (False, True)]
    decisive = [asdict(spec), budget, eval_every, DECAY, WARMUP_STEPS, texts]
    work = BUILD / "pretrain" / hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:12]
    arguments = make_arguments(
        spec, work / "checkpoints", compile_model and can_compile(), eval_every, micro_batch
    )
    with only_one(work) if arguments.process_index == 0 else nullcontext():
        return _run(corpus, out, spec, arguments, work, budget, keep)


def _run(
    corpus: Path,
    out: Path,
    spec: PretrainSpec,
    arguments: TrainingArguments,
    work: Path,
    budget: float | None,
    keep: tuple[int, ...],
) -> dict:
    """The run itself, in a directory of its own."""
    checkpoints = work / "checkpoints"
    with arguments.main_process_first():
        facts = prepare(corpus, spec, work)
        drop_broken_checkpoints(checkpoints)
    resumes = any(checkpoints.glob("checkpoint-*"))
    arguments.eval_on_start = not resumes
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    model = make_model(spec, tokenizer)
    rows = {name: np.load(work / f"{name}.npy", mmap_mode="r") for name in ("train", "valid")}
    trainer = make_trainer(model, arguments, spec, tokenizer, rows, facts["bytes_per_token"], budget)
    at = {work / "kept" / kept_name(tokens): spec.step_of(tokens) for tokens in keep}
    check_kept(at, checkpoints)
    trainer.add_callback(Keeper(at, spec, tokenizer, facts))
    if not finished(checkpoints):
        trainer.train(resume_from_checkpoint=resumes)
    if trainer.is_world_process_zero():
        state = last_state(checkpoints)
        history, last = state["log_history"], state["log_history"][-1]
        best_step, best_loss = state["best_global_step"], state["best_metric"]
        facts |= asdict(spec) | {
            "eval_every": state["eval_steps"],
            "decay": DECAY,
            "parameters": sum(p.numel() for p in model.parameters()),
            "steps": state["global_step"],
            "tokens_seen": state["global_step"] * spec.step_tokens,
            "seconds": last["seconds"],
            "cpu_seconds": last["cpu_seconds"],
            "best_step": best_step,
            "valid_loss": best_loss,
            "valid_bits_per_byte": bits_per_byte(best_loss, facts["bytes_per_token"]),
        }
        weights = GPT2LMHeadModel.from_pretrained(checkpoints / Path(state["best_model_checkpoint"]).name)
        export(weights, tokenizer, work / "model", facts)
        write_log(history, spec, facts["bytes_per_token"], work / "model" / "pretraining.csv")
        publish(work / "model", out)
        publish_kept(at, out / "kept")
    return facts


def kept_name(tokens: int) -> str:
    """The directory of the model that has read so many tokens; names sort as the numbers do."""
    return f"{tokens:012d}"


class Keeper(TrainerCallback):
    """Writes the model as it is after certain steps: a base like the finished one, in half precision.

    at: the step of each directory, 0 being the random weights. What is there already stays: a run that was
    killed and comes by again writes the same.
    """

    def __init__(self, at: dict[Path, int], spec: PretrainSpec, tokenizer, facts: dict):
        self.at, self.spec, self.tokenizer, self.facts = at, spec, tokenizer, facts

    def on_train_begin(self, args, state, control, **kwargs):
        self.on_step_end(args, state, control, **kwargs)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        wanted = [path for path, step in self.at.items() if step == state.global_step and not path.is_dir()]
        read = {"tokens_seen": state.global_step * self.spec.step_tokens}
        for directory in wanted if state.is_world_process_zero else ():
            with replacing(directory) as temporary:
                temporary.mkdir()
                export(copy.deepcopy(model), self.tokenizer, temporary, self.facts | asdict(self.spec) | read)


def check_kept(at: dict[Path, int], checkpoints: Path) -> None:
    """InputError where a run that goes on is past a step that was to be kept and was not.

    A finished one is past its last step too.
    """
    state = last_state(checkpoints)
    first = state["global_step"] + finished(checkpoints) if state else 0  # that can still be kept
    if passed := [path.name for path, step in at.items() if step < first and not path.is_dir()]:
        raise InputError(
            f"--keep {int(passed[0])}: the run in {checkpoints.parent} is past it; leave it out, or remove "
            "that directory to begin anew"
        )


def last_state(checkpoints: Path) -> dict | None:
    """The Trainer's state in the last checkpoint, or None where there is no checkpoint."""
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    return json.loads((found[-1] / "trainer_state.json").read_text(encoding="utf-8")) if found else None


def finished(checkpoints: Path) -> bool:
    """Whether the last checkpoint is that of the last step: the run was cut short only after its training."""
    state = last_state(checkpoints)
    return state is not None and state["global_step"] == state["log_history"][-1]["total_steps"]


def export(model, tokenizer, directory: Path, facts: dict) -> None:
    """Half-precision safetensors with GPT-2's own dropout in the configuration, tokenizer, facts."""
    for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop"):
        setattr(model.config, name, 0.1)
    model.to(torch.float16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "pretraining.json").write_text(json.dumps(facts, indent=1) + "\n")


def publish_kept(at: dict[Path, int], out: Path) -> None:
    """Publishes the models that were kept, each in a folder of `out`; says which the run did not reach."""
    for directory in at:
        if directory.is_dir():
            publish(directory, out / directory.name)
        else:
            print(f"--keep {int(directory.name)}: not reached", flush=True)


def publish(source: Path, out: Path) -> None:
    """Copies the finished files into `out`.

    Each is renamed into place, so that no half-written file is ever seen there.
    """
    for file in sorted(source.iterdir()):
        if file.is_file() and not re.search(r"training_args|optimizer", file.name):
            files.copy(file, out / file.name)
