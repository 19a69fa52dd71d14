"""What code decides: the modules that some code imports, at any depth, and a hash of code that a move leaves
alone.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def module_file(module: str) -> Path | None:
    """The file of a module of this package (`helpers.splits`, or the package itself); None where there is
    none.
    """
    place = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (
        (place.with_suffix(".py"), place / "__init__.py") if place != PACKAGE else (place / "__init__.py",)
    )
    return next((file for file in candidates if file.is_file()), None)


def imported(code: str, module: str = "") -> set[str]:
    """The modules of this package that some code imports itself, wherever it does so: `helpers.splits`, …

    module: what the code is itself, for its relative imports ("": code outside the package). LookupError for
    a module of this
    package that is not there: what depends on it could not be told.
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
    """12 hexadecimal digits over the statements of some modules, in whatever order, file and layout they
    stand.

    functions: of these modules only the functions named. Comments, docstrings and imports take no part, and
    `splits.side` is
    the same as `side`: code that moves to another module keeps its hash, a changed constant or instruction
    changes it. LookupError for a function that is not there.
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
