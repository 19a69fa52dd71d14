"""GPT-2 as a causal language model on "text, question, disease": it answers with a name instead of a class."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from . import gpt2
from .gpt2_training import fit
from .splits import side
from .text import bucketed_batches, pad

QUESTIONS = (
    "Which disease fits these symptoms?",
    "What condition would explain this?",
    "What is this person most likely suffering from?",
    "What is the name of the illness described here?",
    "Which diagnosis comes to mind first?",
    "What could be causing these complaints?",
    "What would a doctor suspect?",
)
NAMES_AT_ONCE = 32  # candidates that share one forward pass: bounds the memory of `answer_logits`
IGNORED = -100  # the label of a token that takes no part in the loss


def prompt(text: str, question: str = QUESTIONS[0]) -> str:
    """What stands before the answer; the answer begins with a space."""
    return f"{text} {question}"


def encode_prompt(tokenizer, text: str, question: str, room: int) -> list[int]:
    """Token ids of the prompt. A text too long for the model's positions, less `room` for the answer, loses its end."""
    ids = tokenizer(prompt(text, question))["input_ids"]
    if (excess := len(ids) + room - tokenizer.model_max_length) <= 0:
        return ids
    tail = tokenizer(f" {question}")["input_ids"]
    return ids[: len(ids) - len(tail) - excess] + tail


def encode_names(tokenizer, names: list[str]) -> list[list[int]]:
    """Token ids of each disease's name as an answer: with the space before it and the end-of-text token after it."""
    return [[*tokenizer(f" {name}")["input_ids"], tokenizer.eos_token_id] for name in names]


def examples(tokenizer, texts: list[str], labels: np.ndarray, answers: list[list[int]], seed: int | None) -> list[dict]:
    """One dict a text: `input_ids` of prompt and answer, `attention_mask`, `labels`.

    seed given: a question drawn for each row, a loss on every token (to train on). seed None: the first question, a loss on
    the answer's tokens alone (to choose the epoch by).
    """
    rng, room, rows = np.random.default_rng(seed), max(map(len, answers)), []
    for text, label in zip(texts, labels, strict=True):
        question = QUESTIONS[0] if seed is None else QUESTIONS[rng.integers(len(QUESTIONS))]
        before, answer = encode_prompt(tokenizer, text, question, room), answers[label]
        targets = [IGNORED] * len(before) if seed is None else before
        ids = before + answer
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": targets + answer})
    return rows


def collate(pad_token_id: int) -> Callable[[list[dict]], dict]:
    """A collator that pads each batch on the right to its own longest row; padding takes no part in the loss."""
    values = {"input_ids": pad_token_id, "attention_mask": 0, "labels": IGNORED}
    return lambda rows: {
        name: torch.from_numpy(pad([row[name] for row in rows], value=value)).long() for name, value in values.items()
    }


def answer_logits(model, tokenizer, texts: list[str], names: list[str]) -> np.ndarray:
    """(n, k) float32: log-probability, in nats, that the answer to the first question about a text is each of the names.

    The name's tokens and the end-of-text token are multiplied by the chain rule, so that a long name pays for its length
    once and a softmax over a row is the model's posterior among the names. The prompt is read once; all names share its
    keys and values.
    """
    answers = encode_names(tokenizer, names)
    lengths, room = np.array([len(answer) for answer in answers]), max(map(len, answers))
    targets = torch.from_numpy(pad(answers, value=tokenizer.pad_token_id)).long().to(model.device)
    inside = (torch.arange(room)[None] < torch.from_numpy(lengths)[:, None]).to(model.device)
    # Names of similar length together: little padding goes through the model.
    chunks = [torch.from_numpy(rows).to(model.device) for rows in bucketed_batches(lengths, NAMES_AT_ONCE, None)]
    out = np.zeros((len(texts), len(names)), dtype=np.float32)
    model.eval()
    with torch.inference_mode():
        for number, text in enumerate(texts):
            ids = torch.tensor([encode_prompt(tokenizer, text, QUESTIONS[0], room)], device=model.device)
            read = model(ids, use_cache=True, logits_to_keep=1)
            first = read.logits[0, 0].float().log_softmax(0)
            for rows in chunks:
                width = int(lengths[rows.cpu().numpy()].max())
                cache = deepcopy(read.past_key_values)
                cache.batch_repeat_interleave(len(rows))
                after = model(targets[rows, : width - 1], past_key_values=cache).logits.float()
                chosen = after.gather(2, targets[rows, 1:width, None])[..., 0] - after.logsumexp(2)
                nats = first[targets[rows, 0]] + chosen.masked_fill(~inside[rows, 1:width], 0.0).sum(1)
                out[number, rows.cpu().numpy()] = nats.cpu().numpy()
    return out


def train(
    split: pd.DataFrame,
    arm: str,
    learning_rate: float,
    seed: int,
    epochs: int,
    progress: Callable[[str], None],
    *,
    base: str,
    work: Path,
    names: list[str],
) -> dict:
    """A language model trained on every token of "text, question, disease"; the epoch that answers best on validation kept.

    names: of the labels, in the order of `splits.label_classes`. Returns `answer_logits` of both held-out sides, one history
    row an epoch (valid_loss: nats per token of the answer), the number of parameters, and the trained weights as arrays
    (float16, by the names of the model's state).
    """
    tokenizer = gpt2.load_tokenizer(base)
    answers = encode_names(tokenizer, names)
    data = {
        "train": examples(tokenizer, *side(split, "train"), answers, seed),
        "valid": examples(tokenizer, *side(split, "valid"), answers, None),
    }
    model, history = fit(
        lambda: gpt2.build_lm(arm, base, seed),
        data,
        collate(tokenizer.pad_token_id),
        None,
        learning_rate=learning_rate,
        epochs=epochs,
        seed=seed,
        metric="eval_loss",
        progress=progress,
        work=work,
    )
    return {
        "valid_logits": answer_logits(model, tokenizer, side(split, "valid")[0], names),
        "test_logits": answer_logits(model, tokenizer, side(split, "test")[0], names),
        "history": history,
        "parameters": int(model.num_parameters()),
        "arrays": {
            name: tensor.cpu().to(torch.float16).numpy() for name, tensor in model.transformer.state_dict().items()
        },
    }


def rebuild(arrays: dict[str, np.ndarray], base: str):
    """The trained language model from the arrays that `train` returned, in float32, in evaluation mode."""
    model = gpt2.build_lm("gpt2_lm_finetuned", base, 0)
    model.transformer.load_state_dict({name: torch.from_numpy(array).float() for name, array in arrays.items()})
    return model.eval()
