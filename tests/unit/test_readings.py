"""Sentences that must not say more than the numbers do."""

from types import SimpleNamespace

import pytest

from helpers.report import readings


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


def test_counts_say_what_mcnemar_looks_at():
    said = readings.counts(row(0, 0, 0.0004, only_a=12, only_b=3, p=0.0002))
    assert "15 filas distinguen" in said
    assert "12 las acierta sólo el primero" in said
    assert "menos de 0.001" in said
    assert "nada que comparar" in readings.counts(row(0, 0, 1.0, only_a=0, only_b=0, p=1.0))


def test_the_interval_is_not_called_a_probability_of_the_truth():
    said = readings.ninety_five(0.02, 0.01, 0.03)
    assert "+0.020 [+0.010, +0.030]" in said
    assert "95 de cada 100" in said
    assert "no se puede decir" in said


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.2, "por encima del azar"),
        (0.01, 0.2, "no se distingue"),
        (0.05 - 1e-9, 0.05 - 1e-9, "no se distingue"),
        (0.001, 0.02, "por debajo"),
    ],
)
def test_unseen_diseases_are_compared_with_chance(low, high, verdict):
    r = SimpleNamespace(arm="gpt2_lm", mrr=(low + high) / 2, mrr_low=low, mrr_high=high)
    assert verdict in readings.unseen(r, 0.05)
