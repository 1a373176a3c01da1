"""The harness: a problem and a candidate in, a label out.

    with Harness(HarnessOptions(core=0)) as harness:
        label = harness.label(problem, candidate)

Guarantees: whatever a candidate does (crash, hang, flood, exit, reach for files or the network) becomes a label, and
the next candidate meets an unharmed harness; verdict and comparison are the parent's own. One warm process serves all.
A correct candidate and its reference are timed one right after the other, with nothing else of ours running. This
process opens no context on a GPU: children do, each its own.
Not guaranteed: one Harness is for one thread at a time; give each thread its own.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from kernelbench_harness.devices import architecture, child_environment, chosen
from kernelbench_harness.environment import environment, environment_id
from kernelbench_harness.errors import HarnessError, ProblemError
from kernelbench_harness.hub import hub_reason
from kernelbench_harness.judge.builds import Builds
from kernelbench_harness.judge.hearing import candidate_job, candidate_policy
from kernelbench_harness.judge.normalise import normalise, without_folder
from kernelbench_harness.judge.outcome import Compiled, Failure, Outcome
from kernelbench_harness.judge.probe import probe
from kernelbench_harness.judge.reference import Reference, References
from kernelbench_harness.judge.retime import time_reference
from kernelbench_harness.judge.trial import Trial
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Timing, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process import interpreted
from kernelbench_harness.process.place import RunFolder, RunFolders
from kernelbench_harness.process.worker import Worker
from kernelbench_harness.sandbox.policy import Policy
from kernelbench_harness.timing.measure import summarise
from kernelbench_harness.timing.quiet import Quiet

__all__ = ["Harness", "HarnessOptions"]

_FOR_A_GPU = re.compile(r"cuda_sources|with_cuda|\.cu\b|__global__")
"""What the source of a candidate that compiles for a GPU has somewhere. One that hides it is only heard later."""


_OWN_FILE = 1 << 30
"""Bytes that a candidate's file may have, however small its outputs are; where they ask for more, it may have more."""


@dataclass(frozen=True)
class _Heard:
    """A hearing that is over."""

    trial: Trial
    options: HarnessOptions
    """Of this hearing."""
    place: RunFolder
    """Where it was; its files are gone."""
    compile_s: float
    run_s: float
    interpreted: bool
    """Whether Triton's interpreter ran its kernels."""


class Harness:
    """Labels candidates, one after another. Use it as a context manager, or call `close`."""

    def __init__(self, options: HarnessOptions | None = None) -> None:
        self.options = options or HarnessOptions()
        cache = self.options.cache()
        self._build_cache = cache / "build"
        self._gpu = chosen(self.options.device)
        self._arch = architecture(self.options)
        self._worker = Worker(self.options.core, child_environment(self._gpu))
        self._folders = RunFolders()
        self._level = self._probe()
        self.environment: dict[str, Any] = environment(self.options, self._arch, self._gpu, self._level)
        """Machine, software, sandbox and options: what a label's `environment` is the hash of."""
        self.environment_id: str = environment_id(self.environment)
        self._references = References(
            self.options.results() / "reference", self.environment_id, self.options, self._level
        )
        exclusive = self.options.exclusive_timing and (self.options.timing or self._gpu is not None)
        self._quiet = Quiet(cache, exclusive, self._uuid)

    @property
    def _uuid(self) -> str:
        return self._gpu.uuid if self._gpu is not None else ""

    def _probe(self) -> int:
        """How far the sandbox is open for the GPU's driver; 0 without a GPU. Raises HarnessError for one of no use."""
        if self._gpu is None:
            return 0
        try:
            return int(probe(self._gpu, self.options, self._worker, self._folders)["level"])
        except HarnessError:
            self._worker.close()
            self._folders.close()
            raise

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the warm process and removes its folders; the cache stays."""
        self._worker.close()
        self._folders.close()
        self._quiet.leave()

    def reference(self, problem: Problem) -> Reference:
        """What candidates of a problem are given and held against; run once, then cached. Raises ProblemError."""
        with self._quiet.working():
            return self._references.get(problem, self._worker, self._folders)

    def time_reference(self, problem: Problem, *, compiled: bool = False) -> tuple[Timing, dict[str, Any]]:
        """The time of a problem's own model and the conditions of it; `compiled`: behind torch.compile.

        Raises ProblemError when the problem cannot be used or its model cannot be timed.
        """
        with self._quiet.working():
            # Full sizes on a GPU are gigabytes that nothing is held against: they need not be written to files.
            if self._gpu is not None and (reason := hub_reason(problem)):
                raise ProblemError(f"problem {problem.name}: {reason}")
            get = self._references.get
            reference = get(problem, self._worker, self._folders) if self._gpu is None else None
            window = self._time(problem, reference, compiled=compiled)
        return summarise(window.samples), window.account()

    def label(self, problem: Problem, candidate: Candidate) -> Label:
        """What really happens to a candidate. Raises ProblemError for a problem that cannot be used, CandidateError for
        a candidate that this machine cannot judge, HarnessError for a machine that lacks something; never for what a
        candidate does."""
        begin = time.monotonic()
        with self._quiet.working():
            heard = self._heard(problem, candidate)
            options, trial = heard.options, heard.trial
            beside, reason = self._beside(problem, options, trial.outcome)
            seconds = {
                "compile": round(heard.compile_s, 6),
                "run": round(heard.run_s, 6),
                "waited": round(self._quiet.waited_s, 6),
                "alone": round(self._quiet.alone_s, 6),
                "total": round(time.monotonic() - begin, 6),
            }
            common = self._common(problem, candidate, trial, seconds)
            return _label(heard, beside, reason, common)

    def _heard(self, problem: Problem, candidate: Candidate) -> _Heard:
        """One candidate's hearing. It compiles before anything else, a reference's run included, where that may be all
        that it comes to."""
        options = interpreted.adjusted(self.options, candidate.code)
        compiles = self._gpu is None and options.device == "cpu" and _FOR_A_GPU.search(candidate.code)
        before = 0.0
        if options.compile_only or compiles:
            heard = self._hear(problem, None, candidate, options)
            if not heard.trial.undecided:
                return heard
            before = heard.compile_s
        reference = self._references.get(problem, self._worker, self._folders)
        heard = self._hear(problem, reference, candidate, options)
        return replace(heard, compile_s=before + heard.compile_s)

    def _hear(
        self, problem: Problem, reference: Reference | None, candidate: Candidate, options: HarnessOptions
    ) -> _Heard:
        builds = Builds(options, self._arch, self._build_cache, self._quiet)
        interprets = interpreted.wanted(options, candidate.code)
        with self._folders.new() as place:
            window = Window(self._quiet, options.core, self._uuid)
            trial = Trial(reference, options, place, builds, window, interpreted=interprets)
            self._worker.start()
            begin = time.monotonic()
            if not trial.look(candidate.code):
                ended = self._worker.run(
                    candidate_job(problem, candidate, reference, place, trial, options, self._arch),
                    self._policy(candidate, reference, place, trial, options),
                    place.work,
                    options.run_timeout_s,
                    trial.handle,
                )
                trial.close(ended)
            run_s = time.monotonic() - begin - builds.seconds - window.waited_s
            return _Heard(trial, options, place, builds.seconds, run_s, interprets)

    def _beside(self, problem: Problem, options: HarnessOptions, outcome: Outcome) -> tuple[Window | None, str]:
        """The reference's time for a correct candidate, or why there is none."""
        if outcome is not None:
            return None, ""
        if not options.timing:
            return None, "timing turned off"
        try:
            reference = self._references.get(problem, self._worker, self._folders)
            return self._time(problem, reference), ""
        except ProblemError as error:
            return None, str(error)

    def _time(self, problem: Problem, reference: Reference | None, *, compiled: bool = False) -> Window:
        with self._folders.new() as place:
            window = Window(self._quiet, self.options.core, self._uuid)
            return time_reference(
                problem, reference, self.options, self._worker, place, window, compiled=compiled, gpu=self._level
            )

    def _policy(
        self,
        candidate: Candidate,
        reference: Reference | None,
        place: RunFolder,
        trial: Trial,
        options: HarnessOptions,
    ) -> Policy:
        given: list[Path] = []
        limit = _OWN_FILE
        if reference is not None:
            limit = max(limit, *map(reference.room, reference.expected))
            names = ["common.safetensors", *(f"seed_{seed}.safetensors" for seed in trial.open_seeds)]
            given += [reference.inputs / name for name in names]
        # Triton has a compiler and an assembler of its own, which are programs.
        processes = self._gpu is not None and interpreted.imports_triton(candidate.code)
        return candidate_policy(place, options, read=given, file_bytes=limit, gpu=self._level, processes=processes)

    def _common(
        self, problem: Problem, candidate: Candidate, trial: Trial, seconds: dict[str, float]
    ) -> dict[str, Any]:
        """The fields that a label has whatever its verdict."""
        return {
            "problem": problem.id,
            "candidate": candidate.id,
            "scale": problem.scale,
            "seconds": seconds,
            "compiler": trial.builds.compiler,
            "environment": self.environment_id,
        }


def _label(heard: _Heard, beside: Window | None, reason: str, common: dict[str, Any]) -> Label:
    """The label of a hearing that is over; `beside` is the reference's time, `reason` why there is none."""
    trial, outcome = heard.trial, heard.trial.outcome
    noted = tuple(trial.evidence)
    if isinstance(outcome, Failure):
        return Label(
            verdict=outcome.verdict,
            stage=outcome.stage,
            error=without_folder(outcome.error, heard.place),
            first_error=normalise(without_folder(outcome.first, heard.place)) or "no message",
            evidence=outcome.evidence or noted,
            **common,
        )
    if isinstance(outcome, Compiled):
        return Label(verdict=Verdict.COMPILED, stage=outcome.stage, evidence=noted, unmeasured=outcome.reason, **common)
    if not heard.options.timing:
        reason = interpreted.UNMEASURED if heard.interpreted else reason
        return Label(verdict=Verdict.CORRECT, stage=Stage.VALUE, evidence=noted, unmeasured=reason, **common)
    conditions = {"candidate": trial.window.account()}
    if beside is not None:
        conditions["reference"] = beside.account()
    return Label(
        verdict=Verdict.CORRECT,
        stage=Stage.TIMING,
        evidence=noted,
        runtime=summarise(trial.window.samples),
        reference=None if beside is None else summarise(beside.samples),
        unmeasured=reason,
        conditions=conditions,
        **common,
    )
