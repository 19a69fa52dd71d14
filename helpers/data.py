"""Symptom tables from four sources behind one schema: `text` (str), `label` (str, a slug)."""

import html
import re
from pathlib import Path

import pandas as pd

from .config import ROOT, InputError

# Facts of the first attempt: the data set it used, at the revision it saw.
MAYO = {"path": "celikmus/mayo_clinic_symptoms_and_diseases_v1", "revision": "d4d7dcdd080358c03e77c026c1acada1c9bb4998"}
MEDQUAD = {"path": "lavita/MedQuAD", "revision": "main"}
NAMED_SOURCES = ("embedded", "mayo", "medquad")
COLUMNS = ("text", "label")

# Buttons and captions of scraped pages: unmistakable ones wherever they stand, the others only as a line of their own.
FURNITURE = re.compile(
    r"(?:open|close) pop-?up dialog box|enlarge image|skip to main content"
    r"|^\s*(?:show (?:more|less)|advertisement|request an appointment|back to top|print this page|©.*)\s*$",
    re.IGNORECASE,
)


def clean_text(text: str) -> str:
    """The text without residue of scraping: one list item or paragraph a line, single spaces, no page furniture.

    Bullets (`-`, `*`, `•` at a line's start or after two spaces) become line breaks; HTML entities and tags, control
    characters and lines that are only furniture (buttons, "Enlarge image") go. Pure: the same text, the same result.
    """
    text = html.unescape(str(text))
    text = re.sub(r"</?[A-Za-z][^<>]{0,200}>", " ", text)
    text = re.sub(r"(?:^|\s{2,}|[\r\n\t]\s*)[-*•·]\s+", "\n", text)
    lines = []
    for line in re.split(r"[\r\n]+", text):
        line = FURNITURE.sub(" ", line)
        line = re.sub(r"[\s\u00a0\u200b\ufeff\x00-\x1f]+", " ", line).strip()
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
    if source == "embedded":
        raw, where = _read_file(ROOT / "data" / "symptoms.csv"), "data/symptoms.csv"
    elif source == "mayo":
        raw, where = _from_hub(source, MAYO)[list(COLUMNS)], MAYO["path"]
    elif source == "medquad":
        raw, where = _medquad(_from_hub(source, MEDQUAD)), MEDQUAD["path"]
    else:
        raw, where = _read_file(Path(source)), str(source)
    return _validate(raw, where)


def load_diseases() -> pd.DataFrame:
    """What is known about the embedded labels, indexed by `label`: name_en, name_es, icd10_chapter, group, aliases (tuple)."""
    table = pd.read_csv(ROOT / "data" / "diseases.csv", dtype=str, keep_default_na=False).set_index("label")
    table["aliases"] = [tuple(filter(None, names.split("|"))) for names in table["aliases"]]
    return table


def _read_file(path: Path) -> pd.DataFrame:
    readers = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".jsonl": lambda p: pd.read_json(p, lines=True, dtype=False),
    }
    if path.suffix.lower() not in readers:
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
        if path.suffix.lower() == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
            if not isinstance(table.index, pd.RangeIndex):  # pandas took surplus fields for an index
                raise ValueError("rows have more fields than the header; quote texts that hold commas")
            return table
        return readers[path.suffix.lower()](path)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8") from error
    except Exception as error:  # the readers raise many kinds; the user needs the file and the reason
        raise InputError(
            f"{path}: cannot be read as {path.suffix[1:]} ({type(error).__name__}: {' '.join(str(error).split())[:150]})"
        ) from error


def _from_hub(source: str, where: dict) -> pd.DataFrame:
    import logging

    import datasets

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would bury the one line that helps
    try:
        return datasets.load_dataset(where["path"], revision=where["revision"], split="train").to_pandas()
    except (
        Exception
    ) as error:  # offline, timeout and missing-revision errors differ by library version; the way out does not
        raise InputError(
            f"--data {source}: {where['path']} (revision {where['revision']}) cannot be loaded from the Hugging Face Hub "
            f"({type(error).__name__}); run once with network so that it is cached, or use --data embedded"
        ) from error


def _medquad(table: pd.DataFrame) -> pd.DataFrame:
    """Answers to symptom questions; where a disease has several, the longest stays (one page per disease, as in Mayo's)."""
    kept = table[(table["question_type"] == "symptoms") & table["answer"].fillna("").str.strip().ne("")].copy()
    kept["label"] = [slug(name) for name in kept["question_focus"]]
    kept["text"] = kept["answer"]
    kept = kept.assign(size=kept["text"].str.len()).sort_values(["label", "size"], kind="stable")
    return kept.drop_duplicates("label", keep="last")[list(COLUMNS)].reset_index(drop=True)


def _validate(raw: pd.DataFrame, where: str) -> pd.DataFrame:
    """The cleaned table, or one InputError with the rows that are at fault (rows count from 1, without the header)."""
    if missing := [column for column in COLUMNS if column not in raw.columns]:
        raise InputError(
            f"{where}: no column `{missing[0]}` (found: {', '.join(map(str, raw.columns))}); needed: `text`, `label`"
        )
    if len(raw) < 2:
        raise InputError(f"{where}: {len(raw)} row(s); at least two diseases are needed to tell them apart")
    table = pd.DataFrame({c: raw[c].fillna("").astype(str).to_numpy(dtype=object) for c in COLUMNS})
    table["text"] = [clean_text(text) for text in table["text"]]
    table["label"] = [label.strip() for label in table["label"]]
    for column in COLUMNS:
        rows = (table.index[table[column] == ""] + 1).tolist()
        if rows:
            shown = ", ".join(map(str, rows[:5])) + (" …" if len(rows) > 5 else "")
            raise InputError(f"{where}: empty `{column}` in {len(rows)} row(s): {shown}; fill or remove them")
    if table["label"].nunique() < 2:
        raise InputError(f"{where}: only one label ({table['label'][0]!r}); at least two diseases are needed")
    return table.astype(object)
