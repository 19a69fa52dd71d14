"""The language model's surprise: the loss of transformers; what a text is worth, beside its baselines."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers.models import metrics
from helpers.pretraining import card


@pytest.fixture(scope="module")
def pair(toy_base):
    return AutoModelForCausalLM.from_pretrained(
        toy_base, dtype=torch.float32
    ).eval(), AutoTokenizer.from_pretrained(toy_base)


def test_the_mean_is_the_loss_of_transformers(pair):
    model, tokenizer = pair
    ids = np.array(tokenizer("fever and cough after the night")["input_ids"])
    loss = model(torch.from_numpy(ids)[None], labels=torch.from_numpy(ids)[None]).loss.item()
    nats = metrics.token_nats(model, ids)
    assert np.isnan(nats[0])
    assert nats[1:].mean() == pytest.approx(loss, rel=1e-5)


def test_a_long_text_is_cut_in_rows_and_each_first_token_left_out(pair):
    model, tokenizer = pair
    width = model.config.n_positions
    ids = np.array(tokenizer("fever " * 200)["input_ids"])[: 2 * width + 1]
    assert np.flatnonzero(np.isnan(metrics.token_nats(model, ids))).tolist() == [0, width, 2 * width]


def test_bytes_of_tokens_add_up_to_the_text(pair):
    tokenizer = pair[1]
    text = "fever — 39 °C, «dolor»"
    lengths = card.bytes_of_tokens(tokenizer)
    assert lengths[tokenizer(text)["input_ids"]].sum() == len(text.encode())
    assert lengths[tokenizer.eos_token_id] == 0


def test_repeated_runs_are_marked_whole_and_nothing_else():
    train = np.array([1, 2, 3, 4, 5, 6, 7], dtype=np.uint16)
    tokens = np.array([9, 2, 3, 4, 5, 9, 6, 7, 1], dtype=np.uint16)
    assert card.repeated(tokens, train, 3).tolist() == [False, True, True, True, True, *[False] * 4]
    assert not card.repeated(tokens[:2], train, 3).any()


def test_a_base_is_measured_beside_its_baselines_by_source(toy_base, toy_corpus, tmp_path):
    """The held-out text is new, copied from the training text, or of a source that the base has not read."""
    train = (toy_corpus / "train-00.jsonl").read_text().splitlines()
    copied = json.loads(train[0])["text"]
    facts = json.loads((toy_base / "pretraining.json").read_text())
    for file in toy_base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pretraining.json").write_text(json.dumps(facts | {"include": "^health"}))
    corpus_directory = tmp_path / "corpus"
    corpus_directory.mkdir()
    (corpus_directory / "train.jsonl").write_text("\n".join(train) + "\n")
    rows = [json.loads(line) for line in (toy_corpus / "valid.jsonl").read_text().splitlines()]
    rows += [{"text": copied, "source": "health/copy:1", "licence": "CC0"}]
    rows += [{"text": "the night after the pain", "source": "poetry/c:1", "licence": "CC0"}]
    (corpus_directory / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = card.measure(tmp_path, corpus_directory).set_index("source")
    assert set(table.index) == {
        "health/a",
        "health/copy",
        "poetry/…",
        card.ALL_READ,
        card.ALL_NEW,
        card.ALL_REST,
    }
    assert (table[["gpt2", "kneser_ney_5", "unigram"]] > 0).all(axis=None)
    assert table.loc["health/a", "repeated"] == 0
    assert table.loc["health/copy", "repeated"] > 0.9
    assert 0 < table.loc[card.ALL_READ, "repeated"] < 0.2
    assert table.loc[card.ALL_NEW, "repeated"] == 0
    assert table.loc[card.ALL_NEW, "gpt2"] == pytest.approx(table.loc["health/a", "gpt2"], rel=0.01)
    assert table.loc["health/copy", "kneser_ney_5"] < table.loc["health/a", "kneser_ney_5"]
    found = card.credits(toy_base, toy_corpus)
    assert found["documents"].sum() == 150
    assert set(found["licence"]) == {"CC0"}
