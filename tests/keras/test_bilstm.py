"""The BiLSTM: the notes' parameter count, masks that make padding irrelevant, one seed one result."""

import keras
import numpy as np
import pytest

from helpers import bilstm, metrics, splits
from helpers.study import prepare
from helpers.text import pad


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


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
        alone = np.concatenate([bilstm.logits_of(model, [row], width=len(row)) for row in rows])
        wide = bilstm.logits_of(model, rows, width=32)
        assert np.allclose(alone, wide, atol=1e-5) == mask


def test_logits_come_back_in_the_order_of_the_texts():
    model = bilstm.build(vocab_size=20, num_labels=4, mask=True)
    rows = [[i % 19 + 1] * n for i, n in enumerate((9, 1, 30, 4, 4, 17))]
    together = bilstm.logits_of(model, rows, batch_size=2)
    assert np.allclose(together, np.concatenate([bilstm.logits_of(model, [row]) for row in rows]), atol=1e-5)


def test_unknown_words_share_one_id_and_no_text_is_all_padding():
    vectorizer = bilstm.word_vectorizer(["fever and cough", "cough at night"])
    assert bilstm.encode(vectorizer, ["Cough, zebra!", "…"]) == [[vectorizer.get_vocabulary().index("cough"), 1], [1]]


def test_a_saved_vectorizer_and_model_reload_with_vocabulary_and_answers(tmp_path):
    texts = ["fever and cough", "cough at night"]
    vectorizer = bilstm.word_vectorizer(texts)
    model = bilstm.build(vectorizer.vocabulary_size(), 3, mask=True)
    keras.Sequential([keras.Input((), dtype="string"), vectorizer]).save(tmp_path / "words.keras")
    model.save(tmp_path / "model.keras")
    words, again = (keras.models.load_model(tmp_path / name) for name in ("words.keras", "model.keras"))
    assert words.layers[-1].get_vocabulary() == vectorizer.get_vocabulary()
    ids = pad(bilstm.encode(vectorizer, texts))
    np.testing.assert_array_equal(np.asarray(again(ids)), np.asarray(model(ids)))


def test_each_epoch_shows_every_row_once_with_its_label():
    sequences = [[i + 1] * (i % 23 + 1) for i in range(150)]
    data = bilstm.bucketed_dataset(sequences, np.arange(150), 16, seed=0)
    for _ in range(3):
        seen = {int(row[0]) - 1: int(label) for n in range(len(data)) for row, label in zip(*data[n], strict=True)}
        assert seen == {i: i for i in range(150)}
        data.on_epoch_end()


@pytest.mark.parametrize("arm", ["bilstm_original", "bilstm"])
def test_one_seed_gives_the_same_numbers_and_another_seed_others(study, arm):
    first, again, other = (bilstm.train(study.split, arm, 3e-3, seed, 2, quiet) for seed in (0, 0, 1))
    assert np.array_equal(first["test_logits"], again["test_logits"])
    assert not np.array_equal(first["test_logits"], other["test_logits"])
    assert first["test_logits"].shape == ((study.split["side"] == "test").sum(), study.num_labels)
    assert len(first["history"]) == 2 and {"train_loss", "valid_accuracy", "seconds"} <= set(first["history"][0])


def test_the_watched_mrr_is_the_one_that_is_reported(study):
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 4, (50, 6)).astype(np.float32), rng.integers(0, 6, 50)  # with ties
    assert np.mean(bilstm.mrr(labels, scores)) == pytest.approx(metrics.mean_reciprocal_rank(scores, labels))
    result = bilstm.train(study.split, "bilstm", 3e-3, 0, 3, quiet)
    kept = metrics.mean_reciprocal_rank(result["valid_logits"], splits.side(study.split, "valid")[1])
    assert kept == pytest.approx(max(row["valid_mrr"] for row in result["history"]), abs=1e-3)


def test_the_network_can_learn_a_word_per_label(study):
    labels = study.split["label"].str.replace("-", "")
    split = study.split.assign(text=[f"{label} " * 4 for label in labels])
    result = bilstm.train(split, "bilstm", 1e-2, 0, 12, quiet)
    assert (result["test_logits"].argmax(axis=1) == splits.side(split, "test")[1]).mean() > 0.9


def test_a_loss_that_is_not_a_number_stops_the_run(study):
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        bilstm.train(study.split, "bilstm", float("nan"), 0, 3, quiet)


def test_a_trained_network_is_rebuilt_from_what_its_run_kept(study):
    result = bilstm.train(study.split, "bilstm", 1e-3, 0, 1, quiet)
    arrays = result["arrays"]
    valid = splits.side(study.split, "valid")[0]
    ids = bilstm.encode(bilstm.rebuild_vectorizer(arrays), valid)
    assert ids == bilstm.encode(bilstm.word_vectorizer(splits.side(study.split, "train")[0]), valid)
    masked, blind = (bilstm.rebuild(arrays, mask=mask) for mask in (True, False))
    np.testing.assert_allclose(bilstm.logits_of(masked, ids), result["valid_logits"], atol=1e-5)
    for side in ("left", "right"):
        np.testing.assert_allclose(
            bilstm.logits_of(masked, ids, width=80, padding=side), result["valid_logits"], atol=1e-5
        )
        assert not np.allclose(bilstm.logits_of(blind, ids, width=80, padding=side), result["valid_logits"], atol=1e-3)
    assert (
        arrays["initial_embedding"].shape
        == arrays["weight_0"].shape
        == (len(arrays["vocabulary"]), bilstm.EMBEDDING_DIM)
    )
    assert not np.array_equal(arrays["initial_embedding"], arrays["weight_0"])
