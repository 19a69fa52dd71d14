"""What a pre-trained base is worth beside n-grams and compressors on held-out text, and its model card."""

import gzip
import json
import lzma
import math
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..config import ROOT, InputError
from ..files import replacing, write_text
from ..models.metrics import bits_per_byte
from . import corpus
from .contamination import RECORD, N, run_hashes


def unigram_nats(train: np.ndarray, held_out: np.ndarray, vocab_size: int) -> np.ndarray:
    """Surprise of each held-out token under the training frequencies (add-one): (n,) float64 nats."""
    counts = np.bincount(train, minlength=vocab_size) + 1
    return -np.log(counts / counts.sum())[held_out]


class KneserNey:
    """Interpolated modified Kneser-Ney of the given order.

    After Chen and Goodman 1999, Computer Speech & Language 13, section 3.2. An n-gram is numbered by the pair
    (number of its first n-1 tokens, last token), so a level is one sorted array of pairs and a text is looked
    up with one `searchsorted` a level. `tokens`: (n,) integers below `vocab_size`, documents one after the
    other with their end-of-text tokens.
    """

    def __init__(self, tokens: np.ndarray, vocab_size: int, order: int = 5):
        self.vocab_size, self.levels = vocab_size, []
        tokens = np.asarray(tokens, dtype=np.int64)
        # of each token: the number of the n-1 tokens before it
        prefix = np.zeros(len(tokens) + 1, dtype=np.int64)
        numbers, firsts, counts = [], [], []
        for n in range(1, order + 1):
            # prefix[i] belongs to the n-1 tokens that end before tokens[i + n - 1]
            pairs = prefix[: len(tokens) - n + 1] * vocab_size + tokens[n - 1 :]
            keys, first, prefix, count = np.unique(
                pairs, return_index=True, return_inverse=True, return_counts=True
            )
            numbers.append(prefix)
            firsts.append(first)
            counts.append(count)
            self.levels.append({"keys": keys})
        for n in range(1, order):
            # Below the highest order an n-gram counts once for each distinct token before it: once a longer
            # n-gram.
            suffixes = numbers[n - 1][firsts[n] + 1]
            counts[n - 1] = np.bincount(suffixes, minlength=len(counts[n - 1]))
        for level, count in zip(self.levels, counts, strict=True):
            level |= self._weights(level["keys"], count)

    def _weights(self, keys: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Each n-gram's discounted share `p` of its prefix, and each prefix's mass `left`.

        The mass is left for the shorter n-gram.
        """
        n1, n2, n3, n4 = (max(1, int((counts == c).sum())) for c in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        # Never quite 0, even where such counts of counts are missing: something must be left for what was not
        # seen.
        estimates = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        discounts = np.clip(estimates, [0, 0.1, 0.1, 0.1], [0, 1, 2, 3])
        cut = np.minimum(discounts[np.minimum(counts, 3)], counts)
        prefix = keys // self.vocab_size
        total, mass = (np.bincount(prefix, weights=weight) for weight in (counts, cut))
        # A prefix whose n-grams all count 0 (it stands at the very start of the text only) leaves everything
        # to the shorter one.
        left = np.divide(mass, total, out=np.ones_like(mass), where=total > 0)
        share = np.divide(counts - cut, total[prefix], out=np.zeros(len(keys)), where=total[prefix] > 0)
        return {"p": share, "left": left}

    def nats(self, tokens: np.ndarray) -> np.ndarray:
        """Surprise of each token given those before it: (n,) float64 nats."""
        tokens = np.asarray(tokens, dtype=np.int64)
        p = np.full(len(tokens), 1 / self.vocab_size)
        # number of the n-1 tokens before each token; -1: not seen
        prefix = np.zeros(len(tokens), dtype=np.int64)
        for level in self.levels:
            pairs = prefix * self.vocab_size + tokens
            place = np.searchsorted(level["keys"], pairs).clip(max=len(level["keys"]) - 1)
            found = (prefix >= 0) & (level["keys"][place] == pairs)
            known = (prefix >= 0) & (prefix < len(level["left"]))
            left = np.where(known, level["left"][np.where(known, prefix, 0)], 1.0)
            p = np.where(found, level["p"][place], 0.0) + left * p
            prefix = np.concatenate([[-1], np.where(found, place, -1)[:-1]])
        return -np.log(p)


# Rows of bits_per_byte.csv: all held-out text of sources that the model has read of; that without what recurs
# in its reading; the rest.
ALL_READ, ALL_NEW, ALL_REST = "all of these", "all of these, but for repeated runs", "all of the others"
OTHERS = ("unigram", "gzip", "xz", "kneser_ney_5")  # who else predicts the held-out text
STAGES = 4  # samples shown, from the first evaluation to the last
CHOICES = ROOT / "benchmarks" / "pretrain_choices.csv"  # the small runs that chose the shape


def bytes_of_tokens(tokenizer) -> np.ndarray:
    """UTF-8 bytes that each token id stands for, (vocabulary,) int64; special tokens stand for none."""
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    # Byte-level BPE spells each byte with one character.
    return np.array([0 if i in tokenizer.all_special_ids else len(piece) for i, piece in enumerate(pieces)])


def repeated(tokens: np.ndarray, train: np.ndarray, n: int = N) -> np.ndarray:
    """(len(tokens),) bool: the token lies in a run of `n` tokens that is also in `train` (hashes decide)."""
    starts = np.isin(run_hashes(tokens, n), run_hashes(train, n))
    covered = np.zeros(len(tokens), dtype=bool)
    for place in range(n):
        covered[place : place + len(starts)] |= starts
    return covered


def shown_source(source: str, read: bool) -> str:
    """The repository of a source that the model has read; of any other only the owner."""
    return source.split(":")[0] if read else source.split("/")[0] + "/…"


def measure(base: Path, directory: Path) -> pd.DataFrame:
    """Bits per byte of the corpus's held-out documents, by source and in all.

    Columns: `source`, `read`, `bytes`, `repeated`, `gpt2`, `kneser_ney_5`, `unigram`, `xz`, `gzip`. GPT-2,
    the n-grams and the unigram predict the same tokens; the n-grams have counted the text that the model was
    trained on. `gzip` and `xz` compress each source's held-out text by itself: they have read nothing else.
    `repeated` is the share of tokens in runs that the training text holds too; a row of its own leaves those
    tokens out.
    """
    include = json.loads((base / "pretraining.json").read_text(encoding="utf-8"))["include"]
    held_out = corpus.read_corpus(directory, "", validation=True)
    held_out["read"] = held_out["source"].str.contains(include, regex=True)
    known = zip(held_out["source"], held_out["read"], strict=True)
    held_out["source"] = [shown_source(source, read) for source, read in known]
    tokens = predict_tokens(base, corpus.read_corpus(directory, include, validation=False), held_out)
    raw = {name: "\n".join(texts).encode() for name, texts in held_out.groupby("source")["text"]}
    rows = [score(name, table, raw[name]) for name, table in tokens.groupby("source")]
    for name, which in (
        (ALL_READ, tokens["read"]),
        (ALL_NEW, tokens["read"] & ~tokens["known"]),
        (ALL_REST, ~tokens["read"]),
    ):
        if which.any():
            whole = b"\n".join(raw[source] for source in tokens.loc[which, "source"].unique())
            rows.append(score(name, tokens[which], None if name == ALL_NEW else whole))
    return pd.DataFrame(rows).sort_values(["read", "bytes"], ascending=False, ignore_index=True)


def predict_tokens(base: Path, train: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """One row a held-out token, with the surprise of each model at it.

    Columns: `source`, `read`, `id`, `length` (bytes), `known` (it lies in a run that `train` holds too), and
    the surprise in nats of `gpt2`, `kneser_ney_5` and `unigram`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ..models.metrics import token_nats

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype="float32").eval()
    stream = corpus.token_stream(train["text"], tokenizer)
    ngrams, lengths = KneserNey(stream, len(tokenizer)), bytes_of_tokens(tokenizer)
    parts = []
    for (read, name), group in held_out.groupby(["read", "source"]):
        tokens = corpus.token_stream(group["text"], tokenizer)
        table = pd.DataFrame({"source": name, "read": read, "id": tokens, "length": lengths[tokens]})
        table["gpt2"], table["kneser_ney_5"] = token_nats(model, tokens), ngrams.nats(tokens)
        parts.append(table.assign(unigram=unigram_nats(stream, tokens, len(tokenizer))))
        print(f"  {name}: {len(tokens):,} tokens", flush=True)
    tokens = pd.concat(parts, ignore_index=True)
    return tokens.assign(known=repeated(tokens["id"].to_numpy(), stream))


def score(name: str, tokens: pd.DataFrame, text: bytes | None) -> dict:
    """A row of `measure` from tokens of `predict_tokens`; text: what the compressors are given, if at all."""
    predicted = tokens.dropna(subset=["gpt2"])
    row = {"source": name, "read": bool(tokens["read"].iloc[0]), "bytes": int(tokens["length"].sum())}
    row["repeated"] = float(tokens["known"].mean())
    for model in ("gpt2", "kneser_ney_5", "unigram"):
        row[model] = bits_per_byte(predicted[model].sum(), predicted["length"].sum())
    if text is not None:
        for compressor in (lzma, gzip):
            key = {lzma: "xz", gzip: "gzip"}[compressor]
            row[key] = 8 * len(compressor.compress(text)) / len(text)
    return row


def credits(base: Path, directory: Path) -> pd.DataFrame:
    """What the model was trained on, one row a repository, the largest first.

    Columns: `source` (repository), `licence`, `documents`, `bytes`.
    """
    include = json.loads((base / "pretraining.json").read_text(encoding="utf-8"))["include"]
    read = corpus.read_corpus(directory, include, validation=False)
    read["bytes"] = read["text"].str.encode("utf-8").str.len()
    read["source"] = read["source"].str.split(":").str[0]
    table = read.groupby("source").agg(
        licence=("licence", lambda found: ", ".join(sorted(set(found)))),
        documents=("bytes", "size"),
        bytes=("bytes", "sum"),
    )
    return table.sort_values("bytes", ascending=False).reset_index()


def write(base: Path, directory: Path) -> None:
    """Measures the base on the corpus and writes the tables and the card into its directory.

    The tables are `bits_per_byte.csv` and `credits.csv`. Raises InputError when the base brings no record of
    its pre-training.
    """
    for name in ("pretraining.json", "pretraining.csv"):
        if not (base / name).is_file():
            raise InputError(
                f"{base}: {name} is missing; restore it or make the base with `python -m helpers pretrain`"
            )
    for name, table in (
        ("bits_per_byte", measure(base, directory).round(4)),
        ("credits", credits(base, directory)),
    ):
        with replacing(base / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    write_text(base / "README.md", render(base))


def records(base: Path) -> dict | None:
    """What is on record about a base's pre-training; None where a part is missing.

    Parts: `facts`, and the tables `curve`, `bits`, `credits`.
    """
    names = ("pretraining.json", "pretraining.csv", "bits_per_byte.csv", "credits.csv")
    if not all((base / name).is_file() for name in names):
        return None
    return {
        "facts": json.loads((base / "pretraining.json").read_text(encoding="utf-8")),
        "curve": pd.read_csv(base / "pretraining.csv").dropna(subset=["valid_loss"]),
        "bits": pd.read_csv(base / "bits_per_byte.csv"),
        "credits": pd.read_csv(base / "credits.csv"),
    }


def others(known: dict) -> dict[str, float]:
    """Bits per byte of the held-out text by what predicts it besides the base (see `records`)."""
    row = known["bits"].query("source == @ALL_READ").iloc[0]
    return {name: float(row[name]) for name in OTHERS}


def stages(curve: pd.DataFrame) -> pd.DataFrame:
    """The rows of `STAGES` evaluations, from the first to the last.

    Between these two, each has a constant multiple of the tokens before.
    """
    wanted = np.geomspace(curve["tokens"].iloc[1], curve["tokens"].iloc[-1], STAGES - 1)
    places = [0, *(int(np.abs(curve["tokens"] - tokens).argmin()) for tokens in wanted)]
    return curve.iloc[sorted(set(places))]


def render(base: Path) -> str:
    """The model card: the template filled with what is on record in the base's directory.

    It holds no number of its own.
    """
    known = records(base)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("card.md.j2").render(
        facts=known["facts"],
        samples=stages(known["curve"]).to_dict("records"),
        choices=pd.read_csv(CHOICES).to_dict("records") if CHOICES.is_file() else [],
        contamination=json.loads(RECORD.read_text(encoding="utf-8")),
        constant=falling(known["curve"], known["facts"]),
        **{name: known[name].to_dict("records") for name in ("curve", "bits", "credits")},
    )


def falling(curve: pd.DataFrame, facts: dict) -> float:
    """Nats by which the held-out loss fell in the last quarter of the steps before the decay.

    The decay is that of the learning rate. NaN where fewer than two evaluations lie there.
    """
    end = (1 - facts["decay"]) * facts["steps"]
    loss = curve.loc[curve["step"].between(0.75 * end, end), "valid_loss"]
    return float(loss.iloc[0] - loss.iloc[-1]) if len(loss) > 1 else math.nan
