"""Numbers that need more of a run than its answers: computed where it was trained, kept for others."""

import hashlib
import json
from collections.abc import Callable, Iterable
from importlib import import_module

from ..files import write_json
from . import archive
from .archive import DERIVED
from .specs import RunSpec, function_hash


def derived(function: Callable[..., dict | list], specs: Iterable[RunSpec], *told):
    """What `function(specs, *told)` returns, computed once; after that it is read.

    function: a module's own, whose code (see `specs.function_hash`) is part of what the result is kept under;
    specs: the finished runs it looks into, whose answers are part of it too. told: what else decides the
    numbers, as JSON has it. The result is what JSON makes of the function's, whether it was computed now or
    before.
    """
    specs = list(specs)
    kept = {"function": [function.__module__, function.__name__], "runs": [spec.key for spec in specs]}
    key = key_of(function, kept["runs"], told)
    file = DERIVED / f"{key}.json"
    if not file.is_file():
        write_json(file, kept | {"told": told, "result": function(specs, *told)})
    return json.loads(file.read_text(encoding="utf-8"))["result"]


def key_of(function: Callable, runs: list[str], told: Iterable) -> str:
    """What a result is kept under: its function's name, 16 digits over all that decides it."""
    code = function_hash(function.__module__, function.__name__)
    parts = [function.__name__, code, runs, [archive.answers_hash(run) for run in runs], list(told)]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return f"{function.__name__}-{digest}"


def current(runs: set[str]) -> dict[str, dict]:
    """The results by key that look into none but these runs and that today's code would give."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in DERIVED.glob("*.json")}

    def holds(key: str, kept: dict) -> bool:
        module, name = kept["function"]
        function = getattr(import_module(module), name, None)
        known = function is not None and set(kept["runs"]) <= runs
        return known and key_of(function, kept["runs"], kept["told"]) == key

    return {key: kept for key, kept in sorted(found.items()) if holds(key, kept)}
