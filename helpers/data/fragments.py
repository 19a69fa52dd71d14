"""Text to words, sentences and fragments."""

import hashlib
import re

import pandas as pd

# shorter sentences are joined to the next: every sentence of the embedded corpus has at least this many
MIN_WORDS = 8
ABBREVIATIONS = r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bDr\.)(?<!\bvs\.)(?<!\betc\.)(?<!\bU\.S\.)(?<!\bNo\.)"
# A mask opens a sentence too, though it begins with no capital.
SENTENCE_END = re.compile(ABBREVIATIONS + r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(]?[A-Z0-9]|\[)|\n+")


def split_sentences(text: str) -> list[str]:
    """Sentences and list items of a cleaned text, in order; joining them with spaces gives back its words."""
    pieces, start = [], 0
    for match in SENTENCE_END.finditer(text):
        # Closing quotes belong to the sentence that they close.
        closing = len(match.group()) - len(match.group().lstrip("\"')]"))
        pieces.append(text[start : match.start() + closing].strip())
        start = match.end()
    return [piece for piece in [*pieces, text[start:].strip()] if piece]


def split_fragments(text: str, min_words: int = MIN_WORDS) -> list[str]:
    """Sentences joined, in order, until each fragment has `min_words` words; a short rest joins the fragment
    before it.
    """
    fragments, current = [], []
    for sentence in split_sentences(text):
        current += sentence.split()
        if len(current) >= min_words:
            fragments.append(" ".join(current))
            current = []
    if current and fragments:
        fragments[-1] = " ".join([fragments[-1], *current])
    elif current:
        fragments.append(" ".join(current))
    return fragments


def make_fragments(table: pd.DataFrame, min_words: int = MIN_WORDS) -> pd.DataFrame:
    """One row a fragment: `id`, `page`, `label`, `text`. Ids come from the content, so the order of rows does
    not matter.
    """
    rows = []
    for text, label in zip(table["text"], table["label"], strict=True):
        page = page_id(label, text)
        for number, fragment in enumerate(split_fragments(text, min_words)):
            rows.append((f"{page}-{number:03d}", page, label, fragment))
    fragments = pd.DataFrame(rows, columns=["id", "page", "label", "text"], dtype=object)
    return fragments.drop_duplicates("id").reset_index(drop=True)


def page_id(label: str, text: str) -> str:
    """12 hexadecimal digits that identify a page by its content."""
    return hashlib.sha256(f"{label}\x00{text}".encode()).hexdigest()[:12]


def split_words(text: str) -> list[str]:
    """The lower-case words of a text, in order; hyphens and apostrophes inside a word belong to it."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())
