"""What the arms cost: time, memory, and the arithmetic of their training."""

import json

import numpy as np
import pandas as pd

from .config import ARMS
from .experiments import results
from .splits import side
from .study import Study
from .text import base_file, encode_words, load_bpe, word_tokenizer

EMBEDDING_DIM, RNN_UNITS = 150, 256  # as in `helpers.bilstm`, which brings Keras along (a test compares them)
QUESTION_TOKENS = 8  # about what one of `gpt2_lm.QUESTIONS` has (a test compares them)


def training_flops(record, split, base: str, answers: list[str]) -> float:
    """Floating-point operations of a run's training: 6 for each weight that is multiplied and each token that passes it.

    That is 2 forward and 4 backward (Kaplan et al. 2020, section 2.1), attention's own products left out. A frozen body is only
    passed forward, once. Tokens are those of the training rows times the epochs run; padding counts where the network reads it
    (`bilstm_original`), a question of average length and the answer where a model is taught to answer. NaN for scikit-learn's
    arms, whose training is no such product; 0 for a model that is not trained.
    """
    arm, epochs, classes = record.spec.arm, len(record.history), split["label"].nunique()
    texts = side(split, "train")[0]
    if ARMS[arm].framework == "sklearn":
        return float("nan")
    if ARMS[arm].framework == "keras":
        own = arm == "bilstm_original"
        known = split["text"].tolist() if own else texts
        lengths = [len(ids) for ids in encode_words(word_tokenizer(known), known)]
        tokens = len(texts) * max(lengths) if own else sum(lengths)
        recurrent, head = 2 * 4 * RNN_UNITS * (EMBEDDING_DIM + RNN_UNITS), 2 * RNN_UNITS * classes
        return 6.0 * epochs * (recurrent * tokens + head * len(texts))
    config = json.loads(base_file(base, "config.json").read_text(encoding="utf-8"))
    width, tokenizer = config["n_embd"], load_bpe(base)
    body, head = 12 * config["n_layer"] * width**2, width * classes
    tokens = sum(len(row.ids) for row in tokenizer.encode_batch(texts))
    if ARMS[arm].answers:
        tokens += len(texts) * (
            QUESTION_TOKENS + np.mean([len(tokenizer.encode(f" {name}").ids) + 1 for name in answers])
        )
        return float(6.0 * epochs * tokens * (body + width * config["vocab_size"]))
    if arm == "gpt2_frozen":
        return 2.0 * body * tokens + 6.0 * epochs * head * len(texts)
    return 6.0 * epochs * (body * tokens + head * len(texts))


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm: seconds, memory (MiB), flops (of training), parameters, accuracy, per_minute (accuracy a training minute).

    Means over seeds, of memory the largest (a worker that has already grown needs less for its next run). Seconds and memory are
    those of the machine that trained, with what else ran beside.
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
