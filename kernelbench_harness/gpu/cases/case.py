"""A case: one candidate with what a sound harness must say of it, on a GPU and without one.

Guarantees: pure data and pure functions; no torch. A case that names several verdicts does so because the device may
end it in more than one way; none of them is one that the candidate would profit from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kernelbench_harness.label import Candidate, Label, Problem, Stage, Verdict

Language = Literal["cuda", "triton", "torch"]


@dataclass(frozen=True)
class Case:
    """One candidate and what must come of it."""

    name: str
    """Words that say what it does; unique."""
    problem: Problem
    code: str
    verdicts: tuple[Verdict, ...]
    """On a CUDA device: any of these."""
    here: tuple[Verdict, ...] = (Verdict.COMPILED,)
    """Without one; empty where it cannot be tried there."""
    stages: tuple[Stage, ...] = ()
    """Where the verdict falls on a CUDA device; anywhere when empty."""
    told: str = ""
    """Part of the first error line or of the evidence, on a CUDA device and, of the same verdict, without one."""
    track: Literal["torch", "custom"] = "torch"
    language: Language = "cuda"
    least_ms: float = 0.0
    """Work that it does in every call, in milliseconds: a time below that was cheated."""

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.code, f"case: {self.name}")


def fault(case: Case, label: Label, *, gpu: bool) -> str:
    """What is wrong with a label of the case, in one line; empty when nothing is."""
    wanted = case.verdicts if gpu else case.here
    said = f"{label.verdict} at {label.stage}: {label.first_error or label.unmeasured or 'no error'}"
    if label.verdict not in wanted:
        return f"{said}; expected {' or '.join(wanted)}"
    if gpu and case.stages and label.stage not in case.stages:
        return f"{said}; expected at {' or '.join(case.stages)}"
    if case.told and (gpu or label.verdict in case.verdicts):
        text = "\n".join([label.first_error, *label.evidence])
        if case.told.lower() not in text.lower():
            return f"{said}; it does not say '{case.told}', but {label.evidence or label.first_error!r}"
    if label.runtime is not None and label.runtime.median_ms < case.least_ms:
        return f"timed at {label.runtime.median_ms:.4f} ms, but it works for {case.least_ms:g} ms"
    return ""
