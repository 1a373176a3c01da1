"""What the real tool said: in this run, and by a replay in an earlier one.

Guarantees: a call that was asked, or that the replay knows, is not asked again, not even while its answer is awaited;
a new answer is in a replay that can be written to before anybody gets it. With `deduplicate` off every repetition of a
call is asked, and has a place of its own in the replay, so that a replayed run is exact either way.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from adapt.domain import Answered, Unanswered
from adapt.gate.real import RealSide
from base_gtm.schema import ToolCall, ToolResult


@dataclass(frozen=True)
class Said:
    """What the real tool said of one call."""

    result: ToolResult
    seconds: float
    """Wall time of the call alone."""
    failure: str = ""
    """Why the tool itself failed under the call; the result then says so."""


class Memory:
    """What the real tool said in this run and, by a replay, in an earlier one. From any thread."""

    def __init__(self, replay: Mapping[str, ToolResult] | None, deduplicate: bool) -> None:
        self._replay: Mapping[str, ToolResult] = {} if replay is None else replay
        self._deduplicate = deduplicate
        self._lock = threading.RLock()
        self._known: dict[str, Future[Said]] = {}
        self._times: Counter[str] = Counter()

    def ask(self, side: RealSide, calls: Sequence[ToolCall]) -> list[tuple[Future[Said], str]]:
        """What is or will be known of each call, and from where: "" for one that is asked now."""
        found: list[tuple[Future[Said], str]] = []
        new: list[tuple[str, ToolCall, Future[Said]]] = []
        with self._lock:
            for call in calls:
                slot = self._slot(call)
                known = self._known.get(slot)
                if known is not None:
                    found.append((known, "asked before"))
                    continue
                future: Future[Said] = Future()
                if self._deduplicate:
                    self._known[slot] = future
                if slot in self._replay:
                    future.set_result(Said(self._replay[slot], 0.0))
                    found.append((future, "replayed"))
                else:
                    new.append((slot, call, future))
                    found.append((future, ""))
            self._send(side, new)
        return found

    def _slot(self, call: ToolCall) -> str:
        """The call's key; where calls are asked again and again, the n-th time has a place of its own in a replay."""
        if self._deduplicate:
            return call.key
        times = self._times[call.key]
        self._times[call.key] += 1
        return f"{call.key}#{times}" if times else call.key

    def _send(self, side: RealSide, new: Sequence[tuple[str, ToolCall, Future[Said]]]) -> None:
        if not new:
            return
        try:
            asked = side.ask([call for _, call, _ in new])
        except BaseException:
            for slot, _, _ in new:
                self._known.pop(slot, None)
            raise
        for (slot, _, future), answer in zip(new, asked, strict=True):
            answer.add_done_callback(partial(self._keep, slot, future))

    def _keep(self, slot: str, future: Future[Said], done: Future[Answered | Unanswered]) -> None:
        """Write down what came; in the engine's thread."""
        try:
            said = _said(done.result())
            if isinstance(self._replay, MutableMapping):
                with self._lock:
                    self._replay[slot] = said.result
        except BaseException as error:  # the engine's end, or a replay that cannot be written
            future.set_exception(error)
        else:
            future.set_result(said)


def _said(answer: Answered | Unanswered) -> Said:
    if isinstance(answer, Answered):
        return Said(answer.result, answer.seconds)
    text = f"Error: the tool failed under this call: {answer.reason}"
    return Said(ToolResult(is_error=True, text=text), 0.0, answer.reason)
