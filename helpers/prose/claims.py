"""What the comparison and the report claim, sentence by sentence, each with its number and interval."""

from types import SimpleNamespace

from ..arms import ARMS
from . import abroad, bought, doubts, readings
from .numbers import estimate, share
from .readings import PAIR, aside, called, elsewhere, main_pair, pair_of, twins

UNTOUCHED = "smollm2_lm_zero", "gpt2_lm_zero"  # the first that is there


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
    ) + aside(elsewhere(results["source"], results["protocol"], results["profile"]["base"]))


def answer(results: dict) -> str:
    """The answer to the question in one line: the two accuracies of the main pair, and what others do."""
    pair = main_pair(results)
    a, b = two_starts(results, pair)
    if pair.low <= 0 <= pair.high:
        return f"La misma red acierta {a} con lectura y {b} sin ella: no se distinguen{others(results)}"
    return f"La misma red acierta {a} si antes leyó y {b} si no{unconfirmed(pair)}{others(results)}"


def two_starts(results: dict, pair) -> tuple[str, str]:
    """The accuracies of a pair's two arms."""
    a, b = (share(results["arms"][arm]["accuracy"]) for arm in (pair.a, pair.b))
    return a, b


def unconfirmed(pair) -> str:
    """That the corrected test does not confirm a pair, or nothing."""
    return "" if pair.p_holm < 0.05 else " (sin confirmar)"


def others(results: dict) -> str:
    """What the second pairs and counting words do, as the end of a sentence; nothing where none is there."""
    told = [
        f"; {ARMS[pair.a].family}, {' y '.join(two_starts(results, pair))}{unconfirmed(pair)}"
        for pair in second_pairs(results)
    ]
    if words := results["arms"].get("tfidf_logreg"):
        told.append(f"; contar palabras, {share(words['accuracy'])}")
    return "".join(told)


def second_pairs(results: dict) -> list[SimpleNamespace]:
    """The pairs of one architecture, pre-trained and not, besides the main one."""
    main = main_pair(results)
    return [pair for pair in twins(results) if pair.a != main.a]


def tried_once(results: dict, pair) -> str:
    """That a pair had one seed, or one rate, and what that leaves open; or nothing."""
    seeds = {results["arms"][arm]["seeds"] for arm in (pair.a, pair.b)}
    rates = {len(results["profile"]["trials"][arm]) for arm in (pair.a, pair.b)}
    once = [name for name, of in (("una sola semilla", seeds), ("una sola tasa", rates)) if of == {1}]
    later = "; con más épocas, la red que empieza de cero podría acercarse"
    return f" Se midió con {' y '.join(once)}{later}." if once else ""


def untouched(results: dict) -> str:
    """What the largest model that nobody trained for this puts first, and among its first five."""
    row = next(row for arm in UNTOUCHED if (row := results["arms"].get(arm)))
    return (
        f"{row['name']}: la correcta, entre sus cinco primeras en el {share(row['top5'])} de los textos "
        f"(azar: {share(min(5, results['num_labels']) / results['num_labels'])})"
    )


def podium(results: dict) -> str:
    """The three most accurate arms."""
    best = sorted(results["arms"].values(), key=lambda row: -row["accuracy"])[:3]
    return "; ".join(f"{row['name']}, {estimate(row['accuracy'], row['low'], row['high'])}" for row in best)


def best(results: dict) -> str:
    """The most accurate arm."""
    row = max(results["arms"].values(), key=lambda row: row["accuracy"])
    return f"De un solo modelo, la exactitud más alta es la de {row['name']}: {share(row['accuracy'])}"


def clear_pairs(results: dict) -> str:
    """How many of the stated differences exclude zero, and how many of these the corrected test confirms."""
    rows = results["pairs"]
    return (
        f"En {len(clear(rows))} de {len(rows)} pares el intervalo excluye el cero; en {len(confirmed(rows))} "
        "de ellos lo confirma la prueba corregida"
    )


def clear(rows: list[dict]) -> list[dict]:
    """The differences whose interval excludes zero."""
    return [row for row in rows if row["low"] > 0 or row["high"] < 0]


def confirmed(rows: list[dict]) -> list[dict]:
    """Those of `clear` that the corrected test confirms."""
    return [row for row in clear(rows) if row["p_holm"] < 0.05]


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


def maps(results: dict) -> str:
    """Whose neighbourhoods hold most of the groups."""
    if not results["maps"]:
        return "Estos datos no traen grupos de enfermedades parecidas"
    best = max(results["maps"], key=lambda arm: results["maps"][arm]["same_group"] or 0)
    row = results["maps"][best]
    return (
        f"{called(best)}: el {share(row['same_group'])} de los vecinos más cercanos de otra enfermedad es "
        f"del mismo grupo; al azar, {share(row['chance'])}"
    )


def moved_maps(results: dict) -> str:
    """What reading and moving every weight do to the neighbourhoods, family by family; or nothing."""
    part = {arm: share(row["same_group"]) for arm, row in results["maps"].items()}
    blank = {tuned: f"{part[scratch]} desde cero, " for tuned, scratch in PAIR if scratch in part}
    told = [
        f"{ARMS[frozen].family}, {blank.get(tuned, '')}{part[frozen]} congelado y {part[tuned]} ajustado"
        for frozen, tuned in (("gpt2_frozen", "gpt2_finetuned"), ("smollm2_frozen", "smollm2_finetuned"))
        if {frozen, tuned} <= set(part)
    ]
    return f"**Lectura.** Vecinos del mismo grupo: {'; '.join(told)}." if told else ""


def comparison(results: dict) -> list[str]:
    """The summary of the comparison."""
    main, against = main_pair(results), main_pair(results).a
    linear = pair_of(results, against, "tfidf_logreg")
    meant = (
        "Apunta a la lectura. "
        if (own := pair_of(results, "gpt2_finetuned", "gpt2_self")) and (own.low > 0 and own.p_holm < 0.05)
        else ""
    )

    def pairs(a: str, b: str) -> list[SimpleNamespace]:
        found = pair_of(results, a, b)
        return [found] if found and (a, b) != (against, "tfidf_logreg") else []

    found = [
        f"**Preentrenar contra empezar de cero**, misma arquitectura. {readings.pair(main)}",
        *(f"**Qué tan seguro:** {told}" for told in [doubts.certainty(results)] if told),
        *(
            f"**Lo mismo con {ARMS[row.a].family}.** {readings.pair(row)}{tried_once(results, row)}"
            for row in second_pairs(results)
        ),
        f"**Contra contar palabras:** {readings.pair(linear)}",
        *(f"**El grande:** {readings.pair(row)}" for row in pairs("smollm2_finetuned", "tfidf_logreg")),
        *(f"**Contra la BiLSTM:** {readings.pair(row)}" for row in pairs(against, "bilstm")),
        *(
            f"**¿Objetivo o lectura?** {meant}{readings.pair(row)}{doubts.own_pages_harm(results)}"
            for row in pairs("gpt2_finetuned", "gpt2_self")
        ),
        f"**Los tres más exactos** (al azar, {share(1 / results['num_labels'])}): {podium(results)}.",
        f"**Paso a paso:** {moved(results, spans=True)} (también cambian el suavizado "
        "de las etiquetas y el *dropout* de tokens).",
        f"**Juntos:** {readings.together(results['together'])}",
    ]
    if results["dose"]:
        found.append(f"**La dosis:** {bought.dose(results)}.")
    found += [f"**Pasajes:** {bought.worth(results, row)}" for row in results["worth"][:1]]
    found += [f"**Enfermedades nunca vistas:** {claim}" for claim in bought.unlabelled(results)[:1]]
    return found + abroad.claimed(results)
