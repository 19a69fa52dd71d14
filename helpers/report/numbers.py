"""Numbers as the class reads them: with their interval, in percent, for LaTeX."""

import re


def estimate(value: float, low: float, high: float, sign: bool = False) -> str:
    """A number with its interval as every text shows it: `0.412 [0.381, 0.443]`."""
    form = "+.3f" if sign else ".3f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]".replace("-", "−")


def points(value: float, low: float, high: float) -> str:
    """A difference of shares in percentage points: `+6.0 puntos porcentuales (IC 95 % de +0.4 a +12.2)`."""
    return (
        f"{100 * value:+.1f} puntos porcentuales (IC 95 % de {100 * low:+.1f} a {100 * high:+.1f})".replace(
            "-", "−"
        )
    )


MINUS = r"\ensuremath{-}"


def latex(text: str) -> str:
    r"""Plain or Markdown text as LaTeX: bold and emphasis, `%`, `&` and `_` escaped, real minus signs."""
    text = text.replace("&", r"\&").replace("_", r"\_").replace(" %", r"\,\%").replace("−", MINUS)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    return re.sub(r"\*(.+?)\*", r"\\emph{\1}", text)


def minus(numbers: str) -> str:
    """Numbers with LaTeX's minus sign instead of a hyphen or a character that its fonts may lack."""
    return numbers.replace("-", MINUS).replace("−", MINUS)


def number(value: float) -> str:
    r"""A count for siunitx, `\num{1234}`; below a thousand as it is."""
    return str(round(value)) if abs(value) < 1000 else rf"\num{{{round(value)}}}"


def percent(value: float) -> str:
    r"""0.123 -> `12.3\,\%`, without decimals from 99.5 % on and for zero."""
    digits = 0 if value in (0, 1) else 1
    return rf"{100 * value:.{digits}f}\,\%"


def p_value(p: float) -> str:
    """A p-value to three decimals, `<0.001` below."""
    return r"\ensuremath{<}0.001" if p < 0.001 else f"{p:.3f}"


def power(value: float | None) -> str:
    """1.2e13 for siunitx; a dash for what is no number."""
    return "--" if value is None else rf"\num{{{value:.1e}}}"


def span(low: float, high: float, sign: str = "") -> str:
    """An interval: `[0.106, 0.155]`."""
    return f"[{low:{sign}.3f}, {high:{sign}.3f}]"
