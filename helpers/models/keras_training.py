"""The training of the Keras networks: batches of each epoch, what is kept of it, logits; it resumes."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..data.splits import SIDES, side
from ..files import replacing
from .keras_backend import keras
from .task import Task, draw_batches, epoch_rows, steps_of
from .tokens import LONGEST, bucketed_batches, encode_words, pad, vocabulary_of, word_tokenizer

UNKNOWN = 1  # the id of a word that the tokenizer has not seen
WIDTH_STEP = 8  # padded widths are multiples of this, so that few distinct tensor shapes have to be traced


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


@keras.saving.register_keras_serializable("helpers")
class WordDropout(keras.layers.Layer):
    """In training, each word becomes the unknown word with probability `rate`, drawn anew each time.

    So the unknown word's vector is learned too, and no text can be told by a single word. Padding stays.
    """

    def __init__(self, rate: float, **settings):
        super().__init__(**settings)
        self.rate, self.seed = rate, keras.random.SeedGenerator()

    def call(self, ids, training=False):
        if not training:
            return ids
        ops = keras.ops
        lost = keras.random.uniform(ops.shape(ids), seed=self.seed) < self.rate
        return ops.where(ops.logical_and(lost, ids > 0), UNKNOWN, ids)

    def get_config(self):
        return super().get_config() | {"rate": self.rate}


LOGGED = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "val_loss": "valid_loss",
    "val_accuracy": "valid_accuracy",
    "val_mrr": "valid_mrr",
}


class Batches(keras.utils.PyDataset):
    """(ids, labels) batches of an epoch, drawn anew each epoch.

    rows_of: an epoch's number, from 0 -> word ids of its texts, and their classes. steps: how many batches.
    width None: batches of similar length, each right-padded to its own longest. width given: batches at
    random, all left-padded to it, as in the notes. seed None: the rows in their order.
    """

    def __init__(
        self, rows_of: Callable[[int], tuple], steps: int, seed: int | None, width: int | None = None
    ):
        super().__init__()
        self.rows_of, self.steps, self.seed, self.width = rows_of, steps, seed, width
        self.start(0)

    def start(self, epoch: int) -> None:
        """Draws the batches of an epoch, counted from 0."""
        self.epoch = epoch
        self.sequences, self.labels = self.rows_of(epoch)
        self.lengths = np.array([len(sequence) for sequence in self.sequences])
        rng, rows = np.random.default_rng([self.seed or 0, epoch]), len(self.lengths)
        steps = min(self.steps, rows)
        if self.seed is None or self.width is not None:
            order = np.arange(rows) if self.seed is None else rng.permutation(rows)
            self.batches = np.array_split(order, steps)
            return
        # Keras reads the tensor shapes off the first two batches: with the narrowest and the widest there,
        # and the second wider where they are not, width stays free.
        batches = draw_batches(self.lengths, max(steps, min(2, rows)), rng)
        batches.sort(key=lambda rows: self.lengths[rows].max())
        ends, middle = [batches[0], batches[-1]], batches[1:-1]
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
        width = bucket_width(self.lengths[rows])
        alike = number == 1 and width == bucket_width(self.lengths[self.batches[0]])
        return pad(texts, width + WIDTH_STEP * alike), self.labels[rows]


def mrr(labels, probabilities):
    """Reciprocal rank of the true class for each row, as in `metrics.mean_reciprocal_rank`.

    A Keras metric averages it.
    """
    ops = keras.ops
    true = ops.take_along_axis(probabilities, ops.reshape(ops.cast(labels, "int32"), (-1, 1)), axis=1)
    above = ops.sum(ops.cast(probabilities > true, "int32"), axis=1)
    tied = ops.sum(ops.cast(probabilities == true, "int32"), axis=1)
    harmonic = ops.cumsum(1 / ops.arange(1, probabilities.shape[1] + 1, dtype="float32"))
    harmonic = ops.concatenate([ops.zeros(1), harmonic])
    expected = ops.take(harmonic, above + tied) - ops.take(harmonic, above)
    return expected / ops.cast(tied, "float32")


class EpochKeeper(keras.callbacks.Callback):
    """Keeps the history, the best weights and a checkpoint of each finished epoch; ends the run.

    The best weights are those of the best validation MRR, if `keeps_best`; else the last are kept. A loss
    that is no number ends the run with FloatingPointError, before the checkpoint of that epoch is written.
    `file` holds everything that the next epoch depends on: weights, optimizer, random states, history.
    """

    def __init__(self, file: Path, progress: Callable[[str], None], epochs: int, keeps_best: bool):
        super().__init__()
        self.file, self.progress, self.epochs, self.keeps_best = file, progress, epochs, keeps_best
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
        if self.keeps_best and np.argmax(scores) == epoch:
            self.best = self.model.get_weights()
        self.save()
        self.progress(f"epoch {epoch + 1}/{self.epochs} · training loss {row['train_loss']:.3f}")

    def save(self) -> None:
        """Writes the checkpoint in one step."""
        arrays = {f"state_{n:04d}": keras.ops.convert_to_numpy(v) for n, v in enumerate(self.state())}
        arrays |= {f"best_{n:04d}": weight for n, weight in enumerate(self.best or ())}
        with replacing(self.file) as temporary:
            np.savez(temporary, history=json.dumps(self.rows), **arrays)


def train_words(task: Task, build: Callable, batch_size: int) -> dict:
    """Trains a network of words (see `Task`); it goes on from the checkpoint in `task.work` if there is one.

    build: vocabulary size and number of labels -> the untrained network, with layers `embedding` and
    `logits`. The tuned value is Adam's learning rate (None: Adam's own). Settings: `padding`: every text to
    the "longest" of all, on the left as in the notes, or each "batch" to its own longest; `vocabulary`: the
    words of "all" texts, as the notes have it, or those of the "train" side, all that a fair model may know;
    `schedule`: "constant", the last epoch kept, or "linear": the rate falls to 0,
    gradients are clipped, the epoch with the best validation MRR is kept.
    arrays: `vocabulary` (v,) str, `initial_embedding` (v, d) float32, and the trained `weight_0`, … in
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
    model = build(tokenizer.get_vocab_size(), task.split["label"].nunique())
    initial_embedding = model.get_layer("embedding").get_weights()[0]

    def rows_of(epoch: int) -> tuple:
        texts, labels = epoch_rows(task, epoch)
        return encode_words(tokenizer, texts), labels

    data = Batches(rows_of, steps_of(task, batch_size), task.seed, width)
    valid = (ids["valid"], sides["valid"][1])
    many = -(-len(valid[0]) // (2 * batch_size))
    history, weights = fit(model, task, data, Batches(lambda _: valid, many, None, width) if many else None)
    model.set_weights(weights)
    padding = {"width": width, "padding": "right" if width is None else "left"}
    return {
        "valid_logits": logits_of(model, ids["valid"], **padding),
        "test_logits": logits_of(model, ids["test"], **padding),
        "history": history,
        "parameters": int(model.count_params()),
        "arrays": {
            "vocabulary": np.array(vocabulary_of(tokenizer)),
            "initial_embedding": initial_embedding,
            **{f"weight_{number}": weight for number, weight in enumerate(weights)},
        },
    }


def longest(task: Task, ids: dict[str, list]) -> int:
    """Words of the longest text, at most LONGEST: each word of each text of a step costs some 28 KB."""
    words = max(map(len, sum(ids.values(), [])))
    if words > LONGEST:
        print(f"{task.arm.id}: a text has {words:,} words; all are cut at {LONGEST:,} to save memory")
    return min(words, LONGEST)


def optimizer(task: Task, steps: int):
    """Adam at the task's rate, constant or falling to 0 with clipped gradients (see `train_words`)."""
    if task.arm.settings["schedule"] == "constant":
        return keras.optimizers.Adam() if task.value is None else keras.optimizers.Adam(task.value)
    rate = keras.optimizers.schedules.PolynomialDecay(task.value, task.epochs * steps, end_learning_rate=0.0)
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def fit(model, task: Task, data: Batches, valid: Batches | None) -> tuple[list[dict], list[np.ndarray]]:
    """Trains the network on the batches of each epoch: the history, and the weights (float32) kept."""
    adam, keeps_best = optimizer(task, len(data)), task.arm.settings["schedule"] == "linear"
    # Without XLA, which is slower here, and in float32: on pages bf16 gains nothing
    # (benchmarks/training_speed_cpu.csv).
    watched = ["accuracy", mrr] if keeps_best else ["accuracy"]
    model.compile(adam, "sparse_categorical_crossentropy", metrics=watched, jit_compile=False)
    adam.build(model.trainable_variables)
    keeper = EpochKeeper(task.work / "state.npz", task.progress, task.epochs, keeps_best)
    done = keeper.restore(model)
    data.start(done)
    if done < task.epochs:
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
