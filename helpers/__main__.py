"""The command line, `python -m helpers COMMAND`. Bad input: the reason and the rows on stderr, exit code 2; a failed run: 1."""

import argparse
import math
import os
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

from .config import ARMS, BAD_INPUT, BUILD, PROFILES, ROOT, InputError, RunError, get_arms, rank

MAX_ROWS_SHOWN = 20  # faulty rows listed under an error


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -m helpers", description="What a pre-trained language model buys.")
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train what is missing, execute the notebooks, write figures and tables")
    run.add_argument("--only", help="notebooks by prefix, e.g. 03 or 03,06")
    grid = commands.add_parser(
        "grid", help="train every run of a profile and keep the records; --status: how far that is"
    )
    grid.add_argument("--arms", help="comma-separated arms (default: all)")
    grid.add_argument("--status", action="store_true", help="only say what is done, running and left, and for how long")
    grid.add_argument("--jobs", type=int, help="runs side by side (default: what cores and memory allow)")
    grid.add_argument(
        "--backend", choices=("loky", "ray"), default="loky", help="processes here, or a Ray cluster (default: loky)"
    )
    grid.add_argument(
        "--address", help="of the Ray cluster, e.g. 10.0.0.5:6379 (default: one is started on this machine)"
    )
    for command in (run, grid):
        command.add_argument("--profile", default="class", help=f"one of {', '.join(PROFILES)} (default: class)")
    audit = commands.add_parser("audit", help="what is in a source, and whether and how it can be used; writes nothing")
    for command in (run, grid, audit):
        command.add_argument(
            "--data",
            help="embedded, mayo, medquad, or a .csv, .jsonl or .parquet file (default: the profile's own; audit: embedded)",
        )
    external = commands.add_parser("external", help="the comparison on other data: numbers only, for notebook 06")
    external.add_argument("--data", required=True, help="as above")
    external.add_argument("--profile", default="class", help="how many labels, seeds and epochs (default: class)")
    external.add_argument(
        "--corpus", type=Path, help="pre-training text (*.jsonl[.xz]): pages that share text with it are left out"
    )
    pdfs = commands.add_parser(
        "report", help="report and slides as PDF, from a run's results and figures (needs LaTeX)"
    )
    html = commands.add_parser(
        "html", help="the executed notebooks as a web site and as slides, readable without a network"
    )
    for command in (pdfs, html):
        command.add_argument(
            "--results",
            type=Path,
            default=ROOT,
            help="outputs of a run, e.g. build/outputs/class-embedded (default: the committed ones)",
        )
    demo = commands.add_parser(
        "demo", help="a local page that answers a text about symptoms with every model, side by side"
    )
    demo.add_argument("--profile", help=f"one of {', '.join(PROFILES)} (default: the last one finished)")
    demo.add_argument("--data", help="the data that the profile was trained on (default: its own)")
    demo.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only, 127.0.0.1)")
    demo.add_argument("--port", type=int, default=7860, help="(default: 7860)")
    card = commands.add_parser("card", help="measure models/gpt2-mini on held-out text and write its model card")
    contamination = commands.add_parser(
        "contamination", help="which pages of a source share a run of words with the pre-training text"
    )
    contamination.add_argument(
        "--data",
        default="embedded",
        help="as above (default: embedded, whose audit is kept in data/contamination.json)",
    )
    for command in (card, contamination):
        command.add_argument("--corpus", type=Path, required=True, help="directory of *.jsonl[.xz]")
    pretrain = commands.add_parser("pretrain", help="pre-train a small GPT-2 on JSON Lines text; the same call resumes")
    pretrain.add_argument(
        "--corpus", type=Path, required=True, help="directory of *.jsonl[.xz] with `text`, `source`; valid* is held out"
    )
    pretrain.add_argument("--out", type=Path, required=True, help="directory for the finished model")
    pretrain.add_argument(
        "--include", default="", help="regular expression on `source`: which documents to use (default: all)"
    )
    pretrain.add_argument("--tokens", type=float, help="token steps to train for")
    pretrain.add_argument(
        "--time-budget",
        type=float,
        metavar="MINUTES",
        help="training time, interruptions not counted; the learning rate falls to 0 in it",
    )
    for name, default in (
        ("vocab-size", 8192),
        ("n-layer", 4),
        ("n-embd", 256),
        ("n-head", 4),
        ("n-positions", 512),
        ("batch-size", 8),
        ("seed", 0),
    ):
        pretrain.add_argument(f"--{name}", type=int, default=default, help=f"(default: {default})")
    for name, default, what in (
        ("learning-rate", 2e-2, "peak for the blocks' matrices"),
        ("adamw-learning-rate", 3e-3, "peak for everything else (AdamW)"),
        ("dropout", 0.0, "while pre-training"),
    ):
        pretrain.add_argument(f"--{name}", type=float, default=default, help=f"{what} (default: {default:g})")
    pretrain.add_argument(
        "--optimizer", choices=("muon", "adamw"), default="muon", help="of the blocks' matrices (default: muon)"
    )
    pretrain.add_argument(
        "--micro-batch", type=int, help="rows that go through the model at once (default: all of a step's)"
    )
    pretrain.add_argument(
        "--eval-every", type=int, default=200, help="steps between evaluations and checkpoints (default: 200)"
    )
    pretrain.add_argument("--no-compile", action="store_true", help="do without torch.compile")
    return top


def grid(given: argparse.Namespace) -> None:
    """`grid`: as the user's command, as one worker of it, or as one of the processes that torchrun started."""
    from .files import only_one
    from .grid import Where, die_with_parent, ensure, train
    from .progress import status
    from .records import clean_up
    from .study import prepare

    arms = get_arms(given.arms)
    if given.jobs is not None and given.jobs < 1:
        raise InputError(f"--jobs {given.jobs}: must be 1 or more")
    if given.address and given.backend != "ray":
        raise InputError(f"--address {given.address}: only a Ray cluster has one; add --backend ray")
    if part := os.environ.get("HELPERS_WORKER"):
        die_with_parent(int(os.environ["HELPERS_PARENT"]))
    shared = "TORCHELASTIC_RUN_ID" in os.environ
    if shared and given.backend == "ray":
        raise InputError("--backend ray: torchrun shares out one run, Ray shares out many; use one of them")
    if shared and (others := [arm for arm in arms if ARMS[arm].framework != "torch"]):
        raise InputError(f"--arms {others[0]}: torchrun trains GPT-2 only; name the arms, e.g. --arms gpt2_finetuned")
    study, where = prepare(given.profile, given.data), Where(given.backend, given.address, given.jobs)
    if given.status:
        print(status(study, arms))
        return
    if part:
        train(study, arms, part == "whole", where)
        return
    with only_one() if rank() == 0 else nullcontext():
        clean_up()
        if shared:
            train(study, arms, True, where)
        else:
            ensure(study, arms, True, where)
    if rank() == 0:
        print(status(study, arms))
        print(f"the records are in {BUILD / 'runs'}")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, 1 for a run that failed, 2 for bad input, 130 when interrupted."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "run":
            from . import pipeline

            pipeline.run(given.profile, given.data, given.only)
        elif given.command == "audit":
            from . import audit

            print(audit.report(audit.audit(given.data or "embedded")))
        elif given.command == "grid":
            grid(given)
        elif given.command == "external":
            from . import external

            external.compare(given.profile, given.data, given.corpus)
        elif given.command == "report":
            from . import latex

            made = latex.build(given.results.resolve())
            print("\n".join(["", "report and slides:", *(f"  {file}" for file in made)]))
        elif given.command == "html":
            from . import site

            print(f"open {site.build(given.results.resolve(), BUILD / 'html') / 'index.html'}")
        elif given.command == "demo":
            if find_spec("gradio") is None:
                raise InputError("gradio is not installed: pip install -r requirements-demo.txt")
            from . import demo

            demo.serve(given.profile, given.data, given.host, given.port)
        elif given.command == "card":
            from . import card

            card.write(ROOT / "models" / "gpt2-mini", given.corpus)
        elif given.command == "contamination":
            from . import contamination, data

            pages = data.load_table(given.data)
            found = contamination.audit(pages, given.corpus)
            print(contamination.report(pages, found))
            if given.data == "embedded":
                contamination.write(found)
                print(f"kept in {contamination.RECORD}")
        else:
            from . import corpus, pretrain

            names = "include vocab_size n_layer n_embd n_head n_positions batch_size optimizer learning_rate".split()
            names += ["adamw_learning_rate", "dropout", "seed"]
            if given.tokens is not None and not math.isfinite(given.tokens):
                raise InputError(f"--tokens {given.tokens}: must be a number")
            tokens = None if given.tokens is None else int(given.tokens)
            budget = None if given.time_budget is None else given.time_budget * 60
            spec = corpus.PretrainSpec(tokens=tokens, **{name: getattr(given, name) for name in names})
            pretrain.pretrain(
                given.corpus, given.out, spec, not given.no_compile, given.eval_every, budget, given.micro_batch
            )
    except InputError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        for number, reason in error.rows[:MAX_ROWS_SHOWN]:
            print(f"  row {number}: {reason}", file=sys.stderr)
        if len(error.rows) > MAX_ROWS_SHOWN:
            print(f"  … and {len(error.rows) - MAX_ROWS_SHOWN} more", file=sys.stderr)
        return BAD_INPUT
    except RunError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if not os.environ.get("HELPERS_WORKER"):
            print(
                f"\ninterrupted; what is finished is kept in {BUILD}, the same command goes on from there",
                file=sys.stderr,
            )
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
