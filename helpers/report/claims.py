"""What the last notebooks and the report claim, sentence by sentence, each with its number and interval."""

from math import log
from types import SimpleNamespace

from ..arms import ARMS
from . import readings
from .readings import called, estimate, rank_estimate, share

UNTOUCHED = "smollm2_lm_zero", "gpt2_lm_zero"  # the first that is there
PAIR = ("smollm2_finetuned", "smollm2_scratch"), ("gpt2_finetuned", "gpt2_scratch")


def headline(claim: str) -> str:
    """A claim as a figure's title: without its bold beginning, emphasis and full stop."""
    text = claim.rpartition(":** ")[2].replace("*", "").rstrip(".")
    return text[0].upper() + text[1:]


def sizes(results: dict) -> str:
    """What the numbers are of: profile, diseases, rows, seeds, hands."""
    rows, seeds = results["rows"], len(results["profile"]["seeds"])
    hands = f" (de {len(results['hands'])} autores, modelos de lenguaje)" if results["hands"] else ""
    return (
        f"Perfil `{results['profile']['name']}` · {results['num_labels']} enfermedades · "
        f"{rows['train']} filas de entrenamiento; {rows['valid']} de validación y {rows['test']} de prueba"
        f"{hands} · hasta {seeds} semillas por modelo"
    )


def pair_of(results: dict, a: str, b: str) -> SimpleNamespace | None:
    """A stated pair of arms; None if it is not among them."""
    found = (row for row in results["pairs"] if (row["a"], row["b"]) == (a, b))
    return next((SimpleNamespace(**row) for row in found), None)


def main_pair(results: dict) -> SimpleNamespace:
    """The pair that the question is about: one architecture, pre-trained and not, the largest there is."""
    return next(row for pair in PAIR if (row := pair_of(results, *pair)))


def answer(results: dict) -> str:
    """The answer to the question in one line: the main pair's two accuracies."""
    pair = main_pair(results)
    a, b = (share(results["arms"][arm]["accuracy"]) for arm in (pair.a, pair.b))
    if pair.low <= 0 <= pair.high:
        return f"La misma red acierta {a} con lectura y {b} sin ella: no se distinguen"
    doubt = "" if pair.p_holm < 0.05 else " (sin confirmar al corregir por comparaciones múltiples)"
    return f"La misma red acierta {a} si antes leyó y {b} si no{doubt}"


def untouched(results: dict) -> str:
    """What the largest model that nobody trained for this puts first, and among its first five."""
    row = next(row for arm in UNTOUCHED if (row := results["arms"].get(arm)))
    return (
        f"{row['name']}: la correcta, entre sus cinco primeras en {share(row['top5'])} de los relatos (azar: "
        f"{share(min(5, results['num_labels']) / results['num_labels'])})"
    )


def podium(results: dict) -> str:
    """The three most accurate arms."""
    best = sorted(results["arms"].values(), key=lambda row: -row["accuracy"])[:3]
    return "; ".join(f"{row['name']}, {estimate(row['accuracy'], row['low'], row['high'])}" for row in best)


def best(results: dict) -> str:
    """The most accurate arm."""
    row = max(results["arms"].values(), key=lambda row: row["accuracy"])
    return f"La exactitud más alta es la de {row['name']}: {share(row['accuracy'])}"


def clear_pairs(results: dict) -> str:
    """How many of the stated differences exclude zero."""
    clear = sum(row["low"] > 0 or row["high"] < 0 for row in results["pairs"])
    confirmed = sum(row["p_holm"] < 0.05 for row in results["pairs"])
    return (
        f"En {clear} de {len(results['pairs'])} pares el intervalo excluye el cero; en {confirmed} lo "
        "confirma la prueba corregida"
    )


def last_steps(results: dict) -> list[SimpleNamespace]:
    """The last step of each ladder of two rungs or more: what moving every weight adds."""
    steps = [(rungs[-1], rungs[-2]) for rungs in results["ladders"] if len(rungs) > 1]
    return [pair_of(results, *step) for step in steps]


def moved(results: dict, spans: bool = False) -> str:
    """What moving every weight adds, ladder by ladder; spans: with intervals."""
    told = [
        f"{estimate(row.difference, *(row.low, row.high) if spans else (None, None), sign=True)} puntos en "
        f"{ARMS[row.a].family}"
        for row in last_steps(results)
    ]
    return f"Mover todos los pesos: {'; '.join(told)}"


def shared_words(results: dict, arms: list[str]) -> str:
    """How much accuracy the arms lose from the quarter that shares most words with the page to the least."""
    rows = {(row["arm"], row["part"]): row["accuracy"] for row in results["shared_words"]}
    last = max(part for _, part in rows)
    lost = {arm: rows[arm, last] - rows[arm, 0] for arm in arms if (arm, 0) in rows}
    return "; ".join(f"{called(arm)}, {100 * points:.1f} puntos menos" for arm, points in lost.items())


def worth(results: dict, row: dict) -> str:
    """`readings.worth`, with the doubt of the difference that it says in other words."""
    pair = pair_of(results, row["more"], row["less"])
    doubt = " Es la misma diferencia dicha de otro modo: la prueba corregida no la confirma."
    unsure = pair is not None and pair.p_holm >= 0.05 and not row["at_least"]
    return readings.worth(row) + doubt * unsure


def labels_saved(results: dict) -> str:
    """What the label curves say, pair by pair."""
    lines = [f"- {worth(results, row)}" for row in results["worth"]]
    return "\n".join(lines) or "Este perfil no entrena con menos pasajes: no hay alturas que leer."


def outside(other: dict, results: dict) -> str:
    """Of which data and by which command numbers on other people's data are, and their differences."""
    pairs = [
        f"{called(row['a'])} − {called(row['b'])}: "
        f"{estimate(row['difference'], row['low'], row['high'], sign=True)} puntos"
        for row in other["pairs"]
    ]
    rows = f"{other['num_labels']} enfermedades · {other['rows']['test']} textos de prueba"
    head = f"`{other['command']}` · {rows}"
    return f"{head}\n\n{'; '.join(pairs)}. {outdated(other, results)}".rstrip()


def outdated(other: dict, results: dict) -> str:
    """That numbers on other people's data are of other epochs than the comparison's, or nothing.

    The arm that is named is the one whose epochs have changed most.
    """
    then, now = other["profile"]["epochs"], results["profile"]["epochs"]
    moved = {arm: now[arm] / then[arm] for arm in other["arms"] if arm in then and arm in now}
    most = max(moved, key=lambda arm: abs(log(moved[arm])), default=None)
    if most is None or moved[most] == 1:
        return ""
    return (
        f"Se midió con otros hiperparámetros y falta repetirlo ({called(most)}: {then[most]} épocas allá y "
        f"{now[most]} aquí)."
    )


def unlabelled(results: dict) -> list[str]:
    """The claims about diseases without a label: each a gain over something, the guesser first."""
    return [readings.gain(SimpleNamespace(**row)) for row in results["gains"]]


def dose(results: dict) -> str:
    """What reading does: nothing read, the dose that is most accurate, the last."""
    points = sorted(results["dose"].get("points", ()), key=lambda row: row["tokens"])
    if not points:
        return "En este perfil no se midió la dosis."
    best, last = max(points, key=lambda row: row["accuracy"]), points[-1]
    told = [
        f"{share(row['accuracy'])} con {row['tokens'] / 1e6:.3g} millones de tokens" for row in (best, last)
    ]
    told = [f"lo más alto, {told[0]}", f"al final, {told[1]}"] if best is not last else told[1:]
    return "; ".join(
        [f"Sin leer nada, {share(row['accuracy'])}" for row in points if not row["tokens"]] + told
    )


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
        f"{len(above)} de {len(read)} bases{which}."
    )


def maps(results: dict) -> str:
    """Whose neighbourhoods hold most of the groups."""
    best = max(results["maps"], key=lambda arm: results["maps"][arm]["same_group"] or 0)
    row = results["maps"][best]
    return (
        f"{called(best)}: {share(row['same_group'])} de los vecinos más cercanos son del mismo grupo; al "
        f"azar, {share(row['chance'])}"
    )


def comparison(results: dict) -> list[str]:
    """The summary of the comparison."""
    main, against = main_pair(results), main_pair(results).a
    linear = pair_of(results, against, "tfidf_logreg")
    found = [
        f"**Preentrenar contra empezar de cero**, misma arquitectura: {readings.pair(main)}",
        f"**Contra contar palabras:** {readings.pair(linear)}",
        f"**Los tres más exactos** (al azar, {share(1 / results['num_labels'])}): {podium(results)}.",
        f"**La escalera:** {moved(results, spans=True)} (también cambian el suavizado y el "
        "*dropout* de tokens).",
        f"**Juntos:** {readings.together(results['together'])}",
    ]
    if results["dose"]:
        found.append(f"**La dosis:** {dose(results)}.")
    found += [f"**Pasajes:** {worth(results, row)}" for row in results["worth"][:1]]
    return found + [f"**Enfermedades nunca vistas:** {claim}" for claim in unlabelled(results)[:1]]


def price(results: dict) -> list[str]:
    """The summary of what is paid: forgetting, confidence, cost."""
    found = []
    for arm, kinds in results["forgetting"].items():
        domain, general = (
            rank_estimate(kinds[kind]["change"], kinds[kind]["low"], kinds[kind]["high"], "+")
            for kind in ("domain", "general")
        )
        found.append(
            f"**Olvido, {called(arm)}:** los bits por byte cambian {domain} en lo que dicen los pacientes y "
            f"{general} en texto general."
        )
    rows = results["confusions"]
    arm = max(
        (a for a, row in rows.items() if row["within"] is not None),
        key=lambda a: rows[a]["within"],
        default=None,
    )
    if arm is not None and any(row["chance"] for row in rows.values()):
        row = rows[arm]
        found.append(
            f"**Errores:** de los {row['errors']:.0f} de {called(arm)}, caen en el grupo correcto "
            f"{estimate(row['within'], row['low'], row['high'])} (al azar, {share(row['chance'])})."
        )
    scaled = {arm: row["perplexity_scaled"] for arm, row in results["calibration"].items()}
    best = min(scaled, key=scaled.get)
    found.append(
        f"**Confianza:** con temperatura, la menor perplejidad de clase es la de {called(best)}, "
        f"{scaled[best]:,.1f} (repartir por igual: {results['num_labels']})."
    )
    slow = max(results["cost"], key=lambda arm: results["cost"][arm]["seconds"])
    return [
        *found,
        f"**Costo:** el entrenamiento más largo es el de {called(slow)}, "
        f"{results['cost'][slow]['seconds']:,.0f} segundos; {ARMS['tfidf_logreg'].name} tarda "
        f"{results['cost']['tfidf_logreg']['seconds']:,.1f}.",
    ]
