"""Which mistakes the arms make: within a group of look-alike diseases or across, shared or not, and for which words."""

import numpy as np

from . import comparison
from .gpt2 import encode
from .records import Record

PRETRAINED = ("gpt2_finetuned", "gpt2_frozen", "gpt2_lm")
COUNTS = ("naive_bayes", "tfidf_logreg")
FROM_SCRATCH = ("majority", *COUNTS, "bilstm_original", "bilstm", "gpt2_scratch")


def confusion_groups(records: list[Record], labels: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """How often a wrong answer is at least of the right group. records: one arm's, one a seed; all seeds' errors count.

    labels: (n,) int, the test rows' classes; groups: (k,) str, the group of each class. Returns `errors` (how many),
    `within` (share whose answer is in the true class's group), `chance` (that share if each wrong answer were drawn
    evenly from the k - 1 other classes), and `low`, `high`: 95 % interval of `within` when diseases (true classes) are
    drawn with replacement, all rows and seeds of one together (cluster bootstrap: Cameron, Gelbach and Miller 2008,
    Review of Economics and Statistics 90:414). All but `errors` are NaN where nothing is wrong.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    wrong = 1 - comparison.hits(records, labels)
    if not wrong.any():
        return {"errors": 0, **dict.fromkeys(("within", "chance", "low", "high"), float("nan"))}
    answers = np.stack([record.test_logits.argmax(axis=1) for record in records])
    near = wrong * (groups[answers] == groups[labels])
    siblings = (groups[:, None] == groups).sum(axis=1) - 1
    drawn = comparison.draw_rows(labels, np.random.default_rng(0)) @ np.stack([near.sum(axis=0), wrong.sum(axis=0)], 1)
    drawn = drawn[drawn[:, 1] > 0]  # a draw of faultless diseases alone has no share
    low, high = comparison.interval(drawn[:, 0] / drawn[:, 1])
    return {
        "errors": int(wrong.sum()),
        "within": float(near.sum() / wrong.sum()),
        "chance": float((wrong * siblings[labels]).sum() / wrong.sum() / (len(groups) - 1)),
        "low": low,
        "high": high,
    }


def gallery(hits: dict[str, np.ndarray], few: int) -> dict[str, np.ndarray]:
    """Test rows worth reading, at most the first `few` of each kind, in row order: (<= few,) int arrays of row numbers.

    hits: arm to its (seeds, n) array of 0 and 1 (see `comparison.hits`), of at least one arm. `all_wrong`: every arm
    wrong with every seed. `only_pretrained`: a pre-trained arm right with most of its seeds, no arm of `FROM_SCRATCH`
    with any. `only_counts`: one that counts words (`COUNTS`) right with most of its seeds, no GPT-2 with any.
    """
    n = next(iter(hits.values())).shape[1]

    def ever(arms) -> np.ndarray:
        return np.any([np.zeros(n, bool), *(hits[arm].any(axis=0) for arm in arms if arm in hits)], axis=0)

    def mostly(arms) -> np.ndarray:
        return np.any([np.zeros(n, bool), *(hits[arm].mean(axis=0) > 0.5 for arm in arms if arm in hits)], axis=0)

    chosen = {
        "all_wrong": ~ever(hits),
        "only_pretrained": mostly(PRETRAINED) & ~ever(FROM_SCRATCH),
        "only_counts": mostly(COUNTS) & ~ever(arm for arm in hits if arm.startswith("gpt2")),
    }
    return {kind: np.flatnonzero(rows)[:few] for kind, rows in chosen.items()}


def logits_at_end(model, ids):
    """(rows, k) logits of a GPT2ForSequenceClassification read at each row's last position, whatever its tokens are.

    ids: (rows, length) int64 tensor without padding. The model's own forward pass looks for the last token that is not
    the pad token, and so would read a baseline made of pad tokens elsewhere than the text.
    """
    return model.score(model.transformer(input_ids=ids).last_hidden_state[:, -1])


def text_and_baseline(model, tokenizer, text: str):
    """Two (1, length) int64 tensors: the text's token ids (cut at the model's positions), and as many pad tokens.

    Raises ValueError for a text without a token.
    """
    import torch

    ids = torch.tensor([encode(tokenizer, [text])[0]["input_ids"]], dtype=torch.int64, device=model.device)
    if not ids.numel():
        raise ValueError("the text has no token: nothing to attribute to")
    return ids, torch.full_like(ids, tokenizer.pad_token_id)


def attributions(model, tokenizer, text: str, target: int, steps: int = 50) -> list[tuple[str, float]]:
    """What each token adds to the logit of class `target`: (decoded token, attribution in logits), in order.

    model: a GPT2ForSequenceClassification (see `gpt2.build`), put in evaluation mode. Integrated gradients of the token
    embeddings (Sundararajan, Taly and Yan 2017, ICML, eq. 1) from a text of pad tokens, summed over the embedding;
    `steps` points of the integral, more where `completeness` is not small. Raises ValueError for a text without a
    token.
    """
    from captum.attr import LayerIntegratedGradients

    model.eval()
    ids, baseline = text_and_baseline(model, tokenizer, text)
    method = LayerIntegratedGradients(lambda tokens: logits_at_end(model, tokens), model.transformer.wte)
    # A few points of the integral go through at once: a long text would not fit in memory 50 times.
    parts = method.attribute(ids, baseline, target=target, n_steps=steps, internal_batch_size=8)
    values = parts.sum(dim=-1)[0].tolist()
    return [(tokenizer.decode([token]), value) for token, value in zip(ids[0].tolist(), values, strict=True)]


def completeness(model, tokenizer, text: str, target: int, attributions: list[tuple[str, float]]) -> float:
    """How far the sum of attributions is from what it must be, 0 is exact (Sundararajan et al. 2017, prop. 1).

    |sum - d| / |d|, d the difference of `target`'s logit between the text and the baseline; not finite where d is 0.
    """
    import torch

    model.eval()
    with torch.inference_mode():
        text_logit, baseline_logit = (
            logits_at_end(model, ids)[0, target].item() for ids in text_and_baseline(model, tokenizer, text)
        )
    difference = np.float64(text_logit - baseline_logit)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(abs(sum(value for _, value in attributions) - difference) / abs(difference))
