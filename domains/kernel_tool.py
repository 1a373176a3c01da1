"""The kernel harness as the real tool of a domain: one call at a time, or many on the harness's own engine.

Guarantees: importing this needs no torch and no compiler; a problem that cannot be used and a candidate that cannot be
judged here are refused calls, not crashes; many calls at once get the answers that one at a time would.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.domain import Answered, CallItem, Check, Domain, Engine, Exact, RealTool, Unanswered
from adapt.errors import AdaptError
from base_gtm.schema import ToolCall, ToolResult

if TYPE_CHECKING:
    from kernelbench_harness.engine import Backend, Job, Outcome
    from kernelbench_harness.front_end import FrontEnds
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

    def unprimed(self, domain: Domain, folder: Path) -> Domain:
        """For `Domain.unprimed`: references and compiled libraries in a folder of their own."""
        options = self.options
        alone = replace(self, options=lambda: replace(options(), results_dir=folder))
        return replace(domain, engines=alone.engines, exact=alone.exact)

    @property
    def engines(self) -> Mapping[str, Engine]:
        """For `Domain.engines`: this machine, and a Ray cluster."""
        return {"local": self._local, "ray": self._ray}

    @property
    def exact(self) -> Exact:
        """For `Domain.exact`: the compilers' front ends. Without them: code generation, ptxas and the linker, whose
        refusals are rare; and the problem, which is taken to be one that can be used."""
        return Exact(self._front_ends, decides=("compile_error",))

    @contextmanager
    def _front_ends(self) -> Iterator[Check]:
        """A warm process that loads candidates up to where they compile. Raises AdaptError as `open` does."""
        from kernelbench_harness.errors import HarnessError
        from kernelbench_harness.front_end import FrontEnds

        options = self.options()
        try:
            # On a GPU the device is what must be quiet: compilers may go on.
            with FrontEnds(options, shares_room=options.device == "cpu" and options.timing) as ends:
                yield lambda call: self._checked(ends, call)
        except HarnessError as error:
            raise AdaptError(str(error)) from None

    def _checked(self, ends: FrontEnds, call: ToolCall) -> ToolResult | None:
        from kernelbench_harness.errors import CandidateError, HarnessError, RequestError, ToolchainError
        from kernelbench_harness.label import Label, Verdict

        problem, candidate = job_of(call)
        try:
            found = ends.check(problem, candidate)
        except (CandidateError, RequestError, ToolchainError):
            return None  # for the real tool to refuse, in its own words
        except HarnessError as error:
            raise AdaptError(str(error)) from None
        # A busy machine's timeout need not be the real tool's.
        if found.ok or found.verdict is Verdict.TIMEOUT:
            return None
        evidence = (found.first_error,) if found.verdict is Verdict.CHEATING else ()
        label = Label(
            problem.id,
            candidate.id,
            problem.scale,
            found.verdict,
            found.stage,
            found.error or found.first_error,
            found.first_error,
            evidence,
        )
        return ToolResult(self.content(label))

    def _local(self, items: Iterator[CallItem | None], workers: int | None) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine.here import here

        return self._answers(items, lambda: here(self.options(), workers))

    def _ray(self, items: Iterator[CallItem | None], workers: int | None) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine.ray_pool import RayPool

        return self._answers(items, lambda: RayPool(self.options(), workers))

    def _answers(
        self, items: Iterator[CallItem | None], place: Callable[[], Backend]
    ) -> Iterator[Answered | Unanswered]:
        from kernelbench_harness.engine import outcomes
        from kernelbench_harness.errors import HarnessError

        asked: defaultdict[Job, list[tuple[CallItem, float]]] = defaultdict(list)

        def jobs() -> Iterator[Job | None]:
            for item in items:
                job = None if item is None else job_of(item.call)
                if item is not None and job is not None:
                    asked[job].append((item, time.monotonic()))
                yield job

        try:
            with place() as backend:
                for job, outcome in outcomes(jobs(), backend):
                    item, since = asked[job].pop()
                    if not asked[job]:
                        del asked[job]  # the stream may live as long as a training, and a job is two sources
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
