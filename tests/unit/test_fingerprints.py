"""What code decides: keys and stamps.

Keys that survive a move and a comment, but no changed number; stamps that follow imports of any depth.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.experiments import specs
from helpers.experiments.outcomes import outcome_of

TRAINS = '''"""How it is trained."""
from .numbers import RATE
from . import steps

def train(rows):
    """Trains."""
    return steps.step(rows, RATE)  # one step
'''
STEPS = "def step(rows, rate):\n    return rows * rate\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own with three modules; `write` puts a module there."""
    monkeypatch.setattr(specs, "PACKAGE", tmp_path / "helpers")

    def write(**modules):
        for name, code in modules.items():
            file = tmp_path / "helpers" / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
        specs.imports_of.cache_clear()

    write(trains=TRAINS, steps=STEPS, numbers="RATE = 0.5\n")
    yield write
    specs.imports_of.cache_clear()


def key():
    return specs.code_hash(specs.reached(["helpers.trains"]))


@pytest.mark.parametrize(
    "same",
    [
        {"trains": TRAINS.replace("How it is", "The way it is").replace("Trains.", "Fits.")},
        {"trains": TRAINS.replace("  # one step", "").replace("\n\n", "\n\n\n")},
        {"trains": TRAINS.replace("from . import", "import os\nfrom . import")},
        {"numbers": "", "trains": TRAINS.replace("from .numbers import RATE", "RATE = 0.5")},
        {
            "walk": STEPS,
            "trains": TRAINS.replace("import steps", "import walk").replace("steps.step", "walk.step"),
        },
        {
            "models__steps": STEPS,
            "trains": TRAINS.replace("from . import steps", "from .models import steps"),
        },
        {"models__trains": TRAINS.replace("from .", "from .."), "trains": "from .models.trains import train"},
    ],
    ids=["docstring", "comment", "import", "constant moved", "module renamed", "module moved", "all moved"],
)
def test_what_decides_no_number_leaves_the_key_alone(package, same):
    before = key()
    package(**same)
    assert key() == before


@pytest.mark.parametrize(
    "other",
    [
        {"numbers": "RATE = 0.25\n"},
        {"steps": STEPS.replace("*", "/")},
        {"trains": TRAINS.replace("RATE)", "2 * RATE)")},
    ],
    ids=["constant", "instruction two modules away", "call"],
)
def test_what_decides_numbers_changes_the_key(package, other):
    before = key()
    package(**other)
    assert key() != before


def test_imports_are_followed_at_any_depth_however_they_are_written(package):
    package(
        a="def late():\n    from .wing import b\n",
        wing__b="from ..c import x\nimport helpers.d\nimport json\n",
        c="x = 1\n",
        d="",
        alone="",
        wing____init__='"""A wing."""\n',
    )
    known = {f"helpers.{name}" for name in ("a", "wing.b", "c", "d")}
    assert specs.reached(specs.imported("from helpers import a")) == known
    assert specs.reached(specs.imported("import helpers.a as x\nfrom numpy import array")) == known


def test_a_helper_that_cannot_be_placed_is_an_error(package):
    for code in (
        "from helpers import nowhere",
        "import helpers.nowhere",
        "from helpers.wing.nowhere import x",
    ):
        with pytest.raises(LookupError, match="no such module"):
            specs.imported(code)
    package(a="from .nowhere import x\n")
    with pytest.raises(LookupError, match=r"helpers\.a imports helpers\.nowhere"):
        specs.reached(["helpers.a"])
    with pytest.raises(LookupError, match="no function run"):
        specs.code_hash([], {"helpers.steps": ["run"]})


def test_a_helper_two_imports_away_makes_a_notebook_stale(tmp_path, monkeypatch):
    """`style` reaches notebook 01 through the module of its figures alone."""
    from helpers.data.study import prepare
    from helpers.notebooks import stamps

    study, real = prepare("quick"), specs.module_file
    notebook = json.loads((specs.PACKAGE.parent / "notebooks" / "01_eda.ipynb").read_text(encoding="utf-8"))
    code = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
    far = "helpers.config"
    near = specs.imported(code)
    assert far not in near
    assert any(far in specs.imports_of(module) for module in near)
    before = stamps.fingerprint(study, "01_eda")
    assert stamps.fingerprint(replace(study), "01_eda") == before
    changed = tmp_path / "changed.py"
    changed.write_text(real(far).read_text(encoding="utf-8") + "\nCHANGED = True\n", encoding="utf-8")
    monkeypatch.setattr(stamps, "module_file", lambda module: changed if module == far else real(module))
    assert stamps.fingerprint(study, "01_eda") != before


def test_what_is_kept_beside_the_runs_makes_results_and_notebooks_stale(tmp_path, monkeypatch):
    from helpers.analysis import cost, dose
    from helpers.data.study import prepare
    from helpers.notebooks import stamps
    from helpers.report import facts, results

    study = prepare("quick")
    monkeypatch.setattr(dose, "DOSES", tmp_path / "dose")
    monkeypatch.setattr(cost, "COSTS", tmp_path / "cost")
    monkeypatch.setattr(facts, "CHOICES", tmp_path / "choices.csv")

    def fingerprints(study):
        return results.fingerprint(study), stamps.fingerprint(study, "06_comparacion")

    seen = [fingerprints(study)]
    assert fingerprints(replace(study)) == seen[0]
    for file in (dose.file_of("quick"), cost.file_of("quick"), facts.CHOICES):
        file.parent.mkdir(exist_ok=True)
        file.write_text("{}", encoding="utf-8")
        seen.append(fingerprints(study))
    one = next(iter(study.hands))
    seen.append(fingerprints(replace(study, hands=study.hands | {one: "another"})))
    seen.append(fingerprints(replace(study, names=study.names | {next(iter(study.names)): "otro"})))
    for of in zip(*seen, strict=True):
        assert len(set(of)) == len(seen)


def test_a_run_that_answers_otherwise_makes_results_and_notebooks_stale(monkeypatch):
    """Trained again on another kind of processor a run keeps its key."""
    from helpers.data.study import prepare
    from helpers.experiments import archive
    from helpers.notebooks import stamps
    from helpers.report import results

    study, seen = prepare("quick"), []
    labels, logits = np.array([0, 1]), np.eye(2)
    found = outcome_of(logits, labels).arrays("valid") | outcome_of(logits, labels).arrays("test")
    record = dict.fromkeys(("memory", "seconds"), 1.0) | {"history": [], "parameters": 1, "chosen": {}}
    record |= {"metrics": {"valid": {"mrr": 0.5, "loss": 1.0}}}
    for now in (
        (record, found),
        (record, found | {"test_first": found["test_first"][:, ::-1]}),
        (record | {"seconds": 2.0}, found),
    ):
        monkeypatch.setattr(archive, "find", lambda key, now=now: now)
        seen.append((results.fingerprint(study), stamps.fingerprint(study, "06_comparacion")))
    for of in zip(*seen, strict=True):
        assert len(set(of)) == len(seen)


TABLE = '''"""A module."""
SHARES: tuple = (0, 1)
OTHER = 3

def best(rows):
    return pick(rows, SHARES)

def pick(rows, shares):
    return max(rows)

def apart(rows):
    return OTHER
'''


def test_a_functions_hash_follows_what_it_reaches_in_its_module_and_nothing_else(package):
    def hash_of(code, name="best"):
        package(table=code)
        return specs.function_hash("helpers.table", name)

    own = hash_of(TABLE)
    assert hash_of(TABLE.replace("OTHER = 3", "OTHER = 4").replace("A module", "The module")) == own
    assert hash_of(TABLE.replace("(0, 1)", "(0, 2)")) != own
    assert hash_of(TABLE.replace("max(rows)", "min(rows)")) != own
    assert hash_of(TABLE, "apart") != own
    with pytest.raises(LookupError, match=r"helpers\.table has no function lost"):
        hash_of(TABLE, "lost")
