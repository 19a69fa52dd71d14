"""Padding, batches and the base directory."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.config import ROOT, InputError
from helpers.text import bucketed_batches, load_bpe, pad, padding_share, resolve_base


def test_padding_left_and_right():
    assert pad([[1, 2], [3]]).tolist() == [[1, 2], [3, 0]]
    assert pad([[1, 2], [3]], 3, "left").tolist() == [[0, 1, 2], [0, 0, 3]]
    assert pad([[1, 2, 3]], 2).tolist() == [[1, 2]]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80), st.integers(1, 20), st.booleans())
def test_every_row_is_in_exactly_one_batch(lengths, batch_size, shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    batches = list(bucketed_batches(np.array(lengths), batch_size, rng))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


def test_similar_lengths_waste_less_than_random_batches():
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 200, 256)
    random = [rows for rows in np.array_split(rng.permutation(256), 16)]
    assert padding_share(lengths, list(bucketed_batches(lengths, 16, rng))) < 0.5 * padding_share(lengths, random)


def test_a_base_that_is_missing_or_incomplete_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        resolve_base("models/nothing")
    shutil.copy(ROOT / "models/gpt2-mini/config.json", tmp_path)
    with pytest.raises(InputError, match="model.safetensors is missing"):
        resolve_base(str(tmp_path))
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "tokenizer.json").touch()
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="no JSON"):
        resolve_base(str(tmp_path))


def test_byte_level_bpe_gives_back_any_text():
    bpe = load_bpe("models/gpt2-mini")
    for text in ("High fever, 39.5 °C", "fiebre alta · 発熱 🤒"):
        assert bpe.decode(bpe.encode(text).ids) == text
