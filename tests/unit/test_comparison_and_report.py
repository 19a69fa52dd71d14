"""Intervals and tests on made-up runs whose answer is known; LaTeX that follows results.json."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, t

from helpers.analysis import comparison, cost
from helpers.arms import ARMS
from helpers.data.study import prepare
from helpers.experiments.grid import ensure
from helpers.experiments.plan import tuning_table
from helpers.experiments.records import Record
from helpers.figures import style
from helpers.report import export, macros


def run(hits, labels):
    """A record whose logits are right exactly where `hits` says so."""
    logits = np.zeros((len(labels), labels.max() + 2))
    logits[np.arange(len(labels)), np.where(hits, labels, labels + 1)] = 5
    return Record(None, {"test": {"accuracy": float(np.mean(hits))}}, None, 1.0, 1.0, 10, None, logits)


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
    return prepare("quick")


def test_paired_difference_interval_and_exact_mcnemar(made_up):
    row = comparison.paired(made_up, [("gpt2_finetuned", "gpt2_scratch")]).iloc[0]
    assert row.difference == pytest.approx(0.2)
    assert (row.only_a, row.only_b) == (30, 10)
    assert row.p == pytest.approx(binomtest(10, 40, 0.5).pvalue) == row.p_holm
    # Normal theory for the mean of 100 differences in {-1, 0, 1}: variance (0.4 - 0.04) / 100.
    assert row.low == pytest.approx(0.2 - 1.96 * 0.06, abs=0.02)
    assert row.high == pytest.approx(0.2 + 1.96 * 0.06, abs=0.02)


def test_an_arm_does_not_differ_from_itself(made_up):
    row = comparison.paired(made_up, [("gpt2_scratch", "gpt2_scratch")]).iloc[0]
    assert (row.difference, row.low, row.high, row.p) == (0, 0, 0, 1)


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(0)
    weights = comparison.draw_rows(np.arange(200), rng)
    same = np.tile(np.arange(200) < 100, (3, 1)).astype(float)
    apart = np.stack([np.arange(200) < n for n in (40, 100, 160)]).astype(float)
    width = [np.ptp(comparison.interval(comparison.bootstrap_means(v, weights, rng))) for v in (same, apart)]
    assert width[1] > 2 * width[0]


def test_rows_of_one_disease_stand_and_fall_together():
    """20 diseases of 10 rows each, all right or all wrong, tell no more than 20 rows would."""
    rng = np.random.default_rng(0)
    labels, right = np.repeat(np.arange(20), 10), np.repeat(np.arange(20) % 2, 10)[None].astype(float)
    _, low, high = comparison.mean_interval(right, labels)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 20), rel=0.1)
    weights = comparison.draw_rows(labels, rng)
    assert np.allclose(weights.sum(axis=1), 1)
    assert (np.ptp(weights.reshape(-1, 20, 10), axis=2) == 0).all()


def test_the_interval_over_seeds_is_students():
    low, high = comparison.seed_interval([0.1, 0.2, 0.3])
    assert (low, high) == pytest.approx(t.interval(0.95, 2, loc=0.2, scale=0.1 / np.sqrt(3)))
    assert np.isnan(comparison.seed_interval([0.1])).all()


@pytest.fixture(scope="module")
def exported():
    study = prepare("quick")
    arms = ["majority", "naive_bayes", "tfidf_logreg"]
    ensure(study, arms)
    summary = comparison.summary(study, arms)
    pairs = comparison.paired(study, [("tfidf_logreg", "majority"), ("naive_bayes", "majority")])
    first = {"accuracy": 0.0, "class_perplexity": 12345.6}
    unseen_row = {"arm": "gpt2_lm", "scoring": "pmi", "candidates": "all", "chosen": True}
    unseen_row |= {
        f"{m}{tail}": 0.5 for m in ("mrr", "top1", "top5", "top10") for tail in ("", "_low", "_high")
    }
    chance = dict.fromkeys(("mrr", "top1", "top5", "top10"), 0.25)
    directory = export.export(
        study,
        first,
        arms=summary,
        pairs=pairs,
        tuning=tuning_table(study, arms[1:]),
        worth={"k": 2.0, "low": 1.0, "high": 6.7, "at_least": False, "open": 0.0},
        unseen=pd.DataFrame([unseen_row]),
        unseen_chance={"all": chance, "unseen": chance},
        forgetting={
            "general": {"bits_before": 2.0, "bits_after": 3.0, "change": 1.0, "low": -0.5, "high": 1.5}
        },
        cost=cost.table(study, arms),
    )
    return directory, summary


def test_every_macro_has_a_letters_only_name_and_a_number(exported):
    directory, summary = exported
    lines = (directory / "macros.tex").read_text().splitlines()[1:]
    colors = [line for line in lines if line.startswith(r"\definecolor")]
    lines = [line for line in lines if line not in colors]
    assert r"\definecolor{GptTwoFinetuned}{HTML}{0072B2}" in colors
    assert len(colors) == len(ARMS) + len(style.DRAWN)
    macros = dict(re.fullmatch(r"\\newcommand\{\\([A-Za-z]+)\}\{(.+)\}", line).groups() for line in lines)
    assert macros["TfidfLogregAccuracy"] == f"{summary.loc['tfidf_logreg', 'accuracy']:.3f}"
    assert macros["FirstAttemptPerplexity"] == r"\num{12346}"
    assert macros["WorthK"] == "2.0"
    assert macros["UnseenChanceMrr"] == "0.250"
    assert macros["UnseenGptTwoLmTopOne"] == "0.500 [0.500, 0.500]"
    assert macros["BitsGeneralChange"] == r"+1.000 [\ensuremath{-}0.500, +1.500]"
    assert not [name for name, value in macros.items() if "nan" in value.lower()]


def test_a_number_changed_in_results_json_changes_table_and_macros(exported):
    directory, _ = exported
    results = json.loads((directory / "results.json").read_text())
    results["arms"]["naive_bayes"]["accuracy"] = 0.98765
    (directory / "results.json").write_text(json.dumps(results))
    export.write_tex(directory)
    assert "0.988" in (directory / "tabla_comparacion.tex").read_text()
    assert r"\newcommand{\NaiveBayesAccuracy}{0.988}" in (directory / "macros.tex").read_text()


def test_tables_are_balanced_booktabs(exported):
    for name in (f"tabla_{table}" for table in ("comparacion", "pares", "intentos", "no_vistas", "costo")):
        lines = (exported[0] / f"{name}.tex").read_text().splitlines()
        body = [
            line
            for line in lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
            if line != r"\midrule"
        ]
        columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", "\n".join(lines)).group(1))
        assert body
        assert all(line.count("&") == columns - 1 and line.endswith(r"\\") for line in body)
    # scikit-learn's training is no count of products
    assert " – " in (exported[0] / "tabla_costo.tex").read_text()


def test_macro_names_of_all_arms_are_distinct():
    names = [macros.macro_name(arm) for arm in ARMS]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() for name in names)
    assert macros.macro_name("gpt2_finetuned") == "GptTwoFinetuned"
