"""Numbers and sentences as the class reads them: each with its interval, in careful Spanish."""

import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from ..arms import ARMS
from ..config import get_profile
from ..data.study import Study
from ..figures.style import EXAMS
from .numbers import estimate, is_missing, p_value, points, rank_estimate, share


def called(name: str) -> str:
    """An arm's name, or that of what stands beside arms: the guesser, the sum of two."""
    return BESIDE.get(name) or ARMS[name].name


BESIDE = {"guesser": "El adivino", "together": "La suma de los dos"}

PAIR = ("smollm2_finetuned", "smollm2_scratch"), ("gpt2_finetuned", "gpt2_scratch")


def pair_of(results: dict, a: str, b: str) -> SimpleNamespace | None:
    """A stated pair of arms; None if it is not among them."""
    found = (row for row in results["pairs"] if (row["a"], row["b"]) == (a, b))
    return next((SimpleNamespace(**row) for row in found), None)


def main_pair(results: dict) -> SimpleNamespace:
    """The pair that the question is about: one architecture, pre-trained and not.

    Of those there are, the one of most seeds; among equals the larger.
    """
    return max(twins(results), key=lambda pair: results["arms"][pair.a]["seeds"])


def twins(results: dict) -> list[SimpleNamespace]:
    """Every pair of one architecture, pre-trained and not, that was compared: the larger first."""
    return [row for pair in PAIR if (row := pair_of(results, *pair))]


def opening(study: Study, *packages: str) -> str:
    """What the outputs are of: profile, diseases, rows, seeds, and the versions of some packages."""
    rows, exam = study.split["side"].value_counts(), EXAMS[study.protocol]
    parts = [
        f"Perfil **{study.profile.name}**",
        f"{study.num_labels} enfermedades de `{study.source_name}`",
        f"{rows['train']} {exam.unit} para entrenar, {rows['valid']} textos para elegir, {rows['test']} "
        "para examinar",
        f"semillas {', '.join(map(str, study.profile.seeds))}",
        *(f"{name} {version(name)}" for name in packages),
    ]
    return " · ".join(parts) + aside(elsewhere(study.source_name, study.protocol, study.profile.base))


def aside(told: str) -> str:
    """A notice as a paragraph of its own, in markdown; nothing where there is none."""
    return told and f"\n\n> **Aviso.** {told}"


def elsewhere(source: str, protocol: str, base: str) -> str:
    """That what is written, not computed, is of another source or base than these; nothing where it fits."""
    if (source, protocol, base) == ("embedded", "patients", get_profile("class").base):
        return ""
    asked = (
        ""
        if protocol == "patients"
        else f" Donde dice «relato» o «paciente», aquí se examina con {EXAMS[protocol].asked}."
    )
    return (
        f"Los números son de la fuente «{source}», repartida {EXAMS[protocol].by}, con la base "
        f"«{Path(base).name}». El texto se escribió para el corpus incluido y GPT-2 mini: lo que dice del "
        f"origen de los textos, de los relatos y de la base no vale aquí.{asked}"
    )


def against_chance(row, classes: int) -> str:
    """Whether an arm (a row of `comparison.summary`) is right more often than chance."""
    if row.low > 1 / classes:
        return "acierta más que el azar"
    return "acierta menos que el azar" if row.high < 1 / classes else "no se distingue del azar"


def watched(losses: list[float], accuracies: list[float], classes: int, others: float) -> str:
    """What a training that the class has watched did to its own texts, beside an even guess, and to others.

    others: its accuracy on validation texts.
    """
    return (
        f"**Lectura.** La pérdida pasa de {losses[0]:.2f} (repartir por igual: {math.log(classes):.2f}) a "
        f"{losses[-1]:.2f}, y la exactitud en esos mismos textos, de {share(accuracies[0])} a "
        f"{share(accuracies[-1])}. En los de validación, que no vio: {share(others)} (azar: "
        f"{share(1 / classes)})."
    )


def pair(row) -> str:
    """A row of `comparison.paired` as a sentence.

    It says so where the interval and the corrected test do not agree.
    """
    a, b, size = called(row.a), called(row.b), points(row.difference, row.low, row.high)
    if row.low <= 0 <= row.high:
        note = " La prueba corregida sí la distingue; hay que tomarlo con cautela." * (row.p_holm < 0.05)
        return f"Entre {a} y {b} no se distingue una diferencia: {size}; el intervalo incluye el cero.{note}"
    better = f"acierta {'más' if row.low > 0 else 'menos'} que {b}, con una diferencia de {size}"
    if row.p_holm < 0.05:
        return f"**{a}** {better}."
    if row.p >= 0.05:
        raw = f"la prueba de signos no lo confirma, ni sin corregir (*p* = {row.p:.3f})"
        return f"En este examen, {a} {better}; {raw}."
    return f"En este examen, {a} {better}; la prueba corregida por comparaciones múltiples no lo confirma."


def flips(row) -> str:
    """What the sign-flip test asks, and what its p-value says, of a row of `comparison.paired`."""
    a, b = called(row.a), called(row.b)
    p, corrected = ("menos de 0.001" if value < 0.001 else f"{value:.3f}" for value in (row.p, row.p_holm))
    return (
        f"Supón que {a} y {b}, ya entrenados, fueran intercambiables. Entonces, en cada enfermedad, "
        "podríamos cambiar los resultados de uno por los del otro sin que nada se notara. Haciéndolo al azar "
        f"muchas veces, una diferencia al menos tan grande como la medida sale con una probabilidad de {p}: "
        "ése es el valor *p*. No es la probabilidad de que sean iguales, y no incluye la variación entre "
        f"semillas. Corregido por todas las comparaciones de esta familia (Holm): {corrected}."
    )


def ninety_five(value: float, low: float, high: float) -> str:
    """What a 95 % interval promises, with its numbers: a property of the procedure, not of this one."""
    return (
        f"El intervalo {estimate(value, low, high, sign=True)} (en puntos porcentuales) salió de un "
        "procedimiento pensado para que, repetido con otras enfermedades de prueba y otras semillas, sus "
        "intervalos contengan la diferencia verdadera unas 95 de cada 100 veces (aproximadamente: el "
        "*bootstrap* con pocas semillas puede quedarse corto). De *este* intervalo no se puede decir que la "
        "contenga «con probabilidad del 95 %»: la contiene o no."
    )


def worth(found: Mapping) -> str:
    """`efficiency.worth` as a sentence, with the height at which it was read.

    Where one curve begins above the other's end they share no height, and no number is given.
    """
    more, less, height = called(found["more"]), called(found["less"]), share(found["height"])
    if found["at_least"]:
        return (
            f"{more} ya está, con el menor número de pasajes, por encima de todo lo que {less} "
            f"alcanza ({height}): las curvas no comparten ninguna altura, así que no se puede leer "
            "cuántos pasajes ahorra."
        )
    high = f"{found['high']:.1f}{' o más' if found['open'] > 0.025 else ''}"
    sentence = (
        f"A una exactitud de {height}, {less} necesita {found['k']:.1f} veces los pasajes de {more} "
        f"(IC 95 %: de {found['low']:.1f} a {high})"
    )
    if found["low"] <= 1 <= found["high"]:
        return sentence + "; el intervalo incluye el 1: no se distingue de no ahorrar ninguno."
    return sentence + "."


def gain(row) -> str:
    """A row of `unseen.gains` as a sentence: against the guesser it is a claim about knowledge."""
    a, b = called(row.a), called(row.b)
    b = b[0].lower() + b[1:] if row.b in BESIDE else b
    size = rank_estimate(row.difference, row.low, row.high, "+")
    size += f" de MRR, *p* corregido {p_value(row.p_holm)}"
    if is_missing(row.low) or row.low <= 0 <= row.high:
        return f"Entre {a} y {b} no se distingue una diferencia en las enfermedades nunca vistas: {size}."
    if row.p_holm >= 0.05:
        side = "encima" if row.low > 0 else "debajo"
        return (
            f"{a} queda por {side} de {b} en las enfermedades nunca vistas, pero la prueba corregida no lo "
            f"confirma: {size}."
        ).replace(" de el ", " del ")
    better = "mejor" if row.low > 0 else "peor"
    return f"**{a}** ordena las enfermedades nunca vistas {better} que {b}: {size}."


def together(found: Mapping) -> str:
    """`together.together` as a sentence."""
    a, b, pair_ = called(found["a"]), called(found["b"]), found["pair"]
    doubt = (
        "; la prueba corregida por comparaciones múltiples no lo confirma"
        if pair_["p_holm"] >= 0.05 and not pair_["low"] <= 0 <= pair_["high"]
        else ""
    )
    return (
        f"{a} y {b}, sumando sus log-probabilidades, cada una con su temperatura "
        f"({share(found['share'], 0)} del peso para el segundo, elegido en validación): "
        f"{estimate(found['accuracy'], found['low'], found['high'])}; respecto de "
        f"{called(pair_['b'])} por separado, "
        f"{estimate(pair_['difference'], pair_['low'], pair_['high'], sign=True)} puntos{doubt}. De los "
        "textos, "
        f"{share(found['both'])} los aciertan ambos, {share(found['only_a'])} sólo el primero, "
        f"{share(found['only_b'])} sólo el segundo y {share(found['neither'])} ninguno."
    )


def read_together(rows: list[dict]) -> str:
    """What reading all test sentences of a page together does (`exam.read_together`), for the three best."""
    arms: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda row: row["read"]):
        arms.setdefault(row["arm"], []).append(row)
    best = sorted(arms.values(), key=lambda own: -own[-1]["accuracy"])[:3]
    told = [
        f"{called(last['arm'])}, {estimate(last['accuracy'], last['low'], last['high'])} (esas mismas, de "
        f"una en una: {share(first['accuracy'])})"
        for first, last in ((own[0], own[-1]) for own in best)
    ]
    if not told:
        return ""
    most = best[0][-1]
    return (
        f"En las {most['rows']} páginas que tienen {most['read']} oraciones de prueba, si se leen juntas: "
        f"{'; '.join(told)}."
    )
