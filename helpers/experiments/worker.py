"""The entry point of each training process: `python -m helpers.experiments.worker`.

It is started by this package, not by people.
"""

import argparse
import sys

from ..arms import ARMS, get_arms
from ..config import exit_code
from ..data.study import prepare
from .grid import ensure, train
from .plan import EXTENTS
from .processes import Where, die_with_parent


def parser() -> argparse.ArgumentParser:
    """What a worker is told (see `processes.worker_command`)."""
    options = argparse.ArgumentParser(prog="python -m helpers.experiments.worker")
    options.add_argument("--profile", required=True)
    options.add_argument("--data")
    options.add_argument(
        "--arms", required=True, help="of one framework: trained in this process; else each in its own"
    )
    options.add_argument("--extent", required=True, choices=EXTENTS, help="how much, see `plan.stages`")
    options.add_argument("--backend", default="loky")
    options.add_argument("--address")
    options.add_argument("--jobs", type=int)
    options.add_argument("--parent", type=int, required=True, help="the process with which this one ends")
    return options


def work(given: argparse.Namespace) -> None:
    """Trains what is missing of the arms."""
    study, arms = prepare(given.profile, given.data), get_arms(given.arms)
    alone = len({ARMS[arm].framework for arm in arms}) == 1
    (train if alone else ensure)(study, arms, given.extent, Where(given.backend, given.address, given.jobs))


def main() -> int:
    """The exit code, as of the command line; after Ctrl-C its parent has the word."""
    given = parser().parse_args()
    die_with_parent(given.parent)
    return exit_code(lambda: work(given))


if __name__ == "__main__":
    sys.exit(main())
