"""Problem, candidate, label: the harness's values, and the rules that make an impossible label unbuildable.

A label that did not compile has no runtime to fill; a correct one has no error; a verdict falls only at a stage where
it can. There are no sentinels: what was not measured is absent, with the reason. Times are milliseconds of wall clock,
on one thread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


def text_hash(*parts: str) -> str:
    """First 16 hex digits of the SHA-256 of the parts, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(raw)}:".encode() + raw)
    return digest.hexdigest()[:16]


class Verdict(StrEnum):
    """What happened, from the first thing that went wrong; `correct` when nothing did."""

    COMPILE_ERROR = "compile_error"
    RUNTIME_ERROR = "runtime_error"
    TIMEOUT = "timeout"
    WRONG_SHAPE = "wrong_shape"
    WRONG_DTYPE = "wrong_dtype"
    WRONG_VALUE = "wrong_value"
    CHEATING = "cheating"
    """The outputs may be right, but not by the means that the problem asks for; `Label.evidence` names them."""
    CORRECT = "correct"
    COMPILED = "compiled"
    """It compiles and loads; what it does was not tried, and `Label.unmeasured` says why ("no GPU", "compile only")."""


class Stage(StrEnum):
    """The steps of a candidate's way, in order."""

    PARSE = "parse"
    """Reading the source."""
    STATIC = "static"
    """Looking for forbidden means in the syntax tree."""
    HOST_COMPILE = "host_compile"
    DEVICE_COMPILE = "device_compile"
    LINK = "link"
    IMPORT = "import"
    """Executing the module, loading the compiled library."""
    CONSTRUCT = "construct"
    """Making the ModelNew and copying the weights."""
    LAUNCH = "launch"
    """A kernel that the device refuses to start."""
    RUN = "run"
    SHAPE = "shape"
    DTYPE = "dtype"
    VALUE = "value"
    TIMING = "timing"


COMPILING = frozenset({Stage.HOST_COMPILE, Stage.DEVICE_COMPILE, Stage.LINK})
_RUNNING = {Stage.CONSTRUCT, Stage.LAUNCH, Stage.RUN, Stage.TIMING}
STAGES: Mapping[Verdict, frozenset[Stage]] = {
    Verdict.COMPILE_ERROR: frozenset({Stage.PARSE, Stage.STATIC, Stage.IMPORT} | COMPILING),
    Verdict.RUNTIME_ERROR: frozenset({Stage.IMPORT} | _RUNNING),
    Verdict.TIMEOUT: frozenset({Stage.PARSE, Stage.IMPORT} | COMPILING | _RUNNING),
    Verdict.WRONG_SHAPE: frozenset({Stage.SHAPE}),
    Verdict.WRONG_DTYPE: frozenset({Stage.DTYPE}),
    Verdict.WRONG_VALUE: frozenset({Stage.VALUE}),
    Verdict.CHEATING: frozenset({Stage.STATIC, Stage.IMPORT, Stage.VALUE} | _RUNNING),
    Verdict.CORRECT: frozenset({Stage.VALUE, Stage.TIMING}),
    Verdict.COMPILED: frozenset({Stage.LINK, Stage.IMPORT}),
}
"""Where each verdict can fall."""


@dataclass(frozen=True)
class Problem:
    """A KernelBench problem: `Model`, `get_inputs()`, `get_init_inputs()`, at one size."""

    name: str
    code: str
    """Source as it is run, sizes already shrunk."""
    level: int = 1
    problem_id: int = 0
    version: str = "v0.1"
    """KernelBench version: v0 and v0.1 differ in shapes. Our own problems say "corpus"."""
    scale: str = "full"
    """Name of the size scale that `code` was rewritten to; part of the identity."""

    @property
    def id(self) -> str:
        """Content hash of code, version and scale."""
        return text_hash(self.code, self.version, self.scale)


@dataclass(frozen=True)
class Candidate:
    """A KernelBench-form Python source with a `ModelNew`."""

    code: str
    name: str = ""
    """Where it came from: a file name or a generator's id. Not part of the identity."""

    @property
    def id(self) -> str:
        """Content hash of the code."""
        return text_hash(self.code)


@dataclass(frozen=True)
class Timing:
    """Wall-clock times of one callable, in milliseconds, every sample kept."""

    samples_ms: tuple[float, ...]
    median_ms: float
    iqr_ms: float
    """Distance between the quartiles."""


@dataclass(frozen=True)
class Label:
    """What really happened to one candidate on one problem in one environment."""

    problem: str
    """Problem.id"""
    candidate: str
    """Candidate.id"""
    scale: str
    verdict: Verdict
    stage: Stage
    """Where the verdict fell."""
    error: str = ""
    """The whole error text; empty when nothing went wrong."""
    first_error: str = ""
    """The first error line, paths and addresses removed; empty when nothing went wrong."""
    evidence: tuple[str, ...] = ()
    """What the cheat checks saw, one line each; never empty for `cheating`."""
    runtime: Timing | None = None
    """Candidate's time; only of a correct one."""
    reference: Timing | None = None
    """Reference's time on the same inputs; only beside a runtime."""
    unmeasured: str = ""
    """Why a correct label lacks a time ("timing turned off") and a compiled one all else."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """Load, clocks and temperature while it was timed. JSON."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall seconds by stage: compile, run, total."""
    compiler: str = ""
    """Which headers decided the compile verdict: "shim", "stock", or "" when none was needed."""
    environment: str = ""
    """Hash of the environment record that the store keeps once."""

    def __post_init__(self) -> None:
        correct = self.verdict is Verdict.CORRECT
        good = correct or self.verdict is Verdict.COMPILED
        if self.stage not in STAGES[self.verdict]:
            raise ValueError(f"a label of {self.verdict} cannot fall at stage {self.stage}")
        timed = self.runtime is not None and self.reference is not None
        if not correct and (self.runtime is not None or self.reference is not None):
            raise ValueError(f"only a correct label speaks of times, not one of {self.verdict}")
        if timed == bool(self.unmeasured) if good else self.unmeasured:
            raise ValueError("a correct label has both times, or says why it lacks one; so does a compiled one")
        if good == bool(self.error) or good == bool(self.first_error):
            raise ValueError(f"a label has an error text exactly when something went wrong, not with {self.verdict}")
        if self.verdict is Verdict.CHEATING and not self.evidence:
            raise ValueError("a label of cheating names its evidence")

    @property
    def key(self) -> str:
        """Content hash of problem, candidate and environment: what the store is keyed by."""
        return text_hash(self.problem, self.candidate, self.environment)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Label:
        """Inverse of `to_json`."""
        raw: dict[str, Any] = json.loads(text)
        for name in ("runtime", "reference"):
            if raw[name] is not None:
                raw[name] = Timing(tuple(raw[name]["samples_ms"]), raw[name]["median_ms"], raw[name]["iqr_ms"])
        raw["verdict"], raw["stage"] = Verdict(raw["verdict"]), Stage(raw["stage"])
        raw["evidence"] = tuple(raw["evidence"])
        return cls(**raw)
