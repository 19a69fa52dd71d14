"""Report and slides built as a user does; a number of results.json followed into table, prose and slides."""

import json
import shutil

import pytest
from pypdf import PdfReader

from helpers.config import ROOT, InputError
from helpers.notebooks import documents
from helpers.report import macros


@pytest.fixture(scope="module")
def tools():
    try:
        documents.check_tools()
    except InputError as error:
        pytest.skip(str(error))


def words(pdf):
    """The text of a PDF in one line, with plain minus signs and spaces."""
    text = "".join(page.extract_text() + " " for page in PdfReader(pdf).pages)
    return " ".join(text.replace("−", "-").replace("\u202f", " ").replace("\xa0", " ").split())


@pytest.fixture(scope="module")
def changed(tools, tmp_path_factory):
    """The PDFs of the committed results with one difference changed."""
    output = tmp_path_factory.mktemp("changed")
    for part in ("figures", "report/generated"):
        shutil.copytree(ROOT / part, output / part)
    results = json.loads((output / "report" / "generated" / "results.json").read_text(encoding="utf-8"))
    pair = next(row for row in results["pairs"] if (row["a"], row["b"]) == ("gpt2_finetuned", "gpt2_scratch"))
    pair |= {"difference": 0.2468, "low": 0.2222, "high": 0.2714}
    (output / "report" / "generated" / "results.json").write_text(json.dumps(results), encoding="utf-8")
    macros.write_tex(output / "report" / "generated")
    return output, {pdf.stem: pdf for pdf in documents.build(output)}


def test_a_number_changed_in_the_results_changes_table_prose_and_slides(changed):
    _, pdfs = changed
    document, notes = words(pdfs["informe"]), words(pdfs["expo_notas"])
    assert "+24.7 [+22.2, +27.1]" in document  # table
    # abstract, results, conclusions
    assert document.count("+24.7 puntos porcentuales (IC 95 % de +22.2 a +27.1)") == 3
    assert "+24.7 puntos porcentuales" in notes
    assert "+24.7 puntos porcentuales" not in words(ROOT / "report" / "informe.pdf")


def test_pdfs_carry_what_they_were_built_from_and_come_out_the_same(changed):
    output, pdfs = changed
    assert (
        {documents.fingerprint_of(pdf) for pdf in pdfs.values()}
        == {documents.fingerprint(output)}
        != {documents.fingerprint(ROOT)}
    )
    assert len(PdfReader(pdfs["expo_notas"]).pages) == len(PdfReader(pdfs["expo"]).pages)
    assert "[un minuto]" in words(pdfs["expo_notas"])
    assert "[un minuto]" not in words(pdfs["expo"])


def test_a_macro_that_no_run_wrote_stops_the_build(tools, changed):
    output, pdfs = changed
    file = output / "report" / "generated" / "macros.tex"
    kept, before = file.read_text(encoding="utf-8"), pdfs["informe"].read_bytes()
    file.write_text(kept.replace(r"\newcommand{\ReadTogether}", r"\newcommand{\Other}"), encoding="utf-8")
    with pytest.raises(documents.RunError, match="informe.tex"):
        documents.build(output)
    assert pdfs["informe"].read_bytes() == before
    file.write_text(kept, encoding="utf-8")


def test_results_that_are_not_there_are_named(tools, tmp_path):
    with pytest.raises(InputError, match="results.json: no such file; `make run`"):
        documents.build(tmp_path)
