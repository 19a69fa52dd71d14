"""The bidirectional LSTM in Keras 3: the notes' network to the letter, and the same given a fair chance."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..data.splits import SIDES, side
from ..files import replacing
from .keras_backend import keras
from .task import Task
from .tokens import LONGEST, bucketed_batches, encode_words, pad, vocabulary_of, word_tokenizer

EMBEDDING_DIM, RNN_UNITS, BATCH_SIZE = 150, 256, 64  # the notes' values
WIDTH_STEP = 8  # padded widths are multiples of this, so that few distinct tensor shapes have to be traced


def build(vocab_size: int, num_labels: int, mask: bool = False, dropout: float = 0.0):
    """Embedding 150 -> BiLSTM 256 -> Dense softmax; with the defaults, the notes' network to the letter.

    Inputs (batch, time) int32 word ids, outputs (batch, num_labels) float32 probabilities. The Dense layer is
    named `logits` and its softmax is a layer of its own, so that likelihoods can be computed before anything
    is rounded.
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
    """Scores before the softmax, in the order of `sequences`: (n, k) float32.

    width None: each batch to its own longest.
    """
    scores = keras.Model(model.input, model.get_layer("logits").output)
    scores.compile(jit_compile=False)  # as a graph: step by step an LSTM is ten times slower
    out = np.zeros((len(sequences), model.output_shape[-1]), dtype=np.float32)
    lengths = np.array([len(sequence) for sequence in sequences])
    for rows in bucketed_batches(lengths, batch_size, None) if len(sequences) else ():
        ids = pad([sequences[row] for row in rows], width or bucket_width(lengths[rows]), side=padding)
        out[rows] = scores.predict_on_batch(ids)
    return out


def rebuild(arrays: dict[str, np.ndarray], mask: bool):
    """The trained network from the arrays that `train` returned.

    With the mask or without: the weights are the same.
    """
    weights = [
        arrays[f"weight_{number}"] for number in range(sum(name.startswith("weight_") for name in arrays))
    ]
    model = build(len(weights[0]), len(weights[-1]), mask=mask)
    model.set_weights(weights)
    return model


LOGGED = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "val_loss": "valid_loss",
    "val_accuracy": "valid_accuracy",
    "val_mrr": "valid_mrr",
}


class Batches(keras.utils.PyDataset):
    """(ids, labels) batches, drawn anew each epoch.

    The draw is from the seed and the epoch's number; seed None: always the same.
    width None: batches of similar length, each right-padded to its own longest. width given: batches at
    random, all left-padded to it, as in the notes.
    """

    def __init__(
        self, sequences: list[list[int]], labels: np.ndarray, batch_size: int, seed: int | None, width=None
    ):
        super().__init__()
        self.sequences, self.labels, self.batch_size, self.seed, self.width = (
            sequences,
            labels,
            batch_size,
            seed,
            width,
        )
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
        # Keras reads the tensor shapes off the first two batches: with the narrowest and the widest there,
        # width stays free.
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
    """Reciprocal rank of the true class for each row, as in `metrics.mean_reciprocal_rank`.

    A Keras metric averages it.
    """
    ops = keras.ops
    true = ops.take_along_axis(probabilities, ops.reshape(ops.cast(labels, "int32"), (-1, 1)), axis=1)
    higher = ops.sum(ops.cast(probabilities > true, "float32"), axis=1)
    equal = ops.sum(ops.cast(probabilities == true, "float32"), axis=1)
    return 1 / (1 + higher + (equal - 1) / 2)


class EpochKeeper(keras.callbacks.Callback):
    """Keeps the history, the best weights and a checkpoint of each finished epoch; ends the run.

    The best weights are those of the best validation MRR. A run ends `patience` epochs after its best one
    (None: never early), and at a loss that is no number with FloatingPointError, before the checkpoint of
    that epoch is written. `file` holds everything that the next epoch depends on: weights, optimizer, random
    states, history.
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
        early = (
            self.patience is not None
            and bool(scores)
            and len(scores) - 1 - np.argmax(scores) >= self.patience
        )
        return early or len(self.rows) >= self.epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = {LOGGED[name]: float(value) for name, value in logs.items() if name in LOGGED}
        for name, which in (("train_loss", "training"), ("valid_loss", "validation")):
            if not np.isfinite(row.get(name, 0.0)):
                raise FloatingPointError(
                    f"{which} loss became {row[name]} in epoch {epoch + 1}: lower the learning rate; "
                    f"{self.file} holds the epoch before"
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


def train(task: Task) -> dict:
    """Trains the network as the arm's settings say (see `Task`).

    It goes on from the checkpoint in `task.work` if there is one.
    Settings: `mask`, `dropout` (see `build`); `patience` (see `EpochKeeper`); `padding`: every text to the
    "longest" of all, on the left as in the notes, or each "batch" to its own longest; `vocabulary`: the words
    of "all" texts, as the notes have it, or those of the "train" side, all that a fair model may know.
    arrays: `vocabulary` (v,) str, `initial_embedding` (v, 150) float32, and the trained `weight_0`, … in
    Keras's order.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(task.seed)
    task.work.mkdir(parents=True, exist_ok=True)
    settings, sides = task.arm.settings, {name: side(task.split, name) for name in SIDES}
    known = task.split["text"].tolist() if settings["vocabulary"] == "all" else sides["train"][0]
    tokenizer = word_tokenizer(known)
    ids = {name: encode_words(tokenizer, texts) for name, (texts, _) in sides.items()}
    width = longest(task, ids) if settings["padding"] == "longest" else None
    mask, dropout = settings["mask"], settings["dropout"]
    model = build(tokenizer.get_vocab_size(), task.split["label"].nunique(), mask, dropout)
    initial_embedding = model.get_layer("embedding").get_weights()[0]
    history, weights = fit(model, task, ids, {name: labels for name, (_, labels) in sides.items()}, width)
    arrays = {
        "vocabulary": np.array(vocabulary_of(tokenizer)),
        "initial_embedding": initial_embedding,
        **{f"weight_{number}": weight for number, weight in enumerate(weights)},
    }
    final = rebuild(arrays, mask)
    padding = {"width": width, "padding": "right" if width is None else "left"}
    return {
        "valid_logits": logits_of(final, ids["valid"], **padding),
        "test_logits": logits_of(final, ids["test"], **padding),
        "history": history,
        "parameters": int(final.count_params()),
        "arrays": arrays,
    }


def longest(task: Task, ids: dict[str, list]) -> int:
    """Words of the longest text, at most LONGEST: each word of each text of a step costs some 28 KB."""
    words = max(map(len, sum(ids.values(), [])))
    if words > LONGEST:
        print(f"{task.arm.id}: a text has {words:,} words; all are cut at {LONGEST:,} to save memory")
    return min(words, LONGEST)


def fit(model, task: Task, ids: dict[str, list], labels: dict[str, np.ndarray], width: int | None) -> tuple:
    """Trains the network on the rows of `train`: the history, and the weights (float32) that are kept.

    width: see `Batches`. The tuned value is the learning rate (None: Adam's own).
    """
    optimizer = keras.optimizers.Adam() if task.value is None else keras.optimizers.Adam(task.value)
    patience = task.arm.settings["patience"]
    watched = ["accuracy"] if patience is None else ["accuracy", mrr]
    # Without XLA, which is slower here, and in float32: on pages bf16 gains nothing
    # (benchmarks/training_speed_cpu.csv).
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=watched, jit_compile=False)
    optimizer.build(model.trainable_variables)
    keeper = EpochKeeper(task.work / "state.npz", task.progress, task.epochs, patience)
    done = keeper.restore(model)
    data = Batches(ids["train"], labels["train"], BATCH_SIZE, task.seed, width)
    data.start(done)
    valid = Batches(ids["valid"], labels["valid"], 2 * BATCH_SIZE, None, width) if ids["valid"] else None
    if not keeper.over():
        model.fit(
            data,
            epochs=task.epochs,
            initial_epoch=done,
            validation_data=valid,
            shuffle=False,
            verbose=0,
            callbacks=[keeper],
        )
    return keeper.rows, [
        np.asarray(weight, dtype=np.float32) for weight in keeper.best or model.get_weights()
    ]
