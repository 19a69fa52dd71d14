"""The curve over labels and the factor that is read off it, on curves whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import efficiency
from helpers.data import splits
from helpers.data.study import prepare
from helpers.experiments.grid import ensure
from helpers.prose import readings

SIZES = np.array([1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("more", "less", "k", "at_least"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.2, 0.3], 2.0, False),  # four labels do what eight do
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], 1.0, False),
        ([0.5, 0.6, 0.7, 0.8], [0.0, 0.1, 0.2, 0.3], 8.0, True),  # one is more than enough
        ([0.0, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], 0.5, False),  # pre-training that hurts
        ([0.1, 0.3, 0.2, 0.4], [0.0, 0.1, 0.2, 0.3], 4.0, False),  # a dip is noise: two labels had it already
        (
            [0.0, 0.0, 0.2, 0.4],
            [0.0, 0.0, 0.0, 0.1],
            8 / (2 * 2**0.5),
            False,
        ),  # half-way between 2 and 4, on a log axis
        # one that learns nothing needs no labels for it
        ([0.2, 0.3, 0.3, 0.3], [0.1, 0.1, 0.1, 0.1], 1.0, False),
    ],
)
def test_the_factor_of_two_curves(more, less, k, at_least):
    found = efficiency.factor(SIZES, np.array(more), np.array(less))
    assert found == (pytest.approx(k), at_least, pytest.approx(min(max(more), max(less))))


def test_thinning_keeps_every_label_and_fewer_are_among_more():
    study = prepare("quick")
    thin = {n: splits.thin(study.split, n, seed=3) for n in (1, 2, 4, 99)}
    for n, split in thin.items():
        train = split[split["side"] == "train"]
        own = study.split.loc[study.split["side"] == "train", "label"].value_counts()
        assert train["label"].value_counts().to_dict() == own.clip(upper=n).to_dict()
        assert split[split["side"] != "train"].equals(
            study.split[study.split["side"] != "train"].set_index(split[split["side"] != "train"].index)
        )
    ids = {n: set(split["id"]) for n, split in thin.items()}
    assert ids[1] < ids[2] < ids[4] < ids[99] == set(study.split["id"])
    assert ids[1] != set(splits.thin(study.split, 1, seed=4)["id"])
    assert splits.label_classes(thin[1]).tolist() == splits.label_classes(study.split).tolist()


def test_which_rows_are_kept_never_changes():
    """Thinned runs' records are found by split, seed and fraction: these must keep meaning the same rows."""
    split = pd.DataFrame(
        {"id": [f"{i:02d}" for i in range(12)], "label": list("aabb") * 3, "text": "x", "side": "train"}
    )
    assert splits.thin(split, 2, seed=0)["id"].tolist() == ["01", "04", "06", "11"]


def test_the_curve_of_real_runs_and_its_factor_against_itself():
    study = prepare("quick")
    ensure(study, ["majority", "tfidf_logreg"], "whole")
    curve = efficiency.curve(study, ["majority", "tfidf_logreg"])
    assert curve["per_disease"].tolist() == efficiency.labels_per_disease(study) * 2
    assert ((curve["low"] <= curve["accuracy"]) & (curve["accuracy"] <= curve["high"])).all()
    assert curve.loc[curve["arm"] == "majority", "accuracy"].eq(1 / study.num_labels).all()
    same = efficiency.worth(study, "tfidf_logreg", "tfidf_logreg")
    assert (same["k"], same["at_least"]) == (pytest.approx(1), False)
    assert same["low"] <= 1 <= same["high"]


def test_curves_that_share_no_height_give_no_number():
    pair = {"more": "gpt2_finetuned", "less": "gpt2_scratch", "height": 0.123}
    found = pair | {"k": 2.0, "low": 1.5, "high": 6.7, "at_least": True, "open": 0.5}
    said = readings.worth(found)
    assert "no se puede leer" in said
    assert "12.3 %" in said
    assert "2.0" not in said
    found = pair | {"k": 2.0, "low": 0.9, "high": 4.0, "at_least": False, "open": 0.1}
    assert "A una exactitud de 12.3 %" in readings.worth(found)
    assert "2.0 veces" in readings.worth(found)
    assert "4.0 o más" in readings.worth(found)
    assert "no se distingue de no ahorrar" in readings.worth(found)
