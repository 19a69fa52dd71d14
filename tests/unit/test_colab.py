"""The cells that bring the project to where a notebook is opened alone."""

import json
import re
import shutil
import subprocess
import sys
import venv

import pytest

from helpers.config import ROOT, InputError
from helpers.notebooks import colab, stamps

GITHUB = "https://github.com/clase/sintomas"
TOLD = "\\newcommand{{\\Repositorio}}{{{}}}"


@pytest.fixture
def checkout(tmp_path):
    """What `stamp` reads and writes, of a repository without an address."""
    for name in ("notebooks", "figures", "report/generated"):
        shutil.copytree(ROOT / name, tmp_path / name)
    cover = (ROOT / colab.COVER).read_text(encoding="utf-8")
    (tmp_path / colab.COVER).write_text(re.sub(r"(\\Repositorio\}\{).*\}", r"\1}", cover), encoding="utf-8")
    colab.stamp(tmp_path)
    return tmp_path


def fill_in(checkout, address):
    cover = checkout / colab.COVER
    cover.write_text(
        cover.read_text(encoding="utf-8").replace(TOLD.format(""), TOLD.format(address)), encoding="utf-8"
    )


def cells(file):
    return json.loads(file.read_text(encoding="utf-8"))["cells"]


def test_the_notebooks_are_opened_from_the_address_on_the_cover():
    for name in stamps.NOTEBOOKS:
        cells_of_address = colab.opening(name, colab.address())
        assert [
            cell
            for cell in cells(ROOT / "notebooks" / f"{name}.ipynb")
            if colab.OPENS in cell["metadata"].get("tags", [])
        ] == cells_of_address


def test_an_address_puts_two_cells_under_each_title_and_none_takes_them_away(checkout):
    before = {file: file.read_bytes() for file in (checkout / "notebooks").glob("*.ipynb")}
    assert stamps.drifted(checkout) == []
    fill_in(checkout, GITHUB)
    for _ in range(2):  # the second time nothing is added
        colab.stamp(checkout)
        for file in before:
            title, badge, code, *rest = cells(file)
            assert title["source"][0].startswith("# ")
            assert f"github/clase/sintomas/blob/main/notebooks/{file.name})" in "".join(badge["source"])
            assert f'"{GITHUB}"' in "".join(code["source"])
            assert colab.OPENS not in str([cell["metadata"] for cell in rest])
        assert stamps.drifted(checkout) == []
    cover = checkout / colab.COVER
    cover.write_text(cover.read_text(encoding="utf-8").replace(GITHUB, ""), encoding="utf-8")
    colab.stamp(checkout)
    assert {file: file.read_bytes() for file in before} == before


def test_a_manifest_that_was_wrong_stays_wrong(checkout):
    file = checkout / "notebooks" / "01_eda.ipynb"
    file.write_text(file.read_text(encoding="utf-8").replace("Pregunta", "Duda", 1), encoding="utf-8")
    fill_in(checkout, GITHUB)
    colab.stamp(checkout)
    assert "notebooks/01_eda.ipynb" in stamps.drifted(checkout)


def test_colab_gets_no_badge_for_what_it_cannot_open():
    (code,) = colab.opening("01_eda", "https://git.example.org/clase")
    assert code["cell_type"] == "code"
    assert colab.opening("01_eda", "") == []


@pytest.mark.parametrize("address", ['https://e.org/"x', "two words", "a}b"])
def test_an_address_that_would_break_a_cell_is_refused(checkout, address):
    fill_in(checkout, address)
    with pytest.raises(InputError, match=r"portada\.tex.*must hold nothing, or an address"):
        colab.address(checkout)


def set_up(address, python, where, before=""):
    """What the cell prints in an empty folder, run by `python`; then where it found the package."""
    (code,) = colab.opening("01_eda", address)
    after = "import helpers; print(helpers.__file__)"
    return subprocess.run(
        [str(python), "-c", "\n".join([before, "".join(code["source"]), after])],
        cwd=where, capture_output=True, text=True, timeout=1500,
    )  # fmt: skip


def test_where_the_project_is_installed_the_cell_does_nothing(tmp_path):
    done = set_up("file:///nowhere", sys.executable, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not any(tmp_path.iterdir())


@pytest.fixture
def empty(tmp_path):
    """The Python of an environment without packages, and a repository of this checkout to clone."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    venv.create(tmp_path / "venv", with_pip=True)
    (tmp_path / "empty").mkdir()
    (python,) = [*tmp_path.glob("venv/bin/python"), *tmp_path.glob("venv/Scripts/python.exe")]
    return python, tmp_path / "empty"


def test_where_it_is_not_the_cell_clones_it_and_finds_it(empty):
    """What pip is asked to install is only listed."""
    python, where = empty
    listed = """
import subprocess
run = subprocess.run
subprocess.run = lambda command, **more: print(command[3:]) if "pip" in command else run(command, **more)
"""
    done = set_up(f"file://{ROOT}", python, where, listed)
    assert done.returncode == 0, done.stderr
    first, second, found = done.stdout.splitlines()
    assert "constraints.txt" in first
    assert first.endswith("'-e', 'proyecto']")
    assert "'--no-deps', '-r', 'proyecto/requirements-llm.txt'" in second
    assert found == str(where / "proyecto" / "helpers" / "__init__.py")


@pytest.mark.slow
def test_a_notebook_alone_installs_what_it_needs(empty):
    """Nothing is left out: all packages from the registry, then the first cells of notebook 01."""
    python, where = empty
    notebook = [cell for cell in cells(ROOT / "notebooks" / "01_eda.ipynb") if cell["cell_type"] == "code"]
    own = [
        "".join(cell["source"]) for cell in notebook if colab.OPENS not in cell["metadata"].get("tags", [])
    ]
    done = set_up(f"file://{ROOT}", python, where)
    assert done.returncode == 0, done.stderr
    going_on = "\n".join(own[:3])
    done = subprocess.run(
        [str(python), "-c", f"{going_on}\nprint(len(study.split))"],
        cwd=where, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 100
