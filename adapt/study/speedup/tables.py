"""A study for a terminal: one row an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEADINGS = ("arm", "training, s", "tool, s", "real / arm", "tool ratio", "correct", "speed-up", "hacks")


def arms_table(study: Mapping[str, Any]) -> None:
    """Print what each arm took and won; intervals and spreads are in the report."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 150)
    table = Table(title=f"{study['title']}: medians over seeds; scores by the real tool", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "arm" else "right", no_wrap=heading == "arm")
    table.add_row("untrained", "-", "-", "-", "-", *_scores(study["untrained"]["final"]))
    for name, arm in study["arms"].items():
        ratio = study["ratios"].get(name) or {}
        times = [_median(arm["time"].get(part)) for part in ("seconds", "tool")]
        table.add_row(name, *times, *(_median(ratio.get(one)) for one in ("total", "tool")), *_scores(arm["final"]))
    console.print(table)


def _scores(final: Mapping[str, Sequence[float | None]]) -> list[str]:
    values = [(final.get(name) or [None])[0] for name in ("correct", "geometric_mean_speedup", "hack_rate")]
    return ["-" if value is None else f"{value:.3f}" for value in values]


def _median(spread: Mapping[str, float] | None) -> str:
    return "-" if spread is None else f"{spread['median']:.1f}"
