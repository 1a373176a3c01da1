"""Compiling ahead: a pool that only compiles, in front of the workers that run.

What a candidate compiles lies in the cache by the time that its runner meets it, so that all cores compile while a
device is never kept waiting by a compiler. Guarantees: labels are the runner's alone, so the same with or without; a
job whose compilation fails, or whose compiling worker does, goes to the runner like any other; at most `look` jobs are
ahead.
Worth it where running and compiling use different parts of the machine: a GPU and its host.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from kernelbench_harness.engine.backend import Backend, Job, Outcome
from kernelbench_harness.label import Candidate, Problem

_POLL_S = 0.02
"""How late a compiled job may be noticed while the runners have nothing to do."""


class CompileAhead:
    """See Backend: `compilers` fill the cache that `runners` read; at most `look` jobs are compiling or compiled."""

    def __init__(self, compilers: Backend, runners: Backend, look: int) -> None:
        self._compilers, self._runners, self._look = compilers, runners, look
        self._compiling: dict[int, Job] = {}
        self._compiled: deque[tuple[int, Job]] = deque()

    def __enter__(self) -> Self:
        self._compilers.__enter__()
        try:
            self._runners.__enter__()
        except BaseException as error:
            self._compilers.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runners.__exit__(kind, error, trace)
        finally:
            self._compilers.__exit__(kind, error, trace)

    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """See Backend: the runners'."""
        return self._runners.environments()

    @property
    def room(self) -> int:
        """See Backend."""
        return min(self._look - len(self._compiling) - len(self._compiled), self._compilers.room)

    def submit(self, number: int, problem: Problem, candidate: Candidate) -> None:
        """See Backend."""
        self._compiling[number] = problem, candidate
        self._compilers.submit(number, problem, candidate)

    def results(self, timeout_s: float) -> list[Outcome]:
        """See Backend. Also what moves jobs on from the compilers to the runners."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._move()
            found = self._runners.results(_POLL_S)
            # A job that could be begun is not kept waiting for the one who stores this outcome.
            self._move()
            # Room for another to compile is worth coming back for: only the caller has more jobs.
            if found or self.room > 0 or time.monotonic() >= deadline:
                return found

    def _move(self) -> None:
        for outcome in self._compilers.results(0.0):
            self._compiled.append((outcome.number, self._compiling.pop(outcome.number)))
        while self._compiled and self._runners.room > 0:
            number, job = self._compiled.popleft()
            self._runners.submit(number, *job)
