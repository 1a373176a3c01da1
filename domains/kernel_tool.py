"""The kernel harness as the real tool of a domain: one call at a time, or many on the harness's own engine.

Guarantees: importing this needs no torch and no compiler; a problem that cannot be used and a candidate that cannot be
judged here are refused calls, not crashes; many calls at once get the answers that one at a time would.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapt.domain import Answered, CallItem, Engine, RealTool, Unanswered
from adapt.errors import AdaptError
from base_gtm.schema import ToolCall, ToolResult

if TYPE_CHECKING:
    from kernelbench_harness.engine import Backend, Job, Outcome
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.label import Label
    from kernelbench_harness.options import HarnessOptions


@dataclass(frozen=True)
class KernelTool:
    """A harness behind the shape of a tool whose calls have the arguments `reference` and `candidate`."""

    content: Callable[[Label], dict[str, Any]]
    """A label as the structured content that the domain's spec.json describes."""
    options: Callable[[], HarnessOptions]
    """Asked whenever a tool or an engine is opened."""

    @contextmanager
    def open(self) -> Iterator[RealTool]:
        """A harness with one warm worker on a core of its own. Raises AdaptError where the machine lacks something."""
        from dataclasses import replace

        from kernelbench_harness.engine.cores import Core
        from kernelbench_harness.errors import HarnessError
        from kernelbench_harness.harness import Harness

        core = Core.reserve()
        try:
            with Harness(replace(self.options(), core=core.number)) as harness:
                yield _OneAtATime(harness, self.content)
        except HarnessError as error:
            raise AdaptError(str(error)) from None
        finally:
            core.release()

    @property
    def engines(self) -> Mapping[str, Engine]:
        """For `Domain.engines`: this machine, and a Ray cluster."""
        return {"local": self._local, "ray": self._ray}

    def _local(self, items: Iterator[CallItem], workers: int | None) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine.here import here

        return self._answers(items, lambda: here(self.options(), workers))

    def _ray(self, items: Iterator[CallItem], workers: int | None) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine.ray_pool import RayPool

        return self._answers(items, lambda: RayPool(self.options(), workers))

    def _answers(self, items: Iterator[CallItem], place: Callable[[], Backend]) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine import outcomes
        from kernelbench_harness.errors import HarnessError

        asked: defaultdict[Job, list[tuple[CallItem, float]]] = defaultdict(list)

        def jobs() -> Iterator[Job]:
            for item in items:
                job = job_of(item.call)
                asked[job].append((item, time.monotonic()))
                yield job

        try:
            with place() as backend:
                for job, outcome in outcomes(jobs(), backend):
                    item, since = asked[job].pop()
                    yield self._answer(item, time.monotonic() - since, outcome, backend.environments())
        except HarnessError as error:
            raise AdaptError(str(error)) from None

    def _answer(
        self, item: CallItem, seconds: float, outcome: Outcome, environments: Mapping[str, Mapping[str, Any]]
    ) -> Answered | Unanswered:
        from kernelbench_harness.engine import Fault

        if outcome.label is not None:
            environment = environments[outcome.label.environment]
            return Answered(item, ToolResult(self.content(outcome.label)), outcome.label.seconds["total"], environment)
        if outcome.fault in (Fault.PROBLEM, Fault.CANDIDATE):
            return Answered(item, _refused(outcome.reason), seconds, next(iter(environments.values())))
        return Unanswered(item, outcome.reason)


def job_of(call: ToolCall) -> Job:
    """Problem and candidate of a call."""
    from kernelbench_harness.label import Candidate, Problem

    problem = Problem("call", str(call.arguments["reference"]), version="call", scale="as given")
    return problem, Candidate(str(call.arguments["candidate"]))


def _refused(reason: str) -> ToolResult:
    return ToolResult(is_error=True, text=reason)


class _OneAtATime:
    """See RealTool."""

    def __init__(self, harness: Harness, content: Callable[[Label], dict[str, Any]]) -> None:
        self._harness, self._content = harness, content

    @property
    def environment(self) -> Mapping[str, Any]:
        return self._harness.environment

    def call(self, call: ToolCall) -> ToolResult:
        from kernelbench_harness.errors import CandidateError, ProblemError, RequestError

        try:
            return ToolResult(self._content(self._harness.label(*job_of(call))))
        except (ProblemError, CandidateError, RequestError) as error:
            return _refused(str(error))
