"""GPT-2 as a classifier on transformers' Trainer: the same architecture from random weights, or pre-trained and then frozen or not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from .hardware import precision
from .metrics import mean_reciprocal_rank
from .splits import label_classes, side
from .text import bucketed_batches, resolve_base

BATCH_SIZE = 16


def load_tokenizer(base: str):
    """The base's byte-level BPE tokenizer, with a pad token (GPT-2 has none: its end-of-text token serves), padding right."""
    from transformers import AutoTokenizer

    where, revision = resolve_base(base)
    tokenizer = AutoTokenizer.from_pretrained(where, revision=revision)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return tokenizer


def build(arm: str, base: str, labels: list[str], seed: int):
    """A GPT2ForSequenceClassification in float32: `gpt2_scratch` with random weights, the others with the base's.

    In `gpt2_frozen` only the head has gradients. All have the base's architecture, the pad token set on the configuration
    (the classifier reads the last token that is no padding) and a random head. The seed fixes every random weight.
    """
    import torch
    from transformers import GPT2Config, GPT2ForSequenceClassification, set_seed
    from transformers.utils import logging

    # Weight-loading bars, and the notice that a classifier's head is new, hide the progress lines.
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    where, revision = resolve_base(base)
    pad_token_id = load_tokenizer(base).pad_token_id
    names = dict(enumerate(labels))
    extra = {
        "num_labels": len(labels),
        "id2label": names,
        "label2id": {name: i for i, name in names.items()},
        "pad_token_id": pad_token_id,
    }
    config = GPT2Config.from_pretrained(where, revision=revision, **extra)
    set_seed(seed)
    if arm == "gpt2_scratch":
        return GPT2ForSequenceClassification(config).to(torch.float32)
    model = GPT2ForSequenceClassification.from_pretrained(where, revision=revision, config=config, dtype=torch.float32)
    model.transformer.requires_grad_(arm != "gpt2_frozen")
    return model


def encode(tokenizer, texts: list[str], labels: np.ndarray | None = None) -> list[dict]:
    """One dict a text: `input_ids` (truncated to the model's positions), `attention_mask`, and `labels` where given."""
    rows = tokenizer(texts, truncation=True)
    return [
        {"input_ids": ids, "attention_mask": mask} | ({} if labels is None else {"labels": int(labels[i])})
        for i, (ids, mask) in enumerate(zip(rows["input_ids"], rows["attention_mask"], strict=True))
    ]


def logits_of(model, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """(n, k) float32 logits in the order of `texts`, in evaluation mode, batches of similar length padded to their longest."""
    import torch

    rows = encode(tokenizer, texts)
    out = np.zeros((len(rows), model.config.num_labels), dtype=np.float32)
    model.eval()
    with torch.inference_mode():
        for batch in bucketed_batches(np.array([len(r["input_ids"]) for r in rows]), batch_size, None):
            tensors = tokenizer.pad([rows[i] for i in batch], return_tensors="pt").to(model.device)
            out[batch] = model(**tensors).logits.float().cpu().numpy()
    return out


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
    """Trains every weight that `build` leaves free and keeps the epoch with the best validation MRR.

    Goes on from `work`'s checkpoint if there is one. Returns logits of both held-out sides, one history row an epoch, and
    the number of trained parameters.
    """
    from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    tokenizer = load_tokenizer(base)
    model = build(arm, base, label_classes(split).tolist(), seed)
    data = {name: encode(tokenizer, *side(split, name)) for name in ("train", "valid")}

    class Progress(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in logs:
                if not np.isfinite(logs["loss"]):
                    raise FloatingPointError(f"training loss became {logs['loss']}: lower the learning rate")
                progress(f"epoch {round(state.epoch)}/{epochs} · training loss {logs['loss']:.3f}")

    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH_SIZE,
        per_device_eval_batch_size=64,
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.01,
        max_grad_norm=1.0,
        **precision(),
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="mrr",
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        logging_nan_inf_filter=False,  # a NaN loss must be seen, not smoothed away
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=data["train"],
        eval_dataset=data["valid"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda out: {
            "accuracy": float((out.predictions.argmax(-1) == out.label_ids).mean()),
            "mrr": mean_reciprocal_rank(out.predictions, out.label_ids),
        },
        callbacks=[Progress()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=any(work.glob("checkpoint-*")))
    # Training in bf16 leaves the forward pass in bf16; what is measured is computed in float32.
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped, keep_fp32_wrapper=False)
    result = {
        "valid_logits": logits_of(model, tokenizer, side(split, "valid")[0]),
        "test_logits": logits_of(model, tokenizer, side(split, "test")[0]),
        "history": epochs_of(trainer.state.log_history),
        "parameters": int(sum(p.numel() for p in model.parameters() if p.requires_grad)),
    }
    shutil.rmtree(work, ignore_errors=True)
    return result


def epochs_of(log_history: list[dict]) -> list[dict]:
    """The Trainer's log as one row an epoch: `epoch`, `train_loss`, `valid_loss`, `valid_accuracy`, `valid_mrr`."""
    rows: dict[int, dict] = {}
    names = {
        "loss": "train_loss",
        "eval_loss": "valid_loss",
        "eval_accuracy": "valid_accuracy",
        "eval_mrr": "valid_mrr",
    }
    for entry in log_history:
        found = {new: float(entry[old]) for old, new in names.items() if old in entry}
        if found:
            rows.setdefault(round(entry["epoch"]), {"epoch": round(entry["epoch"])}).update(found)
    return [rows[epoch] for epoch in sorted(rows)]
