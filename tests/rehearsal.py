"""A dress rehearsal of the profile `full`, without the Hub and in hours instead of days: `make rehearse`.

    python -m tests.rehearsal [--small]

A Hub on loopback serves a checkpoint of exactly GPT-2's shape (124 M random weights, 50,257 tokens, its
repository's files) and a table of the Mayo pages' shape (1,058 made-up pages, one a label). The profile
`rehearsal` takes them as `full` would take the real ones, through all notebooks to the PDFs, but trains each
arm once, for one epoch, on one text a label. Says of each step how long it took and the most memory that its
processes held. `--small`: the same with a network of one layer and 40 pages, in minutes.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from helpers.config import BUILD, ROOT, InputError
from helpers.data.sources import MAYO
from helpers.models.bases import GPT2_REVISIONS
from helpers.notebooks.documents import check_tools
from tests.hub import Hub, serve

PLACE = BUILD / "rehearsal"
PAGES, TOKENS = 1058, 50_257
SHORTEST, TYPICAL, LONGEST = 90, 140, 1100  # words of a page: least, median, most
END = "<|endoftext|>"


def made_up_pages(number: int = PAGES) -> pd.DataFrame:
    """A table of the Mayo pages' shape: `text`, `label` (a slug), one page a label, scraped and not cleaned.

    Lengths are log-normal, as words are; each page has words of its own beside common ones.
    """
    rng = np.random.default_rng(0)
    syllables = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]
    words = np.array(["".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(6000)])
    common = np.array(pd.read_csv(ROOT / "data" / "symptoms.csv")["text"].str.cat(sep=" ").split())
    lengths = np.clip(rng.lognormal(np.log(TYPICAL), 0.6, number), SHORTEST, LONGEST).astype(int)
    lengths[0] = LONGEST
    pages = [scraped(int(length), common, rng.choice(words, 40, replace=False), rng) for length in lengths]
    labels = [f"{words[2 * i]}-{words[2 * i + 1]}-{i}" for i in range(number)]
    return pd.DataFrame({"text": pages, "label": labels})


def scraped(length: int, common: np.ndarray, own: np.ndarray, rng: np.random.Generator) -> str:
    """A page of so many words, with what a scraper leaves: bullets, captions, entities, `\\r\\n`."""
    parts, left = ["Overview\r\nSymptoms &amp; causes\r\n\tEnlarge image\r\n"], length
    while left > 0:
        size = int(min(left, rng.integers(6, 22)))
        chosen = np.where(rng.random(size) < 0.03, rng.choice(own, size), rng.choice(common, size))
        bullet = "\t- " if rng.random() < 0.3 else ""
        parts.append(f"{bullet}{' '.join(chosen).strip(' .,;').capitalize()}.\r\n")
        left -= size
    return "".join([*parts, "Open pop-up dialog box\r\n\r\nClose\r\n"])


def byte_level_bpe(tokens: int = TOKENS) -> tuple[dict[str, int], list[str]]:
    """A vocabulary of exactly so many tokens and its merges, `END` last, as GPT-2's: (vocabulary, merges).

    What our own texts do not fill is filled with merges of what stands together nowhere.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned.decoder = decoders.ByteLevel()
    texts = [pd.read_csv(ROOT / "data" / f"{name}.csv")["text"] for name in ("symptoms", "patients")]
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=min(8000, tokens - 1), initial_alphabet=sorted(letters), show_progress=False
    )
    learned.train_from_iterator(pd.concat(texts), trainer)
    told = json.loads(learned.to_str())["model"]
    vocabulary = dict(told["vocab"])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in told["merges"]]
    whole = [token for token in vocabulary if token.startswith("Ġ")]
    for left, right in product(whole, whole):  # a space begins a word, so no word holds two
        if len(vocabulary) == tokens - 1:
            break
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append(f"{left} {right}")
    vocabulary[END] = len(vocabulary)
    assert len(vocabulary) == tokens
    return vocabulary, merges


def checkpoint(**shape) -> dict[str, bytes]:
    """The files of GPT-2's repository, with random weights. shape: of its configuration what is other."""
    import torch
    from safetensors.torch import save
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel

    vocabulary, merges = byte_level_bpe()
    fast = Tokenizer(models.BPE(vocabulary, [tuple(pair.split(" ")) for pair in merges]))
    fast.pre_tokenizer, fast.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast.add_special_tokens([END])
    torch.manual_seed(0)
    ends = {"bos_token_id": TOKENS - 1, "eos_token_id": TOKENS - 1}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=TOKENS, **ends, **shape))
    weights = {name: tensor.contiguous() for name, tensor in model.transformer.state_dict().items()}
    settings = {"model_max_length": model.config.n_positions, "tokenizer_class": "GPT2Tokenizer"}
    return {
        "config.json": model.config.to_json_string().encode(),
        "model.safetensors": save(weights, metadata={"format": "pt"}),
        "tokenizer.json": fast.to_str().encode(),
        "tokenizer_config.json": json.dumps(settings).encode(),
        "vocab.json": json.dumps(vocabulary).encode(),
        "merges.txt": "\n".join(["#version: 0.2", *merges, ""]).encode(),
    }


def hub_of(small: bool) -> Hub:
    """The Hub that serves both."""
    (repository, revision), *_ = GPT2_REVISIONS.items()
    table = io.BytesIO()
    made_up_pages(40 if small else PAGES).to_parquet(table, index=False)
    hub = Hub()
    shape = {"n_layer": 1, "n_embd": 32, "n_head": 2} if small else {}
    hub.add(repository, revision, checkpoint(**shape), kind="models")
    files = {
        "data/train-00000-of-00001.parquet": table.getvalue(),
        "README.md": b"---\nlicense: other\n---\n",
    }
    hub.add(MAYO["path"], MAYO["revision"], files)
    return hub


def rehearse(command: list[str], environment: dict[str, str], log: Path) -> Iterator[str]:
    """Runs a command; its lines, each with the seconds since it began and the most GiB it has held.

    RuntimeError, naming the log, where it fails.
    """
    began, most = time.monotonic(), [0.0]
    with (
        log.open("a", encoding="utf-8") as out,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        threading.Thread(target=watch, args=(process, most), daemon=True).start()
        for line in process.stdout:
            told = f"{time.monotonic() - began:7.0f} s {most[0]:5.1f} GiB | {line.rstrip()}"
            print(told, file=out, flush=True)
            yield told
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}; see {log}")


def watch(process: subprocess.Popen, most: list[float]) -> None:
    """Keeps in `most` the largest memory that a process and those it started held together, in GiB."""
    while process.poll() is None:
        try:
            family = [psutil.Process(process.pid)]
            held = sum(one.memory_info().rss for one in [*family, *family[0].children(recursive=True)])
        except psutil.NoSuchProcess:
            return
        most[0] = max(most[0], held / 2**30)
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a network of one layer, 40 pages")
    small = parser.parse_args().small
    try:
        check_tools()  # its last step needs LaTeX, and the first ones take hours
    except InputError as error:
        sys.exit(str(error))
    place = PLACE / "small" if small else PLACE
    shutil.rmtree(place / "hub", ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE"))}
    helpers = [sys.executable, "-u", "-m", "helpers"]
    with serve(hub_of(small)) as endpoint:
        environment = clean | {"HF_ENDPOINT": endpoint, "HF_HOME": str(place / "hub")}
        environment["HELPERS_BUILD"] = str(place / "build")
        made = place / "build" / "outputs" / "rehearsal-mayo"
        for command in (
            [*helpers, "audit", "--data", "mayo"],
            [*helpers, "run", "--profile", "rehearsal"],
            [*helpers, "grid", "--profile", "full", "--status"],
            [*helpers, "report", "--results", str(made)],
        ):
            print(" ".join(["python", *command[2:]]), flush=True)
            for line in rehearse(command, environment, place / "log"):
                print(line, flush=True)
    held = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 2**30
    print(f"{held:.1f} GiB on the disk, in {place}\nthe log is {place / 'log'}")


if __name__ == "__main__":
    main()
