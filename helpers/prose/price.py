"""What is paid, sentence by sentence: forgetting, errors, confidence, cost."""

from ..arms import ARMS
from .numbers import DASH, estimate, is_missing, rank_estimate, share
from .readings import called, main_pair


def summary(results: dict) -> list[str]:
    """The summary of what is paid: forgetting, errors, confidence, cost."""
    found = []
    for arm, kinds in results["forgetting"].items():
        domain, general = (
            rank_estimate(kinds[kind]["change"], kinds[kind]["low"], kinds[kind]["high"], "+")
            for kind in ("domain", "general")
        )
        found.append(
            f"**Olvido, {called(arm)}:** los bits por byte cambian {domain} en los textos del examen y "
            f"{general} en texto general (menos es mejor); se conservó la época "
            f"{epoch(kinds['general'])}."
        )
    return [
        *found,
        *mistakes(results),
        f"**Confianza:** {confidence(results)}.",
        f"**Costo:** {cost(results)}.",
    ]


def epoch(row: dict) -> str:
    """Which epoch was kept, of how many."""
    return DASH if is_missing(row["epoch"]) else f"{row['epoch']:g} de {row['epochs']}"


def others_forget(results: dict) -> str:
    """What the other models that answer forget of general text, and which epoch of each was kept."""
    rows = {arm: kinds["general"] for arm, kinds in results["forgetting"].items()}
    if not rows:
        return ""
    told = [
        f"{called(arm)}: {rank_estimate(row['change'], row['low'], row['high'], '+')} en texto general."
        for arm, row in list(rows.items())[1:]
    ]
    kept = [f"{called(arm)}, la {epoch(row)}" for arm, row in rows.items()]
    told += [f"Época que se conservó: {'; '.join(kept)}."]
    return " ".join([*told, "Lo que se olvida depende también de cuántos pasos se dan, y con qué tasa."])


def mistakes(results: dict) -> list[str]:
    """Whose errors fall into the right group no more often than chance; nothing where there are no groups."""
    rows = {arm: row for arm, row in results["confusions"].items() if row["within"] is not None}
    luck = max((row["chance"] for row in rows.values()), default=0)
    if not luck:
        return []
    unsure = [
        f"{called(arm)} ({share(row['within'])})"
        for arm, row in rows.items()
        if not row["low"] > row["chance"]
    ]
    told = f"; no se distingue del azar en {', '.join(unsure)}" if unsure else ""
    return [
        f"**Errores:** los de {len(rows) - len(unsure)} de {len(rows)} modelos caen en el grupo correcto más "
        f"a menudo que al azar ({share(luck)}){told}."
    ]


def sharpest(results: dict) -> str:
    """The arm of the lowest class perplexity, with temperature."""
    scaled = {own: found["perplexity_scaled"] for own, found in results["calibration"].items()}
    best = min(scaled, key=scaled.get)
    return (
        f"Con temperatura, la menor perplejidad de clase es la de {called(best)}, {scaled[best]:,.1f} "
        f"(repartir por igual: {results['num_labels']})"
    )


def confidence(results: dict) -> str:
    """How sure the main pair's better half says it is, how right it is, and what the temperature mends."""
    arm = main_pair(results).a
    row = results["calibration"][arm]
    side = "le falta" if row["confidence"] < row["accuracy"] else "le sobra"
    return (
        f"{called(arm)} declara {share(row['confidence'])} y acierta {share(row['accuracy'])}: {side} "
        f"confianza. Con temperatura su ECE va de {share(row['ece'])} a {share(row['ece_scaled'])}. "
        f"{other_start(results)} {worst_calibrated(results)} {sharpest(results)}"
    )


def other_start(results: dict) -> str:
    """The calibration of the main pair's other half, and the class perplexity of both, with temperature."""
    pair = main_pair(results)
    tuned, blank = (results["calibration"][arm] for arm in (pair.a, pair.b))
    return (
        f"El de {called(pair.b)} va de {share(blank['ece'])} a {share(blank['ece_scaled'])}, y su "
        f"perplejidad de clase con temperatura es {blank['perplexity_scaled']:,.1f} (con ajuste fino, "
        f"{tuned['perplexity_scaled']:,.1f})."
    )


def worst_calibrated(results: dict) -> str:
    """The arm of the greatest calibration error before any temperature, and what that makes of it."""
    rows = results["calibration"]
    worst = max(rows, key=lambda arm: rows[arm]["ece"])
    return (
        f"El ECE más alto sin temperatura es el de {called(worst)}: {share(rows[worst]['ece'])}; con ella, "
        f"{share(rows[worst]['ece_scaled'])}."
    )


def tempered(results: dict) -> str:
    """In how many arms the temperature lowers the calibration error, as a figure's title."""
    rows = results["calibration"].values()
    mended = sum(row["ece_scaled"] < row["ece"] for row in rows)
    return f"La temperatura baja el error de calibración en {mended} de {len(rows)} modelos"


def slowest(results: dict) -> str:
    """What the most accurate network takes to train, and what counting words takes."""
    rows = results["cost"]
    best = max((arm for arm in rows if ARMS[arm].framework != "sklearn"), key=lambda a: rows[a]["accuracy"])
    return (
        f"Entrenar {called(best)}, la red más exacta, tarda {rows[best]['seconds']:,.0f} segundos; "
        f"{called('tfidf_logreg')}, {rows['tfidf_logreg']['seconds']:,.1f} s"
    )


def cost(results: dict) -> str:
    """What the main pair's fine-tuning takes, its base's pre-training, and the most accurate linear arm."""
    arm = main_pair(results).a
    own, words = results["cost"][arm], results["cost"]["tfidf_logreg"]
    read = results["facts"]["pretraining"].get(results["profile"]["base"], {}).get("seconds")
    before = f"preentrenar su base, {read:,.0f}, una sola vez; " if read else ""
    others = [
        f"{called(other)}, {row['seconds']:,.0f} segundos y {share(row['accuracy'])}, sin "
        "contar lo que costó preentrenarlo; "
        for other, row in results["cost"].items()
        if ARMS[other].large
        and (ARMS[other].start, ARMS[other].frozen) == (ARMS[arm].start, ARMS[arm].frozen)
        and not ARMS[other].answers
        and ARMS[other].family != ARMS[arm].family
    ]
    return (
        f"ajustar {ARMS[arm].family} tarda {own['seconds']:,.0f} segundos y, ajustado, acierta "
        f"{share(own['accuracy'])}; {before}{''.join(others)}{called('tfidf_logreg')}, "
        f"{words['seconds']:,.1f} segundos, y acierta {share(words['accuracy'])}"
    )


def within(confusions, grouped: bool) -> str:
    """What the confusions by group show (see `errors.confusion_groups`).

    grouped: whether any group has two labels.
    """
    if not grouped:
        return "Estos datos no traen grupos de enfermedades parecidas"
    if confusions["within"].isna().all():
        return "Ningún modelo se equivoca: no hay errores que repartir"
    most = confusions["within"].idxmax()
    own = confusions.loc[most]
    part = estimate(own["within"], own.get("low"), own.get("high"))
    return f"{ARMS[most].name}: {part} de sus errores caen en el grupo correcto"
