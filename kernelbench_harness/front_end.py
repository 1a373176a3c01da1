"""The cheapest exact compile verdict of a candidate: what it would compile is read by every front end, no code is made.

    found = check(problem, candidate, options)
    with FrontEnds(options) as ends:                # for many: the process that loads candidates stays warm
        found = ends.check(problem, candidate)

Guarantees: the requests are what the candidate really asks for, caught in a confined child; a refusal is one that the
whole build would give. Not asked, and named in `unasked`: code generation, ptxas and the linker, and whatever is built
in forward, which is never called. What a candidate does in Python after its build is not looked at either, since there
is no library to go on with; a candidate that builds more than once has all builds but its last made whole.
"""

from __future__ import annotations

import re
import resource
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kernelbench_harness.devices import architecture, child_environment
from kernelbench_harness.judge.builds import Builds
from kernelbench_harness.judge.hearing import candidate_job, candidate_policy
from kernelbench_harness.judge.normalise import normalise, without_folder
from kernelbench_harness.judge.outcome import Failure
from kernelbench_harness.judge.trial import Trial
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Candidate, Problem, Stage, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder, RunFolders
from kernelbench_harness.process.worker import Ended, Stop, Worker
from kernelbench_harness.timing.quiet import Quiet

if TYPE_CHECKING:
    from kernelbench_harness.compile.build import Mode
    from kernelbench_harness.compile.request import CompileRequest, CompileResult

LATER = "what forward alone builds"
_BUILD = re.compile(r"\bload(?:_inline)?\s*\(")


@dataclass(frozen=True)
class FrontEnd:
    """What the front ends say of one candidate."""

    ok: bool
    verdict: Verdict
    """COMPILED where they take it, else what a label would have."""
    stage: Stage
    error: str
    """The whole error text; empty when ok."""
    first_error: str
    headers: str
    """Which headers decided; empty where nothing was to be compiled."""
    cpu_seconds: float
    """Processor seconds of the compilers; of others too that this process runs at the same time."""
    unasked: tuple[str, ...]
    """What a yes says nothing about: steps of the whole build, or all of a build that only forward asks for."""


class _FrontBuilds(Builds):
    """Builds whose last one is only read."""

    def __init__(self, options: HarnessOptions, arch: str, cache: Path, quiet: Quiet, builds: int) -> None:
        super().__init__(options, arch, cache, quiet)
        self.expected = builds
        self.taken: CompileResult | None = None
        """The front ends' yes."""
        self.cpu_seconds = 0.0

    def _build(self, request: CompileRequest, mode: Mode) -> CompileResult:
        from kernelbench_harness.compile.front_end import front_end

        options = self._options
        before = _processor_seconds()
        try:
            result = front_end(
                request,
                cache_dir=self._cache,
                arch=self._arch,
                timeout_s=options.compile_timeout_s,
                core=options.core,
                objects=options.objects,
                results_dir=options.results_dir,
            )
            if result.ok and self.count >= self.expected:
                self.taken, self.compiler = result, result.decided_by
                raise Stop
            return super()._build(request, mode) if result.ok else result
        finally:
            self.cpu_seconds += _processor_seconds() - before


class FrontEnds:
    """Checks candidates, one after another. A context manager, for one thread at a time."""

    def __init__(self, options: HarnessOptions, shares_room: bool = False) -> None:
        """`shares_room`: wait while a worker of ours on this machine times a candidate, which wants to be alone."""
        self._arch = architecture(options)
        self._options = replace(options, compile_only=True, device="cpu", timing=False)
        self._cache = self._options.cache()
        self._quiet = Quiet(self._cache, shares_room)
        self._worker = Worker(self._options.core, child_environment(None))
        self._folders = RunFolders()

    def __enter__(self) -> FrontEnds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the warm process and remove its folders; the cache stays."""
        self._worker.close()
        self._folders.close()
        self._quiet.leave()

    def check(self, problem: Problem, candidate: Candidate) -> FrontEnd:
        """What the front ends say. Raises HarnessError for a machine that lacks a compiler which it needs."""
        options = self._options
        count = len(_BUILD.findall(candidate.code))
        builds = _FrontBuilds(options, self._arch, self._cache / "build", self._quiet, count)
        with self._quiet.working(), self._folders.new() as place:
            trial = Trial(None, options, place, builds, Window(self._quiet, options.core))
            if not trial.look(candidate.code):
                self._worker.start()
                trial.close(self._hear(problem, candidate, place, trial))
            return _found(trial, builds, place)

    def _hear(self, problem: Problem, candidate: Candidate, place: RunFolder, trial: Trial) -> Ended:
        options = self._options
        job = candidate_job(problem, candidate, None, place, trial, options, self._arch)
        policy = candidate_policy(place, options, file_bytes=options.file_bytes)
        return self._worker.run(job, policy, place.work, options.run_timeout_s, trial.handle)


def check(problem: Problem, candidate: Candidate, options: HarnessOptions) -> FrontEnd:
    """One candidate; see FrontEnds."""
    with FrontEnds(options) as ends:
        return ends.check(problem, candidate)


def _found(trial: Trial, builds: _FrontBuilds, place: RunFolder) -> FrontEnd:
    outcome, taken = trial.outcome, builds.taken
    if taken is not None or not isinstance(outcome, Failure):
        later = trial.may_build and not builds.count and builds.expected > 0
        unasked = taken.unasked if taken is not None else (LATER,) if later else ()
        stage = Stage.LINK if builds.count else Stage.IMPORT
        return FrontEnd(True, Verdict.COMPILED, stage, "", "", builds.compiler, builds.cpu_seconds, tuple(unasked))
    error, first = without_folder(outcome.error, place), normalise(without_folder(outcome.first, place))
    return FrontEnd(
        False, outcome.verdict, outcome.stage, error, first or "no message", builds.compiler, builds.cpu_seconds, ()
    )


def _processor_seconds() -> float:
    """Of the programs that this process has run and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
