"""GPT-2 that answers with a name: what it is asked, what it is taught, and how each name is weighed."""

import numpy as np
import pytest
import torch

from helpers.analysis import probing
from helpers.arms import ARMS
from helpers.data import splits
from helpers.data.study import prepare
from helpers.models import answering, bases, finetuning, metrics
from helpers.models.task import Task

NAMES = ["gout", "migraine without aura", "flu"]


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


@pytest.fixture
def pair(any_base, monkeypatch):
    """A toy language model and its tokenizer, read in float32: the sums are compared to many digits."""
    monkeypatch.setattr(finetuning, "bf16_pays", lambda: False)
    return answering.build_lm("base", any_base, 0).eval(), bases.load_tokenizer(any_base)


def test_scratch_is_random_and_the_other_is_the_base(toy_base):
    base = str(toy_base)
    own, scratch, other = (
        answering.build_lm(a, base, s) for a, s in (("base", 0), ("random", 0), ("random", 1))
    )
    where, _ = bases.resolve_base(base)
    theirs = answering.build_lm("base", where, 5)
    assert all(torch.equal(p, q) for p, q in zip(own.parameters(), theirs.parameters(), strict=True))
    first = "transformer.h.0.mlp.c_fc.weight"
    weights = [dict(model.named_parameters())[first] for model in (own, scratch, other)]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


def test_an_example_is_text_prompt_name_and_a_stop_and_only_the_name_is_learned(pair):
    tokenizer = pair[1]
    answers = answering.encode_names(tokenizer, NAMES)
    (row,) = answering.examples(tokenizer, ["Swollen toe."], np.array([1]), answers)
    assert tokenizer.decode(row["input_ids"]) == f"Swollen toe. {answering.PROMPT} migraine without aura."
    taught = [t for t in row["labels"] if t != answering.IGNORED]
    assert tokenizer.decode(taught) == " migraine without aura."
    assert row["labels"][-len(taught) :] == taught


def test_a_text_too_long_loses_its_end_and_keeps_the_prompt(pair):
    tokenizer = pair[1]
    ids = answering.encode_prompt(tokenizer, "fever " * 500, room=7)
    assert len(ids) == 64 - 7
    assert tokenizer.decode(ids).endswith(f"fever {answering.PROMPT}")


def test_padding_takes_no_part_in_the_loss(pair):
    model, tokenizer = pair
    answers = answering.encode_names(tokenizer, NAMES)
    texts = ["fever", "cough and fever at night after the rash"]
    rows = answering.examples(tokenizer, texts, np.array([0, 1]), answers)
    collate = answering.collate(tokenizer)
    with torch.inference_mode():
        alone = [model(**collate([row])).loss.item() for row in rows]
        together = model(**collate(rows)).loss.item()
    counts = [len(answers[label]) for label in (0, 1)]
    assert together == pytest.approx(np.average(alone, weights=counts), rel=1e-5)


def test_the_vocabulary_is_scored_where_an_answer_stands_and_the_loss_is_the_same(pair):
    model, tokenizer = pair
    answers = answering.encode_names(tokenizer, NAMES)
    texts = ["fever and a cough that does not let me sleep", "fever, and a cough that does not let me sleep"]
    batch = answering.collate(tokenizer)(answering.examples(tokenizer, texts, np.array([0, 1]), answers))
    everywhere = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
    with torch.inference_mode():
        here, there = model(**batch), model(**everywhere)
    assert here.loss.item() == pytest.approx(there.loss.item(), rel=1e-6)
    assert len(here.logits) == len(answers[0]) + len(answers[1]) < there.logits.shape[1]


def test_the_names_share_a_prompt_and_score_as_one_by_one(pair, monkeypatch):
    model, tokenizer = pair
    texts = ["Swollen toe at night.", "Rash after fever."]
    found = answering.answer_logits(model, tokenizer, texts, NAMES)
    for i, text in enumerate(texts):
        for j, name in enumerate(NAMES):
            before, both = (tokenizer(answering.prompt(text) + end)["input_ids"] for end in ("", f" {name}."))
            nats = metrics.token_nats(model, np.array(both))[len(before) :].sum()
            assert found[i, j] == pytest.approx(-nats, rel=1e-4)
    alone = answering.answer_logits(model, tokenizer, texts[1:], NAMES[:1])
    assert alone[0, 0] == pytest.approx(found[1, 0], rel=1e-5)
    # rows as short as the longest name, scores of few tokens at once: packing must change nothing
    monkeypatch.setattr(answering, "PACKED", 2)
    monkeypatch.setattr(answering, "AT_ONCE", 3)
    np.testing.assert_allclose(answering.answer_logits(model, tokenizer, texts, NAMES), found, rtol=1e-5)


def test_it_learns_to_answer_and_its_run_rebuilds_it(study, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "weigh", lambda *arguments: 0.5)
    base, labels = study.profile.base, splits.label_classes(study.split)[:3]
    split = study.split[study.split["label"].isin(labels)]
    text = dict(zip(labels, ("fever fever fever", "rash rash rash", "cough cough cough"), strict=True))
    split = split.assign(text=split["label"].map(text))
    result = answering.train(Task(split, ARMS["gpt2_lm"], 1e-3, 0, 20, base, NAMES, tmp_path))
    assert (result["test_logits"].argmax(axis=1) == splits.side(split, "test")[1]).mean() > 0.9
    arrays = result["arrays"]
    again, tokenizer = answering.rebuild(arrays, base), bases.load_tokenizer(base)
    logits = answering.answer_logits(again, tokenizer, splits.side(split, "test")[0], NAMES)
    logits -= 0.5 * arrays["prior"]
    assert arrays["weight"] == 0.5
    assert np.ptp(arrays["prior"]) > 1
    np.testing.assert_allclose(logits, result["test_logits"], atol=0.2)  # kept and read in half precision
    assert [row["epoch"] for row in result["history"]] == list(range(1, 21))
    assert result["history"][-1]["valid_loss"] < result["history"][0]["valid_loss"]


def test_the_share_of_the_prior_is_the_one_that_ranks_validation_best():
    labels, prior = np.array([0, 1, 2]), np.array([-1.0, -5.0, -9.0])
    evidence = 6 * np.eye(3)  # each text adds to its own name
    assert answering.weigh(evidence + prior, prior, labels) == 0.5  # the least that puts all in front
    assert answering.weigh(evidence, prior, labels) == 0
    assert answering.weigh(np.zeros((0, 3)), prior, labels[:0]) == 1


def test_names_are_packed_whole_and_every_token_is_there_once():
    answers = [[5, 6, 0], [7, 0], [8, 9, 10, 0], [11, 0], [12, 13, 14, 15, 0]]
    packed = answering.pack(answers, room=4)
    assert packed["inputs"].shape == packed["owner"].shape == (3, 4)
    for number, answer in enumerate(answers):
        rows, places = np.nonzero(packed["owner"] == number)
        assert len(set(rows)) == 1
        assert packed["inputs"][rows, places].tolist() == answer[:-1]
        assert packed["nexts"][rows, places].tolist() == answer[1:]
        assert packed["place"][rows, places].tolist() == list(range(len(answer) - 1))
    assert (packed["nexts"][packed["owner"] == -1] == answering.IGNORED).all()


def test_without_training_it_is_the_base_and_its_prior_is_the_prompt_alone(study, tmp_path):
    base, labels = study.profile.base, splits.label_classes(study.unseen_split)
    names, split = study.answers_of(study.unseen_split), study.unseen_split
    result = answering.train(Task(split, ARMS["gpt2_lm_zero"], base=base, names=names, work=tmp_path))
    model, tokenizer = answering.rebuild(result["arrays"], base), bases.load_tokenizer(base)
    assert result["history"] == []
    assert set(result["arrays"]) == {"prior", "weight"}  # the base's weights are kept elsewhere
    assert result["test_logits"].shape == (len(splits.side(split, "test")[0]), len(labels))
    asked = answering.answer_logits(model, tokenizer, [""], names)[0]
    np.testing.assert_allclose(result["arrays"]["prior"], asked, rtol=1e-5)


def test_what_is_written_ends_with_the_name_and_each_part_has_its_own_perplexity(pair):
    model, tokenizer = pair
    answers = answering.encode_names(tokenizer, ["acne", "gout"])
    texts, labels = ["fever at night and a cough", "skin"], np.array([0, 1])
    said = probing.reply(model, tokenizer, texts[0], answers)
    assert answering.END not in said
    assert len(tokenizer(said)["input_ids"]) <= 14
    found = probing.token_perplexities(model, tokenizer, texts, labels, answers)
    nats = {part: [] for part in probing.PARTS}
    for text, label in zip(texts, labels, strict=True):
        own, asked = tokenizer(text)["input_ids"], tokenizer(answering.prompt(text))["input_ids"]
        each = metrics.token_nats(model, np.array([*asked, *answers[label]]))
        nats["text"] += [*each[1 : len(own)]]
        nats["first"] += [each[len(asked)]]
        nats["rest"] += [*each[len(asked) + 1 :]]
    assert found == pytest.approx({part: np.exp(np.mean(own)) for part, own in nats.items()}, rel=1e-4)
