"""Report and slides against the records.

Nothing cited that no run produced, nothing committed that is older than the results.
"""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image
from pypdf import PdfReader

from helpers.arms import ARMS
from helpers.config import ROOT
from helpers.figures import style
from helpers.figures.captions import CAPTIONS
from helpers.notebooks import documents, stamps
from helpers.prose import bought, claims, doubts, price, readings
from helpers.report import macros, tables
from helpers.report.latex import latex, tabular

REPORT, GENERATED = ROOT / "report", ROOT / "report" / "generated"
SOURCES = sorted([*REPORT.glob("*.tex"), *REPORT.glob("dibujos/*.tex")])
PDFS = {"informe": range(10, 15), "expo": range(18, 26)}  # pages that each may have, with those of reserve
TALK = range(13, 19)  # frames before them
MINUTES = {"medio minuto": 0.5, "un minuto": 1, "un minuto y medio": 1.5, "dos minutos": 2}  # said of a frame


def source(file):
    """A LaTeX file without its comments."""
    return re.sub(r"(?<!\\)%.*", "", file.read_text(encoding="utf-8"))


def generated(name):
    return (GENERATED / name).read_text(encoding="utf-8")


def said(text, known):
    """What LaTeX reads of a text, of which some names are known: of each `\\ifdefined`, one branch."""
    innermost = r"\\ifdefined\\(\w+)((?:(?!\\ifdefined).)*?)\\fi\b"
    while found := re.search(innermost, text, flags=re.DOTALL):
        there, _, absent = re.sub(r"\\else\b", "\0", found[2]).partition("\0")
        text = text[: found.start()] + (there if found[1] in known else absent) + text[found.end() :]
    return text


LEFT_OUT = {  # names of macros that a study does not write, but for what it reads of other data
    "course": r"^$",
    "class": r"GptTwoSelf|GptTwoLmScratch|SmollmTwoScratch|SmollmTwoLm(?!Zero)|Worth|ReadDose|ReadOnce",
    "without SmolLM2": r"SmollmTwo|ReadOnce",
    "nothing held out": r"Gain|ReadUnlabelled|ReadCertainty|ReadEarlier|ReadLonger|ReadForgetting",
}


@pytest.mark.parametrize("left_out", LEFT_OUT.values(), ids=LEFT_OUT)
@pytest.mark.parametrize("file", SOURCES, ids=lambda f: f.stem)
def test_latex_cites_only_macros_figures_and_tables_that_a_run_wrote(file, left_out):
    text = source(file)
    known = set(re.findall(r"\\newcommand\{\\(\w+)\}", generated("macros.tex")))
    for own in ("comun", "portada"):
        known |= set(re.findall(r"\\newcommand\{\\(\w+)\}", source(REPORT / f"{own}.tex")))
    known |= {"Fingerprint", "ConNotas", "LARGE", "Large", "Stealth"}
    gone = {name for name in known if re.search(left_out, name) and "External" not in name}
    text = said(text, known - gone)
    assert not set(re.findall(r"\\([A-Z][A-Za-z]+)", text)) - (known - gone)
    figures = set(
        re.findall(r"(?:figura(?:\[[\w.]+\])?|hallazgo|Figure\w+|ref)\{(?:fig:)?(\d\d_\w+)\}", text)
    )
    assert figures <= set(CAPTIONS)
    assert figures <= set(re.findall(r"definefigure\{(\w+)\}", generated("figuras.tex")))
    assert all((ROOT / "figures" / f"{name}.pdf").is_file() for name in figures)
    assert all((GENERATED / f"tabla_{name}.tex").is_file() for name in re.findall(r"\\tabla\{(\w+)\}", text))
    cited = {
        key
        for keys in re.findall(r"\\(?:paren|text)cite(?:\[[^]]*\])*\{([^}]+)\}", text)
        for key in keys.split(",")
    }
    assert cited <= set(re.findall(r"@\w+\{(\w+),", (REPORT / "referencias.bib").read_text(encoding="utf-8")))


def test_report_and_slides_show_figures_tables_and_what_the_notes_ask_for():
    text = {name: source(REPORT / f"{name}.tex") for name in PDFS}
    assert len(re.findall(r"\\figura\{", text["informe"])) >= 6
    assert len(re.findall(r"\\tabla\{", text["informe"])) >= 5
    assert all(f"input{{dibujos/{drawing}}}" in text[name] for name in text for drawing in ("bilstm", "gpt2"))
    talk, reserve = (part.split(r"\begin{frame}")[1:] for part in text["expo"].split(r"\appendix"))
    assert len(talk) in TALK
    assert len(talk + reserve) in PDFS["expo"]
    assert all(r"\note{" in frame for frame in talk + reserve)
    assert sum(MINUTES[re.search(r"\\minutos\{([^},]+)", frame)[1]] for frame in talk) <= 20
    assert r"\ReadAnswer" in talk[2].split("\n")[0]  # the answer is the third frame's title
    for asked in (
        "tokenizer",
        "padding",
        "embedding",
        "hiperparámetros",
        "pérdida, exactitud y perplejidad",
        "por qué se eligió",
        "adam",
        "softmax",
        "para llevarse a casa",
    ):
        assert asked in text["expo"].lower()


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: f.stem)
def test_no_result_is_typed_into_latex(file):
    text = source(file) if file.parent == REPORT else ""  # a drawing's decimals are coordinates
    for no_prose in (
        r"\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}",
        r"\\\w*cite(?:\[[^]]*\])*\{[^}]*\}",  # keys hold years
        r"\[[^]]*\]",  # options
        r"-?[\d.]+\s*(?:mm|em|ex|pt|in\b|\\\w+)",  # lengths
        r"\{[\d.\\a-z-]+\}",
    ):
        text = re.sub(no_prose, "", text, flags=re.DOTALL)
    typed = set(re.findall(r"\d+\.\d+|\d+\s*\\,?\\%|\d{1,3},\d{3}|\d{3,}", text))
    # the notes' values, the intervals' level, the year
    assert not typed - {"0.001", "150", "256", r"95\,\%", "2023"}


def test_generated_files_are_what_results_and_figures_say(tmp_path):
    shutil.copytree(ROOT / "figures", tmp_path / "figures")
    (tmp_path / "report" / "generated").mkdir(parents=True)
    shutil.copy(GENERATED / "results.json", tmp_path / "report" / "generated")
    macros.write_tex(tmp_path / "report" / "generated")
    documents.write_index(tmp_path)
    made = sorted((tmp_path / "report" / "generated").glob("*.tex"))
    assert len(made) == len(tables.TABLES) + 2
    assert all(file.read_text() == generated(file.name) for file in made)
    assert (tmp_path / "figures" / "README.md").read_text() == (ROOT / "figures" / "README.md").read_text()


def test_outputs_belong_to_the_committed_results():
    assert stamps.drifted(ROOT) == [], (
        "run `make run PROFILE=course`: these are older, or newer, than results.json"
    )


def test_drift_is_seen(tmp_path):
    known = json.loads((ROOT / stamps.MANIFEST).read_text(encoding="utf-8"))
    files = [stamps.MANIFEST, stamps.RESULTS, *known["files"]]
    assert {f"figures/{name}.pdf" for name in CAPTIONS} <= set(files)
    assert "notebooks/06_comparacion.ipynb" in files
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    assert stamps.drifted(tmp_path) == []
    for changed in ("figures/07_costo.png", "notebooks/01_eda.ipynb", stamps.RESULTS):
        (tmp_path / changed).write_bytes((tmp_path / changed).read_bytes() + b" ")
    (tmp_path / "figures" / "01_zipf.pdf").unlink()
    assert set(stamps.drifted(tmp_path)) == {
        "figures/07_costo.png",
        "notebooks/01_eda.ipynb",
        stamps.RESULTS,
        "figures/01_zipf.pdf",
    }
    (tmp_path / stamps.MANIFEST).unlink()
    assert stamps.drifted(tmp_path) == [stamps.MANIFEST]


@pytest.mark.parametrize("name", PDFS)
def test_committed_pdfs_were_built_from_the_committed_results_and_sources(name):
    pdf = REPORT / f"{name}.pdf"
    assert documents.fingerprint_of(pdf) == documents.fingerprint(ROOT), "run `make report`"
    assert len(PdfReader(pdf).pages) in PDFS[name]


def test_the_fingerprint_changes_with_a_number_a_figure_or_a_source(tmp_path, monkeypatch):
    for directory in ("report", "figures"):
        shutil.copytree(ROOT / directory, tmp_path / directory)
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    seen = {documents.fingerprint(tmp_path)}
    for file in (
        "report/generated/results.json",
        "figures/07_costo.pdf",
        "report/informe.tex",
        "report/dibujos/gpt2.tex",
    ):
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes() + b" ")
        seen.add(documents.fingerprint(tmp_path))
    assert len(seen) == 5


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_figure_has_the_reports_width_its_own_fonts_a_title_and_an_alt_text(name):
    page = PdfReader(ROOT / "figures" / f"{name}.pdf").pages[0]
    assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(
        (6.4 * 72, 3.6 * 72), abs=0.5
    )
    fonts = page["/Resources"].get_object()["/Font"].get_object().values()
    described = [font.get_object() for font in fonts]
    inner = [f["/DescendantFonts"][0].get_object() if "/DescendantFonts" in f else f for f in described]
    assert inner
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in inner)
    with Image.open(ROOT / "figures" / f"{name}.png") as picture:
        assert picture.size == (1920, 1080)
    title, alt = documents.described(ROOT / "figures" / f"{name}.png")
    assert title
    assert title in alt
    assert CAPTIONS[name].kind in alt
    assert CAPTIONS[name].text.rstrip(".") in alt
    assert f'alt="{alt}"'.replace('"', "") in (ROOT / "figures" / "README.md").read_text(
        encoding="utf-8"
    ).replace('"', "")


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [("06_unheard_of", 10, "no caption"), ("07_costo", 8.9, "below 9 points: 'tiny'")],
)
def test_a_figure_without_a_caption_or_with_small_type_is_not_saved(tmp_path, name, size, said):
    fig, ax = style.plt.subplots()
    ax.tick_params(labelsize=10)
    ax.text(0.5, 0.5, "tiny", fontsize=size)
    with pytest.raises(ValueError, match=said):
        style.save_figure(fig, name, SimpleNamespace(output=tmp_path))
    style.plt.close(fig)
    assert not list(tmp_path.rglob("*.p*"))


def test_what_report_and_slides_say_in_words_is_so():
    results = json.loads(generated("results.json"))
    facts, parts = results["facts"], {}
    for row in results["shared_words"]:
        parts.setdefault(row["arm"], []).append(row["accuracy"])
    read = [own for arm, own in parts.items() if max(own) > 5 / results["num_labels"]]
    assert read
    assert all(own[0] < own[-1] for own in read)  # "donde comparten pocas, todos pierden"
    assert results["forgetting"]["gpt2_lm"]["general"]["low"] > 0  # "lo paga en texto general"
    autopsy = facts["autopsy"]
    assert autopsy["test_low"] == autopsy["test_high"] == 0
    assert autopsy["train_high"] - autopsy["train_low"] > 0.5
    assert (
        facts["pages"]["oracle"] == 0 == facts["control"]["apart"] < facts["control"]["shared"]
    )  # "lo que cura es la partición"
    assert facts["base"]["contaminated"] == 0  # "nuestras páginas no estaban"
    assert facts["external"]["source"] == "nih_symptoms"
    pair = readings.main_pair(results)
    there = readings.pair_of(facts["external"], pair.a, pair.b)
    assert there.low <= 0 <= there.high  # README: "is not distinguished from none"
    told = (ROOT / "notebooks" / "04_autopsia.ipynb").read_text(encoding="utf-8")
    assert re.search(r'"De los 3 cálculos erróneos, [1-3] dan infinito', told)  # "sí pueden dar infinito"
    chose = [row for arm, row in results["arms"].items() if ARMS[arm].settings.get("schedule") != "constant"]
    known = [row for row in chose if row["accuracy"] > 5 / results["num_labels"]]
    more = [row["valid_accuracy"] > row["accuracy"] for row in known]
    assert len(more) > 5
    assert len(more) - 1 <= sum(more)  # "casi todos … aciertan ahí más que en prueba"


def test_what_latex_lacks_is_named_by_its_debian_package(monkeypatch):
    monkeypatch.setattr(documents, "_found", lambda file: file not in ("biber", "siunitx.sty"))
    with pytest.raises(documents.InputError, match="apt-get install biber texlive-science$"):
        documents.check_tools()


def test_a_log_is_read_for_what_spoils_a_page():
    log = "\n".join(
        [
            "Overfull \\hbox (1.9pt too wide) in paragraph at lines 1--2",
            "Overfull \\hbox (12.3pt too wide) in paragraph at lines 3--4",
            "Overfull \\vbox (3.0pt too high) has occurred",
            "LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 9.",
            "LaTeX Warning: Citation 'nobody' on page 1 undefined on input line 9.",
            "Missing character: There is no X in font lmroman10!",
            "Underfull \\hbox (badness 10000)",
        ]
    )
    found = documents.complaints(log)
    assert len(found) == 5
    assert not any("1.9pt" in line or "Underfull" in line for line in found)


@pytest.mark.parametrize("name", ["04_sospechosos", "05_respuesta", "06_comparacion"])
def test_a_figures_pdf_leaves_its_title_to_the_caption_and_its_picture_does_not(name):
    title = documents.described(ROOT / "figures" / f"{name}.png")[0]
    (page,) = PdfReader(ROOT / "figures" / f"{name}.pdf").pages
    assert title
    assert title not in " ".join(page.extract_text().split())
    assert "exactitud" in page.extract_text()  # its axis: other text is found
    figures = re.findall(rf"definefigure\{{{name}\}}(.+)", generated("figuras.tex"))
    assert latex(title) in figures[0]


def test_a_report_of_other_data_says_so_and_one_of_a_file_survives_its_signs():
    results = json.loads(generated("results.json"))
    assert "OtherStudy" not in macros.macros(results)
    assert "Aviso" not in claims.sizes(results)
    results["source"], results["profile"]["base"] = "50%_of.csv", "/a/my_gpt2"
    results["profile"]["name"] = "full@/a/my_gpt2"
    results["facts"]["pretraining"]["/a/my.gpt2"] = dict.fromkeys(
        ("tokens", "flops", "parameters", "seconds")
    )
    results["story"]["text"] = "50% of it & a_b ~ ≥ {x} \\ ^ # $ ñ"
    assert "la fuente «50%_of.csv»" in claims.sizes(results)
    assert "relato» o «paciente»" not in claims.sizes(results)
    assert "examina con una oración de su página" in claims.sizes(results | {"protocol": "fragment"})
    found = macros.macros(results)
    assert r"50\%\_of.csv" in found["OtherStudy"]
    assert r"my\_gpt2" in found["Profile"]
    assert all(re.fullmatch("[A-Za-z]+", name) for name in found)
    assert found["StoryText"].startswith(r"50\% of it \& a\_b \textasciitilde{} ? \{x\} \textbackslash{}")
    assert latex("50% y 20 %") == r"50\% y 20\,\%"


def test_a_label_of_the_data_is_the_same_in_macros_and_tables_and_upsets_no_latex():
    """`\\$` is how figures need a dollar sign; what looks like a number of ours stays a name."""
    results = json.loads(generated("results.json"))
    for label, there in (
        ("hepatitis^2 ~b", r"hepatitis\textasciicircum{}2 \textasciitilde{}b"),
        (r"a\b \$5", r"a\textbackslash{}b \$5"),
        ("肝炎 *x* −", r"?? *x* ?"),
        ("1,234", "1,234"),
        ("2e5", "2e5"),
    ):
        results["story"]["answers"]["bag"]["first"] = label
        assert dict(macros.story_macros(results))["StoryBag"] == there
        table = tables.story(results)
        assert f"& {there} &" in tabular(table)
        assert label in table.frame().data.to_numpy()
    assert latex("SmolLM2 (--base)") == "SmolLM2 (-{}-base)"  # two dashes, not a longer one


def test_every_claim_can_be_made_where_the_large_model_has_its_twin():
    """Of as many seeds, its pair is then the main one, which has no curve; of fewer, it is the second."""
    results = json.loads(generated("results.json"))
    large = ("smollm2_finetuned", "smollm2_scratch")
    own = next(row for row in results["pairs"] if (row["a"], row["b"]) == ("gpt2_finetuned", "gpt2_scratch"))
    results["pairs"] = [row for row in results["pairs"] if (row["a"], row["b"]) != large]
    results["pairs"].insert(0, own | dict(zip("ab", large, strict=True)))
    results["arms"]["smollm2_scratch"] = results["arms"]["gpt2_scratch"] | {"name": "SmolLM2 desde cero"}
    results["profile"]["trials"] |= dict.fromkeys(large, [0.0003])
    for topic in ("calibration", "confusions", "cost"):
        results[topic]["smollm2_scratch"] = results[topic]["gpt2_scratch"]
    for arm in large:
        results["arms"][arm] |= {"seeds": 1, "accuracy": 0.25}
    assert readings.main_pair(results).b == "gpt2_scratch"
    assert "; SmolLM2, 25.0 % y 25.0 %" in claims.answer(results)
    assert "GPT-2 mini," not in claims.answer(results)
    told = " ".join(claims.comparison(results))
    assert "**Lo mismo con SmolLM2.**" in told
    assert "Se midió con una sola semilla y una sola tasa; con más épocas" in told
    assert macros.macros(results)["ReadOnce"].startswith(
        "Se midió con una sola semilla y una sola tasa; con más épocas"
    )
    for arm in large:
        results["arms"][arm]["seeds"] = results["arms"]["gpt2_finetuned"]["seeds"]
    assert readings.main_pair(results).b == "smollm2_scratch"
    assert "una sola semilla" not in " ".join(claims.comparison(results))
    assert "; GPT-2 mini, " in claims.answer(results)
    assert bought.least_passages(results).count(" % con ") == 3
    assert claims.comparison(results)
    assert price.summary(results)
    assert doubts.doubts(results)
    assert macros.macros(results)
    assert all(tabular(table(results)) for table in tables.TABLES.values())
    results["curve"] = []
    assert "no entrena" in bought.least_passages(results)
