"""A toy corpus and a toy base, pre-trained in seconds by the code under test."""

import json
import os
import random
import subprocess
import sys

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from helpers.config import ROOT
from helpers.pretraining.corpus import PretrainSpec
from helpers.pretraining.pretrain import pretrain

SPEC = PretrainSpec(
    tokens=20 * 4 * 64, vocab_size=400, n_layer=2, n_embd=32, n_head=2, n_positions=64, batch_size=4
)


def torchrun(build, *arguments):
    """What two processes of one command print that share its training on CPUs and write to `build`."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {"HELPERS_BUILD": str(build), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*launcher, "-m", "helpers", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="session")
def toy_corpus(tmp_path_factory):
    """Made-up sentences as JSON Lines: a training file with two sources, and a held-out one."""
    rng, words = (
        random.Random(0),
        "fever cough pain rash night joint swelling child after before the a of with and".split(),
    )

    def lines(n, source):
        texts = (" ".join(rng.choices(words, k=60)) + "." for _ in range(n))
        return [json.dumps({"text": text, "source": source, "licence": "CC0"}) + "\n" for text in texts]

    directory = tmp_path_factory.mktemp("corpus")
    (directory / "train-00.jsonl").write_text("".join(lines(120, "health/a:1") + lines(30, "fiction/b:2")))
    (directory / "valid.jsonl").write_text("".join(lines(20, "health/a:3")))
    return directory


@pytest.fixture(scope="session")
def toy_base(toy_corpus, tmp_path_factory):
    """The directory of a finished toy base."""
    out = tmp_path_factory.mktemp("base")
    pretrain(toy_corpus, out, SPEC, compile_model=False, eval_every=5)
    return out


@pytest.fixture(scope="session")
def toy_llama(toy_base, tmp_path_factory):
    """The directory of a base of another architecture, Llama's: random weights, the toy base's tokenizer."""
    out, tokenizer = tmp_path_factory.mktemp("llama"), AutoTokenizer.from_pretrained(toy_base)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


@pytest.fixture(params=["toy_base", "toy_llama"])
def any_base(request):
    """Each of the two toy bases in turn, as a string."""
    return str(request.getfixturevalue(request.param))
