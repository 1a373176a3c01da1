"""Jobs, options and outcomes as JSON text, for workers in other processes and on other machines.

Guarantees: what is read is built through the same validating constructors as everything else, so a message that says
something impossible raises ValueError; nothing is ever unpickled from it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernelbench_harness.engine.backend import Fault, Outcome
from kernelbench_harness.label import Candidate, Label, Problem

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

_PLACES = ("cache_dir", "results_dir", "objects")
"""Options that are folders; on a cluster, of a file system that its nodes share."""


def job_text(number: int, problem: Problem, candidate: Candidate) -> str:
    """One line."""
    return json.dumps({"number": number, "problem": asdict(problem), "candidate": asdict(candidate)})


def job_of(text: str) -> tuple[int, Problem, Candidate]:
    """Inverse of `job_text`."""
    raw = json.loads(text)
    return int(raw["number"]), Problem(**raw["problem"]), Candidate(**raw["candidate"])


def outcome_text(outcome: Outcome) -> str:
    """One line."""
    label = None if outcome.label is None else outcome.label.to_json()
    raw = {"number": outcome.number, "label": label, "fault": outcome.fault, "reason": outcome.reason}
    return json.dumps({**raw, "kind": outcome.kind})


def outcome_of(text: str) -> Outcome:
    """Inverse of `outcome_text`."""
    raw: dict[str, Any] = json.loads(text)
    label = None if raw["label"] is None else Label.from_json(raw["label"])
    fault = None if raw["fault"] is None else Fault(raw["fault"])
    return Outcome(int(raw["number"]), label, fault, str(raw["reason"]), str(raw["kind"]))


def options_text(options: HarnessOptions) -> str:
    """One line, without the core: which one is free, only the worker's machine knows."""
    raw = asdict(options)
    raw.pop("core", None)
    for name in _PLACES:
        raw[name] = None if raw[name] is None else str(Path(raw[name]).absolute())
    return json.dumps(raw)


def options_of(text: str, core: int | None) -> HarnessOptions:
    """Inverse of `options_text`, on a core of the reader's."""
    from kernelbench_harness.options import HarnessOptions

    raw: dict[str, Any] = json.loads(text)
    for name in _PLACES:
        raw[name] = None if raw[name] is None else Path(raw[name])
    for name in ("seeds", "timing_samples"):
        raw[name] = tuple(raw[name])
    return HarnessOptions(**raw, core=core)
