"""Pages cut into what is trained on: single sentences (fragments), and neighbouring ones (passages)."""

import hashlib
import re
from collections.abc import Callable
from itertools import accumulate

import numpy as np
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
    """Sentences joined, in order, until each fragment has `min_words` words.

    A short rest joins the fragment before it.
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
    """One row a fragment: `id`, `page`, `label`, `text`.

    Ids come from the content, so the order of rows does not matter.
    """
    return _rows(table, lambda text, page: split_fragments(text, min_words))


def page_id(label: str, text: str) -> str:
    """12 hexadecimal digits that identify a page by its content."""
    return hashlib.sha256(f"{label}\x00{text}".encode()).hexdigest()[:12]


def split_words(text: str) -> list[str]:
    """The lower-case words of a text, in order; hyphens and apostrophes inside a word belong to it."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())


PASSAGE_WORDS = 35  # words that a fixed passage comes closest to: about as long as what a patient says
CUT_WORDS = (12, 50)  # the least and the most words of a passage that is cut anew


def split_passages(text: str) -> list[str]:
    """The fixed passages of a page: neighbouring sentences, each in exactly one, in order.

    Of all ways to cut between sentences, the one whose passages are closest to PASSAGE_WORDS words (least sum
    of squared differences; of equals the one whose first passage is shortest).
    """
    sentences = split_sentences(text)
    starts = _starts(sentences)
    best: list[tuple[float, int]] = [(0.0, 0)] * len(starts)  # the cost from a sentence on, and the next cut
    for first in reversed(range(len(sentences))):
        best[first] = min(
            ((starts[end] - starts[first] - PASSAGE_WORDS) ** 2 + best[end][0], end)
            for end in range(first + 1, len(starts))
        )
    return _joined(sentences, lambda first: best[first][1])


def recut(rows: pd.DataFrame, seed: int, epoch: int) -> pd.DataFrame:
    """The sentences of given passages cut anew: rows as of `make_passages`, the same for a seed and an epoch.

    Passages that stood side by side on a page are cut as one text (see `join_anew`); where one between them
    is missing, each side by itself. How a page is cut depends on its content, not on its row. rows: columns
    `id` (of `make_passages`), `page`, `label`, `text`.
    """
    made = []
    for page, own in rows.sort_values("id").groupby("page", sort=True):
        number = own["id"].str.rpartition("-")[2].astype(int).to_numpy()
        for run, part in own.groupby(np.cumsum(np.diff(number, prepend=number[0]) != 1)):
            rng = np.random.default_rng([seed, epoch, int(page, 16), int(run)])
            sentences = [sentence for text in part["text"] for sentence in split_sentences(text)]
            pieces = enumerate(join_anew(sentences, rng))
            made += [(f"{page}-{run:03d}-{n:03d}", page, part["label"].iloc[0], piece) for n, piece in pieces]
    return pd.DataFrame(made, columns=["id", "page", "label", "text"], dtype=object)


def join_anew(sentences: list[str], rng: np.random.Generator) -> list[str]:
    """One of the ways to join sentences, in order, into passages within CUT_WORDS, each as likely.

    Where there is none (a longer sentence, a shorter page), longer single sentences and short rests are
    allowed.
    """
    starts = _starts(sentences)
    least, most = CUT_WORDS
    for shortest in (least, 0):
        ends = [
            [
                end
                for end in range(first + 1, len(starts))
                if shortest <= starts[end] - starts[first] <= most or (not shortest and end == first + 1)
            ]
            for first in range(len(sentences))
        ]
        ways = _ways(ends, 1.0)
        if ways[0]:
            break
    if not np.isfinite(ways[0]):  # more than a float holds: a page of some thousand sentences
        ways = _ways(ends, 1)

    def draw(first: int) -> int:
        chances = np.array([ways[end] for end in ends[first]])
        return int(rng.choice(ends[first], p=(chances / chances.sum()).astype(float)))

    return _joined(sentences, draw)


def _ways(ends: list[list[int]], one: float) -> list[float]:
    """How many ways there are from each sentence on, its passage ending before one of its `ends`.

    one: 1.0, or 1 to count without a limit.
    """
    ways = [one] * (len(ends) + 1)
    for first in reversed(range(len(ends))):
        ways[first] = sum(ways[end] for end in ends[first])
    return ways


def make_passages(table: pd.DataFrame) -> pd.DataFrame:
    """One row a fixed passage: `id`, `page`, `label`, `text` (see `split_passages`).

    Ids come from the content, so the order of rows does not matter. table: columns `text`, `label`.
    """
    return _rows(table, lambda text, page: split_passages(text))


def units(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """What a protocol makes of pages: passages ("patients"), fragments, or the rows as they are ("row")."""
    return {"patients": make_passages, "fragment": make_fragments}.get(protocol, lambda rows: rows)(table)


def _starts(sentences: list[str]) -> list[int]:
    """At which word of a page each of its sentences begins, and how many words it has."""
    return [0, *accumulate(len(sentence.split()) for sentence in sentences)]


def _joined(sentences: list[str], next_cut: Callable[[int], int]) -> list[str]:
    """Sentences joined from each cut to the next."""
    passages, first = [], 0
    while first < len(sentences):
        end = next_cut(first)
        passages.append(" ".join(sentences[first:end]))
        first = end
    return passages


def _rows(table: pd.DataFrame, pieces_of: Callable[[str, str], list[str]]) -> pd.DataFrame:
    """One row a piece of a page: `id`, `page`, `label`, `text`, object dtype str.

    pieces_of: a page's text and id -> its pieces in order.
    """
    rows = []
    for text, label in zip(table["text"], table["label"], strict=True):
        page = page_id(label, text)
        for number, piece in enumerate(pieces_of(text, page)):
            rows.append((f"{page}-{number:03d}", page, label, piece))
    made = pd.DataFrame(rows, columns=["id", "page", "label", "text"], dtype=object)
    return made.drop_duplicates("id").reset_index(drop=True)
