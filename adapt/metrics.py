"""How good a set of predictions is: one verdict, or one number, with 95 % intervals.

Intervals come from a bootstrap over clusters (a clean candidate and its broken copies are one cluster), since twins
are not independent. Probabilities are of the verdict being true. Nothing here knows a domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BOOTSTRAPS = 300


@dataclass(frozen=True)
class Figure:
    """One figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> list[float]:
        return [round(float(x), 4) for x in (self.value, self.low, self.high)]


def accuracy(truth: Floats, p: Floats) -> float:
    """Share of verdicts predicted rightly at p >= 0.5."""
    return float(np.mean((p >= 0.5) == (truth > 0.5)))


def precision(truth: Floats, p: Floats) -> float:
    """Of those predicted true, the share that is."""
    said = p >= 0.5
    return float(truth[said].mean()) if said.any() else float("nan")


def recall(truth: Floats, p: Floats) -> float:
    """Of those that are true, the share predicted so."""
    true = truth > 0.5
    return float((p[true] >= 0.5).mean()) if true.any() else float("nan")


def specificity(truth: Floats, p: Floats) -> float:
    """Recall of the other class: of those that are false, the share predicted so."""
    return recall(1 - truth, 1 - p - 1e-12)


def f1(truth: Floats, p: Floats) -> float:
    """Harmonic mean of precision and recall."""
    said, true = p >= 0.5, truth > 0.5
    both = float((said & true).sum())
    return 2 * both / max(float(said.sum() + true.sum()), 1.0)


def auroc(truth: Floats, p: Floats) -> float:
    """Area under the ROC curve, from ranks; not a number where only one class is present.

    scikit-learn's takes 2 ms a call in argument checks, and a report's bootstrap makes 10,000 calls.
    """
    from scipy.stats import rankdata

    true = truth > 0.5
    trues, falses = int(true.sum()), int((~true).sum())
    if not trues or not falses:
        return float("nan")
    return float((rankdata(p)[true].sum() - trues * (trues + 1) / 2) / (trues * falses))


def calibration_error(truth: Floats, p: Floats, bins: int = 10) -> float:
    """Expected calibration error of the predicted class's probability, equal-width bins on [0.5, 1]."""
    confidence = np.maximum(p, 1 - p)
    right = (p >= 0.5) == (truth > 0.5)
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    surplus = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(surplus).sum() / len(p))


VERDICT_METRICS: Mapping[str, Callable[[Floats, Floats], float]] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "f1": f1,
    "auroc": auroc,
    "calibration_error": calibration_error,
}


def median_absolute_error(truth: Floats, said: Floats) -> float:
    """Median of |said - truth|, in the number's own unit."""
    return float(np.median(np.abs(said - truth)))


def median_relative_error(truth: Floats, said: Floats) -> float:
    """Median of |said - truth| / truth."""
    return float(np.median(np.abs(said - truth) / np.maximum(np.abs(truth), 1e-12)))


def mean_absolute_error(truth: Floats, said: Floats) -> float:
    """Mean of |said - truth|, in the number's own unit: a few far misses decide it."""
    return float(np.mean(np.abs(said - truth)))


NUMBER_METRICS: Mapping[str, Callable[[Floats, Floats], float]] = {
    "median_absolute_error": median_absolute_error,
    "mean_absolute_error": mean_absolute_error,
    "median_relative_error": median_relative_error,
}


def evaluate(
    metrics: Mapping[str, Callable[[Floats, Floats], float]],
    truth: Sequence[float] | Floats,
    said: Sequence[float] | Floats,
    clusters: Sequence[str],
    seed: int = 0,
) -> dict[str, Figure]:
    """Every metric with its interval; empty input gives no figures."""
    if not len(truth):
        return {}
    truths, answers = np.asarray(truth, float), np.asarray(said, float)
    values: dict[str, list[float]] = {name: [] for name in metrics}
    for rows in _resamples(tuple(clusters), seed):
        for name, metric in metrics.items():
            values[name].append(metric(truths[rows], answers[rows]))
    return {name: _figure(metric(truths, answers), values[name]) for name, metric in metrics.items()}


def gains(
    metrics: Mapping[str, Callable[[Floats, Floats], float]],
    truth: Sequence[float] | Floats,
    ours: Sequence[float] | Floats,
    theirs: Sequence[float] | Floats,
    clusters: Sequence[str],
    seed: int = 0,
) -> dict[str, Figure]:
    """Every metric of `ours` less that of `theirs`, both on the same calls of each resample: a paired bootstrap."""
    if not len(truth):
        return {}
    truths, mine, other = (np.asarray(values, float) for values in (truth, ours, theirs))
    drawn: dict[str, list[float]] = {name: [] for name in metrics}
    for rows in _resamples(tuple(clusters), seed):
        for name, metric in metrics.items():
            drawn[name].append(metric(truths[rows], mine[rows]) - metric(truths[rows], other[rows]))
    return {
        name: _figure(metric(truths, mine) - metric(truths, other), drawn[name]) for name, metric in metrics.items()
    }


def _figure(value: float, drawn: Sequence[float]) -> Figure:
    """A value with the middle 95 % of its resamples; those where it is not a number are left out."""
    known = np.asarray(drawn)
    known = known[~np.isnan(known)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (float("nan"), float("nan"))
    return Figure(value, float(low), float(high))


@lru_cache(maxsize=8)
def _resamples(clusters: tuple[str, ...], seed: int) -> list[NDArray[np.int64]]:
    """Row indices of each bootstrap: clusters drawn with replacement, all their rows kept."""
    members: dict[str, list[int]] = {}
    for row, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(row)
    groups = [np.asarray(rows) for rows in members.values()]
    generator = np.random.default_rng(seed)
    return [
        np.concatenate([groups[i] for i in generator.integers(0, len(groups), len(groups))]) for _ in range(BOOTSTRAPS)
    ]
