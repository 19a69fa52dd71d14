"""What the pipeline found, as JSON, macros, LaTeX and notebooks have it; each number once."""

import json
import math
import re
import shutil

import pytest

from helpers.analysis import probing
from helpers.arms import ARMS
from helpers.data.study import prepare
from helpers.experiments import plan
from helpers.experiments.grid import ensure
from helpers.experiments.records import load
from helpers.figures import style
from helpers.prose import autopsy, claims, from_scratch, price
from helpers.prose.numbers import POWER
from helpers.prose.table import raised
from helpers.report import latex, macros, results, tables


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Results of the quick profile, in a directory of their own."""
    study = prepare("quick")
    ensure(study, list(ARMS), "whole")  # which the pipeline's tests have done, where they went before
    results.of(study)
    directory = tmp_path_factory.mktemp("generated")
    shutil.copy(results.place(study), directory)
    macros.write_tex(directory)
    return directory


def read(directory):
    return json.loads((directory / "results.json").read_text())


def test_every_macro_has_a_letters_only_name_and_a_number(found):
    lines = (found / "macros.tex").read_text().splitlines()[1:]
    colors = [line for line in lines if line.startswith(r"\definecolor")]
    lines = [line for line in lines if line not in colors]
    assert r"\definecolor{GptTwoFinetuned}{HTML}{0072B2}" in colors
    assert len(colors) == len(ARMS) + len(style.DRAWN)
    made = dict(re.fullmatch(r"\\newcommand\{\\([A-Za-z]+)\}\{(.+)\}", line).groups() for line in lines)
    known = read(found)
    accuracy = known["arms"]["tfidf_logreg"]["accuracy"]
    assert made["TfidfLogregAccuracy"] == rf"{100 * accuracy:.1f}\,\%"
    assert made["FirstAttemptPerplexity"] == latex.number(known["first_attempt"]["class_perplexity"])
    assert made["UnseenChanceMrr"] == f"{known['unseen_chance']['all']['mrr']:.3f}"
    assert not [name for name, value in made.items() if "nan" in value.lower()]
    for row in known["arms"].values():  # one definition, over several seeds too
        assert row["class_perplexity"] == pytest.approx(math.exp(row["loss"]))


def test_a_number_changed_in_results_json_changes_table_and_macros(found, tmp_path):
    known = read(found)
    known["arms"]["naive_bayes"] |= {"accuracy": 0.98765, "low": 0.9, "high": 1.0}
    (tmp_path / "results.json").write_text(json.dumps(known))
    macros.write_tex(tmp_path)
    assert r"98.8\,\%" in (tmp_path / "tabla_comparacion.tex").read_text()
    assert r"\newcommand{\NaiveBayesAccuracy}{98.8\,\%}" in (tmp_path / "macros.tex").read_text()


@pytest.mark.parametrize("name", tables.TABLES)
def test_tables_are_balanced_booktabs(found, name):
    lines = (found / f"tabla_{name}.tex").read_text().splitlines()
    inner = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    body = [line for line in inner if line != r"\midrule"]
    columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", "\n".join(lines)).group(1))
    assert body
    assert all(line.count(" & ") == columns - 1 and line.endswith(r"\\") for line in body)


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_notebook_shows_the_same_cells(found, name):
    table = tables.TABLES[name](read(found))
    shown = table.frame().data
    assert shown.columns.tolist() == list(table.head)
    powers = [tuple(POWER.sub(raised, cell) for cell in row) for row in (*table.rows, *table.last)]
    assert [tuple(row) for row in shown.to_numpy()] == powers


def test_results_are_read_again_and_not_computed(found, monkeypatch):
    study = prepare("quick")
    first = results.of(study)
    monkeypatch.setattr(results, "collect", lambda study: pytest.fail("computed again"))
    assert results.of(study) == first == read(found)
    monkeypatch.setattr(results, "fingerprint", lambda study: "other runs")
    with pytest.raises(pytest.fail.Exception, match="computed again"):
        results.of(study)


def test_every_claim_is_a_sentence_with_a_number(found):
    known = read(found)
    for claim in [*claims.comparison(known), *price.summary(known)]:
        assert re.match(r"\*\*.+\*\*", claim)
        assert re.search(r"\d", claim)
        assert claim.endswith(".")
    assert "10 enfermedades" in claims.sizes(known)
    one = next(row for row in known["pairs"])
    holm = [row["p_holm"] for row in known["pairs"]]
    assert one["p"] <= one["p_holm"]
    assert len(holm) == len({(row["a"], row["b"]) for row in known["pairs"]})  # one pair, one corrected p


def test_the_autopsy_of_what_was_trained(found):
    study = prepare("quick")
    trials = probing.suspects(study)
    assert set(trials["change"]) == set(plan.autopsy_specs(study))
    assert trials["test"].tolist() == [0.0] * len(trials)
    first = load(plan.page_spec(study))
    assert "El cuaderno 4 busca la causa del cero" in from_scratch.first_attempt(study, first)
    table = autopsy.suspects(trials)
    assert [len(row) for row in table.rows] == [len(table.head)] * len(trials)
    larger = plan.autopsy_specs(study)["larger network"]
    assert load(larger).parameters > load(plan.page_spec(study)).parameters
