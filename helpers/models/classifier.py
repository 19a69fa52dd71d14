"""A decoder as a classifier: from random weights or the base's, with a body that is trained or frozen."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import DataCollatorForSeq2Seq, default_data_collator

from ..arms import Arm
from ..data.splits import label_classes, side
from ..files import replacing
from . import bases
from .bases import encode, start_model
from .finetuning import faster, fit, state
from .metrics import mean_reciprocal_rank
from .task import Task, epoch_rows
from .tokens import bucketed_batches


def pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """What a body says of each text: (n, width), of hidden (n, time, width) and mask (n, time) of 0 and 1.

    pooling: the "mean" over the text's tokens, or its "last" token. Padding on either side changes nothing.
    """
    if pooling == "mean":
        weights = mask[..., None].to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)
    last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
    return hidden[torch.arange(len(last), device=hidden.device), last]


class Classifier(torch.nn.Module):
    """A decoder's body and one dense layer without bias on what it says of a text (see `pooled`).

    In training alone: labels are smoothed, `dropout` is of the numbers that the dense layer reads, and
    `token_dropout` of whole tokens, which become the body's end token
    (GPT-2's end of text, SmolLM2's end of a turn).
    """

    def __init__(
        self,
        body,
        num_labels: int,
        pooling: str,
        smoothing: float = 0.0,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
    ):
        super().__init__()
        self.body, self.pooling, self.smoothing = body, pooling, smoothing
        self.dropout, self.token_dropout = torch.nn.Dropout(dropout), token_dropout
        self.score = torch.nn.Linear(body.config.hidden_size, num_labels, bias=False)
        torch.nn.init.normal_(self.score.weight, std=body.config.initializer_range)

    @property
    def device(self) -> torch.device:
        return self.score.weight.device

    def features(self, input_ids, attention_mask) -> torch.Tensor:
        """(n, width): what the dense layer reads of each text."""
        if self.training and self.token_dropout:
            lost = torch.rand(input_ids.shape, device=input_ids.device) < self.token_dropout
            input_ids = input_ids.masked_fill(lost, self.body.config.eos_token_id)
        positions = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "position_ids": positions}
        read = self.body(**given, use_cache=False)
        return pooled(read.last_hidden_state, attention_mask, self.pooling)

    def forward(self, input_ids, attention_mask, labels=None) -> dict[str, torch.Tensor]:
        """`logits` (n, k) and, with labels, `loss` (see `with_loss`)."""
        logits = self.score(self.dropout(self.features(input_ids, attention_mask))).float()
        return {"logits": logits} if labels is None else with_loss(self, logits, labels)


def with_loss(model, logits: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the Trainer wants of a model: its logits and `loss`, smoothed in training alone."""
    smoothing = model.smoothing if model.training else 0.0
    loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    return {"loss": loss, "logits": logits}


NETWORK = ("pooling", "smoothing", "dropout", "token_dropout")


def build(arm: Arm, base: str, labels: list[str], seed: int) -> Classifier:
    """A classifier of these labels in float32 whose body starts where the arm starts, its dense layer random.

    Of the start, see `bases.start_model`. Where the arm's body is frozen only the dense layer has gradients.
    The seed fixes every random weight.
    """
    body = start_model("body", arm.start, base, seed)
    own = {name: value for name, value in arm.settings.items() if name in NETWORK}
    model = Classifier(body, len(labels), **own)
    model.body.requires_grad_(arm.frozen == "nothing")
    return model


def logits_of(model: Classifier, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """Logits in the order of `texts`, in evaluation mode: (n, k) float32.

    Batches of similar length are padded to their longest.
    """
    return _by_length(lambda tensors: model(**tensors)["logits"], model, tokenizer, texts, batch_size)


def features_of(model: Classifier, tokenizer, texts: list[str], batch_size: int = 64) -> np.ndarray:
    """What the classifier's dense layer reads of each text: (n, width) float32, in bf16 where that pays."""
    with faster(model.device):
        return _by_length(lambda tensors: model.features(**tensors), model, tokenizer, texts, batch_size)


def _by_length(compute, model: Classifier, tokenizer, texts: list[str], batch_size: int) -> np.ndarray:
    rows, out = encode(tokenizer, texts), {}
    model.eval()
    with torch.inference_mode():
        for batch in bucketed_batches(np.array([len(r["input_ids"]) for r in rows]), batch_size, None):
            tensors = tokenizer.pad([rows[i] for i in batch], return_tensors="pt").to(model.device)
            out |= dict(zip(batch, compute(tensors).float().cpu().numpy(), strict=True))
    return np.array([out[row] for row in range(len(rows))], dtype=np.float32)


class Head(torch.nn.Module):
    """A classifier's dense layer by itself, on features that were computed once."""

    def __init__(self, linear: torch.nn.Linear, smoothing: float):
        super().__init__()
        self.linear, self.smoothing = linear, smoothing

    def forward(self, features, labels):
        return with_loss(self, self.linear(features), labels)


# tokens up to which attention as plain products is faster on a CPU than the fused kernel
# (benchmarks/llm_speed_cpu.csv)
SHORT = 256


def train(task: Task) -> dict:
    """Trains every weight of a classifier that `build` leaves free (see `Task`).

    The epoch with the best validation MRR is kept. Settings: those of NETWORK (see `Classifier`),
    `head_rate`: how many times the body's rate the dense layer has, `cuts` (see `train_head`) and `reading`
    (see `read_own_rows`).
    """
    tokenizer, labels = bases.load_tokenizer(task.base), label_classes(task.split).tolist()
    longest = max(len(row["input_ids"]) for row in encode(tokenizer, task.split["text"].tolist()))

    def make():
        model = build(task.arm, task.base, labels, task.seed)
        if longest <= SHORT and state().device.type == "cpu":
            model.body.set_attn_implementation("eager")
        return model

    if task.arm.frozen == "body":
        model, history = train_head(task, make, tokenizer)
    else:
        start, seconds = (make, 0.0) if task.arm.start != "own" else read_own_rows(task, make, tokenizer)
        data = {
            "train": lambda epoch: encode(tokenizer, *epoch_rows(task, epoch)),
            "valid": encode(tokenizer, *side(task.split, "valid")),
        }
        collate = partial(tokenizer.pad, return_tensors="pt")
        model, history = fit(start, data, lambda rows: dict(collate(rows)), measure, "mrr", task)
        history[0]["seconds"] += seconds
    return {
        "valid_logits": logits_of(model, tokenizer, side(task.split, "valid")[0]),
        "test_logits": logits_of(model, tokenizer, side(task.split, "test")[0]),
        "history": history,
        "parameters": int(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "arrays": bases.weights_of(model),
    }


def read_own_rows(task: Task, make: Callable, tokenizer) -> tuple[Callable, float]:
    """Trains the body that `make()` builds as a language model, on nothing but the training rows.

    Setting `reading`: its learning rate. It has as many epochs as the classifier after it; the one that
    predicts the validation texts best is kept. Returns what builds the classifier that starts there, and the
    seconds it took.
    """
    own = replace(task, value=task.arm.settings["reading"], work=task.work / "reading")
    kept = task.work / "read.safetensors"  # a run that is cut short after it goes on from here

    def rows(texts: list[str], numbers: np.ndarray) -> list[dict]:
        return [row | {"labels": row["input_ids"]} for row in encode(tokenizer, texts)]

    def read() -> None:
        data = {
            "train": lambda epoch: rows(*epoch_rows(own, epoch)),
            "valid": rows(*side(task.split, "valid")),
        }
        pad = DataCollatorForSeq2Seq(tokenizer)  # padding's label takes no part in the loss
        lm, history = fit(
            lambda: start_model("lm", "random", task.base, task.seed),
            data,
            lambda rows: dict(pad(rows)),
            None,
            "eval_loss",
            own,
        )
        if state().is_main_process:
            took = str(sum(row["seconds"] for row in history))
            with replacing(kept) as temporary:
                save_file(lm.base_model.state_dict(), temporary, {"seconds": took})
        state().wait_for_everyone()

    def start() -> Classifier:
        model = make()
        model.body.load_state_dict(load_file(kept))
        return model

    if not kept.is_file():
        read()
    with safe_open(kept, framework="pt") as file:
        return start, float(file.metadata()["seconds"])


def train_head(task: Task, make: Callable, tokenizer) -> tuple:
    """Trains the dense layer of what `make()` builds: (model, history).

    The body never changes, so each text goes through it once and not once an epoch. Setting `cuts`: of how
    many epochs the passages are computed; they come round again.
    """
    model, began = make().to(state().device), time.perf_counter()

    def rows(texts: list[str], numbers: np.ndarray) -> list[dict]:
        features = features_of(model, tokenizer, texts)
        return [{"features": f, "labels": n} for f, n in zip(features, numbers, strict=True)]

    cuts = min(task.arm.settings.get("cuts", 1), task.epochs) if task.anew else 1
    drawn = [rows(*epoch_rows(task, number)) for number in range(cuts)]
    data = {"train": lambda epoch: drawn[epoch % cuts], "valid": rows(*side(task.split, "valid"))}
    once = time.perf_counter() - began
    head, history = fit(
        lambda: Head(make().score, model.smoothing), data, default_data_collator, measure, "mrr", task
    )
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
