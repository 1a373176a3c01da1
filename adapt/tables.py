"""Fidelity for a terminal: the figures of `fidelity.json`, one table a verdict or number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SHOWN = 5
"""Rows of the side-by-side table."""


def _figure(value: list[float] | None) -> str:
    if value is None or math.isnan(value[0]):
        return "-"
    return f"{value[0]:.3f} ({value[1]:.2f}-{value[2]:.2f})"


def gain_line(name: str, cohort: str, gain: Mapping[str, Any]) -> str:
    """The simulator's gain over the facts alone: "compiled, unseen: accuracy +0.021 (+0.004 to +0.038), ..."."""
    said = [
        f"{metric.replace('_', ' ')} {value:+.3f} ({low:+.3f} to {high:+.3f})"
        for metric, (value, low, high) in gain.items()
        if not math.isnan(value)
    ]
    return f"{name}, {cohort}, gain over facts alone: {', '.join(said)}" if said else ""


def fidelity_table(fidelity: Mapping[str, Any]) -> None:
    """Print every verdict's and number's table, the simulator last and marked."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 150)
    for kind in ("verdicts", "numbers"):
        for name, cohorts in fidelity[kind].items():
            table = Table(title=f"{name}: value (95 % interval)", title_justify="left")
            metrics = list(dict.fromkeys(m for c in cohorts.values() for f in c["methods"].values() for m in f))
            for heading in ("cohort", "method", *metrics):
                table.add_column(heading.replace("_", " "), no_wrap=heading in ("cohort", "method"))
            for cohort, entry in cohorts.items():
                for method, figures in entry["methods"].items():
                    style = "bold" if method == "simulator" else None
                    cells = [_figure(figures.get(metric)) for metric in metrics]
                    table.add_row(f"{cohort} ({entry['n']})", method, *cells, style=style)
                table.add_section()
            shown = fidelity["published"].get(name)
            if shown:
                figures = [f"{shown['figures'][m]:.3f}" if m in shown["figures"] else "-" for m in metrics]
                table.add_row("other calls", shown["name"], *figures, style="dim")
            console.print(table)
            for cohort, entry in cohorts.items():
                if line := gain_line(name, cohort, entry.get("gain", {})):
                    console.print(line)
            if name in fidelity["notes"]:
                console.print(f"{name}: {fidelity['notes'][name]}")
    for name, cohorts in fidelity["intervals"].items():
        console.print(f"{name}, intervals said to hold 80 %: {held(cohorts)}")
    foreign = fidelity["foreign"]
    if foreign:
        console.print(
            f"foreign-input check: caught {foreign['caught']:.0%} of {foreign['n']} foreign calls, "
            f"false alarms on {foreign['false_alarms']:.1%} of {foreign['n_familiar']} familiar ones"
        )
    if fidelity["missing"]:
        console.print(fidelity["missing"])
    console.print(fidelity["promise"])


def held(cohorts: Mapping[str, Mapping[str, float]]) -> str:
    """What a number's intervals really held: "seen 77 % of 96, unseen ..."."""
    return ", ".join(f"{cohort} {entry['held']:.0%} of {entry['n']}" for cohort, entry in cohorts.items())


def side_by_side(fidelity: Mapping[str, Any]) -> None:
    """Print the first fresh calls with both answers and both times, and the ratio over all of them."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 150)
    table = Table(title="unseen calls, answered by both", title_justify="left")
    for heading in ("group", "real tool", "simulator", "confidence", "real ms", "simulated ms"):
        table.add_column(heading, justify="right" if heading.endswith("ms") else "left")
    for row in fidelity["live"][:SHOWN]:
        table.add_row(
            row["group"],
            _brief(row["real"]),
            _brief(row["simulated"]),
            f"{row['confidence']:.2f}{' foreign' if row['foreign'] else ''}",
            f"{row['real_seconds'] * 1000:.0f}",
            f"{row['simulated_seconds'] * 1000:.1f}",
        )
    console.print(table)
    ratio = fidelity["ratio"]
    console.print(
        f"real / simulated time an answer: {ratio['median']:.1f} "
        f"(quartiles {ratio['q1']:.1f} to {ratio['q3']:.1f}, {ratio['n']} fresh calls)"
    )


def _brief(content: Mapping[str, Any]) -> str:
    """The listed value, and the first number: "correct 0.31"."""
    words = [str(value) for value in content.values() if isinstance(value, str)][:1]
    numbers = [f"{v:g}" for v in content.values() if isinstance(v, float | int) and not isinstance(v, bool)][:1]
    return " ".join(words + numbers) or str(dict(content))
