"""A domain's cheap exact checks, several at once, each on a check that stays open.

Guarantees: no more are opened than are in use at once; closing closes them all. A check that fails decides nothing: the
real tool is asked, and says what is wrong where something is.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from adapt.domain import Check, Exact
from adapt.errors import AdaptError
from base_gtm.schema import ToolCall, ToolResult


@dataclass(frozen=True)
class Checked:
    """What came of one check."""

    result: ToolResult | None
    """The real tool's result; None where the check does not decide the call."""
    seconds: float
    """Wall time of the check alone."""
    failed: bool = False
    """Whether it could not be carried out, so that not even the values that it finds out are ruled out."""


class Checks:
    """Threads, a check each. From any thread."""

    def __init__(self, exact: Exact, workers: int) -> None:
        self._exact = exact
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="exact-check")
        self._idle: queue.LifoQueue[Check] = queue.LifoQueue()  # the last one used again: few are ever open
        self._open, self._lock = contextlib.ExitStack(), threading.Lock()

    def ask(self, call: ToolCall) -> Future[Checked]:
        """Check one call."""
        return self._threads.submit(self._check, call)

    def close(self) -> None:
        """End what is under way at its end and drop the rest."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._open.close()

    def _check(self, call: ToolCall) -> Checked:
        try:
            check = self._taken()
        except AdaptError:
            return Checked(None, 0.0, failed=True)
        begun = time.perf_counter()
        try:
            return Checked(check(call), time.perf_counter() - begun)
        except AdaptError:
            return Checked(None, time.perf_counter() - begun, failed=True)
        finally:
            self._idle.put(check)

    def _taken(self) -> Check:
        """An idle check, or a fresh one."""
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        opening = self._exact.open()
        check = opening.__enter__()
        with self._lock:
            self._open.push(opening)
        return check
