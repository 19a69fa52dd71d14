"""Sentences that must not say more than the numbers do."""

from types import SimpleNamespace

import pytest

from helpers.report import claims, readings


def row(low, high, p_holm, **more):
    return SimpleNamespace(
        a="gpt2_finetuned",
        b="gpt2_scratch",
        difference=(low + high) / 2,
        low=low,
        high=high,
        p_holm=p_holm,
        **more,
    )


@pytest.mark.parametrize(
    ("low", "high", "p", "said", "not_said"),
    [
        (0.01, 0.03, 0.01, "que GPT-2 mini desde cero, con una diferencia de +2.0 puntos", "no lo confirma"),
        (0.01, 0.03, 0.2, "no lo confirma", "incluye el cero"),
        (-0.03, -0.01, 0.01, "acierta menos que GPT-2 mini desde cero", "más"),
        (-0.01, 0.03, 0.2, "no se distingue una diferencia: +1.0 puntos porcentuales (IC 95 % de −1.0 a "
                           "+3.0)", "cautela"),
        (-0.01, 0.03, 0.01, "cautela", "no lo confirma"),
    ],
)  # fmt: skip
def test_a_pair_is_read_with_the_caution_it_deserves(low, high, p, said, not_said):
    sentence = readings.pair(row(low, high, p))
    assert said in sentence
    assert not_said not in sentence


def test_what_a_p_value_is_and_is_not():
    said = readings.flips(row(0, 0, 0.04, p=0.0002))
    assert "menos de 0.001" in said
    assert "no es la probabilidad de que sean iguales" in said
    assert "(Holm): 0.040" in said


def test_the_interval_is_not_called_a_probability_of_the_truth():
    said = readings.ninety_five(0.02, 0.01, 0.03)
    assert "+2.0 [+1.0, +3.0]" in said
    assert "95 de cada 100" in said
    assert "no se puede decir" in said


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.1, 0.2, 0.01, "mejor que el adivino"),
        (-0.2, -0.1, 0.01, "peor que"),
        (0.1, 0.2, 0.2, "por encima del adivino"),
        (-0.2, -0.1, 0.2, "por debajo del adivino"),
        (-0.1, 0.2, 0.01, "no se distingue"),
    ],
)
def test_knowledge_is_claimed_against_the_guesser_and_both_tests(low, high, p, said):
    r = SimpleNamespace(a="gpt2_lm", b="guesser", difference=(low + high) / 2, low=low, high=high, p_holm=p)
    assert said in readings.gain(r)


def test_an_exact_share_has_no_interval():
    assert readings.estimate(0.1, 0.1, 0.1) == "10.0 %"
    assert readings.estimate(0.1, 0.05, 0.15) == "10.0 % [5.0, 15.0]"
    assert readings.estimate(-0.1, -0.2, 0.0, sign=True) == "−10.0 [−20.0, +0.0]"
    assert readings.latex("−1 % y < 2") == r"\ensuremath{-}1\,\% y \ensuremath{<} 2"


def compared(low, high, p_holm):
    """Results that hold the main pair alone, its difference between `low` and `high`."""
    pair = {"a": "gpt2_finetuned", "b": "gpt2_scratch", "low": low, "high": high, "p_holm": p_holm}
    arms = {"gpt2_finetuned": {"accuracy": 0.4}, "gpt2_scratch": {"accuracy": 0.3}}
    return {"pairs": [pair | {"hand_low": -0.05, "hand_high": 0.25}], "arms": arms, "hands": ["h01", "h02"]}


@pytest.mark.parametrize(
    "low, high, p_holm, ends",
    [
        (0.01, 0.2, 0.01, "30.0 % si no"),
        (0.01, 0.2, 0.2, "30.0 % si no (la prueba corregida no lo confirma)"),
        (-0.01, 0.2, 0.01, "30.0 % sin ella: no se distinguen"),
    ],
)
def test_the_answer_in_one_line_keeps_its_doubt(low, high, p_holm, ends):
    results = compared(low, high, p_holm)
    assert claims.answer(results).endswith(ends)
    clear, confirmed = int(low > 0), int(p_holm < 0.05)
    assert claims.clear_pairs(results) == (
        f"En {clear} de 1 pares el intervalo excluye el cero; en {confirmed} lo confirma la prueba corregida"
    )


def test_the_interval_over_authors_is_told_where_they_are_known():
    results = compared(0.01, 0.2, 0.01)
    assert claims.by_hands(results).endswith(
        "los 2 autores de los relatos, el intervalo de la comparación principal va de −5.0 a +25.0 puntos."
    )
    assert claims.by_hands(results | {"hands": []}) == ""
