"""Labels on this machine: one thread for each worker, each with a harness on a core of its own.

Guarantees: a worker whose harness failed opens a fresh one before its next job; workers after the first are opened
only when there is work. Leaving the context ends the jobs under way at their end and drops the waiting ones.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kernelbench_harness.engine.backend import Fault, Job, Labeller, Open, Outcome, attempt
from kernelbench_harness.engine.cores import Core
from kernelbench_harness.label import Candidate, Problem

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions


class LocalPool:
    """At most `workers` harnesses at once, never more than cores; they take the `devices` in turn."""

    def __init__(
        self, options: HarnessOptions, workers: int, opener: Open | None = None, devices: Sequence[str] = ()
    ) -> None:
        self._cores = Core.reserve_many(max(1, workers))
        self._open = opener or open_harness
        self._inbox: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self._known: dict[str, Mapping[str, Any]] = {}
        self._stop, self._work = threading.Event(), threading.Event()
        self._under_way = 0
        given = [replace(options, core=core.number) for core in self._cores]
        if devices:
            given = [replace(one, device=devices[n % len(devices)]) for n, one in enumerate(given)]
        self._threads = [
            threading.Thread(target=self._run, args=(one, n > 0), daemon=True) for n, one in enumerate(given)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._work.set()
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            thread.join()
        for core in self._cores:
            core.release()

    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """See Backend. There is one: the cores of a machine share it."""
        while not self._known:
            self._raise(self._outbox.get())
        return self._known

    @property
    def room(self) -> int:
        """See Backend. No job waits ahead: between two of a worker's lie a few milliseconds, in each a second or so."""
        return len(self._threads) - self._under_way

    def submit(self, number: int, problem: Problem, candidate: Candidate) -> None:
        """See Backend."""
        self._under_way += 1
        self._inbox.put((number, (problem, candidate)))
        self._work.set()

    def results(self, timeout_s: float) -> list[Outcome]:
        """See Backend. Raises the exception with which a worker ended."""
        found: list[Outcome] = []
        try:
            found += self._raise(self._outbox.get(timeout=timeout_s))
            while True:
                found += self._raise(self._outbox.get_nowait())
        except queue.Empty:
            pass
        self._under_way -= len(found)
        return found

    def _raise(self, told: Outcome | BaseException | None) -> Sequence[Outcome]:
        if isinstance(told, BaseException):
            raise told
        return [] if told is None else [told]

    def _run(self, options: HarnessOptions, waits: bool) -> None:
        """One thread: open a labeller, take jobs until told to end; a new labeller after each fault of one."""
        if waits:
            self._work.wait()
        try:
            while not self._stop.is_set() and self._serve(options):
                pass
        except BaseException as error:  # the engine's thread raises it again
            self._outbox.put(error)

    def _serve(self, options: HarnessOptions) -> bool:
        """True when another labeller is wanted."""
        with self._open(options) as labeller:
            self._known[labeller.environment_id] = labeller.environment
            self._outbox.put(None)  # whoever waits for an environment may look
            while (job := self._inbox.get()) is not None and not self._stop.is_set():
                outcome = attempt(labeller, job[0], *job[1])
                self._outbox.put(outcome)
                if outcome.fault is Fault.WORKER:
                    return True
        return False


def open_harness(options: HarnessOptions) -> AbstractContextManager[Labeller]:
    """The real one."""
    from kernelbench_harness.harness import Harness  # it brings torch

    return Harness(options)
