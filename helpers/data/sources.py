"""Symptom tables from four sources behind one schema: `text` (str), `label` (str, a slug)."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..config import ROOT, InputError
from .cleaning import COLUMNS, clean_table, label_slug

# Facts of the first attempt: the data set it used, at the revision it saw.
MAYO = {
    "path": "celikmus/mayo_clinic_symptoms_and_diseases_v1",
    "revision": "d4d7dcdd080358c03e77c026c1acada1c9bb4998",
}
# no commit is known to pin; the audit prints the one it got
MEDQUAD = {"path": "lavita/MedQuAD", "revision": "main"}
NAMED_SOURCES = ("embedded", "mayo", "medquad")


def load_table(source: str) -> pd.DataFrame:
    """Cleaned pages of `source`, in its order: columns `text`, `label` (object dtype str), index 0..n-1.

    source: "embedded", "mayo", "medquad", or the path of a CSV, JSONL or Parquet file with the two columns.
    Raises InputError, naming the file and rows, when the source is missing or cannot be used.
    """
    raw, where = read_source(source)
    return clean_table(raw, where)


def load_diseases() -> pd.DataFrame:
    """What is known about the embedded labels, indexed by `label`.

    Columns: name_en, name_es, icd10_chapter, group, aliases (tuple).
    """
    table = pd.read_csv(ROOT / "data" / "diseases.csv", dtype=str, keep_default_na=False).set_index("label")
    table["aliases"] = [tuple(filter(None, names.split("|"))) for names in table["aliases"]]
    return table


def label_names_of(source: str, labels: Iterable[str]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """For each label of a source, the name to show, and its other names.

    The name to show is Spanish for `embedded`, else the slug's words.
    """
    names = {label: label.replace("-", " ") for label in labels}
    if source != "embedded":
        return names, {label: () for label in names}
    diseases = load_diseases().loc[list(names)]
    return diseases["name_es"].to_dict(), {
        label: (row.name_en, *row.aliases) for label, row in diseases.iterrows()
    }


def read_source(source: str) -> tuple[pd.DataFrame, str]:
    """The rows of `source` before any cleaning, and where they come from (file, or Hub id and commit)."""
    if source == "embedded":
        return _read_file(ROOT / "data" / "symptoms.csv"), "data/symptoms.csv"
    if source == "mayo":
        return _from_hub(source, **MAYO)
    if source == "medquad":
        table, where = _from_hub(source, **MEDQUAD)
        return symptom_answers(table, where), where
    return _read_file(Path(source)), str(source)


def _read_file(path: Path) -> pd.DataFrame:
    readers = {".csv": _read_csv, ".parquet": pd.read_parquet, ".jsonl": _read_jsonl}
    kind = path.suffix.lower()
    if kind not in readers:
        raise InputError(
            f"--data {path}: neither one of {', '.join(NAMED_SOURCES)} nor the path of a .csv, .jsonl or "
            ".parquet file"
        )
    if not path.is_file():
        raise InputError(
            f"--data {path}: no such file; give one of {', '.join(NAMED_SOURCES)} or the path of a data file"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; it needs the columns `text` and `label`")
    try:
        return readers[kind](path)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    except Exception as error:  # the readers raise many kinds; the user needs the file and the reason
        raise InputError(
            f"{path}: cannot be read as {kind[1:]} ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:150]})"
        ) from error


def _read_csv(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    if not isinstance(table.index, pd.RangeIndex):  # pandas took surplus fields for an index
        raise ValueError("rows have more fields than the header; quote texts that hold commas")
    return table


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows, faults = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            faults.append((number, f"no JSON: {error}"))
            continue
        if isinstance(row, dict):
            rows.append(row)
        elif row is not None:
            faults.append((number, "no JSON object with `text` and `label`"))
    if faults:
        raise InputError(f"{path}: cannot be read as jsonl; mend or remove these lines", faults)
    return pd.DataFrame(rows)


def _from_hub(source: str, path: str, revision: str) -> tuple[pd.DataFrame, str]:
    """The `train` split of a Hub data set, and `path@commit`.

    Never another commit than a pinned one, cached or not.
    """
    import logging

    import datasets

    # its retries would bury the one line that helps
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    ways_out = "run once with network so that it is cached, or use --data embedded"
    try:
        loaded = datasets.load_dataset(path, revision=revision, split="train", keep_in_memory=False)
    except Exception as error:  # offline, timeout and missing-revision errors differ by library version
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"--data {source}: {path} (revision {revision}) cannot be loaded from the Hugging Face Hub "
            f"({type(error).__name__}: {reason}); {ways_out}"
        ) from error
    # Out of reach of the Hub, `datasets` takes the newest cached commit, whichever was asked for.
    commit = Path(loaded.cache_files[0]["filename"]).parent.name
    if revision not in ("main", commit):
        raise InputError(
            f"--data {source}: {path} is cached at commit {commit} only, and revision {revision} cannot be "
            f"had; {ways_out}"
        )
    return loaded.to_pandas(), f"{path}@{commit}"


def symptom_answers(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """MedQuAD's answers to symptom questions as `text`, `label`, one a disease.

    Of several for a disease the longest is kept (one page each, as in Mayo's); answers withheld for copyright
    (empty) are left out.
    table: columns `question_focus`, `question_type`, `answer`.
    """
    if missing := {"question_focus", "question_type", "answer"} - set(table.columns):
        raise InputError(f"{where}: no column {', '.join(sorted(missing))}; this is not MedQuAD's layout")
    kept = table[(table["question_type"] == "symptoms") & table["answer"].fillna("").str.strip().ne("")]
    kept = pd.DataFrame(
        {"text": kept["answer"], "label": [label_slug(name) for name in kept["question_focus"]]}
    )
    kept = kept.assign(size=kept["text"].str.len()).sort_values(["label", "size"], kind="stable")
    return kept.drop_duplicates("label", keep="last")[list(COLUMNS)].reset_index(drop=True)
