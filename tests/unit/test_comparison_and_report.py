"""Intervals and tests on made-up runs whose answer is known; LaTeX that follows results.json."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, t

from helpers.analysis import comparison, intervals
from helpers.arms import ARMS
from helpers.data.study import prepare
from helpers.experiments.outcomes import outcome_of
from helpers.experiments.records import Record
from helpers.report import macros


def run(hits, labels):
    """A record whose logits are right exactly where `hits` says so."""
    logits = np.zeros((len(labels), labels.max() + 2))
    logits[np.arange(len(labels)), np.where(hits, labels, labels + 1)] = 5
    scores = {"test": {"accuracy": float(np.mean(hits))}}
    return Record(None, scores, None, 1.0, 1.0, 10, {}, None, outcome_of(logits, labels))


@pytest.fixture
def made_up(monkeypatch):
    """A study whose two arms answer as told: `a` right on 60 of 100 rows, `b` on 40 of them, 3 seeds each."""
    labels = np.arange(100)
    rows = np.arange(100)
    answers = {
        "gpt2_finetuned": [run(rows < 60, labels)] * 3,
        "gpt2_scratch": [run((rows < 30) | (rows >= 90), labels)] * 3,
    }
    monkeypatch.setattr(comparison, "results", lambda study, arm: answers[arm])
    monkeypatch.setattr(comparison.splits, "side", lambda split, name: ([], labels))
    return replace(prepare("quick"), hands={})


def test_paired_difference_interval_and_tests(made_up):
    row = comparison.paired(made_up, [("gpt2_finetuned", "gpt2_scratch")]).iloc[0]
    assert row.difference == pytest.approx(0.2)
    assert (row.only_a, row.only_b) == (30, 10)
    assert row.p_first == pytest.approx(binomtest(10, 40, 0.5).pvalue)
    assert row.p == pytest.approx(binomtest(10, 40, 0.5).pvalue, abs=0.001)  # one row a disease: signs of 40
    assert np.isnan(row.hand_low)  # nobody says who wrote these rows
    # Normal theory for the mean of 100 differences in {-1, 0, 1}: variance (0.4 - 0.04) / 100.
    assert row.low == pytest.approx(0.2 - 1.96 * 0.06, abs=0.02)
    assert row.high == pytest.approx(0.2 + 1.96 * 0.06, abs=0.02)


def test_each_who_wrote_some_rows_has_a_difference_of_their_own(made_up, monkeypatch):
    pair = "gpt2_finetuned", "gpt2_scratch"
    assert comparison.by_hand(made_up, *pair).empty  # nobody says who wrote these rows
    monkeypatch.setattr(type(made_up), "hands_of", lambda *_: np.repeat(["h1", "h2", "h3"], (30, 30, 40)))
    rows = comparison.by_hand(made_up, *pair).itertuples(index=False, name=None)
    assert list(rows) == [("h1", 30, 0), ("h2", 30, 1), ("h3", 40, -10 / 40)]


def test_an_arm_does_not_differ_from_itself(made_up):
    row = comparison.paired(made_up, [("gpt2_scratch", "gpt2_scratch")]).iloc[0]
    assert (row.difference, row.low, row.high, row.p) == (0, 0, 0, 1)


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(0)
    weights = intervals.draw_rows(np.arange(200), rng)
    same = np.tile(np.arange(200) < 100, (3, 1)).astype(float)
    apart = np.stack([np.arange(200) < n for n in (40, 100, 160)]).astype(float)
    width = [np.ptp(intervals.interval(intervals.bootstrap_means(v, weights, rng))) for v in (same, apart)]
    assert width[1] > 2 * width[0]


def test_rows_of_one_disease_stand_and_fall_together():
    """20 diseases of 10 rows each, all right or all wrong, tell no more than 20 rows would."""
    rng = np.random.default_rng(0)
    labels, right = np.repeat(np.arange(20), 10), np.repeat(np.arange(20) % 2, 10)[None].astype(float)
    _, low, high = intervals.mean_interval(right, labels)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 20), rel=0.1)
    weights = intervals.draw_rows(labels, rng)
    assert np.allclose(weights.sum(axis=1), 1)
    assert (np.ptp(weights.reshape(-1, 20, 10), axis=2) == 0).all()


def test_the_interval_over_seeds_is_students():
    low, high = intervals.seed_interval([0.1, 0.2, 0.3])
    assert (low, high) == pytest.approx(t.interval(0.95, 2, loc=0.2, scale=0.1 / np.sqrt(3)))
    assert np.isnan(intervals.seed_interval([0.1])).all()


def test_who_wrote_the_rows_is_a_factor_of_its_own():
    """One hand's rows all right and the other's all wrong: drawing hands too, anything may come out."""
    labels, hands = np.repeat(np.arange(50), 2), np.tile(["h1", "h2"], 50)
    right = (hands == "h1").astype(float)[None]
    _, low, high = intervals.mean_interval(right, labels)
    assert (low, high) == pytest.approx((0.5, 0.5))
    _, low, high = intervals.mean_interval(right, labels, hands)
    assert (low, high) == pytest.approx((0.0, 1.0))


def test_the_sign_flip_holds_its_level_and_sees_what_is_there():
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(30), 3)
    below = 0
    for _ in range(60):
        a, b = rng.random((2, 2, 90)) ** 4  # skewed, the same for both
        below += intervals.sign_flip(a, b, labels) < 0.05
    assert below <= 9  # 3 expected
    assert intervals.sign_flip(a, a * 0.3, labels) < 0.001
    assert intervals.sign_flip(a, a, labels) == 1
    # twenty rows of one disease are one sign: four signs of four come so by chance once in eight
    labels = np.repeat(np.arange(4), 20)
    assert intervals.sign_flip(np.ones((1, 80)), np.zeros((1, 80)), labels) == pytest.approx(1 / 8, abs=0.02)


def test_bca_leans_to_the_long_tail_and_is_exact_where_nothing_varies():
    labels = np.arange(40)
    values = np.where(labels < 4, 1.0, 0.01)[None]
    mean, low, high = intervals.skewed_interval(values, labels)
    _, plain_low, plain_high = intervals.mean_interval(values, labels)
    assert plain_low <= low < mean < plain_high < high
    assert intervals.skewed_interval(np.full((2, 40), 0.1), labels) == (pytest.approx(0.1),) * 3


def test_the_bca_interval_is_of_the_mean_over_rows():
    """A disease of many rows weighs as much in the interval as in the mean."""
    labels = np.repeat(np.arange(10), [1] * 9 + [60])
    values = np.where(labels == 9, 1.0, np.minimum(labels, 1) * 0.2)[None]
    mean, low, high = intervals.skewed_interval(values, labels)
    assert mean == values.mean()
    assert low <= mean <= high
    equal = np.random.default_rng(0).random((2, 30)), np.repeat(np.arange(10), 3)
    own = equal[0].mean(axis=0).reshape(10, 3).mean(axis=1, keepdims=True).T
    assert intervals.skewed_interval(*equal) == pytest.approx(intervals.skewed_interval(own, np.arange(10)))


def test_holm_corrects_all_tables_as_one_family():
    tables = [pd.DataFrame({"p": [0.01, 0.04]}), pd.DataFrame({"p": [0.03]}), pd.DataFrame({"p": []})]
    a, b, c = comparison.correct_together(*tables)
    assert a["p_holm"].tolist() == pytest.approx([0.03, 0.06])
    assert b["p_holm"].tolist() == pytest.approx([0.06])
    assert c.empty


def test_macro_names_of_all_arms_are_distinct():
    names = [macros.macro_name(arm) for arm in ARMS]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() for name in names)
    assert macros.macro_name("gpt2_finetuned") == "GptTwoFinetuned"
