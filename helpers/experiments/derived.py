"""Numbers that need more of a run than its answers: computed where it was trained, kept for others."""

import hashlib
import json
from collections.abc import Callable, Iterable
from importlib import import_module

from ..files import write_json
from . import archive
from .archive import DERIVED
from .specs import RunSpec, function_hash


def derived(
    function: Callable[..., dict | list], specs: Iterable[RunSpec], *told, beside: tuple[Callable, ...] = ()
):
    """What `function(specs, *told)` returns, computed once; after that it is read.

    function: a module's own, whose code (see `specs.function_hash`) is part of what the result is kept under;
    specs: the finished runs it looks into, whose answers are part of it too. told: what else decides the
    numbers, as JSON has it. beside: functions of other modules that decide them. The result is what JSON
    makes of the function's, whether it was computed now or before.
    """
    specs = list(specs)
    kept = {"function": [function.__module__, function.__name__], "runs": [spec.key for spec in specs]}
    kept |= {"beside": [[other.__module__, other.__name__] for other in beside]} if beside else {}
    key = key_of(kept, told)
    file = DERIVED / f"{key}.json"
    if not file.is_file():
        write_json(file, kept | {"told": told, "result": function(specs, *told)})
    return json.loads(file.read_text(encoding="utf-8"))["result"]


def key_of(kept: dict, told: Iterable) -> str:
    """What a result is kept under: its function's name, 16 digits over all that decides it.

    kept: `function` and those `beside` it, if any, as [module, name]; `runs`, by their keys.
    """
    (module, name), runs = kept["function"], kept["runs"]
    parts = [name, function_hash(module, name), runs, [archive.answers_hash(run) for run in runs], list(told)]
    parts += [function_hash(*other) for other in kept.get("beside", ())]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return f"{name}-{digest}"


def current(runs: set[str]) -> dict[str, dict]:
    """The results by key that look into none but these runs and that today's code would give."""
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in DERIVED.glob("*.json")}

    def holds(key: str, kept: dict) -> bool:
        functions = [kept["function"], *kept.get("beside", ())]
        known = all(hasattr(import_module(module), name) for module, name in functions)
        return known and set(kept["runs"]) <= runs and key_of(kept, kept["told"]) == key

    return {key: kept for key, kept in sorted(found.items()) if holds(key, kept)}
