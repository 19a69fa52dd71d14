"""N-gram language models over token ids: the baselines that a pre-trained model has to beat."""

import numpy as np


def unigram_nats(train: np.ndarray, held_out: np.ndarray, vocab_size: int) -> np.ndarray:
    """Surprise of each held-out token under the training frequencies (add-one): (n,) float64 nats."""
    counts = np.bincount(train, minlength=vocab_size) + 1
    return -np.log(counts / counts.sum())[held_out]


class KneserNey:
    """Interpolated modified Kneser-Ney of the given order (Chen and Goodman 1999, Computer Speech & Language
    13, section 3.2).

    An n-gram is numbered by the pair (number of its first n-1 tokens, last token), so a level is one sorted
    array of pairs and a text is looked up with one `searchsorted` a level. `tokens`: (n,) integers below
    `vocab_size`, documents one after the other with their end-of-text tokens.
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
        """Of each n-gram its discounted share `p` of its prefix; of each prefix the mass `left` for the
        shorter n-gram.
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
