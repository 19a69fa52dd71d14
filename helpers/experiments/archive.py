"""Where finished runs lie, and the file a profile in which the repository keeps what their measures need.

From it every table and figure of the comparison can be made again without training anything, and an
interrupted grid goes on on another machine.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..config import BUILD, ROOT, InputError
from ..files import replacing, write_json

RUNS, DERIVED = BUILD / "runs", BUILD / "derived"
RECORD, ANSWERS = "record.json", "answers.npz"  # files of a run's directory
KEPT = ROOT / "report" / "records"  # one archive a profile
INDEX = "index"  # of the archive, as JSON: `runs`, what RECORD holds by the run's key, and `derived`


def file_of(profile: str) -> Path:
    """The archive of a profile's runs."""
    return KEPT / f"{profile}.npz"


def find(key: str) -> tuple[dict, Mapping[str, np.ndarray]] | None:
    """A finished run's RECORD and its ANSWERS by name; None where it has not finished here."""
    directory = RUNS / key
    if not (directory / RECORD).is_file():
        return None
    with np.load(directory / ANSWERS, allow_pickle=False) as arrays:
        answers = {name: arrays[name] for name in arrays.files}
    return json.loads((directory / RECORD).read_text(encoding="utf-8")), answers


def state(key: str) -> str:
    """A run's key and, once it has finished here, 64 digits over its record and answers."""
    found = find(key)
    record = "" if found is None else json.dumps(found[0], sort_keys=True)
    return f"{key} {hashlib.sha256((record + answers_hash(key)).encode()).hexdigest()}"


def answers_hash(key: str) -> str:
    """Hash of what a finished run answered: trained again on another kind of processor, it may differ.

    Empty for a run that has not finished here.
    """
    found = find(key)
    parts = () if found is None else sorted(found[1].items())
    digest = hashlib.sha256()
    for name, array in parts:
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest() if parts else ""


def write(keys: Iterable[str], results: Mapping[str, dict], file: Path) -> Path:
    """Writes an archive of some finished runs; byte-equal for equal runs.

    results: derived ones by their keys (see `derived`). Raises LookupError for a run that has not finished.
    """
    index, arrays = {"derived": dict(results), "runs": {}}, {}
    for key in sorted(keys):
        if (found := find(key)) is None:
            raise LookupError(f"run {key} is not under {RUNS}")
        index["runs"][key] = found[0]
        arrays |= {f"{key}/{name}": found[1][name] for name in sorted(found[1])}
    text = json.dumps(index, separators=(",", ":")).encode()  # in their order, for files that are to be equal
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **{INDEX: np.frombuffer(text, np.uint8)}, **arrays)
    return file


def unpack(build: Path, file: Path) -> int:
    """Puts an archive's runs and derived results under a build directory: how many runs.

    Runs that are there stay as they are. InputError where the file is missing or no archive.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file; `python -m helpers archive` writes it from finished runs")
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        index = json.loads(arrays.pop(INDEX).tobytes())
    except Exception as error:  # zipfile, numpy and json raise their own kinds
        raise InputError(f"{file}: not an archive of runs ({type(error).__name__}); restore it") from error
    answers: dict[str, dict] = {key: {} for key in index["runs"]}
    for name, values in arrays.items():
        key, _, own = name.partition("/")
        answers[key][own] = values
    for key, record in index["runs"].items():
        directory = build / "runs" / key
        if directory.is_dir():
            continue
        with replacing(directory) as temporary:
            temporary.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(temporary / ANSWERS, **answers[key])
            write_json(temporary / RECORD, record)
    for key, kept in index["derived"].items():
        write_json(build / "derived" / f"{key}.json", kept)
    return len(index["runs"])


def unpack_alone(build: Path, file: Path) -> int:
    """`unpack` into a directory that holds nothing else."""
    shutil.rmtree(build, ignore_errors=True)
    return unpack(build, file)
