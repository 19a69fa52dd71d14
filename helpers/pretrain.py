"""Pre-trains a small GPT-2 from random weights on packed tokens, with transformers' Trainer; any interruption resumes."""

import csv
import hashlib
import json
import math
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .config import BUILD
from .corpus import PretrainSpec, corpus_files, prepare
from .hardware import precision
from .records import drop_broken_checkpoints


class Blocks:
    """A torch map-style dataset over packed rows: `input_ids` and `labels` (the model shifts them itself)."""

    def __init__(self, file: Path):
        self.rows = np.load(file, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        row = self.rows[index].astype(np.int64)
        return {"input_ids": row, "labels": row}


def bits_per_byte(nats_per_token: float, bytes_per_token: float) -> float:
    """Cross-entropy in bits per byte of text; unlike token perplexity it can be compared across tokenizers."""
    return nats_per_token / math.log(2) / bytes_per_token


def log_callback(spec: PretrainSpec, bytes_per_token: float):
    """Prints one line for each evaluation, so that progress is seen in batch runs."""
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            tokens = state.global_step * spec.batch_size * spec.n_positions
            shown = f"step {state.global_step:,}/{state.max_steps:,} · {tokens:,} tokens"
            if "eval_loss" in logs:
                bpb = bits_per_byte(logs["eval_loss"], bytes_per_token)
                print(f"{shown} · validation loss {logs['eval_loss']:.4f} · {bpb:.4f} bits/byte", flush=True)
            elif "loss" in logs:
                print(f"{shown} · training loss {logs['loss']:.4f}", flush=True)

    return Progress()


def write_log(history: list[dict], spec: PretrainSpec, bytes_per_token: float, file: Path) -> None:
    """The Trainer's history as CSV: step, tokens, training loss, validation loss (nats per token), validation bits per byte."""
    rows = {}
    for entry in history:
        row = rows.setdefault(
            entry["step"], {"step": entry["step"], "tokens": entry["step"] * spec.batch_size * spec.n_positions}
        )
        if "loss" in entry:
            row["train_loss"] = round(entry["loss"], 5)
        if "eval_loss" in entry:
            row["valid_loss"] = round(entry["eval_loss"], 5)
            row["valid_bits_per_byte"] = round(bits_per_byte(entry["eval_loss"], bytes_per_token), 5)
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, ["step", "tokens", "train_loss", "valid_loss", "valid_bits_per_byte"])
        writer.writeheader()
        writer.writerows(rows[step] for step in sorted(rows))


def pretrain(corpus: Path, out: Path, spec: PretrainSpec, compile_model: bool = True, eval_every: int = 200) -> dict:
    """Trains from random weights and writes `out`: float16 safetensors, tokenizer, `pretraining.csv`, `pretraining.json`.

    Interrupted at any moment, the same call goes on from the last checkpoint (weights, AdamW state, schedule, data
    position, random states). Returns the facts written to `pretraining.json`.
    """
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging

    logging.disable_progress_bar()

    key = hashlib.sha256(
        json.dumps([asdict(spec), [(f.name, f.stat().st_size) for f in corpus_files(corpus)]]).encode()
    ).hexdigest()[:12]
    work = BUILD / "pretrain" / key
    facts = prepare(corpus, spec, work)
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    set_seed(spec.seed)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=spec.n_positions,
        n_layer=spec.n_layer,
        n_embd=spec.n_embd,
        n_head=spec.n_head,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        # One pass over the text cannot be memorised, so dropout would only slow it down; fine-tuning turns it back on.
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model = GPT2LMHeadModel(config)
    checkpoints = work / "checkpoints"
    drop_broken_checkpoints(checkpoints)
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=spec.max_steps,
        per_device_train_batch_size=spec.batch_size,
        per_device_eval_batch_size=spec.batch_size,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, spec.max_steps // 20),
        weight_decay=0.1,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        **precision(),
        torch_compile=compile_model,
        eval_strategy="steps",
        eval_steps=eval_every,
        save_steps=eval_every,
        save_total_limit=2,
        logging_steps=max(1, eval_every // 4),
        seed=spec.seed,
        data_seed=spec.seed,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=Blocks(work / "train.npy"),
        eval_dataset=Blocks(work / "valid.npy"),
        callbacks=[log_callback(spec, facts["bytes_per_token"])],
    )
    trainer.remove_callback(PrinterCallback)  # it repeats the progress lines
    trainer.train(resume_from_checkpoint=any(checkpoints.glob("checkpoint-*")))
    final = trainer.evaluate()["eval_loss"]
    facts |= asdict(spec) | {
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": trainer.state.global_step,
        "tokens_seen": trainer.state.global_step * spec.batch_size * spec.n_positions,
        "valid_loss": final,
        "valid_bits_per_byte": bits_per_byte(final, facts["bytes_per_token"]),
    }
    export(model, tokenizer, work / "model", facts)
    write_log(trainer.state.log_history, spec, facts["bytes_per_token"], work / "model" / "pretraining.csv")
    publish(work / "model", out)
    return facts


def export(model, tokenizer, directory: Path, facts: dict) -> None:
    """Half-precision safetensors with GPT-2's own dropout back in the configuration, the tokenizer, and the facts."""
    import torch

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
