"""What an exam measures: sentences read together, exams side by side, and the effect of the masks."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import exam
from helpers.data import splits
from helpers.data.study import prepare


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def split_of(rows):
    """Test rows of (page, label), with a training row of each label."""
    test = [(f"t{i}", page, label, "text", "test") for i, (page, label) in enumerate(rows)]
    train = [(f"r{label}", f"r{label}", label, "text", "train") for label in {label for _, label in rows}]
    return pd.DataFrame([*test, *train], columns=["id", "page", "label", "text", "side"])


def test_log_probabilities_of_a_pages_rows_are_added():
    split = split_of([("p", "a"), ("p", "a"), ("p", "a"), ("q", "b"), ("q", "b"), ("q", "b"), ("s", "a")])
    p = np.log([[0.6, 0.4], [0.45, 0.55], [0.45, 0.55]])  # alone one of three is right, together all
    q = np.log([[0.001, 0.999], [0.8, 0.2], [0.8, 0.2]])  # one sure row outweighs two; a vote would not
    logits = np.vstack([p, q, [[0.0, 1.0]]])[None] + 3.0  # whatever is added to a row's logits
    table = exam.together(logits, split)
    assert table["read"].tolist() == [1, 2, 3]
    assert table["rows"].tolist() == [2, 2, 2]  # the page of one row is left out throughout
    pairs_p = np.mean([(p[i] + p[j]).argmax() == 0 for i, j in ((0, 1), (0, 2), (1, 2))])
    pairs_q = np.mean([(q[i] + q[j]).argmax() == 1 for i, j in ((0, 1), (0, 2), (1, 2))])
    assert table["accuracy"].tolist() == pytest.approx(
        [1 / 3, (pairs_p + pairs_q) / 2, (float(p.sum(axis=0).argmax() == 0) + 1) / 2]
    )


def test_pages_with_fewer_rows_are_read_as_far_as_they_go():
    split = split_of([("p", "a"), ("p", "a"), ("q", "b")])
    table = exam.together(np.zeros((2, 3, 2)), split)
    assert table["read"].tolist() == [1, 2]
    assert table["rows"].tolist() == [1, 1]


def test_every_exam_of_the_same_pages_is_measured(study):
    fits = exam.fit_all(study)
    table = exam.exams(study, fits)
    assert set(table["arm"]) == set(exam.counting_arms())
    assert table["exam"].unique().tolist() == ["page", "fragment 1", "fragment 2", "fragment 3", "patients"]
    own = table.set_index(["exam", "arm"])["accuracy"]
    for arm in exam.counting_arms():
        assert own["page", arm] == 0
        truth = splits.side(study.split, "test")[1]
        assert own["patients", arm] == (fits["patients", arm].logits.argmax(axis=1) == truth).mean()
    effect = exam.masking_effect(study, fits).set_index(["exam", "arm"])
    assert set(effect.index.get_level_values(0)) == {"fragment", "patients"}
    assert (effect["masked"]["patients"] == own["patients"]).all()


def test_a_name_left_in_is_found_in_the_effect(tmp_path):
    rng, words = np.random.default_rng(0), [f"word{i}" for i in range(60)]
    names = [f"{a}{b}itis" for a in ("gastr", "nephr", "derm", "arthr") for b in ("o", "a")]
    rows = [
        (" ".join([*rng.choice(words, 5), name, *rng.choice(words, 5)]), name)
        for name in names
        for _ in range(12)
    ]  # fmt: skip
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "rows.csv", index=False)
    study = prepare("quick", str(tmp_path / "rows.csv"))
    effect = exam.masking_effect(study, exam.fit_all(study))
    gain = effect["named"] - effect["masked"]
    assert gain.min() > 0.1
    assert gain.max() > 0.5
    assert exam.read_together(study, []).empty
