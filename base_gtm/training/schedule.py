"""How long a training takes, its learning rate, and the order of its records: all of it follows from the options."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from base_gtm.training.options import TrainOptions

WARMUP = 0.05
"""Share of a training in which the learning rate rises."""
_LOGGED_EVERY = 20
_GROUP = 50
"""Batches among which lengths are sorted."""


@dataclass
class Clock:
    """Time and place of a training over all its runs."""

    total_steps: int
    budget_s: float | None
    before_s: float = 0.0
    """Seconds of the runs before this one, up to the checkpoint gone on from."""
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.before_s + time.monotonic() - self.began

    @property
    def spent(self) -> bool:
        """Is the time budget used up?"""
        return self.budget_s is not None and self.elapsed >= self.budget_s

    def factor(self, step: int) -> float:
        """Of the learning rate: a linear rise, then half a cosine to zero, by steps or time, whichever is further."""
        done = step / self.total_steps
        if self.budget_s:
            done = max(done, self.elapsed / self.budget_s)
        if done < WARMUP:
            return min(1.0, max(done, 1 / self.total_steps) / WARMUP)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - WARMUP) / (1 - WARMUP))))


def total_steps(rows: int, options: TrainOptions) -> int:
    """Updates of the whole training."""
    return options.steps or max(1, math.ceil(_updates(rows, options) * options.epochs))


def batches_taken(rows: int, options: TrainOptions, epoch: int) -> int:
    """Batches of an epoch that the training comes to, of all devices together."""
    from accelerate import PartialState

    left = total_steps(rows, options) - epoch * _updates(rows, options)
    return max(0, left) * options.accumulate * PartialState().num_processes


def _updates(rows: int, options: TrainOptions) -> int:
    """Of a whole epoch."""
    from accelerate import PartialState

    return math.ceil(rows / (options.batch * options.accumulate * PartialState().num_processes))


def logged_every(total_steps: int) -> int:
    """Steps between two points of the loss curve."""
    return max(1, min(_LOGGED_EVERY, total_steps // 20))


def order(lengths: Sequence[int] | None, rows: int, batch: int, seed: int, epoch: int, *, rising: int = 0) -> list[int]:
    """Rows in the order of an epoch: batches of like length, shuffled, the first `rising` of them then by length; the
    same for the same seed and epoch.
    """
    import numpy as np

    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(rows)
    if lengths is None:
        return [int(at) for at in shuffled]
    sizes = np.asarray(lengths)
    groups = [shuffled[start : start + _GROUP * batch] for start in range(0, rows, _GROUP * batch)]
    sorted_ = np.concatenate([group[np.argsort(-sizes[group], kind="stable")] for group in groups])
    whole = rows // batch * batch
    batches = sorted_[:whole].reshape(-1, batch)
    batches = batches[random.permutation(len(batches))]
    batches[:rising] = batches[:rising][np.argsort(sizes[batches[:rising, 0]], kind="stable")]
    return [int(at) for at in (*batches.flatten(), *sorted_[whole:])]
