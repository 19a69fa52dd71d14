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


def export(study: Study, summary: pd.DataFrame, pairs: pd.DataFrame, tuning: pd.DataFrame, first_attempt: dict) -> Path:
    """Writes report/generated/{results.json, macros.tex, tabla_*.tex} under the study's output; returns the directory.

    first_attempt: the test metrics of the notes' network on whole pages. Everything in the .tex files is read back from
    results.json, so that changing a number there and calling `write_tex` changes it everywhere.
    """
    directory = study.output / "report" / "generated"
    directory.mkdir(parents=True, exist_ok=True)
    results = {
        "profile": asdict(study.profile) | {"trials": {k: list(v) for k, v in study.profile.trials.items()}},
        "source": study.source_name,
        "protocol": study.protocol,
        "split": study.split_key,
        "page_split": study.page_key,
        "num_labels": int(study.split["label"].nunique()),
        "rows": {name: int((study.split["side"] == name).sum()) for name in ("train", "valid", "test")},
        "first_attempt": first_attempt,
        "arms": json.loads(summary.to_json(orient="index")),
        "pairs": json.loads(pairs.to_json(orient="records")),
        "tuning": json.loads(tuning.to_json(orient="records")),
    }
    _write(directory / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_tex(directory)
    return directory


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    lines = [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in sorted(macros(results).items())]
    _write(
        directory / "macros.tex",
        "% Written by helpers.report from results.json; do not edit.\n" + "\n".join(lines) + "\n",
    )
    _write(directory / "tabla_comparacion.tex", comparison_table(results))
    _write(directory / "tabla_pares.tex", pairs_table(results))


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
    return out


def macro_name(arm: str) -> str:
    """`gpt2_finetuned` -> `GptTwoFinetuned`: LaTeX command names hold letters only."""
    return "".join(part.capitalize() for part in re.sub(r"\d", lambda m: f"_{DIGITS[m.group()]}_", arm).split("_"))


def minus(text: str) -> str:
    """Signed numbers with a real minus sign instead of a hyphen."""
    return text.replace("-", r"\ensuremath{-}")


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


def _tabular(columns: str, head: str, rows: list[str]) -> str:
    parts = [
        "% Written by helpers.report from results.json; do not edit.",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
    ]
    return "\n".join([*parts, *rows, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _write(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)
