"""The whole way with profile quick, as a user runs it.

Every promised file, nothing done twice, nothing lost when killed.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from helpers.arms import ARMS, arms_asked
from helpers.config import BUILD, ROOT, get_profile
from helpers.data.sources import name_of
from helpers.notebooks.stamps import INDEX, MANIFEST, NOTEBOOKS, TABLES, drifted

OUTPUT = BUILD / "outputs" / "quick-embedded"
OUT = get_profile("quick").leaves_out
SEEN, UNSEEN = ([arm for arm in arms_asked(question) if arm not in OUT] for question in ("seen", "unseen"))
COMMAND = [sys.executable, "-m", "helpers", "run", "--profile", "quick"]


def call(*arguments, cwd):
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the first run prints, called from a directory that is not the repository."""
    return call(cwd=tmp_path_factory.mktemp("elsewhere"))


def test_it_ends_with_the_table_and_where_everything_is(printed):
    assert all(re.search(rf"^ *{arm} +\d+\.\d %", printed, re.MULTILINE) for arm in SEEN)
    assert str(OUTPUT / "figures") in printed
    assert str(OUTPUT / "report" / "generated") in printed
    assert "notebook 7/7 07_lo_que_cuesta" in printed
    assert re.search(r"\[1/\d+\]", printed)


@pytest.mark.parametrize("name", [figure for _, figures in NOTEBOOKS.values() for figure in figures])
def test_every_promised_figure_is_there_and_shows_something(printed, name):
    assert (OUTPUT / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(OUTPUT / "figures" / f"{name}.png") as picture:
        assert picture.size == (1920, 1080)
        assert len(picture.convert("RGB").getcolors(10**7)) > 20


def test_every_promised_table_is_there_with_every_arm(printed):
    made = {file.relative_to(OUTPUT).as_posix() for file in (OUTPUT / "report" / "generated").iterdir()}
    assert made == {*TABLES, *(name for name in INDEX if name.startswith("report")), MANIFEST}
    assert drifted(OUTPUT) == []
    assert "manifest is not renewed" not in printed
    results = json.loads((OUTPUT / "report" / "generated" / "results.json").read_text())
    assert list(results["arms"]) == SEEN
    assert results["rows"]["test"] == 3 * results["num_labels"]
    table = (OUTPUT / "report" / "generated" / "tabla_comparacion.tex").read_text()
    assert all(ARMS[arm].name in table for arm in SEEN)
    unseen = (OUTPUT / "report" / "generated" / "tabla_no_vistas.tex").read_text()
    assert all(ARMS[arm].name in unseen for arm in UNSEEN)


def test_the_executed_notebooks_have_outputs_and_no_errors_or_noise(printed):
    for name in NOTEBOOKS:
        cells = json.loads((OUTPUT / "notebooks" / f"{name}.ipynb").read_text())["cells"]
        outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
        assert outputs, name
        for output in outputs:
            assert output["output_type"] != "error", (name, output)
            assert output.get("name") != "stderr", (name, output)


def test_a_second_run_does_nothing_again(printed, tmp_path):
    before = {
        f: f.stat().st_mtime_ns for f in [*(BUILD / "runs").glob("*/record.json"), *OUTPUT.rglob("*.p*")]
    }
    again = call(cwd=tmp_path)
    assert again.count("up to date") == len(NOTEBOOKS)
    assert "[1/" not in again
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert len(before) > 40


def test_a_figure_that_was_lost_is_made_again(printed, tmp_path):
    (OUTPUT / "figures" / "01_fuga.png").unlink()
    again = call("--only", "01", cwd=tmp_path)
    assert "up to date" not in again
    assert (OUTPUT / "figures" / "01_fuga.png").is_file()
    assert drifted(OUTPUT) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_run_goes_on_from_its_finished_runs(tmp_path, how):
    build = tmp_path / "build"
    command = [sys.executable, "-m", "helpers", "grid", "--profile", "quick", "--arms", "gpt2_scratch"]
    environment = os.environ | {"HELPERS_BUILD": str(build)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        # a shell's background jobs ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while (
        not (finished := list(build.glob("runs/????????????????/record.json")))
        and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    # Ctrl-C in a terminal reaches the workers too; a kill only the one that is named.
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    said = process.communicate()[1]
    assert finished
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on from there" in said
        assert "Traceback" not in said
        assert not list(build.glob("runs/*.running"))
    time.sleep(3)  # the worker notices that its parent is gone
    kept = {file: file.stat().st_mtime_ns for file in build.glob("runs/????????????????/record.json")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert len(list(build.glob("runs/????????????????/record.json"))) == 6
    assert not list(build.glob("runs/.*.part.*"))


def test_a_real_data_set_of_the_same_shape_goes_the_whole_way(tmp_path):
    sample = ROOT.parent / "shared" / "data" / "nih_symptoms.csv"
    if not sample.is_file():
        pytest.skip("the sample data set is not beside the repository")
    printed = call("--data", str(sample), "--only", "01,04", cwd=tmp_path)
    assert "nih_symptoms" in printed
    output = BUILD / "outputs" / f"quick-{name_of(str(sample))}"
    assert (output / "figures" / "04_reparacion.pdf").is_file()
