"""Many calls at once: on an engine that the domain brings, or else on threads of this process, an open tool each.

Guarantees of the threads: answers come back as they arrive; calls are taken from the stream only once a tool is open,
and only as workers get free; a stream that gives None (no call is due just now) keeps no answer waiting; the first
failure ends the whole and is raised; leaving the loop early closes every tool. Threads, since a real tool waits for a
compiler, a device or a network; a tool that computes in Python shares one core whatever the number of workers.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from adapt.domain import Answered, CallItem, Domain, Engine, RealTool
from adapt.errors import AdaptError

LOCAL = "local"
_POLL_S = 0.2
_ASK_AGAIN_S = 0.01
"""How late a call may be noticed that comes while others are under way."""
_Told = Answered | BaseException | None
"""What a thread says: an answer, why it ended, or that its tool is open."""


def engine(domain: Domain, name: str) -> Engine:
    """The domain's engine of that name; threads for "local" where it has none. Raises AdaptError for another name."""
    if name in domain.engines:
        return domain.engines[name]
    if name == LOCAL:
        return lambda items, workers: answers(domain.open_real_tool, items, workers or 1)
    there = ", ".join(sorted({LOCAL, *domain.engines}))
    raise AdaptError(
        f"--engine {name}: {domain.name} is asked on {there}; a domain names its engines in DOMAIN.engines"
    )


def answers(
    open_tool: Callable[[], AbstractContextManager[RealTool]], items: Iterator[CallItem | None], workers: int
) -> Iterator[Answered]:
    """Ask the tool about every item, `workers` at a time. Raises what opening or asking the tool raises."""
    todo: queue.Queue[CallItem] = queue.Queue()
    done: queue.Queue[_Told] = queue.Queue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(open_tool, todo, done, stop), name=f"real-tool-{n}", daemon=True)
        for n in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        _raise_or_return(done.get())  # the first tool is open
        under_way, more = 0, True
        while more or under_way:
            due = more
            while due and under_way < 2 * workers:  # one in hand and one waiting for each worker
                item, more = _next(items)
                due = item is not None
                if item is not None:
                    todo.put(item)
                    under_way += 1
            if not more and not under_way:
                return
            try:
                told = _raise_or_return(done.get(timeout=_ASK_AGAIN_S if more and not due else None))
            except queue.Empty:
                continue
            if told is not None:
                under_way -= 1
                yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _next(items: Iterator[CallItem | None]) -> tuple[CallItem | None, bool]:
    """The next item, if one is due, and whether there may be more."""
    try:
        return next(items), True
    except StopIteration:
        return None, False


def _work(
    open_tool: Callable[[], AbstractContextManager[RealTool]],
    todo: queue.Queue[CallItem],
    done: queue.Queue[_Told],
    stop: threading.Event,
) -> None:
    try:
        with open_tool() as tool:
            environment = tool.environment
            done.put(None)
            while not stop.is_set():
                try:
                    item = todo.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                begun = time.perf_counter()
                result = tool.call(item.call)
                done.put(Answered(item, result, time.perf_counter() - begun, environment))
    except BaseException as error:  # it belongs to the thread that asked, not to this one
        done.put(error)


def _raise_or_return(told: _Told) -> Answered | None:
    if isinstance(told, BaseException):
        raise told
    return told
