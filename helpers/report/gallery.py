"""Whole texts of the exam worth reading: who gets them right, and on which words an answer leans."""

import numpy as np
import pandas as pd

from ..analysis import comparison, errors
from ..analysis.together import reader
from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from ..experiments import plan
from ..experiments.derived import derived
from .readings import called

KINDS = {
    "all_wrong": "nadie",
    "only_pretrained": "preentrenados, no desde cero",
    "only_counts": "cuentas de palabras, no redes de atención",
}
FEW = 3  # texts of a kind
EXPLAINED = "gpt2_finetuned"  # of a larger network 50 points of the integral are too few (see `completeness`)


def _found(study: Study) -> dict[str, np.ndarray]:
    """`errors.gallery` of all arms of a study."""
    seen = plan.asked(study, "seen")
    return errors.gallery({arm: comparison.correctness(plan.results(study, arm)) for arm in seen}, few=FEW)


def errors_table(study: Study):
    """Texts of each kind of KINDS, the right disease and two arms' answers (first seed), as a frame."""
    (texts, labels), classes = splits.side(study.split, "test"), splits.label_classes(study.split)
    shown = ("tfidf_logreg", reader(study))
    answers = {arm: plan.results(study, arm)[0].test.answers for arm in shown}
    rows = [
        (KINDS[kind], texts[row], study.names[classes[labels[row]]])
        + tuple(study.names[classes[answers[arm][row]]] for arm in shown)
        for kind, places in _found(study).items()
        for row in places
    ]
    table = pd.DataFrame(rows, columns=["acierta", "relato", "correcta", *map(called, shown)])
    style = {"text-align": "left", "white-space": "pre-wrap"}
    return table.style.hide(axis="index").set_properties(**style)


def attributions(study: Study) -> tuple[list[tuple[str, list[tuple[str, float]]]], float]:
    """Texts that the fine-tuned arm gets right, each with what its tokens add to the right class's logit.

    Those first that no arm from random weights gets right. Rows as of `words.attribution_bars`; second: the
    largest gap of `errors.completeness`.
    """
    (texts, labels), classes = splits.side(study.split, "test"), splits.label_classes(study.split)
    record = plan.results(study, EXPLAINED)[0]
    right = record.test.correct
    alone = [row for row in _found(study)["only_pretrained"] if right[row]]
    chosen = list(dict.fromkeys([*alone, *np.flatnonzero(right)]))[:FEW] or [0]
    told = [texts[row] for row in chosen], [int(labels[row]) for row in chosen]
    base = study.profile.base_of(ARMS[EXPLAINED])
    found = derived(errors.attribute, [record.spec], base, classes.tolist(), *told)
    rows = [
        (study.names[classes[labels[row]]], [tuple(token) for token in own["tokens"]])
        for row, own in zip(chosen, found, strict=True)
    ]
    return rows, max(own["gap"] for own in found)
