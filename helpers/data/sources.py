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


def with_options(
    source: str, text: str | None = None, label: str | None = None, statements: str | None = None
) -> str:
    """A source with what else was asked for: `FILE?text=A&label=B&statements=C`, which every process is
    handed whole.

    text, label: names of a file's columns; statements: a file of what patients say (see `load_statements`).
    """
    asked = {"text": text, "label": label, "statements": statements}
    asked = {name: value for name, value in asked.items() if value is not None}
    columns = [name for name in asked if name in COLUMNS]
    if columns and source in NAMED_SOURCES:
        raise InputError(f"--{columns[0]}-column: only for a file; {source} has columns of its own")
    return f"{source}?{urlencode(asked)}" if asked else source


def parts_of(source: str) -> tuple[str, dict[str, str]]:
    """A source's name or path, and its options (see `with_options`)."""
    path, _, query = source.rpartition("?")
    asked = {name: found[0] for name, found in parse_qs(query).items() if name in (*COLUMNS, "statements")}
    return (path, asked) if path and asked else (source, {})


def resolve(source: str) -> str:
    """The source as any process may be handed it, whatever directory it is in."""
    place, asked = parts_of(source)
    place = place if place in NAMED_SOURCES else str(Path(place).resolve())
    if "statements" in asked:
        asked["statements"] = str(Path(asked["statements"]).resolve())
    return with_options(place, **asked)


def name_of(source: str) -> str:
    """What a source's outputs are called: its name, or a file's stem and a hash of where its files lie."""
    if source in NAMED_SOURCES:
        return source
    place, asked = parts_of(resolve(source))
    files = [name for name in (place, asked.get("statements")) if name and name not in NAMED_SOURCES]
    return f"{Path(place).name.split('.')[0]}-{hashlib.sha256(chr(0).join(files).encode()).hexdigest()[:8]}"


def called(source: str) -> str:
    """What people call a source: its name, or its file's."""
    return Path(parts_of(source)[0]).name


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
    if parts_of(source)[0] != "embedded":
        return names, {label: () for label in names}
    diseases = load_diseases().loc[list(names)]
    return diseases["name_es"].to_dict(), {
        label: (row.name_en, *row.aliases) for label, row in diseases.iterrows()
    }


def read_source(source: str) -> tuple[pd.DataFrame, str]:
    """The rows of `source` before any cleaning, and where they come from (file, or Hub id and commit)."""
    place, asked = parts_of(source)
    if place == "embedded":
        return read_file(ROOT / "data" / "symptoms.csv"), "data/symptoms.csv"
    if place == "mayo":
        return _from_hub(place, **MAYO)
    if place == "medquad":
        table, where = _from_hub(place, **MEDQUAD)
        return symptom_answers(table, where), where
    return read_file(Path(place), asked.get("text"), asked.get("label")), place


STATEMENTS = ROOT / "data" / "patients.csv"  # those of the embedded corpus


def load_statements(source: str, labels: Iterable[str]) -> pd.DataFrame | None:
    """What patients say: cleaned statements of a source's labels, or None where it brings none.

    Columns `text`, `label`, `side` ("valid" or "test"), `hand` (who wrote it; "" where the file does not
    say), object dtype str, index 0..n-1. InputError names the file and the rows at fault: no text, another
    side, a label of which there is no page.
    """
    place, asked = parts_of(source)
    if place != "embedded" and "statements" not in asked:
        return None
    path = Path(asked.get("statements", STATEMENTS))
    raw = read_file(path, more=("side", "hand"))
    if "side" not in raw.columns:
        raise InputError(f"{path}: no column `side`; it says what a statement is for, `valid` or `test`")
    table = clean_table(raw[list(COLUMNS)], str(path))
    sides, known = raw["side"].str.strip().str.lower(), set(labels)
    wrong = [
        (row + 1, f"`side` is {side!r}, not valid or test" if side not in ("valid", "test") else
         f"no page has the label {label!r}")
        for row, (side, label) in enumerate(zip(sides, table["label"], strict=True))
        if side not in ("valid", "test") or label not in known
    ]  # fmt: skip
    if wrong:
        raise InputError(f"{path}: {len(wrong)} row(s) cannot be used; mend or remove them", wrong)
    hands = raw["hand"].str.strip() if "hand" in raw.columns else ""
    return table.assign(side=sides.to_numpy(object), hand=hands).astype(object)


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
