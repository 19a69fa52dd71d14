"""What the notebook on language models says of what it has just measured: sentences and tables."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import entropy

from ..arms import ARMS
from ..config import get_profile
from ..data import sources
from ..data.published import FIRST_ATTEMPT
from ..data.study import Study
from ..experiments.records import Record
from ..pretraining import card
from .doubts import other_hands
from .numbers import DASH, decimals, estimate, is_missing, share, thousands
from .readings import against_chance, called
from .table import Table


def record(place: str) -> dict | None:
    """What is on record of a base's pre-training, by its directory (see `card.records`)."""
    return card.records(Path(place))


def shape(model) -> Table:
    """The size of a decoder, by the names that every configuration of transformers answers to."""
    config = model.config
    rows = {
        "capas": config.num_hidden_layers,
        "ancho (componentes de cada vector)": config.hidden_size,
        "cabezas de atención": config.num_attention_heads,
        "posiciones (tokens que lee de una vez)": config.max_position_embeddings,
        "vocabulario": config.vocab_size,
        "parámetros": sum(p.numel() for p in model.parameters()),
    }
    return Table(("Qué", "Cuánto"), [(name, thousands(value)) for name, value in rows.items()])


def starts(models: Mapping, base) -> Table:
    """What is trained of classifiers by arm, and how many of their matrices are those of a base, a model."""
    own = {name: tensor for name, tensor in base.base_model.state_dict().items() if tensor.ndim == 2}
    rows = []
    for arm, model in models.items():
        body = model.body.state_dict()
        same = sum(body[name].equal(matrix) for name, matrix in own.items())
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        rows.append((called(arm), thousands(trained), f"{same} de {len(own)}"))
    return Table(("Modelo", "Parámetros que se entrenan", "Matrices iguales a las de la base"), rows)


def stages(known: dict | None) -> list[tuple[int, float, str]]:
    """Tokens read, bits per byte and the first line that a base wrote, at some points of its pre-training."""
    rows = [] if known is None else card.stages(known["curve"]).itertuples()
    return [(row.tokens, row.valid_bits_per_byte, row.sample.split("\n")[0]) for row in rows]


def learned(known: dict | None, base: str) -> str:
    """From when on a base predicts better than 5-grams (see `card.records`)."""
    if known is None:
        return f"{base} no trae el registro de su preentrenamiento"
    curve, grams = known["curve"], card.others(known)["kneser_ney_5"]
    below = curve.loc[curve["valid_bits_per_byte"] < grams, "tokens"]
    if below.empty:
        return f"Con {known['facts']['tokens_seen'] / 1e6:.0f} M de tokens la red no alcanza a los 5-gramas"
    return f"A los {below.iloc[0] / 1e6:.1f} M de tokens la red ya supera a los 5-gramas"


def met_before(study: Study) -> str:
    """How many pages of the embedded corpus share a run of words with what our own base has read.

    That is not known of other data and other bases.
    """
    if sources.parts_of(study.source)[0] != "embedded" or study.profile.base != get_profile("class").base:
        return "No hay cuenta de cuántas de estas páginas leyó esta base."
    contamination = json.loads(card.RECORD.read_text(encoding="utf-8"))
    shared = sum(map(bool, contamination["pages"].values()))
    return (
        f"Páginas del corpus incluido que comparten {contamination['n']} palabras seguidas con lo que leyó "
        "la base: "
        f"**{shared} de {len(contamination['pages'])}**."
    )


def untouched(study: Study, summary: pd.DataFrame) -> str:
    """How often models that answer are right before any training (a `comparison.summary` of them)."""
    told = [
        f"{row['name']}: primera respuesta correcta en el {estimate(row.accuracy, row.low, row.high)} de los "
        f"textos de prueba ({against_chance(row, study.num_labels)}), entre las cinco primeras en "
        f"{share(row.top5)}"
        for _, row in summary.iterrows()
    ]
    luck = 1 / study.num_labels, min(5, study.num_labels) / study.num_labels
    return f"**Lectura.** {'; '.join(told)}. Al azar: {share(luck[0])} y {share(luck[1])}."


def at_the_end(groups: Mapping[str, list[Record]]) -> str:
    """The validation accuracy in the last epoch, on average over the seeds, as a figure's title."""
    told = [
        f"{called(arm)}, {share(np.mean([record.history['valid_accuracy'].iloc[-1] for record in records]))}"
        for arm, records in groups.items()
    ]
    return f"Validación al final: {'; '.join(told)}"


def overfitted(losses: pd.DataFrame, classes: int) -> str:
    """How far from its floor each training ended, and where validation loss rose (`probing.overfitting`).

    The floor is the entropy of the smoothed label.
    """
    told = []
    for arm, row in losses.iterrows():
        floor = label_entropy(ARMS[arm].settings.get("smoothing", 0.0), classes)
        rose = row["valid_last"] - row["valid_least"]
        told.append(
            f"{called(arm)}, {row['train_last'] - floor:.2f} por encima de su piso ({floor:.2f}), y en "
            f"validación {rose:.2f} por encima de su mínimo"
        )
    return f"**Lectura.** En la última época, en nats: {'; '.join(told)}."


def hesitating(groups: Mapping[str, list[Record]]) -> str:
    """How sure each arm is on validation, and its loss where it is right and wrong, means over the seeds."""
    told = []
    for arm, records in groups.items():
        sure, right, wrong = (
            np.mean([measure(record.valid) for record in records])
            for measure in (
                lambda rows: rows.sure.mean(),
                lambda rows: rows.nats[rows.correct].mean(),
                lambda rows: rows.nats[~rows.correct].mean(),
            )
        )
        told.append(f"{called(arm)}, {share(sure)}; {decimals(right, 2)} y {decimals(wrong, 2)}")
    return (
        "**Y en la época que se conserva**, confianza media (la probabilidad de la primera) en "
        "validación, y pérdida media donde acierta y "
        f"donde falla: {'. '.join(told)}."
    )


def label_entropy(smoothing: float, classes: int) -> float:
    """Entropy, in nats, of a label that gives each of its classes `smoothing` / classes besides."""
    p = np.full(classes, smoothing / classes)
    p[0] += 1 - smoothing
    return float(entropy(p))


def answering(pair) -> str:
    """What answering does beside classifying, a row of `comparison.paired`."""
    includes = "incluye" if pair.low <= 0 <= pair.high else "no incluye"
    size = estimate(pair.difference, pair.low, pair.high, sign=True)
    return f"Responder menos clasificar: {size} puntos; el intervalo {includes} el cero."


def answer(pair) -> str:
    """The answer to the notebook's question as a figure's title, a row of `comparison.paired`."""
    size = estimate(pair.difference, pair.low, pair.high, sign=True)
    if pair.low <= 0 <= pair.high:
        return f"La misma red, con y sin lectura: no se distingue una diferencia, {size} puntos"
    return f"La misma red, con lectura y sin ella: {size} puntos, sin corregir"


def gpt2(summary: pd.DataFrame, pair) -> str:
    """The summary of notebook 05. pair: fine-tuned against from scratch (`comparison.paired`)."""
    hands = ""
    if not is_missing(pair.hand_low) and pair.hand_low <= 0 <= pair.hand_high:
        hands = f"; {other_hands(pair)}: con otros autores podría no verse"
    return (
        f"- **{answer(pair)}**, {own_rates(summary, pair)}lo demás igual{hands}.\n"
        f"- {not_by_reading_alone(summary)}{larger(summary)}"
    )


def own_rates(summary: pd.DataFrame, pair) -> str:
    """The rate that each of a pair chose, where they are two; or nothing."""
    a, b = (summary.loc[arm, "value"] for arm in (pair.a, pair.b))
    return "" if a == b else f"cada una con la tasa que eligió ({a:g} y {b:g}) y "


def larger(summary: pd.DataFrame) -> str:
    """What the large model does, fine-tuned and from scratch, in one sentence; nothing without its twin."""
    if not {"smollm2_finetuned", "smollm2_scratch"} <= set(summary.index):
        return ""
    read, blank = summary.loc["smollm2_finetuned"], summary.loc["smollm2_scratch"]
    seeds = "una semilla" if blank["seeds"] == 1 else f"{blank['seeds']} semillas"
    return (
        f" {ARMS['smollm2_finetuned'].family}, con ajuste fino: {share(read['accuracy'])}; desde cero, "
        f"{share(blank['accuracy'])} ({seeds})."
    )


def not_by_reading_alone(summary: pd.DataFrame) -> str:
    """What the frozen body does beside training from scratch and beside moving every weight."""
    frozen, scratch, tuned = (
        summary.loc[f"gpt2_{start}", "accuracy"] for start in ("frozen", "scratch", "finetuned")
    )
    name = ARMS["gpt2_frozen"].family
    head = f"En {name}, leer no bastó" if frozen < min(scratch, tuned) else f"En {name}, lo leído, sin mover"
    large = [
        f" {row['name']} llega a {share(row['accuracy'])}."
        for _, row in summary.loc[summary.index == "smollm2_frozen"].iterrows()
    ]
    return (
        f"{head}: congelado, {share(frozen)}; desde cero, {share(scratch)}; con ajuste fino, {share(tuned)}."
        f"{''.join(large)}"
    )


def overfitting(losses: pd.DataFrame) -> Table:
    """Losses of training and validation (see `probing.overfitting`)."""
    head = (
        "Modelo",
        "Época conservada",
        "Entrenamiento: en ella",
        "Entrenamiento: última",
        "Validación: mínima",
        "Validación: en ella",
        "Validación: última",
    )
    rows = [
        (called(arm), f"{row.iloc[0]:.1f}", *(decimals(value, 2) for value in row.iloc[1:]))
        for arm, row in losses.iterrows()
    ]
    return Table(head, rows)


def read(known: dict | None) -> Table:
    """What a base has read (see `card.records`); no rows where it brings no record."""
    rows = [] if known is None else known["credits"].itertuples()
    cells = [(row.source, row.licence, thousands(row.documents), f"{row.bytes / 1e6:.1f}") for row in rows]
    return Table(("Fuente", "Licencia", "Documentos", "MB"), cells)


def repeated(known: dict | None) -> Table:
    """Bits per byte of the held-out text, whole and without what is also in the training text."""
    head = ("Texto apartado", "Base", "5-gramas", "Frecuencias de tokens")
    bits = None if known is None else known["bits"].set_index("source")
    kinds = {} if bits is None else {"todo": card.ALL_READ, "sin los tramos repetidos": card.ALL_NEW}
    columns = ["gpt2", "kneser_ney_5", "unigram"]
    return Table(
        head,
        [(name, *(decimals(value, 2) for value in bits.loc[kind, columns])) for name, kind in kinds.items()],
    )


def rights(right: Mapping[str, float]) -> str:
    """How often some arms are right on validation, in one line."""
    return (
        f"aciertos en validación: {'; '.join(f'{called(arm)}, {share(part)}' for arm, part in right.items())}"
    )


def replies(before: dict, after: dict) -> Table:
    """What a model that answers writes, and its token perplexity, before and after it was taught to.

    Each: `known`, `right` (shares) and the parts of `probing.token_perplexities`. The last column is what was
    published of the first attempt, on other text with another tokenizer.
    """
    names = {"known": "contesta un nombre enseñado", "right": "contesta el correcto"}
    rows = [(name, share(before[key]), share(after[key]), DASH) for key, name in names.items()]
    parts = {
        "text": "perplejidad de token: sólo el texto",
        "first": "… del primer token de la respuesta",
        "rest": "… del resto de la respuesta",
    }
    rows += [
        (name, *(thousands(model[key], 1) for model in (before, after)), DASH) for key, name in parts.items()
    ]
    then = FIRST_ATTEMPT["token_perplexity_before"], FIRST_ATTEMPT["token_perplexity_after"]
    last = [("… de todo, en 2023", DASH, DASH, f"{then[0]} → {then[1]}")]
    return Table(("En validación", "Antes", "Después", "Primer intento"), rows, last)
