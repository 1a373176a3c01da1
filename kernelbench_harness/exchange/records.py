"""A label in KernelBench's form, and the choice of one label where a candidate has several.

Guarantees: the fields are those that eval_results.json has, with its sentinels (runtime -1.0 and empty statistics for
what was not measured); the whole label and its problem go into the metadata under a key of their own, so that reading
the folder again gives the same label.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kernelbench_harness.exchange.claims import OWN
from kernelbench_harness.label import COMPILING, Label, Problem, Stage, Timing, Verdict
from kernelbench_harness.store import LabelStore

Prefer = Literal["verified", "claimed"]
_NOT_BUILT = COMPILING | {Stage.PARSE, Stage.STATIC}


@dataclass(frozen=True)
class Choice:
    """Which label of a store speaks for each candidate."""

    keys: Mapping[tuple[str, str], str]
    """(Problem.id, Candidate.id) -> Label.key"""
    verified: frozenset[str]
    """Ids of the environments whose labels the harness made."""
    several: int
    """Candidates that had labels of more than one environment."""

    def label(self, store: LabelStore, problem: str, candidate: str) -> Label | None:
        """The chosen label; None when there is none."""
        key = self.keys.get((problem, candidate))
        return None if key is None else store.get(key)


def choose(store: LabelStore, prefer: Prefer = "verified", *, run: bool = False) -> Choice:
    """One label for each candidate on each problem: one that the harness made before a claim, or the other way round,
    and one of a candidate that was run before one that was only compiled (`run`: this first); among equals the one with
    the highest key, so that the same store always gives the same answer."""
    verified: dict[str, bool] = {}
    best: dict[tuple[str, str], tuple[bool, bool, str]] = {}
    several: set[tuple[str, str]] = set()
    for label, _, _ in store.iterate():
        if label.environment not in verified:
            verified[label.environment] = is_verified(store.environment(label.environment))
        pair = label.problem, label.candidate
        preferred, was_run = (
            verified[label.environment] == (prefer == "verified"),
            label.verdict is not Verdict.COMPILED,
        )
        rank = (was_run, preferred, label.key) if run else (preferred, was_run, label.key)
        if pair in best:
            several.add(pair)
        best[pair] = max(best.get(pair, rank), rank)
    return Choice(
        {pair: rank[-1] for pair, rank in best.items()},
        frozenset(name for name, own in verified.items() if own),
        len(several),
    )


def is_verified(environment: Mapping[str, Any] | None) -> bool:
    """Whether the harness made a label, by its environment record; an imported one says `"verified": false`."""
    return environment is not None and environment.get("verified", True) is not False


def is_compiled(label: Label) -> bool:
    """Whether the candidate was built, as KernelBench's `compiled` asks."""
    if label.verdict is Verdict.COMPILED:
        return True
    return label.verdict is not Verdict.COMPILE_ERROR and label.stage not in _NOT_BUILT


def record_of(
    label: Label, problem: Problem, environment: Mapping[str, Any] | None, sample_id: int | None
) -> dict[str, Any]:
    """A label as one record of eval_results.json."""
    machine = environment or {}
    hardware = str(machine.get("hardware") or machine.get("gpu") or machine.get("processor") or "unknown")
    where = {"hardware": hardware, "device": str(machine.get("device") or "cpu")}
    stats = _stats(label, where)
    own = {"label": json.loads(label.to_json()), "problem": asdict(problem)}
    return {
        "sample_id": sample_id,
        "compiled": is_compiled(label),
        "correctness": label.verdict is Verdict.CORRECT,
        "metadata": {**where, "problem_name": problem.name, **_failure(label), OWN: own},
        "runtime": stats.get("mean", -1.0),
        "runtime_stats": stats,
    }


def _failure(label: Label) -> dict[str, Any]:
    """The metadata by which KernelBench tells failures apart."""
    if label.verdict is Verdict.CORRECT:
        return {}
    if not is_compiled(label):
        return {"compilation_error_name": str(label.verdict), "compilation_error": label.error}
    if label.verdict is Verdict.WRONG_SHAPE:
        return {"correctness_issue": f"Output shape mismatch: {label.error}"}
    if label.verdict in (Verdict.WRONG_DTYPE, Verdict.WRONG_VALUE, Verdict.CHEATING):
        return {"correctness_issue": label.error}
    return {"runtime_error_name": str(label.verdict), "runtime_error": label.error}


def _stats(label: Label, where: Mapping[str, str]) -> dict[str, Any]:
    """Statistics in milliseconds: of our samples, or the source's own; empty without a time."""
    if label.runtime is not None and label.runtime.samples_ms:
        return {**_of_samples(label.runtime), **where}
    claimed = claimed_time(label, "runtime")
    return {} if claimed is None else {"mean": claimed["ms"], **claimed.get("stats", {})}


def _of_samples(timing: Timing) -> dict[str, Any]:
    samples = timing.samples_ms
    return {
        "mean": statistics.fmean(samples),
        "std": statistics.pstdev(samples),
        "min": min(samples),
        "max": max(samples),
        "num_trials": len(samples),
    }


def claimed_time(label: Label, name: str) -> Mapping[str, Any] | None:
    """A number that the source of an imported label gives: {"ms", "statistic", ...}; name is runtime or reference."""
    times = label.conditions.get("claimed", {}).get("times", {})
    found: Mapping[str, Any] | None = times.get(name)
    return found
