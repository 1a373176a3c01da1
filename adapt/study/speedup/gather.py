"""From the folders of a study's units to `study.json`: every raw number, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapt.study import statistics
from adapt.study.arms import Arm, Unit
from adapt.study.record import ANSWERS, read_steps, read_texts
from adapt.study.run import result_of
from adapt.study.speedup import paper, times
from adapt.study.speedup.judging import key_of
from adapt.study.speedup.scores import Text, compared, counts, scores
from adapt.study.task import Judged, Problem

UNTRAINED = "untrained"
REAL, SIMULATE = "real", "simulate"


@dataclass(frozen=True)
class Verdicts:
    """What is known of every text: by the real tool, by the simulator."""

    judged: Mapping[str, Judged]
    accepted: Mapping[str, bool] | None
    """None where there is no simulator to ask."""
    problems: Mapping[str, Problem]

    def texts(self, seed: int, items: Iterable[Mapping[str, Any]]) -> list[Text]:
        """The judged texts among those that an agent of one seed wrote."""
        found = []
        for item in items:
            problem = self.problems.get(item["problem"])
            for text in item["texts"] if problem is not None else ():
                key = key_of(item["problem"], text)
                if key in self.judged and problem is not None:
                    said = None if self.accepted is None else self.accepted.get(key)
                    found.append(Text(seed, problem.id, problem.group, self.judged[key], said))
        return found


def gather(
    root: Path, units: Sequence[Unit], untrained: Mapping[int, Sequence[Mapping[str, Any]]], verdicts: Verdicts
) -> dict[str, Any]:
    """Everything that follows from the units' files: arms, the untrained agent, ratios, comparisons.

    untrained: seed -> items that the agent wrote for the test problems before it learned.
    """
    arms: dict[str, dict[str, Any]] = {}
    final: dict[str, list[Text]] = {}
    by_seed: dict[str, dict[int, dict[str, float]]] = {}
    for arm in dict.fromkeys(unit.arm for unit in units):
        mine = [unit for unit in units if unit.arm == arm]
        steps = {unit.seed: read_steps(root / unit.folder) for unit in mine}
        texts = {unit.seed: read_texts(root / unit.folder) for unit in mine}
        final[arm.name] = [
            text
            for seed, lines in texts.items()
            for line in lines
            if line["split"] == "test"
            for text in verdicts.texts(seed, line["items"])
        ]
        by_seed[arm.name] = {seed: times.unit_times(lines) for seed, lines in steps.items()}
        arms[arm.name] = _arm(arm, steps, texts, final[arm.name], by_seed[arm.name], verdicts)
        arms[arm.name]["units"] = [_unit(root, unit, steps[unit.seed]) for unit in mine]
    before = [text for seed, items in untrained.items() for text in verdicts.texts(seed, items)]
    return {
        "arms": arms,
        "untrained": {"final": _json(scores(before)), "counts": counts(before), "texts": _rows(before)},
        "ratios": {
            name: times.ratios(by_seed[REAL], by_seed[name]) for name in by_seed if REAL in by_seed and name != REAL
        },
        "by_evaluator": {
            arm.name: times.ratios(by_seed[arm.name], by_seed[SIMULATE])
            for arm in dict.fromkeys(unit.arm for unit in units)
            if arm.evaluator and SIMULATE in by_seed
        },
        "comparisons": _comparisons(final, before),
        "method": statistics.METHOD,
        "paper": {"title": paper.TITLE, "training_s": dict(paper.TRAINING_S), "table_3": dict(paper.TABLE_3)},
    }


def stock(root: Path, study: Mapping[str, Any], units: Sequence[Unit], cores: int) -> dict[str, Any]:
    """Arm -> what its ratios would be with stock compilation; empty without a real arm or without figures."""
    found: dict[str, Any] = {}
    by_seed: dict[str, dict[int, dict[str, float]]] = {}
    for unit in units:
        by_seed.setdefault(unit.arm.name, {})[unit.seed] = times.unit_times(read_steps(root / unit.folder))
    asked = {unit.seed: _lines(root / unit.folder / ANSWERS) for unit in units if unit.arm.name == REAL}
    for name in by_seed if REAL in by_seed else ():
        # An arm that asks the real tool itself would be slower too: only one that never does keeps its own time.
        if name == SIMULATE:
            ratios = times.stock_ratios(study, by_seed[REAL], by_seed[name], asked, cores)
            if ratios is not None:
                found[name] = ratios
    return found


def _arm(
    arm: Arm,
    steps: Mapping[int, Sequence[Mapping[str, Any]]],
    texts: Mapping[int, Sequence[Mapping[str, Any]]],
    final: Sequence[Text],
    by_seed: Mapping[int, Mapping[str, float]],
    verdicts: Verdicts,
) -> dict[str, Any]:
    return {
        "policy": arm.policy,
        "evaluator": arm.evaluator,
        "time": times.arm_times(list(by_seed.values())),
        "sources": times.sources([line for lines in steps.values() for line in lines]),
        "rewards": _rewards(steps),
        "curve": _curve(texts, verdicts),
        "final": _json(scores(final)),
        "counts": counts(final),
        "texts": _rows(final),
    }


def _unit(root: Path, unit: Unit, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "seed": unit.seed,
        **result_of(root, unit),
        "asked_real": _lines(root / unit.folder / ANSWERS),
        "steps": list(steps),
    }


def _rewards(steps: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[dict[str, float]]:
    """Step -> mean reward of the arm's seeds, with the least and the most."""
    by_step: dict[int, list[float]] = {}
    for lines in steps.values():
        for line in lines:
            by_step.setdefault(line["step"], []).append(sum(line["rewards"]) / max(len(line["rewards"]), 1))
    return [
        {"step": step, "mean": sum(values) / len(values), "least": min(values), "most": max(values)}
        for step, values in sorted(by_step.items())
    ]


def _curve(texts: Mapping[int, Sequence[Mapping[str, Any]]], verdicts: Verdicts) -> list[dict[str, Any]]:
    """Step -> share of validation texts that the real tool calls correct."""
    by_step: dict[int, list[Text]] = {}
    for seed, lines in texts.items():
        for line in lines:
            if line["split"] == "validation":
                by_step.setdefault(line["step"], []).extend(verdicts.texts(seed, line["items"]))
    points = []
    for step, found in sorted(by_step.items()):
        if found:
            said = scores(found)
            points.append({"step": step, **{name: said[name].to_json() for name in ("correct", "compiled")}})
    return points


def _comparisons(final: Mapping[str, Sequence[Text]], before: Sequence[Text]) -> dict[str, Any]:
    """Each arm less the real arm, and less the untrained agent."""
    found: dict[str, Any] = {}
    for name, texts in final.items():
        found[name] = {"to_untrained": _json(compared(texts, before))}
        if name != REAL and final.get(REAL):
            found[name]["to_real"] = _json(compared(texts, final[REAL]))
    return found


def _json(figures: Mapping[str, statistics.Figure]) -> dict[str, list[float | None]]:
    return {name: one.to_json() for name, one in figures.items()}


def _rows(texts: Iterable[Text]) -> list[dict[str, Any]]:
    return [text.to_json() for text in texts]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0
