"""The n-gram baselines give probabilities, equal to those of the definition written with dictionaries."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from helpers.pretraining.card import KneserNey, unigram_nats

V = 12


@pytest.fixture(scope="module")
def tokens():
    rng = np.random.default_rng(0)
    jumps = rng.dirichlet(np.full(V, 0.2), size=V)  # a Markov chain, so that context matters
    out = [0]
    for _ in range(1500):
        out.append(int(rng.choice(V, p=jumps[out[-1]])))
    return np.array(out)


def definition(tokens, context, token, order):
    """Chen and Goodman's recursion, for one token."""
    grams = [
        Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)) for n in range(1, order + 1)
    ]
    for n in range(1, order):
        before = defaultdict(set)
        for gram in grams[n]:
            before[gram[1:]].add(gram[0])
        grams[n - 1] = {gram: len(before[gram]) for gram in grams[n - 1]}

    def p(n, context):
        if n == 0:
            return 1 / V
        counts = grams[n - 1]
        here = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == context and c}
        shorter = p(n - 1, context[1:])
        if not here:
            return shorter
        seen = [max(1, sum(c == k for c in counts.values())) for k in (1, 2, 3, 4)]
        y = seen[0] / (seen[0] + 2 * seen[1])
        d = [0] + [min(max(k - (k + 1) * y * seen[k] / seen[k - 1], 0.1), k) for k in (1, 2, 3)]
        total = sum(here.values())
        left = sum(min(d[min(c, 3)], c) for c in here.values()) / total
        c = here.get(token, 0)
        return max(c - d[min(c, 3)], 0) / total + left * shorter

    return p(order, tuple(context[len(context) - order + 1 :]))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_kneser_ney_is_its_definition(tokens, order):
    model, held_out = KneserNey(tokens, V, order), np.array([3, 3, 7, 1, 0, 11, 2, 2, 2, 5])
    nats = model.nats(held_out)
    for place in range(order - 1, len(held_out)):
        expected = definition(tokens.tolist(), held_out[:place].tolist(), int(held_out[place]), order)
        assert np.exp(-nats[place]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("context", [[], [4], [1, 2, 3, 4], [0, 0, 0, 0]])
def test_kneser_ney_sums_to_one_after_any_context(tokens, context):
    model = KneserNey(tokens, V, 5)
    total = sum(np.exp(-model.nats(np.array([*context, token]))[-1]) for token in range(V))
    assert total == pytest.approx(1)


def test_nothing_is_impossible_even_after_a_text_without_rare_tokens():
    model = KneserNey(np.tile([0, 1, 2], 50), V, 3)
    assert np.isfinite(model.nats(np.array([0, 1, 5, 2, 2, 7]))).all()


def test_context_helps_where_there_is_some(tokens):
    train, held_out = tokens[:1200], tokens[1200:]
    assert KneserNey(train, V, 3).nats(held_out).mean() < unigram_nats(train, held_out, V).mean()


def test_the_unigram_gives_unseen_tokens_a_chance():
    nats = unigram_nats(np.array([0, 0, 1]), np.array([0, 1, 2]), 3)
    assert np.exp(-nats) == pytest.approx([3 / 6, 2 / 6, 1 / 6])
