"""GPT-2 from the Hub through the same code as the shipped base.

A made-up checkpoint of its layout, over HTTP on loopback.
"""

import json
import os
import subprocess
import sys

import pytest
from safetensors.torch import save
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers.models.bases import GPT2_REVISIONS
from tests.hub import Hub, serve

(REPOSITORY, REVISION), *_ = GPT2_REVISIONS.items()
CHECK = f"""
import numpy as np, torch
from helpers.analysis import embeddings
from helpers.arms import ARMS
from helpers.models import bases, classifier
from helpers.models.bases import check_base
base = {REPOSITORY!r}
check_base(base)
arms = (ARMS["gpt2_finetuned"], ARMS["gpt2_scratch"])
tuned, scratch = (classifier.build(arm, base, list("abc"), 0) for arm in arms)
words = embeddings.gpt2_words(base)
tokenizer = bases.load_tokenizer(base)
assert tokenizer.pad_token_id == tuned.body.config.pad_token_id is not None
assert tokenizer.padding_side == "right"
row = tokenizer(" " + words.index[0])["input_ids"]
assert np.allclose(words.iloc[0].to_numpy(), tuned.body.wte.weight[row[0]].detach().numpy())
assert not torch.equal(tuned.body.wte.weight, scratch.body.wte.weight)
shape = classifier.logits_of(tuned, tokenizer, ["fever and cough at night"]).shape
print(shape, float(tuned.body.wte.weight.sum()))
"""


@pytest.fixture
def hub(toy_base):
    """The toy base in the layout of GPT-2's own repository.

    Keys without `transformer.`, no pad token, old tokenizer files too.
    """
    model, tokenizer = AutoModelForCausalLM.from_pretrained(toy_base), AutoTokenizer.from_pretrained(toy_base)
    config = json.loads((toy_base / "config.json").read_text())
    config.pop("pad_token_id", None)
    bpe = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    merges = "\n".join(pair if isinstance(pair, str) else " ".join(pair) for pair in bpe["merges"])
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": save(
            {k: v.contiguous() for k, v in model.transformer.state_dict().items()}, metadata={"format": "pt"}
        ),
        "tokenizer.json": (toy_base / "tokenizer.json").read_bytes(),
        "tokenizer_config.json": json.dumps(
            {"model_max_length": 64, "tokenizer_class": "GPT2Tokenizer"}
        ).encode(),
        "vocab.json": json.dumps(bpe["vocab"]).encode(),
        "merges.txt": f"#version: 0.2\n{merges}\n".encode(),
    }
    hub = Hub()
    hub.add(REPOSITORY, REVISION, files, kind="models")
    return hub, float(model.transformer.wte.weight.detach().float().sum())


def call(home, endpoint, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE"))}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint}
    return subprocess.run(
        [sys.executable, "-c", CHECK], env=clean | environment, capture_output=True, text=True, timeout=180
    )


def test_both_starting_points_are_built_from_the_pinned_revision_and_then_offline(hub, tmp_path):
    hub, total = hub
    with serve(hub) as endpoint:
        first = call(tmp_path, endpoint)
        assert first.returncode == 0, first.stderr[-2000:]
        shape, weight = first.stdout.rsplit(" ", 1)
        assert shape == "(1, 3)"
        assert float(weight) == pytest.approx(total, abs=1e-3)
        assert all(f"/{REVISION}/" in path for path in hub.requests if "/resolve/" in path)
        assert hub.downloads("model.safetensors") == 1
    offline = call(tmp_path, endpoint, HF_HUB_OFFLINE="1")
    assert offline.stdout == first.stdout, offline.stderr[-2000:]


def test_another_commit_is_not_taken(hub, tmp_path):
    hub, _ = hub
    hub.repositories[REPOSITORY]["commit"] = "a" * 40
    with serve(hub) as endpoint:
        done = call(tmp_path, endpoint)
    assert done.returncode == 1
    assert "cannot be had from the Hugging Face Hub" in done.stderr
    assert hub.downloads("model.safetensors") == 0
