"""What the arms cost: time, memory, and the arithmetic of their training."""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from safetensors import safe_open

from ..arms import ARMS
from ..config import ROOT
from ..data.splits import load_split, side
from ..data.study import Study, prepare
from ..experiments.plan import asked, results
from ..experiments.processes import MemoryWatch
from ..experiments.records import work_alone
from ..experiments.runs import make_task
from ..experiments.specs import RunSpec, make_spec
from ..files import write_json
from ..models.bases import base_file, count_tokens
from ..models.tokens import encode_words, word_tokenizer


def training_flops(spec: RunSpec, study: Study, epochs: int | None = None) -> float:
    """Floating-point operations of a run's training: 6 per multiplied weight and token that passes it.

    That is 2 forward and 4 backward (Kaplan et al. 2020, section 2.1), attention's own products left out.
    Tokens are those of the training rows times the epochs (None: those of the spec). NaN for scikit-learn's
    arms, whose training is no such product; 0 for a model that is not trained.
    """
    count = {"keras": recurrent_flops, "torch": transformer_flops}.get(ARMS[spec.arm].framework)
    rows = study.split if spec.split == study.split_key else load_split(spec.split)
    epochs = (spec.epochs or 0) if epochs is None else epochs
    return float("nan") if count is None else count(spec, study, rows, epochs)


def recurrent_flops(spec: RunSpec, study: Study, split: pd.DataFrame, epochs: int) -> float:
    """`training_flops` of a network of words; padding counts where the network reads it."""
    settings, texts = ARMS[spec.arm].settings, side(split, "train")[0]
    known = split["text"].tolist() if settings["vocabulary"] == "all" else texts
    lengths = [len(ids) for ids in encode_words(word_tokenizer(known), known)]
    tokens = len(texts) * max(lengths) if settings["padding"] == "longest" else sum(lengths)
    recurrent, head = recurrent_weights(settings, split["label"].nunique())
    return 6.0 * epochs * (recurrent * tokens + head * len(texts))


def recurrent_weights(settings: Mapping, labels: int) -> tuple[int, int]:
    """Multiplied weights that each token passes, and that each text does, of a network of words."""
    units, ways = settings.get("units", 0), settings.get("directions", 2)
    recurrent = ways * 4 * units * (settings["embedding"] + units)
    return recurrent, (ways * units or settings["embedding"]) * labels


def transformer_flops(spec: RunSpec, study: Study, split: pd.DataFrame, epochs: int) -> float:
    """`training_flops` of a transformer; a frozen body is only passed forward, once for each cut.

    The prompt and an answer of average length count where a model is taught to answer, the vocabulary's
    softmax only in the answer; and what a body read before where it was trained on its own rows.
    """
    arm, texts = ARMS[spec.arm], side(split, "train")[0]
    base = study.profile.base_of(arm)
    body, words, width = multiplied(base)
    tokens, head = sum(count_tokens(base, texts)), width * split["label"].nunique()
    if arm.answers:
        from ..models.answering import END, PROMPT

        names = count_tokens(base, [f" {name}{END}" for name in study.answers_of(split)])
        answered = len(texts) * np.mean(names)
        read = tokens + len(texts) * count_tokens(base, [f" {PROMPT}"])[0] + answered
        return float(6.0 * epochs * (read * body + answered * words))
    if arm.frozen == "body":
        cuts = arm.settings["cuts"] if study.protocol == "patients" else 1
        return 2.0 * body * tokens * cuts + 6.0 * epochs * head * len(texts)
    read = (spec.epochs or 0) * tokens * (body + words) if "reading" in arm.settings else 0
    return 6.0 * (epochs * (body * tokens + head * len(texts)) + read)


# Dense bf16 arithmetic a second, by NVIDIA's data sheets, of GPUs with 80 GB.
PEAKS = {"A100": 312e12, "H100": 989e12}
SHARES = 0.05, 0.3  # of its peak: with short rows, which leave a GPU waiting, and with long ones


def on_gpu(study: Study, specs: list[RunSpec]) -> str:
    """What some runs of transformers would take on one GPU: their training, and the ranking of names."""
    alike = Counter(
        replace(spec, seed=0, value=None) for spec in specs if ARMS[spec.arm].framework == "torch"
    )
    total = sum(
        number * (training_flops(spec, study) + ranking_flops(spec, study)) for spec, number in alike.items()
    )
    low, high = SHARES
    hours = " and ".join(
        f"{total / (high * peak) / 3600:.2g} to {total / (low * peak) / 3600:.2g} h on an {name}"
        for name, peak in PEAKS.items()
    )
    return (
        f"the transformers among them are {total:.1e} floating-point operations: at {100 * high:.0f} to "
        f"{100 * low:.0f} % of its peak {hours} of 80 GB; the Keras networks train on the CPU"
    )


def ranking_flops(spec: RunSpec, study: Study) -> float:
    """Arithmetic of what a model that answers does with its validation and test texts; 0 of a classifier.

    The prompt is read once, each name's tokens after it, and the vocabulary is scored at those.
    """
    arm, base = ARMS[spec.arm], study.profile.base_of(ARMS[spec.arm])
    if not arm.answers:
        return 0.0
    split = load_split(spec.split)
    texts = [text for name in ("valid", "test") for text in side(split, name)[0]]
    names = sum(count_tokens(base, [f" {name}." for name in study.answers_of(split)]))
    body, words, _ = multiplied(base)
    return 2.0 * (body * (sum(count_tokens(base, texts)) + len(texts) * names) + words * len(texts) * names)


def multiplied(base: str) -> tuple[int, int, int]:
    """Multiplied weights of a base: of its body, and of its vocabulary's softmax; and its width."""
    with safe_open(base_file(base, "model.safetensors"), framework="numpy") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    tables = {name for name in matrices if any(part in name for part in ("wte", "wpe", "embed", "lm_head"))}
    vocabulary, width = max(matrices[name] for name in tables)
    body = sum(int(np.prod(shape)) for name, shape in matrices.items() if name not in tables)
    return body, vocabulary * width, width


COSTS = ROOT / "report" / "cost"  # what `measure` found, by profile
EPOCHS = 2  # that a run is measured for at least; the first also warms caches
MOST = 40  # validation and test rows of a measured run each: what is measured is the training


def file_of(profile: str) -> Path:
    """Where a profile's numbers are kept."""
    return COSTS / f"{profile}.json"


def measure(profile: str) -> Path:
    """Trains each arm of a profile alone, a short while; writes report/cost/<profile>.json: its path.

    Every run of a grid has others beside it; here one trains at a time, in a process of its own, with all
    cores. The file holds `command`, `machine` and `arms`: of each `epochs`, `seconds_epoch`, `seconds` (of
    the whole training, the epochs extrapolated) and `memory` (MiB that the run needed beyond its frameworks).
    """
    study, arms = prepare(profile), {}
    with work_alone():
        for arm in asked(study, "seen"):
            value = results(study, arm)[0].spec.value
            one = {"max_workers": 1, "mp_context": get_context("spawn"), "max_tasks_per_child": 1}
            with ProcessPoolExecutor(**one) as pool:
                arms[arm] = pool.submit(alone, profile, arm, value).result()
            print(f"{arm}: {arms[arm]['seconds']:.0f} s, {arms[arm]['memory']:.0f} MiB", flush=True)
    file = file_of(profile)
    command = f"python -m helpers cost --profile {profile}"
    write_json(file, {"command": command, "machine": machine(), "arms": arms})
    return file


def alone(profile: str, arm: str, value: float | None) -> dict[str, float]:
    """`measure` of one arm, in this process."""
    study = prepare(profile)
    spec = make_spec(study, arm, value, study.profile.seeds[0])
    settings = ARMS[arm].settings
    # a frozen body reads as many cuts of the passages as it would, or epochs could not be extrapolated
    epochs = min(max(EPOCHS, settings.get("cuts", 0)), spec.epochs or EPOCHS)
    task = make_task(replace(spec, epochs=epochs if spec.epochs else None), study)
    held = task.split["side"] != "train"
    fewer = pd.concat([task.split[~held], task.split[held].groupby("side").head(MOST)]).sort_index()
    train = import_module(f"helpers.models.{ARMS[arm].module}").train
    with TemporaryDirectory() as work, MemoryWatch() as memory:
        began = time.perf_counter()
        history = train(replace(task, split=fewer.reset_index(drop=True), work=Path(work)))["history"]
        seconds = time.perf_counter() - began
    if not history:
        return {"epochs": 0, "seconds_epoch": 0.0, "seconds": seconds, "memory": memory.peak}
    epoch, more = history[-1]["seconds"], spec.epochs - len(history)
    whole = seconds + epoch * more
    if "reading" in settings:  # it reads for as many epochs, which the first entry of the history holds too
        whole += (history[0]["seconds"] - epoch) / len(history) * more
    return {"epochs": spec.epochs, "seconds_epoch": epoch, "seconds": whole, "memory": memory.peak}


def measured(study: Study) -> dict:
    """What `measure` wrote for a study's profile, or {} where that was not asked for."""
    file = file_of(study.profile.name)
    own = study.source == study.profile.source
    return json.loads(file.read_text(encoding="utf-8")) if own and file.is_file() else {}


def machine() -> str:
    """Processor and number of cores."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), "CPU")
    return f"{model}, {os.cpu_count()} cores"


def pretraining_flops(tokens: float, parameters: float) -> float:
    """Arithmetic of a pre-training: 6 per parameter and token (Kaplan et al. 2020, section 2.1)."""
    return 6.0 * tokens * parameters


def table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm: seconds, memory, floating-point operations, parameters and accuracy.

    Columns: seconds and memory (MiB) of one training, `alone` (whether they are those of `measure`, of as
    many epochs; else they are the means of the grid's runs, with what else ran beside), flops (of training),
    parameters, accuracy.
    """
    rows, known = {}, measured(study).get("arms", {})
    for arm in arms:
        records = results(study, arm)
        same = arm in known and known[arm]["epochs"] == (records[0].spec.epochs or 0)
        own = (
            known[arm]
            if same
            else {
                "seconds": float(np.mean([r.seconds for r in records])),
                "memory": float(max(r.memory for r in records)),
            }
        )
        rows[arm] = {
            "seconds": own["seconds"],
            "memory": own["memory"],
            "alone": same,
            "flops": float(np.mean([training_flops(r.spec, study, len(r.history)) for r in records])),
            "parameters": records[0].parameters,
            "accuracy": float(np.mean([r.metrics["test"]["accuracy"] for r in records])),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
