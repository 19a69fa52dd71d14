"""The frozen spec of a run: all that decides its numbers, its code included, hashed into its key."""

import ast
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..arms import ARMS, Arm
from ..data.study import Study
from ..models.bases import base_hash

PACKAGE = Path(__file__).resolve().parents[1]


def module_file(module: str) -> Path | None:
    """The file of a module of this package; None where there is none.

    module: `helpers.splits`, say, or the package itself.
    """
    place = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (
        (place.with_suffix(".py"), place / "__init__.py") if place != PACKAGE else (place / "__init__.py",)
    )
    return next((file for file in candidates if file.is_file()), None)


def imported(code: str, module: str = "") -> set[str]:
    """The modules of this package that some code imports itself, wherever it does so: `helpers.splits`, …

    module: what the code is itself, for its relative imports ("": code outside the package). LookupError for
    a module of this package that is not there: what depends on it could not be told.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if _ours(alias.name)}
        elif isinstance(node, ast.ImportFrom) and (source := _source(node, module)):
            file = module_file(source)
            if file is not None and file.name != "__init__.py":
                found.add(source)
            else:  # modules of a package
                found |= {f"{source}.{alias.name}" for alias in node.names}
    if lost := sorted(name for name in found if module_file(name) is None):
        raise LookupError(f"{module or 'the code'} imports {lost[0]}, and the package has no such module")
    return found


def _ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE.name


def _source(node: ast.ImportFrom, module: str) -> str | None:
    """What a `from … import` imports from, if it is of this package."""
    if node.level:
        above = module.split(".")[: -node.level]
        return ".".join([*above, node.module] if node.module else above)
    return node.module if node.module and _ours(node.module) else None


def reached(modules: Iterable[str]) -> set[str]:
    """These modules and all that they import of this package, directly or through one another."""
    found, new = set(), set(modules)
    while new:
        found |= new
        new = set().union(*(imports_of(module) for module in new)) - found
    return found


@cache
def imports_of(module: str) -> frozenset[str]:
    """`imported` of a module of this package."""
    return frozenset(imported(module_file(module).read_text(encoding="utf-8"), module))


def code_hash(modules: Iterable[str], functions: dict[str, Iterable[str]] | None = None) -> str:
    """12 hexadecimal digits over the statements of some modules, whatever their order, file and layout.

    functions: of these modules only the functions named. Comments, docstrings and imports take no part, and
    `splits.side` is the same as `side`: code that moves to another module keeps its hash, a changed constant
    or instruction changes it. LookupError for a function that is not there.
    """
    statements = {ast.dump(node) for module in modules for node in _bare(module).body}
    for module, names in (functions or {}).items():
        known = {
            node.name: ast.dump(node) for node in _bare(module).body if isinstance(node, ast.FunctionDef)
        }
        if lost := set(names) - set(known):
            raise LookupError(f"{module} has no function {min(lost)}")
        statements |= {known[name] for name in names}
    return hashlib.sha256("\n".join(sorted(statements)).encode()).hexdigest()[:12]


def function_hash(module: str, function: str) -> str:
    """12 hexadecimal digits over a function and all of its module that it reaches by name.

    What it reaches of other modules takes no part. LookupError for a function that is not there.
    """
    known = {}
    for node in _bare(module).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        known |= dict.fromkeys(names or [getattr(node, "name", "")], node)
    if function not in known:
        raise LookupError(f"{module} has no function {function}")
    found, new = set(), {function}
    while new:
        found |= new
        inside = (part for name in new for part in ast.walk(known[name]))
        new = ({part.id for part in inside if isinstance(part, ast.Name)} & known.keys()) - found
    statements = sorted({ast.dump(known[name]) for name in found})
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()[:12]


def _bare(module: str) -> ast.Module:
    """A module's code without what decides nothing."""
    tree = ast.parse(module_file(module).read_text(encoding="utf-8"))
    return _Bare(modules_bound(tree, module)).visit(tree)


def modules_bound(tree: ast.Module, module: str) -> set[str]:
    """The names that stand for modules of this package in some code."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (source := _source(node, module)):
            bound |= {a.asname or a.name for a in node.names if module_file(f"{source}.{a.name}")}
    return bound


class _Bare(ast.NodeTransformer):
    """Takes away what decides nothing: docstrings, imports, and the module's name before a name."""

    def __init__(self, modules: set[str]):
        self.modules = modules

    def visit_Import(self, node):
        return None

    visit_ImportFrom = visit_Import

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)

    def _undocumented(self, node):
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _undocumented


@dataclass(frozen=True)
class RunSpec:
    """All that decides a run's numbers.

    `value` is the tuned hyperparameter; `recipe` and `base` are content hashes. `fraction` is how many
    training rows each label keeps (see `splits.thin`); None: all. `changed`: settings of the arm that are
    other than its own, by name.
    """

    arm: str
    split: str
    seed: int
    value: float | None
    epochs: int | None
    base: str | None
    recipe: str
    fraction: int | None = None
    changed: tuple[tuple[str, float | str | bool], ...] = ()

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        value = "" if self.value is None else f" · {self.value:g}"
        fewer = "" if self.fraction is None else f" · {self.fraction} a label"
        other = "".join(f" · {name} {setting}" for name, setting in self.changed)
        return f"{self.arm} · seed {self.seed}{value}{fewer}{other}"


ROWS = {"helpers.data.splits": ("side", "label_classes", "thin")}  # which rows a run gets, in which order
CUTS = "helpers.models.task"  # cuts passages anew
HANDLED = (  # what every run goes through, whatever trains it: its rows and settings, and its record
    ("helpers.experiments.runs", "make_task"),
    ("helpers.experiments.outcomes", "outcome_of"),
    ("helpers.models.metrics", "evaluate"),
)


@cache
def code_of(module: str) -> str:
    """Hash of the code that trains an arm: its module and what that imports of `helpers.models`.

    See `code_hash`.
    """
    found = reached([f"helpers.models.{module}"])
    counted = [name for name in found if name.startswith("helpers.models.")]
    return code_hash([*counted, *(["helpers.data.passages"] if CUTS in found else [])], ROWS)


@cache
def handling() -> list[str]:
    """Hashes of the code that every run goes through (see HANDLED)."""
    return [function_hash(module, function) for module, function in HANDLED]


def recipe(arm: Arm, answers: list[str] | None) -> str:
    """Hash of how an arm is trained: new code, other settings or other answers are new runs.

    A new name or colour is not a new run.
    """
    parts = [code_of(arm.module), handling(), dict(arm.settings), arm.start, arm.frozen, answers]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    keras = os.environ.get("KERAS_BACKEND") or ("tensorflow" if find_spec("tensorflow") else "torch")
    return f"{digest}-{keras}" if arm.framework == "keras" and keras != "tensorflow" else digest


def make_spec(
    study: Study,
    arm_id: str,
    value: float | None,
    seed: int,
    split: str | None = None,
    epochs: int | None = None,
    fraction: int | None = None,
) -> RunSpec:
    """The spec of one run.

    split None: the study's own; epochs None: the profile's; fraction None: every training row.
    """
    arm, base = ARMS[arm_id], study.profile.base_of(ARMS[arm_id])
    answers = None
    if arm.answers:  # what it is taught to say decides its numbers too
        answers = study.answers_of(study.unseen_split if split == study.unseen_key else study.split)
    return RunSpec(
        arm=arm_id,
        split=split or study.split_key,
        seed=seed,
        value=value,
        epochs=epochs or study.profile.epochs_of(arm),
        base=None if base is None else base_hash(base),
        recipe=recipe(arm, answers),
        fraction=fraction,
    )
