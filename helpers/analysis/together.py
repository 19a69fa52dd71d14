"""Two arms that err differently, together; and whether an arm is right where the page says the same words."""

import re

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from ..data import splits
from ..data.study import Study
from ..experiments.derived import derived
from ..experiments.plan import asked, results
from ..experiments.records import load_logits
from ..experiments.specs import RunSpec
from ..models import metrics
from .comparison import correctness
from .errors import fit_temperature
from .intervals import difference, mean_interval, sign_flip

COUNTS = "tfidf_logreg"
READERS = ("smollm2_finetuned", "gpt2_finetuned")  # the first that the study has stands beside COUNTS
SHARES = np.linspace(0, 1, 21)  # of the second arm in the sum, tried on validation


def reader(study: Study) -> str:
    """The pre-trained arm that is added to the word counts."""
    return next(arm for arm in READERS if arm in asked(study, "seen"))


def summed(specs: list[RunSpec], labels: dict[str, list[int]]) -> list[dict]:
    """One dict a run of the second arm: what its log-probabilities and those of the first arm's run give.

    specs: the first arm's run, then the second's, one a seed. labels: class numbers of `valid` and `test`.
    Both are divided by their validation temperature (see `errors.fit_temperature`), so that neither shouts
    the other down; `share`, the second's in the weighted sum, is the one of SHARES with the best validation
    MRR. `answers`: of the test rows; `above`, `tied`: see `metrics.places`.
    """
    own = {side: np.array(rows) for side, rows in labels.items()}

    def scaled(spec: RunSpec) -> dict[str, np.ndarray]:
        logits = load_logits(spec)
        temperature = fit_temperature(logits["valid"], own["valid"])
        return {side: log_softmax(rows.astype(float) / temperature, axis=1) for side, rows in logits.items()}

    first, found = scaled(specs[0]), []
    for spec in specs[1:]:
        second = scaled(spec)

        def mixed(side: str, share: float, second: dict = second) -> np.ndarray:
            return (1 - share) * first[side] + share * second[side]

        share = max(SHARES, key=lambda s: metrics.mean_reciprocal_rank(mixed("valid", s), own["valid"]))
        test = mixed("test", share)
        above, tied = metrics.places(test, own["test"])
        found.append(
            {
                "share": float(share),
                "answers": test.argmax(axis=1).tolist(),
                "above": above.tolist(),
                "tied": tied.tolist(),
            }
        )
    return found


def together(study: Study) -> dict:
    """What the word counts and a pre-trained arm give together on test, and how they overlap.

    Keys: `a` (the counts), `b`; `share` of b in the sum, mean over seeds; `accuracy`, `low`, `high`, `top5`,
    `mrr`; `pair`: the difference from the better of the two alone, as a row of `comparison.paired` without
    what that says of the first seed; and of the first seed the shares of rows that `both`, `only_a`,
    `only_b`, `neither` get right.
    """
    arm, labels = reader(study), splits.side(study.split, "test")[1]
    runs = {name: results(study, name) for name in (COUNTS, arm)}
    told = {side: splits.side(study.split, side)[1].tolist() for side in ("valid", "test")}
    specs = [runs[COUNTS][0].spec, *(record.spec for record in runs[arm])]
    found = derived(summed, specs, told, beside=(fit_temperature,))
    right = np.stack([np.array(row["answers"]) == labels for row in found]).astype(float)
    above, tied = (np.stack([row[name] for row in found]) for name in ("above", "tied"))
    accuracy, low, high = mean_interval(right, labels)
    hits = {name: correctness(records) for name, records in runs.items()}
    best = max(hits, key=lambda name: hits[name].mean())
    size, size_low, size_high = difference(right, hits[best], labels)
    pair = {"a": "together", "b": best, "difference": size, "low": size_low, "high": size_high}
    a, b = (hits[name][0].astype(bool) for name in (COUNTS, arm))
    return {
        **{"a": COUNTS, "b": arm, "share": float(np.mean([row["share"] for row in found]))},
        **{"accuracy": accuracy, "low": low, "high": high},
        "top5": float(metrics.within(above, tied, 5).mean()),
        "mrr": float(np.mean([metrics.reciprocal_ranks(*own) for own in zip(above, tied, strict=True)])),
        "pair": pair | {"p": sign_flip(right, hits[best], labels)},
        **{"both": float((a & b).mean()), "only_a": float((a & ~b).mean())},
        **{"only_b": float((~a & b).mean()), "neither": float((~a & ~b).mean())},
    }


def content_words(text: str) -> set[str]:
    """The words of a text in lower case, without English stop words."""
    return set(re.findall(r"[a-z]+", text.lower())) - ENGLISH_STOP_WORDS


def shared_words(study: Study) -> np.ndarray:
    """(n,): the share of each test row's content words that its label's training rows hold."""
    train = study.split[study.split["side"] == "train"]
    held = {label: content_words(" ".join(rows)) for label, rows in train.groupby("label")["text"]}
    test = study.split[study.split["side"] == "test"]
    said = [(content_words(row.text), held.get(row.label, set())) for row in test.itertuples()]
    return np.array([len(words & known) / max(1, len(words)) for words, known in said])


def by_shared_words(study: Study, arms: list[str], parts: int = 4) -> pd.DataFrame:
    """Accuracy of arms against `shared_words`, the rows in `parts` of equal size, the least sharing first.

    Fewer parts where there are fewer rows.
    Columns: arm, part (from 0), shared (mean share of the part), accuracy, low, high, rows.
    """
    labels, shared = splits.side(study.split, "test")[1], shared_words(study)
    groups, out = np.array_split(np.argsort(shared, kind="stable"), min(parts, len(labels))), []
    for arm in arms:
        right = correctness(results(study, arm))
        for number, rows in enumerate(groups):
            row = (arm, number, float(shared[rows].mean()))
            out.append((*row, *mean_interval(right[:, rows], labels[rows]), len(rows)))
    return pd.DataFrame(out, columns=["arm", "part", "shared", "accuracy", "low", "high", "rows"])
