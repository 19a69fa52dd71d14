"""Files: written in one step, locked and hashed; a place that cannot be written is named with the way out."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .config import BUILD, InputError

PART = ".part."  # in the name of what is not yet whole


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to; it takes the place of `target` when the block ends well.

    What is written there is a file or a directory. Nothing half-written is ever seen under the name of
    `target`, and what stood there stays until then. The path ends like `target`, for writers that go by the
    ending. InputError where it cannot be written.
    """
    temporary = target.with_name(f".{os.getpid()}{PART}{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_dir():
            shutil.rmtree(target, ignore_errors=True)
        temporary.replace(target)
    except OSError as error:
        raise unwritable(target.parent, error) from error
    finally:
        remove(temporary)


def write_text(target: Path, text: str) -> None:
    """Writes UTF-8 text to a file in one step."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, content) -> None:
    """Writes JSON to a file in one step, readable by people."""
    write_text(target, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def copy(source: Path, target: Path) -> None:
    """Copies a file with its times in one step."""
    with replacing(target) as temporary:
        shutil.copy2(source, temporary)


def remove(path: Path) -> None:
    """Removes a file or a directory, if it is there and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def remove_parts(directory: Path) -> None:
    """Removes what killed processes left unfinished in a directory.

    For whoever holds its lock (see `only_one`).
    """
    for path in directory.glob(f".*{PART}*"):
        remove(path)


def unwritable(directory: Path, error: Exception) -> InputError:
    """The error of a full disk or a directory that may not be written, with the way out."""
    return InputError(
        f"{directory}: cannot be written ({getattr(error, 'strerror', None) or error}); make room or permit "
        "it, or move HELPERS_BUILD; finished runs are kept, run again to go on"
    )


def check_writable(directory: Path, option: str) -> None:
    """Raises InputError that names the option if `directory` cannot be made or written.

    So it is said now, and not after hours of work.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise InputError(
            f"{option} {directory}: cannot be written ({error.strerror}); give another directory"
        ) from error


@contextmanager
def only_one(directory: Path = BUILD) -> Iterator[None]:
    """Holds a directory's lock: a second process there is refused. A kill releases it.

    The records' lock is that of the build directory.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise unwritable(directory, error) from error
    with lock as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # Windows has no flock
        except OSError as error:
            raise InputError(
                f"{directory}: another `python -m helpers` is at work there; wait for it or end it"
            ) from error
        yield


def drop_broken_checkpoints(directory: Path) -> None:
    """Removes Trainer checkpoints that a kill cut short.

    `trainer_state.json` is written last, so it tells which are whole.
    """
    for checkpoint in directory.glob("checkpoint-*"):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(checkpoint)


def sha256(file: Path) -> str:
    """Hash of a file's content, in hexadecimal; of nothing where there is no file."""
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()
