"""A share with its 95 % interval: how much of it is luck of the records, and of the tools.

Guarantees: an interval is the wider, on either side, of Wilson's for so many independent records and of a bootstrap
that draws whole clusters (tools, sessions), since records of one tool are right or wrong together. The first alone
would be too sure of itself, the second gives no interval at 0 % and 100 %. The same values give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DRAWS = 1000
_SEED = 0


@dataclass(frozen=True)
class Share:
    """A mean of values from 0 to 1."""

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float], clusters: Sequence[str]) -> Share | None:
        """clusters: what each value's record belongs to. None without values."""
        if not values:
            return None
        mean = sum(values) / len(values)
        low, high = _bootstrap([(values, clusters)])
        if all(value in (0, 1) for value in values):
            wilson = _wilson(int(sum(values)), len(values))
            low, high = min(low, wilson[0]), max(high, wilson[1])
        return cls(mean, low, high, len(values))

    @classmethod
    def average(cls, groups: Sequence[tuple[Sequence[float], Sequence[str]]]) -> Share | None:
        """The mean of the groups' means; None where a group has no values. By the bootstrap alone."""
        if not all(values for values, _ in groups):
            return None
        mean = sum(sum(values) / len(values) for values, _ in groups) / len(groups)
        return cls(mean, *_bootstrap(groups), sum(len(values) for values, _ in groups))


def _wilson(right: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _bootstrap(groups: Sequence[tuple[Sequence[float], Sequence[str]]]) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of the mean of means; clusters are drawn for all groups together."""
    import numpy as np

    names = {name: at for at, name in enumerate(sorted({name for _, clusters in groups for name in clusters}))}
    drawn = np.random.default_rng(_SEED).multinomial(len(names), [1 / len(names)] * len(names), _DRAWS)
    means = []
    for values, clusters in groups:
        places = [names[name] for name in clusters]
        sums = drawn @ np.bincount(places, weights=values, minlength=len(names))
        counts = drawn @ np.bincount(places, minlength=len(names))
        means.append(np.divide(sums, counts, out=np.full(_DRAWS, np.nan), where=counts > 0))
    low, high = np.nanpercentile(np.mean(means, axis=0), [2.5, 97.5])
    return float(low), float(high)
