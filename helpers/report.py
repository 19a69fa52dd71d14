"""Run records to LaTeX: results.json first, and from it alone the macros and the booktabs tables."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from .comparison import estimate
from .config import ARMS
from .study import Study

DIGITS = dict(zip("0123456789", "Zero One Two Three Four Five Six Seven Eight Nine".split(), strict=True))


def export(study: Study, first_attempt: dict, **parts) -> Path:
    """Writes report/generated/{results.json, macros.tex, tabla_*.tex} under the study's output; returns the directory.

    first_attempt: the test metrics of the notes' network on whole pages. parts: what else is to be kept, one name each: a frame
    (indexed by arm: an object an arm; else a list of rows), or a dict of numbers. `arms`, `pairs` and `tuning` must be among
    them. Everything in the .tex files is read back from results.json, so that changing a number there and calling `write_tex`
    changes it everywhere.
    """
    directory = study.output / "report" / "generated"
    directory.mkdir(parents=True, exist_ok=True)
    results = head(study) | {"first_attempt": first_attempt} | {name: plain(part) for name, part in parts.items()}
    write(directory / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_tex(directory)
    return directory


def head(study: Study) -> dict:
    """What results are of: profile, source, protocol, splits, sizes."""
    return {
        "profile": json.loads(json.dumps(asdict(study.profile))),
        "source": study.source_name,
        "protocol": study.protocol,
        "split": study.split_key,
        "page_split": study.page_key,
        "unseen_split": study.unseen_key,
        "num_labels": int(study.split["label"].nunique()),
        "rows": {name: int((study.split["side"] == name).sum()) for name in ("train", "valid", "test")},
    }


def plain(part):
    """A frame or dict as JSON has it; what is no number (NaN) becomes null."""
    if isinstance(part, pd.DataFrame):
        return json.loads(part.to_json(orient="records" if isinstance(part.index, pd.RangeIndex) else "index"))
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return None if isinstance(part, float) and part != part else part


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    lines = [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in sorted(macros(results).items())]
    write(
        directory / "macros.tex",
        "% Written by helpers.report from results.json; do not edit.\n" + "\n".join(lines) + "\n",
    )
    for name, table in TABLES.items():
        write(directory / f"tabla_{name}.tex", table(results))


def macros(results: dict) -> dict[str, str]:
    """LaTeX macro name (letters only) to its text, e.g. GptTwoFinetunedAccuracy -> 0.123."""
    out = {
        "NumLabels": str(results["num_labels"]),
        "Profile": results["profile"]["name"],
        "NumSeeds": str(len(results["profile"]["seeds"])),
        **{f"Rows{name.title()}": str(count) for name, count in results["rows"].items()},
        "FirstAttemptAccuracy": f"{results['first_attempt']['accuracy']:.1f}",
        "FirstAttemptPerplexity": f"{results['first_attempt']['class_perplexity']:,.0f}",
    }
    for arm, row in results["arms"].items():
        name = macro_name(arm)
        out[f"{name}Name"] = row["name"]
        out[f"{name}Estimate"] = estimate(row["accuracy"], row["low"], row["high"])
        out |= {
            f"{name}{metric}": f"{row[key]:.3f}"
            for metric, key in (("Accuracy", "accuracy"), ("TopFive", "top5"), ("MacroF", "macro_f1"))
        }
        out |= {f"{name}Perplexity": f"{row['class_perplexity']:.1f}", f"{name}Seconds": f"{row['seconds']:.0f}"}
    for pair in results["pairs"]:
        name = f"Diff{macro_name(pair['a'])}Versus{macro_name(pair['b'])}"
        out[name] = minus(estimate(pair["difference"], pair["low"], pair["high"], sign=True))
        out[f"{name}P"] = p_value(pair["p_holm"])
    if worth := results.get("worth"):
        out |= {f"Worth{key.title()}": f"{worth[key]:.1f}" for key in ("k", "low", "high")}
    for row in results.get("unseen", []):
        if row["chosen"]:
            name = f"Unseen{macro_name(row['arm'])}" + ("" if row["candidates"] == "all" else "Among")
            out |= {f"{name}{macro_name(key)}": _estimated(row, key) for key in ("mrr", "top1", "top5", "top10")}
    for which, chance in results.get("unseen_chance", {}).items():
        tail = "" if which == "all" else "Among"
        out |= {f"UnseenChance{tail}{macro_name(key)}": f"{value:.3f}" for key, value in chance.items()}
    for kind, row in results.get("forgetting", {}).items():
        out[f"Bits{macro_name(kind)}Change"] = minus(estimate(row["change"], row["low"], row["high"], sign=True))
        out |= {f"Bits{macro_name(kind)}{when.title()}": f"{row[f'bits_{when}']:.3f}" for when in ("before", "after")}
    return out


def _estimated(row: dict, key: str) -> str:
    return minus(estimate(row[key], row[f"{key}_low"], row[f"{key}_high"]))


def macro_name(arm: str) -> str:
    """`gpt2_finetuned` -> `GptTwoFinetuned`: LaTeX command names hold letters only."""
    return "".join(part.capitalize() for part in re.sub(r"\d", lambda m: f"_{DIGITS[m.group()]}_", arm).split("_"))


def minus(text: str) -> str:
    """Signed numbers with LaTeX's minus sign instead of a hyphen or a character that its fonts may lack."""
    return text.replace("-", r"\ensuremath{-}").replace("−", r"\ensuremath{-}")


def p_value(p: float) -> str:
    """A p-value to three decimals, `<0.001` below."""
    return r"\ensuremath{<}0.001" if p < 0.001 else f"{p:.3f}"


def comparison_table(results: dict) -> str:
    """The comparison as a booktabs tabular, one row an arm, in the order of results.json."""
    rows = [
        f"{row['name']} & {row['accuracy']:.3f} & [{row['low']:.3f}, {row['high']:.3f}] & {row['macro_f1']:.3f} & {row['top5']:.3f} & "
        f"{row['class_perplexity']:.1f} & {row['seconds']:.1f} \\\\"
        for row in results["arms"].values()
    ]
    head = r"Modelo & Exactitud & IC 95\,\% & F1 macro & Top-5 & Perplejidad & Tiempo (s) \\"
    return _tabular("lrcrrrr", head, rows)


def pairs_table(results: dict) -> str:
    """The paired differences as a booktabs tabular."""
    rows = [
        f"{ARMS[pair['a']].name} $-$ {ARMS[pair['b']].name} & "
        + minus(f"{pair['difference']:+.3f} & [{pair['low']:+.3f}, {pair['high']:+.3f}] & ")
        + f"{pair['only_a']} / {pair['only_b']} & {p_value(pair['p_holm'])} \\\\"
        for pair in results["pairs"]
    ]
    return _tabular("lrcrr", r"Diferencia & $\Delta$ & IC 95\,\% & Sólo A / sólo B & $p$ (Holm) \\", rows)


def tuning_table(results: dict) -> str:
    """The tuning budget: every trial of every tuned arm, what validation said, and what was chosen."""
    rows = [
        f"{ARMS[row['arm']].name} & {row['value']:g} & {row['valid_mrr']:.3f} & {row['valid_accuracy']:.3f} & "
        + (r"$\bullet$ \\" if row["chosen"] else r"\\")
        for row in results["tuning"]
    ]
    return _tabular("lrrrc", r"Modelo & Valor & MRR (val.) & Exactitud (val.) & Elegido \\", rows)


def unseen_table(results: dict) -> str:
    """Diseases without a training row, all names as candidates, each arm by the scoring that validation chose."""
    shown = [row for row in results.get("unseen", []) if row["chosen"] and row["candidates"] == "all"]
    rows = [
        f"{ARMS[row['arm']].name} & {row['mrr']:.3f} & [{row['mrr_low']:.3f}, {row['mrr_high']:.3f}] & "
        f"{row['top1']:.3f} & {row['top5']:.3f} & {row['top10']:.3f} \\\\"
        for row in shown
    ]
    if chance := results.get("unseen_chance", {}).get("all"):
        rows.append(
            rf"\midrule Azar & {chance['mrr']:.3f} & & {chance['top1']:.3f} & {chance['top5']:.3f} & {chance['top10']:.3f} \\"
        )
    return _tabular("lrcrrr", r"Modelo & MRR & IC 95\,\% & Top-1 & Top-5 & Top-10 \\", rows)


def calibration_table(results: dict) -> str:
    """Expected calibration error and loss on test rows before and after temperature scaling."""
    rows = [
        f"{ARMS[arm].name} & {row['ece']:.3f} & {row['ece_scaled']:.3f} & {row['loss']:.2f} & {row['loss_scaled']:.2f} & "
        f"{row['temperature']:.2f} \\\\"
        for arm, row in results.get("calibration", {}).items()
    ]
    return _tabular("lrrrrr", r"Modelo & ECE & ECE con $T$ & Pérdida & Pérdida con $T$ & $T$ \\", rows)


def cost_table(results: dict) -> str:
    """Seconds, memory, arithmetic and parameters of a training, and the accuracy bought a minute."""
    rows = [
        f"{ARMS[arm].name} & {row['seconds']:.1f} & {row['memory']:.0f} & {power(row['flops'])} & {row['parameters']:,} & "
        f"{row['per_minute']:.3f} \\\\"
        for arm, row in results.get("cost", {}).items()
    ]
    return _tabular("lrrrrr", r"Modelo & Tiempo (s) & Memoria (MiB) & FLOP & Parámetros & Exactitud/min \\", rows)


def power(value: float | None) -> str:
    """1.2e13 as LaTeX writes it; a dash for what is no number."""
    if value is None:
        return "--"
    digits, exponent = f"{value:.1e}".split("e")
    return rf"${digits}\times 10^{{{int(exponent)}}}$"


def _tabular(columns: str, head: str, rows: list[str]) -> str:
    parts = [
        "% Written by helpers.report from results.json; do not edit.",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
    ]
    return "\n".join([*parts, *rows, r"\bottomrule", r"\end{tabular}"]) + "\n"


def write(file: Path, text: str) -> None:
    """Writes the file in one step."""
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


TABLES = {
    "comparacion": comparison_table,
    "pares": pairs_table,
    "intentos": tuning_table,
    "no_vistas": unseen_table,
    "calibracion": calibration_table,
    "costo": cost_table,
}
