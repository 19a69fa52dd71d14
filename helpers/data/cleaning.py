"""A table of texts and labels as it was given, made clean; every row at fault is named."""

import html
import re
import unicodedata

import pandas as pd
import pandera.pandas as pa

from ..config import InputError

COLUMNS = ("text", "label")
# Buttons and captions of scraped pages: unmistakable ones wherever they stand, the others only as a line of
# their own.
FURNITURE = re.compile(
    r"(?:open|close) pop-?up dialog box|enlarge image|skip to main content|there is a problem with "
    r"information submitted"
    r"|^\s*(?:show (?:more|less)|advertis(?:ement|ing policy)|request an appointment|back to top|print(?: "
    r"this page)?|share"
    r"|subscribe|sign up|learn more|read more|products & services|more information|references|close|©.*)\s*$",
    re.IGNORECASE,
)
BULLET = re.compile(r"(?:^|\s{2,}|[\r\n\t]\s*)[-*•·]\s+")  # at a line's start or after two spaces
TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_FILLED = pa.Check(lambda column: column != "", error="is empty")
SCHEMA = pa.DataFrameSchema(
    {"text": pa.Column(object, _FILLED), "label": pa.Column(object, _FILLED)}, strict=True
)


def clean_text(text: str) -> str:
    """The text without residue of scraping: one list item or paragraph a line, single spaces.

    Bullets (`-`, `*`, `•`, `·` at a line's start or after two spaces) become line breaks; HTML entities
    and tags, control characters and lines that are only page furniture (buttons, "Enlarge image") go; Unicode
    is composed (NFC). Pure, and idempotent: cleaning a cleaned text changes nothing.
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


def label_slug(name: str) -> str:
    """A label in Mayo's form: lower case, words joined by hyphens, no apostrophes (`crohns-disease`)."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"['’]", "", str(name).lower())).strip("-")


def clean_table(raw: pd.DataFrame, where: str) -> pd.DataFrame:
    """The cleaned table, every row of `raw` in its place.

    Or one InputError that lists all rows at fault with the reason.
    """
    if missing := [column for column in COLUMNS if column not in raw.columns]:
        raise InputError(
            f"{where}: no column `{missing[0]}` (found: {', '.join(map(str, raw.columns))}); needed: `text`, "
            "`label`"
        )
    if len(raw) < 2:
        raise InputError(f"{where}: {len(raw)} row(s); at least two diseases are needed to tell them apart")
    given = pd.DataFrame(
        {c: raw[c].fillna("").astype(str).str.strip().to_numpy(object) for c in COLUMNS}, dtype=object
    )
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
