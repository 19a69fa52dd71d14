"""Results in plain Spanish: one careful sentence each, with its number and its interval."""

from .comparison import estimate
from .config import ARMS


def points(value: float, low: float, high: float) -> str:
    """A difference of shares in percentage points: `+6.0 puntos porcentuales (IC 95 % de +0.4 a +12.2)`."""
    return f"{100 * value:+.1f} puntos porcentuales (IC 95 % de {100 * low:+.1f} a {100 * high:+.1f})"


def pair(row) -> str:
    """A row of `comparison.paired` as a sentence; says so where the interval and the corrected test do not agree."""
    a, b, size = ARMS[row.a].name, ARMS[row.b].name, points(row.difference, row.low, row.high)
    if row.low <= 0 <= row.high:
        note = " La prueba corregida, con la primera semilla, sí la distingue: cautela." if row.p_holm < 0.05 else ""
        return f"Entre {a} y {b}, el intervalo no distingue una diferencia: {size}, e incluye el cero.{note}"
    doubt = "" if row.p_holm < 0.05 else " La prueba corregida, con la primera semilla, no lo confirma."
    return f"**{a}** acierta {'más' if row.low > 0 else 'menos'} que {b}: {size}.{doubt}"


def counts(row) -> str:
    """What McNemar's test looks at, and what its p-value says, of a row of `comparison.paired`."""
    a, b, total = ARMS[row.a].name, ARMS[row.b].name, row.only_a + row.only_b
    if total == 0:
        return f"Con la primera semilla, {a} y {b} aciertan exactamente las mismas filas: no hay nada que comparar."
    p = "menos de 0.001" if row.p_holm < 0.001 else f"{row.p_holm:.3f}"
    return (
        f"Con la primera semilla, {total} filas distinguen a {a} de {b}: {row.only_a} las acierta sólo el primero y {row.only_b} "
        f"sólo el segundo. Si los dos acertaran lo mismo, un reparto al menos así de disparejo tendría probabilidad {row.p:.3g}; "
        f"corregida por hacer varias pruebas (Holm), {p}."
    )


def ninety_five(value: float, low: float, high: float) -> str:
    """What a 95 % interval promises, with its numbers: a property of the procedure, not of this one interval."""
    return (
        f"El intervalo {estimate(value, low, high, sign=True)} salió de un procedimiento que, repetido con otras enfermedades y otras "
        "semillas, daría intervalos que contienen la diferencia verdadera en unas 95 de cada 100 repeticiones. De *este* intervalo no "
        "se puede decir que la contenga «con probabilidad del 95 %»: la contiene o no."
    )


def worth(found: dict[str, float]) -> str:
    """`efficiency.worth` as a sentence; a number at the edge of what was measured is said to be one."""

    def times(k: float) -> str:
        if k >= found["limit"] * 0.999:
            return f"al menos {found['limit']:.1f}"
        return f"a lo más {1 / found['limit']:.2f}" if k <= 1.001 / found["limit"] else f"{k:.1f}"

    span = f"IC 95 %: entre {times(found['low'])} y {times(found['high'])}"
    sentence = f"El preentrenamiento vale {times(found['k'])} veces las etiquetas ({span})"
    if found["low"] <= 1 <= found["high"]:
        return sentence + ": el intervalo incluye el 1, así que no se distingue de no valer ninguna."
    return sentence + "."


def unseen(row, chance: float) -> str:
    """A row of `unseen.table` as a sentence: MRR beside that of a blind order."""
    size = estimate(row.mrr, row.mrr_low, row.mrr_high)
    verdict = "no se distingue del azar"
    if row.mrr_low > chance or row.mrr_high < chance:
        verdict = "por encima del azar" if row.mrr_low > chance else "por debajo del azar"
    return f"{ARMS[row.arm].name}: MRR {size}; al azar, {chance:.3f}: {verdict}."
