"""Many calls at once: on an engine that the domain brings, or else on threads of this process, an open tool each.

Guarantees of the threads: answers come back as they arrive; calls are taken from the stream only as workers get free;
the first failure ends the whole and is raised; leaving the loop early closes every tool. Threads, since a real tool
waits for a compiler, a device or a network; a tool that computes in Python shares one core whatever the number of
workers.
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
    open_tool: Callable[[], AbstractContextManager[RealTool]], items: Iterator[CallItem], workers: int
) -> Iterator[Answered]:
    """Ask the tool about every item, `workers` at a time. Raises what opening or asking the tool raises."""
    todo: queue.Queue[CallItem] = queue.Queue()
    done: queue.Queue[Answered | BaseException] = queue.Queue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(open_tool, todo, done, stop), name=f"real-tool-{n}", daemon=True)
        for n in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        asked = received = 0
        exhausted = False
        while not exhausted or received < asked:
            while not exhausted and asked - received < 2 * workers:  # one in hand and one waiting for each worker
                item = next(items, None)
                exhausted = item is None
                if item is not None:
                    todo.put(item)
                    asked += 1
            if received < asked:
                yield _raise_or_return(done.get())
                received += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _work(
    open_tool: Callable[[], AbstractContextManager[RealTool]],
    todo: queue.Queue[CallItem],
    done: queue.Queue[Answered | BaseException],
    stop: threading.Event,
) -> None:
    try:
        with open_tool() as tool:
            environment = tool.environment
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


def _raise_or_return(answer: Answered | BaseException) -> Answered:
    if isinstance(answer, BaseException):
        raise answer
    return answer
