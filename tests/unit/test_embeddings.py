"""Word vectors: the right rows, the right neighbours."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import embeddings
from helpers.models.bases import load_bpe

TABLE = pd.DataFrame(
    [[1, 0], [0.9, 0.1], [0, 2], [0.1, 1], [-1, 0]],
    index=["pain", "ache", "week", "month", "joy"],
    dtype=np.float32,
)
THEMES = {"hurt": ["pain", "ache"], "time": ["week", "month"]}


def test_neighbours_are_by_angle_and_without_the_word_itself():
    near = embeddings.nearest(TABLE, ["pain", "week"], 2)
    assert near["pain"] == ["ache", "month"]
    assert near["week"] == ["month", "ache"]
    with pytest.raises(KeyError):
        embeddings.nearest(TABLE, ["fever"])


def test_a_vector_that_only_grew_has_not_turned():
    after = TABLE.mul([3, 1, -1, 1, 1], axis=0)
    assert embeddings.turned(TABLE, after).to_numpy() == pytest.approx([1, 1, -1, 1, 1])


def test_similarity_within_and_between_themes():
    within, between = embeddings.theme_similarity(TABLE, THEMES)
    cosine = TABLE.to_numpy() @ TABLE.to_numpy().T / np.outer(*[np.linalg.norm(TABLE, axis=1)] * 2)
    assert within == pytest.approx((cosine[0, 1] + cosine[2, 3]) / 2)
    assert between == pytest.approx(cosine[:2, 2:4].mean())


def test_only_themes_that_every_table_knows_are_kept():
    known = embeddings.known_to_all(THEMES | {"mood": ["joy", "anger"]}, TABLE, TABLE.drop("ache"))
    assert known == {"time": ["week", "month"]}


def test_the_words_of_the_base_are_whole_and_keep_their_own_row():
    table, bpe = embeddings.gpt2_words("models/gpt2-mini"), load_bpe("models/gpt2-mini")
    assert table.index.is_unique
    assert all(word.isalpha() and word == word.lower() for word in table.index)
    from safetensors.numpy import load_file

    from helpers.models.bases import base_file

    matrix = load_file(base_file("models/gpt2-mini", "model.safetensors"))["transformer.wte.weight"]
    for word in ("pain", "fever", "night"):
        (number,) = bpe.encode(f" {word}").ids
        assert np.array_equal(table.loc[word].to_numpy(), matrix[number].astype(np.float32))


def test_a_bilstms_words_come_without_padding_and_unknown():
    arrays = {
        "vocabulary": np.array(["", "[UNK]", "fever", "rash"]),
        "initial_embedding": np.zeros((4, 3), np.float32),
        "weight_0": np.arange(12, dtype=np.float32).reshape(4, 3),
    }
    assert embeddings.bilstm_words(arrays).loc["fever"].tolist() == [6, 7, 8]
    assert not embeddings.bilstm_words(arrays, trained=False).to_numpy().any()


def test_a_map_has_a_place_for_every_word():
    assert embeddings.flat_map(TABLE, list(TABLE.index)).shape == (5, 2)
