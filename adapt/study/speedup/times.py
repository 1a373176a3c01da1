"""What the arms' steps took: totals by seed, shares of rollout, tool and update, and ratios to the real arm.

Guarantees: only steps count, each once, by the clock of the process that first did it; ratios are of one seed with the
same seed. The projection to stock compilation is arithmetic on two measurements, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from adapt.study.statistics import spread

PARTS = ("rollout", "tool", "update")
REAL = "real"


def unit_times(steps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Sums over one unit's steps: seconds, each part, the tool's processor seconds."""
    return {name: sum(float(line[name]) for line in steps) for name in ("seconds", *PARTS, "tool_cpu")}


def arm_times(units: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Spread over seeds of what `unit_times` gives."""
    return {name: spread([unit[name] for unit in units]) for name in ("seconds", *PARTS, "tool_cpu")}


def sources(steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many calls each source answered."""
    found: Counter[str] = Counter()
    for line in steps:
        found.update(line["sources"])
    return dict(found)


def ratios(real: Mapping[int, Mapping[str, float]], arm: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    """The real arm's seconds over another arm's, seed by seed: whole training, tool, the tool's processor seconds."""
    both = sorted(real.keys() & arm.keys())
    names = {"total": "seconds", "tool": "tool", "tool_cpu": "tool_cpu"}
    return {
        name: spread([real[seed][part] / arm[seed][part] for seed in both if arm[seed][part] > 0])
        for name, part in names.items()
    }


def stock_ratios(
    study: Mapping[str, Any],
    real: Mapping[int, Mapping[str, float]],
    arm: Mapping[int, Mapping[str, float]],
    asked: Mapping[int, int],
    cores: int,
) -> dict[str, Any] | None:
    """What the ratios would be, had every real answer been compiled with the stock headers.

    study: `cpu_seconds` of the compile study. asked: calls that the real tool really met, by seed. Each gets the
    difference of the two median costs on top, shared by all cores. None where the study lacks the figures.
    """
    costs = study.get("cpu_seconds", {})
    try:
        more = float(costs["stock"]["median"]) - float(costs["ours"]["median"])
    except (KeyError, TypeError):
        return None
    slower = {
        seed: {
            "seconds": times["seconds"] + asked[seed] * more / max(cores, 1),
            "tool": times["tool"] + asked[seed] * more / max(cores, 1),
            "tool_cpu": times["tool_cpu"] + asked[seed] * more,
        }
        for seed, times in real.items()
    }
    return {"more_cpu_seconds_a_call": more, "units": study.get("units"), **ratios(slower, arm)}
