"""Pre-trains a small GPT-2 from random weights on packed tokens, with transformers' Trainer; any interruption resumes."""

import csv
import hashlib
import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel
from transformers.utils import logging

from .config import BUILD, InputError
from .corpus import PretrainSpec, corpus_files, prepare
from .pretrain_trainer import DECAY, bits_per_byte, make_arguments, make_model, make_trainer
from .records import drop_broken_checkpoints

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
            "decay": DECAY,
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
