"""How well times repeat: the same kernels timed in several fresh runs, each with a harness of its own.

Guarantees: every run's medians are in the journal before the next run begins. The figures are those of labels as
everybody gets them; the spread is (largest - smallest) / median of the runs' medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from kernelbench_harness.candidates import reference_candidate
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu.cases.problems import problem
from kernelbench_harness.gpu.item import Item, say
from kernelbench_harness.label import Label, Problem, Verdict
from kernelbench_harness.options import HarnessOptions

ON_GPU: tuple[Problem, ...] = (
    problem("add, 2 MB", "return x + 1.0", "torch.rand(512, 1024)"),
    problem("relu, 256 MB", "return torch.relu(x)", "torch.rand(8192, 8192)"),
    problem("softmax, 64 MB", "return torch.softmax(x, dim=1)", "torch.rand(4096, 4096)"),
    problem("matmul, 2048", "return a @ b", "torch.rand(2048, 2048), torch.rand(2048, 2048)", arguments="a, b"),
)
"""From a launch to a few hundred microseconds; two of them larger than any L2 cache."""
ON_CPU: tuple[Problem, ...] = (problem("add, 0.25 MB", "return x + 1.0", "torch.rand(64, 1024)"),)


def measure(item: Item, options: HarnessOptions, runs: int) -> None:
    """Runs what the journal lacks, until `runs` are there or the minutes are over."""
    from kernelbench_harness.harness import Harness

    problems = ON_CPU if item.dry_run else ON_GPU
    with Harness(options) as harness:
        environment = harness.environment_id
    done = sum(one.get("environment") == environment for one in item.journal.read() if one["kind"] == "noise")
    for run in range(done, runs):
        if item.over:
            return
        with Harness(options) as harness:
            times = {one.name: _times(harness.label(one, reference_candidate(one))) for one in problems}
        item.journal.append({"kind": "noise", "environment": environment, "times": times})
        say(f"timing: run {run + 1} of {runs}")


def _times(label: Label) -> dict[str, Any]:
    if label.verdict is not Verdict.CORRECT or label.runtime is None or label.reference is None:
        raise HarnessError(f"a problem's own model could not be timed: {label.first_error or label.unmeasured}")
    return {
        "median_ms": label.runtime.median_ms,
        "iqr_ms": label.runtime.iqr_ms,
        "reference_ms": label.reference.median_ms,
        "samples": len(label.runtime.samples_ms),
    }


def figures(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By problem: medians of the runs, their spread, and the reference's time over its own as a candidate."""
    found: dict[str, Any] = {}
    for name in records[0]["times"] if records else ():
        ones = [record["times"][name] for record in records if name in record["times"]]
        medians = [one["median_ms"] for one in ones]
        ratios = [one["reference_ms"] / one["median_ms"] for one in ones]
        found[name] = {
            "runs": len(ones),
            "median_ms": round(statistics.median(medians), 6),
            "medians_ms": [round(value, 6) for value in medians],
            "spread": round((max(medians) - min(medians)) / statistics.median(medians), 4),
            "itself": [round(value, 4) for value in ratios],
            "itself_median": round(statistics.median(ratios), 4),
        }
    return found


def rows(found: Mapping[str, Any]) -> list[list[object]]:
    """The table's rows: name, runs, median, spread, least and most of the reference over itself."""
    return [
        [
            name,
            one["runs"],
            f"{one['median_ms']:.4f}",
            f"{one['spread']:.1%}",
            f"{min(one['itself']):.3f}",
            f"{max(one['itself']):.3f}",
        ]
        for name, one in found.items()
    ]


HEAD = ("timed", "runs", "median ms", "spread", "itself, least", "most")
