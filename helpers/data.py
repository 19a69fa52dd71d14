"""Symptom tables from four sources behind one schema: `text` (str), `label` (str, a slug)."""

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from .config import ROOT, InputError

# Facts of the first attempt: the data set it used, at the revision it saw.
MAYO = {"path": "celikmus/mayo_clinic_symptoms_and_diseases_v1", "revision": "d4d7dcdd080358c03e77c026c1acada1c9bb4998"}
MEDQUAD = {"path": "lavita/MedQuAD", "revision": "main"}  # no commit is known to pin; the audit prints the one it got
NAMED_SOURCES = ("embedded", "mayo", "medquad")
COLUMNS = ("text", "label")

# Buttons and captions of scraped pages: unmistakable ones wherever they stand, the others only as a line of their own.
FURNITURE = re.compile(
    r"(?:open|close) pop-?up dialog box|enlarge image|skip to main content|there is a problem with information submitted"
    r"|^\s*(?:show (?:more|less)|advertis(?:ement|ing policy)|request an appointment|back to top|print(?: this page)?|share"
    r"|subscribe|sign up|learn more|read more|products & services|more information|references|close|©.*)\s*$",
    re.IGNORECASE,
)

BULLET = re.compile(r"(?:^|\s{2,}|[\r\n\t]\s*)[-*•·]\s+")  # at a line's start or after two spaces
TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")

_FILLED = pa.Check(lambda column: column != "", error="is empty")
SCHEMA = pa.DataFrameSchema({"text": pa.Column(object, _FILLED), "label": pa.Column(object, _FILLED)}, strict=True)


def clean_text(text: str) -> str:
    """The text without residue of scraping: one list item or paragraph a line, single spaces, no page furniture.

    Bullets (`-`, `*`, `•`, `·` at a line's start or after two spaces) become line breaks; HTML entities and tags, control
    characters and lines that are only furniture (buttons, "Enlarge image") go; Unicode is composed (NFC). Pure, and
    idempotent: cleaning a cleaned text changes nothing.
    """
    text = str(text)
    while (cleaned := _clean_once(text)) != text:
        text = cleaned
    return text


def _clean_once(text: str) -> str:
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = BULLET.sub("\n", TAG.sub(" ", text))
    lines = []
    for line in re.split(r"[\r\n\x0b\x0c\x85\u2028\u2029]+", text):
        line = FURNITURE.sub(" ", line)
        line = re.sub(r"[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\x7f-\x9f]+", " ", line).strip()
        if re.search(r"\w", line):
            lines.append(line)
    return "\n".join(lines)


def slug(name: str) -> str:
    """A label in the form of the Mayo set: lower case, words joined by hyphens, apostrophes dropped (`crohns-disease`)."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"['’]", "", str(name).lower())).strip("-")


def load_table(source: str) -> pd.DataFrame:
    """Cleaned pages of `source`: columns `text`, `label` (object dtype str), in the source's order, index 0..n-1.

    source: "embedded", "mayo", "medquad", or the path of a CSV, JSONL or Parquet file with the two columns.
    Raises InputError, naming the file and rows, when the source is missing or cannot be used.
    """
    raw, where = read_source(source)
    return clean_table(raw, where)


def load_diseases() -> pd.DataFrame:
    """What is known about the embedded labels, indexed by `label`: name_en, name_es, icd10_chapter, group, aliases (tuple)."""
    table = pd.read_csv(ROOT / "data" / "diseases.csv", dtype=str, keep_default_na=False).set_index("label")
    table["aliases"] = [tuple(filter(None, names.split("|"))) for names in table["aliases"]]
    return table


def label_names_of(source: str, labels: Iterable[str]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """For each label of a source: the name to show (Spanish for `embedded`, else the slug's words), and its other names."""
    names = {label: label.replace("-", " ") for label in labels}
    if source != "embedded":
        return names, {label: () for label in names}
    diseases = load_diseases().loc[list(names)]
    return diseases["name_es"].to_dict(), {label: (row.name_en, *row.aliases) for label, row in diseases.iterrows()}


def read_source(source: str) -> tuple[pd.DataFrame, str]:
    """The rows of `source` as they are, before any cleaning, and where they come from (file, or Hub id and commit)."""
    if source == "embedded":
        return _read_file(ROOT / "data" / "symptoms.csv"), "data/symptoms.csv"
    if source == "mayo":
        return _from_hub(source, **MAYO)
    if source == "medquad":
        table, where = _from_hub(source, **MEDQUAD)
        return symptom_answers(table, where), where
    return _read_file(Path(source)), str(source)


def clean_table(raw: pd.DataFrame, where: str) -> pd.DataFrame:
    """The cleaned table, every row of `raw` in its place, or one InputError that lists all rows at fault with the reason."""
    if missing := [column for column in COLUMNS if column not in raw.columns]:
        raise InputError(
            f"{where}: no column `{missing[0]}` (found: {', '.join(map(str, raw.columns))}); needed: `text`, `label`"
        )
    if len(raw) < 2:
        raise InputError(f"{where}: {len(raw)} row(s); at least two diseases are needed to tell them apart")
    given = pd.DataFrame({c: raw[c].fillna("").astype(str).str.strip().to_numpy(object) for c in COLUMNS}, dtype=object)
    table = given.assign(text=pd.Series([clean_text(text) for text in given["text"]], dtype=object))
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        faults = error.failure_cases.sort_values(["index", "column"], kind="stable")
        rows = [
            (int(fault.index) + 1, _reason(fault.column, given["text"][fault.index]))
            for fault in faults.itertuples(index=False)
        ]
        raise InputError(f"{where}: {len(rows)} fault(s); fill or remove these rows", rows) from error
    if table["label"].nunique() < 2:
        raise InputError(f"{where}: only one label ({table['label'][0]!r}); at least two diseases are needed")
    return table


def _reason(column: str, given: str) -> str:
    if column == "text" and given:
        return f"`text` is empty after cleaning: nothing but page furniture in {given[:40]!r}"
    return f"`{column}` is empty"


def _read_file(path: Path) -> pd.DataFrame:
    readers = {".csv": _read_csv, ".parquet": pd.read_parquet, ".jsonl": _read_jsonl}
    kind = path.suffix.lower()
    if kind not in readers:
        raise InputError(
            f"--data {path}: neither one of {', '.join(NAMED_SOURCES)} nor the path of a .csv, .jsonl or .parquet file"
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
        raise InputError(f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8") from error
    except Exception as error:  # the readers raise many kinds; the user needs the file and the reason
        raise InputError(
            f"{path}: cannot be read as {kind[1:]} ({type(error).__name__}: {' '.join(str(error).split())[:150]})"
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
    """The `train` split of a Hub data set and `path@commit`. Never another commit than a pinned one, cached or not."""
    import logging

    import datasets

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would bury the one line that helps
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
            f"--data {source}: {path} is cached at commit {commit} only, and revision {revision} cannot be had; {ways_out}"
        )
    return loaded.to_pandas(), f"{path}@{commit}"


def symptom_answers(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """MedQuAD's answers to symptom questions as `text`, `label`; of several for a disease the longest (one page each, as in Mayo's).

    table: columns `question_focus`, `question_type`, `answer`. Answers withheld for copyright (empty) are left out.
    """
    if missing := {"question_focus", "question_type", "answer"} - set(table.columns):
        raise InputError(f"{where}: no column {', '.join(sorted(missing))}; this is not MedQuAD's layout")
    kept = table[(table["question_type"] == "symptoms") & table["answer"].fillna("").str.strip().ne("")]
    kept = pd.DataFrame({"text": kept["answer"], "label": [slug(name) for name in kept["question_focus"]]})
    kept = kept.assign(size=kept["text"].str.len()).sort_values(["label", "size"], kind="stable")
    return kept.drop_duplicates("label", keep="last")[list(COLUMNS)].reset_index(drop=True)
