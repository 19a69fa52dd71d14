"""Sentences that must not say more than the numbers do."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.arms import ARMS
from helpers.data.published import EARLIER
from helpers.data.study import prepare
from helpers.experiments.specs import make_spec
from helpers.prose import abroad, bought, claims, doubts, numbers, price, readings
from helpers.prose.table import Table
from helpers.report import facts, gallery, tables
from helpers.report.latex import latex, tabular


def row(low, high, p_holm, p=0.01):
    return SimpleNamespace(
        a="gpt2_finetuned",
        b="gpt2_scratch",
        difference=(low + high) / 2,
        low=low,
        high=high,
        p_holm=p_holm,
        p=p,
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


def test_a_correction_is_not_blamed_for_what_the_raw_test_does_not_show():
    assert "corregida por comparaciones múltiples no lo confirma" in readings.pair(row(0.01, 0.03, 0.2))
    assert readings.pair(row(0.01, 0.03, 0.3, p=0.065)).endswith(
        "la prueba de signos no lo confirma, ni sin corregir (*p* = 0.065)."
    )


def test_what_a_p_value_is_and_is_not():
    said = readings.flips(row(0, 0, 0.04, p=0.0002))
    assert "menos de 0.001" in said
    assert "No es la probabilidad de que sean iguales" in said
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
    assert numbers.estimate(0.1, 0.1, 0.1) == "10.0 %"
    assert numbers.estimate(0.1, 0.05, 0.15) == "10.0 % [5.0, 15.0]"
    assert numbers.estimate(-0.1, -0.2, 0.0, sign=True) == "−10.0 [−20.0, +0.0]"
    assert latex("−1 % y < 2") == r"\ensuremath{-}1\,\% y \ensuremath{<} 2"


def compared(low, high, p_holm):
    """Results that hold the main pair alone, its difference between `low` and `high`."""
    pair = {"a": "gpt2_finetuned", "b": "gpt2_scratch", "low": low, "high": high, "p_holm": p_holm, "p": 0.01}
    arms = {
        arm: {"accuracy": right, "seeds": 2}
        for arm, right in (("gpt2_finetuned", 0.4), ("gpt2_scratch", 0.3))
    }
    pair |= {"difference": 0.1, "hand_low": -0.05, "hand_high": 0.25}
    return {"pairs": [pair], "arms": arms, "hands": ["h01", "h02"], "facts": {"external": {}}}


@pytest.mark.parametrize(
    "low, high, p_holm, ends",
    [
        (0.01, 0.2, 0.01, "30.0 % si no"),
        (0.01, 0.2, 0.2, "30.0 % si no (sin confirmar)"),
        (-0.01, 0.2, 0.01, "30.0 % sin ella: no se distinguen"),
    ],
)
def test_the_answer_in_one_line_keeps_its_doubt(low, high, p_holm, ends):
    results = compared(low, high, p_holm)
    assert claims.answer(results).endswith(ends)
    results["arms"]["tfidf_logreg"] = {"accuracy": 0.9}
    assert claims.answer(results).endswith(f"{ends}; contar palabras, 90.0 %")
    clear, confirmed = int(low > 0), int(p_holm < 0.05)
    assert claims.clear_pairs(results) == (
        f"En {clear} de 1 pares el intervalo excluye el cero; en {clear * confirmed} de ellos lo confirma la "
        "prueba corregida"
    )


def test_what_tells_against_the_main_pair_is_told_with_its_numbers():
    each = [
        {"hand": "h01", "rows": 30, "difference": 0.2},
        {"hand": "h02", "rows": 12, "difference": -0.25},
    ]
    tuning = [
        {"arm": arm, "value": value, "valid_accuracy": right, "chosen": chosen}
        for arm, value, right, chosen in (
            ("gpt2_finetuned", 1e-4, 0.5, False),
            ("gpt2_finetuned", 3e-4, 0.58, True),
            ("gpt2_finetuned", 1e-3, 0.4, False),
            ("gpt2_scratch", 1e-4, 0.6, True),
            ("gpt2_scratch", 3e-4, 0.3, False),
            ("smollm2_finetuned", 3e-4, 0.7, True),
        )
    ]
    results = compared(0.01, 0.2, 0.01) | {
        "by_hand": each, "tuning": tuning, "rows": {"valid": 50}, "split": EARLIER["split"],
        "profile": {"epochs": {"gpt2_finetuned": 30, "gpt2_scratch": 60}},
    }  # fmt: skip
    results["arms"] = {
        "gpt2_finetuned": {"accuracy": 0.4, "seeds": 2, "valid_accuracy": 0.58},
        "gpt2_scratch": {"accuracy": 0.3, "valid_accuracy": 0.6},
    }
    results["longer"] = [{"arm": "gpt2_finetuned", "epochs": [30, 80], "mrr": [0.697, 0.7558]}]
    authors, validation, before, more = doubts.doubts(results)
    assert (
        "los 2 autores de los relatos, el intervalo de la comparación principal va de −5.0 a +25.0 puntos"
        in authors
    )
    assert "Incluye el cero: con otros autores la diferencia podría no verse." in authors
    assert authors.endswith("la diferencia va de −25.0 (12 relatos) a +20.0 (30 relatos).")
    assert (
        "GPT-2 mini con ajuste fino, 58.0 % (en prueba, 40.0 %); GPT-2 mini desde cero, 60.0 %" in validation
    )
    sure = compared(0.01, 0.2, 0.01) | {"arms": results["arms"]}
    assert "de −5.0 a +25.0 puntos; en validación, 58.0 % contra 60.0 %" in doubts.certainty(sure)
    assert doubts.certainty(sure).endswith("Con otros autores podría no verse.")
    sure["pairs"][0]["hand_low"] = 0.02
    assert doubts.certainty(sure).endswith("contra 60.0 %.")
    there = dict(sure["pairs"][0], difference=0.03, low=-0.05, high=0.11)
    sure["facts"] = {"external": {"pairs": [there]}}
    assert doubts.certainty(sure).endswith(
        "con páginas ajenas, +3.0 [−5.0, +11.0] puntos. En las páginas ajenas no se distingue de cero."
    )
    sure["pairs"][0]["p_holm"] = 0.2
    assert "no se puede asegurar" in doubts.certainty(sure)
    assert "con 20 épocas desde cero y 15 de ajuste fino, +22.0 puntos" in before
    assert "Ahora, con 60 y 30, son +10.0." in before
    assert "GPT-2 mini con ajuste fino, 0.697 → 0.756 (30 → 80 épocas)" in more
    assert doubts.longer({"longer": []}) == ""
    assert doubts.by_hands(results | {"hands": []}) == doubts.earlier(results | {"split": "another"}) == ""
    results["beyond"] = []
    edge = (
        "En la orilla de lo probado quedaron: GPT-2 mini desde cero. Con un solo valor, sin elegir: "
        "SmolLM2 con ajuste fino."
    )
    assert doubts.at_edge(results) == edge
    results["beyond"] = [{"arm": "gpt2_finetuned", "value": [0.001, 0.003], "mrr": [0.76, 0.64]}]
    assert doubts.at_edge(results) == (
        f"{edge} Más allá de la orilla se probó: GPT-2 mini con ajuste fino con 0.003, MRR de validación "
        "0.640 (con 0.001, 0.760)."
    )


def test_a_factor_of_passages_shares_the_doubt_of_its_difference():
    row = {"more": "gpt2_finetuned", "less": "gpt2_scratch", "k": 1.6, "low": 1.1, "high": 2.3, "height": 0.3}
    row |= {"at_least": False, "open": 0.0}
    assert "no la confirma" in bought.worth(compared(0.01, 0.2, 0.2), row)
    assert "no la confirma" not in bought.worth(compared(0.01, 0.2, 0.01), row)


def test_the_last_step_of_each_ladder_is_told():
    pair = {"a": "gpt2_finetuned", "b": "gpt2_frozen", "difference": 0.2, "low": 0.1, "high": 0.3}
    results = {"pairs": [pair], "ladders": [["gpt2_frozen", "gpt2_finetuned"]]}
    assert claims.moved(results) == "Mover todos los pesos: +20.0 puntos en GPT-2 mini"
    assert "+20.0 [+10.0, +30.0] puntos" in claims.moved(results, spans=True)


def test_a_quiz_folds_away_what_may_be_answered_and_the_answers():
    shown = gallery.quiz(["It itches & burns."], ["tiña"], {"a": "tiña", "b": "gota"}.values())
    question, choices, answers = shown.split("<details>")
    assert "It itches &amp; burns." in question
    assert "Las 2 enfermedades entre las que se elige" in choices
    assert "gota, tiña" in choices
    assert "<li>tiña</li>" in answers
    assert "tiña" not in question


def test_only_the_same_run_for_longer_says_what_more_epochs_do(tmp_path, monkeypatch):
    study, arm = prepare("course"), ARMS["gpt2_finetuned"]
    spec = make_spec(study, arm.id, 3e-4, 0, epochs=30)
    chosen = SimpleNamespace(spec=spec, metrics={"valid": {"mrr": 0.7}})
    same = {"profile": "class", "arm": arm.id, "value": 3e-4, "epochs": 80, "valid_mrr": 0.75}
    same["settings"] = json.dumps(dict(sorted(arm.settings.items())))
    others = [{"epochs": 20}, {"value": 1e-3}, {"settings": "{}"}, {"profile": "reference"}, {"arm": "bag"}]
    further = {"value": 3e-3, "epochs": 30, "valid_mrr": 0.6}  # beyond the grid, as long
    others += [further, further | {"epochs": 20}, further | {"value": 5e-4}]  # the last within the grid
    pd.DataFrame([same, *(same | other for other in others)]).to_csv(tmp_path / "choices.csv", index=False)
    monkeypatch.setattr(facts, "CHOICES", tmp_path / "choices.csv")
    monkeypatch.setattr(facts, "asked", lambda *of: [arm.id])
    monkeypatch.setattr(facts, "results", lambda *of: [chosen])
    assert facts.longer(study) == [{"arm": arm.id, "epochs": [30, 80], "mrr": [0.7, 0.75]}]
    assert facts.beyond(study) == [{"arm": arm.id, "value": [3e-4, 3e-3], "mrr": [0.7, 0.6]}]
    monkeypatch.setattr(facts, "CHOICES", tmp_path / "none.csv")
    assert facts.longer(study) == facts.beyond(study) == []


def test_the_sum_of_two_shares_the_doubt_of_its_difference():
    pair = {"b": "tfidf_logreg", "difference": 0.06, "low": 0.02, "high": 0.1, "p_holm": 0.2}
    found = dict.fromkeys(("share", "accuracy", "low", "high", "both", "only_a", "only_b", "neither"), 0.5)
    found |= {"a": "tfidf_logreg", "b": "smollm2_finetuned", "pair": pair}
    assert "la prueba corregida por comparaciones múltiples no lo confirma" in readings.together(found)
    found["pair"] = pair | {"p_holm": 0.01}
    assert "no lo confirma" not in readings.together(found)


def test_only_a_whole_interval_is_above_chance():
    rows = [
        {"arm": arm, "candidates": "all", "mrr": 0.2, "mrr_low": low, "mrr_high": 0.3}
        for arm, low in (("gpt2_lm", 0.08), ("smollm2_lm_zero", 0.1), ("bilstm", 0.15))
    ]
    results = {"unseen": rows, "unseen_chance": {"all": {"mrr": 0.09}}}
    told = doubts.above_chance(results)
    assert told.endswith("de los que responden: SmolLM2 que responde (sin ajuste) (0.200 [0.100, 0.300]).")
    assert doubts.above_chance(results | {"unseen": rows[:1]}).endswith("responden: ninguno.")


def test_fewer_epochs_elsewhere_are_said_to_harm_who_starts_from_nothing():
    here = compared(0.01, 0.2, 0.01) | {"profile": {"epochs": {"gpt2_scratch": 60, "bag": 10}}}
    there = {"arms": ["gpt2_scratch", "bag"], "profile": {"epochs": {"gpt2_scratch": 12, "bag": 20}}}
    assert "12 épocas, no 60), y quien empieza de cero es el más perjudicado" in abroad.outdated(there, here)
    there["profile"]["epochs"]["gpt2_scratch"] = 60
    assert "(Bolsa de vectores: 20 épocas allá y 10 aquí)" in abroad.outdated(there, here)
    there["profile"]["epochs"]["bag"] = 10
    assert abroad.outdated(there, here) == ""


def test_a_power_of_ten_is_written_as_one():
    table = Table(("a", "b"), [("1e-05", "8.6e+14"), ("seen", "2024-10")], [("chance", "0.1")])
    shown = table.frame().data.to_numpy().tolist()
    assert shown == [["1 × 10⁻⁵", "8.6 × 10¹⁴"], ["seen", "2024-10"], ["chance", "0.1"]]
    assert r"\num{8.6e+14}" in tabular(table)
    assert "\\midrule\nchance & 0.1" in tabular(table)


def test_what_is_paid_is_told_of_the_main_pair_and_beside_counting_words():
    results = compared(0.01, 0.2, 0.01)
    row = {"confidence": 0.4, "accuracy": 0.8, "ece": 0.4, "ece_scaled": 0.1, "perplexity_scaled": 3.0}
    results |= {
        "num_labels": 50,
        "calibration": {
            "gpt2_finetuned": row,
            "gpt2_scratch": row | {"ece": 0.088, "ece_scaled": 0.164, "perplexity_scaled": 15.9},
            "bag": row | {"perplexity_scaled": 2.0},
        },
        "confusions": {
            "gpt2_finetuned": {"within": 0.3, "low": 0.2, "chance": 0.08},
            "gpt2_scratch": {"within": 0.1, "low": 0.05, "chance": 0.08},
        },
        "cost": {
            "gpt2_finetuned": {"seconds": 300.0, "accuracy": 0.4},
            "tfidf_logreg": {"seconds": 0.3, "accuracy": 0.9},
        },
        "facts": {"pretraining": {"gpt2-mini": {"seconds": 7298.0}}},
        "profile": {"base": "gpt2-mini"},
        "forgetting": {},
    }
    row = {"change": 0.1, "low": 0.05, "high": 0.2, "epoch": 1.5, "epochs": 16}
    forgotten = {"forgetting": {"gpt2_lm": {"domain": row, "general": row}}}
    told, *_ = price.summary(results | forgotten)
    assert told.endswith("(menos es mejor); se conservó la época 1.5 de 16.")
    forgotten["forgetting"]["smollm2_lm"] = {"general": row | {"epoch": 1, "change": -0.005}}
    told = price.others_forget(forgotten)
    assert told.startswith("SmolLM2 que responde: −0.005 [+0.050, +0.200] en texto general. Época que se")
    assert "GPT-2 mini que responde, la 1.5 de 16; SmolLM2 que responde, la 1 de 16." in told
    assert price.others_forget(results) == ""
    mistakes, confidence, cost = price.summary(results)
    assert "los de 1 de 2 modelos caen en el grupo correcto" in mistakes
    assert "no se distingue del azar en GPT-2 mini desde cero (10.0 %)" in mistakes
    assert "declara 40.0 % y acierta 80.0 %: le falta confianza" in confidence
    assert "El de GPT-2 mini desde cero va de 8.8 % a 16.4 %" in confidence
    assert "su perplejidad de clase con temperatura es 15.9 (con ajuste fino, 3.0)." in confidence
    assert "la menor perplejidad de clase es la de Bolsa de vectores, 2.0" in confidence
    assert (
        "tarda 300 segundos y, ajustado, acierta 40.0 %; preentrenar su base, 7,298, una sola vez; TF-IDF"
        in cost
    )
    assert price.slowest(results).startswith(
        "Entrenar GPT-2 mini con ajuste fino, la red más exacta, tarda 300 s"
    )
    rows = results["calibration"]
    assert price.tempered(results) == "La temperatura baja el error de calibración en 2 de 3 modelos"
    rows["bag"] |= {"ece": 0.05, "ece_scaled": 0.2}
    assert price.tempered(results) == "La temperatura baja el error de calibración en 1 de 3 modelos"
    assert f"el de {readings.called('gpt2_finetuned')}: 40.0 %" in price.worst_calibrated(results)
    results["confusions"]["gpt2_scratch"]["low"] = 0.09
    assert "los de 2 de 2 modelos" in price.summary(results)[0]
    assert "no se distingue" not in price.summary(results)[0]


def test_other_peoples_data_tell_of_the_pair_and_of_counting_words():
    results = compared(0.01, 0.2, 0.01) | {"profile": {"epochs": {"gpt2_scratch": 60}}}
    own, words = results["pairs"][0], results["pairs"][0] | {"b": "tfidf_logreg", "low": -0.1}
    there = {"num_labels": 43, "arms": {"gpt2_scratch": {}}, "profile": {"epochs": {"gpt2_scratch": 60}}}
    results["facts"] = {"external": there | {"pairs": [words, words | {"b": "bag"}, own]}}
    (told,) = abroad.claimed(results)
    assert told.startswith(
        "**Fuera de casa** (43 enfermedades, oraciones sueltas). **GPT-2 mini con ajuste fino** acierta más"
    )
    assert told.count("GPT-2 mini con ajuste fino") == 2
    assert "no se distingue una diferencia" in told
    assert "otras épocas" not in told
    results["profile"]["epochs"]["gpt2_scratch"] = 90
    assert abroad.claimed(results)[0].endswith("Allá las redes se entrenaron con otras épocas.")
    results["facts"] = {"external": {}}
    assert abroad.claimed(results) == []


def test_the_label_curve_and_the_shared_words_are_told_by_their_ends():
    results = compared(0.01, 0.2, 0.01)
    results["curve"] = [
        {"arm": arm, "per_disease": size, "accuracy": right}
        for arm, rights in (("gpt2_finetuned", (0.12, 0.44)), ("gpt2_scratch", (0.14, 0.33)))
        for size, right in zip((1.0, 5.98), rights, strict=True)
    ]
    assert bought.least_passages(results) == (
        "Con lectura y sin ella: 12.0 y 14.0 % con 1 pasaje por enfermedad; 44.0 y 33.0 % con todos"
    )
    results["worth"] = [{"more": "gpt2_finetuned", "less": "gpt2_scratch", "height": 0.3, "at_least": True}]
    assert bought.labels_saved(results).endswith(
        "en puntos: −2.0 con 1 pasaje por enfermedad; +11.0 con todos."
    )
    results["shared_words"] = [
        {"arm": arm, "part": part, "accuracy": right}
        for arm, rights in (("tfidf_logreg", (0.7, 0.9)), ("bilstm", (0.3, 0.8)))
        for part, right in enumerate(rights)
    ]
    shown = ["tfidf_logreg", "bilstm"]
    assert doubts.sharing_least(results, shown).endswith("va primero TF-IDF + reg. logística: 70.0 %")
    assert doubts.shared_words(results).endswith("BiLSTM mejorada, 50.0 (62 %).")


def test_counting_words_is_suspected_only_as_far_as_the_quarters_go():
    def told(**lost):
        rows = [
            {"arm": arm, "part": part, "accuracy": 0.9 - points * (part == 0)}
            for arm, points in lost.items()
            for part in (0, 3)
        ]
        return doubts.shared_words({"shared_words": rows})

    read = {"gpt2_finetuned": 0.3, "smollm2_finetuned": 0.25}
    assert "no se cumple" in told(tfidf_logreg=0.1, naive_bayes=0.2, **read)
    assert "La sospecha se cumple" in told(tfidf_logreg=0.4, naive_bayes=0.5, **read)
    assert "El resultado es mixto" in told(tfidf_logreg=0.1, naive_bayes=0.5, **read)
    assert "sospecha" not in told(tfidf_logreg=0.1)
    # in points they lose more, of what they had not
    rows = [("naive_bayes", 0.9, 0.5), ("gpt2_finetuned", 0.5, 0.2)]
    both = [
        {"arm": arm, "part": part, "accuracy": right}
        for arm, most, least in rows
        for part, right in ((3, most), (0, least))
    ]
    assert "El resultado es mixto" in doubts.shared_words({"shared_words": both})


def test_pairs_that_the_authors_undo_are_named():
    results = compared(0.01, 0.2, 0.01)
    results["hands"] = ["h01", "h02"]
    for row in results["pairs"]:
        row |= {"hand_low": row["low"], "hand_high": row["high"]}
    assert doubts.lost_by_hands(results).endswith("Dejan de excluirlo: ninguno.")
    results["pairs"][0] |= {"hand_low": -0.1}
    first = results["pairs"][0]
    assert doubts.called(first["a"]) in doubts.lost_by_hands(results)
    results["hands"] = []
    assert doubts.lost_by_hands(results) == ""


def test_sentences_read_together_stand_beside_one_alone_and_the_best_come_first():
    rows = [
        {"arm": arm, "read": read, "accuracy": right, "low": right - 0.1, "high": right + 0.1, "rows": 29}
        for arm, rights in (("bag", (0.1, 0.3)), ("tfidf_logreg", (0.2, 0.5)))
        for read, right in zip((1, 3), rights, strict=True)
    ]
    told = readings.read_together(rows[::-1])
    first = "TF-IDF + reg. logística, 50.0 % [40.0, 60.0] (esas mismas, de una en una: 20.0 %); Bolsa"
    assert told.startswith(f"En las 29 páginas que tienen 3 oraciones de prueba, si se leen juntas: {first}")
    assert readings.read_together([]) == ""


def test_what_moving_every_weight_does_to_the_map_is_told_family_by_family():
    maps = {arm: {"same_group": part} for arm, part in (("gpt2_frozen", 0.27), ("gpt2_finetuned", 0.23))}
    told = claims.moved_maps({"maps": maps | {"smollm2_frozen": {"same_group": 0.4}}})
    assert told == "**Lectura.** Vecinos del mismo grupo: GPT-2 mini, 27.0 % congelado y 23.0 % ajustado."
    told = claims.moved_maps({"maps": maps | {"gpt2_scratch": {"same_group": 0.13}}})
    assert "GPT-2 mini, 13.0 % desde cero, 27.0 % congelado y 23.0 % ajustado." in told
    assert claims.moved_maps({"maps": {}}) == ""


def test_who_gives_all_names_one_score_is_a_tie_and_not_an_interval():
    row = {"arm": "tfidf_logreg", "candidates": "all", "mrr": 0.02, "mrr_low": 0.02, "mrr_high": 0.02}
    row |= dict.fromkeys(("top1", "top5", "top10"), 0.0)
    rows = tables.unseen(
        {"unseen": [row, row | {"mrr_high": 0.03}], "guessers": [], "unseen_chance": {}}
    ).rows
    assert [cells[2] for cells in rows] == ["empate", "[0.020, 0.030]"]


def test_what_was_tried_before_is_of_the_shipped_base_alone():
    study = prepare("course")
    other = replace(study, profile=replace(study.profile, base="smollm2"))
    assert list(facts.tried_besides(other)) == []


def test_own_pages_that_harm_are_said_where_their_difference_is_claimed():
    own = {"a": "gpt2_self", "b": "gpt2_scratch", "low": -0.17, "high": -0.01, "p": 0.02, "p_holm": 0.15}
    results = {"pairs": [own | {"difference": -0.09}]}
    assert "−9.0 [−17.0, −1.0], sin confirmar" in doubts.own_pages_harm(results)
    results["pairs"][0]["p_holm"] = 0.01
    assert "sin confirmar" not in doubts.own_pages_harm(results)
    assert doubts.own_pages_harm({"pairs": [own | {"difference": 0.09}]}) == ""
    assert doubts.own_pages_harm({"pairs": []}) == ""


def test_what_repeats_on_other_data_and_what_does_not_is_told_pair_by_pair():
    def differ(b, low, high, p_holm=0.2):
        size = {"difference": (low + high) / 2, "low": low, "high": high, "p_holm": p_holm}
        return {"a": "gpt2_finetuned", "b": b} | size

    home = {
        "pairs": [
            differ("gpt2_scratch", 0.1, 0.2), differ("bag", -0.3, -0.1), differ("bilstm", -0.1, 0.2),
            differ("tfidf_logreg", -0.5, -0.3),
        ]
    }  # fmt: skip
    there = {
        "pairs": [
            differ("gpt2_scratch", 0.05, 0.15), differ("bag", 0.1, 0.3), differ("bilstm", 0.1, 0.3),
            differ("tfidf_logreg", -0.1, 0.1),
        ]
    }  # fmt: skip
    told = abroad.repeated(there, home)
    assert "Se repite: GPT-2 mini con ajuste fino − GPT-2 mini desde cero (+15.0 → +10.0)." in told
    assert "Cambia de signo: GPT-2 mini con ajuste fino − Bolsa de vectores (−20.0 → +20.0)." in told
    assert "no se distinguen de cero: GPT-2 mini con ajuste fino − TF-IDF" in told
    assert "BiLSTM" not in told  # not clear at home
    home["pairs"][2]["p_holm"] = 0.01  # but for the test
    assert "BiLSTM mejorada (+5.0 → +20.0)" in abroad.repeated(there, home)
    assert told.endswith("no distinguirse no es ser iguales.")
    assert abroad.repeated({"pairs": []}, home) == ""


def test_names_held_out_are_told_apart_from_all_names():
    rows = [
        {"arm": "gpt2_lm", "candidates": kind, "mrr": 0.4, "mrr_low": low, "mrr_high": 0.5}
        for kind, low in (("all", 0.05), ("unseen", 0.35))
    ]
    results = {"unseen": rows, "unseen_chance": {"all": {"mrr": 0.1}, "unseen": {"mrr": 0.3}}}
    assert doubts.above_chance(results).endswith("ninguno.")
    assert "GPT-2 mini que responde (0.400" in doubts.above_chance(results, "unseen")
