"""What fine-tuning takes from a language model and gives it: surprise at domain and general text."""

import numpy as np
import pandas as pd

from ..arms import ARMS
from ..config import ROOT
from ..data import splits
from ..data.study import Study
from ..experiments.derived import derived
from ..experiments.plan import results
from ..experiments.records import load_arrays
from ..experiments.specs import RunSpec
from ..models import answering, bases, metrics
from ..models.metrics import bits_per_byte
from .intervals import REPLICATES, draw_rows, interval


def general_texts() -> list[str]:
    """Passages on anything but health (data/general.csv), written for this project."""
    return pd.read_csv(ROOT / "data" / "general.csv")["text"].tolist()


def text_surprise(model, tokenizer, texts: list[str]) -> pd.DataFrame:
    """One row a text, each read after the tokenizer's end token: `nats` (sum), `tokens`, `bytes` (UTF-8)."""
    rows = []
    for text in texts:
        ids = np.array([tokenizer.eos_token_id, *tokenizer(text)["input_ids"]])
        rows.append((float(np.nansum(metrics.token_nats(model, ids))), len(ids) - 1, len(text.encode())))
    return pd.DataFrame(rows, columns=["nats", "tokens", "bytes"])


def token_perplexity(rows: pd.DataFrame) -> float:
    """exp of the mean nats a token; only comparable between models that share a tokenizer."""
    return float(np.exp(rows["nats"].sum() / rows["tokens"].sum()))


def text_bits(rows: pd.DataFrame) -> float:
    """Bits that the model needs for a byte of the texts; comparable between tokenizers too."""
    return float(bits_per_byte(rows["nats"].sum(), rows["bytes"].sum()))


def base_bits(base: str, texts: list[str]) -> float:
    """`text_bits` of a base as it is."""
    model = answering.build_lm("base", base, 0).eval()
    return text_bits(text_surprise(model, bases.load_tokenizer(base), texts))


def change(
    before: list[pd.DataFrame], after: list[pd.DataFrame], groups: np.ndarray | None = None
) -> dict[str, float]:
    """Bits per byte and token perplexity of the same texts before and after, and what changed.

    All are means over models (seeds). Keys: bits_before, bits_after, perplexity_before, perplexity_after;
    `change` in bits per byte with its 95 % interval `low`, `high` (texts and models resampled, the same texts
    before and after). groups: texts of one group, of one page say, are drawn together.
    """
    rng = np.random.default_rng(0)
    texts = draw_rows(np.arange(len(before[0])) if groups is None else groups, rng)

    def resampled(runs: list[pd.DataFrame]) -> np.ndarray:
        bits = np.stack(
            [texts @ (r["nats"].to_numpy() / np.log(2)) / (texts @ r["bytes"].to_numpy()) for r in runs]
        )
        weights = rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=REPLICATES) / len(runs)
        return (weights.T * bits).sum(axis=0)

    low, high = interval(resampled(after) - resampled(before))
    means = {
        f"{name}_{when}": float(np.mean([measure(r) for r in runs]))
        for when, runs in (("before", before), ("after", after))
        for name, measure in (("bits", text_bits), ("perplexity", token_perplexity))
    }
    return means | {"change": means["bits_after"] - means["bits_before"], "low": low, "high": high}


def surprises(specs: list[RunSpec], base: str, texts: dict[str, list[str]]) -> dict[str, list[dict]]:
    """`text_surprise` of each kind of text, of the base first and then of each run: columns as lists.

    specs: finished runs of a model that answers; base: the one they started from.
    """
    tokenizer = bases.load_tokenizer(base)
    found: dict[str, list[dict]] = {kind: [] for kind in texts}
    for spec in (None, *specs):
        model = answering.build_lm("base", base, 0).eval()
        if spec is not None:
            model = answering.rebuild(load_arrays(spec), base)
        for kind, own in texts.items():
            found[kind].append(text_surprise(model, tokenizer, own).to_dict("list"))
    return found


def table(study: Study, arm: str) -> dict[str, dict[str, float]]:
    """`change` on what patients say (`domain`) and on anything else (`general`), by fine-tuning an arm.

    Beside it `epoch`, the one that was kept (the runs' mean; from 1), and `epochs`, how many there were.

    The runs are those that rank the names of diseases without a label (see `unseen`), with the weights that
    were kept; the statements are the ones they rank them for.
    """
    statements, labels = splits.side(study.unseen_split, "test")
    texts = {"domain": statements, "general": general_texts()}
    records = results(study, arm, unseen=True)
    records = records[:1] if ARMS[arm].large else records
    specs = [record.spec for record in records]
    kept = [record.history["epoch"][record.history["valid_loss"].idxmin()] for record in records]
    epoch = {"epoch": float(np.mean(kept)), "epochs": specs[0].epochs}
    found = derived(surprises, specs, study.profile.base_of(ARMS[arm]), texts)
    frames = {kind: [pd.DataFrame(rows) for rows in own] for kind, own in found.items()}
    groups = {"domain": labels, "general": None}
    return {kind: change(own[:1], own[1:], groups[kind]) | epoch for kind, own in frames.items()}
