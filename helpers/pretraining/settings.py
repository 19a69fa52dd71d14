"""What a pre-training run is asked for, and what cannot be."""

import math
from dataclasses import dataclass

from ..config import InputError


@dataclass(frozen=True)
class PretrainSpec:
    """Everything that decides the result, but for a time budget.

    `include` filters by `source` (regex). `tokens` is the number of token steps (None: until a time budget is
    spent). `batch_size` counts rows of `n_positions` tokens a step, all processes together. The learning
    rates are peaks: the first for the matrices of the blocks (`optimizer`: "muon" or "adamw"), the second for
    AdamW (embeddings, biases, gains).
    """

    include: str = ""
    tokens: int | None = 8_000_000
    vocab_size: int = 8192
    n_layer: int = 4
    n_embd: int = 256
    n_head: int = 4
    n_positions: int = 512
    batch_size: int = 8
    optimizer: str = "muon"
    learning_rate: float = 2e-2
    adamw_learning_rate: float = 3e-3
    dropout: float = 0.0
    seed: int = 0

    @property
    def step_tokens(self) -> int:
        return self.batch_size * self.n_positions

    @property
    def max_steps(self) -> int | None:
        return None if self.tokens is None else max(1, self.tokens // self.step_tokens)


def check_settings(
    spec: PretrainSpec, eval_every: int, budget: float | None, micro_batch: int | None
) -> None:
    """InputError for options that cannot be, before anything is read or written."""
    if spec.tokens is None and budget is None:
        raise InputError("pretrain: nothing would end it; give --tokens, --time-budget or both")
    sizes = {
        name: getattr(spec, name)
        for name in ("vocab_size", "n_layer", "n_embd", "n_head", "n_positions", "batch_size")
    }
    for name, value in (
        sizes | {"tokens": spec.tokens, "eval_every": eval_every, "micro_batch": micro_batch}
    ).items():
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    if budget is not None and not 0 < budget < math.inf:
        raise InputError(f"--time-budget {budget / 60:g}: must be a positive number of minutes")
    if not 0 <= spec.dropout < 1:
        raise InputError(f"--dropout {spec.dropout}: must be at least 0 and below 1")
    if not (0 < spec.learning_rate < math.inf and 0 < spec.adamw_learning_rate < math.inf):
        raise InputError("--learning-rate and --adamw-learning-rate: must be positive numbers")
    if not 0 <= spec.seed < 2**32:
        raise InputError(f"--seed {spec.seed}: must lie in [0, 2**32)")
    if spec.n_embd % spec.n_head:
        raise InputError(f"--n-embd {spec.n_embd}: not a multiple of --n-head {spec.n_head}")
    if spec.vocab_size > 2**16:
        raise InputError(f"--vocab-size {spec.vocab_size}: token ids are kept in 16 bits, so at most 65536")
