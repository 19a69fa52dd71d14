"""Which mistakes the arms make, how far their confidence may be believed, which words spoke for an answer."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from ..arms import ARMS, Arm
from ..data import splits
from ..data.study import Study
from ..experiments.derived import derived
from ..experiments.plan import results
from ..experiments.records import Record, load_arrays, load_logits
from ..experiments.specs import RunSpec
from ..models.bases import encode
from ..models.metrics import (
    evaluate,
    expected_calibration_error,
    negative_log_likelihood,
)
from . import comparison, intervals


def confusion_groups(records: list[Record], labels: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """How often a wrong answer is at least of the right group.

    records: one arm's, one a seed; all seeds' errors count. labels: (n,) int, the test rows' classes; groups:
    (k,) str, the group of each class. Returns `errors` (how many), `within` (share whose answer is in the
    true class's group), `chance` (that share if each wrong answer were drawn evenly from the k - 1 other
    classes), and `low`, `high`: 95 % interval of `within` when diseases (true classes) are drawn with
    replacement, all rows and seeds of one together (cluster bootstrap: Cameron, Gelbach and Miller 2008,
    Review of Economics and Statistics 90:414). All but `errors` are NaN where nothing is wrong.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    wrong = 1 - comparison.correctness(records)
    if not wrong.any():
        return {"errors": 0, **dict.fromkeys(("within", "chance", "low", "high"), float("nan"))}
    answers = np.stack([record.test.answers for record in records])
    near = wrong * (groups[answers] == groups[labels])
    siblings = (groups[:, None] == groups).sum(axis=1) - 1
    drawn = intervals.draw_rows(labels, np.random.default_rng(0)) @ np.stack(
        [near.sum(axis=0), wrong.sum(axis=0)], 1
    )
    drawn = drawn[drawn[:, 1] > 0]  # a draw of faultless diseases alone has no share
    low, high = intervals.interval(drawn[:, 0] / drawn[:, 1])
    return {
        "errors": int(wrong.sum()),
        "within": float(near.sum() / wrong.sum()),
        "chance": float((wrong * siblings[labels]).sum() / wrong.sum() / (len(groups) - 1)),
        "low": low,
        "high": high,
    }


def gallery(hits: dict[str, np.ndarray], few: int) -> dict[str, np.ndarray]:
    """Test rows worth reading, at most `few` of each kind: (<= few,) int arrays of row numbers.

    Of each kind the first rows are taken, in row order. hits: arm to its (seeds, n) array of 0 and 1 (see
    `comparison.correctness`), of at least one arm. `all_wrong`: every arm wrong with every seed.
    `only_pretrained`: a pre-trained arm right with most of its seeds, none that starts from random weights
    with any. `only_counts`: one that counts words right with most of its seeds, no transformer with any.
    """
    n = next(iter(hits.values())).shape[1]

    def ever(kind: Callable[[Arm], bool]) -> np.ndarray:
        return np.any(
            [np.zeros(n, bool), *(hits[arm].any(axis=0) for arm in hits if kind(ARMS[arm]))], axis=0
        )

    def mostly(kind: Callable[[Arm], bool]) -> np.ndarray:
        return np.any(
            [np.zeros(n, bool), *(hits[arm].mean(axis=0) > 0.5 for arm in hits if kind(ARMS[arm]))], axis=0
        )

    chosen = {
        "all_wrong": ~ever(lambda arm: True),
        "only_pretrained": mostly(lambda arm: arm.pretrained) & ~ever(lambda arm: not arm.pretrained),
        "only_counts": mostly(lambda arm: arm.counts_words) & ~ever(lambda arm: arm.framework == "torch"),
    }
    return {kind: np.flatnonzero(rows)[:few] for kind, rows in chosen.items()}


TEMPERATURES = (0.05, 100.0)  # where `fit_temperature` looks


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 that minimises the mean negative log-likelihood of logits / T.

    Temperature scaling: Guo et al. 2017, ICML, section 4.2. logits: (n, k) float of rows that the model was
    not trained on (validation); labels: (n,) int in [0, k). T > 1: the model was too sure. T changes no
    answer, only how sure it is. The loss has one valley over log T (convex in 1 / T), searched in float64
    within `TEMPERATURES`; an optimum beyond (T to 0 where every row is right, to infinity where logits
    mislead) ends beside that bound, or where the loss is first lost to rounding. Raises ValueError on a label
    outside [0, k) or a NaN logit.
    """
    logits = np.asarray(logits, dtype=np.float64)
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits / np.exp(log_t), labels).mean(),
        bounds=np.log(TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def calibrate(specs: list[RunSpec], labels: dict[str, list[int]]) -> list[dict[str, float]]:
    """One dict a run: how far its confidence may be believed, before and after temperature scaling.

    labels: class numbers of `valid` and `test`. The temperature T is fitted on the run's own validation
    logits, never on test. Keys, on test unless said otherwise: `ece` and `loss` (nats) as the model gives its
    logits, `ece_scaled` and `loss_scaled` with logits / T, `temperature` (validation), `confidence` (mean top
    probability, unscaled), `accuracy`.
    """
    valid_labels, test_labels = (np.array(labels[side]) for side in ("valid", "test"))

    def of_run(spec: RunSpec) -> dict[str, float]:
        logits = {side: rows.astype(np.float64) for side, rows in load_logits(spec).items()}
        temperature = fit_temperature(logits["valid"], valid_labels)
        scores = evaluate(logits["test"], test_labels)
        scaled = logits["test"] / temperature
        return {
            "ece": scores["ece"],
            "ece_scaled": expected_calibration_error(scaled, test_labels),
            "loss": scores["loss"],
            "loss_scaled": float(negative_log_likelihood(scaled, test_labels).mean()),
            "temperature": temperature,
            "confidence": float(softmax(logits["test"], axis=1).max(axis=1).mean()),
            "accuracy": scores["accuracy"],
        }

    return [of_run(spec) for spec in specs]


def calibration_table(study: Study, arms: list[str]) -> pd.DataFrame:
    """One row an arm, means over its seeds of what `calibrate` gives, and two class perplexities.

    `perplexity` and `perplexity_scaled` are exp of `loss` and `loss_scaled`: what is left of the doubt among
    the classes, without and with temperature. Index: arm.
    """
    told = {side: splits.side(study.split, side)[1].tolist() for side in ("valid", "test")}
    runs = {arm: [record.spec for record in results(study, arm)] for arm in arms}
    rows = {arm: pd.DataFrame(derived(calibrate, specs, told)).mean() for arm, specs in runs.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("arm")
    return table.assign(perplexity=np.exp(table["loss"]), perplexity_scaled=np.exp(table["loss_scaled"]))


def logits_of_ids(model, ids):
    """(rows, k) logits of a classifier for token ids (rows, length) int64 without padding.

    Every token counts, whatever it is: so also those of a baseline that is made of pad tokens.
    """
    import torch

    return model(ids, torch.ones_like(ids))["logits"]


def text_and_baseline(model, tokenizer, text: str):
    """Two (1, length) int64 tensors: the text's token ids, and as many pad tokens.

    The text is cut at the model's positions. Raises ValueError for a text without a token.
    """
    import torch

    ids = torch.tensor([encode(tokenizer, [text])[0]["input_ids"]], dtype=torch.int64, device=model.device)
    if not ids.numel():
        raise ValueError("the text has no token: nothing to attribute to")
    return ids, torch.full_like(ids, tokenizer.pad_token_id)


def token_attributions(model, tokenizer, text: str, target: int, steps: int = 50) -> list[tuple[str, float]]:
    """What each token adds to the logit of class `target`: (decoded token, attribution in logits), in order.

    model: a `classifier.Classifier`, put in evaluation mode. Integrated
    gradients of the token embeddings (Sundararajan, Taly and Yan 2017, ICML, eq. 1) from a text of pad
    tokens, summed over the embedding; `steps` points of the integral, more where `completeness` is not small.
    Raises ValueError for a text without a token.
    """
    from captum.attr import LayerIntegratedGradients

    model.eval()
    ids, baseline = text_and_baseline(model, tokenizer, text)
    method = LayerIntegratedGradients(
        lambda tokens: logits_of_ids(model, tokens), model.body.get_input_embeddings()
    )
    # A few points of the integral go through at once: a long text would not fit in memory 50 times.
    parts = method.attribute(ids, baseline, target=target, n_steps=steps, internal_batch_size=8)
    values = parts.sum(dim=-1)[0].tolist()
    return [(tokenizer.decode([token]), value) for token, value in zip(ids[0].tolist(), values, strict=True)]


def attribute(
    specs: list[RunSpec], base: str, classes: list[str], texts: list[str], targets: list[int]
) -> list[dict]:
    """One dict a text, of a classifier's run: `tokens`, pairs of token and attribution, and `gap`.

    specs: of one run; classes: its labels; targets: the class that each text is explained for. gap: see
    `completeness`.
    """
    from ..models import bases, classifier

    model = classifier.build(ARMS[specs[0].arm], base, classes, specs[0].seed)
    model, tokenizer = bases.put_weights(model, load_arrays(specs[0])), bases.load_tokenizer(base)
    found = []
    for text, target in zip(texts, targets, strict=True):
        tokens = token_attributions(model, tokenizer, text, target)
        gap = completeness(model, tokenizer, text, target, tokens)
        found.append({"tokens": tokens, "gap": gap})
    return found


def completeness(model, tokenizer, text: str, target: int, attributions: list[tuple[str, float]]) -> float:
    """How far the sum of attributions is from what it must be; 0 is exact.

    |sum - d| / |d|, d the difference of `target`'s logit between the text and the baseline (Sundararajan et
    al. 2017, prop. 1); not finite where d is 0.
    """
    import torch

    model.eval()
    with torch.inference_mode():
        text_logit, baseline_logit = (
            logits_of_ids(model, ids)[0, target].item() for ids in text_and_baseline(model, tokenizer, text)
        )
    difference = np.float64(text_logit - baseline_logit)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(abs(sum(value for _, value in attributions) - difference) / abs(difference))
