"""The pictures of a study's report, as inline SVG by matplotlib: narrow enough to be read on a telephone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapt.plots import COHORT_COLOURS, INK, _figure, _svg

PART_COLOURS = {"rollout": "#8fb8c9", "tool": "#d97706", "update": "#1f6f8b"}
WIDTH = 4.6
"""Inches: on a telephone of 360 points the letters are still 9 pixels high."""


def time_bars(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """Seconds of training, one bar an arm, stacked by part (medians over seeds); the whisker is least to most."""
    figure = _figure(WIDTH, 0.42 * len(arms) + 1.15)
    axes = figure.add_subplot()
    longest = max(arm["seconds"]["most"] for arm in arms.values())
    for y, times in enumerate(arms.values()):
        left = 0.0
        for part, colour in PART_COLOURS.items():
            axes.barh(y, times[part]["median"], left=left, color=colour, label=part if y == 0 else None)
            left += times[part]["median"]
        whole = times["seconds"]
        if whole["n"] > 1:
            ends = [[max(0.0, left - whole["least"])], [max(0.0, whole["most"] - left)]]
            axes.errorbar(left, y, xerr=ends, color=INK, capsize=3, linewidth=0.9)
        axes.text(max(left, whole["most"]) + 0.02 * longest, y, _seconds(whole["median"]), va="center")
    axes.set_yticks(range(len(arms)), list(arms))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.22 * longest)
    axes.set_xlabel("seconds of training")
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    return _svg(figure)


def paper_bars(seconds: Mapping[str, float]) -> str:
    """The paper's own two bars."""
    figure = _figure(WIDTH, 0.42 * len(seconds) + 0.8)
    axes = figure.add_subplot()
    for y, value in enumerate(seconds.values()):
        axes.barh(y, value, color="#c9d6df")
        axes.text(value * 1.02, y, _seconds(value), va="center")
    axes.set_yticks(range(len(seconds)), list(seconds))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(seconds.values()))
    axes.set_xlabel("seconds of training")
    return _svg(figure)


def learning_curves(curves: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> str:
    """Share of validation texts against steps, an arm a line with its interval as a band."""
    figure = _figure(WIDTH, 3.4)
    axes = figure.add_subplot()
    for colour, (name, points) in zip(COHORT_COLOURS * 3, curves.items(), strict=False):
        known = [point for point in points if point[metric][0] is not None]
        steps = [point["step"] for point in known]
        value, low, high = ([point[metric][k] for point in known] for k in range(3))
        axes.plot(steps, value, color=colour, marker="o", markersize=3, label=name)
        axes.fill_between(steps, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("steps of training")
    axes.set_ylabel(f"share {metric}, by the real tool")
    axes.legend(frameon=False)
    return _svg(figure)


def reward_curves(rewards: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Mean reward of each step as the arm itself saw it, smoothed over five steps; the band is least to most."""
    figure = _figure(WIDTH, 3.4)
    axes = figure.add_subplot()
    for colour, (name, points) in zip(COHORT_COLOURS * 3, rewards.items(), strict=False):
        steps = [point["step"] for point in points]
        mean, least, most = (_smooth([point[key] for point in points]) for key in ("mean", "least", "most"))
        axes.plot(steps, mean, color=colour, label=name)
        axes.fill_between(steps, least, most, color=colour, alpha=0.13, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("steps of training")
    axes.set_ylabel("mean reward, by the arm's own tool")
    axes.legend(frameon=False)
    return _svg(figure)


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 10 else f"{value:.2g} s"


def _smooth(values: Sequence[float], over: int = 5) -> list[float]:
    """Mean of the last values at each place."""
    windows = (values[max(0, n - over + 1) : n + 1] for n in range(len(values)))
    return [sum(window) / len(window) for window in windows]
