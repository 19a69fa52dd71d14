"""What the demo's models answer to a text: scores of all diseases, and what each word adds to one.

`load_*` is called once in a process of its framework (see `workers`), the other functions there after it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..arms import ARMS, arms_asked
from ..config import InputError
from ..data import splits
from ..data.study import Study
from ..experiments.plan import results, takes_part
from ..experiments.records import load_arrays
from ..experiments.specs import RunSpec
from ..models import baselines
from ..models.tokens import encode_words, word_tokenizer

ASKED = arms_asked("demo")
NEEDED = [arm for arm in ASKED if not ARMS[arm].large]  # without these there is no page
# points of the integral in integrated gradients: sums are within 1 % of what they must be (tested)
STEPS = 16
_loaded: dict = {}  # of this process
Words = list[tuple[str, float]]  # the pieces of a text in order, each with what it adds


@dataclass(frozen=True)
class Models:
    """What a process needs to load: each arm's run and base, the diseases in the order of the scores."""

    specs: dict[str, RunSpec]
    bases: dict[str, str | None]
    classes: list[str]
    answers: list[str]  # English names, for the model that answers
    names: dict[str, str]  # Spanish names by class
    exam: list[tuple[str, int]]  # test rows: the text, the number of its class

    @property
    def panels(self) -> list[str]:
        """The arms that classify, side by side, in the order of the tables."""
        return [arm for arm in self.specs if not ARMS[arm].answers]

    @property
    def namer(self) -> str:
        """The arm that ranks the names: the largest that is there."""
        return [arm for arm in self.specs if ARMS[arm].answers][-1]

    @property
    def missing(self) -> list[str]:
        """The arms of the page that are not there."""
        return [arm for arm in ASKED if arm not in self.specs]

    def of_framework(self, framework: str) -> tuple[str, ...]:
        """The arms that a framework's process answers with."""
        return tuple(arm for arm in self.specs if ARMS[arm].framework == framework)


def models_of(study: Study) -> Models:
    """The trained models of a study, first seed each. InputError if one of NEEDED has not been trained."""
    specs = {}
    for arm in ASKED:
        if arm in NEEDED:
            specs[arm] = results(study, arm)[0].spec
        elif takes_part(study, arm):
            with suppress(InputError):
                spec = results(study, arm)[0].spec
                if load_arrays(spec, "prior" if ARMS[arm].answers else "score.weight"):
                    specs[arm] = spec
    classes = splits.label_classes(study.split).tolist()
    exam = list(zip(*(list(part) for part in splits.side(study.split, "test")), strict=True))
    return Models(
        specs,
        {arm: study.profile.base_of(ARMS[arm]) for arm in specs},
        classes,
        study.answers,
        {name: study.names[name] for name in classes},
        [(text, int(label)) for text, label in exam],
    )


def load_linear(models: Models) -> None:
    """Fits the linear model again (seconds; nothing in it is random)."""
    for arm in models.of_framework("sklearn"):
        spec = models.specs[arm]
        texts, labels = splits.side(splits.load_split(spec.split), "train")
        _loaded[arm] = baselines.build(ARMS[arm], spec.value).fit(texts, labels)


def load_keras(models: Models) -> None:
    """Rebuilds the BiLSTM from its record."""
    from ..models import bilstm

    for arm in models.of_framework("keras"):
        arrays = load_arrays(models.specs[arm])
        _loaded["tokenizer"] = word_tokenizer(vocabulary=arrays["vocabulary"].tolist())
        _loaded[arm] = bilstm.rebuild(arrays, ARMS[arm].settings["mask"])
        _loaded.update(_traced(_loaded[arm]))
        answer((arm,), "warm up", arm)


def load_torch(models: Models) -> None:
    """Rebuilds the transformers from their records; on one thread where all are small: two gain nothing."""
    import torch

    from ..models import answering, bases, classifier

    own = models.of_framework("torch")
    if not any(ARMS[arm].large for arm in own):
        torch.set_num_threads(1)
    _loaded["answers"] = models.answers
    for arm in own:
        arrays, base = load_arrays(models.specs[arm]), models.bases[arm]
        _loaded["tokenizer", arm] = bases.load_tokenizer(base)
        if ARMS[arm].answers:
            _loaded[arm] = answering.rebuild(arrays, base)
            _loaded["prior", arm] = arrays["weight"] * arrays["prior"]
        else:
            _loaded[arm] = bases.put_weights(classifier.build(ARMS[arm], base, models.classes, 0), arrays)
    for arm in own:
        answer((arm,), "warm up", "" if ARMS[arm].answers or ARMS[arm].large else arm)


LOADERS = {"sklearn": load_linear, "keras": load_keras, "torch": load_torch}  # framework by framework


def scores(arm: str, text: str) -> np.ndarray:
    """(k,) float64 log-probabilities of the diseases.

    For the model that answers, those of the diseases' names, whose probabilities add up to 1 too.
    """
    logits = SCORES[ARMS[arm].framework](arm, text)
    shifted = logits[0].astype(np.float64) - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def _linear_scores(arm: str, text: str) -> np.ndarray:
    return _loaded[arm].predict_log_proba([text])


def _bilstm_scores(arm: str, text: str) -> np.ndarray:
    return _bilstm_logits(arm, encode_words(_loaded["tokenizer"], [text]))


def _transformer_scores(arm: str, text: str) -> np.ndarray:
    from ..models import answering, classifier

    tokenizer = _loaded["tokenizer", arm]
    if ARMS[arm].answers:
        return (
            answering.answer_logits(_loaded[arm], tokenizer, [text], _loaded["answers"])
            - _loaded["prior", arm]
        )
    return classifier.logits_of(_loaded[arm], tokenizer, [text])


SCORES = {"sklearn": _linear_scores, "keras": _bilstm_scores, "torch": _transformer_scores}  # each (1, k)


def answer(arms: tuple[str, ...], text: str, explained: str) -> tuple[dict[str, np.ndarray], Words | None]:
    """`scores` of some arms of one process, and the `words` of one of them.

    With `explained` among the arms, the words are for its own first answer; otherwise None.
    """
    found = {arm: scores(arm, text) for arm in arms}
    return found, words(explained, text, int(found[explained].argmax())) if explained in arms else None


def words(arm: str, text: str, target: int) -> Words:
    """What each word of a text adds to the score (logit) of disease `target`.

    The pieces joined are the text. Integrated gradients (Sundararajan, Taly and Yan 2017, ICML, eq. 1) from a
    text of nothing but padding, tokens added up by word; for the linear model, from the zero vector, they are
    weight times input exactly.
    """
    return by_word(text, *VALUES[ARMS[arm].framework](arm, text, target))


def _bilstm_values(arm: str, text: str, target: int) -> tuple[list[tuple[int, int]], Sequence[float]]:
    found = _loaded["tokenizer"].encode(text)
    return found.offsets, _bilstm_gradients(arm, found.ids, target) if found.ids else []


def _transformer_values(arm: str, text: str, target: int) -> tuple[list[tuple[int, int]], Sequence[float]]:
    from ..analysis.errors import token_attributions

    tokenizer = _loaded["tokenizer", arm]
    spans = tokenizer(text, truncation=True, return_offsets_mapping=True)["offset_mapping"]
    values = token_attributions(_loaded[arm], tokenizer, text, target, STEPS) if spans else []
    return spans, [value for _, value in values]


def by_word(text: str, spans: list[tuple[int, int]], values: Sequence[float]) -> Words:
    """The text cut into words and white space, each with the sum of the values whose span ends in it.

    spans: in characters.
    """
    ends = np.array([stop - 1 for _, stop in spans], dtype=int)
    parts = [
        (part.group(), (ends >= part.start()) & (ends < part.end())) for part in re.finditer(r"\s+|\S+", text)
    ]
    return [(piece, float(np.asarray(values, dtype=float)[inside].sum())) for piece, inside in parts]


def _linear_values(arm: str, text: str, target: int) -> tuple[list[tuple[int, int]], list[float]]:
    """Spans of the words that the linear model knows, and what each adds.

    A word shares its value among its occurrences.
    """
    vectorizer, linear = _loaded[arm]
    # two classes
    coefficients = linear.coef_ if len(linear.coef_) > 1 else np.vstack([-linear.coef_, linear.coef_])
    row, vocabulary = vectorizer.transform([text]), vectorizer.vocabulary_
    found = [
        (m.span(), vocabulary.get(m.group().lower())) for m in re.finditer(vectorizer.token_pattern, text)
    ]
    known = [(span, column) for span, column in found if column is not None]
    counts = Counter(column for _, column in known)
    values = [float(coefficients[target, column] * row[0, column] / counts[column]) for _, column in known]
    return [span for span, _ in known], values


# spans, and what each adds
VALUES = {"sklearn": _linear_values, "keras": _bilstm_values, "torch": _transformer_values}


def _traced(network) -> dict:
    """The network after its embedding, and the gradients of one of its scores, as TensorFlow graphs.

    As graphs because eager LSTMs are slow. Empty on other backends than TensorFlow. Without padding the mask
    changes nothing, so it is left out.
    """
    from ..models.keras_backend import keras

    if keras.config.backend() != "tensorflow":
        return {}
    import tensorflow as tf

    names = [layer.name for layer in network.layers]
    after = network.layers[names.index("embedding") + 1 : names.index("logits") + 1]
    points, number = (
        tf.TensorSpec((None, None, network.get_layer("embedding").output_dim)),
        tf.TensorSpec((), tf.int32),
    )

    def passed(x):
        for layer in after:
            x = layer(x) if layer.name == "logits" else layer(x, training=False)
        return x

    logits = tf.function(passed, input_signature=[points])
    gradients = tf.function(
        lambda x, i: tf.gradients(logits(x)[:, i], x)[0], input_signature=[points, number]
    )
    return {"logits": logits, "gradients": gradients}


def _bilstm_logits(arm: str, ids: list[list[int]]) -> np.ndarray:
    """(1, k) scores of one text."""
    if "logits" not in _loaded:
        from ..models.keras_training import logits_of

        return logits_of(_loaded[arm], ids)
    return _loaded["logits"](_loaded[arm].get_layer("embedding")(np.array(ids, dtype="int32"))).numpy()


def _bilstm_gradients(arm: str, ids: list[int], target: int) -> np.ndarray:
    """(time,) attributions of a text without padding; TensorFlow only: other backends give zeros."""
    if "gradients" not in _loaded:
        return np.zeros(len(ids))
    embedding = _loaded[arm].get_layer("embedding")
    read, nothing = (np.asarray(embedding(np.array([row], dtype="int32"))) for row in (ids, [0] * len(ids)))
    # Gauss's points of [-1, 1], as captum takes them
    places, weights = np.polynomial.legendre.leggauss(STEPS)
    points = nothing + (0.5 + places / 2).astype(np.float32).reshape(-1, 1, 1) * (read - nothing)
    gradient = np.tensordot(weights / 2, _loaded["gradients"](points, target).numpy(), axes=1)
    return ((read - nothing)[0] * gradient).sum(axis=-1)
