"""SmolLM2 out of its wheel: the right file or none, unpacked once, with the numbers that were packed."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.arms import ARMS
from helpers.config import InputError
from helpers.data.study import prepare
from helpers.models import bases, classifier, smollm2
from helpers.models.task import Task

ODD = [
    "Fièvre à 39,5 °C — “très” fatiguée…",
    "tabs\tand\nnewlines  and   spaces",
    "体温が高い 🤒 und Übelkeit",
    "a" * 300,
    " leading and trailing ",
]
TEXTS = [
    "My knee swelled up overnight.",
    "Itchy.",
    "I cough all night and my chest hurts when I breathe in deeply.",
]
needed = pytest.mark.skipif(smollm2.packed() is None, reason=smollm2.MISSING)


@pytest.fixture(scope="module")
def base():
    """The unpacked model: that of the build directory, where it is made once."""
    return smollm2.unpack()


@needed
def test_it_is_loaded_by_the_code_that_loads_the_others(base):
    assert bases.resolve_base("smollm2") == (str(base), None)
    bases.check_base("smollm2")
    assert {file.suffix for file in base.iterdir()} <= {".json", ".safetensors", ".jinja"}
    assert bases.base_hash("smollm2") == smollm2.HASH[:12]


@needed
def test_the_tokenizer_gives_back_odd_text(base):
    tokenizer = bases.load_tokenizer("smollm2")
    for text in ODD:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.pad_token_id is not None
    assert tokenizer.padding_side == "right"


@needed
def test_unpacked_it_has_the_logits_of_the_packed_one(base):
    from transformers import AutoModelForCausalLM

    file = smollm2.packed()
    packed = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    plain = bases.start_model("lm", "base", "smollm2", 0)
    ids = bases.load_tokenizer("smollm2")(TEXTS[2], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        theirs, ours = (model.eval()(ids).logits for model in (packed, plain))
    assert torch.equal(theirs, ours)
    assert not hasattr(plain.config, "quantization_config")
    assert plain.get_output_embeddings().weight is plain.get_input_embeddings().weight


@needed
def test_padding_length_and_company_change_nothing(base):
    model = classifier.build(ARMS["smollm2_finetuned"], "smollm2", list("abcd"), 0).eval()
    tokenizer = bases.load_tokenizer("smollm2")
    alone = classifier.logits_of(model, tokenizer, TEXTS, batch_size=1)
    scale = np.abs(alone).max()
    np.testing.assert_allclose(
        alone, classifier.logits_of(model, tokenizer, TEXTS, batch_size=3), atol=1e-4 * scale
    )
    for side in ("left", "right"):
        tokenizer.padding_side = side
        wide = tokenizer(TEXTS, padding="max_length", max_length=40, return_tensors="pt")
        with torch.inference_mode():
            np.testing.assert_allclose(alone, model(**wide)["logits"].numpy(), atol=1e-4 * scale)


@needed
def test_a_truncated_or_altered_file_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    whole = smollm2.packed().read_bytes()
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 1
    monkeypatch.setattr(smollm2, "BUILD", tmp_path)
    for content in (whole[: len(whole) // 2], bytes(altered)):
        file = tmp_path / smollm2.FILE
        file.write_bytes(content)
        monkeypatch.setattr(smollm2, "packed", lambda file=file: file)
        with pytest.raises(InputError, match="SHA-256 differs.*install it again"):
            bases.resolve_base("smollm2")
        assert not smollm2.unpacked().exists()


def finetune(work):
    """Three epochs of SmolLM2 on three diseases; its answers and history in `work`/result.npz."""
    study = prepare("quick")
    labels = sorted(set(study.split["label"]))[:3]
    split = study.split[study.split["label"].isin(labels)].reset_index(drop=True)
    arm = ARMS["smollm2_finetuned"]
    result = classifier.train(Task(split, arm, 1e-4, 0, 3, "smollm2", work=work / "task", anew=True))
    history = [row | {"seconds": 0.0} for row in result["history"]]
    np.savez(work / "result.npz", logits=result["test_logits"], history=json.dumps(history))


@needed
@pytest.mark.slow
def test_a_fine_tuning_killed_at_random_moments_ends_with_the_same_numbers(base, tmp_path):
    spawn = multiprocessing.get_context("spawn")

    def run(work, seconds):
        """One process, killed after so many seconds: whether it was done before."""
        process = spawn.Process(target=finetune, args=(work,))
        process.start()
        process.join(seconds)
        process.kill()
        process.join()
        return process.exitcode == 0

    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    began = time.monotonic()
    assert run(tmp_path / "whole", None)
    lasted, rng, kills = time.monotonic() - began, np.random.default_rng(), []
    for _ in range(3):
        kills.append(rng.uniform(0.3, 0.9) * lasted)
        if run(tmp_path / "killed", kills[-1]):
            break
    (tmp_path / "killed" / "result.npz").unlink(missing_ok=True)
    assert run(tmp_path / "killed", None)
    whole, again = (np.load(tmp_path / name / "result.npz") for name in ("whole", "killed"))
    assert np.array_equal(whole["logits"], again["logits"]), kills
    assert str(whole["history"]) == str(again["history"]), kills


def test_where_it_is_not_installed_the_way_to_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(smollm2, "BUILD", tmp_path)
    monkeypatch.setattr(smollm2, "packed", lambda: None)
    assert not smollm2.available()
    with pytest.raises(InputError, match="--base smollm2: .*make llm"):
        bases.resolve_base("smollm2")


def test_a_conversion_that_was_cut_short_leaves_nothing_half(tmp_path, monkeypatch):
    monkeypatch.setattr(smollm2, "BUILD", tmp_path)
    monkeypatch.setattr(smollm2, "packed", lambda: Path(os.devnull))
    monkeypatch.setattr(smollm2, "find_spec", lambda name: True)
    monkeypatch.setattr(smollm2, "sha256", lambda file: smollm2.HASH)

    def cut_short(file, directory):
        directory.mkdir()
        (directory / "config.json").write_text("{")
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert", cut_short)
    with pytest.raises(KeyboardInterrupt):
        smollm2.unpack()
    assert [file.name for file in (tmp_path / "bases").iterdir()] == ["smollm2.lock"]
