"""What the command line prints of labels and runs, as text and as JSON.

Guarantees: pure functions; every job that has no label is named with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernelbench_harness.engine import Failure, Summary
from kernelbench_harness.label import Candidate, Label, Problem, Timing

if TYPE_CHECKING:
    from kernelbench_harness.exchange.verify import Agreement

_MEANING = {"compiled": "  compiles and loads; not run"}


def summary_json(
    summary: Summary, jobs: int, out: Path, left_out: Mapping[str, Sequence[str]], agreement: Agreement | None = None
) -> str:
    """One line of JSON. `left_out` is reasons by kind: problems that do not fit, candidates without a problem."""
    raw: dict[str, Any] = {
        "jobs": jobs,
        "counts": dict(summary.counts),
        "new": summary.new,
        "reused": summary.reused,
        "seconds": round(summary.seconds, 3),
        "labels_per_hour": summary.labels_per_hour,
        "interrupted": summary.interrupted,
        "failures": [
            {"problem" if one.of_problem else "candidate": one.name, "reason": one.reason, "jobs": one.jobs}
            for one in summary.failures
        ],
        **{kind: list(reasons) for kind, reasons in left_out.items()},
        "store": str(out),
    }
    if agreement is not None:
        raw["verified"] = agreement.as_dict()
    return json.dumps(raw)


def summary_text(
    summary: Summary, jobs: int, out: Path, left_out: Mapping[str, Sequence[str]], agreement: Agreement | None = None
) -> str:
    """Counts by verdict, one line of totals, one line for each thing left out."""
    counts = sorted(summary.counts.items(), key=lambda item: -item[1])
    lines = [f"{verdict:16} {count:6}{_MEANING.get(verdict, '')}" for verdict, count in counts]
    rate = "" if summary.labels_per_hour is None else f", {summary.labels_per_hour:,.0f} labels an hour"
    lines.append(f"{jobs} jobs: {summary.new} new, {summary.reused} reused in {summary.seconds:.1f} s{rate} -> {out}")
    reasons = [*_grouped(summary.failures), *(r for found in left_out.values() for r in found)]
    if agreement is not None:
        lines.append(agreement.text())
    return "\n".join([*lines, *(f"left out: {reason}" for reason in reasons)])


def _grouped(failures: Sequence[Failure]) -> list[str]:
    """One line for each reason; candidates that share one stand together, the first by name."""
    lines = [one.reason for one in failures if one.of_problem]
    alike: dict[str, list[Failure]] = {}
    for one in failures:
        if not one.of_problem:
            alike.setdefault(one.reason, []).append(one)
    for reason, ones in alike.items():
        others = f" and {len(ones) - 1} more" if len(ones) > 1 else ""
        lines.append(f"{ones[0].name}{others}: {reason}")
    return lines


def label_text(label: Label, problem: Problem, candidate: Candidate) -> str:
    """A short table of one label."""
    rows = [("problem", f"{problem.name} ({problem.scale})"), ("candidate", candidate.name)]
    rows += [("verdict", str(label.verdict)), ("stage", label.stage)]
    if label.runtime is not None and label.reference is not None:
        rows.append(("candidate time", _time_text(label.runtime)))
        rows.append(("reference time", _time_text(label.reference)))
        rows.append(("speed-up", f"{label.reference.median_ms / label.runtime.median_ms:.2f}"))
    if label.conditions:
        rows.append(("conditions", _conditions_text(label.conditions)))
    if label.first_error:
        rows.append(("error", label.first_error))
    if label.compiler:
        rows.append(("headers", label.compiler))
    rows.append(("seconds", ", ".join(f"{name} {value:.2f}" for name, value in label.seconds.items())))
    return "\n".join(f"{name:15} {value}" for name, value in rows)


def _time_text(timing: Timing) -> str:
    return f"{timing.median_ms:.4g} ms (iqr {timing.iqr_ms:.2g}, {len(timing.samples_ms)} samples)"


def _conditions_text(conditions: Mapping[str, Any]) -> str:
    """What would make one doubt a time: load, a clock, heat, others that were not kept out."""
    account = conditions.get("candidate", {})
    before = account.get("before", {})
    words = [
        f"{name} {before[key]:g}" for name, key in (("load", "load"), ("MHz", "mhz"), ("C", "celsius")) if key in before
    ]
    if account.get("stolen_ms"):
        words.append(f"{account['stolen_ms']:g} ms stolen")
    if account.get("alone") is False:
        words.append("others of ours may have run")
    return ", ".join(words)
