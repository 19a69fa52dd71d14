"""What notebooks 02 to 05 measure in passing and say of it: never more than the numbers."""

import html
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from transformers import GPT2Config, LlamaConfig

from helpers.analysis import probing, tokenizing
from helpers.config import ROOT
from helpers.data import sources, splits
from helpers.data.study import prepare
from helpers.experiments import plan
from helpers.experiments.grid import ensure
from helpers.models import bases
from helpers.prose import autopsy, from_scratch, language, numbers, readings
from helpers.prose.table import Table
from helpers.report import gallery, results


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def record(arm="gpt2_scratch", **history):
    epochs = len(next(iter(history.values())))
    frame = pd.DataFrame({"epoch": range(1, epochs + 1), **history})
    return SimpleNamespace(history=frame, spec=SimpleNamespace(arm=arm, epochs=epochs), seconds=30.0)


def test_every_notebook_says_whose_numbers_it_shows(study):
    said = readings.opening(study, "pandas")
    assert "Perfil **quick** · 10 enfermedades de `embedded`" in said
    assert f"pandas {pd.__version__}" in said
    assert "semillas 0, 1" in said


def test_the_oracle_knows_all_but_may_only_say_what_was_seen(study):
    assert probing.oracle(study.page_split) == 0
    assert probing.oracle(study.split) == 1
    half = pd.DataFrame({"side": ["train", "test", "test"], "label": ["a", "a", "b"]})
    assert probing.oracle(half) == 0.5


def test_a_perplexity_per_piece_depends_on_the_pieces_alone():
    bpe = bases.load_bpe(str(ROOT / "models" / "gpt2-mini"))
    table = probing.pieces(["a fever", "ñandú"], 2.0, bpe)
    assert table.loc["byte"].tolist() == [1, 4]
    assert table.loc["word", "bytes"] == pytest.approx((7 + 7) / 3)
    assert table["perplexity"].tolist() == pytest.approx(2 ** (2 * table["bytes"]))


def test_a_text_is_cut_without_unknown_words():
    assert tokenizing.cut("Heel-prick, twice!") == ["heelprick", "twice"]


def test_a_suspect_is_cleared_only_where_nothing_moved():
    trials = pd.DataFrame(
        {"change": ["unchanged", "cleaned", "more epochs"], "train": [0.5, 0.6, 0.9], "test": [0.0, 0.0, 0.1]}
    )
    assert autopsy.cleared(trials) == 1
    assert "De los 2 cambios, 1 dejan" in autopsy.suspects_cleared(trials)
    assert "va de 0.0 % a 10.0 %" in autopsy.same_everywhere(trials)
    assert "Los 1 cambios dejan" in autopsy.suspects_cleared(trials.head(2))
    assert "prueba: siempre 0.0 %" in autopsy.suspects_cleared(trials.head(2))
    assert "(texto muy limpio) no, y su cero no absuelve" in autopsy.suspects_cleared(trials)
    assert "todos aprendieron" in autopsy.suspects_cleared(trials.assign(train=0.95))
    assert autopsy.same_everywhere(trials.head(2)) == "2 corridas, 2 veces 0.0 % en prueba"


@pytest.mark.parametrize(("train", "learned"), [(0.9, True), (float(np.float32(0.9)), True), (0.8995, False)])
def test_a_run_that_learned_just_enough_has_learned(train, learned):
    # nine pages of ten, as Keras' float32 mean may give them: never below the mark for its rounding
    trials = pd.DataFrame({"change": ["unchanged", "cleaned"], "train": [1.0, train], "test": [0.0, 0.0]})
    assert autopsy.guilty_of_nothing(trials).startswith("todos aprendieron") is learned


@pytest.mark.parametrize(
    ("accuracy", "perplexity", "said"), [(0.6, 9.0, True), (0.6, 4.0, False), (0.4, 9.0, False)]
)
def test_more_right_at_a_higher_perplexity_is_explained_only_where_it_is_so(accuracy, perplexity, said):
    own = pd.Series({"accuracy": 0.5, "class_perplexity": 5.0})
    other = pd.Series({"accuracy": accuracy, "class_perplexity": perplexity})
    told = from_scratch.unsure_but_right(other, own)
    assert ("(9.0 contra 5.0)" in told) if said else told == ""


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.2, 0.4, "acierta más"), (0.05, 0.3, "no se distingue"), (0.0, 0.05, "acierta menos")],
)
def test_chance_is_beaten_only_by_the_whole_interval(low, high, said):
    assert said in readings.against_chance(SimpleNamespace(low=low, high=high), 10)


def test_no_winner_where_the_interval_holds_zero(study):
    rows = {"class_perplexity": {"bilstm": 5.0, "bilstm_original": 9.0, "tfidf_logreg": 2.0}}
    summary = pd.DataFrame(rows).assign(accuracy=0.5, valid_accuracy=0.7, name="Contador")
    pair = SimpleNamespace(difference=0.1, low=-0.1, high=0.3)
    assert "no se puede decir cuál acierta más" in from_scratch.repaired(study, summary, pair)
    pair = SimpleNamespace(difference=0.2, low=0.1, high=0.3)
    assert "contar palabras (Contador) acierta 50.0 %" in from_scratch.repaired(study, summary, pair)
    assert "En validación la mejorada acierta 70.0 %" in from_scratch.repaired(study, summary, pair)
    assert "no incluye el cero" in from_scratch.repaired(study, summary, pair)
    assert "no se puede decir" not in from_scratch.repaired(study, summary, pair)
    assert language.answer(SimpleNamespace(difference=0.1, low=-0.1, high=0.3)).startswith(
        "La misma red, con y sin lectura: no"
    )
    assert "incluye el cero" in language.answering(SimpleNamespace(difference=0.1, low=-0.1, high=0.3))


def test_the_large_model_is_told_beside_its_twin_only_where_it_has_one():
    rows = {"accuracy": {f"gpt2_{start}": 0.2 for start in ("scratch", "frozen", "finetuned")}}
    summary = pd.DataFrame(rows | {"top5": rows["accuracy"]}).assign(seeds=1, name="")
    summary.loc["smollm2_finetuned"] = [0.7, 0.9, 1, ""]
    assert language.larger(summary) == ""
    summary.loc["smollm2_scratch"] = [0.3, 0.9, 1, ""]
    assert "SmolLM2, con ajuste fino: 70.0 %; desde cero, 30.0 % (una semilla)" in language.larger(summary)


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(n_layer=3, n_embd=24, n_head=6, n_positions=80, vocab_size=99),
        LlamaConfig(
            num_hidden_layers=3, hidden_size=24, num_attention_heads=6, num_key_value_heads=2,
            max_position_embeddings=80, vocab_size=99,
        ),
    ],
)  # fmt: skip
def test_the_size_of_any_decoder_is_told(config):
    rows = language.shape(SimpleNamespace(config=config, parameters=list)).rows
    assert [row[1] for row in rows] == ["3", "24", "6", "80", "99", "0"]


def test_an_infinite_perplexity_has_a_sign():
    assert autopsy.perplexity(np.inf) == "∞"
    assert autopsy.perplexity(1234.4) == "1,234"


def test_overfitting_is_said_of_whom_it_befell():
    losses = {"train_loss": [2.0, 1.0, 0.1], "valid_loss": [2.0, 1.5, 2.5], "valid_mrr": [0.1, 0.4, 0.3]}
    calm = losses | {"valid_loss": [2.0, 1.5, 1.4]}
    found = probing.overfitting({"gpt2_scratch": [record(**losses)], "gpt2_frozen": [record(**calm)]})
    assert found.loc["gpt2_scratch"].tolist() == [2, 1.0, 0.1, 1.5, 1.5, 2.5]
    told = language.overfitted(found, 10)  # the label that is smoothed by a tenth has 0.09 of it elsewhere
    floor = -(0.91 * np.log(0.91) + 9 * 0.01 * np.log(0.01))
    assert f"GPT-2 mini desde cero, {0.1 - floor:.2f} por encima de su piso ({floor:.2f})" in told
    assert "1.00 por encima de su mínimo; GPT-2 mini congelado, 0.10 por encima de su piso (0.00)" in told


def test_a_base_without_a_record_is_no_error():
    assert language.record(str(ROOT / "data")) is None
    assert language.read(None).rows == language.repeated(None).rows == language.stages(None) == []
    assert "no trae" in language.learned(None, "gpt2")


def test_what_the_shipped_base_has_read_and_learned(study):
    known = language.record(str(ROOT / "models" / "gpt2-mini"))
    assert len(language.read(known).rows) == len(known["credits"])
    assert language.learned(known, "gpt2-mini").startswith("A los ")
    assert len(language.stages(known)) == 4
    assert all(len(row) == 4 for row in language.repeated(known).rows)
    assert "de 280" in language.met_before(study)


def test_the_published_perplexities_stand_beside_ours_in_a_column_of_their_own():
    ours = {"known": 0.5, "right": 0.1, "text": 30.0, "first": 12.0, "rest": 1.5}
    assert language.rights({"bilstm": 0.5}) == "aciertos en validación: BiLSTM mejorada, 50.0 %"
    table = language.replies(ours, ours)
    assert table.last[0][-1] == "18.26 → 7.54"
    assert all(row[-1] == numbers.DASH for row in table.rows)


def test_one_statement_is_followed_whoever_gets_it_right(study):
    ensure(study, ["majority", "tfidf_logreg"])
    text, disease = gallery.told(study)
    texts, labels = splits.side(study.split, "valid")
    assert len(text) == min(map(len, texts))
    label = splits.label_classes(study.split)[labels[texts.index(text)]]
    assert disease == study.names[label]
    five = gallery.first_five(study, ["tfidf_logreg"]).data
    assert five.shape == (5, 1)
    outcome, row = plan.results(study, "tfidf_logreg")[0].valid, gallery.story(study)
    marked = [name for name in five.iloc[:, 0] if name.startswith(gallery.RIGHT)]
    assert marked == ([gallery.RIGHT + disease] if outcome.above[row] < 5 else [])
    told = gallery.answered(study, ["majority", "tfidf_logreg"])
    assert (told["text"], told["disease"]) == (text, disease)
    assert told["answers"]["tfidf_logreg"]["place"] == outcome.above[row] + 1


def test_nothing_of_the_data_is_read_as_html(study, monkeypatch):
    """Not in a text, a label or a cell; quotation marks and numbers stay as they are."""
    wild, safe = (
        '<svg/onload=alert(1)> isn\'t >120 & "b"',
        '&lt;svg/onload=alert(1)&gt; isn\'t &gt;120 &amp; "b"',
    )
    shown = replace(study, names=dict.fromkeys(study.names, wild), split=study.split.assign(text=wild))
    answers = np.zeros(len(splits.side(study.split, "test")[0]), dtype=int)
    valid = SimpleNamespace(first=np.zeros((len(answers), 5), dtype=int), labels=answers)
    told = [SimpleNamespace(test=SimpleNamespace(answers=answers), valid=valid)]
    monkeypatch.setattr(plan, "results", lambda study, arm: told)
    monkeypatch.setattr(gallery, "_found", lambda study: {"all_wrong": [0]})
    monkeypatch.setattr(gallery, "reader", lambda study: "gpt2_finetuned")
    for made in (
        gallery.first_five(shown, ["tfidf_logreg"]),
        gallery.some({"relato": [wild]}, 1),
        gallery.errors_table(shown),
        Table(("a", "b"), [(wild, "1e-05")]).frame(),
    ):
        html = made.to_html()
        assert "<svg" not in html
        assert safe in html
    assert "1 × 10⁻⁵" in html


def test_the_embedded_corpus_keeps_its_groups_under_the_statements_of_others(study):
    other = replace(study, source=sources.with_options("embedded", statements="said.csv"))
    assert other.source_name != "embedded"
    assert results.groups_of(other).tolist() == results.groups_of(study).tolist()
    assert len(set(results.groups_of(other))) < other.num_labels
    assert language.met_before(other) == language.met_before(study)


def test_no_negative_zero_is_shown():
    assert numbers.decimals(-0.001, 2) == "0.00"
    assert numbers.decimals(-0.01, 2) == "−0.01"
    assert numbers.decimals(-0.0004, 3, "+") == "+0.000"


def test_who_doubts_where_it_is_right_is_told_by_its_losses():
    def arm(sure, nats, correct):
        own = SimpleNamespace(sure=np.array(sure), nats=np.array(nats), correct=np.array(correct))
        return [SimpleNamespace(valid=own)]

    told = language.hesitating(
        {
            "gpt2_scratch": arm([0.5, 0.3], [1.0, 3.0], [True, False]),
            "gpt2_finetuned": arm([0.2, 0.2, 0.2], [1.5, 1.7, 2.9], [True, True, False]),
        }
    )
    assert (
        "GPT-2 mini desde cero, 40.0 %; 1.00 y 3.00. GPT-2 mini con ajuste fino, 20.0 %; 1.60 y 2.90." in told
    )


def test_a_text_of_the_data_is_quoted_as_it_stands():
    """Whatever of HTML, Markdown or formulas it holds, the reader sees it as text."""
    wild = "<b>2</b> *x* _y_ $a$ [l](u) `c` ~~s~~ a|b # \\ & 'q' ¿sí?"
    shown = markdown2html_mistune(gallery.quoted(wild, "A*B*"))
    read = re.sub(r"<[^>]+>", "", shown)
    assert html.unescape(read).split() == f"{wild} La correcta: A*B*.".split()
    assert set(re.findall(r"<(\w+)", shown)) == {"blockquote", "p", "strong"}


def test_hands_known_of_some_statements_only_are_not_told(study):
    some = dict(list(study.hands.items())[:5])
    assert results.head(study)["hands"] == sorted(set(study.hands.values()))
    assert results.head(replace(study, hands=some))["hands"] == []


def test_author_by_author_is_of_the_pair_of_most_seeds():
    pairs = [
        {"a": f"{name}_finetuned", "b": f"{name}_scratch", "difference": 0.1} for name in ("smollm2", "gpt2")
    ]
    arms = {f"{name}_finetuned": {"seeds": seeds} for name, seeds in (("smollm2", 1), ("gpt2", 2))}
    found = results.main_pair_of(pd.DataFrame(arms).T, pd.DataFrame(pairs))
    assert found == ("gpt2_finetuned", "gpt2_scratch")


def test_a_suspect_without_a_run_that_learned_is_named():
    changes = ["unchanged", "lower rate", "higher rate", "larger network"]
    trials = pd.DataFrame({"change": changes, "train": [1.0, 0.1, 1.0, 0.3], "test": 0.0})
    told = autopsy.guilty_of_nothing(trials)
    assert told.startswith("1 aprendieron")
    assert told.endswith("Sin una corrida que valga queda: «demasiado simple».")


@pytest.mark.parametrize(("low", "said"), [(-0.02, True), (0.02, False), (np.nan, False)])
def test_the_summary_of_gpt2_says_what_other_authors_do_to_it(low, said):
    rows = {
        f"gpt2_{start}": {"top5": 0.6, "accuracy": right, "value": rate}
        for start, right, rate in (("scratch", 0.34, 3e-4), ("frozen", 0.23, 0.01), ("finetuned", 0.46, 1e-3))
    }
    pair = pd.Series(
        {"a": "gpt2_finetuned", "b": "gpt2_scratch", "difference": 0.12, "low": 0.04, "high": 0.2}
        | {"hand_low": low, "hand_high": 0.25}
    )
    told = language.gpt2(pd.DataFrame(rows).T, pair)
    assert ("de −2.0 a +25.0 puntos: con otros autores podría no verse." in told) is said
    assert ("autores" in told) is said
    assert "**, cada una con la tasa que eligió (0.001 y 0.0003) y lo demás igual" in told
    rows["gpt2_scratch"]["value"] = 1e-3
    assert "**, lo demás igual" in language.gpt2(pd.DataFrame(rows).T, pair)


@pytest.mark.parametrize(
    ("best", "said"), [(0.85, "nada lo sube fuera del ruido"), (0.95, "lo sube: épocas, ×\xa02")]
)
def test_a_gain_within_the_noise_is_not_called_one(best, said):
    rows = [("", np.nan, 0.8), ("epochs", 2, best), ("units", 16, 0.3)]
    told = from_scratch.most_and_least(pd.DataFrame(rows, columns=["name", "value", "mrr"]))
    assert told.startswith("Lo que más baja el MRR: unidades, 16;")
    assert told.endswith(said)
