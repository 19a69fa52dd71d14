"""Trains the BiLSTM: seeded batches, one history row and one checkpoint an epoch, an end when it stops improving."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from .backend import keras
from .bilstm import BATCH_SIZE, bucket_width, build, logits_of, rebuild
from .files import replacing
from .splits import side
from .text import bucketed_batches, encode_words, pad, word_tokenizer, words_of

PATIENCE = 6  # epochs without a better validation MRR before `bilstm` stops
DROPOUT = 0.4
LOGGED = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "val_loss": "valid_loss",
    "val_accuracy": "valid_accuracy",
    "val_mrr": "valid_mrr",
}


class Batches(keras.utils.PyDataset):
    """(ids, labels) batches, drawn anew each epoch from the seed and the epoch's number; seed None: always the same.

    width None: batches of similar length, each right-padded to its own longest. width given: batches at random, all
    left-padded to it, as in the notes.
    """

    def __init__(self, sequences: list[list[int]], labels: np.ndarray, batch_size: int, seed: int | None, width=None):
        super().__init__()
        self.sequences, self.labels, self.batch_size, self.seed, self.width = sequences, labels, batch_size, seed, width
        self.lengths = np.array([len(sequence) for sequence in sequences])
        self.start(0)

    def start(self, epoch: int) -> None:
        """Draws the batches of an epoch, counted from 0."""
        self.epoch = epoch
        rng = None if self.seed is None else np.random.default_rng([self.seed, epoch])
        if self.width is not None:
            order = np.arange(len(self.lengths)) if rng is None else rng.permutation(len(self.lengths))
            self.batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
            return
        batches = list(bucketed_batches(self.lengths, self.batch_size, rng))
        # Keras reads the tensor shapes off the first two batches: with the narrowest and the widest there, width stays free.
        batches.sort(key=lambda rows: self.lengths[rows].max())
        ends, middle = [batches[0], batches[-1]], batches[1:-1]
        if rng is not None:
            rng.shuffle(middle)
        self.batches = [*ends, *middle] if len(batches) > 1 else batches

    def on_epoch_end(self):
        self.start(self.epoch + 1)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        rows = self.batches[number]
        texts = [self.sequences[row] for row in rows]
        if self.width is not None:
            return pad(texts, self.width, "left"), self.labels[rows]
        return pad(texts, bucket_width(self.lengths[rows])), self.labels[rows]


def mrr(labels, probabilities):
    """Reciprocal rank of the true class for each row, as in `metrics.mean_reciprocal_rank`; a Keras metric averages it."""
    ops = keras.ops
    true = ops.take_along_axis(probabilities, ops.reshape(ops.cast(labels, "int32"), (-1, 1)), axis=1)
    higher = ops.sum(ops.cast(probabilities > true, "float32"), axis=1)
    equal = ops.sum(ops.cast(probabilities == true, "float32"), axis=1)
    return 1 / (1 + higher + (equal - 1) / 2)


class Watch(keras.callbacks.Callback):
    """Keeps the history, the best weights by validation MRR and a checkpoint of each finished epoch; ends the run.

    A run ends `patience` epochs after its best one (None: never early), and at a loss that is no number with
    FloatingPointError, before the checkpoint of that epoch is written. `file` holds everything that the next epoch
    depends on: weights, optimizer, random states, history.
    """

    def __init__(self, file: Path, progress: Callable[[str], None], epochs: int, patience: int | None):
        super().__init__()
        self.file, self.progress, self.epochs, self.patience = file, progress, epochs, patience
        self.rows, self.best = [], None

    def state(self) -> list:
        return [*self.model.variables, *self.model.optimizer.variables]

    def restore(self, model) -> int:
        """Puts `model` where the checkpoint left it, if there is one; returns how many epochs are done."""
        self.set_model(model)
        if not self.file.is_file():
            return 0
        with np.load(self.file, allow_pickle=False) as saved:
            self.rows = json.loads(str(saved["history"]))
            self.best = [saved[name] for name in sorted(saved.files) if name.startswith("best_")] or None
            for number, variable in enumerate(self.state()):
                variable.assign(saved[f"state_{number:04d}"])
        return len(self.rows)

    def over(self) -> bool:
        """Whether nothing is left to train."""
        scores = [row.get("valid_mrr", 0.0) for row in self.rows]
        early = self.patience is not None and bool(scores) and len(scores) - 1 - np.argmax(scores) >= self.patience
        return early or len(self.rows) >= self.epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = {LOGGED[name]: float(value) for name, value in logs.items() if name in LOGGED}
        for name, which in (("train_loss", "training"), ("valid_loss", "validation")):
            if not np.isfinite(row.get(name, 0.0)):
                raise FloatingPointError(
                    f"{which} loss became {row[name]} in epoch {epoch + 1}: lower the learning rate; {self.file} holds the epoch before"
                )
        self.rows.append({"epoch": epoch + 1, **row, "seconds": time.perf_counter() - self.began})
        scores = [row.get("valid_mrr", 0.0) for row in self.rows]
        if self.patience is not None and np.argmax(scores) == epoch:
            self.best = self.model.get_weights()
        self.save()
        self.model.stop_training = self.over()
        self.progress(f"epoch {epoch + 1}/{self.epochs} · training loss {row['train_loss']:.3f}")

    def save(self) -> None:
        """Writes the checkpoint in one step."""
        arrays = {f"state_{n:04d}": keras.ops.convert_to_numpy(v) for n, v in enumerate(self.state())}
        arrays |= {f"best_{n:04d}": weight for n, weight in enumerate(self.best or ())}
        with replacing(self.file) as temporary:
            np.savez(temporary, history=json.dumps(self.rows), **arrays)


def train(
    split: pd.DataFrame,
    arm: str,
    learning_rate: float | None,
    seed: int,
    epochs: int,
    progress: Callable[[str], None],
    *,
    work: Path,
) -> dict:
    """Trains `bilstm_original` or `bilstm`; returns logits of both held-out sides, history, parameters and its arrays.

    Goes on from the checkpoint in `work` if there is one, to the numbers of an unbroken run. learning_rate None: Adam's own.
    arrays: `vocabulary` (v,) str, `initial_embedding` (v, 150) float32, and the trained `weight_0`, … in Keras's order.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    original = arm == "bilstm_original"
    texts, labels = side(split, "train")
    valid_texts, valid_labels = side(split, "valid")
    test_texts, _ = side(split, "test")
    # The notes fit the tokenizer on all texts; a fair model may only know the words of its training texts.
    tokenizer = word_tokenizer(split["text"].tolist() if original else texts)
    ids, valid_ids, test_ids = (encode_words(tokenizer, rows) for rows in (texts, valid_texts, test_texts))
    width = max(map(len, ids + valid_ids + test_ids)) if original else None
    sizes = (tokenizer.get_vocab_size(), split["label"].nunique())
    model = build(*sizes) if original else build(*sizes, mask=True, dropout=DROPOUT)
    initial_embedding = model.get_layer("embedding").get_weights()[0]
    optimizer = keras.optimizers.Adam() if learning_rate is None else keras.optimizers.Adam(learning_rate)
    watched = ["accuracy"] if original else ["accuracy", mrr]
    # Without XLA, which is slower here, and in float32: on pages bf16 gains nothing (benchmarks/training_speed_cpu.csv).
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=watched, jit_compile=False)
    optimizer.build(model.trainable_variables)

    watch = Watch(work / "state.npz", progress, epochs, None if original else PATIENCE)
    done = watch.restore(model)
    data = Batches(ids, labels, BATCH_SIZE, seed, width)
    data.start(done)
    valid = Batches(valid_ids, valid_labels, 2 * BATCH_SIZE, None, width) if valid_ids else None
    if not watch.over():
        model.fit(
            data, epochs=epochs, initial_epoch=done, validation_data=valid, shuffle=False, verbose=0, callbacks=[watch]
        )
    weights = [np.asarray(weight, dtype=np.float32) for weight in watch.best or model.get_weights()]
    arrays = {
        "vocabulary": np.array(words_of(tokenizer)),
        "initial_embedding": initial_embedding,
        **{f"weight_{number}": weight for number, weight in enumerate(weights)},
    }
    final = rebuild(arrays, mask=not original)
    style = {"width": width, "padding": "left" if original else "right"}
    return {
        "valid_logits": logits_of(final, valid_ids, **style),
        "test_logits": logits_of(final, test_ids, **style),
        "history": watch.rows,
        "parameters": int(final.count_params()),
        "arrays": arrays,
    }
