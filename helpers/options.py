"""The options of the command line, those that several commands share under one name each."""

from argparse import Namespace
from pathlib import Path

from .arms import ARMS, FAMILIES
from .config import COMMITTED, PROFILES, ROOT, InputError

NAMES = ", ".join(PROFILES)
SOURCE = "embedded, mayo, medquad, or a .csv, .tsv, .jsonl, .json or .parquet file, gzipped or not"
CORPUS = "directory of *.jsonl[.xz]"


def option(flag: str, help: str, default=None, **more) -> tuple[str, dict]:
    """An option of a command; its default is told in its help."""
    shown = "" if default in (None, "") else f" (default: {default})"
    return flag, {"help": help + shown, "default": default, **more}


PROFILE = option("--profile", f"one of {NAMES}", "class")
PUBLISHED = option("--profile", f"one of {NAMES}", COMMITTED)
COLUMNS = (
    option("--text-column", "the column of --data that holds the texts, if its name does not tell"),
    option("--label-column", "the column of --data that holds the labels, if its name does not tell"),
)
BASE = option("--base", "gpt2-mini, smollm2, gpt2 or a directory (default: the profile's own)")
COUNTED = option(
    "--base", "whose tokens are counted: gpt2-mini, smollm2, gpt2 or a directory", PROFILES["class"].base
)
STATEMENTS = option(
    "--statements",
    "a file of what patients say about the diseases of --data: columns `text`, `label`, `side` (valid or "
    "test) and, if known, `hand`; the models learn from --data and are examined on these",
)
DATA = option("--data", f"{SOURCE} (default: the profile's own)")
STUDY = (PROFILE, DATA, *COLUMNS, STATEMENTS, BASE)
RESULTS = (
    "--results",
    {"type": Path, "default": ROOT, "help": "outputs of a run (default: the committed ones)"},
)
READ_CORPUS = "--corpus", {"type": Path, "required": True, "help": CORPUS}
PRETRAIN = (
    ("--corpus", {"type": Path, "required": True, "help": f"{CORPUS} with `text`, `source`; valid* is held "
                                                          "out"}),
    ("--out", {"type": Path, "required": True, "help": "directory for the finished model"}),
    option("--include", "regular expression on `source`: which documents to use; all by default", ""),
    option("--tokens", "token steps to train for", type=float),
    option("--time-budget", "minutes of training, interruptions not counted; the rate falls to 0 in it",
           type=float),
    option("--keep", "numbers of tokens after which the model is kept, in OUT/kept: 0,4e5,1.6e6", ""),
    option("--vocab-size", "tokens", 8192, type=int),
    option("--n-layer", "layers", 4, type=int),
    option("--n-embd", "width", 256, type=int),
    option("--n-head", "attention heads", 4, type=int),
    option("--n-positions", "positions", 512, type=int),
    option("--batch-size", "rows of a step", 8, type=int),
    option("--seed", "of everything random", 0, type=int),
    option("--learning-rate", "peak for the blocks' matrices", 2e-2, type=float),
    option("--adamw-learning-rate", "peak for everything else (AdamW)", 3e-3, type=float),
    option("--dropout", "while pre-training", 0.0, type=float),
    option("--optimizer", "of the blocks' matrices", "muon", choices=("muon", "adamw")),
    option("--micro-batch", "rows that go through the model at once (default: all of a step's)", type=int),
    option("--eval-every", "steps between evaluations and checkpoints", 200, type=int),
    ("--no-compile", {"action": "store_true", "help": "do without torch.compile"}),
)  # fmt: skip


def base_of(base: str) -> str:
    """A base as any process may be handed it, wherever that begins: one that lies here by its whole path.

    A name stays one, and so does a path in the repository, where any other is sought (see `resolve_base`).
    """
    here = Path(base).resolve()
    known = base in FAMILIES or here == (ROOT / base).resolve()
    return base if known or not here.is_dir() else str(here)


def source_of(given: Namespace) -> str | None:
    """The source that the options name, with the names of its columns and its statements."""
    from .data.sources import with_options

    asked = [getattr(given, name, None) for name in ("text_column", "label_column", "statements")]
    if given.data is None:
        if any(asked):
            raise InputError("--text-column, --label-column, --statements: of which pages? add --data SOURCE")
        return None
    return with_options(given.data, *asked)


def profile_of(given: Namespace) -> str:
    """The profile that the options name, with another base where one is asked for (see `get_profile`)."""
    return given.profile if given.base is None else f"{given.profile}@{checked_base(given.base)}"


def checked_base(base: str) -> str:
    """A base that the options name (see `base_of`); InputError where it cannot be used."""
    from .models.bases import check_base

    check_base(base_of(base))
    return base_of(base)


def check_grid(given: Namespace, arms: list[str], shared: bool) -> None:
    """InputError for options that do not go together. shared: whether torchrun has started this process."""
    if given.jobs is not None and given.jobs < 1:
        raise InputError(f"--jobs {given.jobs}: must be 1 or more")
    if given.address and given.backend != "ray":
        raise InputError(f"--address {given.address}: only a Ray cluster has one; add --backend ray")
    if shared and given.backend == "ray":
        raise InputError("--backend ray: torchrun shares out one run, Ray shares out many; use one of them")
    if shared and (others := [arm for arm in arms if ARMS[arm].framework != "torch"]):
        raise InputError(
            f"--arms {others[0]}: torchrun trains GPT-2 only; name the arms, e.g. --arms gpt2_finetuned"
        )
