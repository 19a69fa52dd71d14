"""The batches of an epoch: every row once, of like length, a function of seed and epoch."""

import numpy as np
import pandas as pd
import pytest

from helpers.arms import ARMS
from helpers.data.passages import make_passages
from helpers.models.task import EpochBatches, Task, draw_batches, epoch_rows


def test_batches_hold_every_row_once_and_differ_by_one_row_at_most():
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 60, 150)
    batches = draw_batches(lengths, 10, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(150))
    assert {len(batch) for batch in batches} == {15}
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 0.4 * np.ptp(lengths)
    firsts = [lengths[batch].mean() for batch in batches]
    assert firsts != sorted(firsts)  # short ones do not come first


def test_rows_without_lengths_are_shuffled():
    """Rows come sorted by disease: a batch of neighbours would hold two or three diseases only."""
    first = draw_batches(np.zeros(100, int), 4, np.random.default_rng(0))
    assert all(np.ptp(batch) > 50 for batch in first)
    other = draw_batches(np.zeros(100, int), 4, np.random.default_rng(1))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("parts", [1, 4])
def test_an_epoch_is_drawn_by_its_number_and_a_step_lies_in_parts(parts):
    rows = [{"input_ids": [0] * (5 + i % 7), "number": i} for i in range(50)]
    batches = EpochBatches(lambda epoch: rows, 5, parts, 0)

    def drawn():
        return [[row["number"] for row in batches[item]] for item in range(len(batches))]

    first = drawn()
    assert len(first) == 5 * parts
    assert sorted(sum(first, [])) == list(range(50))
    batches.set_epoch(1)
    second = drawn()
    assert first != second
    batches.set_epoch(0)
    assert drawn() == first
    assert drawn() != [
        [row["number"] for row in item] for item in EpochBatches(lambda epoch: rows, 5, parts, 1).items
    ]
    steps = [sum(first[i : i + parts], []) for i in range(0, len(first), parts)]
    assert {len(step) for step in steps} == {10}


def test_fewer_rows_than_steps_give_fewer_steps():
    batches = EpochBatches(lambda epoch: [{"input_ids": [1]}] * 3, 5, 1, 0)
    assert [len(item) for item in batches.items] == [1, 1, 1]


def test_an_epoch_has_as_many_rows_also_where_each_page_is_one_passage():
    """Cut anew it is often two or three, so that one pass over the pages may already fill an epoch."""
    sentences = " ".join("Word" + " word" * 11 + "." for _ in range(3))
    pages = pd.DataFrame({"text": [f"{n} {sentences}" for n in "abcd"], "label": list("abcd")})
    given = make_passages(pages).assign(side="train")
    assert len(given) == 4
    own = Task(given, ARMS["gpt2_scratch"], anew=True, rows=6)
    for epoch in range(20):
        texts, numbers = epoch_rows(own, epoch)
        assert len(texts) == len(numbers) >= 6


def test_a_step_of_fewer_rows_than_parts_leaves_no_part_empty():
    rows = [{"number": number, "input_ids": [1] * number} for number in range(1, 8)]
    batches = EpochBatches(lambda epoch: rows, 2, 32, 0)
    assert len(batches) == 64
    assert all(len(item) == 1 for item in batches.items)
    assert {row["number"] for item in batches.items for row in item} == set(range(1, 8))
