"""Results in plain Spanish: one careful sentence each, with its number and its interval."""

from ..arms import ARMS
from .numbers import estimate, points


def pair(row) -> str:
    """A row of `comparison.paired` as a sentence; says so where the interval and the corrected test do not
    agree.
    """
    a, b, size = ARMS[row.a].name, ARMS[row.b].name, points(row.difference, row.low, row.high)
    if row.low <= 0 <= row.high:
        note = " La prueba corregida, con la primera semilla, sí la distingue; hay que tomarlo con cautela."
        note = note if row.p_holm < 0.05 else ""
        return f"Entre {a} y {b} no se distingue una diferencia: {size}; el intervalo incluye el cero.{note}"
    doubt = "" if row.p_holm < 0.05 else " La prueba corregida, con la primera semilla, no lo confirma."
    return (
        f"**{a}** acierta {'más' if row.low > 0 else 'menos'} que {b}, con una diferencia de {size}.{doubt}"
    )


def counts(row) -> str:
    """What McNemar's test looks at, and what its p-value says, of a row of `comparison.paired`."""
    a, b, total = ARMS[row.a].name, ARMS[row.b].name, row.only_a + row.only_b
    if total == 0:
        same = f"Con la primera semilla, {a} y {b} aciertan exactamente las mismas filas"
        return f"{same}: no hay nada que comparar."
    p, corrected = ("menos de 0.001" if value < 0.001 else f"{value:.3f}" for value in (row.p, row.p_holm))
    return (
        f"Con la primera semilla, {total} filas distinguen a {a} de {b}: {row.only_a} las acierta sólo el "
        f"primero y {row.only_b} sólo el segundo. Si los dos acertaran con la misma probabilidad (y las "
        f"filas fueran independientes), un reparto al menos así de disparejo tendría probabilidad {p}: ése "
        "es el valor *p*, que no es la probabilidad de que sean iguales. Corregido por hacer varias pruebas "
        f"(Holm): {corrected}."
    )


def ninety_five(value: float, low: float, high: float) -> str:
    """What a 95 % interval promises, with its numbers: a property of the procedure, not of this one."""
    return (
        f"El intervalo {estimate(value, low, high, sign=True)} salió de un procedimiento pensado para que, "
        "repetido con otras enfermedades de prueba y otras semillas, sus intervalos contengan la diferencia "
        "verdadera unas 95 de cada 100 veces (aproximadamente: el *bootstrap* con pocas semillas puede "
        "quedarse corto). De *este* intervalo no se puede decir que la contenga «con probabilidad del 95 %»: "
        "la contiene o no."
    )


def worth(found: dict[str, float]) -> str:
    """`efficiency.worth` as a sentence; a factor that was only bounded from below is said to be so."""
    k = f"{found['k']:.1f}{' o más' if found['at_least'] else ''}"
    high = f"{found['high']:.1f}{' o más' if found['open'] > 0.025 else ''}"
    sentence = (
        f"Preentrenar equivale a multiplicar las etiquetas por {k} (IC 95 %: de {found['low']:.1f} a {high})"
    )
    if found["low"] <= 1 <= found["high"]:
        return sentence + "; el intervalo incluye el 1: no se distingue de no ahorrar etiquetas."
    return sentence + "."


def unseen(row, chance: float) -> str:
    """A row of `unseen.table` as a sentence: MRR beside that of a blind order."""
    size = estimate(row.mrr, row.mrr_low, row.mrr_high)
    verdict = "no se distingue del azar"
    # all names the same is chance, but for rounding
    if row.mrr_low > chance + 1e-6 or row.mrr_high < chance - 1e-6:
        verdict = "por encima del azar" if row.mrr_low > chance else "por debajo del azar"
    return f"{ARMS[row.arm].name}: MRR {size}; al azar, {chance:.3f}: {verdict}."
