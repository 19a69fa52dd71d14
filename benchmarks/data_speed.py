"""How long the data side takes: near-duplicates beside the naive way, and the audit of a large table.

    python benchmarks/data_speed.py [--pages 2000]

Prints a table; every pair of rows is measured in this one run, so compare within it.
"""

import argparse
import platform
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from helpers.data import audit, duplicates
from helpers.models.bases import count_tokens


def made_up_pages(n: int) -> pd.DataFrame:
    """`n` pages of 18 sentences, word frequencies by Zipf's law; every tenth repeats most of another page."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 20_001)
    words = np.array([f"w{i}" for i in range(20_000)])

    def sentence() -> str:
        return "S" + " ".join(rng.choice(words, 14, p=weights / weights.sum())) + "."

    pages = [[sentence() for _ in range(18)] for _ in range(n)]
    for i in range(10, n, 10):
        pages[i][:16] = pages[i - 5][:16]
    return pd.DataFrame(
        {"text": [" ".join(page) for page in pages], "label": [f"disease-{i:05d}" for i in range(n)]}
    )


def made_up_rows(n: int) -> pd.Series:
    """`n` short texts from one template with three of 400 words in it.

    Tables with many rows per label hold such texts.
    """
    rng = np.random.default_rng(1)
    return pd.Series(
        [
            "I have been experiencing w{}, w{} and w{} lately".format(*row)
            for row in rng.integers(0, 400, (n, 3))
        ]
    )


def all_pairs(texts: pd.Series) -> np.ndarray:
    """(n,) bool near-duplicates, found by comparing every pair that shares a 3-gram.

    By the product of the whole 3-gram matrix with itself.
    """

    def shingles(text: str) -> list[str]:
        words = text.lower().split()
        return words if len(words) < 3 else [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]

    matrix = CountVectorizer(analyzer=shingles, binary=True, dtype=np.int32).fit_transform(texts)
    shared, size = (matrix @ matrix.T).tocoo(), np.asarray(matrix.sum(axis=1)).ravel()
    jaccard = shared.data / (size[shared.row] + size[shared.col] - shared.data)
    found = np.zeros(len(texts), dtype=bool)
    found[shared.row[(shared.row != shared.col) & (jaccard >= duplicates.NEAR_DUPLICATE)]] = True
    return found


def timed(function, *arguments):
    """(result, seconds) of one call."""
    began = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=2000)
    n = parser.parse_args().pages
    pages, rows = made_up_pages(n), []
    fragments = pd.Series([text for page in pages["text"] for text in page.split(". ")])
    for name, texts in (("fragments", fragments), ("rows from one template", made_up_rows(3 * n))):
        ours, seconds = timed(duplicates.near_duplicates, texts)
        naive, naive_seconds = timed(all_pairs, texts)
        assert (ours == naive).all(), "the two ways disagree"
        rows += [(f"near-duplicates, {len(texts):,} {name}", "rarest 3-grams first", seconds)]
        rows += [("", "all pairs that share a 3-gram", naive_seconds)]

    def count(texts: list[str]) -> list[int]:
        return count_tokens("models/gpt2-mini", texts)

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "pages.csv"
        pages.to_csv(file, index=False)
        rows += [(f"audit, {n:,} pages", "`helpers audit`", timed(audit.audit, str(file), count)[1])]
    table = pd.DataFrame(rows, columns=["what", "how", "seconds"]).round(2)
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    print(table.to_string(index=False))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
