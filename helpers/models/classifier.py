"""GPT-2 as a classifier: from random weights or the base's, with a body that is trained or frozen."""

import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import DataCollatorWithPadding, default_data_collator

from ..arms import Arm
from ..data.splits import label_classes, side
from . import bases
from .bases import encode, start_model
from .finetuning import fit, state
from .metrics import mean_reciprocal_rank
from .task import Task
from .tokens import bucketed_batches


def build(arm: Arm, base: str, labels: list[str], seed: int):
    """A GPT2ForSequenceClassification in float32 that starts where the arm starts, its head random.

    Of the start, see `bases.start_model`. Where the arm's body is frozen only the head has gradients. The
    classifier reads the last token that is no padding. The seed fixes every random weight.
    """
    from transformers import GPT2ForSequenceClassification

    names = dict(enumerate(labels))
    inverse = {name: i for i, name in names.items()}
    model = start_model(
        GPT2ForSequenceClassification,
        arm.start,
        base,
        seed,
        num_labels=len(labels),
        id2label=names,
        label2id=inverse,
    )
    model.transformer.requires_grad_(arm.frozen == "nothing")
    return model


def logits_of(model, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """Logits in the order of `texts`, in evaluation mode: (n, k) float32.

    Batches of similar length are padded to their longest.
    """
    return _by_length(lambda tensors: model(**tensors).logits, model, tokenizer, texts, batch_size)


def features_of(model, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """What the classifier's last layer reads of each text: (n, width) float32.

    That is the body's output at the text's last token.
    """
    import torch

    def last_token(tensors):
        hidden, last = model.transformer(**tensors).last_hidden_state, tensors["attention_mask"].sum(1) - 1
        return hidden[torch.arange(len(last), device=hidden.device), last]

    return _by_length(last_token, model, tokenizer, texts, batch_size)


def _by_length(compute, model, tokenizer, texts: list[str], batch_size: int) -> np.ndarray:
    import torch

    rows, out = encode(tokenizer, texts), {}
    model.eval()
    with torch.inference_mode():
        for batch in bucketed_batches(np.array([len(r["input_ids"]) for r in rows]), batch_size, None):
            tensors = tokenizer.pad([rows[i] for i in batch], return_tensors="pt").to(model.device)
            out |= dict(zip(batch, compute(tensors).float().cpu().numpy(), strict=True))
    return np.array([out[row] for row in range(len(rows))], dtype=np.float32)


class Head(torch.nn.Module):
    """A classifier's last layer by itself, on features that were computed once."""

    def __init__(self, linear: torch.nn.Linear):
        super().__init__()
        self.linear = linear

    def forward(self, features, labels):
        logits = self.linear(features)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def train(task: Task) -> dict:
    """Trains every weight of a classifier that `build` leaves free (see `Task`).

    The epoch with the best validation MRR is kept.
    """
    tokenizer = bases.load_tokenizer(task.base)
    labels = label_classes(task.split).tolist()

    def make():
        return build(task.arm, task.base, labels, task.seed)

    if task.arm.frozen == "body":
        model, history = train_head(task, make, tokenizer)
    else:
        data = {name: bases.encode(tokenizer, *side(task.split, name)) for name in ("train", "valid")}
        model, history = fit(make, data, DataCollatorWithPadding(tokenizer), measure, "mrr", task)
    return {
        "valid_logits": logits_of(model, tokenizer, side(task.split, "valid")[0]),
        "test_logits": logits_of(model, tokenizer, side(task.split, "test")[0]),
        "history": history,
        "parameters": int(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "arrays": bases.weights_of(model),
    }


def train_head(task: Task, make: Callable, tokenizer) -> tuple:
    """Trains the last layer of what `make()` builds: (model, history).

    The body never changes, so each text goes through it once and not once an epoch.
    """
    model, data, began = make().to(state().device), {}, time.perf_counter()
    for name in ("train", "valid"):
        texts, numbers = side(task.split, name)
        features = features_of(model, tokenizer, texts)
        data[name] = [{"features": f, "labels": n} for f, n in zip(features, numbers, strict=True)]
    once = time.perf_counter() - began
    head, history = fit(lambda: Head(make().score), data, default_data_collator, measure, "mrr", task)
    history[0]["seconds"] += once
    model.score = head.linear.to(model.device)
    return model, history


def measure(out) -> dict[str, float]:
    """The Trainer's metrics of a classifier's predictions: accuracy and MRR (0 if one is no number)."""
    if not np.isfinite(out.predictions).all():
        return {"accuracy": 0.0, "mrr": 0.0}
    return {
        "accuracy": float((out.predictions.argmax(-1) == out.label_ids).mean()),
        "mrr": mean_reciprocal_rank(out.predictions, out.label_ids),
    }
