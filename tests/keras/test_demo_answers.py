"""The BiLSTM as the demo asks it: the scores of the trained network, and attributions that add up."""

import keras
import numpy as np
import pytest

from helpers.demo import answers
from helpers.models import bilstm, keras_training
from helpers.models.tokens import encode_words, word_tokenizer

TEXTS = ["fever and a dry cough", "an itchy rash", "night night fever"]
ODD = ["fever", "zebra", "…", "!?", "🤒 fever 👩‍👩‍👧", "<|endoftext|>", "حمى و سعال", "fever, " * 150]


@pytest.fixture(params=["last", "mean"])
def loaded(request, monkeypatch):
    """A network with random weights, of either pooling, loaded as in its process.

    Its words are further apart than a fresh one's so that they matter.
    """
    keras.utils.set_random_seed(0)
    tokenizer = word_tokenizer(TEXTS)
    model = bilstm.build(tokenizer.get_vocab_size(), 5, mask=True, pooling=request.param)
    model.get_layer("embedding").embeddings.assign(4 * model.get_layer("embedding").embeddings)
    for name, value in {"bilstm": model, "tokenizer": tokenizer, **answers._traced(model)}.items():
        monkeypatch.setitem(answers._loaded, name, value)
    return model, tokenizer


def logits(loaded, ids):
    return np.asarray(keras_training.logits_of(loaded[0], [ids]))[0]


@pytest.mark.parametrize("text", [*TEXTS, *ODD])
def test_scores_are_those_of_the_network_with_or_without_its_graph(loaded, text, monkeypatch):
    expected = logits(loaded, encode_words(loaded[1], [text])[0]).astype(float)
    expected -= np.log(np.exp(expected).sum())
    np.testing.assert_allclose(answers.scores("bilstm", text), expected, atol=1e-4)
    monkeypatch.delitem(answers._loaded, "logits")
    np.testing.assert_allclose(answers.scores("bilstm", text), expected, atol=1e-5)


@pytest.mark.parametrize("text", [*TEXTS, *ODD])
def test_attributions_add_up_to_what_the_text_changed(loaded, text):
    ids = loaded[1].encode(text).ids
    embedding, read, score = (loaded[0].get_layer(name) for name in ("embedding", "bilstm", "logits"))
    # arrays have no mask
    points = [np.asarray(embedding(np.array([row], "int32"))) for row in (ids, [0] * len(ids))]

    def scored(point):
        states = np.asarray(read(point))  # of each word, or the last ones
        return np.asarray(score(states.mean(axis=1) if states.ndim == 3 else states))[0]

    there, nothing = map(scored, points) if ids else np.zeros((2, 5))
    for target in (0, 3):
        found = answers.words("bilstm", text, target)
        assert "".join(piece for piece, _ in found) == text
        change = float(there[target] - nothing[target])
        assert sum(value for _, value in found) == pytest.approx(change, rel=0.03, abs=1e-3)


def test_each_disease_has_its_own_attributions_and_other_backends_none(loaded, monkeypatch):
    assert answers.words("bilstm", TEXTS[0], 0) != answers.words("bilstm", TEXTS[0], 1)
    monkeypatch.delitem(answers._loaded, "gradients")
    assert {value for _, value in answers.words("bilstm", TEXTS[0], 0)} == {0}
