"""What is committed: notebooks in form and in step with the figures, documents' numbers from records."""

import json
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from helpers.config import PROFILES, ROOT
from helpers.notebooks.stamps import NOTEBOOKS, TABLES
from helpers.pretraining import card
from helpers.prose import numbers

FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(file, kind=None):
    return [
        c for c in json.loads(file.read_text(encoding="utf-8"))["cells"] if kind in (None, c["cell_type"])
    ]


def source(cell):
    return "".join(cell["source"])


def test_the_pipeline_knows_every_notebook():
    assert [file.stem for file in FILES] == list(NOTEBOOKS)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_notebook_opens_with_its_question_and_closes_with_summary_and_exercises(file):
    prose = [source(c) for c in cells(file, "markdown")]
    assert re.match(rf"# {int(file.stem[:2])} · ", prose[0])
    assert all(word in prose[0] for word in ("**Pregunta.**", "**Antes:**", "**Tarda:**"))
    assert prose[-2].startswith("## Resumen")
    assert prose[-1].startswith("## Ejercicios")


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_exactly_one_cell_is_tagged_parameters_and_offers_profile_and_source(file):
    tagged = [source(c) for c in cells(file, "code") if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert 'os.environ.get("HELPERS_PROFILE", "class")' in tagged[0]
    assert 'source = "embedded"' in tagged[0]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_no_result_is_typed_into_prose(file):
    allowed = {"0.0", "88.7"}  # the first attempt's published accuracy; the largest exponent of float32's exp
    for cell in cells(file, "markdown"):
        found = set(re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", source(cell))) - allowed
        assert not found, (found, source(cell)[:80])


MOST_LINES, MOST_IMPORTS = 15, 13  # of a cell
SHOWN = r"save_figure\(|\.frame\(\)|\.style\.|gallery\.\w+\(study, \["  # a figure or a table


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_cell_is_one_idea_with_a_sentence_before_it(file):
    before = None
    for cell in cells(file):
        code, text = cell["cell_type"] == "code", source(cell)
        assert not (code and before == "code"), (cell["id"], "a code cell after a code cell")
        before = cell["cell_type"]
        if not code:
            continue
        lines = [line for line in text.splitlines() if line.strip()]
        imports = [line for line in lines if re.match(r"from |import ", line)]
        shown = [line for line in lines if re.search(SHOWN, line)]
        assert len(lines) <= MOST_LINES, (cell["id"], len(lines))
        assert len(imports) <= MOST_IMPORTS, (cell["id"], len(imports))
        assert len(shown) <= 1, (cell["id"], shown)
        # what is said, and when, is decided where it is tested
        assert not re.search(r"""f(["']).*\{[^}]* if .*\1""", text), cell["id"]
        assert not re.search(r"Markdown\([^)]* if ", text), cell["id"]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_notebook_says_of_what_run_its_outputs_are(file):
    code = cells(file, "code")
    assert any("readings.opening(study" in source(c) or "claims.sizes(found)" in source(c) for c in code[:4])


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_committed_outputs_are_complete_in_order_and_clean(file):
    code = cells(file, "code")
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
            assert "with 0 Axes" not in json.dumps(output)  # a figure that the notebook could not show
    text = file.read_text(encoding="utf-8")
    assert "papermill" not in json.loads(text)["metadata"]
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


@pytest.mark.parametrize("name", [figure for _, figures in NOTEBOOKS.values() for figure in figures])
def test_promised_figures_are_committed(name):
    for suffix in ("pdf", "png"):
        assert (ROOT / "figures" / f"{name}.{suffix}").stat().st_size > 1000


def test_notebook_summaries_agree_with_the_committed_results():
    results = json.loads((ROOT / "report" / "generated" / "results.json").read_text(encoding="utf-8"))
    assert all((ROOT / table).is_file() for table in TABLES)
    outputs = json.dumps(cells(ROOT / "notebooks" / "06_comparacion.ipynb", "code"), ensure_ascii=False)
    for row in sorted(results["arms"].values(), key=lambda row: -row["accuracy"])[:3]:
        assert numbers.estimate(row["accuracy"], row["low"], row["high"]) in outputs, row["name"]
    assert results["profile"]["name"] in PROFILES


def test_the_model_card_is_what_its_records_say():
    base = ROOT / "models/gpt2-mini"
    assert (base / "README.md").read_text(encoding="utf-8") == card.render(base), (
        "run `python -m helpers card` again"
    )
    facts, bits = card.records(base)["facts"], card.records(base)["bits"].set_index("source")
    assert f"{facts['tokens_seen']:,}" in card.render(base)
    assert facts["parameters"] <= 8_000_000
    assert sum(f.stat().st_size for f in base.iterdir()) < 20e6
    ours, new = bits.loc[card.ALL_READ], bits.loc[card.ALL_NEW]
    # two ways to measure the same text
    assert ours["gpt2"] == pytest.approx(facts["valid_bits_per_byte"], abs=0.02)
    assert new["gpt2"] < new["kneser_ney_5"] < new["unigram"]


def test_the_stages_shown_go_from_noise_to_the_end():
    curve = pd.DataFrame({"tokens": [0, *range(100, 1100, 100)], "valid_loss": 1.0})
    assert card.stages(curve)["tokens"].tolist() == [0, 100, 300, 1000]


def test_nothing_of_this_machine_is_in_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.suffix not in {".png", ".pdf", ".safetensors"} and file != Path(__file__):
            assert not re.search(
                r"/work/(main|shared)|/root/", file.read_text(encoding="utf-8", errors="ignore")
            ), name


def test_no_committed_notebook_carries_injected_parameters():
    for file in FILES:
        assert not any("injected-parameters" in c["metadata"].get("tags", []) for c in cells(file))
