"""Parts for the tests of the gate: real tools of a few lines with a pause, an engine, and a simulator without a model.

The simulator without a model answers as `Specialist` does; the trained one is in `test_gate_simulator`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from adapt.domain import Answered, CallItem, Check, Domain, Exact, Fidelity, RealTool, Unanswered
from adapt.specialist import Opinion, Reply
from base_gtm.schema import ToolCall, ToolResult, ToolSpec

SPEC = {
    "name": "halves",
    "description": "Halves an even number.",
    "inputSchema": {
        "type": "object",
        "properties": {"n": {"type": "number"}, "note": {"type": "string", "maxLength": 40}},
        "required": ["n"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {"verdict": {"enum": ["even", "odd", "broken"]}, "half": {"type": "number"}},
        "required": ["verdict"],
        "additionalProperties": False,
    },
}


def truth(arguments: Mapping[str, Any]) -> ToolResult:
    """What the real tool says."""
    n = arguments["n"]
    if n < 0:
        return ToolResult({"verdict": "broken"})
    return ToolResult({"verdict": "odd"} if n % 2 else {"verdict": "even", "half": n / 2})


@dataclass
class Watched:
    """A real tool that counts how often it is opened, closed and asked."""

    pause_s: float = 0.0
    opened: int = 0
    closed: int = 0
    asked: list[Any] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> Mapping[str, Any]:
        return {}

    def call(self, call: ToolCall) -> ToolResult:
        with self.lock:
            self.asked.append(call.arguments["n"])
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.pause_s)
        with self.lock:
            self.at_once -= 1
        return truth(call.arguments)

    @contextmanager
    def open(self) -> Iterator[RealTool]:
        with self.lock:
            self.opened += 1
        try:
            yield self
        finally:
            with self.lock:
                self.closed += 1


def domain_of(tool: Watched | Callable[..., Any], folder: Path, **parts: Any) -> Domain:
    """A domain `halves` with this real tool."""
    import json

    (folder / "spec.json").write_text(json.dumps(SPEC))
    fidelity = Fidelity({"even": lambda content: content["verdict"] == "even"}, decision_field="verdict")
    opener = tool.open if isinstance(tool, Watched) else tool
    return Domain("halves", folder, lambda seed: iter(()), opener, fidelity, **parts)


class Simulated:
    """Opinions as told: n -> distribution over verdicts; n above 1000 is foreign. Accepts from 0.9 on."""

    def __init__(self, told: Callable[[float], Mapping[str, float]], threshold: float | None = 0.9) -> None:
        self.told, self.calibration = told, SimpleNamespace(threshold=threshold)
        self.batches: list[int] = []

    def opinions(
        self, calls: Sequence[ToolCall], wanted: Callable[[Opinion], bool]
    ) -> list[tuple[Opinion, Reply | None]]:
        self.batches.append(len(calls))
        return [self._opinion(call, wanted) for call in calls]

    def _opinion(self, call: ToolCall, wanted: Callable[[Opinion], bool]) -> tuple[Opinion, Reply | None]:
        n = call.arguments["n"]
        distribution = self.told(n)
        confidence = max(distribution.values())
        foreign = ("unheard of",) if n > 1000 else ()
        opinion = Opinion(distribution, confidence, foreign, True, 0.9, confidence >= 0.9 and not foreign, 0.001)
        said = max(distribution, key=distribution.__getitem__)
        reply = Reply(ToolResult({"verdict": said}), confidence, seconds=0.002)
        return opinion, reply if wanted(opinion) else None


def always(verdict: str, confidence: float) -> Simulated:
    """A simulator that says the same of every call."""
    rest = (1 - confidence) / 2
    return Simulated(lambda n: {"even": rest, "odd": rest, "broken": rest, verdict: confidence})


def broken_ones(pause_s: float = 0.0, fails: bool = False) -> tuple[Exact, list[float]]:
    """An exact check that finds out what is broken, and what it was asked."""
    from adapt.errors import AdaptError

    asked: list[float] = []

    @contextmanager
    def opened() -> Iterator[Check]:
        def check(call: ToolCall) -> ToolResult | None:
            asked.append(call.arguments["n"])
            time.sleep(pause_s)
            if fails:
                raise AdaptError("no compiler today")
            return truth(call.arguments) if call.arguments["n"] < 0 else None

        yield check

    return Exact(opened, ("broken",)), asked


def engine_of(tool: Watched, dies_on: float | None = None, unanswered: float | None = None) -> Any:
    """An engine of one worker: a call that kills it, one that it gives up."""
    from adapt.errors import AdaptError

    def run(items: Iterator[CallItem | None], workers: int | None) -> Iterator[Answered | Unanswered]:
        with tool.open() as opened:
            for item in items:
                if item is None:
                    continue
                n = item.call.arguments["n"]
                if n == dies_on:
                    raise AdaptError("the disk is full")
                if n == unanswered:
                    yield Unanswered(item, "the worker died twice")
                else:
                    yield Answered(item, opened.call(item.call), 0.5, {})

    return run


def spec() -> ToolSpec:
    """The tool's spec."""
    return ToolSpec.from_json(SPEC)


def with_engine(domain: Domain, run: Any) -> Domain:
    """The domain with this local engine."""
    return replace(domain, engines={"local": run})
