"""Numbers as the class reads them: each with its interval; a dash where there is none."""

import re

DASH = "–"  # in the place of a number that does not exist


def is_missing(value: float | None) -> bool:
    """Whether there is no such number: a share of nothing, an interval of one seed."""
    return value is None or value != value


def decimals(value: float | None, digits: int = 3, sign: str = "") -> str:
    """A number with so many decimals; a dash where it does not exist."""
    if is_missing(value):
        return DASH
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage with so many decimals; a dash where it does not exist."""
    return DASH if is_missing(value) else f"{100 * value:.{digits}f} %"


def share_span(low: float | None, high: float | None) -> str:
    """An interval of shares: `[54.6, 62.6]`, in percent."""
    return DASH if is_missing(low) or is_missing(high) else f"[{100 * low:.1f}, {100 * high:.1f}]"


def difference_span(low: float | None, high: float | None) -> str:
    """An interval of differences of shares: `[+0.4, +12.2]`, in percentage points."""
    if is_missing(low) or is_missing(high):
        return DASH
    return f"[{100 * low:+.1f}, {100 * high:+.1f}]".replace("-", "−")


def estimate(value: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    """A share with its interval, `58.6 % [54.6, 62.6]`; with sign a difference, `+6.0 [+0.4, +11.6]`."""
    if sign:
        shown = DASH if is_missing(value) else f"{100 * value:+.1f}".replace("-", "−")
        return shown if is_missing(low) else f"{shown} {difference_span(low, high)}"
    return share(value) if is_missing(low) or low == high else f"{share(value)} {share_span(low, high)}"


def rank_estimate(value: float, low: float, high: float, sign: str = "") -> str:
    """An MRR, or with sign "+" a difference of two, with its interval: `0.412 [0.381, 0.443]`."""
    if is_missing(low) or is_missing(high):
        return decimals(value, sign=sign)
    return f"{decimals(value, sign=sign)} [{decimals(low, sign=sign)}, {decimals(high, sign=sign)}]"


def points(value: float, low: float, high: float) -> str:
    """A difference of shares in percentage points: `+6.0 puntos porcentuales (IC 95 % de +0.4 a +12.2)`."""
    return (
        f"{100 * value:+.1f} puntos porcentuales (IC 95 % de {100 * low:+.1f} a {100 * high:+.1f})".replace(
            "-", "−"
        )
    )


def thousands(value: float | None, digits: int = 0) -> str:
    """A count with its thousands apart; from LARGE on a power of ten, a dash where it does not exist."""
    if is_missing(value):
        return DASH
    return power(value) if abs(value) >= LARGE else f"{value:,.{digits}f}"


def power(value: float | None) -> str:
    """`1.2e+13`; a dash for what is no number."""
    return DASH if is_missing(value) else f"{value:.1e}"


def p_value(p: float | None) -> str:
    """A p-value to three decimals, `< 0.001` below."""
    if is_missing(p):
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


LARGE = 1e9  # from here on a number is written as a power of ten

POWER = re.compile(r"(\d(?:\.\d+)?)e([+-]?\d+)")
