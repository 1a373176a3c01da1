"""How far an answer's confidence can be trusted: temperature, threshold and reliability, fitted on validation labels.

Guarantees: scaling keeps the most probable value; a threshold that is stated was found by Learn-then-Test on labels
that the temperature and the order of the thresholds never saw, so with the stated confidence at least the stated share
of the accepted answers is right, for calls drawn as the validation calls were. Where no threshold earns that, there is
none: always use the real tool.

Does not guarantee anything for calls of another kind: that is what `adapt.foreign` is for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adapt.errors import ArtifactError
from adapt.foreign import ForeignCheck, Neighbours

FILE = "calibration.json"
NEIGHBOURS_FILE = "foreign.npz"
THRESHOLDS = tuple(0.3 + 0.005 * step for step in range(140))
"""Confidences tried as thresholds: a fixed grid, so that it owes nothing to the labels."""
TINY = 1e-12
_SPREAD = 0.5
"""Standard deviation of a temperature's logarithm before any label is seen: 0.37 to 2.7 at 95 %."""


@dataclass(frozen=True)
class Threshold:
    """A confidence above which answers may stand for the real tool."""

    value: float
    """Answers with at least this scaled confidence are accepted."""
    accuracy: float
    """Promised share of right answers among the accepted."""
    confidence: float
    """Probability, over validation sets, that the promise holds."""
    coverage: float
    """Share of the promise labels that were accepted."""
    observed: float
    """Accuracy among these."""


@dataclass(frozen=True)
class Bin:
    """Answers of one confidence interval."""

    low: float
    high: float
    n: int
    confidence: float
    """Mean confidence."""
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """What `adapt calibrate` writes beside an adapter."""

    domain: str
    decision_field: str | None
    temperature: float
    threshold: Threshold | None
    """None: always use the real tool."""
    promise: str
    """What was promised, in words; or why nothing could be."""
    tuning: int
    """Labels that temperature and threshold order were fitted on."""
    promised_on: int
    """Other labels, which the threshold was tested on and the reliability below is measured on."""
    foreign: ForeignCheck
    reliability_before: tuple[Bin, ...] = ()
    reliability_after: tuple[Bin, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    """accuracy, nll and expected calibration error, before and after."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """adapter, base, spec: what the figures belong to."""

    def scale(self, distribution: Mapping[str, float]) -> dict[str, float]:
        """The distribution at this temperature."""
        return scale(distribution, self.temperature)

    def accepts(self, confidence: float) -> bool:
        """May an answer of this scaled confidence stand for the real tool?"""
        return self.threshold is not None and confidence >= self.threshold.value

    def save(self, folder: Path) -> None:
        """Write calibration.json and foreign.npz."""
        folder.mkdir(parents=True, exist_ok=True)
        raw = asdict(
            Calibration(**{**self.__dict__, "foreign": ForeignCheck(**{**self.foreign.__dict__, "neighbours": None})})
        )
        del raw["foreign"]["neighbours"]
        if self.foreign.neighbours is not None:
            self.foreign.neighbours.save(folder / NEIGHBOURS_FILE)
        temporary = folder / (FILE + ".part")
        temporary.write_text(json.dumps(raw, indent=2, sort_keys=True) + "\n")
        temporary.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path, neighbours: bool = True) -> Calibration:
        """Read what `save` wrote; without `neighbours` the distance check is left out. Raises ArtifactError."""
        path = folder / FILE
        try:
            raw: dict[str, Any] = json.loads(path.read_text())
            stored = folder / NEIGHBOURS_FILE
            near = Neighbours.load(stored) if neighbours and stored.exists() else None
            for name in ("surprise", "distance"):
                raw["foreign"][name] = tuple(raw["foreign"][name]) if raw["foreign"][name] else None
            raw["foreign"] = ForeignCheck(**raw["foreign"], neighbours=near)
            raw["threshold"] = Threshold(**raw["threshold"]) if raw["threshold"] else None
            for name in ("reliability_before", "reliability_after"):
                raw[name] = tuple(Bin(**entry) for entry in raw[name])
            return cls(**raw)
        except FileNotFoundError:
            raise ArtifactError(f"{path}: no calibration; run `adapt calibrate` first") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{path}: not a usable calibration ({error}); run `adapt calibrate` again") from None


def scale(distribution: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Probabilities to the power 1/temperature, normalised: keeps the order of the values."""
    if temperature == 1.0 or not distribution:
        return dict(distribution)
    logs = {value: math.log(max(p, TINY)) / temperature for value, p in distribution.items()}
    top = max(logs.values())
    weights = {value: math.exp(log - top) for value, log in logs.items()}
    total = sum(weights.values())
    return {value: weight / total for value, weight in weights.items()}


def negative_log_likelihood(distributions: Sequence[Mapping[str, float]], real: Sequence[str]) -> float:
    """Mean over calls, in nats; a value that the distribution does not name counts as TINY."""
    losses = [
        -math.log(max(distribution.get(value, 0.0), TINY))
        for distribution, value in zip(distributions, real, strict=True)
    ]
    return sum(losses) / len(losses) if losses else 0.0


def fit_temperature(distributions: Sequence[Mapping[str, float]], real: Sequence[str]) -> float:
    """The most probable temperature, in [0.05, 20]; 1 where there is nothing to fit.

    Beforehand its logarithm is taken to be normal around 0 with a spread of `_SPREAD`: answers that are all right do
    not say that none will ever be wrong, and would drive the temperature to nothing. A thousand labels outweigh it.
    """
    from scipy.optimize import minimize_scalar

    if len(distributions) < 2 or all(len(distribution) < 2 for distribution in distributions):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = [scale(distribution, math.exp(log_temperature)) for distribution in distributions]
        expected = (log_temperature / _SPREAD) ** 2 / (2 * len(scaled))
        return negative_log_likelihood(scaled, real) + expected

    found = minimize_scalar(loss, bounds=(math.log(0.05), math.log(20.0)), method="bounded", options={"xatol": 1e-3})
    return float(math.exp(found.x))


def fit_threshold(
    tuning: Sequence[tuple[float, bool]],
    promised: Sequence[tuple[float, bool]],
    accuracy: float = 0.95,
    confidence: float = 0.95,
) -> Threshold | None:
    """Learn-then-Test with split fixed-sequence testing: pairs of (scaled confidence, was it right).

    The order in which thresholds are tested is learnt on `tuning`; they are tested on `promised`: other labels.
    Of the thresholds that pass, the one that accepts most answers. None where none passes.
    """
    import warnings

    import numpy
    from mapie.risk_control import BinaryClassificationController, precision

    if not tuning or not promised:
        return None

    def confidences(pairs: Any) -> Any:
        return numpy.stack([1.0 - pairs[:, 0], pairs[:, 0]], axis=1)

    learn, test = (numpy.array([[c, float(right)] for c, right in part], dtype=float) for part in (tuning, promised))
    controller = BinaryClassificationController(
        predict_function=confidences,
        risk=precision,
        target_level=float(accuracy),
        confidence_level=float(confidence),
        list_predict_params=numpy.array(THRESHOLDS),
        fwer_method="split_fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no threshold passes: that is an answer here, not an accident
        controller.learn_fixed_sequence_order(learn, learn[:, 1].astype(int), binary=True)
        controller.calibrate(test, test[:, 1].astype(int))
    if controller.best_predict_param is None:
        return None
    value = float(numpy.ravel(controller.best_predict_param)[0])
    accepted = [right for c, right in promised if c >= value]
    observed = sum(accepted) / len(accepted) if accepted else 0.0
    return Threshold(value, accuracy, confidence, len(accepted) / len(promised), observed)


def reliability(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[Bin, ...]:
    """Equal-width confidence bins, empty ones left out."""
    found = []
    for index in range(bins):
        low, high = index / bins, (index + 1) / bins
        inside = [(c, right) for c, right in pairs if low <= c < high or (c == high == 1.0)]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            found.append(Bin(low, high, len(inside), mean, sum(right for _, right in inside) / len(inside)))
    return tuple(found)


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and accuracy over bins, weighted by their answers."""
    total = sum(entry.n for entry in bins)
    return sum(entry.n * abs(entry.confidence - entry.accuracy) for entry in bins) / total if total else 0.0
