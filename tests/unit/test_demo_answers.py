"""What each word adds, and the page's HTML.

Pieces join to the text, sums are exact, nothing typed is ever markup.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.arms import ARMS
from helpers.config import RunError
from helpers.demo import answers
from helpers.models import baselines

TEXTS = ["fever and dry cough", "itchy rash, red rash", "a swollen joint", "cough at night and fever"]
ODD = [
    "fever",
    "FEVER fever, fever cough!",
    "…",
    "!?",
    "🤒 fever 👩‍👩‍👧",
    "<|endoftext|>",
    "حمى و سعال",
    "word" * 200,
    "a\u0301 rash",
]


@pytest.fixture(params=[2, 4])
def fitted(request, monkeypatch):
    """A linear model of two and of four diseases, as in its process."""
    model = baselines.build(ARMS["tfidf_logreg"], 10.0).fit(TEXTS, np.arange(4) % request.param)
    monkeypatch.setitem(answers._loaded, "tfidf_logreg", model)
    return model, request.param


@pytest.mark.parametrize("text", [*TEXTS, *ODD])
def test_weight_times_input_is_the_linear_score_without_its_intercept(fitted, text):
    model, k = fitted
    score, intercept = np.atleast_1d(model.decision_function([text])[0]), model[-1].intercept_
    if k == 2:
        score, intercept = np.array([-score[0], score[0]]), np.array([-intercept[0], intercept[0]])
    for target in range(k):
        found = answers.words("tfidf_logreg", text, target)
        assert "".join(piece for piece, _ in found) == text
        assert sum(value for _, value in found) == pytest.approx(score[target] - intercept[target], abs=1e-9)


def test_an_unknown_word_adds_nothing_and_a_known_one_something(fitted):
    found = dict(answers.words("tfidf_logreg", "zebra rash", 1))
    assert found["zebra"] == found[" "] == 0
    assert found["rash"] != 0


def test_scores_are_log_probabilities_and_only_the_explained_arms_words_come_along(fitted):
    scores, words = answers.answer(("tfidf_logreg",), "itchy red rash", "tfidf_logreg")
    assert np.exp(scores["tfidf_logreg"]).sum() == pytest.approx(1)
    assert words == answers.words("tfidf_logreg", "itchy red rash", int(scores["tfidf_logreg"].argmax()))
    assert answers.answer(("tfidf_logreg",), "fever", "bilstm")[1] is None


@given(st.text(max_size=40), st.randoms())
def test_words_hold_every_value_once_and_join_to_the_text(text, random):
    marks = sorted(random.sample(range(len(text) + 1), min(4, len(text) + 1)))
    spans = [(a, b) for a, b in zip(marks, marks[1:], strict=False)]
    values = [random.random() for _ in spans]
    found = answers.by_word(text, spans, values)
    assert "".join(piece for piece, _ in found) == text
    assert sum(value for _, value in found) == pytest.approx(sum(values))


def test_a_token_with_its_leading_space_counts_for_its_word():
    assert answers.by_word("no fever", [(0, 2), (2, 5), (5, 8)], [1, 2, 3]) == [
        ("no", 1),
        (" ", 0),
        ("fever", 5),
    ]


class Fake:
    """Models that answer anything with the same scores, and blame the whole text."""

    models = answers.Models({}, "", ["a", "b"], ["A", "B"], {"a": "<b>gota</b>", "b": "gripe"})
    shown, asked = "perfil <x>", None

    def answer(self, text, explained):
        self.asked = text
        if "broken" in text:
            raise RunError("the process died <3> times")
        return {arm: np.log([0.7, 0.3]) for arm in (*answers.PANELS, answers.NAMER)}, [(text, 1.0)], 0


@pytest.fixture
def demo():
    return pytest.importorskip(
        "helpers.demo.page", reason="no Gradio: pip install -r requirements-demo.txt", exc_type=ImportError
    )


def test_nothing_that_was_typed_or_named_becomes_markup(demo):
    html = demo.respond(Fake(), "<img src=x onerror=alert(1)> \" ' &", "bilstm")
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &quot; &#x27; &amp;" in html
    assert "<b>gota" not in html
    assert "perfil <x>" not in html
    assert html.count("&lt;b&gt;gota") == 6
    assert {*re.findall(r"<(\w+)", html)} <= set("div section h3 ol li span p b mark".split())


def test_every_model_has_its_panel_in_its_colour_and_one_scale(demo):
    html = demo.respond(Fake(), "fever", "bilstm")
    assert re.findall(r'data-arm="(\w+)"', html) == [*answers.PANELS, answers.NAMER]
    assert all(html.count(demo.ARMS[arm].color) == 3 for arm in (*answers.PANELS, answers.NAMER))
    assert re.findall(r"width:([\d.]+)%", html) == ["100.0", "42.9"] * 5
    assert html.count("70.0 %") == 5


def test_a_long_text_is_cut_with_a_notice_and_a_short_one_without(demo):
    fake = Fake()
    assert "se recortó a 2000" in demo.respond(fake, "fever " * 10_000, "bilstm")
    assert len(fake.asked) <= demo.MAX_CHARS
    assert "se recortó" not in demo.respond(fake, "fever" + "\n" * 5000, "bilstm")
    assert fake.asked == "fever"
    assert "se recortó" not in demo.respond(fake, "f" * demo.MAX_CHARS, "bilstm")


@pytest.mark.parametrize("text", ["", " \n\t ", None, "\x00\x07", "\ud83e"])
def test_a_text_without_anything_is_not_asked(demo, text):
    fake = Fake()
    html = demo.respond(fake, text, "bilstm")
    assert "Escribe primero" in html
    assert 'role="alert"' in html
    assert fake.asked is None


def test_models_that_cannot_answer_say_why_in_the_page(demo):
    html = demo.respond(Fake(), "broken", "bilstm")
    assert "no pudieron contestar" in html
    assert "died &lt;3&gt; times" in html
    assert 'role="alert"' in html
    assert "no models are loaded" in demo.respond(demo.Demo(), "fever", "bilstm")
    assert demo.respond(Fake(), "half \ud83e a character", "bilstm").encode()
