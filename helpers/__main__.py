"""The command line, `python -m helpers COMMAND`: one function a command.

Bad input: the reason and the rows on stderr, exit code 2; a failed run: 1; Ctrl-C: 130.
"""

import argparse
import math
import os
import sys
from argparse import Namespace
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .arms import get_arms
from .config import BUILD, ROOT, InputError, exit_code
from .options import (
    COLUMNS,
    CORPUS,
    COUNTED,
    NAMES,
    PRETRAIN,
    PUBLISHED,
    READ_CORPUS,
    RESULTS,
    SOURCE,
    STATEMENTS,
    STUDY,
    check_grid,
    checked_base,
    option,
    profile_of,
    source_of,
)


def run(given: Namespace) -> None:
    from .notebooks import pipeline

    pipeline.run(profile_of(given), source_of(given), given.only, given.trained)


def audit(given: Namespace) -> None:
    from .analysis.tokenizing import describe_lengths
    from .data import audit as auditing
    from .models.bases import count_tokens

    base = checked_base(given.base)
    found = auditing.audit(source_of(given), partial(count_tokens, base), partial(describe_lengths, base))
    print(auditing.describe(found))


def grid(given: Namespace) -> None:
    """As the user's command, or as one of the processes that torchrun started."""
    from .analysis.cost import on_gpu
    from .data.study import prepare
    from .experiments.grid import ensure, train
    from .experiments.plan import missing, takes_part
    from .experiments.processes import Where, rank
    from .experiments.progress import status
    from .experiments.records import work_alone
    from .models import smollm2

    arms, shared = get_arms(given.arms), "TORCHELASTIC_RUN_ID" in os.environ
    check_grid(given, arms, shared)
    study = prepare(profile_of(given), source_of(given))
    where = Where(given.backend, given.address, given.jobs)
    if given.arms and (absent := [arm for arm in arms if not takes_part(study, arm)]):
        raise InputError(f"--arms {absent[0]}: {smollm2.MISSING}, or not in profile {given.profile}")
    arms = [arm for arm in arms if takes_part(study, arm)]
    if given.status:
        print(status(study, arms))
        if left := missing(study, arms, "whole"):
            print(on_gpu(study, left))
        return
    with work_alone() if rank() == 0 else nullcontext():
        (train if shared else ensure)(study, arms, "whole", where)
    if rank() == 0:
        print(status(study, arms))
        print(f"the records are in {BUILD / 'runs'}")


def external(given: Namespace) -> None:
    from .notebooks import external as elsewhere

    elsewhere.compare(given.profile, source_of(given), given.corpus)


def dose(given: Namespace) -> None:
    from .analysis import dose as doses

    print(f"the numbers are in {doses.measure(given.profile, given.kept)}")


def cost(given: Namespace) -> None:
    from .analysis import cost as costs

    print(f"the numbers are in {costs.measure(given.profile)}")


def archive(given: Namespace) -> None:
    from .data.study import prepare
    from .experiments import archive as archives
    from .experiments.plan import keep

    if given.unpack:
        file = archives.file_of(given.profile)
        print(f"{archives.unpack(BUILD, file)} finished runs are in {archives.RUNS}")
    else:
        print(f"the runs are in {keep(prepare(given.profile))}")


def analysis(given: Namespace) -> None:
    from .notebooks import pipeline

    pipeline.analyse(given.profile)


def report(given: Namespace) -> None:
    from .notebooks import documents

    made = documents.build(given.results.resolve())
    print("\n".join(["", "report and slides:", *(f"  {file}" for file in made)]))


def html(given: Namespace) -> None:
    from .notebooks import site

    print(f"open {site.build(given.results.resolve(), BUILD / 'html') / 'index.html'}")


def colab(given: Namespace) -> None:
    from .notebooks import colab as opening

    where = opening.address()
    print("\n".join(["", f"opened from {where or 'nowhere'}:", *(f"  {file}" for file in opening.stamp())]))


def demo(given: Namespace) -> None:
    if find_spec("gradio") is None:
        raise InputError("gradio is not installed: pip install -r requirements-demo.txt")
    from .demo import page

    page.serve(given.profile, source_of(given), given.host, given.port)


def card(given: Namespace) -> None:
    from .pretraining import card as cards

    cards.write(ROOT / "models" / "gpt2-mini", given.corpus)


def contamination(given: Namespace) -> None:
    from .data import sources
    from .pretraining import contamination as reading

    pages = sources.load_table(given.data)
    found = reading.audit(pages, given.corpus)
    print(reading.describe(pages, found))
    if given.data == "embedded":
        reading.write(found)
        print(f"kept in {reading.RECORD}")


def pretrain(given: Namespace) -> None:
    from .pretraining.corpus import PretrainSpec, token_counts
    from .pretraining.pretrain import pretrain as train

    if given.tokens is not None and not math.isfinite(given.tokens):
        raise InputError(f"--tokens {given.tokens}: must be a number")
    tokens = None if given.tokens is None else int(given.tokens)
    budget = None if given.time_budget is None else given.time_budget * 60
    decisive = [name for name in PretrainSpec.__dataclass_fields__ if name != "tokens"]
    spec = PretrainSpec(tokens=tokens, **{name: getattr(given, name) for name in decisive})
    compiled, every = not given.no_compile, given.eval_every
    train(given.corpus, given.out, spec, compiled, every, budget, given.micro_batch, token_counts(given.keep))


# Each command: its function, what it does, its options.
COMMANDS = {
    "run": (
        run, "train what is missing, execute the notebooks, write figures and tables",
        (
            *STUDY, option("--only", "notebooks by prefix, e.g. 03 or 03,06"),
            ("--trained", {"action": "store_true", "help": "from finished runs alone: train nothing"}),
        ),
    ),
    "grid": (
        grid, "train every run of a profile and keep the records; --status: how far that is",
        (
            *STUDY, option("--arms", "comma-separated arms (default: all)"),
            ("--status", {"action": "store_true", "help": "only say what is done, running and left, and for "
                                                          "how long"}),
            option("--jobs", "runs side by side (default: what cores and memory allow)", type=int),
            option("--backend", "processes here, or a Ray cluster", "loky", choices=("loky", "ray")),
            option("--address", "of the Ray cluster, e.g. 10.0.0.5:6379 (default: one is started on this "
                                "machine)"),
        ),
    ),
    "audit": (
        audit, "what is in a source, and whether and how it can be used; writes nothing",
        (option("--data", SOURCE, "embedded"), *COLUMNS, STATEMENTS, COUNTED),
    ),
    "external": (
        external, "the comparison on other data: numbers only, for notebook 06",
        (
            ("--data", {"required": True, "help": SOURCE}), *COLUMNS, STATEMENTS, PUBLISHED,
            option("--corpus", f"pre-training text ({CORPUS}): pages that share text with it are left "
                               "out", type=Path),
        ),
    ),
    "dose": (
        dose, "fine-tune from bases that have read less and more; numbers only, in report/dose",
        (PUBLISHED, ("--kept", {"type": Path, "required": True, "help": "a folder with a folder for each"})),
    ),
    "cost": (cost, "train each arm alone for a while: seconds and memory, in report/cost", (PUBLISHED,)),
    "archive": (
        archive, "keep what the tables need of a profile's finished runs in report/records",
        (
            PUBLISHED,
            ("--unpack", {"action": "store_true", "help": "put the kept runs among yours instead"}),
        ),
    ),
    "analysis": (
        analysis, "results, tables and figures of the comparison from the kept runs, training nothing",
        (PUBLISHED,),
    ),
    "report": (report, "report and slides as PDF, from a run's results and figures (needs "
                       "LaTeX)", (RESULTS,)),
    "html": (html, "the executed notebooks as a web site and as slides, readable without a "
                   "network", (RESULTS,)),
    "colab": (colab, "let every notebook bring the project from the address in report/portada.tex", ()),
    "demo": (
        demo, "a local page that answers a text about symptoms with several models, side by side",
        (
            option("--profile", f"one of {NAMES} (default: the last one finished)"),
            option("--data", "the data that the profile was trained on (default: its own)"), *COLUMNS,
            STATEMENTS,
            option("--host", "address to serve on; this machine only by default", "127.0.0.1"),
            option("--port", "port to serve on", 7860, type=int),
        ),
    ),
    "card": (card, "measure models/gpt2-mini on held-out text and write its model card", (READ_CORPUS,)),
    "contamination": (
        contamination, "which pages of a source share a run of words with the pre-training text",
        (
            option("--data", f"{SOURCE}; of embedded the audit is kept in the repository", "embedded"),
            *COLUMNS, READ_CORPUS,
        ),
    ),
    "pretrain": (pretrain, "pre-train a small GPT-2 on JSON Lines text; the same call resumes", PRETRAIN),
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m helpers", description="What a pre-trained language model buys."
    )
    commands = top.add_subparsers(dest="command", required=True)
    for name, (_, does, options) in COMMANDS.items():
        command = commands.add_parser(name, help=does)
        for flag, settings in options:
            command.add_argument(flag, **settings)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    given = parser().parse_args(arguments)
    interrupted = f"interrupted; what is finished is kept in {BUILD}, the same command goes on from there"
    return exit_code(lambda: COMMANDS[given.command][0](given), interrupted)


if __name__ == "__main__":
    sys.exit(main())
