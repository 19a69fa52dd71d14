"""What the arms cost: time, memory, and the arithmetic of their training."""

import numpy as np
import pandas as pd
from safetensors import safe_open

from ..arms import ARMS
from ..data.splits import side
from ..data.study import Study
from ..experiments.plan import results
from ..experiments.records import Record
from ..models.bases import base_file, count_tokens
from ..models.tokens import encode_words, word_tokenizer

EMBEDDING_DIM, RNN_UNITS = 150, 256  # as in `helpers.bilstm`, which brings Keras along (a test compares them)
PROMPT_TOKENS = 5  # of `answering.PROMPT` (a test compares them)


def training_flops(record: Record, study: Study) -> float:
    """Floating-point operations of a run's training: 6 per multiplied weight and token that passes it.

    That is 2 forward and 4 backward (Kaplan et al. 2020, section 2.1), attention's own products left out.
    Tokens are those of the training rows times the epochs run. NaN for scikit-learn's arms, whose training is
    no such product; 0 for a model that is not trained.
    """
    count = {"keras": recurrent_flops, "torch": transformer_flops}.get(ARMS[record.spec.arm].framework)
    return float("nan") if count is None else count(record, study)


def recurrent_flops(record: Record, study: Study) -> float:
    """`training_flops` of a network of words; padding counts where the network reads it."""
    arm, split = ARMS[record.spec.arm], study.split
    settings, texts = arm.settings, side(split, "train")[0]
    known = split["text"].tolist() if settings["vocabulary"] == "all" else texts
    lengths = [len(ids) for ids in encode_words(word_tokenizer(known), known)]
    tokens = len(texts) * max(lengths) if settings["padding"] == "longest" else sum(lengths)
    units = settings.get("units", RNN_UNITS) if arm.module == "bilstm" else 0
    recurrent = 2 * 4 * units * (EMBEDDING_DIM + units)
    head = (2 * units or EMBEDDING_DIM) * split["label"].nunique()
    return 6.0 * len(record.history) * (recurrent * tokens + head * len(texts))


def transformer_flops(record: Record, study: Study) -> float:
    """`training_flops` of a transformer; a frozen body is only passed forward, once for each cut.

    The prompt and an answer of average length count where a model is taught to answer, and what a body read
    before where it was trained on its own rows.
    """
    arm, epochs, texts = ARMS[record.spec.arm], len(record.history), side(study.split, "train")[0]
    base = study.profile.base_of(arm)
    body, words, width = multiplied(base)
    tokens, head = sum(count_tokens(base, texts)), width * study.num_labels
    if arm.answers:
        names = count_tokens(base, [f" {name}." for name in study.answers])
        return float(6.0 * epochs * (tokens + len(texts) * (PROMPT_TOKENS + np.mean(names))) * (body + words))
    if arm.frozen == "body":
        cuts = arm.settings["cuts"] if study.protocol == "patients" else 1
        return 2.0 * body * tokens * cuts + 6.0 * epochs * head * len(texts)
    read = record.spec.epochs * tokens * (body + words) if "reading" in arm.settings else 0
    return 6.0 * (epochs * (body * tokens + head * len(texts)) + read)


def multiplied(base: str) -> tuple[int, int, int]:
    """Multiplied weights of a base: of its body, and of its vocabulary's softmax; and its width."""
    with safe_open(base_file(base, "model.safetensors"), framework="numpy") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    tables = {name for name in matrices if any(part in name for part in ("wte", "wpe", "embed", "lm_head"))}
    vocabulary, width = max(matrices[name] for name in tables)
    body = sum(int(np.prod(shape)) for name, shape in matrices.items() if name not in tables)
    return body, vocabulary * width, width


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
            "flops": float(np.mean([training_flops(r, study) for r in records])),
            "parameters": records[0].parameters,
            "accuracy": accuracy,
            "per_minute": accuracy / (seconds / 60),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
