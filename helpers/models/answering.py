"""GPT-2 as a causal language model on "text, question, disease": it answers with a name, not with a class."""

from collections.abc import Callable

import numpy as np
import torch

from ..data.splits import side
from . import bases
from .bases import start_model
from .finetuning import fit
from .task import Task
from .tokens import pad


def build_lm(start: str, base: str, seed: int):
    """A GPT2LMHeadModel in float32; start: "random" or "base" (see `bases.start_model`)."""
    from transformers import GPT2LMHeadModel

    return start_model(GPT2LMHeadModel, start, base, seed)


QUESTIONS = (
    "Which disease fits these symptoms?",
    "What condition would explain this?",
    "What is this person most likely suffering from?",
    "What is the name of the illness described here?",
    "Which diagnosis comes to mind first?",
    "What could be causing these complaints?",
    "What would a doctor suspect?",
)
# tokens of names side by side in one row: fewer is less attention between strangers, more is less padding
PACKED = 128
IGNORED = -100  # the label of a token that takes no part in the loss


def prompt(text: str, question: str = QUESTIONS[0]) -> str:
    """What stands before the answer; the answer begins with a space."""
    return f"{text} {question}"


def encode_prompt(tokenizer, text: str, question: str, room: int) -> list[int]:
    """Token ids of the prompt; a text that is too long loses its end.

    Too long means for the model's positions, less `room` for the answer.
    """
    ids = tokenizer(prompt(text, question))["input_ids"]
    if (excess := len(ids) + room - tokenizer.model_max_length) <= 0:
        return ids
    tail = tokenizer(f" {question}")["input_ids"]
    return ids[: len(ids) - len(tail) - excess] + tail


def encode_names(tokenizer, names: list[str]) -> list[list[int]]:
    """Token ids of each disease's name as an answer: a space before it, the end-of-text token after."""
    return [[*tokenizer(f" {name}")["input_ids"], tokenizer.eos_token_id] for name in names]


def examples(
    tokenizer, texts: list[str], labels: np.ndarray, answers: list[list[int]], seed: int | None
) -> list[dict]:
    """One dict a text: `input_ids` of prompt and answer, `attention_mask`, `labels`.

    seed given: a question drawn for each row, a loss on every token (to train on). seed None: the first
    question, a loss on the answer's tokens alone (to choose the epoch by).
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
    """A collator that pads each batch on the right to its longest row; padding has no part in the loss."""
    values = {"input_ids": pad_token_id, "attention_mask": 0, "labels": IGNORED}
    return lambda rows: {
        name: torch.from_numpy(pad([row[name] for row in rows], value=value)).long()
        for name, value in values.items()
    }


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
    """(n, k) float32: log-probability, in nats, of each name as the answer to the first question on a text.

    The name's tokens and the end-of-text token are multiplied by the chain rule, so that a long name pays for
    its length once and a softmax over a row is the model's posterior among the names. The prompt is read
    once; all names share its keys and values, and go through the model side by side, each token seeing the
    prompt and its own name's tokens only.
    """
    answers = encode_names(tokenizer, names)
    longest = max(map(len, answers))
    packed = {
        name: torch.from_numpy(x).to(model.device) for name, x in pack(answers, max(PACKED, longest)).items()
    }
    owner, place, nexts = packed["owner"], packed["place"], packed["nexts"]
    own = (owner[:, :, None] == owner[:, None]) & (place[:, :, None] >= place[:, None])
    heads = torch.tensor([answer[0] for answer in answers], device=model.device)
    out = np.zeros((len(texts), len(names)), dtype=np.float32)
    model.eval()
    with torch.inference_mode():
        for number, text in enumerate(texts):
            ids = torch.tensor([encode_prompt(tokenizer, text, QUESTIONS[0], longest)], device=model.device)
            read = model(ids, use_cache=True, logits_to_keep=1)
            read.past_key_values.batch_repeat_interleave(len(own))
            prompt_seen = own.new_ones(*own.shape[:2], ids.shape[1])
            after = model(
                packed["inputs"],
                past_key_values=read.past_key_values,
                position_ids=ids.shape[1] + place,
                attention_mask=torch.cat([prompt_seen, own], dim=2)[:, None],
            ).logits.float()
            nats = torch.nn.functional.cross_entropy(after.flatten(0, 1), nexts.flatten(), reduction="none")
            first = read.logits[0, 0].float().log_softmax(0)[heads]
            inside = owner.flatten() >= 0
            out[number] = first.index_add(0, owner.flatten()[inside], -nats[inside]).cpu().numpy()
    return out


def train(task: Task) -> dict:
    """Trains a language model on every token of "text, question, disease" and keeps the best epoch.

    That is the epoch that answers best on validation. A model frozen whole is not trained. See `Task`;
    the logits are `answer_logits`, valid_loss is nats per token of the answer, and the arrays are the weights
    (see `bases.weights_of`) and `prior` (k,) float32, the `answer_logits` of the question alone.
    """
    split, names, tokenizer = task.split, task.names, bases.load_tokenizer(task.base)
    answers = encode_names(tokenizer, names)

    def make():
        return build_lm(task.arm.start, task.base, task.seed)

    if task.arm.frozen == "everything":
        model, history = make(), []
    else:
        data = {
            "train": examples(tokenizer, *side(split, "train"), answers, task.seed),
            "valid": examples(tokenizer, *side(split, "valid"), answers, None),
        }
        model, history = fit(make, data, collate(tokenizer.pad_token_id), None, "eval_loss", task)
    return {
        "valid_logits": answer_logits(model, tokenizer, side(split, "valid")[0], names),
        "test_logits": answer_logits(model, tokenizer, side(split, "test")[0], names),
        "history": history,
        "parameters": int(model.num_parameters()),
        "arrays": {"prior": answer_logits(model, tokenizer, [""], names)[0], **bases.weights_of(model)},
    }


def rebuild(arrays: dict[str, np.ndarray], base: str):
    """The trained language model from the arrays that `train` returned, in float32, in evaluation mode."""
    return bases.put_weights(build_lm("base", base, 0), arrays)
