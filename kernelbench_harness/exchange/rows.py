"""Labels as flat rows, for parquet and for training a simulator.

Guarantees: one row a label with everything that the store knows of it, plain values only; rows come in the order of the
labels' keys. What was not measured is None, with the reason in `unmeasured`: a time, or whether it is correct at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kernelbench_harness.exchange.records import claimed_time, is_compiled, is_verified
from kernelbench_harness.exchange.samples import read_samples
from kernelbench_harness.label import Candidate, Label, Problem, Verdict
from kernelbench_harness.store import LabelStore

COLUMNS: Mapping[str, str] = {
    "key": "string",
    "problem": "string",
    "problem_name": "string",
    "level": "int64",
    "problem_id": "int64",
    "problem_version": "string",
    "scale": "string",
    "reference": "string",
    "candidate_id": "string",
    "candidate_name": "string",
    "candidate": "string",
    "verdict": "string",
    "stage": "string",
    "compiled": "bool",
    "correct": "bool",
    "error": "string",
    "first_error": "string",
    "evidence": "list",
    "runtime_ms": "float64",
    "runtime_statistic": "string",
    "runtime_iqr_ms": "float64",
    "runtime_samples_ms": "floats",
    "reference_ms": "float64",
    "reference_statistic": "string",
    "reference_iqr_ms": "float64",
    "reference_samples_ms": "floats",
    "unmeasured": "string",
    "conditions": "string",
    "seconds": "string",
    "compiler": "string",
    "environment": "string",
    "environment_record": "string",
    "verified": "bool",
    "samples": "list",
}
"""Column -> type, as the parquet file has them. `reference` is the problem's code, `candidate` the candidate's."""


def neutral_rows(store: LabelStore) -> Iterator[dict[str, Any]]:
    """Every label of a store as a row with the columns of COLUMNS. Raises StoreError."""
    environments: dict[str, tuple[str, bool]] = {}
    samples: dict[tuple[str, str], list[str]] = {}
    for row in read_samples(store):
        if row.candidate and row.problem:
            name = f"{row.run}/level_{row.level}_problem_{row.problem_id}_sample_{row.sample_id}"
            samples.setdefault((row.problem, row.candidate), []).append(name)
    for label, problem, candidate in store.iterate():
        if label.environment not in environments:
            record = store.environment(label.environment)
            environments[label.environment] = json.dumps(record, sort_keys=True), is_verified(record)
        text, verified = environments[label.environment]
        found = samples.get((label.problem, label.candidate), [])
        yield _row(label, problem, candidate) | {
            "environment_record": text,
            "verified": verified,
            "samples": list(dict.fromkeys(found)),
        }


def _row(label: Label, problem: Problem, candidate: Candidate) -> dict[str, Any]:
    return {
        "key": label.key,
        "problem": label.problem,
        "problem_name": problem.name,
        "level": problem.level,
        "problem_id": problem.problem_id,
        "problem_version": problem.version,
        "scale": label.scale,
        "reference": problem.code,
        "candidate_id": label.candidate,
        "candidate_name": candidate.name,
        "candidate": candidate.code,
        "verdict": str(label.verdict),
        "stage": str(label.stage),
        "compiled": is_compiled(label),
        "correct": None if label.verdict is Verdict.COMPILED else label.verdict is Verdict.CORRECT,
        "error": label.error,
        "first_error": label.first_error,
        "evidence": list(label.evidence),
        **_time(label, "runtime"),
        **_time(label, "reference"),
        "unmeasured": label.unmeasured,
        "conditions": json.dumps(dict(label.conditions), sort_keys=True),
        "seconds": json.dumps(dict(label.seconds), sort_keys=True),
        "compiler": label.compiler,
        "environment": label.environment,
    }


def _time(label: Label, name: str) -> dict[str, Any]:
    """A time in milliseconds, which statistic it is, and its samples where there are any."""
    timing = label.runtime if name == "runtime" else label.reference
    claimed = claimed_time(label, name)
    values: tuple[float | None, str, float | None, list[float]] = (None, "", None, [])
    if timing is not None:
        values = timing.median_ms, "median", timing.iqr_ms, list(timing.samples_ms)
    elif claimed is not None:
        values = claimed["ms"], claimed["statistic"], None, []
    ends = ("ms", "statistic", "iqr_ms", "samples_ms")
    return {f"{name}_{end}": value for end, value in zip(ends, values, strict=True)}
