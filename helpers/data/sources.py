"""Symptom tables from four sources behind one schema: `text` (str), `label` (str, a slug)."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pandas as pd

from ..config import ROOT, InputError
from .cleaning import COLUMNS, clean_table, label_slug
from .reading import name_labels, read_file

# Facts of the first attempt: the data set it used, at the revision it saw.
MAYO = {
    "path": "celikmus/mayo_clinic_symptoms_and_diseases_v1",
    "revision": "d4d7dcdd080358c03e77c026c1acada1c9bb4998",
}
# no commit is known to pin; the audit prints the one it got
MEDQUAD = {"path": "lavita/MedQuAD", "revision": "main"}
NAMED_SOURCES = ("embedded", "mayo", "medquad")


def with_columns(source: str, text: str | None, label: str | None) -> str:
    """A file's source with the names of its columns: `FILE?text=A&label=B`, which every process is handed
    whole.
    """
    asked = {name: value for name, value in (("text", text), ("label", label)) if value is not None}
    if asked and source in NAMED_SOURCES:
        raise InputError(f"--{next(iter(asked))}-column: only for a file; {source} has columns of its own")
    return f"{source}?{urlencode(asked)}" if asked else source


def file_of(source: str) -> tuple[Path, dict[str, str]]:
    """The path of a source that is a file, and the names of its columns where they were given."""
    path, _, query = source.rpartition("?")
    asked = {name: values[0] for name, values in parse_qs(query).items() if name in COLUMNS}
    return (Path(path), asked) if path and asked else (Path(source), {})


def resolve(source: str) -> str:
    """The source as any process may be handed it, whatever directory it is in."""
    if source in NAMED_SOURCES:
        return source
    path, asked = file_of(source)
    return with_columns(str(path.resolve()), asked.get("text"), asked.get("label"))


def name_of(source: str) -> str:
    """What a source's outputs are called: its name, or a file's stem and a hash of where it lies."""
    if source in NAMED_SOURCES:
        return source
    path = file_of(source)[0].resolve()
    return f"{path.name.split('.')[0]}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def load_table(source: str) -> pd.DataFrame:
    """Cleaned pages of `source`, in its order: columns `text`, `label` (object dtype str), index 0..n-1.

    source: "embedded", "mayo", "medquad", or a file with the two columns (see `reading.read_file`). Raises
    InputError, naming the file and rows, when the source is missing or cannot be used.
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
    names = {
        label: label.replace("-", " ").replace("$", r"\$") for label in labels
    }  # `$$` would be mathematics
    if source != "embedded":
        return names, {label: () for label in names}
    diseases = load_diseases().loc[list(names)]
    return diseases["name_es"].to_dict(), {
        label: (row.name_en, *row.aliases) for label, row in diseases.iterrows()
    }


def read_source(source: str) -> tuple[pd.DataFrame, str]:
    """The rows of `source` before any cleaning, and where they come from (file, or Hub id and commit)."""
    if source == "embedded":
        return read_file(ROOT / "data" / "symptoms.csv"), "data/symptoms.csv"
    if source == "mayo":
        return _from_hub(source, **MAYO)
    if source == "medquad":
        table, where = _from_hub(source, **MEDQUAD)
        return symptom_answers(table, where), where
    path, asked = file_of(source)
    return read_file(path, **asked), str(path)


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
    table = loaded.to_pandas()
    for column, feature in loaded.features.items():
        if names := getattr(feature, "names", None):
            table[column] = name_labels(table[column].tolist(), names)
    return table, f"{path}@{commit}"


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
