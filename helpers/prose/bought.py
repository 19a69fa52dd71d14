"""What reading buys, sentence by sentence: labels saved, diseases without one, dose by dose."""

from types import SimpleNamespace

from . import readings
from .numbers import share
from .readings import PAIR, called, pair_of


def worth(results: dict, row: dict) -> str:
    """`readings.worth`, with the doubt of the difference that it says in other words."""
    pair = pair_of(results, row["more"], row["less"])
    doubt = " Es la misma diferencia dicha de otro modo: la prueba corregida no la confirma."
    unsure = pair is not None and pair.p_holm >= 0.05 and not row["at_least"]
    return readings.worth(row) + doubt * unsure


def least_passages(results: dict) -> str:
    """The pair of the question with each number of passages a disease, as a figure's title."""
    told = [
        f"{100 * read:.1f} y {100 * blank:.1f} % con {size}" for size, read, blank in by_passages(results)
    ]
    if not told:
        return "Este perfil no entrena los dos puntos de partida con menos pasajes"
    return f"Con lectura y sin ella: {'; '.join(told)}"


def by_passages(results: dict) -> list[tuple[str, float, float]]:
    """How many passages a disease, in words, and the accuracies of the pair of the question with them."""
    known = {row["arm"] for row in results["curve"]}
    pair = next((pair for pair in PAIR if set(pair) <= known), ())
    rows = [
        sorted((row for row in results["curve"] if row["arm"] == arm), key=lambda row: row["per_disease"])
        for arm in pair
    ]
    if not rows:
        return []
    first, *more = (f"{row['per_disease']:.0f}" for row in rows[0][:-1])
    sizes = [f"{first} pasaje{'s' * (first != '1')} por enfermedad", *more, "todos"]
    return [(size, *(row["accuracy"] for row in own)) for size, *own in zip(sizes, *rows, strict=True)]


def labels_saved(results: dict) -> str:
    """What the label curves say, pair by pair, and how the pair of the question differs at each size."""
    lines = [f"- {worth(results, row)}" for row in results["worth"]]
    if not lines:
        return "Este perfil no entrena con menos pasajes: no hay alturas que leer."
    told = [
        f"{100 * (read - blank):+.1f} con {size}".replace("-", "−")
        for size, read, blank in by_passages(results)
    ]
    least = f"- Con lectura menos sin ella, en puntos: {'; '.join(told)}."
    return "\n".join([*lines, least] if told else lines)


def unlabelled(results: dict) -> list[str]:
    """The claims about diseases without a label: each a gain over something, the guesser first."""
    return [readings.gain(SimpleNamespace(**row)) for row in results["gains"]]


def dose(results: dict) -> str:
    """What reading does: nothing read, and the last dose."""
    points = sorted(results["dose"].get("points", ()), key=lambda row: row["tokens"])
    if not points:
        return "En este perfil no se midió la dosis."
    last = points[-1]
    told = [f"Sin leer nada, {share(row['accuracy'])}" for row in points if not row["tokens"]]
    return "; ".join([*told, f"con {last['tokens'] / 1e6:.3g} millones de tokens, {share(last['accuracy'])}"])


def enough(results: dict) -> str:
    """The accuracy after each dose, and of how many the difference from reading nothing is clear."""
    points = sorted(results["dose"].get("points", ()), key=lambda row: row["tokens"])
    read = [row for row in points if row["tokens"]]
    if not read:
        return dose(results)
    doses = " → ".join(f"{row['tokens'] / 1e6:.3g}" for row in points)
    right = " → ".join(f"{100 * row['accuracy']:.1f}" for row in points)
    above = [f"{row['tokens'] / 1e6:.3g}" for row in read if row["gain_low"] > 0]
    which = f" ({', '.join(above)})" if above else ""
    return (
        f"Con {doses} millones de tokens leídos: {right} % de exactitud. El intervalo de la diferencia con "
        "no haber leído nada, sin corregir, queda por encima de cero en "
        f"{len(above)} de {len(read)} bases{which}. {last_reading(read)}"
        f"{other_epochs(points, results)}"
    ).rstrip()


def last_reading(read: list[dict]) -> str:
    """What the last stretch of reading did, from the last dose but one; nothing of a single dose."""
    if len(read) < 2:
        return ""
    (few, before), (many, after) = ((row["tokens"], row["accuracy"]) for row in read[-2:])
    told = f"En el último tramo, {many / few:.0f} veces más lectura"
    if share(before) == share(after):
        return f"{told} deja la exactitud igual."
    return f"{told} lleva la exactitud de {share(before)} a {share(after)}."


def other_epochs(points: list[dict], results: dict) -> str:
    """That the doses were fine-tuned for other epochs than the comparison has, or nothing."""
    now = results["profile"]["epochs"]
    moved = {
        row["arm"]: row["epochs"] for row in points if row["epochs"] != now.get(row["arm"], row["epochs"])
    }
    told = [f"{called(arm)} tuvo {then} épocas, no {now[arm]}" for arm, then in moved.items()]
    return f" A diferencia de lo demás, aquí, {'; '.join(told)}." if told else ""
