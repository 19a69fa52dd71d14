"""Frozen specs and the records of finished runs, cached on disk under the hash of the spec."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from .config import BUILD
from .files import remove_parts, replacing
from .fingerprints import code_hash
from .text import resolve_base


@dataclass(frozen=True)
class RunSpec:
    """All that decides a run's numbers. `value` is the tuned hyperparameter; `recipe` and `base` are content hashes.

    `fraction` is how many training rows each label keeps (see `splits.thin`); None: all.
    """

    arm: str
    split: str
    seed: int
    value: float | None
    epochs: int | None
    base: str | None
    recipe: str
    fraction: int | None = None

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        value = "" if self.value is None else f" · {self.value:g}"
        return f"{self.arm} · seed {self.seed}{value}" + (
            "" if self.fraction is None else f" · {self.fraction} a label"
        )


@dataclass(frozen=True)
class Record:
    """A finished run: metrics by side, history by epoch, cost, and the logits of both held-out sides (n, k) float32.

    seconds: of training and measuring; memory: the most that the run needed beyond what the process held before it.
    """

    spec: RunSpec
    metrics: dict[str, dict[str, float]]
    history: pd.DataFrame = field(repr=False)
    seconds: float
    memory: float  # MiB
    parameters: int
    valid_logits: np.ndarray = field(repr=False)
    test_logits: np.ndarray = field(repr=False)


# Whose code decides a run's numbers, framework by framework.
DECISIVE = {
    "sklearn": ("baselines",),
    "keras": ("backend", "bilstm", "bilstm_training", "text"),
    "torch": ("gpt2", "gpt2_training", "gpt2_lm", "hardware", "metrics", "text"),
}


ROWS = {"helpers.splits": ("side", "label_classes", "thin")}  # which rows a run gets, in which order


@cache
def recipe(framework: str) -> str:
    """Hash of the code that trains a framework's arms (see `fingerprints.code_hash`): new code, new runs."""
    return code_hash((f"helpers.{name}" for name in DECISIVE[framework]), ROWS)


@cache
def base_hash(base: str) -> str:
    """Hash of the base's weights and tokenizer, or the pinned revision of a base on the Hub."""
    where, revision = resolve_base(base)
    if revision is not None:
        return revision
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        digest.update((Path(where) / name).read_bytes())
    return digest.hexdigest()[:12]


def load(spec: RunSpec) -> Record | None:
    """The record of a finished run, or None."""
    directory = BUILD / "runs" / spec.key
    if not (directory / "record.json").is_file():
        return None
    saved = json.loads((directory / "record.json").read_text(encoding="utf-8"))
    with np.load(directory / "logits.npz", allow_pickle=False) as logits:
        arrays = {name: logits[name] for name in ("valid_logits", "test_logits")}
    return Record(
        spec,
        saved["metrics"],
        pd.DataFrame(saved["history"]),
        saved["seconds"],
        saved["memory"],
        saved["parameters"],
        **arrays,
    )


def load_arrays(spec: RunSpec, *names: str) -> dict[str, np.ndarray]:
    """The arrays (those named, or all) that a finished run kept besides its logits, its weights say; empty if it kept none."""
    file = BUILD / "runs" / spec.key / "arrays.npz"
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def save(spec: RunSpec, result: dict, seconds: float, memory: float, scores: dict) -> None:
    """Writes a record in one step: a directory appears whole or not at all. InputError when it cannot be written."""
    directory = BUILD / "runs" / spec.key
    saved = {
        "spec": asdict(spec),
        "metrics": scores,
        "history": result["history"],
        "seconds": seconds,
        "memory": memory,
        "parameters": result["parameters"],
    }
    with replacing(directory) as temporary:
        temporary.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            temporary / "logits.npz", valid_logits=result["valid_logits"], test_logits=result["test_logits"]
        )
        if "arrays" in result:
            np.savez(temporary / "arrays.npz", **result["arrays"])
        (temporary / "record.json").write_text(json.dumps(saved, indent=1), encoding="utf-8")


def clean_up() -> None:
    """Removes what killed runs left unfinished beside the records; for the process that holds the lock (see `only_one`)."""
    for file in (BUILD / "runs").glob("*.running"):
        file.unlink(missing_ok=True)
    remove_parts(BUILD / "runs")
