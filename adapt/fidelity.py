"""Predictions held against real answers, as the figures of `fidelity.json`. Pure: numbers in, plain JSON out.

Each figure stands beside what the majority, text statistics and the facts alone reach on the same calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adapt.baselines import Inputs, number_baselines, verdict_baselines
from adapt.domain import Fidelity
from adapt.labels import LabelRecord
from adapt.metrics import NUMBER_METRICS, VERDICT_METRICS, Floats, evaluate, gains

SIMULATOR = "simulator"
FOREIGN = "foreign"
FACTS = "facts alone"
GAINED = ("accuracy", "f1", "auroc", "calibration_error")
"""Metrics whose gain over the facts alone is reported."""


@dataclass(frozen=True)
class Prediction:
    """What the simulator said of one labelled call."""

    distribution: Mapping[str, float]
    """Calibrated distribution of the decision field; empty for a domain without one."""
    content: Mapping[str, Any]
    """The answered content: the whole answer where one was decoded, else the decision alone."""
    confidence: float
    foreign: bool = False
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Number -> what the simulator says 80 % of such answers lie between."""

    @property
    def value(self) -> str:
        """The most probable decision."""
        return max(self.distribution, key=self.distribution.__getitem__, default="answer")


def probability(fidelity: Fidelity, verdict: str, prediction: Prediction) -> float:
    """Probability that a verdict is true: summed over the decision's values, else the answer's own confidence.

    Values that say nothing about the verdict count on neither side; a half where nothing else is left.
    """
    read = fidelity.verdicts[verdict]
    if fidelity.decision_field is None:
        said = read(prediction.content)
        return 0.5 if said is None else prediction.confidence if said else 1.0 - prediction.confidence
    sides: dict[bool | None, float] = {True: 0.0, False: 0.0, None: 0.0}
    for value, p in prediction.distribution.items():
        sides[read({fidelity.decision_field: value})] += p
    if not sides[None]:
        return sides[True]
    known = sides[True] + sides[False]
    return sides[True] / known if known > 0 else 0.5


def is_foreign(record: LabelRecord) -> bool:
    """Whether a call comes from a set in a style that training never saw."""
    return record.cohort == FOREIGN or bool(record.tags.get(FOREIGN))


def by_cohort(records: Sequence[LabelRecord]) -> dict[str, list[int]]:
    """Cohort -> indices of its records, in the order of their first appearance by name."""
    cohorts: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        cohorts.setdefault(record.cohort, []).append(index)
    first = {"seen": 0, "unseen": 1, "foreign": 9}
    return dict(sorted(cohorts.items(), key=lambda entry: (first.get(entry[0], 5), entry[0])))


def verdict_figures(
    fidelity: Fidelity,
    train: tuple[Sequence[LabelRecord], Sequence[Inputs]],
    test: tuple[Sequence[LabelRecord], Sequence[Inputs]],
    predictions: Sequence[Prediction],
) -> dict[str, dict[str, Any]]:
    """verdict -> cohort -> {n, methods: {method: {metric: [value, low, high]}}, gain: {metric: [value, low, high]}}.

    Over the labels that know the verdict. A verdict that no training or no test label knows has no figures, nor has a
    cohort where only labels of one side know it: whether it is known would be the answer.
    """
    figures: dict[str, dict[str, Any]] = {}
    for name, read in fidelity.verdicts.items():
        learnt = [i for i, record in enumerate(train[0]) if read(record.result.content) is not None]
        asked = _telling([read(record.result.content) for record in test[0]], test[0])
        if not learnt or not asked:
            continue
        records = [test[0][i] for i in asked]
        known = np.asarray([read(train[0][i].result.content) for i in learnt], float)
        answers = verdict_baselines([train[1][i] for i in learnt], known, [test[1][i] for i in asked])
        answers[SIMULATOR] = np.asarray([probability(fidelity, name, predictions[i]) for i in asked])
        truth = np.asarray([read(record.result.content) for record in records], float)
        figures[name] = _table(VERDICT_METRICS, records, truth, answers)
        if FACTS in answers:
            metrics = {metric: VERDICT_METRICS[metric] for metric in GAINED}
            for cohort, rows in by_cohort(records).items():
                twins = [records[row].twin for row in rows]
                better = gains(metrics, truth[rows], answers[SIMULATOR][rows], answers[FACTS][rows], twins)
                figures[name][cohort]["gain"] = {metric: figure.to_json() for metric, figure in better.items()}
    return figures


def _telling(known: Sequence[bool | None], records: Sequence[LabelRecord]) -> list[int]:
    """Indices of the labels that a verdict is measured on: see `verdict_figures`."""
    kept: list[int] = []
    for members in by_cohort(records).values():
        sides = {known[index] for index in members}
        if None not in sides or {True, False} <= sides:
            kept += [index for index in members if known[index] is not None]
    return sorted(kept)


def number_figures(
    fidelity: Fidelity,
    train: tuple[Sequence[LabelRecord], Sequence[Inputs]],
    test: tuple[Sequence[LabelRecord], Sequence[Inputs]],
    predictions: Sequence[Prediction],
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, list[list[float]]]]]:
    """Errors as in `verdict_figures`, over calls where both the real tool and the simulator gave the number.

    Also the pairs (real, simulated) by cohort, for the scatter.
    """
    figures: dict[str, dict[str, Any]] = {}
    points: dict[str, dict[str, list[list[float]]]] = {}
    for name, read in fidelity.numbers.items():
        rows = [
            index
            for index, (record, said) in enumerate(zip(test[0], predictions, strict=True))
            if read(record.result.content) is not None and read(said.content) is not None
        ]
        known = [index for index, record in enumerate(train[0]) if read(record.result.content) is not None]
        if not rows or not known:
            continue
        records = [test[0][index] for index in rows]
        truth = np.asarray([read(record.result.content) for record in records], float)
        fitted = np.asarray([read(train[0][index].result.content) for index in known], float)
        answers = number_baselines([train[1][i] for i in known], fitted, [test[1][i] for i in rows])
        answers[SIMULATOR] = np.asarray([read(predictions[index].content) for index in rows], float)
        figures[name] = _table(NUMBER_METRICS, records, truth, answers)
        points[name] = {
            cohort: [[float(truth[i]), float(answers[SIMULATOR][i])] for i in members]
            for cohort, members in by_cohort(records).items()
        }
    return figures, points


def interval_figures(
    fidelity: Fidelity, records: Sequence[LabelRecord], predictions: Sequence[Prediction]
) -> dict[str, dict[str, dict[str, float]]]:
    """number -> cohort -> {n, held}: of the calls with an interval, the share whose real number lies in it."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, read in fidelity.numbers.items():
        for cohort, members in by_cohort(records).items():
            held = [
                predictions[index].intervals[name][0] <= real <= predictions[index].intervals[name][1]
                for index in members
                if name in predictions[index].intervals and (real := read(records[index].result.content)) is not None
            ]
            if held:
                figures.setdefault(name, {})[cohort] = {"n": len(held), "held": float(np.mean(held))}
    return figures


def _table(
    metrics: Mapping[str, Any], records: Sequence[LabelRecord], truth: Floats, answers: Mapping[str, Floats]
) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for cohort, members in by_cohort(records).items():
        clusters = [records[index].twin for index in members]
        table[cohort] = {
            "n": len(members),
            "methods": {
                method: {
                    metric: figure.to_json()
                    for metric, figure in evaluate(metrics, truth[members], said[members], clusters).items()
                }
                for method, said in answers.items()
            },
        }
    return table


def confusion(
    fidelity: Fidelity, records: Sequence[LabelRecord], predictions: Sequence[Prediction]
) -> dict[str, dict[str, Any]]:
    """cohort -> {labels, counts}: rows real, columns simulated."""
    matrices = {}
    for cohort, members in by_cohort(records).items():
        real = [fidelity.label(records[index].result.content) for index in members]
        said = [fidelity.label(predictions[index].content) for index in members]
        labels = sorted({*real, *said})
        counts = Counter(zip(real, said, strict=True))
        matrices[cohort] = {"labels": labels, "counts": [[counts[row, column] for column in labels] for row in labels]}
    return matrices


def reliability(
    fidelity: Fidelity, records: Sequence[LabelRecord], predictions: Sequence[Prediction]
) -> dict[str, list[list[float]]]:
    """cohort -> rows (mean confidence, share right, n) by confidence, for the decision."""
    from adapt.calibration import reliability as binned

    curves = {}
    for cohort, members in by_cohort(records).items():
        pairs = [
            (
                predictions[index].confidence,
                fidelity.label(records[index].result.content) == fidelity.label(predictions[index].content),
            )
            for index in members
        ]
        curves[cohort] = [[row.confidence, row.accuracy, row.n] for row in binned(pairs)]
    return curves


def label_mix(fidelity: Fidelity, records: Sequence[LabelRecord]) -> dict[str, dict[str, int]]:
    """ "split, cohort" -> class -> count."""
    mix: dict[str, Counter[str]] = {}
    for record in records:
        mix.setdefault(f"{record.split}, {record.cohort}", Counter())[fidelity.label(record.result.content)] += 1
    return {name: dict(counts.most_common()) for name, counts in sorted(mix.items())}


def foreign_figures(records: Sequence[LabelRecord], predictions: Sequence[Prediction]) -> dict[str, float] | None:
    """How many foreign calls the check caught, how many familiar ("seen") ones it marked; None without foreign ones."""
    pairs = list(zip(records, predictions, strict=True))
    foreign = [said.foreign for record, said in pairs if is_foreign(record)]
    familiar = [said.foreign for record, said in pairs if record.cohort == "seen"]
    if not foreign:
        return None
    return {
        "n": len(foreign),
        "caught": float(np.mean(foreign)),
        "n_familiar": len(familiar),
        "false_alarms": float(np.mean(familiar)) if familiar else 0.0,
    }


def published(fidelity: Fidelity) -> dict[str, dict[str, Any]]:
    """verdict or number -> {name, figures}: what others report of such a tool, on calls of their own."""
    return {name: {"name": found.name, "figures": dict(found.figures)} for name, found in fidelity.published.items()}
