"""What moves the weights in pre-training: the learning-rate schedule, which a time budget may settle, and the
optimizer.
"""

import math

import torch
from pytorch_optimizer import Muon

from .settings import PretrainSpec

WARMUP_STEPS = 100
DECAY = 0.4  # share of the steps, the last ones, in which the learning rate falls to 0
NEVER = 10**9  # steps of a run that only a time budget ends


class Schedule:
    """Learning-rate factor of a step: linear warm-up, constant, linear decay to 0 over the last `DECAY` of
    the steps.

    `total` is the number of steps, or None while a time budget leaves it open. Since the decay's length is a
    share of the whole, a run that a budget ends after n steps has the very schedule of a run of n steps
    (warm-up–stable–decay: Hu et al., MiniCPM, arXiv:2404.06395). `LambdaLR` keeps the attributes of a
    callable object in its state, so a checkpoint knows a `total` that a budget has settled.
    """

    def __init__(self, total: int | None):
        self.total = total

    def __call__(self, step: int) -> float:
        warm = min(1.0, (step + 1) / WARMUP_STEPS)
        if self.total is None:
            return warm
        return min(warm, max(0.0, (self.total - step) / (DECAY * self.total)))

    def spend(self, step: int, seconds: float, budget: float) -> None:
        """Fixes `total` once only the decay's share of the budget (seconds) is left, if steps go on at the
        pace so far.
        """
        if seconds >= (1 - DECAY) * budget:
            self.total = min(self.total or NEVER, math.ceil(step / (1 - DECAY)))


def make_optimizer(model: torch.nn.Module, spec: PretrainSpec) -> torch.optim.Optimizer:
    """Muon for the matrices of the blocks, AdamW for all else (K. Jordan,
    https://kellerjordan.github.io/posts/muon/, 2024).

    With `spec.optimizer` "adamw" the matrices are AdamW's too. GPT-2 keeps its matrices as (in, out), so the
    library's factor for tall ones, sqrt(rows / columns), goes to the second matrix of the feed-forward part.
    """
    named = list(model.named_parameters())
    blocks = [p for name, p in named if ".h." in name and p.ndim == 2]
    tables = [p for name, p in named if ".h." not in name and p.ndim == 2]
    vectors = [p for _, p in named if p.ndim == 1]
    adamw = {"use_muon": False, "lr": spec.adamw_learning_rate, "betas": (0.9, 0.95)}
    matrices = {"use_muon": True} if spec.optimizer == "muon" else adamw
    return Muon(
        [
            {"params": blocks, **matrices, "lr": spec.learning_rate, "weight_decay": 0.1},
            {"params": tables, **adamw, "weight_decay": 0.1},
            {"params": vectors, **adamw, "weight_decay": 0.0},
        ]
    )
