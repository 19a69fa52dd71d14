"""Whole texts of the exam worth reading: one that is followed, who gets others right, and by which words."""

from collections.abc import Collection, Iterable, Mapping
from html import escape

import numpy as np
import pandas as pd

from ..analysis import comparison, errors
from ..analysis.together import reader
from ..arms import ARMS
from ..data import splits
from ..data.study import Study
from ..experiments import plan
from ..experiments.derived import derived
from ..prose.readings import called
from ..prose.table import AS_TEXT

KINDS = {
    "all_wrong": "nadie",
    "only_pretrained": "preentrenados, no desde cero",
    "only_counts": "los que cuentan palabras, no transformadores",
}
LEFT = {"text-align": "left", "white-space": "pre-wrap"}
FEW = 3  # texts of a kind
EXPLAINED = "gpt2_finetuned"  # of a larger network 50 points of the integral are too few (see `completeness`)


def story(study: Study) -> int:
    """The validation row whose statement the notebooks follow: the shortest, whoever gets it right."""
    texts = splits.side(study.split, "valid")[0]
    return min(range(len(texts)), key=lambda row: (len(texts[row]), row))


def told(study: Study) -> tuple[str, str]:
    """The text of `story`, and its disease in Spanish."""
    texts, labels = splits.side(study.split, "valid")
    row = story(study)
    return texts[row], study.names[splits.label_classes(study.split)[labels[row]]]


MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]$~#|"})  # of Markdown


def quoted(text: str, disease: str = "") -> str:
    """A text of the data as a quotation in Markdown, whatever it holds; below it, if given, its disease."""
    text, disease = (AS_TEXT(" ".join(given.split())).translate(MARKS) for given in (text, disease))
    return f"> {text}" + (f"\n\nLa correcta: **{disease}**." if disease else "")


RIGHT = "✓ "  # before the right disease among others


def first_five(study: Study, arms: list[str]):
    """The first five answers of some arms (first seed) to `story`, a column an arm, the right one marked."""
    columns = {}
    for arm in arms:
        outcome, row = plan.results(study, arm)[0].valid, story(study)
        names = [study.names[name] for name in _classes(study)[outcome.first[row][outcome.first[row] >= 0]]]
        right = study.names[_classes(study)[outcome.labels[row]]]
        columns[called(arm)] = pd.Series(
            [RIGHT * (name == right) + name for name in names], range(1, len(names) + 1)
        )
    return pd.DataFrame(columns).fillna("").style.format(AS_TEXT).set_properties(**LEFT)


def answered(study: Study, arms: list[str]) -> dict:
    """What some arms (first seed) answer to `story`.

    Keys: `text`, `disease` (in Spanish), `answers`: of each arm the `first` answer and the `place` of the
    right one.
    """
    (text, disease), row, answers = told(study), story(study), {}
    for arm in arms:
        outcome = plan.results(study, arm)[0].valid
        first = study.names[_classes(study)[outcome.answers[row]]]
        answers[arm] = {"first": first, "place": int(outcome.above[row]) + 1}
    return {"text": text, "disease": disease, "answers": answers}


def some(columns: dict[str, list[str]], count: int):
    """Texts side by side under their titles: so many rows, at equal distances, none picked."""
    table = pd.DataFrame(columns)
    rows = np.linspace(0, len(table) - 1, min(count, len(table))).astype(int)
    return table.iloc[rows].style.hide(axis="index").format(AS_TEXT).set_properties(**LEFT)


def _classes(study: Study) -> np.ndarray:
    return splits.label_classes(study.split)


def _found(study: Study) -> dict[str, np.ndarray]:
    """`errors.gallery` of all arms of a study."""
    seen = plan.asked(study, "seen")
    return errors.gallery({arm: comparison.correctness(plan.results(study, arm)) for arm in seen}, few=FEW)


def side_by_side(texts: Mapping[str, str]) -> str:
    """Texts under their titles in columns of the same width, as HTML."""
    width = 100 // max(1, len(texts))
    cells = "".join(
        f'<td style="width:{width}%;text-align:left;vertical-align:top;white-space:normal">'
        f"<b>{escape(title)}</b><br>{escape(text)}</td>"
        for title, text in texts.items()
    )
    return f'<table class="textos"><tr>{cells}</tr></table>'


def quiz(questions: Iterable[str], known: Iterable[str], choices: Collection[str]) -> str:
    """A numbered list; behind folds that a click opens what may be answered, and the answers; as HTML."""
    asked, told = ("".join(f"<li>{escape(line)}</li>" for line in lines) for lines in (questions, known))
    folds = {
        f"Las {len(choices)} enfermedades entre las que se elige": escape(", ".join(sorted(choices))),
        "Las respuestas": f"<ol>{told}</ol>",
    }
    behind = "".join(
        f"<details><summary>{name}</summary>{inside}</details>" for name, inside in folds.items()
    )
    return f'<div class="textos"><ol>{asked}</ol>{behind}</div>'


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
    table = pd.DataFrame(rows, columns=["acierta", "texto", "correcta", *map(called, shown)])
    return table.style.hide(axis="index").format(AS_TEXT).set_properties(**LEFT)


def attributions(study: Study) -> tuple[list[tuple[str, list[tuple[str, float]]]], float]:
    """Texts with what each token adds to the right class's logit, of the fine-tuned arm's first seed.

    First the statement that is followed (see `story`), whoever gets it right; then test texts that the arm
    gets right, those before that no arm from random weights does. Rows as of `words.attribution_bars`;
    second: the largest gap of `errors.completeness`.
    """
    (texts, labels), classes = splits.side(study.split, "test"), splits.label_classes(study.split)
    record, followed = plan.results(study, EXPLAINED)[0], story(study)
    right = record.test.correct
    alone = [row for row in _found(study)["only_pretrained"] if right[row]]
    chosen = list(dict.fromkeys([*alone, *np.flatnonzero(right)]))[: FEW - 1]
    valid_texts, valid_labels = splits.side(study.split, "valid")
    told = [valid_texts[followed], *(texts[row] for row in chosen)]
    numbers = [int(valid_labels[followed]), *(int(labels[row]) for row in chosen)]
    base = study.profile.base_of(ARMS[EXPLAINED])
    found = derived(errors.attribute, [record.spec], base, classes.tolist(), told, numbers)
    place = int(record.valid.above[followed]) + 1
    heads = [f"{study.names[classes[number]]}" for number in numbers]
    heads[0] += f", en el lugar {place}"
    rows = [(head, [tuple(token) for token in own["tokens"]]) for head, own in zip(heads, found, strict=True)]
    return rows, max(own["gap"] for own in found)
