"""What a study says, in plain sentences, from the figures of `study.json` alone.

Guarantees: no sentence says that two arms are equal; one says what difference the intervals leave room for. What was
not measured is said not to have been.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapt.study.speedup import paper

REAL = "real"


def percent(value: float | None) -> str:
    """A share for a reader; a dash for none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def points(figure: Sequence[float | None]) -> str:
    """A difference of shares: "+3.1 points (−2.0 to +8.4)"."""
    value, low, high = figure
    if value is None or low is None or high is None:
        return "not known"
    return f"{_signed(100 * value)} points ({_signed(100 * low)} to {_signed(100 * high)})"


def times(spread: Mapping[str, float] | None) -> str:
    """A ratio over seeds: "11.2 times (10.8 to 11.9 over 3 seeds)"."""
    if spread is None:
        return "not known"
    seeds = f"{spread['n']:.0f} seeds" if spread["n"] != 1 else "one seed"
    if spread["n"] == 1:
        return f"{_ratio(spread['median'])} times ({seeds})"
    return f"{_ratio(spread['median'])} times ({_ratio(spread['least'])} to {_ratio(spread['most'])} over {seeds})"


def sentences(study: Mapping[str, Any]) -> list[str]:
    """The study's findings, most asked first."""
    return [
        *_speed(study),
        *_limits(study),
        *_stock(study),
        *_learned(study),
        *_match(study),
        *_gate(study),
        *_caveats(study),
    ]


def _speed(study: Mapping[str, Any]) -> Iterator[str]:
    if study["options"].get("replay"):
        yield "Real answers of an earlier study were replayed: the times of arms that ask the real tool mean nothing."
        return
    for name, ratio in study["ratios"].items():
        tool = f"; its tool alone took {times(ratio['tool'])} as long" if ratio["tool"] else ""
        yield f"Training with the real tool took {times(ratio['total'])} as long as with {name}{tool}."
    for name, ratio in study["by_evaluator"].items():
        tool = f"; its tool alone took {times(ratio['tool'])} as long" if ratio["tool"] else ""
        yield f"Training with {name} took {times(ratio['total'])} as long as with simulate{tool}."
    if "simulate" in study["ratios"]:
        yield (
            f"The paper reports {paper.RATIO:.1f} times (61,003 s against 5,518 s) with a 7B agent and a tool that "
            "compiles CUDA; the figures here are of another agent, tool and machine."
        )


def _limits(study: Mapping[str, Any]) -> Iterator[str]:
    """Where the time of the simulated arm goes, and the ratio if its tool took no time at all."""
    arms = study["arms"]
    if not {"simulate", REAL} <= arms.keys() or study["options"].get("replay"):
        return
    mine, real = arms["simulate"]["time"], arms[REAL]["time"]
    rest = mine["rollout"]["median"] + mine["update"]["median"]
    whole = mine["seconds"]["median"]
    if rest <= 0 or whole <= 0:
        return
    yield (
        f"In the simulated arm the tool takes {percent(mine['tool']['median'] / whole)} of the time, in the real arm "
        f"{percent(real['tool']['median'] / real['seconds']['median'])}: were the simulator free, the whole ratio "
        f"would still be no more than {_ratio(real['seconds']['median'] / rest)}, since rollouts and updates stay."
    )


def _stock(study: Mapping[str, Any]) -> Iterator[str]:
    for name, ratio in (study.get("stock") or {}).items():
        yield (
            "The real tool here compiles through our shim. With the stock headers, which the compile study measured at "
            f"{ratio['more_cpu_seconds_a_call']:.1f} processor seconds more a unit (median of {ratio['units']} units), "
            f"the ratio to {name} would come to {times(ratio['total'])} for the whole, {times(ratio['tool'])} for "
            "the tool: computed, not measured."
        )


def _learned(study: Mapping[str, Any]) -> Iterator[str]:
    start = study["untrained"]["final"].get("correct")
    for name, arm in study["arms"].items():
        end = arm["final"].get("correct")
        change = study["comparisons"].get(name, {}).get("to_untrained", {}).get("correct")
        if not start or not end or not change:
            continue
        verdict = _verdict(change, "rose above its start", "fell below its start", "did not clearly change")
        yield (
            f"Arm {name}: {percent(end[0])} of its texts for unseen problems are correct by the real tool, before "
            f"learning {percent(start[0])}; it {verdict}: {points(change)}."
        )


def _match(study: Mapping[str, Any]) -> Iterator[str]:
    for name, found in study["comparisons"].items():
        change = found.get("to_real", {}).get("correct")
        if not change or change[0] is None:
            continue
        clear = _verdict(change, "ended better than", "ended worse than", "")
        if clear:
            yield f"Training with {name} {clear} training with the real tool: {points(change)} in texts correct."
        else:
            yield (
                f"Between training with {name} and with the real tool no difference is shown in texts correct: "
                f"{points(change)}; the interval leaves room for {100 * max(-change[1], change[2]):.1f} points."
            )


def _gate(study: Mapping[str, Any]) -> Iterator[str]:
    arms = study["arms"]
    if "gate" not in arms:
        return
    sources = arms["gate"]["sources"]
    calls = sum(sources.values()) - sources.get("no call", 0)
    if calls:
        parts = [f"{percent(sources[name] / calls)} {name}" for name in sources if name != "no call"]
        yield f"The gate's {calls} calls were answered by: {', '.join(parts)}."
    hacks = {name: arms[name]["final"].get("hack_rate") for name in ("simulate", "gate") if name in arms}
    if all(one and one[0] is not None for one in hacks.values()) and len(hacks) == 2:
        yield (
            f"Of the final texts that the simulator accepts, the real tool refuses {_range(hacks['simulate'])} after "
            f"simulated training and {_range(hacks['gate'])} after training through the gate."
        )
    if "simulate" in arms and {"gate", "simulate"} <= study["ratios"].keys():
        bought = arms["gate"]["time"]["seconds"]["median"] / arms["simulate"]["time"]["seconds"]["median"]
        yield f"The gate cost {_ratio(bought)} times the time of simulation alone."


def _caveats(study: Mapping[str, Any]) -> Iterator[str]:
    if study["recipe"]["demonstrate"]:
        yield "The tool was asked about demonstrations, not the agent's texts: times are real, scores mean nothing."
    if not any(arm["final"] for arm in study["arms"].values()):
        yield "No final text was judged: the study says nothing about what was learned."
    if study.get("missing"):
        yield f"On this machine the real tool does not say everything: {study['missing']}."
    units = [unit for arm in study["arms"].values() for unit in arm["units"]]
    if kills := sum(bool(line.get("after_kill")) for unit in units for line in unit["steps"]):
        yield (
            f"{kills} of the steps came right after a kill: what the tool had answered before was not asked again, so "
            "their times are too short."
        )
    differing = sum(unit["repeated_steps_that_differ"] for unit in units)
    if differing:
        yield f"{differing} steps that were repeated after a kill did not give the rewards of the first time."


def _verdict(change: Sequence[float | None], up: str, down: str, neither: str) -> str:
    _, low, high = change
    if low is not None and low > 0:
        return up
    return down if high is not None and high < 0 else neither


def _range(figure: Sequence[float | None] | None) -> str:
    if not figure or figure[0] is None:
        return "–"
    return f"{percent(figure[0])} ({percent(figure[1])} to {percent(figure[2])})"


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.1f}"


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"
