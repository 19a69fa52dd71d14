"""Arms say everything about themselves: a made-up one goes the whole way, and a colour means one model."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.analysis.comparison import summary
from helpers.arms import ARMS, Arm, arms_asked, call_after, get_arms
from helpers.config import ROOT, InputError
from helpers.data.study import prepare
from helpers.experiments import grid, plan, records, specs
from helpers.experiments.plan import results
from helpers.experiments.processes import Where
from helpers.figures import contrasts, style
from helpers.report import tables
from helpers.report.latex import tabular
from helpers.report.results import plain

HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def test_a_made_up_arm_is_five_lines_and_goes_through_spec_run_table_and_figure(monkeypatch, tmp_path):
    made_up = Arm(
        "made_up", "Inventado", "#123456", "sklearn", "baselines",
        settings={"classifier": "logistic"},
        grid=(3.0, 30.0),
    )  # fmt: skip
    monkeypatch.setitem(ARMS, made_up.id, made_up)
    study = prepare("quick")
    grid.ensure(study, ["majority", made_up.id], "whole", where=Where(jobs=1))
    done = [spec for stage in plan.stages(study, [made_up.id], "whole") for spec in stage]
    assert len(done) == 4  # two trials, and the chosen one on one row a disease with both seeds
    assert all(records.load(spec) is not None for spec in done)
    table = summary(study, ["majority", made_up.id])
    own = results(study, made_up.id)[0].metrics["test"]["accuracy"]
    assert table.loc[made_up.id, "accuracy"] == own
    latex = tabular(tables.comparison({"arms": plain(table)}))
    assert rf"Inventado & {100 * own:.1f}\,\%" in latex
    pair = SimpleNamespace(a="majority", b=made_up.id, difference=-0.25, low=-0.5, high=0.0)
    figure = contrasts.forest(table, "Un título", 1 / study.num_labels, [pair, pair])
    assert sum(text.get_text().startswith("−25.0\n[−50.0") for text in figure.axes[0].texts) == 2
    assert "#123456" in {line.get_color() for line in figure.axes[0].lines}
    written = style.save_figure(figure, "06_comparacion", SimpleNamespace(output=tmp_path))
    assert written.stat().st_size > 1000
    style.plt.close(figure)


def test_an_arms_name_and_colour_leave_its_runs_alone_and_its_training_does_not(monkeypatch):
    study, spec = prepare("quick"), specs.make_spec(prepare("quick"), "bilstm", 1e-3, 0)
    own = ARMS["bilstm"]
    keys = {}
    for name, change in {
        "name": {"name": "Otra", "color": "#000001", "grid": (1.0,), "questions": frozenset()},
        "settings": {"settings": {**own.settings, "dropout": 0.1}},
        "start": {"start": "base"},
        "frozen": {"frozen": "body"},
    }.items():
        monkeypatch.setitem(ARMS, "bilstm", SimpleNamespace(**{**vars(own), **change}))
        keys[name] = specs.make_spec(study, "bilstm", 1e-3, 0).key
    assert keys.pop("name") == spec.key
    assert len({spec.key, *keys.values()}) == 4


def test_every_arm_is_entered_under_its_own_id_and_says_what_can_be():
    for name, arm in ARMS.items():
        assert arm.id == name
        assert arm.framework in ("sklearn", "keras", "torch")
        assert arm.start in ("random", "own", "base")
        assert arm.frozen in ("nothing", "body", "everything")
        assert (ROOT / "helpers" / "models" / f"{arm.module}.py").is_file()
        assert arm.questions <= {"seen", "curve", "unseen", "external", "autopsy", "sweep", "demo"}
        assert arm.questions
    assert len({arm.name for arm in ARMS.values()}) == len(ARMS)
    assert len(arms_asked("autopsy")) == 1


def test_arms_are_chosen_by_name_in_the_order_of_the_tables():
    assert get_arms("tfidf_logreg, majority") == ["majority", "tfidf_logreg"]
    with pytest.raises(InputError, match="'bert'.*majority"):
        get_arms("bert")


def test_a_models_colour_means_that_model_and_nothing_else():
    arms = {arm.color.lower() for arm in ARMS.values()}
    assert len(arms) == len(ARMS)
    others = set(map(str.lower, HEX.findall((ROOT / "helpers/figures/style.py").read_text(encoding="utf-8"))))
    assert not arms & others
    sheets = [ROOT / "helpers/demo/demo.css", *(ROOT / "helpers/notebooks/templates").glob("*.css")]
    for sheet in sheets:
        assert not arms & set(map(str.lower, HEX.findall(sheet.read_text(encoding="utf-8")))), sheet.name


def test_colours_live_in_one_place():
    places = {ROOT / "helpers/arms.py", ROOT / "helpers/figures/style.py"}
    for file in {*(ROOT / "helpers").rglob("*.py")} - places:
        assert not HEX.search(file.read_text(encoding="utf-8")), file.name
    for file in (ROOT / "notebooks").glob("*.ipynb"):
        cells = re.findall(r'"source": \[(.*?)\n   \]', file.read_text(encoding="utf-8"), re.S)
        assert cells
        assert not any(HEX.search(cell) for cell in cells), file.name


def test_models_are_told_apart_by_more_than_a_shade():
    """Any two arms' colours differ by a distance that an eye sees side by side."""
    rgb = {arm.id: np.array(list(bytes.fromhex(arm.color[1:])), dtype=float) for arm in ARMS.values()}
    near = [(a, b) for a in rgb for b in rgb if a < b and np.linalg.norm(rgb[a] - rgb[b]) < 40]
    assert near == []


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("gpt2", "GPT-2"),
        ("openai-community/gpt2", "GPT-2"),
        ("smollm2", "SmolLM2 (--base)"),
        ("models/gpt2-mini/", "GPT-2 mini"),
        (str(ROOT / "models" / "gpt2-mini"), "GPT-2 mini"),
        ("/of/others/gpt2-mini", "gpt2-mini"),
        ("models/my_fino", "my_fino"),
        ("/of/others/SmolLM2", "SmolLM2 (--base)"),
        ("/of/others/<b>ñ$*肝", "-b-ñ---"),
    ],
)
def test_the_arms_of_the_profiles_base_are_called_after_it(base, family):
    """And no two arms alike; other people's data keep the names of the base that was compared there."""
    before = {id: arm.name for id, arm in ARMS.items()}
    row = {"accuracy": 0.5, "low": 0.4, "high": 0.6, "top5": 0.7, "mrr": 0.6}
    try:
        call_after("models/fino")
        call_after(base)
        assert ARMS["gpt2_finetuned"].name == f"{family} con ajuste fino"
        assert ARMS["gpt2_finetuned"].family == family
        assert any("GPT-2 mini" in arm.name for arm in ARMS.values()) == (family == "GPT-2 mini")
        assert ARMS["smollm2_finetuned"].name == before["smollm2_finetuned"]
        assert len({arm.name for arm in ARMS.values()}) == len(ARMS)
        shown = tables.external({"profile": {"base": "gpt2-mini"}, "arms": {"gpt2_finetuned": row}})
        assert shown.rows[0][0] == "GPT-2 mini con ajuste fino"
    finally:
        prepare("quick")  # is of our own base, and calls them so again
    assert {id: arm.name for id, arm in ARMS.items()} == before


def test_a_difference_on_an_axis_has_a_sign_unless_it_is_none():
    assert [contrasts.signed(value) for value in (0.25, -0.25, 0.0, -0.001)] == ["+25", "−25", "0", "0"]
