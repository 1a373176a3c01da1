"""Many jobs on one backend, each given again where its worker failed, until it has a label or a reason.

Guarantees: every job ends once, with a label or with a fault that another try would not mend; jobs are taken from their
stream only as the backend has room; a fault of the machine's ends the whole and is raised. Everything happens in the
caller's thread, between two of its steps: what the caller does with one outcome is done before the next is looked for.
A stream that lives on between batches gives None where no job is due just now: outcomes go on coming, workers stay
warm, and the stream is asked again. It may wait for a job itself only while nothing of its is under way.
Does not guarantee an order.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kernelbench_harness.engine.backend import Backend, Fault, Job, Outcome
from kernelbench_harness.errors import HarnessError

ATTEMPTS: Mapping[Fault, int] = {Fault.WORKER: 2, Fault.LOST: 4}
"""How often a job is tried in all when its worker fails, and when its worker is lost with others' jobs perhaps."""
FAULTS_IN_A_ROW = 8
"""Jobs given again and failed again without a single label between them, after which it is the machine's fault."""
_POLL_S = 0.2
_ASK_AGAIN_S = 0.01
"""How late a job may be noticed that comes while others are under way and a worker is free: 100 looks a second cost
less than 1 % of a core."""


def outcomes(
    jobs: Iterable[Job | None], backend: Backend, stop: threading.Event | None = None
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with how it ended, as they end. `backend` is entered; once `stop` is set no job is begun or waited for.

    Raises HarnessError for a fault of the machine's, and when nothing but failures has come for long.
    """
    stream, stop, tries = _Stream(iter(jobs)), stop or threading.Event(), _Tries()
    under_way: dict[int, Job] = {}
    again: deque[int] = deque()
    backend.environments()
    while not stop.is_set() and (stream.more or under_way):
        stream.due = stream.more
        while backend.room > 0 and not stop.is_set() and (again or stream.due):
            if again:
                number = again.popleft()
            elif (job := stream.next()) is not None:
                number = stream.given
                under_way[number] = job
            else:
                continue
            backend.submit(number, *under_way[number])
        wait_s = _POLL_S if stream.due or not stream.more else _ASK_AGAIN_S
        for outcome in backend.results(wait_s) if under_way or stream.more else ():
            final = tries.judge(outcome)
            if final is None:
                again.append(outcome.number)
            else:
                yield under_way.pop(outcome.number), final


@dataclass
class _Stream:
    """Where jobs come from."""

    jobs: Iterator[Job | None]
    more: bool = True
    """Whether it has not ended."""
    due: bool = True
    """Whether it may have a job just now."""
    given: int = 0
    """Jobs so far, and so the number of the last one."""

    def next(self) -> Job | None:
        """A job; None where there is none just now, or no more at all."""
        job = None
        try:
            job = next(self.jobs)
        except StopIteration:
            self.more = False
        self.due = job is not None
        self.given += self.due
        return job


@dataclass
class _Tries:
    """How often each job's worker has failed."""

    of: Counter[int] = field(default_factory=Counter)
    in_a_row: int = 0
    """Jobs that failed again since the last label."""

    def judge(self, outcome: Outcome) -> Outcome | None:
        """The outcome as the caller gets it; None when the job is to be tried again."""
        if outcome.label is not None:
            self.in_a_row = 0
            return outcome
        if outcome.fault is Fault.MACHINE:
            raise outcome.error()
        if outcome.fault is None or outcome.fault not in ATTEMPTS:
            return outcome
        self.of[outcome.number] += 1
        tried = self.of[outcome.number]
        # First failures do not count: a node that dies takes all its jobs with it at once.
        self.in_a_row += tried > 1
        if self.in_a_row >= FAULTS_IN_A_ROW:
            raise HarnessError(
                f"{self.in_a_row} jobs in a row failed on fresh workers too; the last one: {outcome.reason}"
            )
        if tried < ATTEMPTS[outcome.fault]:
            return None
        return replace(outcome, reason=f"{outcome.reason} (tried {tried} times)")
