"""Has the pre-training text read what a model is tested on? Runs of words that stand in both."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..config import ROOT
from ..files import sha256, write_json
from .corpus import corpus_files, read_corpus

# words of a run; shorter ones recur by chance (Brown et al. 2020, arXiv:2005.14165, appendix C, take 13 too)
N = 13
RECORD = ROOT / "data" / "contamination.json"


def plain_words(text: str) -> list[str]:
    """The words of a text, lower case, without punctuation."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def run_hashes(ids: Iterable[int], n: int) -> np.ndarray:
    """A hash of each run of `n` ids, in order: a polynomial modulo 2**64, (len(ids) - n + 1,) uint64."""
    ids = np.asarray(ids, dtype=np.uint64)
    out = np.zeros(max(0, len(ids) - n + 1), dtype=np.uint64)
    for place in range(n):
        out = out * np.uint64(0x9E3779B97F4A7C15) + ids[place : place + len(out)] + np.uint64(1)
    return out


def shared_runs(pages: Iterable[str], documents: Iterable[str], n: int) -> list[str]:
    """Runs of `n` words that stand in a page and in a document, in alphabetical order.

    Words are in lower case, without punctuation. Each run is a polynomial of its words' numbers modulo 2**64;
    a document's runs are compared with all pages' at once, and what matches is compared again as words.
    """
    number: dict[str, int] = {}

    runs: dict[int, set[str]] = {}
    for page in pages:
        own = plain_words(page)
        for start, key in enumerate(
            run_hashes([number.setdefault(word, len(number)) for word in own], n).tolist()
        ):
            runs.setdefault(key, set()).add(" ".join(own[start : start + n]))
    if not runs:
        return []
    keys, unknown = np.array(sorted(runs), dtype=np.uint64), len(number)
    found: set[str] = set()
    for document in documents:
        own = plain_words(document)
        seen = run_hashes([number.get(word, unknown) for word in own], n)
        place = np.searchsorted(keys, seen).clip(max=len(keys) - 1)
        for start in np.flatnonzero(keys[place] == seen).tolist():
            found |= {" ".join(own[start : start + n])} & runs[int(seen[start])]
    return sorted(found)


def page_key(text: str) -> str:
    """Names a page by its text, so that a changed page is another page."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def audit(pages: pd.DataFrame, directory: Path) -> dict:
    """Compares every page (column `text`) with every document of the corpus, held-out ones too.

    Returns `n`, the `corpus` (file name to SHA-256), its number of `documents`, and `pages`: each page's key
    to the number of its runs of `n` words that the corpus holds.
    """
    documents = pd.concat([read_corpus(directory, "", validation) for validation in (False, True)])
    runs = set(shared_runs(pages["text"], documents["text"], N))
    own = {page_key(text): plain_words(text) for text in pages["text"]}
    return {
        "n": N,
        "corpus": {f.name: sha256(f) for f in corpus_files(directory)},
        "documents": len(documents),
        "pages": {
            key: len(runs & {" ".join(words[start : start + N]) for start in range(len(words) - N + 1)})
            for key, words in own.items()
        },
    }


def unaudited(pages: pd.DataFrame, record: dict) -> list[str]:
    """Labels of the pages whose text the record does not know: they were changed or added after the audit."""
    return [
        label
        for text, label in zip(pages["text"], pages["label"], strict=True)
        if page_key(text) not in record["pages"]
    ]


def describe(pages: pd.DataFrame, found: dict) -> str:
    """The audit in a few lines, the pages that share most first."""
    shares = pd.Series([found["pages"][page_key(text)] for text in pages["text"]], index=pages["label"])
    shares = shares[shares > 0].sort_values(ascending=False)
    lines = [
        f"{len(shares)} of {len(pages)} pages share a run of {found['n']} words with the "
        f"{found['documents']:,} documents"
    ]
    lines += [f"  {count:>5} runs  {label}" for label, count in shares.head(20).items()]
    if len(shares) > 20:
        lines.append(f"  … and {len(shares) - 20} pages more")
    return "\n".join(lines)


def write(found: dict) -> None:
    """Keeps the audit of the embedded corpus in the repository.

    It serves where the pre-training text is not at hand.
    """
    write_json(RECORD, found)
