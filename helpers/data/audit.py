"""Audit of a symptom table before any training: structure, lengths, residue, duplicates, leakage, split."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import cleaning, duplicates, masking, sources, splits, vocabulary
from .leakage import mask_alone, name_matches, named, naming_share
from .passages import units

# Residue of scraping, by kind: what to look for in a raw text.
RESIDUE = {
    "bullets": cleaning.BULLET.pattern,
    "furniture": cleaning.FURNITURE.pattern,
    "tags": cleaning.TAG.pattern,
    "entities": r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]+);",
    "spaces": r"\t|\u00a0|\u200b|\ufeff|[ ]{2,}|\r|\n{2,}",
}


UNITS = {"row": "rows", "fragment": "fragments", "patients": "passages"}


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


def audit(
    source: str,
    count_tokens: Callable[[list[str]], list[int]],
    lengths: Callable[[list[str], list[str]], str] | None = None,
) -> Audit:
    """Reads, cleans, masks and splits the whole of `source`, writing nothing.

    Raises InputError where `source` cannot be used.
    count_tokens: how many tokens the base's tokenizer makes of each text. lengths: what long texts cost, said
    of the split's rows and of the pages.
    """
    raw, where = sources.read_source(source)
    pages = cleaning.clean_table(raw, where)
    aliases = sources.label_names_of(source, pages["label"])[1]
    statements = sources.load_statements(source, set(pages["label"]))
    protocol = splits.choose_protocol(pages, statements)
    masked, said = masking.mask_all(pages, aliases, statements)
    split = splits.make_split(masked, protocol, statements=said)
    plain, hidden = (units(table, protocol) for table in (pages, masked))
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
        "lengths": lengths and lengths(split["text"].tolist(), pages["text"].tolist()),
        "mask": mask_alone(split),
        "unmasked": [name for name in sorted(set(pages["label"])) if not named(name, aliases)],
        "sides": {name: int((split["side"] == name).sum()) for name in splits.SIDES},
        "left_out": splits.left_out(masked, protocol, said)
        if set(hidden["label"]) > set(split["label"])
        else {},
        "statements": None if said is None else of_statements(split, statements, aliases),
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


def of_statements(split: pd.DataFrame, statements: pd.DataFrame, aliases: dict) -> dict:
    """What the statements are like: counts, `words` (see `spread`), how well the passages know their words.

    `hands`: distinct writers; `naming`: share that names its own label; `known`: share of the words of those
    in the split that occur in its training rows; `strange`: of how many statements most words do not; `lost`:
    how many are not in the split.
    """
    side = split["side"]
    known = vocabulary.known_share(split.loc[side != "train", "text"], split.loc[side == "train", "text"])
    return {
        "rows": len(statements),
        "hands": int(statements["hand"].replace("", np.nan).nunique()),
        "words": spread(statements["text"].str.split().map(len)),
        "naming": naming_share(statements, aliases),
        "known": float(known.mean()),
        "strange": int((known < 0.5).sum()),
        "lost": len(statements) - int((side != "train").sum()),
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
    groups = pd.Series(duplicates.near_duplicate_groups(pages["text"]), index=pages.index)
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


def describe(result: Audit, shown: int = 10) -> str:
    """The audit as text, one fact a line, then the rows worth a look."""
    facts, chance = result.facts, 1 / result.facts["labels"]
    unit = UNITS[result.protocol]
    matcher = facts["leakage"]["name_matcher"]
    found = ", ".join(f"{kind} in {n:,}" for kind, n in facts["residue"].items() if n) or "none"
    lost = ", ".join(f"{label} ({n})" for label, n in [*facts["left_out"].items()][:5])
    wanting = f"with under {splits.MIN_ROWS} distinct {unit} of their own"
    if result.protocol == "patients":
        wanting = "without a statement to test"
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
        f"(Jaccard of word 3-grams >= {duplicates.NEAR_DUPLICATE})",
        "name in the text": " · ".join(
            f"{name}: {100 * before:.1f} % -> {100 * after:.1f} % masked"
            for name, (before, after) in (
                ("pages", facts["leakage"]["pages"]),
                (unit, facts["leakage"]["rows"]),
            )
        ),
        "name matcher": f"accuracy on {unit} {100 * matcher[0]:.1f} % -> {100 * matcher[1]:.1f} % masked; "
        f"chance {100 * chance:.1f} %",
        "length": facts["lengths"],
        "statements": say_statements(facts["statements"]),
        "mask alone": say_mask(facts["mask"]),
        "not masked": ", ".join(facts["unmasked"][:5]) or "none: every label is a name",
        "protocol": f"{result.protocol}: {reason_for(result)}",
        "split": ", ".join(f"{n:,} {name}" for name, n in facts["sides"].items())
        + f" ({result.split['label'].nunique():,} labels on every side)",
        "left out": f"{len(facts['left_out'])} label(s) {wanting}"
        + (f": {lost}{' …' if len(facts['left_out']) > 5 else ''}" if lost else ""),
    }
    told = [f"{name:<20}{value}" for name, value in lines.items() if value]
    return "\n".join([*told, *list_findings(result, shown)])


def say_statements(facts: dict | None) -> str | None:
    """What the statements are like."""
    if facts is None:
        return None
    return (
        f"{facts['rows']:,} of {facts['hands'] or 'unknown'} hands, words {_spread_text(facts['words'])}; "
        f"{100 * facts['naming']:.1f} % name their label; the passages know {100 * facts['known']:.1f} % of "
        f"their words, and under half of those of {facts['strange']:,}; {facts['lost']:,} cannot be used"
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
    if result.protocol == "patients":
        return "there are statements, so passages of the pages train, and statements choose and test"
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
