"""Names and numbers that every other module agrees on: paths, arms, profiles, and the error for bad input."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Scratch space: run records, frozen splits, outputs that are not published. Git ignores it.
BAD_INPUT = 2  # exit code of the command line
BUILD = Path(os.environ.get("HELPERS_BUILD", ROOT / "build")).resolve()


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and the way out. The command line exits with 2.

    `rows` lists what is wrong with single rows of a table: (row number, counted from 1 without the header; reason).
    """

    def __init__(self, message: str, rows: Iterable[tuple[int, str]] = ()):
        super().__init__(message)
        self.rows = list(rows)


class RunError(RuntimeError):
    """A run ended without a record; the message says why and what is kept. The command line exits with 1."""


def rank() -> int:
    """Which of the processes that `torchrun` started this one is; 0 without it."""
    return int(os.environ.get("RANK", 0))


@dataclass(frozen=True)
class Arm:
    """A model of the comparison: its Spanish name and colour (Okabe-Ito), the same in every figure and table."""

    name: str
    color: str
    framework: str  # "sklearn", "keras" or "torch": one process never holds two of the last two
    tuned: bool = True  # False: nothing to choose, one trial with the values of the notes
    answers: bool = False  # True: a language model that answers with the disease's name
    curve: bool = True  # also trained on fewer rows a disease
    seen: bool = True  # compared on the shared split, whose diseases all have training rows
    unseen: bool = False  # asked about diseases that no training row names


ARMS = {
    "majority": Arm("Clase mayoritaria", "#999999", "sklearn", tuned=False),
    "naive_bayes": Arm("Bayes ingenuo", "#56B4E9", "sklearn"),
    "tfidf_logreg": Arm("TF-IDF + reg. logística", "#009E73", "sklearn", unseen=True),
    "bilstm_original": Arm("BiLSTM de las notas", "#E69F00", "keras", tuned=False, curve=False),
    "bilstm": Arm("BiLSTM ajustada", "#CC79A7", "keras", unseen=True),
    "gpt2_scratch": Arm("GPT-2 desde cero", "#D55E00", "torch"),
    "gpt2_embeddings": Arm("GPT-2 sólo embeddings", "#6A3D9A", "torch", curve=False),
    "gpt2_frozen": Arm("GPT-2 congelado", "#000000", "torch"),
    "gpt2_finetuned": Arm("GPT-2 con ajuste fino", "#0072B2", "torch", unseen=True),
    "gpt2_lm": Arm("GPT-2 que responde", "#7B4B2A", "torch", answers=True, curve=False, unseen=True),
    "gpt2_lm_scratch": Arm(
        "GPT-2 que responde, desde cero", "#A50F15", "torch", answers=True, curve=False, seen=False, unseen=True
    ),
    "gpt2_lm_zero": Arm(
        "GPT-2 que responde, sin ajuste",
        "#8A8D00",
        "torch",
        tuned=False,
        answers=True,
        curve=False,
        seen=False,
        unseen=True,
    ),
}


@dataclass(frozen=True)
class Profile:
    """How much of everything: diseases, seeds, tuning trials, epochs, and the pre-trained base.

    `groups` names whole confusion groups of the embedded corpus (None: all); `max_labels` limits any other source.
    `trials` maps each tuned arm to its values for the one tuned hyperparameter (learning rate; alpha for Naive Bayes;
    C for logistic regression): equally many for each arm, and the same ones for GPT-2 from random and from pre-trained weights.
    """

    name: str
    groups: tuple[str, ...] | None
    max_labels: int | None
    seeds: tuple[int, ...]
    trials: dict[str, tuple[float, ...]]
    epochs: dict[str, int]
    base: str = "models/gpt2-mini"
    source: str = "embedded"
    fractions: tuple[int, ...] = ()  # training rows a label, beside all of them
    answer_seeds: int | None = None  # seeds of models that answer, whose scoring of every name costs most (None: all)


CLASS_GROUPS = (
    "arthritis", "headache", "anemia", "inflammatory-rash", "childhood-rash", "airways", "bowel", "heart", "hormones", "eyes",
)  # fmt: skip

TRIALS = {
    "naive_bayes": (0.1, 0.01),
    "tfidf_logreg": (10.0, 100.0),
    "bilstm": (1e-3, 3e-3),
    "gpt2_frozen": (3e-3, 1e-2),
    **dict.fromkeys(("gpt2_scratch", "gpt2_embeddings", "gpt2_finetuned"), (3e-4, 1e-3)),
    **dict.fromkeys(("gpt2_lm", "gpt2_lm_scratch"), (3e-4, 1e-3)),
}


def epochs(notes: int, bilstm: int, classifiers: int, language_models: int) -> dict[str, int]:
    """Epochs of each network: all GPT-2 classifiers have the same, and so have the language models."""
    return {
        "bilstm_original": notes,
        "bilstm": bilstm,
        **dict.fromkeys(("gpt2_scratch", "gpt2_embeddings", "gpt2_frozen", "gpt2_finetuned"), classifiers),
        **dict.fromkeys(("gpt2_lm", "gpt2_lm_scratch"), language_models),
    }


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", ("arthritis", "headache"), 10, (0, 1), TRIALS, epochs(2, 3, 2, 1), fractions=(1,)),
        Profile("class", CLASS_GROUPS, 50, (0, 1, 2), TRIALS, epochs(32, 20, 12, 5), fractions=(2,)),
        Profile("report", None, None, (0, 1, 2, 3, 4), TRIALS, epochs(32, 40, 10, 6), fractions=(1, 2, 4), answer_seeds=3),
        Profile(
            "full", None, None, (0, 1, 2, 3, 4),
            TRIALS | dict.fromkeys(("gpt2_scratch", "gpt2_embeddings", "gpt2_finetuned", "gpt2_lm", "gpt2_lm_scratch"), (3e-5, 1e-4)),
            epochs(32, 40, 20, 8), base="openai-community/gpt2", source="mayo", fractions=(1, 2, 4),
        ),
    )
}  # fmt: skip


def get_profile(name: str) -> Profile:
    """The profile of that name; InputError lists the names there are."""
    if name not in PROFILES:
        raise InputError(f"--profile {name!r}: no such profile; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]


def get_arms(names: str | None) -> list[str]:
    """Arm ids from a comma-separated list (None: all, in the order of the tables); InputError names an unknown one."""
    if names is None:
        return list(ARMS)
    asked = [name.strip() for name in names.split(",")]
    if unknown := [name for name in asked if name not in ARMS]:
        raise InputError(f"--arms {unknown[0]!r}: no such arm; choose among {', '.join(ARMS)}")
    return [arm for arm in ARMS if arm in asked]
