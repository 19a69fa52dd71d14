"""Numbers and sentences as the class reads them: each with its interval, in careful Spanish."""

import re
from collections.abc import Iterable, Mapping
from html import escape

from ..arms import ARMS

DASH = "–"  # in the place of a number that does not exist


def is_missing(value: float | None) -> bool:
    """Whether there is no such number: a share of nothing, an interval of one seed."""
    return value is None or value != value


def fixed(value: float | None, digits: int = 3, sign: str = "") -> str:
    """A number with so many decimals; a dash where it does not exist."""
    return DASH if is_missing(value) else f"{value:{sign}.{digits}f}"


def estimate(value: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    """A number with its interval as every text shows it: `0.412 [0.381, 0.443]`."""
    form = "+" if sign else ""
    if is_missing(value) or is_missing(low) or is_missing(high):
        return fixed(value, sign=form).replace("-", "−")
    return f"{fixed(value, sign=form)} [{fixed(low, sign=form)}, {fixed(high, sign=form)}]".replace("-", "−")


def points(value: float, low: float, high: float) -> str:
    """A difference of shares in percentage points: `+6.0 puntos porcentuales (IC 95 % de +0.4 a +12.2)`."""
    return (
        f"{100 * value:+.1f} puntos porcentuales (IC 95 % de {100 * low:+.1f} a {100 * high:+.1f})".replace(
            "-", "−"
        )
    )


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage with so many decimals; a dash where it does not exist."""
    return DASH if is_missing(value) else f"{100 * value:.{digits}f} %"


def shares(value: float, low: float, high: float) -> str:
    """A share with its interval as percentages: `58.6 % [54.6, 62.6]`."""
    return f"{share(value)} [{100 * low:.1f}, {100 * high:.1f}]"


def side_by_side(texts: Mapping[str, str]) -> str:
    """Texts under their titles in columns of the same width, as HTML."""
    width = 100 // max(1, len(texts))
    cells = "".join(
        f'<td style="width:{width}%;text-align:left;vertical-align:top;white-space:normal">'
        f"<b>{escape(title)}</b><br>{escape(text)}</td>"
        for title, text in texts.items()
    )
    return f'<table class="textos"><tr>{cells}</tr></table>'


def quiz(questions: Iterable[str], known: Iterable[str], title: str = "Las respuestas") -> str:
    """A numbered list, and its answers behind a fold that opens with a click, as HTML."""
    asked, told = ("".join(f"<li>{escape(line)}</li>" for line in lines) for lines in (questions, known))
    answers = f"<details><summary>{escape(title)}</summary><ol>{told}</ol></details>"
    return f'<div class="textos"><ol>{asked}</ol>{answers}</div>'


MINUS = r"\ensuremath{-}"


def latex(text: str) -> str:
    r"""Plain or Markdown text as LaTeX: bold and emphasis, `%`, `&` and `_` escaped, real minus signs."""
    text = re.sub(r"([#$&_{}])", r"\\\1", text.replace("\\$", "$"))
    text = text.replace(" %", r"\,\%").replace("−", MINUS)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    return re.sub(r"\*(.+?)\*", r"\\emph{\1}", text)


def minus(numbers: str) -> str:
    """Numbers with LaTeX's minus sign instead of a hyphen or a character that its fonts may lack."""
    return numbers.replace("-", MINUS).replace("−", MINUS)


LARGE = 1e9  # from here on a number is written as a power of ten


def number(value: float | None) -> str:
    r"""A count for siunitx, `\num{1234}`; below a thousand as it is."""
    if is_missing(value):
        return DASH
    if abs(value) >= LARGE:
        return power(value)
    return str(round(value)) if abs(value) < 1000 else rf"\num{{{round(value)}}}"


def percent(value: float | None) -> str:
    r"""0.123 -> `12.3\,\%`, without decimals from 99.5 % on and for zero."""
    if is_missing(value):
        return DASH
    digits = 0 if value in (0, 1) else 1
    return rf"{100 * value:.{digits}f}\,\%"


def p_value(p: float | None) -> str:
    """A p-value to three decimals, `<0.001` below."""
    if is_missing(p):
        return DASH
    return r"\ensuremath{<}0.001" if p < 0.001 else f"{p:.3f}"


def power(value: float | None) -> str:
    """1.2e13 for siunitx; a dash for what is no number."""
    return DASH if is_missing(value) else rf"\num{{{value:.1e}}}"


def span(low: float, high: float, sign: str = "") -> str:
    """An interval: `[0.106, 0.155]`."""
    if is_missing(low) or is_missing(high):
        return DASH
    return f"[{low:{sign}.3f}, {high:{sign}.3f}]"


def pair(row) -> str:
    """A row of `comparison.paired` as a sentence.

    It says so where the interval and the corrected test do not agree.
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
    """`comparison.worth` as a sentence; a factor that was only bounded from below is said to be so."""
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


def gain(found: tuple[float, float, float]) -> str:
    """`unseen.gain` as a sentence."""
    verdict = "excluye" if found[1] > 0 or found[2] < 0 else "incluye"
    return f"Preentrenado − desde cero: {estimate(*found, sign=True)} de MRR; el intervalo {verdict} el cero."


def within(confusions, grouped: bool) -> str:
    """What the confusions by group show (see `errors.confusion_groups`).

    grouped: whether any group has two labels.
    """
    if not grouped:
        return "Estos datos no traen grupos de enfermedades parecidas"
    if confusions["within"].isna().all():
        return "Ningún modelo se equivoca: no hay errores que repartir"
    most = confusions["within"].idxmax()
    share = 100 * confusions.loc[most, "within"]
    return f"{ARMS[most].name}: {share:.0f} % de sus errores caen en el grupo correcto"
