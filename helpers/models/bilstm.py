"""The bidirectional LSTM in Keras 3: the notes' network to the letter, and the same given a real chance."""

from functools import partial

import numpy as np

from ..arms import EMBEDDING_DIM, RNN_UNITS
from .keras_backend import keras
from .keras_training import WordDropout, train_words
from .task import Task


def build(
    vocab_size: int,
    num_labels: int,
    mask: bool = False,
    embedding: int = EMBEDDING_DIM,
    units: int = RNN_UNITS,
    word_dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    dropout: float = 0.0,
    pooling: str = "last",
    directions: int = 2,
):
    """Embedding -> BiLSTM -> Dense softmax; with the defaults, the notes' network to the letter.

    Inputs (batch, time) int32 word ids, outputs (batch, num_labels) float32 probabilities. Dropout: of whole
    words (see `WordDropout`), of the embedding's and of the states' numbers. pooling: what of the states goes
    on, each direction's "last" or the "mean" over time. directions: 2, or 1 to read forward alone. The Dense
    layer is named `logits` and its softmax is a layer of its own, so that likelihoods can be computed before
    anything is rounded.
    """
    ids = x = keras.Input((None,), dtype="int32", name="ids")
    if word_dropout:
        x = WordDropout(word_dropout, name="word_dropout")(x)
    x = keras.layers.Embedding(vocab_size, embedding, mask_zero=mask, name="embedding")(x)
    if embedding_dropout:
        x = keras.layers.Dropout(embedding_dropout)(x)
    layer = keras.layers.LSTM(units, return_sequences=pooling == "mean", name="lstm")
    x = (layer if directions == 1 else keras.layers.Bidirectional(layer, name="bilstm"))(x)
    if pooling == "mean":
        x = keras.layers.GlobalAveragePooling1D()(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_labels, name="logits")(x)
    return keras.Model(ids, keras.layers.Softmax(name="softmax")(logits), name="bilstm")


def rebuild(arrays: dict[str, np.ndarray], mask: bool):
    """The trained network from the arrays that `train` returned.

    With the mask or without: the weights are the same.
    """
    names = sorted((name for name in arrays if name.startswith("weight_")), key=lambda name: int(name[7:]))
    weights = [arrays[name] for name in names]
    own = {"embedding": weights[0].shape[1], "units": len(weights[2])}
    # a table of words, three arrays of each LSTM, two of the dense layer
    own |= {"directions": (len(weights) - 3) // 3}
    own |= {"pooling": str(arrays.get("pooling", "last"))}
    model = build(len(weights[0]), len(weights[-1]), mask=mask, **own)
    model.set_weights(weights)
    return model


NETWORK = (
    "mask", "embedding", "units", "word_dropout", "embedding_dropout", "dropout", "pooling", "directions",
)  # fmt: skip


def train(task: Task) -> dict:
    """Trains the network that the arm's settings describe (see `build`, and `train_words` for the others).

    arrays: also `pooling`, as of `build`.
    """
    own = {name: value for name, value in task.arm.settings.items() if name in NETWORK}
    result = train_words(task, partial(build, **own), task.arm.settings["batch_size"])
    result["arrays"]["pooling"] = np.array(own.get("pooling", "last"))
    return result
