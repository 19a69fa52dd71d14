"""What the autopsy of the first attempt says of what it has just measured: sentences, a table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.study import Study
from ..figures.recurrent import CHANGES
from ..figures.style import EXAMS
from .numbers import estimate, share, thousands
from .readings import against_chance
from .table import Table


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


LEARNED = 0.9  # training accuracy from which a run has learned its pages


def guilty_of_nothing(trials: pd.DataFrame) -> str:
    """Which changes learned their own pages, so that their zero says something, and which did not.

    The end of a sentence that says how many they are.
    """
    changes = trials[trials["change"] != "unchanged"]
    learned = changes["train"] >= LEARNED - 1e-6
    failed = [CHANGES[change][1] for change in changes.loc[~learned, "change"]]
    if not failed:
        return f"todos aprendieron al menos el {share(LEARNED, 0)} de sus páginas."
    proven = {CHANGES[change][0] for change in changes.loc[learned, "change"]}
    alone = dict.fromkeys(name for change in changes["change"] if (name := CHANGES[change][0]) not in proven)
    without = f" Sin una corrida que valga queda: «{'», «'.join(alone)}»." if alone else ""
    return (
        f"{int(learned.sum())} aprendieron al menos el {share(LEARNED, 0)} de sus páginas; "
        f"los otros ({', '.join(failed)}) no, y su cero no absuelve a nadie: hace falta un argumento que no "
        f"dependa de la corrida.{without}"
    )


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
        f"{share(train.min())} a {share(train.max())}; prueba: {moved}. De los {changes} "
        f"cambios, {guilty_of_nothing(trials)}"
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


def summary(
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
        f"exactitud de prueba en {share(trials.loc[trials['change'] == 'unchanged', 'test'].iloc[0])}. "
        f"De ellos, {guilty_of_nothing(trials)}",
        f"Por páginas, entrenamiento y prueba comparten {len(sides['train'] & sides['test'])} etiquetas: "
        "quien responde "
        f"sólo etiquetas vistas no puede pasar de {share(bounds[0])}.",
        f"En la partición {EXAMS[study.protocol].by}, la cota es {share(bounds[1])}, y la misma red obtiene "
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
