"""The rehearsal of `full`: its Hub serves the shape of the real ones, its profile has that of `full`."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from helpers.arms import ARMS
from helpers.config import PROFILES, ROOT
from helpers.data import passages, splits
from tests import rehearsal


def test_the_table_has_the_shape_of_the_mayo_pages():
    table = rehearsal.made_up_pages()
    assert len(table) == table["label"].nunique() == table["text"].nunique() == 1058
    words = table["text"].str.split().str.len()
    assert 1100 < words.max() < 1200
    assert 100 < words.median() < 200
    fragments = passages.make_fragments(table).groupby("label").size()
    assert fragments.min() >= splits.MIN_ROWS  # every label is split
    assert table["text"].str.contains("Enlarge image").all()
    assert table["label"].str.fullmatch(r"[a-z]+-[a-z]+-\d+").all()
    pd.testing.assert_frame_equal(table.head(3), rehearsal.made_up_pages().head(3))


def test_the_tokenizer_has_gpt2s_size_and_loses_nothing():
    vocabulary, merges = rehearsal.byte_level_bpe()
    assert (len(vocabulary), len(merges)) == (50_257, 50_000)
    assert vocabulary[rehearsal.END] == 50_256
    assert sorted(vocabulary.values()) == list(range(50_257))
    bpe = Tokenizer(models.BPE(vocabulary, [tuple(pair.split(" ")) for pair in merges]))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    for text in ("Fever and cough, 3 days.", "ñandú — 🤒\r\n\t- x", *rehearsal.made_up_pages(3)["text"]):
        ids = bpe.encode(text).ids
        assert bpe.decode(ids) == text
        assert len(ids) < len(text.encode())


def test_its_profile_is_full_cut_short():
    full, short = PROFILES["full"], PROFILES["rehearsal"]
    assert (full.source, full.base, full.max_labels) == (short.source, short.base, short.max_labels)
    assert {arm for arm in ARMS if arm not in short.leaves_out} == {
        arm for arm in ARMS if not ARMS[arm].large
    }
    for arm in ARMS.values():
        assert (short.epochs_of(arm) is None) == (full.epochs_of(arm) is None)
        assert len(short.grid_of(arm)) <= len(full.grid_of(arm))


def test_a_sample_of_a_split_keeps_every_label_as_long_as_it_can():
    rows = [(f"{label}{side}{i}", label, side) for label in "abc" for side in splits.SIDES for i in range(3)]
    split = pd.DataFrame(rows, columns=["id", "label", "side"])
    kept = splits.at_most(split, {"test": 3, "valid": 4, "train": 100})
    counts = kept["side"].value_counts()
    assert counts.to_dict() == {"train": 9, "valid": 4, "test": 3}
    assert kept.loc[kept["side"] != "train"].groupby("side")["label"].nunique().eq(3).all()
    assert kept["id"].is_unique
    pd.testing.assert_frame_equal(splits.at_most(split, {}), split)


@pytest.mark.slow
@pytest.mark.parametrize(("options", "place", "labels"), [(["--small"], "small", 40), ([], ".", 1058)])
def test_the_whole_rehearsal_comes_to_its_pdfs(options, place, labels):
    """Minutes and, whole, hours. What it measures is in its log."""
    command = [sys.executable, "-m", "tests.rehearsal", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    made = rehearsal.PLACE / place / "build" / "outputs" / "rehearsal-mayo"
    results = json.loads((made / "report" / "generated" / "results.json").read_text(encoding="utf-8"))
    assert results["num_labels"] == labels
    assert results["arms"]["gpt2_finetuned"]["name"] == "GPT-2 con ajuste fino"
    assert (made / "report" / "informe.pdf").read_bytes().startswith(b"%PDF")
