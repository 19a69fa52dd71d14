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
    r"|^(?:show (?:more|less)|advertis(?:ement|ing policy)|request an appointment|back to top|print(?: "
    r"this page)?|share"
    r"|subscribe|sign up|learn more|read more|products & services|more information|references|close|©.*)$",
    re.IGNORECASE,
)
# At a line's start or after two spaces; what is before it is only looked at, or long white space would cost
# its square.
BULLET = re.compile(r"(?:^|(?<=\s\s)|(?<=[\r\n\t]))[-*•·]\s+")
# Elements of HTML (its living standard, and what pages of the nineties have): `<normal range and >120` is no
# tag.
ELEMENTS = """
a abbr acronym address area article aside audio b base big blockquote body br button canvas caption center
cite code col colgroup data dd del details dfn dialog div dl dt em embed fieldset figcaption figure font
footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li
link main map mark menu meta nav noscript object ol optgroup option output p param picture pre progress q rp
rt ruby s samp script section select small source span strike strong style sub summary sup svg table tbody
td template textarea tfoot th thead time title tr track tt u ul var video wbr
""".split()
# A value without quotation marks goes on to the next blank (`++`): in `<b/a=b/a=b` no slash may end it.
_ATTRIBUTE = r"""[\s/]+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]++)"""
TAG = re.compile(
    rf"</?(?:{'|'.join(sorted(ELEMENTS, key=len, reverse=True))})(?:{_ATTRIBUTE})*\s?/?>", re.IGNORECASE
)
ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
BLANK = re.compile(r"[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\x7f-\x9f]+")
LONGEST_LABEL = 150  # characters; a model that answers says the whole name
_FILLED = pa.Check(lambda column: column != "", error="is empty")
_NAME = pa.Check(lambda column: column.str.len() <= LONGEST_LABEL, error="is too long")
SCHEMA = pa.DataFrameSchema(
    {"text": pa.Column(object, _FILLED), "label": pa.Column(object, [_FILLED, _NAME])}, strict=True
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
    text = unicodedata.normalize("NFC", ENTITY.sub(lambda found: html.unescape(found.group()), text))
    text = BULLET.sub("\n", TAG.sub(" ", text))
    lines = []
    for line in re.split(r"[\r\n\x0b\x0c\x85\u2028\u2029]+", text):
        line = blank_to_space(FURNITURE.sub(" ", blank_to_space(line)))
        if re.search(r"\w", line):
            lines.append(line)
    return "\n".join(lines)


def blank_to_space(text: str) -> str:
    """The text in one line: white space and control characters in runs of one space, none at its ends."""
    return BLANK.sub(" ", text).strip()


def label_slug(name: str) -> str:
    """A label in Mayo's form: lower case, words joined by hyphens, no apostrophes (`crohns-disease`).

    Letters of every script stay.
    """
    return re.sub(r"[\W_]+", "-", re.sub(r"['’]", "", str(name).lower())).strip("-")


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
    table = given.assign(
        text=pd.Series([clean_text(text) for text in given["text"]], dtype=object),
        label=pd.Series([blank_to_space(label) for label in given["label"]], dtype=object),
    )
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        faults = error.failure_cases.sort_values(["index", "column"], kind="stable")
        rows = [
            (int(fault.index) + 1, _reason(fault.column, given[fault.column][fault.index]))
            for fault in faults.itertuples(index=False)
        ]
        raise InputError(f"{where}: {len(rows)} fault(s); fill or remove these rows", rows) from error
    table.attrs["notes"] = raw.attrs.get("notes", [])
    if table["label"].nunique() < 2:
        raise InputError(f"{where}: only one label ({table['label'][0]!r}); at least two diseases are needed")
    return table


def _reason(column: str, given: str) -> str:
    if column == "text" and given:
        shown = repr(given[:40])
        if re.search(r"\w", given):
            return f"`text` is empty after cleaning: nothing but page furniture in {shown}"
        return f"`text` holds no letter and no digit: {shown}"
    if len(given) > LONGEST_LABEL:
        return f"`label` has {len(given)} characters: no name has more than {LONGEST_LABEL}"
    return f"`{column}` is empty"
