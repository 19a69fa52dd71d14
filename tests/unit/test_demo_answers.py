"""What each word adds, and the page's HTML.

Pieces join to the text, sums are exact, nothing typed is ever markup.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.arms import ARMS
from helpers.config import RunError
from helpers.demo import answers, game
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

    models = answers.Models(
        dict.fromkeys(answers.NEEDED), {}, ["a", "b"], ["A", "B"], {"a": "<b>gota</b>", "b": "gripe"},
        [("my toe is red", 0), ("I have a fever", 1), ("it burns", 0)],
    )  # fmt: skip
    shown, asked = "perfil <x>", None

    def answer(self, text, explained):
        self.asked = text
        if "broken" in text:
            raise RunError("the process died <3> times")
        return {arm: np.log([0.7, 0.3]) for arm in answers.NEEDED}, [(text, 1.0)], 0


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
    assert re.findall(r'data-arm="(\w+)"', html) == answers.NEEDED
    assert all(html.count(demo.ARMS[arm].color) == 3 for arm in answers.NEEDED)
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


def test_a_statement_of_the_exam_has_its_right_answer_told_and_nothing_else_has(demo):
    html = demo.respond(Fake(), "my toe is red", "bilstm")
    assert "La correcta: <b>&lt;b&gt;gota&lt;/b&gt;</b>" in html
    assert f"La ponen primera: {demo.ARMS['tfidf_logreg'].name}" in html
    assert "Ninguno la pone primera" in demo.respond(Fake(), "I have a fever", "bilstm")
    assert "La correcta" not in demo.respond(Fake(), "my toe is blue", "bilstm")
    assert "1.4 veces lo que le tocaría" in html


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("Me duele la cabeza desde hace dos días y tengo fiebre", True),
        ("tengo tos con flemas", True),
        ("My head hurts and light makes me sick", False),
        ("I was in La Paz with a fever", False),
        ("", False),
    ],
)
def test_a_text_in_spanish_gets_a_hint(demo, text, spanish):
    assert demo.is_spanish(text) == spanish
    if text:
        assert ("Parece español" in demo.respond(Fake(), text, "bilstm")) == spanish


def test_the_examples_are_taken_by_rule_and_the_page_says_what_is_missing(demo):
    models = Fake.models
    assert demo.examples(models) == ["my toe is red", "I have a fever"]
    said = demo.at_hand(models)
    assert models.missing == ["smollm2_finetuned", "smollm2_lm_zero"]
    assert all(demo.ARMS[arm].name in said.partition("Faltan")[2] for arm in models.missing)
    whole = answers.Models(dict.fromkeys(answers.ASKED), {}, [], [], {}, [])
    assert "Faltan" not in demo.at_hand(whole)
    assert (whole.namer, models.namer) == ("smollm2_lm_zero", "gpt2_lm")
    assert whole.panels[-1] == "smollm2_finetuned"


def game_of(classes=30, rows=60):
    names = [f"d{number}" for number in range(classes)]
    exam = [(f"text {row}", row % classes) for row in range(rows)]
    specs = dict.fromkeys(answers.NEEDED)
    return answers.Models(specs, {}, names, names, {name: name.upper() for name in names}, exam)


def test_a_game_is_ten_statements_of_ten_diseases_and_eight_choices_with_the_right_one():
    models, rng = game_of(), np.random.default_rng(0)
    for seed in range(20):
        started = game.new_game(models, seed)
        assert len({models.exam[row][1] for row in started.rows}) == game.ROUNDS == len(started.rows)
        scores = {arm: rng.normal(size=30) for arm in models.specs}
        asked = game.asked(started, models, scores, seed)
        right = models.exam[started.rows[0]][1]
        assert right in asked.options
        assert len(set(asked.options)) == game.CHOICES
        firsts = {int(scores[arm].argmax()) for arm in models.panels} - {right}
        assert firsts <= set(asked.options)  # the models' favourites are all there
        assert set(asked.picks) == set(models.panels)
        assert all(
            pick == max(asked.options, key=lambda n: scores[arm][n]) for arm, pick in asked.picks.items()
        )
    places = [
        game.choices({"a": np.arange(30.0)}, 3, np.random.default_rng(seed)).index(3) for seed in range(200)
    ]
    assert min(np.bincount(places, minlength=8)) > 10  # the right one stands anywhere


def test_points_are_given_to_who_is_right_and_the_last_round_says_who_won():
    models = game_of()
    right_of = lambda played: models.exam[played.rows[played.answered]][1]  # noqa: E731
    played = game.new_game(models, 1)
    while not played.over:
        right = right_of(played)
        knows = np.where(np.arange(30) == right, 0.0, -9.0)
        scores = {arm: knows if arm == "bilstm" else -knows for arm in models.specs}
        played = game.asked(played, models, scores, 1)
        assert "text" in game.statement(played, models)
        picked = right if played.answered < 4 else next(n for n in played.options if n != right)
        played = game.judged(played, models, picked)
        assert f"La correcta: <b>D{right}</b>" in game.verdict(played, models, picked)
    assert played.points == {
        game.VISITOR: 4,
        "tfidf_logreg": 0,
        "bilstm": 10,
        "gpt2_scratch": 0,
        "gpt2_finetuned": 0,
    }
    assert "Ganó la máquina" in game.ending(played)
    assert "Le ganaste" in game.ending(replace(played, points=dict(played.points) | {game.VISITOR: 11}))
    assert "Empate" in game.ending(replace(played, points=dict(played.points) | {game.VISITOR: 10}))
