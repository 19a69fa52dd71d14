"""Files to rows of text and label: what each format is, and which of its columns are meant."""

import csv
import gzip
import io
import json
import os
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..config import InputError
from .cleaning import COLUMNS

# How people call the two columns; names are compared without case and outer spaces.
KNOWN_AS = {
    "text": ("text", "symptoms", "symptom", "symptom_text", "description", "statement", "content"),
    "label": ("label", "disease", "diagnosis", "prognosis", "condition", "class", "category"),
}
FORMATS = ".csv, .tsv, .jsonl, .json or .parquet file, gzipped (.gz) or not"
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def read_file(
    path: Path, text: str | None = None, label: str | None = None, more: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The rows of a file: columns `text`, `label`, as given; `attrs["notes"]` says what was taken for
    granted.

    text, label: the columns' names in the file; None: found by `KNOWN_AS`. more: other columns to keep, where
    the file has them. InputError that names the file, and the rows or the columns at fault.
    """
    kind = path.with_suffix("").suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if kind in (".xlsx", ".xls", ".ods"):
        raise InputError(f"{path}: a spreadsheet; save it as CSV (UTF-8) and give that file")
    if kind not in READERS:
        raise InputError(f"{path}: neither a named source nor the path of a {FORMATS}")
    if not os.path.isfile(path):  # a name may be longer than any file's
        raise InputError(f"{path}: no such file; give a named source or the path of a data file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; it needs the columns `text` and `label`")
    try:
        raw, notes = READERS[kind](path)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    except Exception as error:  # the readers raise many kinds; the user needs the file and the reason
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"{path}: cannot be read as {kind[1:]} ({type(error).__name__}: {reason})"
        ) from error
    found = {
        wanted: find_column(raw, wanted, given, path) for wanted, given in (("text", text), ("label", label))
    }
    notes += [
        f"column `{str(name).strip()}` is read as `{wanted}`"
        for wanted, name in found.items()
        if name != wanted
    ]
    found |= {name: name for name in more if name in raw.columns}
    table = pd.DataFrame({wanted: as_text(raw[name], wanted, path, notes) for wanted, name in found.items()})
    table.attrs["notes"] = notes
    return table


def find_column(raw: pd.DataFrame, wanted: str, given: str | None, path: Path) -> str:
    """The name of the column that is meant; InputError where none is, or several could be."""
    way_out = (
        f"name it with --{wanted}-column (found: {', '.join(map(str, raw.columns))}); "
        "a column of --statements can only be renamed"
    )
    if given is not None:
        if given not in raw.columns:
            raise InputError(f"{path}: no column `{given}`; {way_out}")
        return given
    if wanted in raw.columns:
        return wanted
    fits = [name for name in raw.columns if str(name).strip().lower() in KNOWN_AS[wanted]]
    if len(fits) != 1:
        raise InputError(f"{path}: {'no' if not fits else 'more than one'} column for `{wanted}`; {way_out}")
    return fits[0]


def as_text(column: pd.Series, wanted: str, path: Path, notes: list[str]) -> pd.Series:
    """The column as text ("" where nothing is given); InputError that names the rows that hold none."""
    values = [None if value is None or value is pd.NA or value != value else value for value in column]
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if wanted == "label" and numbers:
        notes.append(
            "labels are bare numbers: nothing can be masked or named; names of diseases would be better"
        )
    allowed = (str, int) if wanted == "label" else (str,)
    wrong = [
        (place + 1, fault)
        for place, value in enumerate(values)
        if (fault := fault_of(value, wanted, allowed))
    ]
    if wrong:
        raise InputError(f"{path}: {len(wrong)} row(s) hold no text; mend or remove them", wrong)
    return pd.Series(["" if value is None else str(value) for value in values], dtype=object)


def fault_of(value, wanted: str, allowed: tuple[type, ...]) -> str | None:
    """What is wrong with a value, if anything; JSON can name half of a character (a lone surrogate)."""
    if value is not None and (not isinstance(value, allowed) or isinstance(value, bool)):
        return f"`{wanted}` is {describe(value)}, not text"
    if isinstance(value, str) and re.search(r"[\ud800-\udfff]", value):
        return f"`{wanted}` holds half of a character"
    return None


def describe(value) -> str:
    """What kind of thing a value is, for people."""
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        bytes: "bytes",
    }
    return kinds.get(type(value), f"a {type(value).__name__}")


def read_bytes(path: Path) -> bytes:
    """A file's content, unzipped if it must be."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix.lower() == ".gz" else content


def read_text(path: Path) -> str:
    """A text file's content without the mark that some programs put first (BOM)."""
    return read_bytes(path).decode("utf-8-sig")


def read_delimited(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """CSV and TSV; what separates the fields is told by the header."""
    content = read_text(path)
    header = content.lstrip().split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=lambda mark: (len(columns_named(header, mark)), header.count(mark)))
    quoting = csv.QUOTE_NONE if quotes_are_text(content, delimiter) else csv.QUOTE_MINIMAL
    table = pd.read_csv(
        io.StringIO(content), dtype=str, keep_default_na=False, sep=delimiter, quoting=quoting
    )
    if not isinstance(table.index, pd.RangeIndex):  # pandas took surplus fields for an index
        raise ValueError(
            f"rows have more fields than the header; quote texts that hold {DELIMITERS[delimiter]}"
        )
    usual = "\t" if ".tsv" in path.suffixes else ","
    return table, [] if delimiter == usual else [f"fields are separated by {DELIMITERS[delimiter]}"]


def quotes_are_text(content: str, delimiter: str) -> bool:
    """Whether quotation marks belong to the texts, though some begin a field.

    They do where they do not close as CSV has it (RFC 4180) and every line has the fields of the header; a
    lone one would make one row of all that follow it.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    try:
        for _ in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error:
        return len({line.count(delimiter) for line in content.split("\n") if line.strip()}) == 1
    return False


def columns_named(header: str, delimiter: str) -> set[str]:
    """Which of the two columns a header names if it is cut at the delimiter."""
    names = {name.strip().strip('"').lower() for name in header.split(delimiter)}
    return {wanted for wanted in COLUMNS if names & set(KNOWN_AS[wanted])}


def read_json(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """JSON Lines, or one JSON array of objects."""
    content = read_text(path)
    if content.lstrip().startswith("["):
        try:
            rows = json.loads(content)
        except ValueError as error:
            raise InputError(f"{path}: begins like a JSON array but is none ({error}); mend it") from error
        wrong = [
            (n, "no JSON object with `text` and `label`")
            for n, row in enumerate(rows, 1)
            if not isinstance(row, dict)
        ]
        notes = [] if ".json" in path.suffixes else ["one JSON array, not JSON Lines"]
        return _frame(rows, wrong, path), notes
    rows, wrong = [], []
    for number, line in enumerate(content.split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            wrong.append((number, f"no JSON: {error}"))
            continue
        if isinstance(row, dict):
            rows.append(row)
        elif row is not None:
            wrong.append((number, "no JSON object with `text` and `label`"))
    return _frame(rows, wrong, path), []


def _frame(rows: list[dict], wrong: list[tuple[int, str]], path: Path) -> pd.DataFrame:
    if wrong:
        raise InputError(f"{path}: cannot be read as {path.suffix[1:]}; mend or remove these lines", wrong)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def read_parquet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """A Parquet file; numbers with names in its metadata (`ClassLabel`) become those names."""
    table = pq.read_table(io.BytesIO(read_bytes(path)))
    features = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    known = features.get("info", {}).get("features", {})
    columns = {}
    for field in table.schema:
        values = table.column(field.name)
        if pa.types.is_dictionary(field.type):
            values = values.cast(field.type.value_type)
        names = known.get(field.name, {}).get("names") if isinstance(known.get(field.name), dict) else None
        columns[field.name] = pd.Series(name_labels(values.to_pylist(), names), dtype=object)
    return pd.DataFrame(columns), []


def name_labels(values: list, names: list[str] | None) -> list:
    """Numbers of a `ClassLabel` as its names; anything else as it is."""
    if not names:
        return values
    return [names[v] if isinstance(v, int) and 0 <= v < len(names) else v for v in values]


READERS = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".jsonl": read_json,
    ".json": read_json,
    ".parquet": read_parquet,
}
