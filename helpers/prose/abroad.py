"""What other people's data say of the comparison, sentence by sentence."""

from math import log
from types import SimpleNamespace

from . import readings
from .numbers import estimate
from .readings import called, main_pair, pair_of, read_together


def claimed(results: dict) -> list[str]:
    """What other data say of the main pair, of the larger model, and of counting words; or nothing."""
    there, main = results["facts"]["external"] or {"pairs": []}, main_pair(results)
    large = "smollm2_finetuned"
    asked = (main.a, main.b), (main.a, "tfidf_logreg"), (large, main.a), (large, "tfidf_logreg")
    told = [
        readings.pair(SimpleNamespace(**row))
        for pair in asked
        for row in there["pairs"]
        if (row["a"], row["b"]) == pair
    ]
    if not told:
        return []
    if outdated(there, results):
        told.append("Allá las redes se entrenaron con otras épocas.")
    return [f"**Fuera de casa** ({there['num_labels']} enfermedades, oraciones sueltas). {' '.join(told)}"]


def beside(pair) -> str:
    """A pair's difference on other people's pages, as the end of a sentence; or nothing."""
    if pair is None:
        return ""
    return f"; con páginas ajenas, {estimate(pair.difference, pair.low, pair.high, sign=True)} puntos"


def outside(other: dict, results: dict) -> str:
    """Of which data and by which command numbers on other people's data are, and their differences."""
    pairs = [
        f"{called(row['a'])} − {called(row['b'])}: "
        f"{estimate(row['difference'], row['low'], row['high'], sign=True)} puntos"
        for row in other["pairs"]
    ]
    rows = f"{other['num_labels']} enfermedades · {other['rows']['test']} textos de prueba"
    head = f"`{other['command']}` · {rows}"
    more = filter(
        None, (read_together(other.get("together", [])), repeated(other, results), outdated(other, results))
    )
    return "\n\n".join([head, " ".join([f"{'; '.join(pairs)}.", *more])])


FADED = "Aquí ya no se distinguen de cero"


def repeated(other: dict, results: dict) -> str:
    """Which differences that are clear here are clear there too, which are not, which turn; or nothing."""
    kinds: dict[str, list[str]] = {"Se repite": [], FADED: [], "Cambia de signo": []}
    for row in other["pairs"]:
        home = pair_of(results, row["a"], row["b"])
        if home and (home.p_holm < 0.05 or not home.low <= 0 <= home.high):
            turned = "Se repite" if row["difference"] * home.difference > 0 else "Cambia de signo"
            told = f"{100 * home.difference:+.1f} → {100 * row['difference']:+.1f}".replace("-", "−")
            kind = kinds[FADED if row["low"] <= 0 <= row["high"] else turned]
            kind.append(f"{called(row['a'])} − {called(row['b'])} ({told})")
    told = [f"{kind}: {'; '.join(rows)}." for kind, rows in kinds.items() if rows]
    told += ["Con intervalos tan anchos, no distinguirse no es ser iguales."] if kinds[FADED] else []
    head = (
        "\n\n**Lectura.** De las diferencias que en casa eran claras, por su intervalo o por la prueba (en "
        "puntos, primero en casa y luego aquí). "
    )
    return head + " ".join(told) if told else ""


def outdated(other: dict, results: dict) -> str:
    """That numbers on other people's data are of other epochs than the comparison's, or nothing.

    The arm that is named is the one whose epochs have changed most.
    """
    then, now = other["profile"]["epochs"], results["profile"]["epochs"]
    scratch = main_pair(results).b
    if scratch in other["arms"] and then[scratch] < now[scratch]:
        return (
            f"Aquí las redes se entrenaron menos que en lo demás ({called(scratch)}: {then[scratch]} épocas, "
            f"no {now[scratch]}), y quien empieza de cero es el más perjudicado: esa diferencia no confirma "
            "la comparación principal."
        )
    moved = {arm: now[arm] / then[arm] for arm in other["arms"] if arm in then and arm in now}
    most = max(moved, key=lambda arm: abs(log(moved[arm])), default=None)
    if most is None or moved[most] == 1:
        return ""
    return (
        f"Se midió con otros hiperparámetros y falta repetirlo ({called(most)}: {then[most]} épocas allá y "
        f"{now[most]} aquí)."
    )
