"""What every other module agrees on: paths, profiles, errors and how a command ends with them."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path


def find_root() -> Path:
    """The repository; for a package that a wheel installed, what the wheel brought: `data` and `models`."""
    repository = Path(__file__).resolve().parents[1]
    installed = Path(sys.prefix) / "share" / "helpers"
    return repository if (repository / "pyproject.toml").is_file() else installed


ROOT = find_root()
# Scratch space: run records, frozen splits, outputs that are not published. Git ignores it.
SCRATCH = ROOT if (ROOT / "pyproject.toml").is_file() else Path.cwd()
BUILD = Path(os.environ.get("HELPERS_BUILD", SCRATCH / "build")).resolve()
if "HELPERS_BUILD" in os.environ:  # processes that begin in another directory must find the same one
    os.environ["HELPERS_BUILD"] = str(BUILD)
PROFILES_BASE = "the profile's"  # the base of an arm that takes whichever its profile names
COMMITTED = "course"  # the profile whose notebooks, figures and tables are in the repository
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes of the command line
MAX_ROWS_SHOWN = 20  # faulty rows listed under an error


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and the way out.

    The command line exits with 2. `rows` lists what is wrong with single rows of a table: (row number,
    counted from 1 without the header; reason).
    """

    def __init__(self, message: str, rows: Iterable[tuple[int, str]] = ()):
        super().__init__(message)
        self.rows = list(rows)


class RunError(RuntimeError):
    """A run ended without a record; the message says why and what is kept. The command line exits with 1."""


def exit_code(command: Callable[[], None], interrupted: str = "") -> int:
    """Runs a command; what went wrong goes to stderr as one line, with the rows at fault. The exit code.

    interrupted: what is said after Ctrl-C.
    """
    try:
        command()
    except InputError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        for number, reason in error.rows[:MAX_ROWS_SHOWN]:
            print(f"  row {number}: {reason}", file=sys.stderr)
        if len(error.rows) > MAX_ROWS_SHOWN:
            print(f"  … and {len(error.rows) - MAX_ROWS_SHOWN} more", file=sys.stderr)
        return BAD_INPUT
    except RunError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        if interrupted:
            print(f"\n{interrupted}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


@dataclass(frozen=True)
class Profile:
    """How much of everything: diseases, seeds, epochs, training fractions, and the pre-trained base.

    `groups` names whole confusion groups of the embedded corpus (None: all); `max_labels` limits any other
    source. `epochs` and `fewer` by kind of arm (`Arm.budget`): epochs, and how many of the seeds are enough.
    `grids` gives arms, by id, other values to try than their own; `extensions`: how often a choice at the
    edge of what was tried adds a value beyond it. `fractions`: training rows a label, beside all of them,
    but for the arms of `no_curve`. `leaves_out`: ids of arms that take no part. `sweeps`: whether each
    hyperparameter of an arm that is asked so is also changed by itself. `rows`: only a sample is
    taken: "train": texts a label; "valid", "test": rows; "pages": to train on where diseases are held out.
    """

    name: str
    groups: tuple[str, ...] | None
    max_labels: int | None
    seeds: tuple[int, ...]
    epochs: dict[str, int]
    fractions: tuple[int, ...] = ()
    base: str = "gpt2-mini"
    source: str = "embedded"
    fewer: dict[str, int] = field(default_factory=dict)
    grids: dict[str, tuple[float, ...]] = field(default_factory=dict)
    extensions: int = 0
    no_curve: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    sweeps: bool = True
    rows: dict[str, int] = field(default_factory=dict)

    def grid_of(self, arm) -> tuple[float, ...]:
        """The values that are tried for an arm (an `Arm`)."""
        return self.grids.get(arm.id, arm.grid)

    def epochs_of(self, arm) -> int | None:
        """The epochs of an arm; None for one that knows none."""
        return self.epochs.get(arm.budget)

    def fractions_of(self, arm) -> tuple[int, ...]:
        """The training rows a label on which an arm is trained, beside all of them."""
        return self.fractions if arm.asked("curve") and arm.id not in self.no_curve else ()

    def base_of(self, arm) -> str | None:
        """The pre-trained base of an arm; None for one that takes none."""
        return self.base if arm.base == PROFILES_BASE else arm.base

    def seeds_of(self, arm) -> tuple[int, ...]:
        """The seeds of an arm that a seed changes."""
        return self.seeds[: self.fewer.get(arm.budget)]


CLASS_GROUPS = (
    "arthritis", "headache", "anemia", "inflammatory-rash", "childhood-rash",
    "airways", "bowel", "heart", "hormones", "eyes",
)  # fmt: skip
# A base of 124 M parameters wants lower rates than ours.
LARGE_BASE = dict.fromkeys(
    ("gpt2_scratch", "gpt2_self", "gpt2_finetuned", "gpt2_lm", "gpt2_lm_scratch"), (3e-5, 1e-4, 3e-4)
)
# In `course` a large model is trained once, at a rate that is not chosen there; and no choice extends a
# grid, so that the rates of the small transformers that are trained whole begin lower, where they choose.
# In `class` they are trained once too, at the rate that `course` chose on the same validation (a test holds
# it to that).
LADDER = ("gpt2_scratch", "gpt2_self", "gpt2_finetuned")
ONCE = dict.fromkeys(("smollm2_scratch", "smollm2_finetuned"), (3e-4,))
ONCE |= {"smollm2_frozen": (3e-3,), "smollm2_lm": (1e-4,)}
COURSE_GRIDS = ONCE | dict.fromkeys(LADDER, (1e-4, 3e-4, 1e-3))
CLASS_GRIDS = ONCE | dict.fromkeys(LADDER, (3e-4,))
CLASS_GRIDS |= dict.fromkeys(("gpt2_finetuned", "gpt2_lm", "gpt2_lm_scratch"), (1e-3,))


def epochs(notes: int, words: int, head: int, whole: int, answering: int, llm: int = 0) -> dict[str, int]:
    """Epochs by kind of arm: a transformer trained whole has as many from every start."""
    small = {"notes": notes, "words": words, "head": head, "whole": whole, "answering": answering}
    return small | {"llm": llm, "llm_answering": llm, "llm_head": head}


# As many as pay on validation (benchmarks/choices.csv).
CLASS_EPOCHS = epochs(notes=32, words=60, head=40, whole=60, answering=16, llm=8)
LONGER = {"words": 120, "llm": 48, "llm_answering": 16}  # `class` is to be quick
SLOW = ("gpt2_self", "gpt2_lm_scratch", "smollm2_scratch", "smollm2_lm")
SMOLLM2 = ("smollm2_frozen", "smollm2_finetuned", "smollm2_scratch", "smollm2_lm", "smollm2_lm_zero")
LARGE = ("llm", "llm_head", "llm_answering")


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "quick", ("arthritis", "headache"), 10, (0, 1), epochs(2, 3, 3, 2, 1), (1,),
            leaves_out=SMOLLM2,
        ),
        Profile(
            "class", CLASS_GROUPS, 50, (0, 1), CLASS_EPOCHS, grids=CLASS_GRIDS,
            fewer=dict.fromkeys(("whole", "answering", *LARGE), 1), leaves_out=SLOW,
        ),
        Profile(
            COMMITTED, CLASS_GROUPS, None, (0, 1), CLASS_EPOCHS | LONGER, (1, 2),
            grids=COURSE_GRIDS, fewer=dict.fromkeys(LARGE, 1), no_curve=("smollm2_finetuned",),
        ),
        Profile(
            "reference", None, None, (0, 1, 2, 3, 4), epochs(32, 80, 60, 60, 8, 12), (1, 2), extensions=2,
            fewer={"answering": 3} | dict.fromkeys(LARGE, 2),
        ),
        Profile(
            "full", None, None, (0, 1, 2, 3, 4), epochs(32, 80, 60, 60, 8, 12), (1, 2), extensions=2,
            base="gpt2", source="mayo", grids=LARGE_BASE,
            fewer=dict.fromkeys(("answering", *LARGE), 3),
        ),
        # `full`, to see that nothing breaks: each arm once, on one text a label, and few whole pages.
        Profile(
            "rehearsal", None, None, (0,), epochs(1, 1, 1, 1, 1), base="gpt2", source="mayo",
            grids=dict.fromkeys(LARGE_BASE, (1e-4,)), leaves_out=SMOLLM2, sweeps=False,
            rows={"train": 1, "valid": 24, "test": 24, "pages": 4},
        ),
    )
}  # fmt: skip


def get_profile(name: str) -> Profile:
    """The profile of that name; NAME@BASE is the profile with another base, under a name of its own.

    InputError lists the names there are.
    """
    known, at, base = name.partition("@")
    if known not in PROFILES:
        raise InputError(f"--profile {name!r}: no such profile; choose one of {', '.join(PROFILES)}")
    return replace(PROFILES[known], name=name, base=base) if at else PROFILES[known]
