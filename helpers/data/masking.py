"""Disease names masked in texts: without this the task would be string matching."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

MASK = "[condition]"
# Labels that are such words cannot be masked: they say nothing of a disease, and stand everywhere.
PLAIN_WORDS = ENGLISH_STOP_WORDS | {"yes", "true", "false", "other", "unknown"}


def name_pattern(names: Iterable[str]) -> re.Pattern:
    """A pattern that matches each name however it is written.

    With hyphen, underscore, comma or space, with an apostrophe or none, in the plural, with adjective
    endings. A name of one word also matches by its stem (`asthma`: asthmatic, `psoriasis`: psoriatic; of four
    letters or fewer only with an ending of its own, `gout`: gouty); abbreviations of up to five capitals
    match only in capitals.
    """
    return _pattern(
        tuple(sorted({name.strip() for name in names if name.strip()}, key=lambda n: (-len(n), n)))
    )


@lru_cache(maxsize=2**16)
def _pattern(names: tuple[str, ...]) -> re.Pattern:
    alternatives = []
    for name in names:
        if re.fullmatch(r"[A-Z][A-Z0-9-]{0,4}s?", name):
            alternatives.append(rf"(?-i:\b{re.escape(name)}s?\b)")
            continue
        words = [re.sub(r"['’]", "", word) for word in re.findall(r"(?:[^\W_]|['’])+", name.lower())]
        if len(words) == 1 and len(words[0]) >= 5:
            stem = re.sub(r"(sis|is|es|us|um|ia|a|s|y|e)$", "", words[0])
            alternatives.append(rf"\b{re.escape(stem if len(stem) >= 4 else words[0])}\w*")
        elif words:
            spelled = [
                re.escape(w[:-1]) + r"['’]?s" if w.endswith("s") else re.escape(w) + r"(?:['’]s)?"
                for w in words
            ]
            ending = "(?:es|s)?" if len(words) > 1 else "(?:es|s|y|ic|al)?"
            alternatives.append(r"\b" + r"[\s,_-]+".join(spelled) + ending + r"\b")
    return re.compile("|".join(alternatives) or r"(?!)", re.IGNORECASE)


def label_names(label: str) -> set[str]:
    """The names that a slug spells, of those that can be masked (see `can_be_masked`).

    `alzheimer-s-disease` is alzheimers disease, with underscores too; a last part that is the acronym of the
    rest may go.
    """
    words = re.sub(r"-s(?=-|$)", "s", label.replace("_", "-")).split("-")
    names = {" ".join(words)}
    if len(words) > 2 and words[-1] == "".join(word[:1] for word in words[:-1]):
        names |= {" ".join(words[:-1]), words[-1].upper()}
    return set(filter(can_be_masked, names))


def can_be_masked(name: str) -> bool:
    """Whether a name is more than a letter, digits or a function word."""
    word = re.sub(r"[\W\d_]+", "", name)
    return len(word) > 1 and name.strip().lower() not in PLAIN_WORDS


def mask_names(text: str, names: Iterable[str]) -> str:
    """The text with every occurrence of the names replaced by MASK.

    An abbreviation in brackets beside a name is replaced too: `rheumatoid arthritis (RA)` and `RA (rheumatoid
    arthritis)` both make RA a name of the page.
    """
    pattern = name_pattern(names)
    abbreviation = r"([A-Z][A-Za-z-]{1,9})"
    beside = re.compile(
        rf"(?:{pattern.pattern})\s*\((?-i:{abbreviation})\)|\b(?-i:{abbreviation})\s*\((?:{pattern.pattern})\)",
        re.IGNORECASE,
    )
    found = {match.group(1) or match.group(2) for match in beside.finditer(text)}
    text = pattern.sub(MASK, text)
    for name in found:
        if sum(map(str.isupper, name)) >= 2:
            text = re.sub(rf"\b{re.escape(name)}s?\b", MASK, text)
    return re.sub(rf"{re.escape(MASK)}\s*\({re.escape(MASK)}\)", MASK, text)


def telltale_words(table: pd.DataFrame) -> dict[str, set[str]]:
    """For each label, the words of its slug that no other label's page uses: they give it away alone.

    Only words of 5 letters or more count. `rheumatoid` is one, `attack` is none: other pages use it. Of
    `Crohn's` both `crohn` and `crohns` may be.
    table: columns `text`, `label`.
    """
    users: dict[str, set[str]] = {}
    for text, label in zip(table["text"], table["label"], strict=True):
        for word in set(re.findall(r"[a-z]+", text.lower())):
            users.setdefault(word, set()).add(label)
    words = {}
    for label in set(table["label"]):
        spelled = label.lower() + " " + re.sub(r"['’]", "", label.lower())
        words[label] = {word for word in re.findall(r"[a-z]+", spelled) if len(word) >= 5}
    return {label: {w for w in own if not users.get(w, set()) - {label}} for label, own in words.items()}


@dataclass(frozen=True)
class Mask:
    """What is masked in every text, whichever its label: so where a mask stands tells no label.

    names: of all labels, in every spelling (see `name_pattern`); words: as they are, with an apostrophe or
    none (see `telltale_words`).
    """

    names: frozenset[str]
    words: frozenset[str]

    def on(self, texts: Iterable[str]) -> list[str]:
        """The texts with every name and word replaced by MASK.

        Of each text only those names are tried whose first word begins like a word of the text, in up to four
        letters.
        """
        beginning: dict[str, list[str]] = {}
        for name in sorted(self.names):
            for first in _words_of(name)[:1]:
                beginning.setdefault(first[:4], []).append(name)
        masked = []
        for text in texts:
            words = set(_words_of(text))
            begins = {word[:size] for word in words for size in range(1, 5)}
            possible = [name for begin in sorted(begins) for name in beginning.get(begin, ())]
            found = [name for name in possible if name_pattern([name]).search(text)]
            text = mask_names(text, found) if found else text
            if told := sorted(self.words & words, reverse=True):  # `crohns` before `crohn`
                spelled = "|".join(re.sub("s$", "['’]?s", word) for word in told)
                text = re.sub(rf"\b(?:{spelled})\b", MASK, text, flags=re.IGNORECASE)
            masked.append(text)
        return masked


def _words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"['’]", "", text.lower()))


def mask_of(table: pd.DataFrame, aliases: dict[str, Iterable[str]] | None = None) -> Mask:
    """The mask of a table (columns `text`, `label`): its labels, their aliases and telltale words."""
    telltale, aliases = telltale_words(table), aliases or {}
    names = {name for label in telltale for name in (*label_names(label), *aliases.get(label, ()))}
    words = set().union(*telltale.values()) - PLAIN_WORDS
    return Mask(frozenset(filter(can_be_masked, names)), frozenset(words))


def mask_all(
    pages: pd.DataFrame, aliases: dict | None = None, *more: pd.DataFrame | None
) -> list[pd.DataFrame | None]:
    """Pages, and more tables of their labels, with the names of all labels masked."""
    mask = mask_of(pages, aliases)
    return [
        None
        if table is None
        else table.assign(text=pd.Series(mask.on(table["text"]), table.index, dtype=object))
        for table in (pages, *more)
    ]


def mask_table(table: pd.DataFrame, aliases: dict[str, Iterable[str]] | None = None) -> pd.DataFrame:
    """The table with the names of all its labels masked in all its texts (see `Mask`)."""
    return mask_all(table, aliases)[0]


def names_itself(text: str, label: str, aliases: Iterable[str] = ()) -> bool:
    """Whether the text contains its own label's name or an alias.

    In any of the spellings that `name_pattern` knows.
    """
    return bool(name_pattern({*label_names(label), *aliases}).search(text))
