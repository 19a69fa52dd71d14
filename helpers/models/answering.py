"""A causal language model that answers a text about symptoms with a disease's name, and not with a class."""

from collections.abc import Callable

import numpy as np
import torch
from transformers import DataCollatorForSeq2Seq

from ..data.splits import side
from . import bases
from .bases import start_model
from .finetuning import faster, fit, state
from .metrics import mean_reciprocal_rank
from .task import Task, epoch_rows

PROMPT = "The most likely diagnosis is"
END = "."  # closes the name, so that one name's beginning is not another name
# tokens of names side by side in one row: fewer is less attention between strangers, more is less padding
PACKED = 64
MOST_ROWS = 32  # of packed names: each has a copy of the prompt's keys and values
AT_ONCE = 1024  # tokens of names whose scores over the vocabulary are held at once
IGNORED = -100  # the label of a token that takes no part in the loss
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a name's prior, tried on validation (see `weigh`)


def build_lm(start: str, base: str, seed: int):
    """A causal language model in float32; start: "random" or "base" (see `bases.start_model`)."""
    return start_model("lm", start, base, seed)


def prompt(text: str) -> str:
    """What stands before the answer; the answer begins with a space."""
    return f"{text} {PROMPT}".strip()


def encode_prompt(tokenizer, text: str, room: int) -> list[int]:
    """Token ids of the prompt; a text that is too long loses its end.

    Too long means for the model's positions, less `room` for the answer.
    """
    ids = tokenizer(prompt(text))["input_ids"]
    if (excess := len(ids) + room - tokenizer.model_max_length) <= 0:
        return ids
    tail = tokenizer(f" {PROMPT}")["input_ids"]
    return ids[: len(ids) - len(tail) - excess] + tail


def encode_names(tokenizer, names: list[str]) -> list[list[int]]:
    """Token ids of each disease's name as an answer: a space before it, a full stop after."""
    return [tokenizer(f" {name}{END}")["input_ids"] for name in names]


def examples(tokenizer, texts: list[str], labels: np.ndarray, answers: list[list[int]]) -> list[dict]:
    """One dict a text: `input_ids` of prompt and answer, `attention_mask`, `labels`: the answer's tokens."""
    room, rows = max(map(len, answers)), []
    for text, label in zip(texts, labels, strict=True):
        before, answer = encode_prompt(tokenizer, text, room), answers[label]
        ids = before + answer
        targets = [IGNORED] * len(before) + answer
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": targets})
    return rows


def collate(tokenizer) -> Callable[[list[dict]], dict]:
    """A collator that pads each batch on the right to its longest row; padding has no part in the loss.

    The vocabulary is scored only where an answer's token comes next (`logits_to_keep` and `shift_labels`, as
    the models of transformers and its Trainer know them): for 32 pages the scores of 50,257 tokens at 1,024
    positions alone would take 6 GiB.
    """
    padded = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED)

    def batch(rows: list[dict]) -> dict:
        made = dict(padded(rows))
        nexts = torch.nn.functional.pad(made["labels"][:, 1:], (0, 1), value=IGNORED)
        kept = nexts != IGNORED
        return made | {"shift_labels": nexts[kept], "logits_to_keep": kept}

    return batch


def pack(answers: list[list[int]], room: int) -> dict[str, np.ndarray]:
    """Names laid one after the other into rows of `room` tokens: what goes in, what comes next, whose.

    (rows, room) int64 each: `inputs` (a name's tokens but the last, which is only predicted), `nexts`
    (IGNORED at padding), `owner` (number of the name, -1 at padding), `place` (of a token in its name).
    """
    rows, used = [[]], 0
    for number, answer in enumerate(answers):
        if used + len(answer) - 1 > room:
            rows, used = [*rows, []], 0
        used += len(answer) - 1
        rows[-1] += [(answer[i], answer[i + 1], number, i) for i in range(len(answer) - 1)]
    filled = [row + [(0, IGNORED, -1, 0)] * (room - len(row)) for row in rows]
    return dict(zip(("inputs", "nexts", "owner", "place"), np.array(filled).transpose(2, 0, 1), strict=True))


def answer_logits(model, tokenizer, texts: list[str], names: list[str]) -> np.ndarray:
    """(n, k) float32: log-probability, in nats, of each name as the answer to each text.

    The name's tokens and the full stop are multiplied by the chain rule. The prompt is read once; all names
    share its keys and values, and go through the model side by side, each token seeing the prompt and its own
    name's tokens only. The vocabulary's softmax is computed where a name's token stands, and nowhere else.
    """
    answers = encode_names(tokenizer, names)
    longest = max(map(len, answers))
    room = max(PACKED, longest, -(-sum(map(len, answers)) // MOST_ROWS))
    packed = {name: torch.from_numpy(x).to(model.device) for name, x in pack(answers, room).items()}
    owner, place = packed["owner"], packed["place"]
    own = (owner[:, :, None] == owner[:, None]) & (place[:, :, None] >= place[:, None])
    inside = owner >= 0
    whose, nexts = owner[inside], packed["nexts"][inside]
    heads = torch.tensor([answer[0] for answer in answers], device=model.device)
    body, words = model.base_model, model.get_output_embeddings()
    out = np.zeros((len(texts), len(names)), dtype=np.float32)
    model.eval()
    with torch.inference_mode(), faster(model.device):
        for number, text in enumerate(texts):
            ids = torch.tensor([encode_prompt(tokenizer, text, longest)], device=model.device)
            read = body(ids, use_cache=True)
            read.past_key_values.batch_repeat_interleave(len(own))
            prompt_seen = own.new_ones(*own.shape[:2], ids.shape[1])
            after = body(
                packed["inputs"],
                past_key_values=read.past_key_values,
                position_ids=ids.shape[1] + place,
                attention_mask=torch.cat([prompt_seen, own], dim=2)[:, None],
            ).last_hidden_state[inside]
            first = words(read.last_hidden_state[0, -1]).float().log_softmax(0)[heads]
            parts = zip(after.split(AT_ONCE), nexts.split(AT_ONCE), strict=True)
            nats = torch.cat(
                [torch.nn.functional.cross_entropy(words(x).float(), y, reduction="none") for x, y in parts]
            )
            out[number] = first.index_add(0, whose, -nats).cpu().numpy()
    return out


def weigh(logits: np.ndarray, prior: np.ndarray, labels: np.ndarray) -> float:
    """Which share of a name's prior log-probability to take off, by validation MRR: one of WEIGHTS.

    0 leaves frequent and short names their advantage; 1 is pointwise mutual information, what the text adds
    (Holtzman et al. 2021, EMNLP, eq. 2). logits: (n, k), prior: (k,), labels: (n,) of validation. 1 where
    there is nothing to choose by.
    """
    if not len(labels):
        return 1.0
    return max(WEIGHTS, key=lambda weight: mean_reciprocal_rank(logits - weight * prior, labels))


def train(task: Task) -> dict:
    """Trains a language model to say the disease's name after a text, and keeps the best epoch.

    That is the epoch whose answers' tokens are likeliest on validation. A model frozen whole is not trained.
    See `Task`; the logits are `answer_logits` less their share of the prior, valid_loss is nats per token of
    the answer, and the arrays are the weights (see `bases.weights_of`), `prior` (k,) float32, the
    `answer_logits` of the prompt without a text, and `weight`, the share (see `weigh`), which is `chosen`.
    """
    split, names, tokenizer = task.split, task.names, bases.load_tokenizer(task.base)
    answers = encode_names(tokenizer, names)

    def make():
        return build_lm(task.arm.start, task.base, task.seed)

    if task.arm.frozen == "everything":
        model, history = make().to(state().device), []
    else:
        data = {
            "train": lambda epoch: examples(tokenizer, *epoch_rows(task, epoch), answers),
            "valid": examples(tokenizer, *side(split, "valid"), answers),
        }
        model, history = fit(make, data, collate(tokenizer), None, "eval_loss", task)
    sides = {name: side(split, name) for name in ("valid", "test")}
    prior = answer_logits(model, tokenizer, [""], names)[0]
    logits = {name: answer_logits(model, tokenizer, texts, names) for name, (texts, _) in sides.items()}
    weight = weigh(logits["valid"], prior, sides["valid"][1])
    weights = {} if task.arm.frozen == "everything" else bases.weights_of(model)
    return {
        "valid_logits": logits["valid"] - weight * prior,
        "test_logits": logits["test"] - weight * prior,
        "history": history,
        "parameters": int(model.num_parameters()),
        "chosen": {"weight": weight},
        "arrays": {"prior": prior, "weight": np.float32(weight), **weights},
    }


def rebuild(arrays: dict[str, np.ndarray], base: str):
    """The trained language model from the arrays that `train` returned, in float32, in evaluation mode.

    Where it was not trained, that is the base.
    """
    model = build_lm("base", base, 0)
    return bases.put_weights(model, arrays) if len(arrays) > len(("prior", "weight")) else model.eval()
