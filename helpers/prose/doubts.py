"""What tells against taking the comparison at its word: authors, validation, earlier looks, edges."""

from ..arms import ARMS
from ..data.published import EARLIER
from . import abroad
from .numbers import estimate, rank_estimate, share
from .readings import called, main_pair, pair_of

# Of these it is told what sharing few words with the page costs them: all that count words among them.
SUSPECTED = "naive_bayes", "bag", "tfidf_logreg", "bilstm", "gpt2_finetuned", "smollm2_finetuned"


def by_hands(results: dict) -> str:
    """The main pair's interval when the authors are drawn too, and its range over them; or nothing."""
    if not results["hands"]:
        return ""
    pair = main_pair(results)
    each = sorted(results["by_hand"], key=lambda row: row["difference"])
    told = [
        f"Si también se vuelven a sortear los {len(results['hands'])} autores de los relatos, el intervalo "
        f"de la comparación principal va de {100 * pair.hand_low:+.1f} a {100 * pair.hand_high:+.1f} puntos."
    ]
    if pair.hand_low <= 0 <= pair.hand_high:
        told.append("Incluye el cero: con otros autores la diferencia podría no verse.")
    if each:
        least, most = (
            f"{100 * row['difference']:+.1f} ({row['rows']} relatos)" for row in (each[0], each[-1])
        )
        told.append(f"Autor por autor, la diferencia va de {least} a {most}.")
    return " ".join(told).replace("-", "−")


def lost_by_hands(results: dict) -> str:
    """The pairs whose interval no longer excludes zero when the authors are drawn too."""
    lost = [
        f"{called(row['a'])} − {called(row['b'])}"
        for row in results["pairs"]
        if not row["low"] <= 0 <= row["high"] and row["hand_low"] <= 0 <= row["hand_high"]
    ]
    return f"**Lectura.** Dejan de excluirlo: {'; '.join(lost) or 'ninguno'}." if results["hands"] else ""


def on_validation(results: dict) -> str:
    """What the main pair's seeds did on validation, on average, with the values that were chosen there."""
    pair = main_pair(results)
    a, b = (
        f"{called(arm)}, {share(results['arms'][arm]['valid_accuracy'])} (en prueba, "
        f"{share(results['arms'][arm]['accuracy'])})"
        for arm in (pair.a, pair.b)
    )
    return (
        f"En los {results['rows']['valid']} textos de validación aciertan: {a}; {b}. Son cifras de su mejor "
        f"época y su mejor tasa, y por eso no deciden; tampoco se pueden callar. No se sabe si elegir "
        "explica toda la caída."
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
        f"trabajo, que dejaban entrenar menos a alguno de los dos: {'; '.join(told)}. Ahora, con {b} y {a}, "
        f"son {100 * main_pair(results).difference:+.1f}. La diferencia depende, pues, de cuánto se "
        "deja entrenar a cada uno; lo decidió la validación."
    ).replace("-", "−")


def longer(results: dict) -> str:
    """What more epochs did on validation, arm by arm (see `facts.longer`); nothing where none were tried."""
    told = [
        f"{called(row['arm'])}, {row['mrr'][0]:.3f} → {row['mrr'][1]:.3f} "
        f"({row['epochs'][0]} → {row['epochs'][1]} épocas)"
        for row in results["longer"]
    ]
    if not told:
        return ""
    return (
        f"Con más épocas, MRR de validación: {'; '.join(told)}. Son máximos de una semilla en "
        f"{results['rows']['valid']} textos: un cambio de unas centésimas, hacia arriba o hacia abajo, cabe "
        "en el ruido."
    )


def doubts(results: dict) -> list[str]:
    """What else is known of the main pair, and tells against taking its difference at its word."""
    return [text for tell in (by_hands, on_validation, earlier, longer) if (text := tell(results))]


def certainty(results: dict) -> str:
    """How sure the main pair's difference is: with other authors, on validation, elsewhere; or nothing."""
    main = main_pair(results)
    if not results["hands"]:
        return ""
    a, b = (share(results["arms"][arm]["valid_accuracy"]) for arm in (main.a, main.b))
    unsure = ""
    if main.p_holm >= 0.05:
        unsure = " Con estos datos no se puede asegurar que preentrenar este modelo ayude."
    elif main.hand_low <= 0 <= main.hand_high:
        unsure = " Con otros autores podría no verse."
    there = pair_of(results["facts"]["external"] or {"pairs": []}, main.a, main.b)
    if there and there.low <= 0 <= there.high:
        unsure += " En las páginas ajenas no se distingue de cero."
    return f"{other_hands(main)}; en validación, {a} contra {b}{abroad.beside(there)}.{unsure}"


def other_hands(pair) -> str:
    """A pair's interval when the authors of the statements are drawn too."""
    low, high = (f"{100 * value:+.1f}".replace("-", "−") for value in (pair.hand_low, pair.hand_high))
    return f"sorteando también a los autores de los relatos, de {low} a {high} puntos"


def own_pages_harm(results: dict) -> str:
    """That pre-training on its own pages alone ended below none at all, where it did."""
    row = pair_of(results, "gpt2_self", "gpt2_scratch")
    if row is None or row.difference >= 0:
        return ""
    size = estimate(row.difference, row.low, row.high, sign=True)
    return (
        f" Cuidado: «{called(row.a)}» queda incluso por debajo de {called(row.b)} ({size}"
        f"{', sin confirmar' if row.p_holm >= 0.05 else ''}): parte de esa diferencia puede ser lo que aquel "
        "preentrenamiento estorbó."
    )


def above_chance(results: dict, candidates: str = "all") -> str:
    """Which of the models that answer rank diseases without a label better than chance, intervals and all.

    candidates: which names compete, as in `tables.unseen`.
    """
    rows = [row for row in results["unseen"] if row["candidates"] == candidates and ARMS[row["arm"]].answers]
    if not rows:
        return ""
    luck = results["unseen_chance"][candidates]["mrr"]
    told = [
        f"{called(row['arm'])} ({rank_estimate(row['mrr'], row['mrr_low'], row['mrr_high'])})"
        for row in rows
        if row["mrr_low"] is not None and row["mrr_low"] > luck
    ]
    return (
        f"Con todo su intervalo por encima del azar (MRR {luck:.3f}), de los que responden: "
        f"{'; '.join(told) or 'ninguno'}."
    )


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
    told += f" Con un solo valor, sin elegir: {', '.join(single)}." if single else ""
    past = [
        f"{called(row['arm'])} con {row['value'][1]:g}, MRR de validación {row['mrr'][1]:.3f} (con "
        f"{row['value'][0]:g}, {row['mrr'][0]:.3f})"
        for row in results["beyond"]
    ]
    return told + (f" Más allá de la orilla se probó: {'; '.join(past)}." if past else "")


def few(results: dict) -> str:
    """How few statements choose and examine where diseases are held out; or nothing."""
    rows = results["facts"]["unseen"]
    if not rows.get("test"):
        return ""
    return (
        f"La prueba son {rows['test']} textos de {rows['diseases']} enfermedades; con sólo "
        f"{rows.get('valid', 0)} textos se eligieron la tasa, la época y la parte que se resta, y lo que se "
        "elige con tan pocos puede ser casualidad."
    )


def shared_words(results: dict) -> str:
    """How much accuracy SUSPECTED lose from the quarter that shares most words with the page to the least."""
    rows = {(row["arm"], row["part"]): row["accuracy"] for row in results["shared_words"]}
    last = max(part for _, part in rows)
    lost = {arm: rows[arm, last] - rows[arm, 0] for arm in SUSPECTED if (arm, 0) in rows}
    part = {arm: points / rows[arm, last] if rows[arm, last] else 0.0 for arm, points in lost.items()}
    told = "; ".join(f"{called(arm)}, {100 * lost[arm]:.1f} ({share(part[arm], 0)})" for arm in lost)
    scales = [
        [[own[arm] for arm in lost if belongs(ARMS[arm])] for belongs in (counts_words, was_trained_before)]
        for own in (lost, part)
    ]
    if not all(scales[0]):
        note = ""
    elif all(min(counts) > max(read) for counts, read in scales):
        note = " La sospecha se cumple: quienes cuentan palabras pierden más que los preentrenados."
    elif all(max(counts) < min(read) for counts, read in scales):
        note = (
            " La sospecha no se cumple: quienes cuentan palabras pierden menos. Esta prueba no explica su "
            "ventaja."
        )
    else:
        note = (
            " El resultado es mixto: de los que cuentan palabras unos pierden más que los preentrenados y "
            "otros menos. La sospecha ni se confirma ni se descarta."
        )
    return (
        "De los textos que más comparten a los que menos se pierden estos puntos (entre paréntesis, como "
        f"parte de los aciertos): {told}.{note}"
    )


def counts_words(arm) -> bool:
    """Whether an arm is one of scikit-learn's, which count words."""
    return arm.framework == "sklearn"


def was_trained_before(arm) -> bool:
    """Whether an arm starts from a pre-trained base."""
    return arm.start == "base"


def sharing_least(results: dict, arms: list[str]) -> str:
    """Which of some arms is most accurate on the quarter that shares fewest words with the page."""
    rows = {row["arm"]: row["accuracy"] for row in results["shared_words"] if row["part"] == 0}
    first = max((arm for arm in arms if arm in rows), key=rows.get)
    return f"En los textos que menos palabras comparten va primero {called(first)}: {share(rows[first])}"
