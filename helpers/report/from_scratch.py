"""What the notebooks on networks from scratch say of what they have just measured: sentences, a table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.study import Study
from ..experiments.records import Record
from ..figures.recurrent import CHANGES
from ..figures.style import EXAMS
from .readings import against_chance, decimals, estimate, share, thousands
from .tables import Table


def merges(word: str, steps: list) -> str:
    """How many merges a word took, and the pieces that are left."""
    made, left = len(steps) - 1, len(steps[-1])
    unions = "1 unión" if made == 1 else f"{made} uniones"
    return f"«{word}»: {unions} y {'queda 1 pieza' if left == 1 else f'quedan {left} piezas'}"


def tensors(
    words: int, unknown: float, per_word: float, padding: Mapping, changed: Mapping, cosines: Mapping
) -> str:
    """The summary of notebook 02.

    words: of the vocabulary; unknown: share of validation words; per_word: BPE tokens; padding: shares by
    habit (see `tokens.padding_habits`); changed: percent of answers by kind of mask; cosines: within themes
    and between them, by the name of the matrix.
    """
    near = [
        f"{name}, {decimals(inside, 2)} dentro de un tema y {decimals(between, 2)} entre temas"
        for name, (inside, between) in cosines.items()
    ]
    lines = [
        f"El vocabulario de palabras tiene {thousands(words)} entradas (dos son especiales: relleno y "
        "`[UNK]`) y no "
        f"reconoce el {share(unknown)} de las palabras de validación; BPE las escribe todas, con "
        f"{per_word:.2f} tokens por "
        "palabra.",
        f"Rellenar los pasajes hasta el más largo deja el {share(padding['all'])} de relleno; con lotes de "
        "longitudes "
        f"parecidas, {share(padding['bucketed'])}.",
        f"Al quitarle la máscara a la misma red, el relleno cambia hasta el {changed['sin máscara']:.0f} % "
        "de "
        "sus "
        f"respuestas; con ella, el {changed['con máscara']:.0f} %.",
        f"La capa de *embedding* es una tabla que se entrena. Similitud coseno media: {'; '.join(near)}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def first_or_last(changes: np.ndarray) -> list[str]:
    """Of each direction (see `probing.hidden_words`), which word's loss moves its summary more."""
    ends = np.median(changes, axis=1)[:, [0, -1]]
    return ["la primera" if first > last else "la última" for first, last in ends]


def directions(untrained: np.ndarray, trained: np.ndarray) -> str:
    """Which word the forward reading leans on, before and after training."""
    before, after = first_or_last(untrained)[0], first_or_last(trained)[0]
    turned = "ya no" if after != before else "también"
    return f"Con pesos al azar, a la ida le pesa más {before} palabra; con la red entrenada, {turned}"


def hidden_words(untrained: np.ndarray, trained: np.ndarray) -> str:
    """Which word each reading leans on, before and after training, and what that does to "fresh memory"."""
    before, after = first_or_last(untrained), first_or_last(trained)
    told = [
        f"Con {network}, entre la primera palabra y la última, a la ida le pesa más {there} y a la vuelta, "
        f"{back}."
        for network, (there, back) in (("pesos al azar", before), ("la red entrenada", after))
    ]
    if (before, after) == (["la última", "la primera"], ["la primera", "la última"]):
        told.append(
            "Entre esas dos palabras el orden se **invirtió**; si las curvas de la red entrenada son casi "
            "planas "
            "y sus bandas se enciman, lo que se puede decir es que la preferencia por lo último leído se "
            "perdió: "
            "la «memoria fresca» describe a la red sin entrenar."
        )
    if before[0] != before[1] and after[0] != after[1]:
        told.append("En los dos casos las lecturas se complementan; concatenarlas conserva ambas.")
    return "**Lectura.** " + " ".join(told)


def first_attempt(study: Study, record: Record) -> str:
    """Training and test accuracy of the first attempt, and its class perplexity beside an even guess."""
    test, history, sides = record.metrics["test"], record.history, study.page_split
    is_test = sides["side"] == "test"
    classes, perplexity = sides["label"].nunique(), test["class_perplexity"]
    told = [
        f"En la última época, la red acertó el {share(history['train_accuracy'].iloc[-1])} de sus "
        f"{int((~is_test).sum())} páginas de entrenamiento; de las de prueba, el {share(test['accuracy'])}. "
        "Su "
        "perplejidad "
        f"de clase en prueba es {thousands(perplexity)}; repartir la probabilidad por igual entre las "
        f"{classes} "
        f"enfermedades daría {classes}."
    ]
    if perplexity > classes and not set(sides.loc[is_test, "label"]) & set(sides.loc[~is_test, "label"]):
        told.append(
            "Da a la enfermedad verdadera menos probabilidad que la distribución uniforme (en promedio "
            "geométrico): "
            "ninguna de esas etiquetas apareció al entrenar."
        )
    if test["accuracy"] == 0:
        told.append("El cuaderno 4 busca la causa del cero.")
    return "**Lectura.** " + " ".join(told)


def best_and_last(record: Record) -> str:
    """The validation loss of a run in its best epoch and in the last."""
    loss = record.history["valid_loss"]
    epoch = int(record.history["epoch"][loss.idxmin()])
    return (
        f"Pérdida de validación: {loss.min():.2f} en su mejor época, la {epoch}; {loss.iloc[-1]:.2f} al final"
    )


def repaired(study: Study, summary: pd.DataFrame, pair) -> str:
    """Whether the tuned BiLSTM beats that of the notes, and what chance would give.

    pair: a row of `comparison.paired`.
    """
    size = estimate(pair.difference, pair.low, pair.high, sign=True)
    certain, classes = pair.low > 0 or pair.high < 0, study.num_labels
    told = [
        f"La diferencia entre la mejorada y la de las notas es {size} puntos; el intervalo "
        f"{'no incluye' if certain else 'incluye'} el cero"
        f"{'' if certain else ', así que **no se puede decir cuál acierta más**'}.",
        f"Al azar: exactitud {share(1 / classes)}, top-5 {share(min(5, classes) / classes)}, perplejidad "
        f"{classes}.",
    ]
    if summary.loc["bilstm", "class_perplexity"] < summary.loc["bilstm_original", "class_perplexity"]:
        told.append(
            "La mejorada reparte mejor la probabilidad; cambian varias cosas a la vez, y la sección que "
            "sigue "
            "mueve algunas de ellas, una por una."
        )
    return "**Lectura.** " + " ".join(told)


def bilstm(study: Study, summary: pd.DataFrame, first: Record, gap: float) -> str:
    """The summary of notebook 03. gap: the largest difference of the count by hand and Keras'."""
    test, train = first.metrics["test"]["accuracy"], first.history["train_accuracy"].iloc[-1]
    lines = [
        f"La cuenta a mano de la LSTM y la de Keras difieren a lo más en {gap:.0e}. La red de las notas "
        "tiene "
        f"{thousands(summary['parameters'].iloc[0])} parámetros.",
        f"Reproducción del primer intento (páginas al azar): {share(test)} en prueba, con {share(train)} en "
        "entrenamiento.",
    ]
    lines += [
        f"{row['name']}, {EXAMS[study.protocol].by}: {estimate(row.accuracy, row.low, row.high)}; "
        f"{against_chance(row, study.num_labels)} ({share(1 / study.num_labels)})."
        for _, row in summary.iterrows()
    ]
    return "\n".join(f"- {line}" for line in lines)


def same_everywhere(trials: pd.DataFrame) -> str:
    """How the test accuracy moved in the trials of the suspects (see `probing.suspects`)."""
    low, high = trials["test"].min(), trials["test"].max()
    if low == high:
        return f"{len(trials)} corridas, {len(trials)} veces {share(low)} en prueba"
    return f"{len(trials)} corridas: la exactitud en prueba va de {share(low)} a {share(high)}"


def cleared(trials: pd.DataFrame) -> int:
    """How many changes leave the test accuracy of the first attempt exactly as it was."""
    own = trials.loc[trials["change"] == "unchanged", "test"].iloc[0]
    return int((trials.loc[trials["change"] != "unchanged", "test"] == own).sum())


def suspects_cleared(trials: pd.DataFrame) -> str:
    """What the trials of the suspects say."""
    train, test, changes = trials["train"], trials["test"], len(trials) - 1
    who = (
        f"Los {changes} cambios"
        if cleared(trials) == changes
        else f"De los {changes} cambios, {cleared(trials)}"
    )
    moved = (
        f"siempre {share(test.min())}"
        if test.min() == test.max()
        else f"de {share(test.min())} a {share(test.max())}"
    )
    return (
        f"**Lectura.** {who} dejan la exactitud de prueba exactamente igual. Entrenamiento: de "
        f"{share(train.min())} a "
        f"{share(train.max())}; prueba: {moved}."
    )


def cured(row, classes: int, best: float, control: Mapping[str, float], bounds: tuple[float, float]) -> str:
    """What the other split does: the bound before and after, the best, the notes' network, the control.

    row: of the notes' network (`comparison.summary`); control: accuracies by model, empty without one.
    """
    told = [
        f"La cota pasa de {share(bounds[0])} a {share(bounds[1])}. El mejor de estos modelos obtiene "
        f"{share(best)}; la "
        f"red de las notas, {estimate(row.accuracy, row.low, row.high)}: {against_chance(row, classes)} "
        f"({share(1 / classes)})."
    ]
    if control:
        told.append(
            "Con los mismos textos y cada enfermedad entera de un solo lado, el mejor obtiene "
            f"{share(max(control.values()))}."
        )
    return "**Lectura.** " + " ".join(told)


def autopsy(
    study: Study,
    trials: pd.DataFrame,
    row,
    bounds: tuple[float, float],
    right: float,
    wrong: tuple[float, ...],
) -> str:
    """The summary of notebook 04.

    row, bounds: as of `cured`; right: the class perplexity of the first attempt; wrong: rounded, of the sum,
    without an output.
    """
    sides = study.page_split.groupby("side")["label"].agg(set)
    uniform = study.page_split["label"].nunique()
    lines = [
        f"De {len(trials) - 1} cambios que sugieren las notas, uno a la vez, {cleared(trials)} dejan la "
        "exactitud de "
        f"prueba en {share(trials.loc[trials['change'] == 'unchanged', 'test'].iloc[0])}.",
        f"Por páginas, entrenamiento y prueba comparten {len(sides['train'] & sides['test'])} etiquetas: "
        "quien responde "
        f"sólo etiquetas vistas no puede pasar de {share(bounds[0])}.",
        f"En el reparto {EXAMS[study.protocol].by}, la cota es {share(bounds[1])}, y la misma red obtiene "
        f"{estimate(row.accuracy, row.low, row.high)} (azar: {share(1 / study.num_labels)}).",
        f"La perplejidad correcta de nuestra reproducción es {perplexity(right)} (uniforme: {uniform}). "
        "Redondear a 4 "
        f"decimales da {perplexity(wrong[0])}; exponenciar la suma, {perplexity(wrong[1])}; dejar la "
        "etiqueta fuera del "
        f"softmax, {perplexity(wrong[2])}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def perplexity(value: float) -> str:
    """A class perplexity, infinity included."""
    return thousands(float(value)) if np.isfinite(value) else "∞"


def suspects(trials: pd.DataFrame) -> Table:
    """The first attempt with one thing changed at a time (see `probing.suspects`)."""
    head = (
        "Cambio",
        "Páginas",
        "Palabras por página",
        "Tasa",
        "Épocas",
        "Entrenamiento",
        "Prueba",
        "No vistas",
    )
    rows = [
        (
            CHANGES[row.change][1],
            *(f"{value:g}" for value in (row.pages, row.words, row.rate, row.epochs)),
            *(share(row.train), share(row.test), str(row.unseen)),
        )
        for row in trials.itertuples()
    ]
    return Table(head, rows)
