"""What the engine asks of a place where candidates are labelled, and what comes back from one.

Guarantees: whatever `Labeller.label` raises becomes an `Outcome` that says whose fault it was, so that one job's error
is never another's; only an exception that is no `Exception` (Ctrl-C) passes through.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from kernelbench_harness import errors
from kernelbench_harness.errors import CandidateError, HarnessError, ProblemError, RequestError, ToolchainError
from kernelbench_harness.label import Candidate, Label, Problem

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

Job = tuple[Problem, Candidate]


class Labeller(Protocol):
    """What labels one candidate at a time: the harness, or what stands in for it."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """What a label depends on besides problem and candidate. JSON."""
        ...

    @property
    def environment_id(self) -> str:
        """Hash of `environment`."""
        ...

    def label(self, problem: Problem, candidate: Candidate) -> Label:
        """What really happens. Raises ProblemError when the problem is at fault."""
        ...


Open = Callable[["HarnessOptions"], AbstractContextManager[Labeller]]


class Fault(StrEnum):
    """Why a job came back without a label."""

    PROBLEM = "problem"
    """No candidate on this problem can be labelled."""
    CANDIDATE = "candidate"
    """This candidate cannot be labelled here, whoever tries."""
    WORKER = "worker"
    """The worker failed under it; a fresh one may do better."""
    LOST = "lost"
    """The worker is gone, and its machine perhaps with it; the job may be innocent."""
    MACHINE = "machine"
    """Nothing can be labelled until somebody mends the machine."""


@dataclass(frozen=True)
class Outcome:
    """How one job ended: with a label, or with a fault and its reason."""

    number: int
    """The number under which the job was submitted."""
    label: Label | None = None
    fault: Fault | None = None
    reason: str = ""
    kind: str = ""
    """Class name of the error behind the fault."""

    def __post_init__(self) -> None:
        if (self.label is None) == (self.fault is None):
            raise ValueError("an outcome is a label or a fault")

    def error(self) -> HarnessError:
        """The fault as an exception of the class that it was."""
        made = getattr(errors, self.kind, HarnessError)
        return made(self.reason) if issubclass(made, HarnessError) else HarnessError(self.reason)


class Backend(Protocol):
    """Where candidates are labelled. A context manager for one thread; leaving it ends its workers."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """Environment records by hash, of the workers seen so far; waits for the first of them.

        Raises HarnessError when no worker comes up.
        """
        ...

    @property
    def room(self) -> int:
        """How many more jobs it takes now."""
        ...

    def submit(self, number: int, problem: Problem, candidate: Candidate) -> None:
        """Take a job; its outcome will carry `number`."""
        ...

    def results(self, timeout_s: float) -> list[Outcome]:
        """Outcomes since the last call; waits up to `timeout_s` for one. Raises HarnessError when no worker is left."""
        ...


def attempt(labeller: Labeller, number: int, problem: Problem, candidate: Candidate) -> Outcome:
    """One job on one labeller."""
    try:
        return Outcome(number, labeller.label(problem, candidate))
    except Exception as error:
        return Outcome(number, None, fault_of(error), reason_of(error), type(error).__name__)


def fault_of(error: Exception) -> Fault:
    """Whose fault an exception of `Labeller.label` is. Of our own bugs we know only that this job met one."""
    if isinstance(error, ProblemError):
        return Fault.PROBLEM
    # A compiler that is missing or too old for one candidate need not be for the next: C++, CUDA and Triton differ.
    if isinstance(error, CandidateError | RequestError | ToolchainError):
        return Fault.CANDIDATE
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
        return Fault.MACHINE if full else Fault.WORKER
    # The plain HarnessError is a worker that died; its named children (a full disk) are the machine's.
    return Fault.MACHINE if isinstance(error, HarnessError) and type(error) is not HarnessError else Fault.WORKER


def reason_of(error: BaseException) -> str:
    """One line: our own errors speak for themselves, others are named."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}; free some space or give another place, then run the same command again"
    text = " ".join(str(error).split())
    return text if isinstance(error, HarnessError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
