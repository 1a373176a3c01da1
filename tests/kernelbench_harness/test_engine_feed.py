"""A stream of jobs that lives on between batches: no answer waits for the next job, no worker is opened twice."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from test_engine import GOOD, OPTIONS, Echo, Opener, faults, faulty, jobs, told_to  # noqa: F401

from kernelbench_harness.engine import Backend, Labeller, outcomes
from kernelbench_harness.engine.ahead import CompileAhead
from kernelbench_harness.engine.backend import Job
from kernelbench_harness.engine.local import LocalPool
from kernelbench_harness.label import Candidate, Label, Problem


class Feed:
    """Jobs as they are put; None while there are none but others are under way, and a wait while there is nothing."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.given = self.ended = self.dry = 0

    def __iter__(self) -> Iterator[Job | None]:
        while True:
            try:
                job = self.waiting.get(block=self.given == self.ended)
            except queue.Empty:
                self.dry += 1
                yield None
                continue
            if job is None:
                return
            self.given += 1
            yield job


class Run:
    """`outcomes` in a thread of its own, its answers in a queue."""

    def __init__(self, feed: Feed, backend: Backend) -> None:
        self.feed, self.backend = feed, backend
        self.found: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self.backend as backend:
            for job, outcome in outcomes(iter(self.feed), backend):
                self.feed.ended += 1
                self.found.put((job, outcome))

    def ask(self, given: list[Job]) -> float:
        """Put jobs, wait for as many answers; the seconds that it took."""
        begun = time.monotonic()
        for job in given:
            self.feed.waiting.put(job)
        answered = [self.found.get(timeout=30) for _ in given]
        assert sorted(job[1].code for job, _ in answered) == sorted(candidate.code for _, candidate in given)
        return time.monotonic() - begun

    def close(self) -> None:
        self.feed.waiting.put(None)
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def run() -> Iterator[Callable[[Backend], Run]]:
    made: list[Run] = []

    def start(backend: Backend) -> Run:
        made.append(Run(Feed(), backend))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_answers_come_while_no_job_is_due_and_workers_stay(run: Callable[[Backend], Run]) -> None:
    opener = Opener(pause_s=0.02)
    running = run(LocalPool(OPTIONS, 2, opener))
    for batch in (jobs(1), jobs(3), jobs(7)[3:], jobs(8)[7:]):
        assert running.ask(batch) < 5
        time.sleep(0.05)
    assert len(opener.opened) <= 2 and opener.closed == 0
    running.close()
    assert opener.closed == len(opener.opened) and len(opener.asked) == 9


class Waits(Echo):
    """Labels all but one candidate at once."""

    go: ClassVar[threading.Event] = threading.Event()

    def label(self, problem: Problem, candidate: Candidate) -> Label:
        if candidate.code == "timeout:slow":
            self.go.wait(20)
        return super().label(problem, candidate)


@contextmanager
def waits(options: Any) -> Iterator[Labeller]:
    yield Waits(options.core)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_a_job_that_comes_while_others_are_under_way_is_begun_at_once(run: Callable[[Backend], Run]) -> None:
    Waits.go.clear()
    running = run(LocalPool(OPTIONS, 2, waits))
    running.feed.waiting.put((GOOD, Candidate("timeout:slow")))
    time.sleep(0.1)
    try:
        for number in range(5):
            assert running.ask([(GOOD, Candidate(f"wrong_value:{number}"))]) < 1, "the slow one is still under way"
        assert running.feed.dry > 0
    finally:
        Waits.go.set()
    assert running.found.get(timeout=10)[0][1].code == "timeout:slow"


def test_a_worker_that_dies_between_batches_is_replaced(run: Callable[[Backend], Run], faults: Any) -> None:  # noqa: F811
    running = run(LocalPool(OPTIONS, 1, faulty))
    running.ask(told_to("HarnessError 1:a"))
    running.ask(told_to("HarnessError 0:b", "CandidateError 1:c"))
    assert faults.opened == 2 and faults.raised["HarnessError 1:a"] == 1


def test_what_compiles_ahead_is_fed_as_well(run: Callable[[Backend], Run]) -> None:
    compiled, ran = Opener(environment="c"), Opener(pause_s=0.01)
    running = run(CompileAhead(LocalPool(OPTIONS, 2, compiled), LocalPool(OPTIONS, 1, ran), look=4))
    running.ask(jobs(9))
    time.sleep(0.1)
    running.ask([(GOOD, candidate) for _, candidate in jobs(14)[9:]])
    assert sorted(ran.asked) == sorted(compiled.asked) and len(ran.asked) == 14
    assert (len(ran.opened), ran.closed) == (1, 0)
