"""What patients say: the statements keep what their datasheet promises, and are the exam."""

import collections
import re

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from helpers.__main__ import main
from helpers.analysis import unseen
from helpers.arms import ARMS
from helpers.config import ROOT, InputError
from helpers.data import audit, duplicates, leakage, masking, passages, sources, splits, vocabulary
from helpers.data.study import prepare
from helpers.experiments import plan
from helpers.pretraining.contamination import shared_runs
from helpers.prose import doubts
from helpers.report import facts

PAGES = sources.load_table("embedded")
DISEASES = sources.load_diseases()
STATEMENTS = sources.load_statements("embedded", DISEASES.index)
RUN = 6  # words in a row that no two statements share, nor a statement and a page
SCHEMA = pa.DataFrameSchema(
    {
        "text": pa.Column(
            object,
            [
                pa.Check.str_matches(r"^[\x20-\x7e]+$"),
                pa.Check(lambda text: 18 <= len(text.split()) <= 50, element_wise=True),
            ],
            unique=True,
        ),
        "label": pa.Column(object, pa.Check.isin(DISEASES.index)),
        "side": pa.Column(object, pa.Check.isin(["valid", "test"])),
        "hand": pa.Column(object, pa.Check.str_matches(r"^h\d\d$")),
    },
    strict=True,
)


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text, size=RUN):
    tokens = words(text)
    return {tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)}


def test_the_statements_fit_their_schema():
    SCHEMA.validate(STATEMENTS, lazy=True)
    for column, value in (("text", "Too short."), ("side", "train"), ("hand", ""), ("label", "no-such")):
        broken = STATEMENTS.copy()
        broken.loc[0, column] = value
        with pytest.raises(pa.errors.SchemaErrors):
            SCHEMA.validate(broken, lazy=True)


def test_each_disease_has_one_to_choose_by_and_three_to_test_of_other_hands():
    assert set(STATEMENTS["label"]) == set(DISEASES.index)
    for _, own in STATEMENTS.groupby("label"):
        hands = own.groupby("side")["hand"].agg(list)
        assert (len(hands["valid"]), len(hands["test"])) == (1, 3)
        assert len({*hands["valid"], *hands["test"]}) == 3
        assert not set(hands["valid"]) & set(hands["test"])


def test_at_least_six_hands_wrote_alike_shares():
    counts = STATEMENTS["hand"].value_counts()
    assert len(counts) >= 6
    assert counts.max() <= 1.1 * counts.min()


def test_no_statement_names_its_disease():
    assert leakage.naming_share(STATEMENTS, DISEASES["aliases"].to_dict()) == 0
    told = masking.telltale_words(PAGES)
    named = [row.label for row in STATEMENTS.itertuples() if told[row.label] & set(words(row.text))]
    assert named == []
    planted = STATEMENTS.head(1).assign(text=f"They say it is {STATEMENTS['label'][0].replace('-', ' ')}.")
    assert leakage.naming_share(planted, DISEASES["aliases"].to_dict()) == 1


def test_no_run_of_six_words_is_in_two_statements_or_on_a_page():
    owners = collections.defaultdict(set)
    for row, text in enumerate(STATEMENTS["text"]):
        for run in runs(text):
            owners[run].add(row)
    assert [" ".join(run) for run, rows in owners.items() if len(rows) > 1] == []
    pages = set().union(*map(runs, PAGES["text"]))
    assert [" ".join(run) for run in owners if run in pages] == []


def test_no_run_of_thirteen_words_is_in_the_pretraining_text():
    corpus = ROOT.parent / "shared" / "corpus"
    if not corpus.is_dir():
        pytest.skip("the pre-training text is not beside the repository")
    from helpers.pretraining import contamination

    assert not any(contamination.audit(STATEMENTS, corpus)["pages"].values())


def test_openings_vary():
    openings = collections.Counter(" ".join(words(text)[:3]) for text in STATEMENTS["text"])
    assert openings.most_common(1)[0][1] <= 0.02 * len(STATEMENTS)
    first = collections.Counter(words(text)[0] for text in STATEMENTS["text"])
    assert first.most_common(1)[0][1] <= 0.1 * len(STATEMENTS)


def test_no_statement_is_nearly_another():
    assert not duplicates.near_duplicates(STATEMENTS["text"]).any()


def test_nothing_of_the_sample_data_set_is_copied():
    sample = ROOT.parent / "shared" / "data" / "nih_symptoms.csv"
    if not sample.is_file():
        pytest.skip("the sample data set is not beside the repository")
    assert shared_runs(STATEMENTS["text"], sources.load_table(str(sample))["text"], 9) == []


@pytest.fixture
def files(tmp_path):
    """Pages of three diseases, and statements about them."""
    rng, pool = np.random.default_rng(0), [f"{a}{b}" for a in "bdfglmnprst" for b in ("ain", "our", "eep")]
    pages = [
        (" ".join(f"The {name} {' '.join(rng.choice(pool, 8))} on sore skin." for _ in range(6)), name)
        for name in ("kappa", "lambda", "sigma")
    ]  # fmt: skip
    said = [
        (f"My {name[0]} spot number {i} burns since {i} days, what is it, kappa?", name, side, "h01")
        for name in ("kappa", "lambda")
        for i, side in enumerate(("valid", "test", "test"))
    ]
    pd.DataFrame(pages, columns=["text", "label"]).to_csv(tmp_path / "pages.csv", index=False)
    pd.DataFrame(said, columns=["text", "label", "side", "hand"]).to_csv(tmp_path / "said.csv", index=False)
    return tmp_path / "pages.csv", tmp_path / "said.csv"


def test_passages_train_and_statements_choose_and_test():
    study = prepare("quick")
    assert study.protocol == "patients"
    train = study.split[study.split["side"] == "train"]
    assert train["text"].tolist() == passages.make_passages(study.masked).sort_values("id")["text"].tolist()
    asked = study.split[study.split["side"] != "train"]
    mask = masking.mask_of(PAGES, DISEASES["aliases"].to_dict())
    expected = dict(zip(mask.on(study.statements["text"]), study.statements["side"], strict=True))
    assert dict(zip(asked["text"], asked["side"], strict=True)) == expected


def test_a_source_brings_its_own_statements(files, capsys):
    pages, said = files
    source = sources.with_options(str(pages), statements=str(said))
    study = prepare("quick", source)
    assert study.protocol == "patients"
    assert study.split["side"].value_counts().to_dict() == {"train": 4, "test": 4, "valid": 2}
    assert "left out: 1 label(s) without a statement to test: sigma" in capsys.readouterr().out
    asked = study.split.loc[study.split["side"] != "train", "text"]
    assert asked.str.contains(masking.MASK, regex=False).all()
    assert prepare("quick", str(pages)).protocol == "fragment"
    assert study.source_name != prepare("quick", str(pages)).source_name
    assert main(["audit", "--data", str(pages), "--statements", str(said)]) == 0
    out = capsys.readouterr().out
    assert "patients: there are statements" in out
    assert "6 of 1 hands" in out
    assert "sigma (0)" in out


def test_near_duplicates_across_sides_are_left_out(files):
    pages, said = files
    table = pd.read_csv(said)
    passage = passages.make_passages(pd.read_csv(pages))["text"][0]
    table.loc[len(table)] = [passage, "kappa", "test", "h01"]  # copied from a page
    table.loc[len(table)] = [table["text"][1], "kappa", "valid", "h01"]  # and one tested, to choose by
    split = splits.make_split(pd.read_csv(pages), "patients", statements=table)
    assert len(split[split["side"] != "train"]) == 6
    assert split["id"].is_unique


def whose_statements_choose(labels):
    """Ten labels with a page and a statement to test each, and statements to choose by of some labels."""
    names = [f"name{letter}" for letter in "abcdefghij"]
    pages = [(f"The {name} burns {i} and {i + 1} times at night.", name) for i, name in enumerate(names)]
    said = [(f"It is {i} days that {i + 3} of mine itch.", name, "test") for i, name in enumerate(names)]
    said += [(f"Since {i} weeks {i + 7} spots weep.", names[i], "valid") for i in labels]
    return (
        pd.DataFrame(pages, columns=["text", "label"], dtype=object),
        pd.DataFrame(said, columns=["text", "label", "side"], dtype=object),
        names,
    )


def test_of_unseen_labels_those_choose_that_have_a_statement_to_choose_by():
    for label in range(2, 10):
        pages, said, names = whose_statements_choose([label])
        split = splits.unseen_split(pages, set(names[:2]), said)
        labels = split.groupby("side")["label"].agg(set).to_dict()
        assert labels["valid"] == {names[label]}
        assert labels["test"] == set(names[:2])
        assert labels["train"] == set(names[2:]) - {names[label]}


def test_without_a_statement_to_choose_by_no_disease_is_held_out(tmp_path):
    pages, said, names = whose_statements_choose([0])
    assert splits.unseen_split(pages, set(names[:2]), said).empty
    first = splits.page_split(pages)
    held_out = splits.unseen_labels(first)[0]
    pages, said, _ = whose_statements_choose([names.index(name) for name in held_out])
    pages.to_csv(tmp_path / "pages.csv", index=False)
    said.to_csv(tmp_path / "said.csv", index=False)
    study = prepare(
        "quick", sources.with_options(str(tmp_path / "pages.csv"), statements=str(tmp_path / "said.csv"))
    )
    assert not unseen.is_possible(study)
    assert study.unseen_key not in {
        spec.split for stage in plan.stages(study, list(ARMS), "whole") for spec in stage
    }
    assert unseen.gains(study).empty
    assert unseen.guessers(study).empty
    assert doubts.few({"facts": {"unseen": facts.held_out(study)}}) == ""
    assert "sin relatos con qué elegir" in unseen.WHY_NOT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="side"), "said.csv: no column `side`"),
        (lambda table: table.assign(side="train"), r"said.csv: 6 row\(s\) cannot be used"),
        (lambda table: table.assign(label="omega"), r"said.csv"),
        (lambda table: table.assign(side="valid"), "fewer than two labels have a statement to test"),
        (lambda table: table.assign(side="test"), "no statement is left to choose by"),
    ],
)
def test_statements_that_cannot_be_used_are_named(files, change, said):
    pages, file = files
    change(pd.read_csv(file)).to_csv(file, index=False)
    with pytest.raises(InputError, match=said) as error:
        prepare("quick", sources.with_options(str(pages), statements=str(file)))
    if "rows" in said:
        assert error.value.rows


def test_columns_and_statements_need_a_source():
    assert main(["audit", "--statements", "said.csv", "--data", "nothing.csv"]) == 2
    assert main(["run", "--profile", "quick", "--statements", "said.csv"]) == 2


def test_the_words_that_passages_know_are_counted():
    assert vocabulary.known_share(["Red rash", "odd", ""], ["a red spot"]).tolist() == [0.5, 0.0, 0.0]
    facts = audit.audit("embedded", lambda texts: [1] * len(texts)).facts["statements"]
    assert facts["rows"] == len(STATEMENTS)
    assert facts["lost"] == 0
    assert 0.5 < facts["known"] < 1
