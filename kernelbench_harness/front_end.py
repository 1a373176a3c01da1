"""The cheapest exact compile verdict of a candidate: what it would compile is read by every front end, no code is made.

    found = check(problem, candidate, options)

Guarantees: the requests are what the candidate really asks for, caught in a confined child; a refusal is one that the
whole build would give. Not asked, and named in `unasked`: code generation, ptxas and the linker. What a candidate does
in Python after its build is not looked at either, since there is no library to go on with; a candidate that builds more
than once has all builds but its last made whole.
"""

from __future__ import annotations

import re
import resource
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kernelbench_harness.devices import architecture, child_environment
from kernelbench_harness.judge.builds import Builds
from kernelbench_harness.judge.normalise import normalise, without_folder
from kernelbench_harness.judge.outcome import Failure
from kernelbench_harness.judge.reference import FILE_LIMIT
from kernelbench_harness.judge.retime import run_job
from kernelbench_harness.judge.trial import Trial
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Candidate, Problem, Stage, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder, RunFolders
from kernelbench_harness.process.worker import Stop, Worker
from kernelbench_harness.sandbox.policy import Policy
from kernelbench_harness.timing.quiet import Quiet

if TYPE_CHECKING:
    from kernelbench_harness.compile.build import Mode
    from kernelbench_harness.compile.request import CompileRequest, CompileResult

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
    """Processor seconds of the compilers."""
    unasked: tuple[str, ...]
    """The steps of a whole build that a yes says nothing about."""


class _FrontBuilds(Builds):
    """Builds whose last one is only read."""

    def __init__(self, options: HarnessOptions, arch: str, cache: Path, quiet: Quiet, builds: int) -> None:
        super().__init__(options, arch, cache, quiet)
        self._given = options, arch, cache, builds
        self.taken: CompileResult | None = None
        """The front ends' yes."""
        self.cpu_seconds = 0.0

    def _build(self, request: CompileRequest, mode: Mode) -> CompileResult:
        from kernelbench_harness.compile.front_end import front_end

        options, arch, cache, builds = self._given
        before = _processor_seconds()
        try:
            result = front_end(
                request,
                cache_dir=cache,
                arch=arch,
                timeout_s=options.compile_timeout_s,
                core=options.core,
                objects=options.objects,
            )
            if result.ok and self.count >= builds:
                self.taken, self.compiler = result, result.decided_by
                raise Stop
            return super()._build(request, mode) if result.ok else result
        finally:
            self.cpu_seconds += _processor_seconds() - before


def check(problem: Problem, candidate: Candidate, options: HarnessOptions) -> FrontEnd:
    """What the front ends say. Raises HarnessError for a machine that lacks a compiler which the candidate needs."""
    arch = architecture(options)
    options = replace(options, compile_only=True, device="cpu", timing=False)
    cache = options.cache()
    quiet, worker, folders = Quiet(cache, False), Worker(options.core, child_environment(None)), RunFolders()
    builds = _FrontBuilds(options, arch, cache / "build", quiet, len(_BUILD.findall(candidate.code)))
    try:
        with folders.new() as place:
            trial = Trial(None, options, place, builds, Window(quiet, options.core))
            if not trial.look(candidate.code):
                worker.start()
                job = run_job(candidate.code, place.work / "candidate.py", None, options, place)
                own = {"kind": "candidate", "timing": False, "track": options.track, "arch": arch, "interpreted": False}
                job |= own | {"seeds": trial.open_seeds, "hidden": trial.hidden, "problem": problem.code}
                trial.close(worker.run(job, _policy(place, options), place.work, options.run_timeout_s, trial.handle))
            return _found(trial, builds, place)
    finally:
        worker.close()
        folders.close()


def _policy(place: RunFolder, options: HarnessOptions) -> Policy:
    return Policy(
        read=(place.given,),
        write=(place.work,),
        memory_bytes=options.memory_bytes,
        cpu_seconds=int(8 * options.run_timeout_s) + 10,
        file_bytes=FILE_LIMIT,
        disk_bytes=4 * FILE_LIMIT,
    )


def _found(trial: Trial, builds: _FrontBuilds, place: RunFolder) -> FrontEnd:
    outcome, taken = trial.outcome, builds.taken
    if taken is not None or not isinstance(outcome, Failure):
        unasked = taken.unasked if taken is not None else ()
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
