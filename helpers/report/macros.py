"""LaTeX macros, each a number, a name or a sentence of results.json.

Nothing that a run found is typed into the report.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from ..arms import ARMS, call_after, called_after
from ..figures.style import DRAWN
from ..files import write_text
from ..prose import abroad, autopsy, bought, claims, doubts, price, readings
from ..prose.numbers import DASH, decimals, estimate, p_value, rank_estimate, share
from ..prose.readings import called
from .latex import latex, number, plain, tabular
from .tables import TABLES

NOTE = "% Written from results.json; do not edit.\n"
DIGITS = {"10": "Ten"} | dict(
    zip("0123456789", "Zero One Two Three Four Five Six Seven Eight Nine".split(), strict=True)
)
SHARES = {"Accuracy": "accuracy", "TopFive": "top5", "MacroF": "macro_f1"}
# How a fact is written; all others are counts.
PERCENTAGES = {
    "once",
    "repeated",
    "train_accuracy",
    "accuracy",
    "train_low",
    "train_high",
    "test_low",
    "test_high",
    "oracle",
    "apart",
    "shared",
}  # and all of the topic `leakage`
DECIMALS = {
    "bits": 2, "bits_new": 2, "kneser_ney_5": 2, "kneser_ney_5_new": 2, "unigram": 2, "xz": 2, "gzip": 2,
    "token_perplexity_before": 2, "token_perplexity_after": 2, "ulmfit_scratch": 2, "ulmfit_pretrained": 2,
    "gpt_scratch": 1, "gpt_pretrained": 1,
}  # fmt: skip


def macros(results: dict) -> dict[str, str]:
    """LaTeX macro name (letters only) to its text, e.g. GptTwoFinetunedMrr -> 0.123, sorted by name."""
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
        story_macros,
    )
    return dict(sorted(item for part in parts for item in part(results)))


def percent(value: float | None) -> str:
    """A share as LaTeX sets it."""
    return latex(share(value))


def size_macros(results: dict) -> Iterator[tuple[str, str]]:
    """What the results are of: profile, seeds, diseases, rows, epochs; chance; the first attempt again."""
    profile, count = results["profile"], results["num_labels"]
    yield "Profile", plain(profile["name"])
    yield "NumSeeds", str(len(profile["seeds"]))
    for kind, seeds in profile["fewer"].items():
        yield f"NumSeeds{macro_name(kind)}", str(min(seeds, len(profile["seeds"])))
    yield "NumTrials", str(min(len(own) for own in profile["trials"].values() if len(own) > 1))
    if len(profile["trials"].get("smollm2_finetuned", ())) == 1:
        yield "SmollmTwoOneRate", "uno"
    if told := readings.elsewhere(results["source"], results["protocol"], profile["base"]):
        yield "OtherStudy", plain(told)
    yield "NumLabels", number(count)
    yield "NumHands", str(len(results["hands"]))
    yield "ChancePercent", percent(1 / count)
    yield "Split", results["split"]
    for side, rows in results["rows"].items():
        yield f"Rows{side.title()}", number(rows)
    for arm, epochs in profile["epochs"].items():
        yield f"{macro_name(arm)}Epochs", str(epochs)
    yield "FirstAttemptAccuracy", percent(results["first_attempt"]["accuracy"])
    yield "FirstAttemptPerplexity", number(results["first_attempt"]["class_perplexity"])
    yield "ReadAcquitted", latex(autopsy.guilty_of_nothing(pd.DataFrame(results["suspects"])))


def arm_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Name, metrics, cost and seeds of each arm."""
    for arm, row in results["arms"].items():
        name = macro_name(arm)
        yield f"{name}Name", latex(row["name"])
        yield f"{name}Estimate", latex(estimate(row["accuracy"], row["low"], row["high"]))
        for metric, key in SHARES.items():
            yield f"{name}{metric}", percent(row[key])
        yield f"{name}Mrr", decimals(row["mrr"])
        yield f"{name}Perplexity", number(row["class_perplexity"])
        yield f"{name}Parameters", number(row["parameters"])
        yield f"{name}Seeds", str(row["seeds"])


def ranking_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Who is first, second and third in accuracy; who has the lowest class perplexity, with temperature."""
    ordered = sorted(results["arms"].values(), key=lambda row: -row["accuracy"])
    for place, row in zip(("First", "Second", "Third"), ordered, strict=False):
        yield f"{place}Name", latex(row["name"])
        yield f"{place}Estimate", latex(estimate(row["accuracy"], row["low"], row["high"]))
    scaled = {arm: row["perplexity_scaled"] or math.inf for arm, row in results["calibration"].items()}
    best = min(scaled, key=scaled.get)
    yield "LowestPerplexityName", latex(called(best))
    yield "LowestPerplexity", decimals(scaled[best], 1)


def pair_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Each paired difference: its interval, its corrected p, and a sentence (`Read…`).

    The sentence says no more than they do.
    """
    for pair in results["pairs"]:
        name = f"Diff{macro_name(pair['a'])}Versus{macro_name(pair['b'])}"
        yield name, latex(estimate(pair["difference"], pair["low"], pair["high"], sign=True))
        yield f"{name}P", latex(p_value(pair["p_holm"]))
        yield f"Read{name}", latex(readings.pair(SimpleNamespace(**pair)))
    yield "ReadByHands", latex(doubts.by_hands(results))
    yield "ReadOnValidation", latex(doubts.on_validation(results))
    asked = {"Certainty": doubts.certainty, "Earlier": doubts.earlier, "Longer": doubts.longer}
    for name, doubt in asked.items():
        if told := doubt(results):
            yield f"Read{name}", latex(told)
    yield "ReadAtEdge", latex(doubts.at_edge(results))
    yield "ReadMoved", latex(claims.moved(results, spans=True))
    yield "NumPairsConfirmed", str(len(claims.confirmed(results["pairs"])))
    yield "NumPairs", str(len(results["pairs"]))
    yield "NumPairsClear", str(len(claims.clear(results["pairs"])))
    yield "NumTests", str(len(results["pairs"]) + len(results["gains"]) + 1)


def worth_macros(results: dict) -> Iterator[tuple[str, str]]:
    """How many times the labels pre-training is worth, and two arms together."""
    for found in results["worth"]:
        name = f"{macro_name(found['more'])}Versus{macro_name(found['less'])}"
        yield f"ReadWorth{name}", latex(bought.worth(results, found))
        yield f"Worth{name}", DASH if found["at_least"] else decimals(found["k"], 1)
    yield "ReadSharedWords", latex(doubts.shared_words(results))
    mixed = results["together"]
    yield "ReadTogether", latex(readings.together(mixed))
    yield "TogetherEstimate", latex(estimate(mixed["accuracy"], mixed["low"], mixed["high"]))
    for part in ("both", "only_a", "only_b", "neither"):
        yield f"Together{macro_name(part)}", percent(mixed[part])


def unseen_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Diseases without a training row: every arm and guesser, chance, and the gains that are claimed.

    `Among`: only their own names compete.
    """
    rows = [(macro_name(row["arm"]), row) for row in results["unseen"]]
    rows += [(f"Guesser{row['knows'].title()}", row) for row in results["guessers"]]
    for own, row in rows:
        name = f"Unseen{own}{'' if row['candidates'] == 'all' else 'Among'}"
        yield f"{name}Mrr", rank_estimate(row["mrr"], row["mrr_low"], row["mrr_high"])
        for key in ("top1", "top5", "top10"):
            yield f"{name}{macro_name(key)}", percent(row[key])
    for which, values in results["unseen_chance"].items():
        tail = "" if which == "all" else "Among"
        yield f"UnseenChance{tail}Mrr", decimals(values["mrr"])
        for key in ("top1", "top5", "top10"):
            yield f"UnseenChance{tail}{macro_name(key)}", percent(values[key])
    for row in results["gains"]:
        name = f"Gain{macro_name(row['a'])}Versus{macro_name(row['b'])}"
        yield name, latex(rank_estimate(row["difference"], row["low"], row["high"], "+"))
        yield f"Read{name}", latex(readings.gain(SimpleNamespace(**row)))
    for told in bought.unlabelled(results)[:1]:
        yield "ReadUnlabelled", latex(told)


def forgetting_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Bits per byte before and after fine-tuning to answer, and the change."""
    for arm, kinds in results["forgetting"].items():
        for kind, row in kinds.items():
            name = f"Bits{macro_name(arm)}{macro_name(kind)}"
            yield f"{name}Change", latex(rank_estimate(row["change"], row["low"], row["high"], "+"))
            for when in ("before", "after"):
                yield f"{name}{when.title()}", decimals(row[f"bits_{when}"], 2)
    if told := price.others_forget(results):
        yield "ReadForgetting", latex(told)


def error_macros(results: dict) -> Iterator[tuple[str, str]]:
    """Calibration and errors of each arm, what its view of the statements holds of the groups, its cost."""
    for arm, row in results["calibration"].items():
        for key in ("ece", "ece_scaled"):
            yield f"{macro_name(arm)}{macro_name(key)}", percent(row[key])
        yield f"{macro_name(arm)}PerplexityScaled", number(row["perplexity_scaled"])
    for arm, row in (errors := results["confusions"]).items():
        yield f"{macro_name(arm)}Within", latex(estimate(row["within"], row["low"], row["high"]))
    if errors:
        yield "WithinChance", percent(next(iter(errors.values()))["chance"])
    for arm, row in results["maps"].items():
        yield f"{macro_name(arm)}SameGroup", percent(row["same_group"])
        yield "SameGroupChance", percent(row["chance"])
    for arm, row in results["cost"].items():
        yield f"{macro_name(arm)}Flops", number(row["flops"]) if row["flops"] else DASH
        yield f"{macro_name(arm)}Seconds", number(row["seconds"])
        yield f"{macro_name(arm)}Memory", number(row["memory"])
    measured = results["measured_on"] or "no a solas: con otros al lado"
    yield "MeasuredOn", latex(measured.replace(" cores", " núcleos"))


def fact_macros(results: dict) -> Iterator[tuple[str, str]]:
    """The numbers of `facts.collect`, e.g. LeakageRuleMasked; a fact that is not on record says so."""
    facts = results["facts"]
    for topic in facts.keys() - {"external", "pretraining"}:
        for key, value in facts[topic].items():
            yield f"{macro_name(topic)}{macro_name(key)}", format_fact(topic, key, value)
    for base, row in facts["pretraining"].items():
        for key in ("tokens", "flops", "parameters", "seconds"):
            yield f"Read{macro_name(Path(base).name)}{macro_name(key)}", number(row[key])


def format_fact(topic: str, key: str, value: float | None) -> str:
    """One fact as text."""
    if value is None:
        return r"\emph{sin registro}"
    if topic == "leakage" or key in PERCENTAGES:
        return percent(value)
    return f"{value:.{DECIMALS[key]}f}" if key in DECIMALS else number(value)


def external_macros(results: dict) -> Iterator[tuple[str, str]]:
    """The comparison on other people's data."""
    if found := results["facts"]["external"]:
        yield "ExternalPages", number(found["pages"])
        yield "ExternalPagesUnread", number(found["pages_unread"])
        yield "ExternalPagesKept", number(found["pages_kept"])
        yield "ExternalNumLabels", number(found["num_labels"])
        names = {arm: called_after(ARMS[arm], found["profile"]["base"]).name for arm in found["arms"]}
        for arm, row in found["arms"].items():
            name = f"External{macro_name(arm)}"
            yield f"{name}Estimate", latex(estimate(row["accuracy"], row["low"], row["high"]))
            yield f"{name}Accuracy", percent(row["accuracy"])
            yield f"{name}Name", latex(names[arm])
        first, row = max(found["arms"].items(), key=lambda own: own[1]["accuracy"])
        yield "ExternalFirstName", latex(names[first])
        yield "ExternalFirstEstimate", latex(estimate(row["accuracy"], row["low"], row["high"]))
        yield "ExternalRowsTest", number(found["rows"]["test"])
        yield "ExternalNumSeeds", str(len(found["profile"]["seeds"]))
        yield "ReadExternalOutdated", latex(abroad.outdated(found, results))
        for pair in found["pairs"]:
            name = f"{macro_name(pair['a'])}Versus{macro_name(pair['b'])}"
            yield f"ReadExternal{name}", latex(readings.pair(SimpleNamespace(**pair)))


def story_macros(results: dict) -> Iterator[tuple[str, str]]:
    """The statement that is followed, what each arm says of it; the answer to the question in one line."""
    found = results["story"]
    yield "StoryText", plain(found["text"])
    yield "StoryDisease", plain(found["disease"])
    for arm, row in found["answers"].items():
        yield f"Story{macro_name(arm)}", plain(row["first"])
        yield f"Story{macro_name(arm)}Place", str(row["place"])
    yield "ReadAnswer", latex(claims.answer(results))
    if once := "".join(claims.tried_once(results, pair) for pair in claims.second_pairs(results)):
        yield "ReadOnce", latex(once.strip())
    yield "ReadUntouched", latex(claims.untouched(results))
    if results["dose"]:
        yield "ReadDose", latex(bought.enough(results))


def macro_name(key: str) -> str:
    """`gpt2_finetuned` -> `GptTwoFinetuned`: LaTeX command names hold letters only."""
    spelt = re.sub(r"10|\d", lambda m: f"_{DIGITS[m.group()]}_", key)
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z]+", spelt))


def colors() -> str:
    r"""`\definecolor` of each arm, by its macro name, and of what is no model: the colours of the figures."""
    named = {macro_name(arm.id): arm.color for arm in ARMS.values()} | DRAWN
    return "".join(rf"\definecolor{{{name}}}{{HTML}}{{{color[1:]}}}" + "\n" for name, color in named.items())


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json; a number changed there changes everywhere."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    call_after(results["profile"]["base"])
    lines = "\n".join(rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros(results).items())
    write_text(directory / "macros.tex", f"{NOTE}{lines}\n{colors()}")
    for name, table in TABLES.items():
        write_text(directory / f"tabla_{name}.tex", NOTE + tabular(table(results)))
