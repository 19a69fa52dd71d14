"""The tables of the comparison: each once, as the notebooks show it and as LaTeX sets it."""

from collections.abc import Callable

import pandas as pd

from ..arms import ARMS, called_after
from ..figures.recurrent import KNOBS
from ..prose.numbers import (
    DASH,
    decimals,
    difference_span,
    estimate,
    is_missing,
    p_value,
    power,
    rank_estimate,
    share,
    share_span,
    thousands,
)
from ..prose.readings import called
from ..prose.table import Given, Table

EXACT = "exacta"  # in the place of an interval, where an accuracy is arithmetic


def accuracy_cells(row: dict) -> tuple[str, ...]:
    """An arm's name, accuracy, its interval, top-5 and MRR."""
    span = EXACT if row["low"] == row["high"] else share_span(row["low"], row["high"])
    return row["name"], share(row["accuracy"]), span, share(row["top5"]), decimals(row["mrr"])


def comparison(results: dict) -> Table:
    """The arms on the same rows, in the order of results.json."""
    rows = [
        (
            *accuracy_cells(row),
            share(row["macro_f1"]),
            thousands(row["class_perplexity"], 1),
            str(row["seeds"]),
        )
        for row in results["arms"].values()
    ]
    head = ("Modelo", "Exactitud", "IC 95 %", "Top-5", "MRR", "F1 macro", "Perplejidad", "Semillas")
    return Table(head, rows)


def pairs(results: dict, only: list[tuple[str, str]] | None = None) -> Table:
    """Paired differences in accuracy; only: some of them (None: all that are stated)."""
    rows = [
        (
            f"{called(pair['a'])} − {called(pair['b'])}",
            *difference_cells(pair),
            p_value(pair["p_holm"]),
            f"{pair['only_a']} / {pair['only_b']}",
            p_value(pair["p_first"]),
        )
        for pair in results["pairs"]
        if only is None or (pair["a"], pair["b"]) in only
    ]
    head = ("Diferencia (A − B)", "Puntos", "IC 95 %", "p (Holm)", "Sólo A / sólo B", "McNemar, sin corregir")
    return Table(head, rows)


def difference_cells(pair: dict) -> tuple[str, str]:
    """A difference in percentage points and its interval."""
    return f"{100 * pair['difference']:+.1f}".replace("-", "−"), difference_span(pair["low"], pair["high"])


def hands(results: dict) -> Table:
    """The main intervals beside those that also draw who wrote the statements."""
    rows = [
        (
            f"{called(pair['a'])} − {called(pair['b'])}",
            *difference_cells(pair),
            difference_span(pair["hand_low"], pair["hand_high"]),
        )
        for pair in results["pairs"]
    ]
    return Table(("Diferencia (A − B)", "Puntos", "IC 95 %", "… y autores"), rows)


def tuning(results: dict) -> Table:
    """The tuning budget, one row an arm: each value tried, its validation MRR, ✓ at the chosen one.

    Last, the value that the least validation loss would have chosen, where it is another.
    """
    tried: dict[str, list[dict]] = {}
    for row in results["tuning"]:
        tried.setdefault(row["arm"], []).append(row)
    most, rows = max(map(len, tried.values()), default=0), []
    for arm, own in tried.items():
        cells = [f"{row['value']:g}: {row['valid_mrr']:.3f}{' ✓' * row['chosen']}" for row in own]
        by_loss = min(own, key=lambda row: row["valid_loss"])
        other = "" if by_loss["chosen"] else f"{by_loss['value']:g}"
        rows.append((called(arm), ARMS[arm].hyperparameter, *cells, *[""] * (most - len(cells)), other))
    tries = (f"Valor {number}: MRR" for number in range(1, most + 1))
    return Table(("Modelo", "Hiperparámetro", *tries, "Por pérdida"), rows)


def unseen(results: dict, candidates: str = "all") -> Table:
    """Diseases without a training row: every arm's ranking, the guessers', and chance.

    Among the names held out the first ten may be all there are, and are left out.
    """
    by_chance = results["unseen_chance"].get(candidates)
    tops = [top for top in (1, 5, 10) if by_chance is None or by_chance[f"top{top}"] < 1]

    def cells(row: dict) -> tuple[str, ...]:
        span = f"[{row['mrr_low']:.3f}, {row['mrr_high']:.3f}]" if not is_missing(row["mrr_low"]) else DASH
        span = "empate" if row["mrr_low"] == row["mrr_high"] else span
        return decimals(row["mrr"]), span, *(share(row[f"top{top}"]) for top in tops)

    rows = [(called(row["arm"]), *cells(row)) for row in results["unseen"] if row["candidates"] == candidates]
    guessers = [
        (GUESSERS[row["knows"]], *cells(row))
        for row in results["guessers"]
        if row["candidates"] == candidates
    ]
    last = (
        [("Azar", decimals(by_chance["mrr"]), "", *(share(by_chance[f"top{top}"]) for top in tops))]
        if by_chance
        else []
    )
    head = ("Modelo", "MRR", "IC 95 %", *(f"Top-{top}" for top in tops))
    return Table(head, rows, [*guessers, *last])


GUESSERS = {"english": "Adivino (nombres en inglés)", "all": "Adivino (todos los nombres)"}


def gains(results: dict) -> Table:
    """Differences in MRR on diseases without a training row."""
    rows = [
        (
            f"{called(row['a'])} − {called(row['b'])}",
            decimals(row["difference"], sign="+"),
            DASH if is_missing(row["low"]) else f"[{row['low']:+.3f}, {row['high']:+.3f}]".replace("-", "−"),
            p_value(row["p_holm"]),
        )
        for row in results["gains"]
    ]
    return Table(("Diferencia de MRR (A − B)", "Δ", "IC 95 % (BCa)", "p (Holm)"), rows)


def calibration(results: dict) -> Table:
    """Class perplexity and expected calibration error on test rows before and after temperature scaling."""
    rows = [
        (
            called(arm),
            thousands(row["perplexity"], 1),
            thousands(row["perplexity_scaled"], 1),
            share(row["ece"]),
            share(row["ece_scaled"]),
            decimals(row["temperature"], 2),
        )
        for arm, row in results["calibration"].items()
    ]
    head = ("Modelo", "Perplejidad", "Perplejidad con T", "ECE", "ECE con T", "T")
    return Table(head, rows)


def confusions(results: dict) -> Table:
    """Share of each arm's errors in the right group; at the end what would be by chance."""
    found = results["confusions"]
    rows = [(called(arm), estimate(row["within"], row["low"], row["high"])) for arm, row in found.items()]
    luck = [("Al azar", share(row["chance"])) for row in list(found.values())[:1]]
    return Table(("Modelo", "Errores en el grupo correcto [IC 95 %]"), rows, luck)


def cost(results: dict) -> Table:
    """Seconds, memory, arithmetic and parameters of one training; below, of the pre-training."""
    rows = [
        (
            called(arm),
            thousands(row["seconds"], 1 if (row["seconds"] or 0) < 10 else 0),
            thousands(row["memory"]),
            power(row["flops"] or None),
            thousands(row["parameters"]),
        )
        for arm, row in results["cost"].items()
    ]
    read = [
        (
            f"Preentrenar {row['name']}",
            DASH if is_missing(row["seconds"]) else thousands(row["seconds"]),
            DASH,
            power(row["flops"]),
            thousands(row["parameters"]),
        )
        for row in results["facts"]["pretraining"].values()
    ]
    return Table(("Modelo", "Segundos", "Memoria (MiB)", "FLOP", "Parámetros"), rows, read)


def forgetting(results: dict) -> Table:
    """Bits per byte before and after fine-tuning, on what patients say and on anything else."""
    kinds = {"domain": "los textos del examen", "general": "texto general"}
    rows = [
        (
            f"{called(arm)}: {kinds[kind]}",
            decimals(row["bits_before"], 2),
            decimals(row["bits_after"], 2),
            rank_estimate(row["change"], row["low"], row["high"], "+"),
            f"{thousands(row['perplexity_before'], 1)} → {thousands(row['perplexity_after'], 1)}",
        )
        for arm, changes in results["forgetting"].items()
        for kind, row in changes.items()
    ]
    return Table(("Texto", "Antes", "Después", "Cambio [IC 95 %]", "Perplejidad de token"), rows)


def story(results: dict) -> Table:
    """What each arm answers to the statement that is followed (see `gallery.answered`)."""
    rows = [
        (called(arm), Given(row["first"]), str(row["place"]))
        for arm, row in results["story"]["answers"].items()
    ]
    return Table(("Modelo", "Su primera respuesta", "Lugar de la correcta"), rows)


def external(other: dict) -> Table:
    """The comparison on other people's data (see `facts.external_files`), which has a base of its own."""
    names = {arm: called_after(ARMS[arm], other["profile"]["base"]).name for arm in other["arms"]}
    rows = [accuracy_cells(row | {"name": names[arm]}) for arm, row in other["arms"].items()]
    return Table(("Modelo", "Exactitud", "IC 95 %", "Top-5", "MRR"), rows)


def knobs(table: pd.DataFrame) -> Table:
    """Each hyperparameter changed by itself (see `comparison.swept`)."""
    rows = []
    for row in table.itertuples():
        name, written = KNOBS.get(row.name, ("sin cambios", ""))
        found = f"{row.mrr:.3f}", share(row.accuracy)
        rows.append(
            (name, written.format(row.value), *found, f"{row.seconds:.2f}", thousands(row.parameters))
        )
    head = ("Hiperparámetro", "Valor", "MRR (validación)", "Exactitud (validación)")
    return Table((*head, "Segundos por época", "Parámetros"), rows)


TABLES: dict[str, Callable[[dict], Table]] = {
    "comparacion": comparison,
    "pares": pairs,
    "intentos": tuning,
    "no_vistas": unseen,
    "ganancias": gains,
    "costo": cost,
    "olvido": forgetting,
    "relato": story,
}
