"""The real tool, kept open: one engine for the life of a gate, fed from a queue.

Guarantees: workers stay warm between batches; answers are handed out as they come, whatever else is under way; what
ends the engine is raised for everybody who waits, and for everybody after. Closing drops the calls that wait, and
returns when the workers have ended what they have in hand.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from adapt.domain import Answered, CallItem, Domain, Unanswered
from adapt.errors import AdaptError
from adapt.workers import LOCAL, engine
from base_gtm.schema import ToolCall

CLOSED = "the gate was closed while a call waited for the real tool"


class Feed:
    """The calls that wait: a stream that an engine takes from, and that lives as long as a gate."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[CallItem] = deque()
        self._under_way = 0
        self._closed = False
        self.asked_for = threading.Event()
        """Set as soon as an engine takes from the stream, and so has its tool open."""

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> CallItem | None:
        """A call; None where none waits but others are under way. Waits while there is neither."""
        with self._changed:
            self.asked_for.set()
            while not self._closed and not self._waiting and not self._under_way:
                self._changed.wait()
            if self._closed:
                raise StopIteration
            if not self._waiting:
                return None
            self._under_way += 1
            return self._waiting.popleft()

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, items: Sequence[CallItem]) -> None:
        """Add calls, all at once."""
        with self._changed:
            self._waiting += items
            self._changed.notify_all()

    def ended(self) -> None:
        """One that was taken has come to its end."""
        with self._changed:
            self._under_way -= 1

    def close(self) -> None:
        """End the stream, whatever waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class RealSide:
    """The domain's real tool on its local engine, in a thread. From any thread."""

    def __init__(self, domain: Domain, workers: int | None) -> None:
        self._domain = domain
        # Threads of ours know no measure of their own; an engine knows its cores and devices.
        self._workers = workers or (None if LOCAL in domain.engines else len(os.sched_getaffinity(0)))
        self._feed = Feed()
        self._lock = threading.Lock()
        self._tickets: dict[str, Future[Answered | Unanswered]] = {}
        self._numbers = 0
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="real-tool-engine", daemon=True)

    def open(self) -> RealSide:
        """Start, and wait until the tool is open. Raises AdaptError with the reason where it cannot be opened."""
        self._thread.start()
        try:
            self._feed.asked_for.wait()
        except BaseException:
            self._feed.close()
            raise
        if self._error is not None:
            raise self._error
        return self

    def ask(self, calls: Sequence[ToolCall]) -> list[Future[Answered | Unanswered]]:
        """Ask about all of them; each future gets what came of its call, or raises what ended the engine."""
        with self._lock:
            if self._ended.is_set():
                raise self._error or AdaptError(CLOSED)
            items, futures = [], []
            for call in calls:
                self._numbers += 1
                items.append(CallItem(call, "train", "asked", "", str(self._numbers)))
                futures.append(self._tickets.setdefault(items[-1].twin, Future()))
            self._feed.put(items)
        return futures

    def close(self) -> None:
        """See the module."""
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            answers = engine(self._domain, LOCAL)(self._feed, self._workers)
            try:
                for answer in answers:
                    self._feed.ended()
                    self._hand_out(answer)
                    if self._feed.closed:
                        break
            finally:
                if (close := getattr(answers, "close", None)) is not None:
                    close()
        except BaseException as raised:  # it belongs to those who wait, not to this thread
            error = raised
        self._end(error)

    def _hand_out(self, answer: Answered | Unanswered) -> None:
        with self._lock:
            future = self._tickets.pop(answer.item.twin)
        future.set_result(answer)

    def _end(self, error: BaseException | None) -> None:
        """Nobody is to wait for what will not come."""
        if error is None and not self._feed.closed:
            error = AdaptError(f"{self._domain.name}: the real tool's engine ended before the calls did")
        with self._lock:
            self._error = error
            self._ended.set()
            left = list(self._tickets.values())
            self._tickets.clear()
        self._feed.asked_for.set()
        for future in left:
            future.set_exception(error or AdaptError(CLOSED))
