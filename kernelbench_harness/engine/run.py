"""Labels many candidates on a backend into one store.

Guarantees: a job whose label the store already has for an environment of the backend's workers is not run again; this
thread alone writes the store, and every label is in it before it is counted, so a run killed at any point loses at most
the candidates under way; an error that belongs to one problem or candidate is collected with its reason and stops
nothing; a job whose worker failed is given again to another a few times, then collected. Ctrl-C ends the run, discards
what was under way (the signal may have reached its processes) and returns what was done.
Does not guarantee the order of labels, or that two runs at once on one store share work: each runs what it saw missing.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kernelbench_harness.engine.backend import Backend, Fault, Job, Open, Outcome
from kernelbench_harness.engine.here import here
from kernelbench_harness.engine.outcomes import outcomes
from kernelbench_harness.label import text_hash
from kernelbench_harness.progress import Reporter, Silent
from kernelbench_harness.store import LabelStore

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions


@dataclass(frozen=True)
class Failure:
    """Jobs without a label, and why."""

    name: str
    """Name of the problem, or of the candidate where the problem is not to blame."""
    reason: str
    jobs: int = 1
    """Jobs that share the reason; all of a problem's."""
    of_problem: bool = False


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    counts: Mapping[str, int]
    """Verdict -> number of jobs, reused labels included."""
    new: int
    """Labels made by this run."""
    reused: int
    """Jobs whose label the store had, or that came twice."""
    failures: tuple[Failure, ...] = ()
    """Each problem that could not be used, once, and each candidate that could not be labelled."""
    seconds: float = 0.0
    """Wall seconds of the run, opening the workers included."""
    interrupted: bool = False
    """Whether Ctrl-C ended it early."""

    @property
    def failed(self) -> int:
        """Jobs that could not be labelled."""
        return sum(failure.jobs for failure in self.failures)

    @property
    def labels_per_hour(self) -> float | None:
        """New labels an hour of wall time; None when there are none."""
        return 3600 * self.new / self.seconds if self.new and self.seconds else None


def label_many(
    jobs: Iterable[Job],
    store: LabelStore,
    options: HarnessOptions,
    workers: int | None = 1,
    progress: Reporter | None = None,
    open_labeller: Open | None = None,
    backend: Backend | None = None,
    compilers: int | None = None,
) -> Summary:
    """Label every job that `store` has no label for. Raises HarnessError when the machine or the store fails.

    Without a `backend`, `workers` harnesses run here at once, at most one a core that this process may use: timing
    shares no core. `compilers` more compile ahead of them (see `here`). `open_labeller` opens one from its options;
    None opens the local harness.
    """
    if backend is None:
        most = len(jobs) if isinstance(jobs, Sized) else None
        backend = here(options, workers if most is None else min(workers or most, most), open_labeller, compilers)
    run = _Run(store, backend, progress or Silent())
    started = time.monotonic()
    with _ctrl_c(run.stop), run.progress, backend:
        for job, outcome in outcomes(run.unlabelled(jobs), backend, run.stop):
            run.take(job, outcome)
    failures = sorted(run.broken.values(), key=lambda one: one.name) + run.failures
    return Summary(
        counts=dict(sorted(run.counts.items())),
        new=run.new,
        reused=run.reused,
        failures=tuple(failures),
        seconds=time.monotonic() - started,
        interrupted=run.stop.is_set(),
    )


@dataclass
class _Run:
    """The state of one run; everything here happens in the caller's thread."""

    store: LabelStore
    backend: Backend
    progress: Reporter
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    new: int = 0
    reused: int = 0
    broken: dict[str, Failure] = field(default_factory=dict)
    """By Problem.id."""
    failures: list[Failure] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Hash of problem and candidate."""

    def unlabelled(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs that have no label yet, each once; none of a problem that has turned out to be broken."""
        for problem, candidate in jobs:
            if self.stop.is_set():
                return
            name = text_hash(problem.id, candidate.id)
            verdict = self._stored(problem.id, candidate.id)
            if verdict or name in self.seen:
                self.reused += 1
                self._count(verdict, fresh=False)
            elif problem.id in self.broken:
                self._break(problem.id)
            else:
                self.seen.add(name)
                yield problem, candidate

    def _stored(self, problem: str, candidate: str) -> str:
        """The verdict of a label that the store has for an environment at hand, or nothing."""
        for environment in self.backend.environments():
            label = self.store.get(text_hash(problem, candidate, environment))
            if label is not None:
                return str(label.verdict)
        return ""

    def take(self, job: Job, outcome: Outcome) -> None:
        """Keep a label, or collect a reason."""
        problem, candidate = job
        if outcome.label is not None:
            environment = self.backend.environments()[outcome.label.environment]
            self.store.add(outcome.label, problem, candidate, environment)
            self.new += 1
            self._count(str(outcome.label.verdict))
        elif outcome.fault is Fault.PROBLEM:
            self.broken.setdefault(problem.id, Failure(problem.name, outcome.reason, 0, of_problem=True))
            self._break(problem.id)
        else:
            self.failures.append(Failure(candidate.name or candidate.id, outcome.reason))
            self.progress.advance("not labelled")

    def _break(self, problem: str) -> None:
        """One more job of a problem that cannot be used."""
        known = self.broken[problem]
        self.broken[problem] = Failure(known.name, known.reason, known.jobs + 1, of_problem=True)
        self.progress.advance("unusable problem")

    def _count(self, verdict: str, *, fresh: bool = True) -> None:
        if verdict:
            self.counts[verdict] += 1
        self.progress.advance(verdict or "twice", fresh=fresh)


@contextmanager
def _ctrl_c(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C sets `stop`, the second is KeyboardInterrupt; where another thread runs us, or the signal is
    ignored, nothing changes. A label half written to the store is no place for an exception."""

    def first(number: int, frame: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
