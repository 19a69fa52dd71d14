"""The models of the comparison ("brazos"), each an object that says everything about itself.

Adding one is one entry here. What a new kind of network needs besides is a module of `helpers.models` with a
function `train`, which the entry names.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .config import PROFILES_BASE, ROOT, InputError

SEEN = frozenset({"seen"})  # compared on the shared split, whose diseases all have training rows
CURVE = SEEN | {"curve"}  # also trained on fewer rows a disease
RATE = "tasa de aprendizaje"


@dataclass(frozen=True)
class Arm:
    """One model: its name, how it is drawn, what trains it, from where, and which questions it takes part in.

    framework: "sklearn", "keras" or "torch"; one process never holds two of the last two.
    module: the module of `helpers.models` whose `train` trains it; settings: what that is told of this arm.
    start: where its weights begin: "random"; "own", first trained as a language model on its own training
    rows; or "base", the pre-trained ones.
    frozen: what training leaves as it is: "nothing", the "body" under the last layer, or "everything".
    answers: whether it is a language model that answers with the disease's name; else it classifies.
    base: the pre-trained base whose architecture, tokenizer or weights it takes: a directory, a Hub id,
    `PROFILES_BASE`, or None.
    grid: values of its one tuned hyperparameter, tried on validation; empty where nothing is chosen.
    budget: the kind of arm whose epochs a profile gives it (a key of `Profile.epochs`); None: it knows no
    epochs.
    family: how its architecture is called, where several arms share one.
    large: whether its base is so large that a profile may do without it; weights are kept of one seed only.
    questions: of "seen", "curve" (see above), "unseen" (asked about diseases that no training row names),
    "external" (other people's data), "autopsy" (the first attempt, reproduced and taken apart), "sweep" (each
    hyperparameter changed by itself) and "demo".
    """

    id: str
    name: str  # Spanish, the same in every figure and table
    color: str  # Okabe-Ito where there are enough; no figure uses it for anything else
    framework: str
    module: str
    settings: Mapping[str, object] = field(default_factory=dict)
    start: str = "random"
    frozen: str = "nothing"
    answers: bool = False
    base: str | None = None
    grid: tuple[float, ...] = ()
    hyperparameter: str = RATE
    budget: str | None = None
    family: str = ""
    large: bool = False
    questions: frozenset[str] = CURVE

    @property
    def tuned(self) -> bool:
        return bool(self.grid)

    @property
    def seeded(self) -> bool:
        """Whether a seed changes anything when all rows are given."""
        return self.framework != "sklearn" and self.frozen != "everything"

    @property
    def reads(self) -> bool:
        """Whether its answer depends on the text: the majority class's does not."""
        return self.settings.get("classifier") != "prior"

    @property
    def pretrained(self) -> bool:
        return self.start == "base"

    @property
    def counts_words(self) -> bool:
        """Whether it knows a text by its words' counts alone."""
        return self.framework == "sklearn" and self.tuned

    def asked(self, question: str) -> bool:
        return question in self.questions


def _table(*arms: Arm) -> dict[str, Arm]:
    return {arm.id: arm for arm in arms}


EMBEDDING_DIM, RNN_UNITS, BATCH_SIZE = 150, 256, 64  # the notes' network
NOTES = {
    "batch_size": BATCH_SIZE, "schedule": "constant", "padding": "longest", "vocabulary": "all",
    "embedding": EMBEDDING_DIM, "units": RNN_UNITS,
}  # fmt: skip
WORDS = {
    "batch_size": 32, "schedule": "linear", "padding": "batch", "vocabulary": "train",
    "embedding": EMBEDDING_DIM,
}  # fmt: skip
BILSTM = WORDS | {
    "mask": True, "pooling": "mean", "units": 64, "word_dropout": 0.6, "embedding_dropout": 0.3,
    "dropout": 0.5,
}  # fmt: skip
# See `classifier.train`; benchmarks/choices.csv says what else was tried.
READS = {"pooling": "mean", "smoothing": 0.1, "head_rate": 3.0, "token_dropout": 0.3}
HEAD = {"pooling": "mean", "cuts": 6}
OWN = {"framework": "torch", "base": PROFILES_BASE, "family": "GPT-2 mini"}
GPT2 = OWN | {"module": "classifier"}
GPT2_LM = OWN | {"module": "answering", "answers": True}
LLM = {"framework": "torch", "base": "smollm2", "family": "SmolLM2", "large": True}
RATES = (3e-4, 1e-3, 3e-3)  # a small transformer, trained whole, wants these; one of SmolLM2's size less
LESS = (1e-4, 3e-4, 1e-3)

ARMS = _table(
    Arm(
        "majority", "Clase mayoritaria", "#999999", "sklearn", "baselines", {"classifier": "prior"},
        questions=CURVE | {"external"},
    ),
    Arm(
        "naive_bayes", "Bayes ingenuo", "#56B4E9", "sklearn", "baselines", {"classifier": "bayes"},
        grid=(0.003, 0.01, 0.03), hyperparameter="suavizado (α)", questions=CURVE | {"external"},
    ),
    Arm(
        "tfidf_logreg", "TF-IDF + reg. logística", "#009E73", "sklearn", "baselines",
        {"classifier": "logistic"}, grid=(10.0, 30.0, 100.0), hyperparameter="regularización (C)",
        questions=CURVE | {"unseen", "external", "demo"},
    ),
    Arm(
        "bag", "Bolsa de vectores", "#B8A900", "keras", "bag", WORDS | {"dropout": 0.5},
        grid=(1e-3, 3e-3, 1e-2), budget="words", questions=CURVE | {"external"},
    ),
    Arm(
        "bilstm_original", "BiLSTM de las notas", "#E69F00", "keras", "bilstm", NOTES,
        budget="notes", questions=SEEN | {"autopsy"},
    ),
    Arm(
        "bilstm", "BiLSTM mejorada", "#CC79A7", "keras", "bilstm", BILSTM,
        grid=(3e-3, 1e-2, 3e-2), budget="words", questions=CURVE | {"unseen", "external", "demo", "sweep"},
    ),
    Arm(
        "gpt2_scratch", "GPT-2 mini desde cero", "#D55E00", **GPT2, settings=READS,
        grid=RATES, budget="whole", questions=CURVE | {"external", "demo"},
    ),
    Arm(
        "gpt2_self", "GPT-2 mini (sólo sus páginas)", "#6A3D9A", **GPT2,
        settings=READS | {"reading": 1e-3}, start="own",
        grid=RATES, budget="whole", questions=SEEN,
    ),
    Arm(
        "gpt2_frozen", "GPT-2 mini congelado", "#000000", **GPT2, settings=HEAD, start="base", frozen="body",
        grid=(3e-3, 1e-2, 3e-2), budget="head", questions=CURVE | {"external"},
    ),
    Arm(
        "gpt2_finetuned", "GPT-2 mini con ajuste fino", "#0072B2", **GPT2, settings=READS, start="base",
        grid=RATES, budget="whole", questions=CURVE | {"unseen", "external", "demo"},
    ),
    Arm(
        "smollm2_scratch", "SmolLM2 desde cero", "#F4A582", **LLM, module="classifier", settings=READS,
        grid=LESS, budget="llm", questions=SEEN,
    ),
    Arm(
        "smollm2_frozen", "SmolLM2 congelado", "#7F7F7F", **LLM, module="classifier", settings=HEAD,
        start="base", frozen="body", grid=(1e-3, 3e-3, 1e-2), budget="llm_head",
        questions=CURVE | {"external"},
    ),
    Arm(
        "smollm2_finetuned", "SmolLM2 con ajuste fino", "#000075", **LLM, module="classifier",
        settings=READS, start="base", grid=LESS, budget="llm", questions=CURVE | {"external", "demo"},
    ),
    Arm(
        "gpt2_lm", "GPT-2 mini que responde", "#7B4B2A", **GPT2_LM, start="base",
        grid=RATES, budget="answering", questions=SEEN | {"unseen", "demo"},
    ),
    Arm(
        "gpt2_lm_scratch", "GPT-2 mini que responde (desde cero)", "#A50F15", **GPT2_LM,
        grid=RATES, budget="answering", questions=frozenset({"unseen"}),
    ),
    Arm(
        "gpt2_lm_zero", "GPT-2 mini que responde (sin ajuste)", "#8A8D00", **GPT2_LM, start="base",
        frozen="everything", questions=SEEN | {"unseen"},
    ),
    Arm(
        "smollm2_lm", "SmolLM2 que responde", "#00441B", **LLM, module="answering", answers=True,
        start="base", grid=(3e-5, 1e-4, 3e-4), budget="llm_answering", questions=SEEN | {"unseen"},
    ),
    Arm(
        "smollm2_lm_zero", "SmolLM2 que responde (sin ajuste)", "#66C2A4", **LLM, module="answering",
        answers=True, start="base", frozen="everything", questions=SEEN | {"unseen", "demo"},
    ),
)  # fmt: skip


SHIPPED, GIVEN = "gpt2-mini", " (--base)"  # our own base; beside a name that other arms have
# How the arms of the profile's base are called, by every name of a base; those of a directory by its own.
FAMILIES = {SHIPPED: OWN["family"], "smollm2": LLM["family"] + GIVEN}
FAMILIES |= dict.fromkeys(("gpt2", "openai-community/gpt2"), "GPT-2")


def family_of(base: str) -> str:
    """How the arms of a base are called: unlike those of any other that has a name."""
    if base in FAMILIES:
        return FAMILIES[base]
    if (ROOT / base).resolve() == (ROOT / "models" / SHIPPED).resolve():
        return FAMILIES[SHIPPED]
    name = Path(os.path.abspath(ROOT / base)).name
    name = re.sub(r"[^\w .+-]|[^\x00-ÿ]", "-", name)  # figures, Markdown and LaTeX have it as it is
    return name + GIVEN * (name in (*FAMILIES.values(), LLM["family"]))


def called_after(arm: Arm, base: str) -> Arm:
    """An arm as it is called where the profile's base is this one."""
    if arm.base != PROFILES_BASE:
        return arm
    family = family_of(base)
    return replace(arm, name=family + arm.name.removeprefix(arm.family), family=family)


def call_after(base: str) -> None:
    """Calls the arms of the profile's base after it, in all that this process writes from here on."""
    ARMS.update({id: called_after(arm, base) for id, arm in ARMS.items()})


def arms_asked(question: str) -> list[str]:
    """Ids of the arms that take part in a question, in the order of the tables."""
    return [arm.id for arm in ARMS.values() if arm.asked(question)]


def get_arms(names: str | None) -> list[str]:
    """Arm ids from a comma-separated list, in the order of the tables (None: all).

    InputError names an unknown one.
    """
    if names is None:
        return list(ARMS)
    asked = [name.strip() for name in names.split(",")]
    if unknown := [name for name in asked if name not in ARMS]:
        raise InputError(f"--arms {unknown[0]!r}: no such arm; choose among {', '.join(ARMS)}")
    return [arm for arm in ARMS if arm in asked]
