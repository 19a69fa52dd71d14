"""LaTeX macros, each a number, a name or a sentence of results.json.

Nothing that a run found is typed into the report.
"""

import math
import re
from collections.abc import Iterator
from types import SimpleNamespace

from ..arms import ARMS
from ..figures.style import DRAWN
from . import readings
from .readings import estimate, fixed, latex, minus, number, p_value, percent, power

DIGITS = {"10": "Ten"} | dict(
    zip("0123456789", "Zero One Two Three Four Five Six Seven Eight Nine".split(), strict=True)
)
METRICS = {"Accuracy": "accuracy", "TopFive": "top5", "MacroF": "macro_f1", "Mrr": "mrr"}
# How a fact is written; all others are counts.
PERCENTAGES = {"once", "repeated", "train_accuracy"}  # and all of the topic `leakage`
DECIMALS = {
    "bits": 2, "bits_new": 2, "kneser_ney_5": 2, "kneser_ney_5_new": 2, "unigram": 2, "xz": 2, "gzip": 2,
    "train_low": 2, "train_high": 2, "test_low": 3, "test_high": 3, "oracle": 3, "apart": 3, "shared": 3,
    "accuracy": 1,
    "token_perplexity_before": 2, "token_perplexity_after": 2,
}  # fmt: skip


def macros(results: dict) -> dict[str, str]:
    """LaTeX macro name (letters only) to its text, e.g. GptTwoFinetunedAccuracy -> 0.123, sorted by name."""
    parts = (
        size_macros,
        arm_macros,
        ranking_macros,
        pair_macros,
        worth_macros,
        unseen_macros,
        forgetting_macros,
        error_macros,
        fact_macros,
        external_macros,
    )
    return dict(sorted(item for part in parts for item in part(results)))


def size_macros(results: dict) -> Iterator[tuple[str, str]]:
    """What the results are of: profile, seeds, diseases, rows, epochs; chance; the first attempt again."""
    profile, count = results["profile"], results["num_labels"]
    yield "Profile", profile["name"]
    yield "NumSeeds", str(len(profile["seeds"]))
    fewer = profile.get("fewer", {"answering": profile.get("answer_seeds")})
    yield "NumSeedsAnswering", str(fewer.get("answering") or len(profile["seeds"]))
    yield "NumTrials", str(min(map(len, profile["trials"].values())))
    yield "NumLabels", number(count)
    yield "ChanceAccuracy", f"{1 / count:.3f}"
    yield "ChancePercent", percent(1 / count)
    yield "Split", results["split"]
    for side, rows in results["rows"].items():
        yield f"Rows{side.title()}", number(rows)
    for arm, epochs in profile["epochs"].items():
        yield f"{macro_name(arm)}Epochs", str(epochs)
    yield "FirstAttemptAccuracy", fixed(results["first_attempt"]["accuracy"], 1)
    yield "FirstAttemptPerplexity", number(results["first_attempt"]["class_perplexity"])


def arm_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Name, metrics, cost and seeds of each arm."""
    for arm, row in results["arms"].items():
        name = macro_name(arm)
        yield f"{name}Name", latex(row["name"])
        yield f"{name}Estimate", estimate(row["accuracy"], row["low"], row["high"])
        for metric, key in METRICS.items():
            yield f"{name}{metric}", fixed(row[key])
        yield f"{name}Perplexity", number(row["class_perplexity"])
        yield f"{name}Seconds", number(row["seconds"])
        yield f"{name}Parameters", number(row["parameters"])


def ranking_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Who is first, second and third in accuracy, and who has the lowest class perplexity."""
    ordered = sorted(results["arms"].values(), key=lambda row: -row["accuracy"])
    for place, row in zip(("First", "Second", "Third"), ordered, strict=False):
        yield f"{place}Name", latex(row["name"])
        yield f"{place}Estimate", estimate(row["accuracy"], row["low"], row["high"])
    best = min(results["arms"].values(), key=lambda row: row["class_perplexity"] or math.inf)
    yield "LowestPerplexityName", latex(best["name"])
    yield "LowestPerplexity", number(best["class_perplexity"])


def pair_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Each paired difference: its interval, its corrected p, and a sentence (`Read…`).

    The sentence says no more than they do.
    """
    for kind, rows in (("Diff", results["pairs"]), ("Step", results.get("steps", []))):
        for pair in rows:
            name = f"{kind}{macro_name(pair['a'])}Versus{macro_name(pair['b'])}"
            yield name, minus(estimate(pair["difference"], pair["low"], pair["high"], sign=True))
            yield f"{name}P", p_value(pair["p_holm"])
            yield f"Read{name}", latex(readings.pair(SimpleNamespace(**pair)))
    yield "NumPairs", str(len(results["pairs"]))
    yield "NumPairsClear", str(sum(pair["low"] > 0 or pair["high"] < 0 for pair in results["pairs"]))


def worth_macros(results: dict) -> Iterator[tuple[str, str]]:
    """How many times the labels pre-training is worth."""
    if worth := results.get("worth"):
        for key in ("k", "low", "high"):
            yield f"Worth{key.title()}", fixed(worth[key], 1)
        yield "ReadWorth", latex(readings.worth(worth))


def unseen_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Diseases without a training row, by the scoring that validation chose.

    `Among`: only their own names compete.
    """
    chance = results.get("unseen_chance", {})
    for row in results.get("unseen", []):
        if row.get("chosen", True):
            tail = "" if row["candidates"] == "all" else "Among"
            name = f"Unseen{macro_name(row['arm'])}{tail}"
            for key in ("mrr", "top1", "top5", "top10"):
                yield (
                    f"{name}{macro_name(key)}",
                    minus(estimate(row[key], row[f"{key}_low"], row[f"{key}_high"])),
                )
            yield (
                f"Read{name}",
                latex(readings.unseen(SimpleNamespace(**row), chance[row["candidates"]]["mrr"])),
            )
    for which, values in chance.items():
        for key, value in values.items():
            yield f"UnseenChance{'' if which == 'all' else 'Among'}{macro_name(key)}", fixed(value)
    if gain := results.get("unseen_gain"):
        yield "UnseenGain", minus(estimate(gain["difference"], gain["low"], gain["high"], sign=True))


def forgetting_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Bits per byte before and after fine-tuning, and the change."""
    for kind, row in results.get("forgetting", {}).items():
        yield (
            f"Bits{macro_name(kind)}Change",
            minus(estimate(row["change"], row["low"], row["high"], sign=True)),
        )
        for when in ("before", "after"):
            yield f"Bits{macro_name(kind)}{when.title()}", fixed(row[f"bits_{when}"])


def error_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Calibration and errors of each arm; the arm whose errors stay most often in the right group."""
    for arm, row in results.get("calibration", {}).items():
        for key in ("ece", "ece_scaled"):
            yield f"{macro_name(arm)}{macro_name(key)}", fixed(row[key])
    for arm, row in (errors := results.get("confusions", {})).items():
        yield f"{macro_name(arm)}Within", percent(row["within"])
    if errors:
        yield "WithinChance", percent(next(iter(errors.values()))["chance"])
    for arm, row in results.get("cost", {}).items():
        yield f"{macro_name(arm)}Flops", power(row["flops"])


def fact_macros(results: dict) -> Iterator[tuple[str, str]]:
    """The numbers of `facts.collect`, e.g. LeakageRuleMasked; a fact that is not on record says so."""
    for topic, values in results.get("facts", {}).items():
        for key, value in values.items() if topic != "external" else ():
            yield f"{macro_name(topic)}{macro_name(key)}", format_fact(topic, key, value)


def format_fact(topic: str, key: str, value: float | None) -> str:
    """One fact as text."""
    if value is None:
        return r"\emph{sin registro}"
    if topic == "leakage" or key in PERCENTAGES:
        return percent(value)
    return f"{value:.{DECIMALS[key]}f}" if key in DECIMALS else number(value)


def external_macros(results: dict) -> Iterator[tuple[str, str]]:
    """The comparison on other people's data."""
    if found := results.get("facts", {}).get("external"):
        yield "ExternalPages", number(found["pages"])
        yield "ExternalPagesKept", number(found["pages_kept"])
        yield "ExternalNumLabels", number(found["num_labels"])
        for arm, row in found["arms"].items():
            yield f"External{macro_name(arm)}Estimate", estimate(row["accuracy"], row["low"], row["high"])
        yield "ExternalRowsTest", number(found["rows"]["test"])
        yield "ExternalNumSeeds", str(len(found["profile"]["seeds"]))
        for pair in found["pairs"]:
            name = f"{macro_name(pair['a'])}Versus{macro_name(pair['b'])}"
            yield f"ReadExternal{name}", latex(readings.pair(SimpleNamespace(**pair)))


def macro_name(key: str) -> str:
    """`gpt2_finetuned` -> `GptTwoFinetuned`: LaTeX command names hold letters only."""
    return "".join(
        part.capitalize() for part in re.sub(r"10|\d", lambda m: f"_{DIGITS[m.group()]}_", key).split("_")
    )


def colors() -> str:
    r"""`\definecolor` of each arm, by its macro name, and of what is no model: the colours of the figures."""
    named = {macro_name(arm.id): arm.color for arm in ARMS.values()} | DRAWN
    return "".join(rf"\definecolor{{{name}}}{{HTML}}{{{color[1:]}}}" + "\n" for name, color in named.items())
