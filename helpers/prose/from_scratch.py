"""What the notebooks on networks from scratch say of what they have just measured: sentences, a table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.study import Study
from ..experiments.records import Record
from ..figures.recurrent import KNOBS, NOISE
from ..figures.style import EXAMS
from .numbers import decimals, estimate, share, thousands
from .readings import against_chance, called


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
    habit (see `tokenizing.padding_habits`); changed: percent of answers by kind of mask; cosines: within
    themes and between them, by the name of the matrix.
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
    if perplexity > classes:
        told.append(
            "Da a la enfermedad verdadera menos probabilidad que la distribución uniforme (en promedio "
            "geométrico)."
        )
    if test["accuracy"] == 0:
        told.append("El cuaderno 4 busca la causa del cero.")
    return "**Lectura.** " + " ".join(told)


def best_and_last(record: Record) -> str:
    """The validation loss of a run in its best epoch and in the last."""
    loss = record.history["valid_loss"]
    epoch = int(record.history["epoch"][loss.idxmin()])
    return (
        f"{called(record.spec.arm)}, semilla {record.spec.seed}: pérdida de validación, {loss.min():.2f} en "
        f"la época {epoch} y {loss.iloc[-1]:.2f} al final"
    )


def apart(record: Record) -> str:
    """How validation loss and accuracy move after the epoch of the least loss."""
    history = record.history
    best = history.loc[history["valid_loss"].idxmin()]
    last = history.iloc[-1]
    return (
        f"**Lectura.** De la época {best['epoch']:.0f} a la {last['epoch']:.0f} la pérdida de validación va "
        f"de {best['valid_loss']:.2f} a {last['valid_loss']:.2f}, y la exactitud, de "
        f"{share(best['valid_accuracy'])} a {share(last['valid_accuracy'])}."
    )


def repaired(study: Study, summary: pd.DataFrame, pair) -> str:
    """Whether the tuned BiLSTM beats that of the notes, what chance would give, and counting words.

    summary: also of counting words; pair: a row of `comparison.paired`.
    """
    own = summary.loc["bilstm"]
    size = estimate(pair.difference, pair.low, pair.high, sign=True)
    certain, classes = pair.low > 0 or pair.high < 0, study.num_labels
    told = [
        f"La diferencia entre la mejorada y la de las notas es de {size} puntos; el intervalo "
        f"{'no incluye' if certain else 'incluye'} el cero"
        f"{'' if certain else ', así que **no se puede decir cuál acierta más**'}.",
        f"Al azar: exactitud {share(1 / classes)}, top-5 {share(min(5, classes) / classes)}, perplejidad "
        f"{classes}.",
    ]
    if summary.loc["bilstm", "class_perplexity"] < summary.loc["bilstm_original", "class_perplexity"]:
        told.append(
            "La mejorada reparte mejor la probabilidad; cambian varias cosas a la vez, y la sección 7 "
            "mueve algunas de ellas, una por una."
        )
    told.append(
        f"En validación la mejorada acierta {share(own['valid_accuracy'])}: con esos textos se eligieron "
        f"tasa y época, y por eso no es el número que se informa (en prueba, {share(own['accuracy'])})."
        " No se sabe si elegir explica toda la caída."
    )
    told += [
        f"En el mismo examen, contar palabras ({row['name']}) acierta {share(row['accuracy'])}."
        + unsure_but_right(row, own)
        for _, row in summary.loc[summary.index == "tfidf_logreg"].iterrows()
    ]
    return "**Lectura.** " + " ".join(told)


def unsure_but_right(row, own) -> str:
    """How an arm can be right more often at a higher class perplexity than another, where it is so."""
    if row["accuracy"] <= own["accuracy"] or row["class_perplexity"] <= own["class_perplexity"]:
        return ""
    return (
        f" ¿Más aciertos con más perplejidad ({row['class_perplexity']:.1f} contra "
        f"{own['class_perplexity']:.1f})? Suele poner primero la correcta, pero con poca probabilidad: "
        "`07_lo_que_cuesta` lo corrige con un solo número."
    )


def bilstm(study: Study, summary: pd.DataFrame, first: Record, gap: float) -> str:
    """The summary of notebook 03. gap: the largest difference of the count by hand and Keras'."""
    test, train = first.metrics["test"]["accuracy"], first.history["train_accuracy"].iloc[-1]
    lines = [
        f"La cuenta a mano de la LSTM y la de Keras difieren a lo más en {gap:.0e}. La red de las notas "
        "tiene "
        f"{thousands(summary.loc['bilstm_original', 'parameters'])} parámetros.",
        f"Reproducción del primer intento (páginas al azar): {share(test)} en prueba, con {share(train)} en "
        "entrenamiento.",
    ]
    lines += [
        f"{row['name']}, {EXAMS[study.protocol].by}: {estimate(row.accuracy, row.low, row.high)}; "
        f"{against_chance(row, study.num_labels)} ({share(1 / study.num_labels)})."
        for _, row in summary.iterrows()
    ]
    return "\n".join(f"- {line}" for line in lines)


def knobs(table: pd.DataFrame, rows: int) -> str:
    """What the sweep of the tuned BiLSTM shows (see `comparison.swept`).

    The least and the reading one way only; rows: of validation.
    """
    own = table.loc[table["name"] == ""].iloc[0]
    changed = table[table["name"] != ""].sort_values("mrr")
    told = [
        f"{KNOBS[row.name][0]}, {KNOBS[row.name][1].format(row.value)}: {row.mrr:.3f}"
        for row in changed.head(3).itertuples()
    ]

    one_way = [
        f"Leer sólo de ida da {mrr:.3f}: {'puede ser ruido' if abs(mrr - own['mrr']) < NOISE else 'se nota'}."
        for mrr in changed.loc[changed["name"] == "directions", "mrr"]
    ]
    noise = 2 * float(np.sqrt(own["accuracy"] * (1 - own["accuracy"]) / rows))
    return (
        f"**Lectura.** Sin cambios, MRR {own['mrr']:.3f}. Los tres que más lo bajan: {'; '.join(told)}. "
        f"{' '.join(one_way)} Con {rows} textos, la exactitud de una sola corrida se mueve por azar unos "
        f"{100 * noise:.0f} puntos hacia cada lado."
    )


def most_and_least(table: pd.DataFrame) -> str:
    """Which change of a hyperparameter costs most and which gains more than noise, as a figure's title."""
    changed, own = table[table["name"] != ""], table.loc[table["name"] == "", "mrr"].iloc[0]
    worst, best = (
        "{}, {}".format(KNOBS[row["name"]][0], KNOBS[row["name"]][1].format(row["value"]))
        for row in (changed.loc[changed["mrr"].idxmin()], changed.loc[changed["mrr"].idxmax()])
    )
    up = (
        f"lo que más lo sube: {best}"
        if changed["mrr"].max() > own + NOISE
        else "nada lo sube fuera del ruido"
    )
    return f"Lo que más baja el MRR: {worst}; {up}"
