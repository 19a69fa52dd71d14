"""Small measurements that the notebooks make in passing: of suspects, inside networks, of what they write."""

import numpy as np
import pandas as pd

from ..data import splits
from ..data.study import Study
from ..experiments import plan
from ..experiments.records import Record, load
from ..models import bases, metrics

UNKNOWN = 1  # the number of the word that stands for all unknown ones
ADAM = 1e-3  # the rate that Keras' Adam has where none is given


def trials(study: Study) -> pd.DataFrame:
    """The first attempt with one thing changed at a time (see `plan.autopsy_specs`), a row a run.

    Columns: change, train, test (accuracy).
    """
    rows = []
    for change, spec in plan.autopsy_specs(study).items():
        record = load(spec)
        train, test = record.history["train_accuracy"].iloc[-1], record.metrics["test"]["accuracy"]
        rows.append({"change": change, "train": float(train), "test": float(test)})
    return pd.DataFrame(rows)


def suspects(study: Study) -> pd.DataFrame:
    """`trials` with what was changed and answered, from the frozen splits.

    Columns before: change, pages, words (median of a page), rate, epochs; then train, test, unseen (test rows
    answered with a label that no training row has).
    """
    rows = []
    for change, spec in plan.autopsy_specs(study).items():
        record, split = load(spec), splits.load_split(spec.split)
        train = split[split["side"] == "train"]
        answers = splits.label_classes(split)[record.test.answers]
        rows.append(
            {
                "change": change,
                "pages": len(train),
                "words": int(train["text"].str.split().str.len().median()),
                "rate": spec.value or ADAM,
                "epochs": spec.epochs,
                "unseen": int((~np.isin(answers, train["label"].unique())).sum()),
            }
        )
    found = pd.DataFrame(rows).merge(trials(study), on="change")
    return found[[*(name for name in found if name != "unseen"), "unseen"]]


def oracle(split: pd.DataFrame) -> float:
    """The test accuracy of who knows every answer but may only give labels that have training rows."""
    known = set(split.loc[split["side"] == "train", "label"])
    return float(split.loc[split["side"] == "test", "label"].isin(known).mean())


def overfitting(groups: dict[str, list[Record]]) -> pd.DataFrame:
    """Losses of some arms, means over their seeds: index arm.

    Columns: epoch (the one kept: that of the best validation MRR), train_kept, train_last, valid_least,
    valid_kept, valid_last.
    """
    rows = {}
    for arm, records in groups.items():
        kept = pd.DataFrame([r.history.loc[r.history["valid_mrr"].idxmax()] for r in records]).mean()
        last = pd.DataFrame([r.history.iloc[-1] for r in records]).mean()
        rows[arm] = {
            "epoch": kept["epoch"],
            "train_kept": kept["train_loss"],
            "train_last": last["train_loss"],
            "valid_least": float(np.mean([r.history["valid_loss"].min() for r in records])),
            "valid_kept": kept["valid_loss"],
            "valid_last": last["valid_loss"],
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def padded(masked, blind, rows: list[list[int]], widths: list[int]) -> pd.DataFrame:
    """The share of rows of word numbers whose answer padding leaves as it is, by width and kind of padding.

    masked, blind: the same Keras network with a mask and without. Columns: `derecha` or `izquierda`, `con` or
    `sin máscara`. The answers are compared with those with the mask at the first width.
    """
    from ..models.keras_training import logits_of

    def answers(model, width: int, side: str) -> np.ndarray:
        return logits_of(model, rows, width=width, padding=side).argmax(axis=1)

    reference, found = answers(masked, widths[0], "right"), {}
    for kind, model in (("con máscara", masked), ("sin máscara", blind)):
        for spanish, side in (("derecha", "right"), ("izquierda", "left")):
            same = [(answers(model, width, side) == reference).mean() for width in widths]
            found[f"{spanish}, {kind}"] = same
    return pd.DataFrame(found, index=widths)


def pieces(texts: list[str], bits: float, bpe) -> pd.DataFrame:
    """What a model that needs `bits` per byte has as its perplexity per piece, however the texts are cut.

    2^(bits · L), L the mean length of a piece in bytes. Index: byte, token, word. Columns: bytes (mean of a
    piece), perplexity.
    """
    total = sum(len(text.encode("utf-8")) for text in texts)
    counts = {
        "byte": total,
        "token": sum(len(row.ids) for row in bpe.encode_batch(texts)),
        "word": sum(len(text.split()) for text in texts),
    }
    sizes = pd.Series({name: total / count for name, count in counts.items()}, name="bytes")
    return sizes.to_frame().assign(perplexity=2 ** (bits * sizes))


def hush(trainer=None) -> None:
    """No progress bars of transformers; of a `Trainer`, no line a step either."""
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging

    logging.disable_progress_bar()
    if trainer is not None:
        trainer.remove_callback(PrinterCallback)


def reply(model, tokenizer, text: str, answers: list[list[int]]) -> str:
    """What a language model goes on with after a text and the prompt, the likeliest token each time.

    Up to the full stop, and for no longer than the longest of `answers` (token ids; 12 tokens at least).
    """
    import torch

    from ..models import answering

    room = max(12, *map(len, answers))
    before = torch.tensor([answering.encode_prompt(tokenizer, text, room)])
    written = model.generate(
        before,
        attention_mask=torch.ones_like(before),
        max_new_tokens=room,
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
    )
    said = tokenizer.decode(written[0, before.shape[1] :], skip_special_tokens=True)
    return " ".join(said.split(answering.END)[0].split())


PARTS = ("text", "first", "rest")  # of what a model that answers reads: the text, its answer's tokens


def token_perplexities(
    model, tokenizer, texts: list[str], labels, answers: list[list[int]]
) -> dict[str, float]:
    """Token perplexity of the texts, of the first token of their answers and of the rest: by PARTS.

    The prompt between them is left out: it is always the same.
    """
    from ..models import answering

    question, nats = len(tokenizer(f" {answering.PROMPT}")["input_ids"]), {part: [] for part in PARTS}
    for row in answering.examples(tokenizer, texts, labels, answers):
        each = metrics.token_nats(model, np.array(row["input_ids"]))
        start = int((np.array(row["labels"]) != answering.IGNORED).argmax())
        spans = (slice(1, start - question), slice(start, start + 1), slice(start + 1, None))
        for part, span in zip(PARTS, spans, strict=True):
            nats[part].extend(each[span])
    return {part: float(np.exp(np.mean(values))) for part, values in nats.items()}


def a_gpt2(model, tokenizer) -> tuple:
    """What a class opens by hand: the model and its tokenizer if it is a GPT-2; else GPT-2 mini's."""
    if model.config.model_type == "gpt2":
        return model, tokenizer
    return bases.start_model("lm", "base", "gpt2-mini", seed=0).eval(), bases.load_tokenizer("gpt2-mini")
