"""Label leakage: what texts give away of their labels by names, by the mask, or to who matches names."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from . import masking
from .passages import split_words


def naming_share(table: pd.DataFrame, aliases: dict[str, Iterable[str]]) -> float:
    """Share of texts that contain a name of their own label, by the rule that also masks.

    After masking it must be 0.
    """
    patterns = {
        label: masking.name_pattern({*masking.label_names(label), *aliases.get(label, ())})
        for label in set(table["label"])
    }
    return float(
        np.mean([bool(patterns[la].search(t)) for t, la in zip(table["text"], table["label"], strict=True)])
    )


def named(label: str, aliases: dict[str, Iterable[str]]) -> bool:
    """Whether anything of a label can be masked."""
    return any(map(masking.can_be_masked, {*masking.label_names(label), *aliases[label]}))


def mask_alone(split: pd.DataFrame) -> dict:
    """What the mask tells of the label by itself: `accuracy` on test rows of a rule that sees nothing else.

    The rule knows how many masks a text has (3 are many) and in which third the first stands, and answers the
    label that was most frequent there in training; `guess` is the most frequent label of all. `shares`: of
    each label's rows, those with a mask.
    """
    mask, texts = masking.MASK, split["text"].reset_index(drop=True)
    places = texts.map(lambda text: 3 * text.find(mask) // len(text) if mask in text else -1)
    seen = texts.map(lambda text: min(text.count(mask), 3)).astype(str) + " " + places.astype(str)
    train, test = (np.flatnonzero(split["side"] == side) for side in ("train", "test"))
    labels = split["label"].reset_index(drop=True)
    usual = labels[train].mode()[0]
    answer = labels[train].groupby(seen[train]).agg(lambda found: found.mode()[0])
    told = seen[test].map(answer).fillna(usual)
    shares = places.ge(0).groupby(labels).mean()
    return {
        "accuracy": float((told == labels[test]).mean()),
        "guess": float((labels[test] == usual).mean()),
        "shares": shares.sort_values(ascending=False).to_dict(),
    }


def name_matches(table: pd.DataFrame, aliases: dict[str, Iterable[str]]) -> np.ndarray:
    """Whether a rule that has read no page and goes by names alone gets each text right: (n,) bool.

    The rule takes the label whose names share most pieces with the text. Pieces are 4 and 5 letters long
    (words like `and` left out); cosine similarity of their TF-IDF weights; a text that shares none counts as
    wrong. The rule knows nothing of masking, so what it gets right after masking is what the mask leaves of
    the names.
    """
    labels = sorted(set(table["label"]))
    names = [
        " ".join(
            sorted({label.replace("-", " "), *masking.label_names(label), *aliases.get(label, ())})
        ).lower()
        for label in labels
    ]
    names = [
        " ".join(word for word in split_words(name) if word not in ENGLISH_STOP_WORDS) or name
        for name in names
    ]
    if max(map(len, names)) < 2:  # no piece is four letters long, the spaces around a word counted
        return np.zeros(len(table), dtype=bool)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 5), sublinear_tf=True)
    of_names = vectorizer.fit_transform(names)
    texts = table["text"].str.replace(masking.MASK, " ", regex=False).tolist()
    truth = np.searchsorted(labels, table["label"].to_numpy(str))
    right = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), 2000):
        rows = slice(start, start + 2000)
        scores = (vectorizer.transform(texts[rows]) @ of_names.T).tocsr()
        best, found = np.asarray(scores.argmax(axis=1)).ravel(), scores.max(axis=1).toarray().ravel() > 0
        right[rows] = found & (best == truth[rows])
    return right
