"""Frozen splits: disjoint, covering, deterministic, and no near-duplicate across sides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.config import BUILD, InputError
from helpers.data import duplicates, splits
from helpers.data.passages import make_fragments, make_passages
from helpers.data.study import prepare


def pages(n_labels, n_sentences, words=9, seed=0):
    rng = np.random.default_rng(seed)
    vocabulary = [f"w{i}" for i in range(500)]
    text = [
        " ".join("S" + " ".join(rng.choice(vocabulary, words)) + "." for _ in range(n_sentences))
        for _ in range(n_labels)
    ]
    return pd.DataFrame({"text": text, "label": [f"disease-{i}" for i in range(n_labels)]}, dtype=object)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 8), st.integers(4, 14), st.integers(0, 5))
def test_fragment_split_is_disjoint_and_every_label_is_on_every_side(n_labels, n_sentences, seed):
    fragments = make_fragments(pages(n_labels, n_sentences, seed=seed))
    split = splits.fragment_split(fragments, seed)
    assert sorted(split["id"]) == sorted(fragments["id"])
    assert split["id"].is_unique
    for name in splits.SIDES:
        assert set(split.loc[split["side"] == name, "label"]) == set(fragments["label"])
    shuffled = splits.fragment_split(fragments.sample(frac=1, random_state=1), seed)
    assert splits.split_hash(shuffled) == splits.split_hash(split)


def test_near_duplicates_never_reach_a_held_out_side():
    table = pages(3, 8)
    sentence = "Burning pain behind the breastbone rises after a heavy meal at night."
    table["text"] = [f"{text} {sentence}" for text in table["text"]]
    split = splits.fragment_split(make_fragments(table))
    assert set(split.loc[split["text"] == sentence, "side"]) == {"train"}
    assert (split["side"] == "test").sum() == 3


def same_by_definition(texts):
    """Near-duplicate groups by comparing every pair, as a set of frozensets of positions."""

    def shingles(text):
        words = text.lower().split()
        return set(words) if len(words) < 3 else {tuple(words[i : i + 3]) for i in range(len(words) - 2)}

    sets, groups = [shingles(text) for text in texts], [{i} for i in range(len(texts))]
    for i in range(len(texts)):
        for j in range(i):
            union = sets[i] | sets[j]
            if union and len(sets[i] & sets[j]) / len(union) >= duplicates.NEAR_DUPLICATE:
                joined = groups[i] | groups[j]
                for member in joined:
                    groups[member] = joined
    return {frozenset(group) for group in groups}


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=14).map(" ".join), min_size=2, max_size=14
    )
)
def test_near_duplicate_groups_are_those_of_the_definition(texts):
    numbers = duplicates.near_duplicate_groups(pd.Series(texts))
    assert {frozenset(np.flatnonzero(numbers == number)) for number in numbers} == same_by_definition(texts)


def test_near_duplicates_are_found_by_jaccard_of_three_word_runs():
    a = "one two three four five six seven eight nine ten"
    texts = pd.Series([a, a + " eleven", "quite another sentence about something else in the world"])
    assert duplicates.near_duplicates(texts).tolist() == [True, True, False]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 5), st.lists(st.integers(1, 6), min_size=4, max_size=12), st.integers(0, 3))
def test_near_duplicates_of_one_label_go_to_one_side_together(n_labels, copies, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for label in range(n_labels):
        for n in copies:
            words = [f"w{i}" for i in rng.integers(0, 10**6, 20)]
            rows += [(" ".join([*words, f"c{copy}"]), f"disease-{label}") for copy in range(n)]
    table = pd.DataFrame(rows, columns=["text", "label"], dtype=object)
    split = splits.row_split(splits.page_rows(table), seed)
    groups = duplicates.near_duplicate_groups(split["text"])
    assert (split.groupby(groups)["side"].nunique() == 1).all()
    assert set(split.groupby("label")["side"].nunique()) == {3}
    shuffled = splits.row_split(splits.page_rows(table).sample(frac=1, random_state=1), seed)
    assert len(split) == len(table)
    assert splits.split_hash(shuffled) == splits.split_hash(split)


@pytest.mark.parametrize("copies", [(1, 1, 1, 17), (1, 1, 1, 1, 1, 60)])
def test_a_text_of_many_copies_leaves_no_side_without_its_label(copies):
    rng = np.random.default_rng(0)
    rows = [
        (" ".join([*words, f"c{copy}"]), f"disease-{label}")
        for label in range(2)
        for n in copies
        for words in [[f"w{i}" for i in rng.integers(0, 10**6, 20)]]
        for copy in range(n)
    ]
    table = splits.page_rows(pd.DataFrame(rows, columns=["text", "label"], dtype=object))
    for seed in range(8):
        split = splits.row_split(table, seed)
        assert len(split) == len(table)
        assert set(split.groupby("label")["side"].nunique()) == {3}, seed
        groups = duplicates.near_duplicate_groups(split["text"])
        assert (split.groupby(groups)["side"].nunique() == 1).all()


def test_page_split_of_singletons_shares_no_label():
    split = splits.page_split(pages(50, 5))
    train, test = (set(split.loc[split["side"] == name, "label"]) for name in ("train", "test"))
    assert len(train) == 40
    assert len(test) == 10
    assert not train & test
    assert splits.unseen_labels(split) == (test, test)
    assert splits.unseen_labels(split.assign(label="same")) == (set(), {"same"})


def test_row_protocol_is_chosen_for_many_rows_a_label_and_is_stratified():
    rows = pd.concat([pages(4, 1, words=20, seed=i) for i in range(20)], ignore_index=True)
    assert splits.choose_protocol(rows) == "row"
    assert splits.choose_protocol(pages(4, 9)) == "fragment"
    counts = splits.row_split(splits.page_rows(rows)).groupby(["label", "side"]).size().unstack()
    assert (counts == pd.Series({"test": 3, "train": 14, "valid": 3})).all().all()


def test_labels_that_are_too_small_are_left_out_and_counted(tmp_path, capsys):
    table = pd.concat([pages(3, 6), pages(1, 2, seed=9).assign(label="tiny")])
    fragments = make_fragments(table)
    assert "tiny" not in set(splits.fragment_split(fragments)["label"])
    assert splits.left_out(table, "fragment") == {"tiny": 2}
    table.to_csv(tmp_path / "pages.csv", index=False)
    prepare("quick", str(tmp_path / "pages.csv"))
    assert "left out: 1 label(s) with under 4 distinct texts: tiny" in capsys.readouterr().out


def test_texts_that_every_label_has_do_not_count_as_its_own():
    shared = " ".join(f"The same advice number {i} stands on each of these pages here." for i in range(5))
    table = pd.concat([pages(3, 6), pages(1, 2, seed=9).assign(label="tiny")], ignore_index=True)
    table["text"] += " " + shared
    assert splits.left_out(table, "fragment") == {"tiny": 2}


def test_too_few_labels_that_can_be_split_are_refused():
    with pytest.raises(InputError, match="fewer than two labels"):
        splits.fragment_split(make_fragments(pages(5, 2)))


def test_a_frozen_split_comes_back_the_same_and_a_changed_file_is_refused():
    split = splits.fragment_split(make_fragments(pages(3, 6)))
    key = splits.freeze(split)
    assert splits.load_split(key).to_dict("records") == split.to_dict("records")
    file = BUILD / "splits" / f"{key}.csv"
    file.write_text(file.read_text().replace(",test\n", ",train\n", 1))
    with pytest.raises(InputError, match="no longer has the hash"):
        splits.load_split(key)
    with pytest.raises(InputError, match="no such frozen split"):
        splits.load_split("0" * 16)


def test_the_classes_own_split_is_sound():
    study = prepare("class")
    train = study.split["side"] == "train"
    assert set(study.split.loc[train, "text"]) == set(make_passages(study.masked)["text"])
    assert len(study.masked) == len(study.pages)
    groups = duplicates.near_duplicate_groups(study.split["text"])
    assert (study.split.groupby(groups)["side"].nunique() == 1).all()
    counts = study.split.groupby(["label", "side"]).size().unstack()
    assert counts.notna().all().all()
    assert (counts["test"] == 3).all()
    assert (counts["valid"] == 1).all()
    texts = {name: set(study.split.loc[study.split["side"] == name, "text"]) for name in splits.SIDES}
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["valid"]
    assert not texts["valid"] & texts["test"]


def test_label_numbers_are_positions_in_the_sorted_labels():
    split = splits.fragment_split(make_fragments(pages(3, 6)))
    classes = splits.label_classes(split)
    texts, labels = splits.side(split, "test")
    by_text = dict(zip(split["text"], split["label"], strict=True))
    assert [classes[i] for i in labels] == [by_text[text] for text in texts]


def test_the_control_keeps_every_row_and_has_no_test_label_in_training():
    rows = [
        (f"d{i}-{j}", f"text {i} {j}", f"d{i}", side)
        for i in range(10)
        for j, side in enumerate(("train", "valid", "test"))
    ]
    control = splits.whole_labels(pd.DataFrame(rows, columns=["id", "text", "label", "side"]))
    by_side = control.groupby("side")["label"].agg(set)
    assert len(control) == 30
    assert set(by_side.index) == {"train", "test"}
    assert len(by_side["test"]) == 2
    assert not by_side["train"] & by_side["test"]
