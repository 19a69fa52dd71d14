"""Audit of a symptom table before any training: structure, lengths, residue, duplicates, leakage, split."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from . import cleaning, fragments, sources, splits
from .fragments import split_words

# Residue of scraping, by kind: what to look for in a raw text.
RESIDUE = {
    "bullets": cleaning.BULLET.pattern,
    "furniture": cleaning.FURNITURE.pattern,
    "tags": cleaning.TAG.pattern,
    "entities": r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]+);",
    "spaces": r"\t|\u00a0|\u200b|\ufeff|[ ]{2,}|\r|\n{2,}",
}


@dataclass(frozen=True)
class Audit:
    """An audited source: its cleaned pages, the split it would get, its facts, and rows worth a look.

    findings: the rows worth a look, with columns `row`, `label`, `reason`.
    """

    where: str
    pages: pd.DataFrame = field(repr=False)
    split: pd.DataFrame = field(repr=False)
    protocol: str
    facts: dict
    findings: pd.DataFrame = field(repr=False)


def audit(source: str, count_tokens: Callable[[list[str]], list[int]]) -> Audit:
    """Reads, cleans, masks and splits the whole of `source`, writing nothing.

    Raises InputError where `source` cannot be used.
    count_tokens: how many tokens the base's tokenizer makes of each text.
    """
    raw, where = sources.read_source(source)
    pages = cleaning.clean_table(raw, where)
    aliases = sources.label_names_of(source, pages["label"])[1]
    protocol = splits.choose_protocol(pages)
    masked = fragments.mask_table(pages, aliases)
    split = splits.make_split(masked, protocol)
    plain = pages if protocol == "row" else fragments.make_fragments(pages)
    hidden = masked if protocol == "row" else fragments.make_fragments(masked)
    changed = [str(given).strip() != text for given, text in zip(raw["text"], pages["text"], strict=True)]
    facts = structure(pages) | {
        "words": spread(pages["text"].str.split().map(len)),
        "tokens": spread(count_tokens(pages["text"].tolist())),
        "residue": residue(raw["text"]),
        "changed_by_cleaning": int(sum(changed)),
        "leakage": {
            "pages": [naming_share(table, aliases) for table in (pages, masked)],
            "rows": [naming_share(table, aliases) for table in (plain, hidden)],
            "name_matcher": [float(name_matches(table, aliases).mean()) for table in (plain, hidden)],
        },
        "mask": mask_alone(split),
        "unmasked": [name for name in sorted(set(pages["label"])) if not named(name, aliases)],
        "sides": {name: int((split["side"] == name).sum()) for name in splits.SIDES},
        "left_out": splits.left_out(hidden) if set(hidden["label"]) > set(split["label"]) else {},
    }
    return Audit(where, pages, split, protocol, facts, find_duplicates(pages))


def structure(pages: pd.DataFrame) -> dict:
    """Counts: `rows`, `labels`, `singletons` (labels with one row), `rows_per_label` (see `spread`)."""
    per_label = pages["label"].value_counts()
    return {
        "rows": len(pages),
        "labels": len(per_label),
        "singletons": int((per_label == 1).sum()),
        "rows_per_label": spread(per_label),
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    """`min`, `median`, `mean`, `max` of some numbers."""
    values = np.asarray(values, dtype=float)
    return {name: float(getattr(np, name)(values)) for name in ("min", "median", "mean", "max")}


def residue(texts: Iterable[str]) -> dict[str, int]:
    """How many raw texts hold each kind of RESIDUE."""
    patterns = {kind: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for kind, pattern in RESIDUE.items()}
    texts = [str(text) for text in texts]
    return {kind: sum(bool(pattern.search(text)) for text in texts) for kind, pattern in patterns.items()}


def find_duplicates(pages: pd.DataFrame) -> pd.DataFrame:
    """Rows that repeat another row's text, and labels that differ in spelling only.

    Columns: `row` (from 1), `label`, `reason`.
    """
    out = []
    groups = pd.Series(splits.near_duplicate_groups(pages["text"]), index=pages.index)
    for rows in pages.groupby(groups.to_numpy()).groups.values():
        first = rows[0]
        for row in rows[1:]:
            same = pages["text"][row] == pages["text"][first]
            other = (
                ""
                if pages["label"][row] == pages["label"][first]
                else f", which is labelled {pages['label'][first]!r}"
            )
            out.append(
                (
                    row + 1,
                    pages["label"][row],
                    f"{'same text as' if same else 'near-duplicate of'} row {first + 1}{other}",
                )
            )
    spellings: dict[str, str] = {}
    for row, label in pages["label"].drop_duplicates().items():
        if (first := spellings.setdefault(cleaning.label_slug(label), label)) != label:
            out.append((row + 1, label, f"label differs from {first!r} in spelling only"))
    return pd.DataFrame(sorted(out), columns=["row", "label", "reason"])


def naming_share(table: pd.DataFrame, aliases: dict[str, Iterable[str]]) -> float:
    """Share of texts that contain a name of their own label, by the rule that also masks.

    After masking it must be 0.
    """
    patterns = {
        label: fragments.name_pattern({*fragments.label_names(label), *aliases.get(label, ())})
        for label in set(table["label"])
    }
    return float(
        np.mean([bool(patterns[la].search(t)) for t, la in zip(table["text"], table["label"], strict=True)])
    )


def named(label: str, aliases: dict[str, Iterable[str]]) -> bool:
    """Whether anything of a label can be masked."""
    return any(map(fragments.can_be_masked, {*fragments.label_names(label), *aliases[label]}))


def mask_alone(split: pd.DataFrame) -> dict:
    """What the mask tells of the label by itself: `accuracy` on test rows of a rule that sees nothing else.

    The rule knows how many masks a text has (3 are many) and in which third the first stands, and answers the
    label that was most frequent there in training; `guess` is the most frequent label of all. `shares`: of
    each label's rows, those with a mask.
    """
    mask, texts = fragments.MASK, split["text"].reset_index(drop=True)
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
        " ".join(sorted({*fragments.label_names(label), *aliases.get(label, ())})).lower() for label in labels
    ]
    names = [
        " ".join(word for word in split_words(name) if word not in ENGLISH_STOP_WORDS) or name
        for name in names
    ]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 5), sublinear_tf=True)
    of_names = vectorizer.fit_transform(names)
    texts = table["text"].str.replace(fragments.MASK, " ", regex=False).tolist()
    truth = np.searchsorted(labels, table["label"].to_numpy(str))
    right = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), 2000):
        rows = slice(start, start + 2000)
        scores = (vectorizer.transform(texts[rows]) @ of_names.T).tocsr()
        best, found = np.asarray(scores.argmax(axis=1)).ravel(), scores.max(axis=1).toarray().ravel() > 0
        right[rows] = found & (best == truth[rows])
    return right


def word_counts(texts: Iterable[str]) -> pd.Series:
    """How often each word occurs, the most frequent first, ties alphabetically.

    Index: the word (see `split_words`); values: int.
    """
    counts = Counter(word for text in texts for word in split_words(text))
    return pd.Series(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))), dtype=int)


def vocabulary_growth(texts: Iterable[str], tokenize) -> tuple[np.ndarray, np.ndarray]:
    """Tokens read and distinct tokens met after 0, 1, …, n texts: two arrays (n + 1,).

    tokenize: text -> list of tokens.
    """
    met: set = set()
    read, distinct = [0], [0]
    for text in texts:
        tokens = tokenize(text)
        met.update(tokens)
        read.append(read[-1] + len(tokens))
        distinct.append(len(met))
    return np.array(read), np.array(distinct)


def describe(result: Audit, shown: int = 10) -> str:
    """The audit as text, one fact a line, then the rows worth a look."""
    facts, chance = result.facts, 1 / result.facts["labels"]
    unit = "rows" if result.protocol == "row" else "fragments"
    matcher = facts["leakage"]["name_matcher"]
    found = ", ".join(f"{kind} in {n:,}" for kind, n in facts["residue"].items() if n) or "none"
    lost = ", ".join(f"{label} ({n})" for label, n in [*facts["left_out"].items()][:5])
    lines = {
        "source": result.where,
        "rows": f"{facts['rows']:,}",
        "labels": f"{facts['labels']:,}, of which {facts['singletons']:,} have a single row",
        "rows per label": _spread_text(facts["rows_per_label"]),
        "words per row": _spread_text(facts["words"]),
        "BPE tokens per row": _spread_text(facts["tokens"]),
        "residue": f"{found}; cleaning changed {facts['changed_by_cleaning']:,} rows",
        "duplicates": f"{(result.findings['reason'].str.startswith('same')).sum():,} repeated, "
        f"{(result.findings['reason'].str.startswith('near')).sum():,} near-duplicate rows "
        f"(Jaccard of word 3-grams >= {splits.NEAR_DUPLICATE})",
        "name in the text": " · ".join(
            f"{name}: {100 * before:.1f} % -> {100 * after:.1f} % masked"
            for name, (before, after) in (
                ("pages", facts["leakage"]["pages"]),
                (unit, facts["leakage"]["rows"]),
            )
        ),
        "name matcher": f"accuracy on {unit} {100 * matcher[0]:.1f} % -> {100 * matcher[1]:.1f} % masked; "
        f"chance {100 * chance:.1f} %",
        "mask alone": say_mask(facts["mask"]),
        "not masked": ", ".join(facts["unmasked"][:5]) or "none: every label is a name",
        "protocol": f"{result.protocol}: {reason_for(result)}",
        "split": ", ".join(f"{n:,} {name}" for name, n in facts["sides"].items())
        + f" ({result.split['label'].nunique():,} labels on every side)",
        "left out": f"{len(facts['left_out'])} label(s) with under {splits.MIN_ROWS} distinct {unit} of "
        "their own" + (f": {lost}{' …' if len(facts['left_out']) > 5 else ''}" if lost else ""),
    }
    return "\n".join(
        [*(f"{name:<20}{value}" for name, value in lines.items()), *list_findings(result, shown)]
    )


def say_mask(mask: dict) -> str:
    """What the mask alone tells, with a warning where that is more than a guess."""
    (first, most), *others = mask["shares"].items()
    said = f"tells {100 * mask['accuracy']:.1f} % of test labels"
    said += (
        f" (the most frequent label: {100 * mask['guess']:.1f} %); it stands in {100 * most:.0f} % of the "
    )
    said += f"rows of {first}, in at most {100 * others[0][1]:.0f} % of any other's"
    careful = mask["accuracy"] > 1.5 * mask["guess"] + 0.02
    return f"{said} (CAREFUL: the mask gives labels away)" if careful else said


def reason_for(result: Audit) -> str:
    """Why the protocol fits."""
    median, many = result.facts["rows_per_label"]["median"], splits.MANY_ROWS
    if result.protocol == "row":
        return f"the median label has {median:g} rows ({many} or more), so whole rows are split"
    few = f"half of the labels have {median:g} row(s) or fewer"
    return f"{few}; whole rows are split from {many} on, so pages are cut into fragments"


def list_findings(result: Audit, shown: int) -> list[str]:
    """A line for each of the first rows that are worth a look."""
    if not len(result.findings):
        return []
    lines = [f"  row {f.row}: {f.label}: {f.reason}" for f in result.findings.head(shown).itertuples()]
    more = len(result.findings) - shown
    return ["", "rows worth a look:", *lines, *([f"  … and {more} more"] if more > 0 else [])]


def _spread_text(values: dict[str, float]) -> str:
    forms = {"min": ",.0f", "median": ",.0f", "mean": ",.1f", "max": ",.0f"}
    return ", ".join(f"{name} {values[name]:{form}}" for name, form in forms.items())
