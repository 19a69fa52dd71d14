"""Run records to LaTeX: results.json first, and from it alone the macros and the booktabs tables."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ..analysis.exam import read_together
from ..arms import ARMS
from ..data.study import Study
from ..experiments.plan import asked, takes_part
from ..files import write_json, write_text
from .macros import colors, macros
from .readings import fixed, latex, minus, number, p_value, power, span

NOTE = "% Written from results.json; do not edit.\n"


def comparison_table(results: dict) -> str:
    """The comparison, one row an arm, in the order of results.json."""
    rows = [
        (
            latex(row["name"]),
            *(fixed(row["accuracy"]), span(row["low"], row["high"])),
            *(fixed(row[key]) for key in ("top5", "mrr", "macro_f1")),
            number(row["class_perplexity"]),
            str(row["seeds"]),
        )
        for row in results["arms"].values()
    ]
    head = ("Modelo", "Exactitud", r"IC 95\,\%", "Top-5", "MRR", "F1 macro", "Perplejidad", "Semillas")
    return tabular("lrcrrrrr", head, rows)


def pairs_table(results: dict) -> str:
    """The paired differences."""
    rows = [
        (
            f"{ARMS[pair['a']].name} $-$ {ARMS[pair['b']].name}",
            minus(fixed(pair["difference"], sign="+")),
            minus(span(pair["low"], pair["high"], "+")),
            f"{pair['only_a']} / {pair['only_b']}",
            p_value(pair["p_holm"]),
        )
        for pair in results["pairs"]
    ]
    return tabular("lrcrr", ("Diferencia (A $-$ B)", r"$\Delta$", r"IC 95\,\%", "A / B", "$p$ (Holm)"), rows)


def tuning_table(results: dict) -> str:
    """The tuning budget, one row per arm: each value tried and its validation MRR, the chosen in bold."""
    tried = {}
    for row in results["tuning"]:
        text = rf"{row['value']:g} ({fixed(row['valid_mrr'])})"
        tried.setdefault(row["arm"], []).append(rf"\textbf{{{text}}}" if row["chosen"] else text)
    rows = [(ARMS[arm].name, ARMS[arm].hyperparameter, *cells) for arm, cells in tried.items()]
    trials = max(map(len, tried.values()))
    head = ("Modelo", "Hiperparámetro", *(f"Intento {number} (MRR)" for number in range(1, trials + 1)))
    return tabular("ll" + "r" * trials, head, [row + ("",) * (2 + trials - len(row)) for row in rows])


def unseen_table(results: dict) -> str:
    """Diseases without a training row, all names as candidates.

    Each arm by the scoring that validation chose.
    """
    rows = [
        (
            ARMS[row["arm"]].name,
            fixed(row["mrr"]),
            span(row["mrr_low"], row["mrr_high"]),
            *(fixed(row[key]) for key in ("top1", "top5", "top10")),
        )
        for row in results.get("unseen", [])
        if row.get("chosen", True) and row["candidates"] == "all"
    ]
    head = ("Modelo", "MRR", r"IC 95\,\%", "Top-1", "Top-5", "Top-10")
    if not (chance := results.get("unseen_chance", {}).get("all")):
        return tabular("lrcrrr", head, rows)
    tops = (fixed(chance[key]) for key in ("top1", "top5", "top10"))
    return tabular("lrcrrr", head, rows, [("Azar", fixed(chance["mrr"]), "", *tops)])


def calibration_table(results: dict) -> str:
    """Expected calibration error and loss on test rows before and after temperature scaling."""
    digits = {"ece": 3, "ece_scaled": 3, "loss": 2, "loss_scaled": 2, "temperature": 2}
    rows = [
        (ARMS[arm].name, *(fixed(row[key], places) for key, places in digits.items()))
        for arm, row in results.get("calibration", {}).items()
    ]
    return tabular("lrrrrr", ("Modelo", "ECE", "ECE con $T$", "Pérdida", "Pérdida con $T$", "$T$"), rows)


def cost_table(results: dict) -> str:
    """Seconds, memory, arithmetic and parameters of a training, and the accuracy bought a minute."""
    rows = [
        (
            *(ARMS[arm].name, fixed(row["seconds"], 1), number(row["memory"]), power(row["flops"])),
            *(number(row["parameters"]), fixed(row["per_minute"])),
        )
        for arm, row in results.get("cost", {}).items()
    ]
    head = ("Modelo", "Tiempo (s)", "Memoria (MiB)", "FLOP", "Parámetros", "Exactitud/min")
    return tabular("lrrrrr", head, rows)


def tabular(columns: str, head: tuple[str, ...], rows: list[tuple], last: list[tuple] = ()) -> str:
    """A booktabs tabular; `last` stands below a rule of its own."""
    body = [" & ".join(row) + r" \\" for row in rows]
    body += [r"\midrule", *(" & ".join(row) + r" \\" for row in last)] if last else []
    lines = (rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(head) + r" \\", r"\midrule")
    return "\n".join([*lines, *body, r"\bottomrule", r"\end{tabular}"]) + "\n"


TABLES = {
    "comparacion": comparison_table,
    "pares": pairs_table,
    "intentos": tuning_table,
    "no_vistas": unseen_table,
    "calibracion": calibration_table,
    "costo": cost_table,
}


def export(study: Study, first_attempt: dict, **parts) -> Path:
    """Writes report/generated/{results.json, macros.tex, tabla_*.tex}; returns the directory.

    The directory lies under the study's output. Everything in the .tex files is read back from results.json,
    so that changing a number there and calling `write_tex` changes it everywhere.

    first_attempt: the test metrics of the notes' network on whole pages. parts: what else is to be kept, one
    name each: a frame (indexed by arm: an object an arm; else a list of rows), or a dict of numbers. `arms`,
    `pairs` and `tuning` must be among them; `together` (see `exam.read_together`) is added.
    """
    directory = study.output / "report" / "generated"
    parts["together"] = read_together(study, asked(study, "seen"))
    results = (
        head(study) | {"first_attempt": first_attempt} | {name: plain(part) for name, part in parts.items()}
    )
    write_json(directory / "results.json", results)
    write_tex(directory)
    return directory


def head(study: Study) -> dict:
    """What results are of: profile, source, protocol, splits, sizes."""
    return {
        "profile": profile_of(study),
        "source": study.source_name,
        "protocol": study.protocol,
        "split": study.split_key,
        "page_split": study.page_key,
        "unseen_split": study.unseen_key,
        "num_labels": int(study.split["label"].nunique()),
        "rows": {name: int((study.split["side"] == name).sum()) for name in ("train", "valid", "test")},
    }


def profile_of(study: Study) -> dict:
    """The study's profile as JSON has it, with the epochs and the grid of every arm by its id."""
    arms = [ARMS[arm] for arm in ARMS if takes_part(study, arm)]
    profile = asdict(study.profile)
    profile["trials"] = {arm.id: study.profile.grid_of(arm) for arm in arms if arm.tuned}
    profile["epochs"] = {arm.id: epochs for arm in arms if (epochs := study.profile.epochs_of(arm))}
    del profile["grids"]
    return json.loads(json.dumps(profile))


def plain(part):
    """A frame or dict as JSON has it; what is no number (NaN) becomes null."""
    if isinstance(part, pd.DataFrame):
        return json.loads(
            part.to_json(orient="records" if isinstance(part.index, pd.RangeIndex) else "index")
        )
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return None if isinstance(part, float) and part != part else part


def write_tex(directory: Path) -> None:
    """Macros and tables in `directory` from its results.json."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    lines = "\n".join(rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros(results).items())
    write_text(directory / "macros.tex", f"{NOTE}{lines}\n{colors()}")
    for name, table in TABLES.items():
        write_text(directory / f"tabla_{name}.tex", NOTE + table(results))
