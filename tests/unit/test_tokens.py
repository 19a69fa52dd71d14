"""Padding, batches and the base directory."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.analysis.tokenizing import merge_steps, padding_habits, padding_share
from helpers.config import ROOT, InputError
from helpers.models.bases import load_bpe, resolve_base
from helpers.models.tokens import bucketed_batches, pad


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
    assert padding_share(lengths, list(bucketed_batches(lengths, 16, rng))) < 0.5 * padding_share(
        lengths, random
    )


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


@given(st.text("abcdefghilmnoprstuéñ-", min_size=1, max_size=18).filter(lambda word: "-" not in word))
def test_merging_step_by_step_ends_with_the_tokenizers_own_pieces(word):
    bpe = load_bpe("models/gpt2-mini")
    steps = merge_steps(bpe, f" {word}")
    assert steps[-1] == bpe.encode(f" {word}").tokens
    assert all(len(piece) == 1 for piece in steps[0])
    assert len({"".join(step) for step in steps}) == 1
    assert all(len(after) < len(before) for before, after in zip(steps, steps[1:], strict=False))


def test_merging_is_for_one_word():
    with pytest.raises(ValueError, match="is 2 words"):
        merge_steps(load_bpe("models/gpt2-mini"), " two words")


def test_each_padding_habit_has_every_text_once_and_wastes_less_than_the_one_before():
    lengths = np.random.default_rng(0).integers(5, 200, 256)
    habits = padding_habits(lengths, 16, np.random.default_rng(0))
    assert all(sorted(np.concatenate(batches).tolist()) == list(range(256)) for batches in habits.values())
    shares = [
        padding_share(lengths, habits["all"], int(lengths.max())),
        padding_share(lengths, habits["batch"]),
        padding_share(lengths, habits["bucketed"]),
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(1 - lengths.mean() / lengths.max())
