"""Many jobs on one backend, each given again where its worker failed, until it has a label or a reason.

Guarantees: every job ends once, with a label or with a fault that another try would not mend; jobs are taken from their
stream only as the backend has room; a fault of the machine's ends the whole and is raised. Everything happens in the
caller's thread, between two of its steps: what the caller does with one outcome is done before the next is looked for.
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


def outcomes(
    jobs: Iterable[Job], backend: Backend, stop: threading.Event | None = None
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with how it ended, as they end. `backend` is entered; once `stop` is set no job is begun or waited for.

    Raises HarnessError for a fault of the machine's, and when nothing but failures has come for long.
    """
    stream, stop, tries = iter(jobs), stop or threading.Event(), _Tries()
    under_way: dict[int, Job] = {}
    again: deque[int] = deque()
    numbers, more = 0, True
    backend.environments()
    while not stop.is_set() and (more or under_way):
        while backend.room > 0 and not stop.is_set() and (again or more):
            job = under_way[again[0]] if again else next(stream, None)
            if job is None:
                more = False
                continue
            number = again.popleft() if again else numbers
            numbers += number == numbers
            under_way[number] = job
            backend.submit(number, *job)
        for outcome in backend.results(_POLL_S) if under_way or more else ():
            final = tries.judge(outcome)
            if final is None:
                again.append(outcome.number)
            else:
                yield under_way.pop(outcome.number), final


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
