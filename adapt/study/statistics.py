"""Intervals over seeds and problems: a two-level bootstrap of ratios of sums.

Every figure here is a numerator summed over texts by a denominator summed over texts (a share, a rate among the
accepted, a mean logarithm). A draw takes seeds with replacement and, apart from that, groups of problems with
replacement; all seeds meet the same problems, so one draw of groups serves all of them. Two arms are compared on equal
draws: seed by seed, problem by problem. The interval is the middle 95 % of the draws.

Guarantees: the same cells give the same interval. Does not guarantee 95 % with few seeds: a bootstrap of three seeds
sees two thirds of the variance between seeds, so its intervals are somewhat too narrow, and with one seed it sees none.
Where every draw is the same share of 0 or 1, the interval is the exact one for as many independent groups as there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 4000
METHOD = (
    "95 % intervals: two-level percentile bootstrap, 4,000 draws; seeds with replacement and groups of problems with "
    "replacement, differences between arms on equal draws. With three seeds such intervals are somewhat too narrow."
)
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    """A value with its interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> list[float | None]:
        """[value, low, high]; None where there is nothing to say."""
        return [None if math.isnan(one) else round(one, 6) for one in (self.value, self.low, self.high)]


NOTHING = Figure(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Cells:
    """Numerator and denominator for each seed and group: arrays of shape (seeds, groups)."""

    top: NDArray
    bottom: NDArray

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Sequence[tuple[float, float]]]]) -> Cells:
        """One mapping a seed: group -> (numerator, denominator) of each text. All seeds have the same groups."""
        import numpy as np

        groups = sorted(rows[0])
        sums = [[[sum(part) for part in zip(*row[group], strict=True)] or [0, 0] for group in groups] for row in rows]
        values = np.array(sums, dtype=float).reshape(len(rows), len(groups), 2)
        return cls(values[:, :, 0], values[:, :, 1])


def figure(cells: Cells, share: bool = True, shape: Callable[[NDArray], NDArray] | None = None) -> Figure:
    """A ratio of sums with its interval; `shape` is applied to ratio and draws alike (e.g. exp of a mean logarithm).

    share: the ratio is one of 0 to 1, and gets an exact interval where all draws agree on 0 or on 1.
    """
    value, draws = _ratio(cells, shape)
    if math.isnan(value):
        return NOTHING
    low, high = _middle(draws)
    if share and shape is None and low == high and value in (0.0, 1.0):
        edge = _edge(cells)
        low, high = (0.0, edge) if value == 0.0 else (1 - edge, 1.0)
    return Figure(value, low, high)


def difference(one: Cells, other: Cells, shape: Callable[[NDArray], NDArray] | None = None) -> Figure:
    """`one` less `other`, on equal draws. Both have the same seeds and groups."""
    first, draws = _ratio(one, shape)
    second, others = _ratio(other, shape)
    if math.isnan(first) or math.isnan(second):
        return NOTHING
    low, high = _middle(draws - others)
    if shape is None and low == high:  # both none or both all: what the groups could have hidden
        low, high = first - second - _edge(one), first - second + _edge(other)
    return Figure(first - second, low, high)


def _edge(cells: Cells) -> float:
    """How far from 0 a share may be of which none of the groups showed anything: Clopper and Pearson's upper end."""
    groups = int((cells.bottom.sum(axis=0) > 0).sum())
    return float(1 - ((1 - CONFIDENCE) / 2) ** (1 / max(groups, 1)))


def _ratio(cells: Cells, shape: Callable[[NDArray], NDArray] | None) -> tuple[float, NDArray]:
    import numpy as np

    seeds, groups = _weights(*cells.top.shape)
    top, bottom = (np.einsum("bs,sg,bg->b", seeds, part, groups) for part in (cells.top, cells.bottom))
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.where(bottom > 0, top / bottom, np.nan)
    whole = cells.bottom.sum()
    value = np.array(cells.top.sum() / whole if whole else math.nan)
    if shape is not None:
        value, draws = shape(value), shape(draws)
    return float(value), draws


def _weights(seeds: int, groups: int) -> tuple[NDArray, NDArray]:
    """How often each draw has each seed and each group; the same for tables of one shape."""
    import numpy as np

    random = np.random.default_rng(2024)
    return (
        random.multinomial(seeds, [1 / seeds] * seeds, size=DRAWS),
        random.multinomial(groups, [1 / groups] * groups, size=DRAWS),
    )


def _middle(draws: NDArray) -> tuple[float, float]:
    """The middle of the draws that say something."""
    import numpy as np

    said = draws[~np.isnan(draws)]
    if not len(said):
        return math.nan, math.nan
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(said, [edge, 1 - edge])
    return float(low), float(high)


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, least and most of a figure over seeds; None for none."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return {"median": median, "least": ordered[0], "most": ordered[-1], "n": len(ordered)}
