"""Mistakes whose kind is known: of look-alikes or not, shared or not; figures in which nothing overlaps."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from helpers.analysis.errors import confusion_groups, gallery
from helpers.experiments.outcomes import outcome_of
from helpers.experiments.records import Record
from helpers.figures import style, words

GROUPS = np.array(["eyes", "eyes", "eyes", "heart", "heart"])


def groups_of(seeds, labels):
    """`confusion_groups` of records that answer the test rows as told, one a seed."""
    records = [
        Record(None, {}, None, 1.0, 1.0, 1, {}, None, outcome_of(np.eye(len(GROUPS))[answers], labels))
        for answers in seeds
    ]
    return confusion_groups(records, labels, GROUPS)


def test_wrong_answers_within_the_group_and_what_chance_would_put_there():
    labels = np.array([0, 0, 1, 3, 4, 4])
    # First seed: rows 0 (to eyes) and 3 (to eyes) wrong. Second: rows 0 (to heart) and 5 (to heart).
    found = groups_of([[1, 0, 1, 2, 4, 4], [3, 0, 1, 3, 4, 3]], labels)
    assert (found["errors"], found["within"]) == (4, 2 / 4)
    # Two of the four other classes are eyes for an eye disease, one is of the heart for a heart disease.
    assert found["chance"] == pytest.approx(np.mean([2 / 4, 1 / 4, 2 / 4, 1 / 4]))
    assert found["low"] <= found["within"] <= found["high"]


def test_chance_is_what_even_guessing_gets():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 2000)
    found = groups_of([(labels + rng.integers(1, 5, 2000)) % 5], labels)
    assert found["errors"] == 2000
    assert found["within"] == pytest.approx(found["chance"], abs=0.03)


def test_the_interval_draws_diseases_and_not_rows():
    """Drawing rows would give 0.5 within 0.03; the two diseases drawn give all, half or nothing.

    There are 500 rows per disease.
    """
    labels = np.repeat([0, 3], 500)
    found = groups_of([np.repeat([1, 0], 500)], labels)
    assert (found["within"], found["low"], found["high"]) == (0.5, 0, 1)
    # Half of each disease's errors within: whichever are drawn, half.
    found = groups_of([np.repeat([1, 3, 4, 0], 250)], labels)
    assert found["low"] == pytest.approx(0.5) == found["high"]


def test_a_disease_without_errors_does_not_spoil_the_interval_and_no_errors_are_no_number():
    labels = np.array([0, 3])
    found = groups_of([[1, 3]], labels)
    assert [found[name] for name in ("errors", "within", "low", "high")] == [1, 1, 1, 1]
    found = groups_of([labels], labels)
    assert found.pop("errors") == 0
    assert np.isnan(list(found.values())).all()


def test_the_gallery_knows_who_is_right_alone():
    never, once, twice, always = ([[i < n] for i in range(3)] for n in (0, 1, 2, 3))
    columns = {  # one row of the test set each
        "all wrong": dict(),
        "fine-tuned alone": dict(gpt2_finetuned=twice),
        "not in most seeds": dict(gpt2_finetuned=once),
        "another pre-trained one too": dict(gpt2_frozen=always, gpt2_finetuned=once),
        "from scratch too, once": dict(gpt2_frozen=always, gpt2_scratch=once),
        "counts alone": dict(tfidf_logreg=always),
        "counts and another word model": dict(naive_bayes=always, bilstm=always),
        "counts and GPT-2 once": dict(tfidf_logreg=always, gpt2_self=once),
        "all wrong again": dict(),
    }
    arms = "naive_bayes tfidf_logreg bilstm gpt2_scratch gpt2_self gpt2_frozen gpt2_finetuned".split()
    hits = {arm: np.hstack([rows.get(arm, never) for rows in columns.values()]).astype(float) for arm in arms}
    found = gallery(hits, 5)
    assert {kind: rows.tolist() for kind, rows in found.items()} == {
        "all_wrong": [0, 8], "only_pretrained": [1, 3], "only_counts": [5, 6],
    }  # fmt: skip
    assert [rows.tolist() for rows in gallery(hits, 1).values()] == [[0], [1], [5]]
    # Two of four seeds are no majority; an arm that is not there is not asked.
    even = gallery({"gpt2_lm": np.array([[1], [1], [0], [0]])}, 5)
    assert not any(len(rows) for rows in even.values())


def test_no_framework_is_loaded():
    code = (
        "import sys, helpers.analysis.errors, helpers.figures.words; "
        "sys.exit(bool({'tensorflow', 'keras', 'torch', 'captum'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def boxes(fig):
    """Where the figure's texts are when printed, less a pixel a side: glyphs are set to whole pixels."""
    fig.set_dpi(style.DPI)
    fig.canvas.draw()
    return [t.get_window_extent().padded(-1) for t in fig.findobj(Text) if t.get_text()]


@pytest.mark.parametrize("size", [1, 3, 20])
def test_coloured_words_stay_on_the_page_and_apart(size):
    rng = np.random.default_rng(0)
    pieces = [" Pain", " in", " the", " ep", "igastr", "ium", ",", " worse", " after", " $5", " meals", "."]
    long = "desprendimiento prematuro de placenta normoinserta"
    labels = [long, "enfermedad 1", "enfermedad 2"]
    rows = [(label, [(word, rng.normal()) for word in pieces * size]) for label in labels]
    style.use_style()
    fig = words.attribution_bars(rows, "Un título")
    extents, page = boxes(fig), fig.bbox
    assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= page.width and b.y1 <= page.height for b in extents)
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])
    drawn = [t.get_text() for t in fig.findobj(Text)]
    assert ("…" in drawn) == (size == 20)
    assert set(labels) <= set(drawn)
    with pytest.raises(ValueError, match="do not fit"):
        words.attribution_bars([("x", [("y", 1.0)])] * 40, "Un título")
    plt.close(fig)


def test_red_supports_and_blue_speaks_against_by_strength():
    fig = words.attribution_bars([("gota", [("toe", 2.0), (" the", 0.0), (" rash", -1.0)])], "t")
    color = {
        t.get_text(): t.get_bbox_patch().get_facecolor() for t in fig.findobj(Text) if t.get_bbox_patch()
    }
    (r, _, b, _), (r2, _, b2, _), neutral = color["toe"], color["rash"], color["the"]
    assert r > b
    assert b2 > r2
    assert min(neutral[:3]) > 0.9
    assert r - b > b2 - r2  # half as strong
    plt.close(fig)
