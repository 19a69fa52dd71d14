"""The bidirectional LSTM in Keras 3: the notes' network to the letter, and the same network given a fair chance."""

import numpy as np

from .backend import keras
from .text import bucketed_batches, pad

EMBEDDING_DIM, RNN_UNITS, BATCH_SIZE = 150, 256, 64  # the notes' values
WIDTH_STEP = 8  # padded widths are multiples of this, so that few distinct tensor shapes have to be traced


def build(vocab_size: int, num_labels: int, mask: bool = False, dropout: float = 0.0):
    """Embedding 150 -> BiLSTM 256 -> Dense softmax; with the defaults, the notes' network to the letter.

    Inputs (batch, time) int32 word ids, outputs (batch, num_labels) float32 probabilities. The Dense layer is named
    `logits` and its softmax is a layer of its own, so that likelihoods can be computed before anything is rounded.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(vocab_size, EMBEDDING_DIM, mask_zero=mask, name="embedding")(ids)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(RNN_UNITS), name="bilstm")(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_labels, name="logits")(x)
    return keras.Model(ids, keras.layers.Softmax(name="softmax")(logits), name="bilstm")


def bucket_width(lengths: np.ndarray) -> int:
    """The width of a batch of texts of these lengths: the longest, rounded up to a multiple of WIDTH_STEP."""
    return int(-(-lengths.max() // WIDTH_STEP) * WIDTH_STEP)


def logits_of(
    model, sequences: list[list[int]], batch_size: int = 128, width: int | None = None, padding: str = "right"
) -> np.ndarray:
    """(n, k) float32 scores before the softmax, in the order of `sequences`; width None: each batch to its own longest."""
    scores = keras.Model(model.input, model.get_layer("logits").output)
    out = np.zeros((len(sequences), model.output_shape[-1]), dtype=np.float32)
    lengths = np.array([len(sequence) for sequence in sequences])
    for rows in bucketed_batches(lengths, batch_size, None) if len(sequences) else ():
        ids = pad([sequences[row] for row in rows], width or bucket_width(lengths[rows]), side=padding)
        out[rows] = keras.ops.convert_to_numpy(scores(ids, training=False))
    return out


def rebuild(arrays: dict[str, np.ndarray], mask: bool):
    """The trained network from the arrays that `train` returned, with the mask or without: the weights are the same."""
    weights = [arrays[f"weight_{number}"] for number in range(sum(name.startswith("weight_") for name in arrays))]
    model = build(len(weights[0]), len(weights[-1]), mask=mask)
    model.set_weights(weights)
    return model
