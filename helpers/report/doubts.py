"""What tells against taking the comparison at its word: authors, validation, earlier looks, edges."""

from . import claims
from .published import EARLIER
from .readings import called, share


def by_hands(results: dict) -> str:
    """The main pair's interval when the authors are drawn too, and its range over them; or nothing."""
    if not results["hands"]:
        return ""
    pair = claims.main_pair(results)
    each = sorted(results["by_hand"], key=lambda row: row["difference"])
    told = [
        f"Si también se vuelven a sortear los {len(results['hands'])} autores de los relatos, el intervalo "
        f"de la comparación principal va de {100 * pair.hand_low:+.1f} a {100 * pair.hand_high:+.1f} puntos."
    ]
    if each:
        least, most = (
            f"{100 * row['difference']:+.1f} ({row['rows']} relatos)" for row in (each[0], each[-1])
        )
        told.append(f"Autor por autor, la diferencia va de {least} a {most}.")
    return " ".join(told).replace("-", "−")


def on_validation(results: dict) -> str:
    """What the main pair's first seed did on validation, with the values that were chosen there."""
    pair = claims.main_pair(results)
    chosen = {row["arm"]: row["valid_accuracy"] for row in results["tuning"] if row["chosen"]}
    a, b = (f"{called(arm)}, {share(chosen[arm])}" for arm in (pair.a, pair.b))
    return (
        f"En los {results['rows']['valid']} relatos de validación, con la primera semilla, aciertan: "
        f"{a}; {b}. Son los mejores de sus épocas y de sus tasas, y por eso no deciden; tampoco se pueden "
        "callar."
    )


def earlier(results: dict) -> str:
    """What the same exam said in earlier versions of the comparison; nothing where this is another exam."""
    if results["split"] != EARLIER["split"]:
        return ""
    told = [
        f"con {own['epochs'][1]} épocas desde cero y {own['epochs'][0]} de ajuste fino, "
        f"{100 * (own['accuracy'][0] - own['accuracy'][1]):+.1f} puntos"
        for own in EARLIER["versions"]
    ]
    a, b = (results["profile"]["epochs"][arm] for arm in EARLIER["pair"])
    return (
        "La prueba no intervino en ninguna elección, pero ya se había visto en versiones anteriores de este "
        f"trabajo: {'; '.join(told)}. Quien empieza de cero no había terminado de mejorar en validación; con "
        f"más épocas ({b}; {a} de ajuste fino) la diferencia se encogió. Depende, pues, de cuánto se le deje "
        "entrenar."
    )


def longer(results: dict) -> str:
    """What more epochs did on validation, arm by arm (see `facts.longer`); nothing where none were tried."""
    told = [
        f"{called(row['arm'])}, {row['mrr'][0]:.3f} → {row['mrr'][1]:.3f} "
        f"({row['epochs'][0]} → {row['epochs'][1]} épocas)"
        for row in results["longer"]
    ]
    if not told:
        return ""
    return f"Con más épocas, MRR de validación: {'; '.join(told)}. A quien sube le faltaba entrenar."


def doubts(results: dict) -> list[str]:
    """What else is known of the main pair, and tells against taking its difference at its word."""
    return [text for tell in (by_hands, on_validation, earlier, longer) if (text := tell(results))]


def at_edge(results: dict) -> str:
    """The arms whose chosen value is the least or the greatest that was tried."""
    tried: dict[str, list[dict]] = {}
    for row in results["tuning"]:
        tried.setdefault(row["arm"], []).append(row)
    found = [
        called(arm)
        for arm, own in tried.items()
        if len(own) > 1
        and next(row["value"] for row in own if row["chosen"]) in (own[0]["value"], own[-1]["value"])
    ]
    single = [called(arm) for arm, own in tried.items() if len(own) == 1]
    told = f"En la orilla de lo probado quedaron: {', '.join(found) or 'ninguno'}."
    return told + (f" Con un solo valor, sin elegir: {', '.join(single)}." if single else "")


def few(results: dict) -> str:
    """How few statements choose and examine where diseases are held out; or nothing."""
    rows = results["facts"]["unseen"]
    if not rows:
        return ""
    return (
        f"Son pocos: {rows.get('test', 0)} relatos examinan, y sólo {rows.get('valid', 0)} eligen la tasa "
        "y la parte que se resta; lo que se elige con tan pocos puede ser casualidad."
    )
