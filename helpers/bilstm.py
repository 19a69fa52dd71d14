"""The bidirectional LSTM in Keras 3: the notes' network to the letter, and the same network given a fair chance."""

import os
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from .splits import side
from .text import bucketed_batches, pad

EMBEDDING_DIM, RNN_UNITS, BATCH_SIZE = 150, 256, 64  # the notes' values
WIDTH_STEP = 8  # padded widths are multiples of this, so that few distinct tensor shapes have to be traced
PATIENCE = 6  # epochs without a better validation MRR before `bilstm` stops


@cache
def load_keras():
    """Keras, imported once without TensorFlow's start-up notices (no CUDA driver found…), which no setting silences.

    They come from native code, so file descriptor 2 itself is turned away meanwhile; Python errors pass as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras
        import tensorflow as tf

        # The steps of an LSTM are small: one thread each for the two directions beats two threads that share every product.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(2)
        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    return keras


def word_vectorizer(texts: list[str]):
    """Keras's word tokenizer adapted to `texts`: lower case, punctuation off; 0 is padding, 1 an unknown word."""
    keras = load_keras()

    vectorizer = keras.layers.TextVectorization(standardize="lower_and_strip_punctuation", output_mode="int")
    vectorizer.adapt(texts)
    return vectorizer


def encode(vectorizer, texts: list[str]) -> list[list[int]]:
    """Word ids of each text, unpadded. A text without a word gives [1], so that no row is all padding."""
    ids = np.asarray(vectorizer(texts))
    return [row[row > 0].tolist() or [1] for row in ids]


def build(vocab_size: int, num_labels: int, mask: bool = False, dropout: float = 0.0):
    """Embedding 150 -> BiLSTM 256 -> Dense softmax; with the defaults, the notes' network to the letter.

    Inputs (batch, time) int32 word ids, outputs (batch, num_labels) float32 probabilities. The Dense layer is named
    `logits` and its softmax is a layer of its own, so that likelihoods can be computed before anything is rounded.
    """
    keras = load_keras()

    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(vocab_size, EMBEDDING_DIM, mask_zero=mask, name="embedding")(ids)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(RNN_UNITS), name="bilstm")(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_labels, name="logits")(x)
    return keras.Model(ids, keras.layers.Softmax(name="softmax")(logits), name="bilstm")


def bucketed_dataset(sequences: list[list[int]], labels: np.ndarray, batch_size: int, seed: int | None):
    """A Keras PyDataset of right-padded batches of similar length, drawn anew each epoch; seed None: fixed order."""
    keras = load_keras()

    lengths = np.array([len(sequence) for sequence in sequences])

    class Bucketed(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.epoch = 0
            self.draw()

        def draw(self):
            rng = None if seed is None else np.random.default_rng([seed, self.epoch])
            batches = list(bucketed_batches(lengths, batch_size, rng))
            # Keras reads the tensor shapes off the first two batches: with the narrowest and the widest there, width stays free.
            batches.sort(key=lambda rows: lengths[rows].max())
            ends, middle = [batches[0], batches[-1]], batches[1:-1]
            if rng is not None:
                rng.shuffle(middle)
            self.batches = [*ends, *middle] if len(batches) > 1 else batches

        def on_epoch_end(self):
            self.epoch += 1
            self.draw()

        def __len__(self):
            return len(self.batches)

        def __getitem__(self, number):
            rows = self.batches[number]
            width = -(-lengths[rows].max() // WIDTH_STEP) * WIDTH_STEP
            return pad([sequences[row] for row in rows], width), labels[rows]

    return Bucketed()


def logits_of(
    model, sequences: list[list[int]], batch_size: int = 128, width: int | None = None, padding: str = "right"
) -> np.ndarray:
    """(n, k) float32 scores before the softmax, in the order of `sequences`; width None: each batch to its own longest."""
    keras = load_keras()

    scores = keras.Model(model.input, model.get_layer("logits").output)
    out = np.zeros((len(sequences), model.output_shape[-1]), dtype=np.float32)
    lengths = np.array([len(sequence) for sequence in sequences])
    for rows in bucketed_batches(lengths, batch_size, None) if len(sequences) else ():
        own = width or -(-lengths[rows].max() // WIDTH_STEP) * WIDTH_STEP
        out[rows] = np.asarray(scores(pad([sequences[row] for row in rows], own, side=padding)))
    return out


def mrr(labels, probabilities):
    """Reciprocal rank of the true class for each row, as in `metrics.mean_reciprocal_rank`; a Keras metric averages it."""
    ops = load_keras().ops
    true = ops.take_along_axis(probabilities, ops.reshape(ops.cast(labels, "int32"), (-1, 1)), axis=1)
    higher = ops.sum(ops.cast(probabilities > true, "float32"), axis=1)
    equal = ops.sum(ops.cast(probabilities == true, "float32"), axis=1)
    return 1 / (1 + higher + (equal - 1) / 2)


def train(
    split: pd.DataFrame, arm: str, learning_rate: float | None, seed: int, epochs: int, progress: Callable[[str], None]
) -> dict:
    """Trains `bilstm_original` or `bilstm`; returns logits of both held-out sides, history, parameters and its arrays.

    arrays: `vocabulary` (v,) str, `initial_embedding` (v, 150) float32, and the trained `weight_0`, … in Keras's order.
    """
    keras = load_keras()
    import tensorflow as tf

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()  # on a CPU seeds suffice (tested), and it would double the time
    original = arm == "bilstm_original"
    texts, labels = side(split, "train")
    valid_texts, valid_labels = side(split, "valid")
    test_texts, _ = side(split, "test")
    # The notes fit the tokenizer on all texts; a fair model may only know the words of its training texts.
    vectorizer = word_vectorizer(split["text"].tolist() if original else texts)
    ids, valid_ids, test_ids = (encode(vectorizer, rows) if rows else [] for rows in (texts, valid_texts, test_texts))
    width = max(map(len, ids + valid_ids + test_ids)) if original else None
    model = build(
        vectorizer.vocabulary_size(), split["label"].nunique(), mask=not original, dropout=0.0 if original else 0.4
    )
    initial_embedding = model.get_layer("embedding").get_weights()[0]
    optimizer = keras.optimizers.Adam() if original else keras.optimizers.Adam(learning_rate)
    watched = ["accuracy"] if original else ["accuracy", mrr]
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=watched, jit_compile=False)

    watch = epoch_watch(progress, epochs)
    if original:
        valid = (pad(valid_ids, width, "left"), valid_labels) if valid_ids else None
        model.fit(
            pad(ids, width, "left"),
            labels,
            batch_size=BATCH_SIZE,
            epochs=epochs,
            validation_data=valid,
            verbose=0,
            callbacks=[watch],
        )
    else:
        stop = keras.callbacks.EarlyStopping("val_mrr", mode="max", patience=PATIENCE, restore_best_weights=True)
        batches = bucketed_dataset(ids, labels, BATCH_SIZE, seed)
        valid = bucketed_dataset(valid_ids, valid_labels, 2 * BATCH_SIZE, None)
        model.fit(batches, epochs=epochs, validation_data=valid, verbose=0, callbacks=[watch, stop])
    style = {"width": width, "padding": "left" if original else "right"}
    return {
        "valid_logits": logits_of(model, valid_ids, **style),
        "test_logits": logits_of(model, test_ids, **style),
        "history": watch.rows,
        "parameters": int(model.count_params()),
        "arrays": {
            "vocabulary": np.array(vectorizer.get_vocabulary()),
            "initial_embedding": initial_embedding,
            **{f"weight_{number}": weight for number, weight in enumerate(model.get_weights())},
        },
    }


def rebuild(arrays: dict[str, np.ndarray], mask: bool):
    """The trained network from the arrays that `train` returned, with the mask or without: the weights are the same."""
    weights = [arrays[f"weight_{number}"] for number in range(sum(name.startswith("weight_") for name in arrays))]
    model = build(len(weights[0]), len(weights[-1]), mask=mask)
    model.set_weights(weights)
    return model


def rebuild_vectorizer(arrays: dict[str, np.ndarray]):
    """The word tokenizer of a trained network, from its vocabulary."""
    keras = load_keras()

    words = arrays["vocabulary"].tolist()[2:]  # without the entries for padding and unknown words, which are put back
    return keras.layers.TextVectorization(
        standardize="lower_and_strip_punctuation", output_mode="int", vocabulary=words
    )


def epoch_watch(progress: Callable[[str], None], epochs: int):
    """A Keras callback that keeps one history row an epoch (losses, accuracies, seconds) and stops at a NaN loss."""
    keras = load_keras()

    class Watch(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rows = []

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            names = {
                "loss": "train_loss",
                "accuracy": "train_accuracy",
                "val_loss": "valid_loss",
                "val_accuracy": "valid_accuracy",
                "val_mrr": "valid_mrr",
            }
            row = {names[name]: float(value) for name, value in logs.items() if name in names}
            if not np.isfinite(row["train_loss"]):
                raise FloatingPointError(
                    f"training loss became {row['train_loss']} in epoch {epoch + 1}: lower the learning rate"
                )
            self.rows.append({"epoch": epoch + 1, **row, "seconds": time.perf_counter() - self.began})
            progress(f"epoch {epoch + 1}/{epochs} · training loss {row['train_loss']:.3f}")

    return Watch()
