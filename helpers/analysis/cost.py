"""What the arms cost: time, memory, and the arithmetic of their training."""

import json

import numpy as np
import pandas as pd

from ..arms import ARMS
from ..data.splits import side
from ..data.study import Study
from ..experiments.plan import results
from ..experiments.records import Record
from ..models.bases import base_file, count_tokens
from ..models.tokens import encode_words, word_tokenizer

EMBEDDING_DIM, RNN_UNITS = 150, 256  # as in `helpers.bilstm`, which brings Keras along (a test compares them)
QUESTION_TOKENS = 8  # about what one of `gpt2_lm.QUESTIONS` has (a test compares them)


def training_flops(record: Record, split: pd.DataFrame, base: str, answers: list[str]) -> float:
    """Floating-point operations of a run's training: 6 per multiplied weight and token that passes it.

    That is 2 forward and 4 backward (Kaplan et al. 2020, section 2.1), attention's own products left out.
    Tokens are those of the training rows times the epochs run. NaN for scikit-learn's arms, whose training is
    no such product; 0 for a model that is not trained.
    """
    count = {"keras": recurrent_flops, "torch": transformer_flops}.get(ARMS[record.spec.arm].framework)
    return float("nan") if count is None else count(record, split, base, answers)


def recurrent_flops(record: Record, split: pd.DataFrame, base: str, answers: list[str]) -> float:
    """`training_flops` of a BiLSTM; padding counts where the network reads it."""
    settings, texts = ARMS[record.spec.arm].settings, side(split, "train")[0]
    known = split["text"].tolist() if settings["vocabulary"] == "all" else texts
    lengths = [len(ids) for ids in encode_words(word_tokenizer(known), known)]
    tokens = len(texts) * max(lengths) if settings["padding"] == "longest" else sum(lengths)
    recurrent, head = (
        2 * 4 * RNN_UNITS * (EMBEDDING_DIM + RNN_UNITS),
        2 * RNN_UNITS * split["label"].nunique(),
    )
    return 6.0 * len(record.history) * (recurrent * tokens + head * len(texts))


def transformer_flops(record: Record, split: pd.DataFrame, base: str, answers: list[str]) -> float:
    """`training_flops` of a transformer; a frozen body is only passed forward, once.

    A question of average length and the answer count where a model is taught to answer.
    """
    arm, epochs, texts = ARMS[record.spec.arm], len(record.history), side(split, "train")[0]
    config = json.loads(base_file(base, "config.json").read_text(encoding="utf-8"))
    width, tokens = config["n_embd"], sum(count_tokens(base, texts))
    body, head = 12 * config["n_layer"] * width**2, width * split["label"].nunique()
    if arm.answers:
        tokens += len(texts) * (
            QUESTION_TOKENS + np.mean(count_tokens(base, [f" {name}" for name in answers])) + 1
        )
        return float(6.0 * epochs * tokens * (body + width * config["vocab_size"]))
    if arm.frozen == "body":
        return 2.0 * body * tokens + 6.0 * epochs * head * len(texts)
    return 6.0 * epochs * (body * tokens + head * len(texts))


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm: seconds, memory, floating-point operations, parameters and accuracy.

    Columns: seconds, memory (MiB), flops (of training), parameters, accuracy, per_minute (accuracy a training
    minute). Means over seeds, of memory the largest (a worker that has already grown needs less for its next
    run). Seconds and memory are those of the machine that trained, with what else ran beside.
    """
    rows = {}
    for arm in arms:
        records = results(study, arm)
        seconds = float(np.mean([r.seconds for r in records]))
        accuracy = float(np.mean([r.metrics["test"]["accuracy"] for r in records]))
        rows[arm] = {
            "seconds": seconds,
            "memory": float(max(r.memory for r in records)),
            "flops": float(
                np.mean([training_flops(r, study.split, study.profile.base, study.answers) for r in records])
            ),
            "parameters": records[0].parameters,
            "accuracy": accuracy,
            "per_minute": accuracy / (seconds / 60),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
