"""The BiLSTM: the notes' parameter count, masks, seeds, interruptions.

Masks make padding irrelevant, one seed gives one result, interruptions leave no trace.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest

from helpers.analysis import cost, probing
from helpers.arms import ARMS, EMBEDDING_DIM, RNN_UNITS
from helpers.config import ROOT, InputError
from helpers.data import sources, splits
from helpers.data.study import prepare
from helpers.models import bag, bilstm, keras_training, metrics, task, tokens
from helpers.models.task import Task
from helpers.models.tokens import encode_words, pad, vocabulary_of, word_tokenizer


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


@pytest.fixture
def train(tmp_path):
    """An arm's `train` without progress, each call with checkpoints of its own unless `work` is given."""
    calls = iter(range(100))

    def call(split, arm, *numbers, progress=quiet, work=None, **more):
        work = work or tmp_path / f"{next(calls)}"
        module = bag if ARMS[arm].module == "bag" else bilstm
        return module.train(Task(split, ARMS[arm], *numbers, work=work, progress=progress, **more))

    return call


def quiet(text):
    pass


def test_the_network_of_the_notes_to_the_letter():
    model = bilstm.build(vocab_size=1000, num_labels=43)
    assert [type(layer).__name__ for layer in model.layers] == [
        "InputLayer",
        "Embedding",
        "Bidirectional",
        "Dense",
        "Softmax",
    ]
    assert model.count_params() == 1000 * 150 + 2 * 4 * (150 * 256 + 256**2 + 256) + (2 * 256 + 1) * 43
    assert not model.get_layer("embedding").mask_zero
    np.testing.assert_allclose(np.asarray(model(np.ones((2, 5), "int32"))).sum(axis=1), 1, rtol=1e-5)


def test_padding_changes_the_unmasked_network_and_not_the_masked_one():
    rows = [[5, 3, 8], [2, 9, 4, 7, 6]]
    for mask in (True, False):
        keras.utils.set_random_seed(0)
        model = bilstm.build(vocab_size=20, num_labels=4, mask=mask)
        alone = np.concatenate([keras_training.logits_of(model, [row], width=len(row)) for row in rows])
        wide = keras_training.logits_of(model, rows, width=32)
        assert np.allclose(alone, wide, atol=1e-5) == mask


def test_logits_come_back_in_the_order_of_the_texts():
    model = bilstm.build(vocab_size=20, num_labels=4, mask=True)
    rows = [[i % 19 + 1] * n for i, n in enumerate((9, 1, 30, 4, 4, 17))]
    together = keras_training.logits_of(model, rows, batch_size=2)
    assert np.allclose(
        together, np.concatenate([keras_training.logits_of(model, [row]) for row in rows]), atol=1e-5
    )


def test_unknown_words_share_one_id_and_no_text_is_all_padding():
    tokenizer = word_tokenizer(["fever and cough", "cough at night"])
    assert encode_words(tokenizer, ["Cough, zebra!", "…"]) == [
        [vocabulary_of(tokenizer).index("cough"), 1],
        [1],
    ]
    again = word_tokenizer(vocabulary=vocabulary_of(tokenizer))
    assert encode_words(again, ["cough at 9"]) == encode_words(tokenizer, ["cough at 9"])


def test_the_word_tokenizer_cuts_as_that_of_keras():
    texts = [*sources.load_table("embedded")["text"], "don't re-do [condition], a_b ^ c\\d…", "!"]
    tokenizer = word_tokenizer(texts)
    theirs = keras.layers.TextVectorization(standardize="lower_and_strip_punctuation", output_mode="int")
    theirs.adapt(texts)
    assert sorted(vocabulary_of(tokenizer)[2:]) == sorted(theirs.get_vocabulary()[2:])
    words, their_words = np.array(vocabulary_of(tokenizer)), np.array(theirs.get_vocabulary())
    for row, theirs_row in zip(encode_words(tokenizer, texts), np.asarray(theirs(texts)), strict=True):
        assert words[row].tolist() == (their_words[theirs_row[theirs_row > 0]].tolist() or ["[UNK]"])


def test_a_saved_model_reloads_with_its_answers(tmp_path):
    model = bilstm.build(20, 3, mask=True)
    model.save(tmp_path / "model.keras")
    again, ids = keras.models.load_model(tmp_path / "model.keras"), pad([[3, 4, 5], [6]])
    np.testing.assert_array_equal(np.asarray(again(ids)), np.asarray(model(ids)))


@pytest.mark.parametrize("width", [None, 30])
def test_each_epoch_shows_every_row_once_with_its_label_in_another_order(width):
    sequences, orders = [[i + 1] * (i % 23 + 1) for i in range(150)], []
    batches = keras_training.Batches(lambda _: (sequences, np.arange(150)), 10, 0, width)
    for _ in range(3):
        shown = [
            (row[row > 0][0] - 1, label)
            for n in range(len(batches))
            for row, label in zip(*batches[n], strict=True)
        ]
        assert sorted(shown) == [(i, i) for i in range(150)]
        orders.append([label for _, label in shown])
        batches.on_epoch_end()
    assert orders[0] != orders[1] != orders[2]
    batches.start(1)
    assert [label for n in range(len(batches)) for label in batches[n][1]] == orders[1]


def test_batches_of_similar_length_hold_less_padding():
    sequences, share = [[1] * (i + 1) for i in range(200)], {}
    for width in (None, 200):
        batches = keras_training.Batches(lambda _: (sequences, np.arange(200)), 10, 0, width)
        share[width] = 1 - sum(map(len, sequences)) / sum(batches[n][0].size for n in range(len(batches)))
    assert share[None] < 0.2
    assert share[200] == pytest.approx(0.5, abs=0.01)


@pytest.fixture(scope="module")
def unbroken(study, tmp_path_factory):
    """The result of an arm's run of five epochs that nothing disturbed, trained once."""
    work = tmp_path_factory.mktemp("unbroken")

    def run(arm):
        module = bag if ARMS[arm].module == "bag" else bilstm
        return module.train(Task(study.split, ARMS[arm], 3e-3, 0, 5, work=work / arm, anew=True))

    return cache(run)


@pytest.mark.parametrize("arm", ["bilstm_original", "bilstm", "bag"])
def test_one_seed_gives_the_same_numbers_and_another_seed_others(study, train, unbroken, arm):
    first, again, other = (
        unbroken(arm),
        *(train(study.split, arm, 3e-3, seed, 5, anew=True) for seed in (0, 1)),
    )
    assert np.array_equal(first["test_logits"], again["test_logits"])
    assert not np.array_equal(first["test_logits"], other["test_logits"])
    assert first["test_logits"].shape == ((study.split["side"] == "test").sum(), study.num_labels)
    assert len(first["history"]) == 5
    assert {"train_loss", "valid_accuracy", "seconds"} <= set(first["history"][0])


class Killed(BaseException):
    """What no handler catches, as a kill."""


@pytest.mark.parametrize("arm", ["bilstm_original", "bilstm", "bag"])
@pytest.mark.parametrize("last", [2, 5])
def test_a_killed_run_resumes_to_the_numbers_of_an_unbroken_one(study, train, unbroken, tmp_path, arm, last):
    def kill(text):
        if text.startswith(f"epoch {last}/"):
            raise Killed

    whole = unbroken(arm)
    with pytest.raises(Killed):
        train(study.split, arm, 3e-3, 0, 5, progress=kill, work=tmp_path / "w", anew=True)
    said = []
    resumed = train(study.split, arm, 3e-3, 0, 5, progress=said.append, work=tmp_path / "w", anew=True)
    assert len(said) == 5 - last  # nothing is trained twice
    assert np.array_equal(whole["test_logits"], resumed["test_logits"])
    without = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in r["history"]] for r in (whole, resumed)
    ]
    assert without[0] == without[1]


def test_a_checkpoint_is_there_whole_or_not_at_all(study, train, tmp_path, monkeypatch):
    train(study.split, "bilstm_original", None, 0, 1, work=tmp_path)
    before = (tmp_path / "state.npz").read_bytes()

    def full(file, **arrays):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras_training.np, "savez", full)
    with pytest.raises(InputError, match="No space left"):
        train(study.split, "bilstm_original", None, 0, 2, work=tmp_path)
    assert (tmp_path / "state.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_best_epoch_on_validation_is_kept(study, train):
    result = train(study.split, "bilstm", 1e-2, 0, 12)
    scores = [row["valid_mrr"] for row in result["history"]]
    kept = metrics.mean_reciprocal_rank(result["valid_logits"], splits.side(study.split, "valid")[1])
    assert len(scores) == 12
    assert kept == pytest.approx(max(scores), abs=1e-3)


def test_the_notes_network_keeps_its_last_epoch_at_a_constant_rate(study, train):
    result = train(study.split, "bilstm_original", None, 0, 2)
    assert all("valid_mrr" not in row for row in result["history"])
    constant = keras_training.optimizer(Task(study.split, ARMS["bilstm_original"], None), 10)
    assert float(constant.learning_rate) == pytest.approx(1e-3)
    falling = keras_training.optimizer(Task(study.split, ARMS["bilstm"], 1e-2, epochs=4), 10)
    falling.build([keras.Variable(np.zeros(2, "float32"))])
    rates = []
    for _ in range(41):
        rates.append(float(falling.learning_rate))
        falling.iterations.assign_add(1)
    assert rates[0] == pytest.approx(1e-2)
    assert rates[20] == pytest.approx(5e-3)
    assert rates[40] == 0


def test_word_dropout_loses_words_in_training_alone_and_never_padding():
    layer = keras_training.WordDropout(0.6)
    ids = np.tile(np.array([[5, 9, 7, 0, 0]], "int32"), (2000, 1))
    assert np.array_equal(np.asarray(layer(ids)), ids)
    once, again = (np.asarray(layer(ids, training=True)) for _ in range(2))
    assert not np.array_equal(once, again)
    assert (once[:, 3:] == 0).all()
    assert set(np.unique(once[:, :3])) == {1, 5, 7, 9}
    assert (once[:, :3] == keras_training.UNKNOWN).mean() == pytest.approx(0.6, abs=0.03)


def test_the_bag_is_the_mean_of_its_words_whatever_their_order_and_company():
    keras.utils.set_random_seed(0)
    model = bag.build(vocab_size=20, num_labels=4)
    assert model.count_params() == 20 * 150 + 151 * 4
    rows = [[5, 3, 8], [8, 5, 3], [2, 9, 4, 7, 6]]
    logits = keras_training.logits_of(model, rows, width=32)
    vectors, (weights, bias) = (
        model.get_layer("embedding").get_weights()[0],
        model.get_layer("logits").get_weights(),
    )
    by_hand = np.stack([vectors[row].mean(axis=0) for row in rows]) @ weights + bias
    np.testing.assert_allclose(logits, by_hand, atol=1e-5)


def test_with_fewer_rows_an_epoch_has_as_many_steps_and_other_cuts_each_time(study):
    given = study.split[study.split["side"] == "train"]
    few = splits.thin(study.split, 1, 0)
    own = Task(few, ARMS["bilstm"], 1e-3, 0, 2, anew=True, rows=len(given))
    assert task.steps_of(own, 8) == -(-len(given) // 8)
    first, again, second = (task.epoch_rows(own, epoch) for epoch in (0, 0, 1))
    assert first[0] == again[0]
    assert first[0] != second[0]
    kept = few[few["side"] == "train"]
    pages = {label: " ".join(rows["text"]) for label, rows in kept.groupby("label")}
    classes = splits.label_classes(few)
    for text, number in zip(*first, strict=True):
        assert text in pages[classes[number]]  # nothing but the sentences that were given
    assert abs(len(first[0]) - len(given)) <= study.num_labels


def test_the_watched_mrr_is_the_one_that_is_reported():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 4, (50, 6)).astype(np.float32), rng.integers(0, 6, 50)  # with ties
    assert np.mean(keras_training.mrr(labels, scores)) == pytest.approx(
        metrics.mean_reciprocal_rank(scores, labels)
    )


def test_the_network_can_learn_a_word_per_label(study, train):
    labels = study.split["label"].str.replace("-", "")
    split = study.split.assign(text=[f"{label} " * 4 for label in labels])
    result = train(split, "bilstm", 1e-2, 0, 12)
    assert (result["test_logits"].argmax(axis=1) == splits.side(split, "test")[1]).mean() > 0.9


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_epoch_before(
    study, train, tmp_path, monkeypatch
):
    train(study.split, "bilstm", 1e-3, 0, 1, work=tmp_path)
    monkeypatch.setattr(keras_training.EpochKeeper, "restore", spoiled(keras_training.EpochKeeper.restore))
    with pytest.raises(FloatingPointError, match="in epoch 2: lower the learning rate"):
        train(study.split, "bilstm", 1e-3, 0, 3, work=tmp_path)
    with np.load(tmp_path / "state.npz") as saved:
        assert all(np.isfinite(saved[name]).all() for name in saved.files if name.startswith("state_"))


def spoiled(restore):
    """`restore`, after which the model's weights are no numbers."""

    def spoil(self, model):
        done = restore(self, model)
        model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
        return done

    return spoil


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_trained_network_is_rebuilt_from_what_its_run_kept(study, train, monkeypatch, pooling):
    own = ARMS["bilstm"]
    monkeypatch.setitem(ARMS, "bilstm", replace(own, settings={**own.settings, "pooling": pooling}))
    result = train(study.split, "bilstm", 1e-3, 0, 1)
    arrays = result["arrays"]
    valid = splits.side(study.split, "valid")[0]
    ids = encode_words(word_tokenizer(vocabulary=arrays["vocabulary"].tolist()), valid)
    assert ids == encode_words(word_tokenizer(splits.side(study.split, "train")[0]), valid)
    masked, blind = (bilstm.rebuild(arrays, mask=mask) for mask in (True, False))
    np.testing.assert_allclose(keras_training.logits_of(masked, ids), result["valid_logits"], atol=1e-5)
    for side in ("left", "right"):
        np.testing.assert_allclose(
            keras_training.logits_of(masked, ids, width=80, padding=side), result["valid_logits"], atol=1e-5
        )
        assert not np.allclose(
            keras_training.logits_of(blind, ids, width=80, padding=side), result["valid_logits"], atol=1e-3
        )
    assert (
        arrays["initial_embedding"].shape
        == arrays["weight_0"].shape
        == (len(arrays["vocabulary"]), bilstm.EMBEDDING_DIM)
    )
    assert not np.array_equal(arrays["initial_embedding"], arrays["weight_0"])


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
from pathlib import Path
import numpy as np
from helpers.arms import ARMS, EMBEDDING_DIM, RNN_UNITS
from helpers.data import splits
from helpers.data.study import prepare
from helpers.models import bilstm, keras_training
from helpers.models.keras_backend import keras
from helpers.models.task import Task
weights, out = sys.argv[1:3]
with np.load(weights) as file:
    network = bilstm.rebuild(dict(file), mask=True)
logits = keras_training.logits_of(network, [[5, 3, 8], [2], [9, 4, 7, 6, 1]])
split = prepare("quick").split
split = split[split["label"].isin(sorted(set(split["label"]))[:3])]
split = split.assign(text=[f"{label.replace('-', '')} " * 3 for label in split["label"]])
result = bilstm.train(Task(split, ARMS["bilstm"], 1e-2, 0, 6, work=Path(out).parent / "work"))
right = (result["test_logits"].argmax(axis=1) == splits.side(split, "test")[1]).mean()
np.savez(out, logits=logits, right=right, backend=keras.config.backend())
"""


def test_without_tensorflow_the_same_code_trains_on_pytorch_and_gives_the_same_logits(tmp_path):
    keras.utils.set_random_seed(0)
    model = bilstm.build(20, 4, mask=True)
    here = keras_training.logits_of(model, [[5, 3, 8], [2], [9, 4, 7, 6, 1]])
    np.savez(
        tmp_path / "weights.npz", **{f"weight_{n}": weight for n, weight in enumerate(model.get_weights())}
    )
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, tmp_path / "weights.npz", tmp_path / "out.npz"],
        cwd=ROOT, env={k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "out.npz") as out:
        assert str(out["backend"]) == "torch"
        np.testing.assert_allclose(out["logits"], here, atol=1e-5)
        assert out["right"] > 0.9


def test_what_the_cost_table_takes_for_the_networks_weights():
    """Count of multiplied weights: Keras's own, less the embedding (looked up) and the biases (added)."""
    model, settings = bilstm.build(100, 7), ARMS["bilstm_original"].settings
    recurrent, head = cost.recurrent_weights(settings, 7)
    biases = 2 * 4 * settings["units"] + 7
    assert model.count_params() == 100 * settings["embedding"] + recurrent + head + biases
    assert cost.recurrent_weights(ARMS["bag"].settings, 7) == (0, 150 * 7)


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_widths_that_change_from_epoch_to_epoch_are_no_error(rows):
    """Keras takes the shapes of the first two batches of the first epoch for those of all."""

    def rows_of(epoch):
        return [[5] * (10 + 20 * epoch)] * rows, np.zeros(rows, int)

    data = keras_training.Batches(rows_of, 2, 0)
    assert len(data) == min(rows, 2)
    model = bag.build(10, 3)
    model.compile("adam", "sparse_categorical_crossentropy")
    if rows > 1:
        model.fit(data, epochs=3, verbose=0)
        assert data[1][0].shape[1] == data[0][0].shape[1] + keras_training.WIDTH_STEP


def test_what_the_class_sees_is_what_the_grid_trains(study):
    """The cells of notebook 03 that build and compile: same weights, same loss, same first step."""
    cells = json.loads((ROOT / "notebooks" / "03_bilstm.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = {cell["id"]: "".join(cell["source"]) for cell in cells}
    space = {
        "study": study, "keras": keras, "tokens": tokens, "EMBEDDING_DIM": EMBEDDING_DIM,
        "RNN_UNITS": RNN_UNITS,
    }  # fmt: skip
    exec(shown["03-21"], space)
    exec(shown["03-25b"], space)
    network, rng = space["network"], np.random.default_rng(0)
    own = bilstm.build(space["V"], space["K"])
    own.set_weights(network.get_weights())
    adam = keras_training.optimizer(Task(study.split, ARMS["bilstm_original"], None), 1)
    own.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    inputs, targets = rng.integers(1, 50, (64, 9)).astype("int32"), rng.integers(0, space["K"], 64)
    losses = [model.train_on_batch(inputs, targets)[0] for model in (network, own)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for there, here in zip(network.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(there, here, atol=1e-6)


def test_padding_is_seen_by_the_network_without_a_mask_alone():
    keras.utils.set_random_seed(1)
    masked = bilstm.build(30, 12, mask=True, units=16)
    blind = bilstm.build(30, 12, units=16)
    blind.set_weights(masked.get_weights())
    rows = [list(np.random.default_rng(row).integers(2, 30, 5 + row % 4)) for row in range(60)]
    found = probing.padded(masked, blind, rows, [8, 40, 140])
    assert found.filter(like="con máscara").to_numpy().min() == 1
    assert found.loc[140].filter(like="sin máscara").max() < 1


@pytest.mark.parametrize("changed", [{"directions": 1}, {"units": 8}, {"embedding": 20, "pooling": "mean"}])
def test_a_changed_network_is_what_its_settings_say_and_comes_back(changed):
    model = bilstm.build(30, 4, **changed)
    arrays = {f"weight_{number}": weight for number, weight in enumerate(model.get_weights())}
    again = bilstm.rebuild(arrays | {"pooling": np.array(changed.get("pooling", "last"))}, mask=False)
    ids = np.array([[3, 4, 5, 6]], dtype="int32")
    np.testing.assert_allclose(again.predict(ids, verbose=0), model.predict(ids, verbose=0), atol=1e-6)
    layer = model.get_layer("lstm" if "directions" in changed else "bilstm")
    width = changed.get("units", RNN_UNITS) * changed.get("directions", 2)
    assert layer.output.shape[-1] == width
