"""Times of one callable on a GPU by CUDA events, the same way for a reference and for a candidate.

What a sample is: the L2 cache is overwritten, an event is recorded, one call is made, an event is recorded; the sample
is the time between them on the device. The host does not wait in between, so it prepares the launches while the cache
is being overwritten (30 to 100 us), and a short kernel's time is its own and not Python's. Then the whole device is
waited for and a third event recorded: work that a call leaves on another stream makes that wait longer than one for an
idle device, and then the time to the third event is what counts, for all calls. Each call has inputs of its own, made
beforehand, and the last ones stay alive, so that addresses change too.

Guarantees: sampling ends as on a processor (`measure.py`); every sample is kept; before each call the L2 cache holds
neither inputs nor weights, and no line of it is kept by a kernel's wish; work on other streams is in a call's time,
but for the `_UNSEEN_MS` that two waits differ by. Not guaranteed: code in the same process can
reach this module's variables; the parent holds the claims against its own clock, less the host's lead (`window.py`).
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kernelbench_harness.process import cuda
from kernelbench_harness.timing.measure import Measured, Protocol, claims, enough, quartiles, usage

FLUSH_TIMES = 2
"""The buffer that is written before each call, in sizes of the L2 cache."""
_WARM_S, _MOST_WARM_UPS = 0.05, 200
"""An idle GPU needs some tens of milliseconds of work to reach its clock."""
_RING, _RING_BYTES = 3, 8 << 30
"""Sets of inputs that stay alive, as long as they are no larger together than that: torch's allocator would give the
same block to each call."""
_LATE_MS, _UNSEEN_MS = 0.05, 0.003
"""A wait beyond that for an idle device (5 to 20 us) which shows that one call left work behind, and the same of the
median of many calls, where chance is out of the question."""
_IDLE_WAITS = 21
_RESOLUTION_MS = 0.0005
"""Of events: a call that starts nothing may take no time at all by them."""
_clock = time.perf_counter

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Lap:
    """One call. Milliseconds."""

    stream: float
    """Until the stream that the call was made on had done its work."""
    device: float
    """Until the device had, and the host had heard of it."""
    wait: float
    """What the host waited for the device after the stream was done."""


class Stopwatch:
    """Times single calls. Make one for each measurement: it holds the buffer."""

    def __init__(self) -> None:
        import torch

        size = FLUSH_TIMES * cuda.l2_bytes()
        self._buffer = torch.empty(size // 4, dtype=torch.int32, device="cuda")
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(3)]
        self._value = 0

    def idle_wait(self) -> float:
        """Milliseconds of a wait for a device that has nothing to do; the median of some."""
        waits = []
        for _ in range(_IDLE_WAITS):
            self._events[1].record()
            self._events[1].synchronize()
            waits.append(_waited())
        return sorted(waits)[_IDLE_WAITS // 2]

    def time(self, call: Callable[[T], R], inputs: T) -> tuple[Lap, R]:
        """One call and what it returned. Raises what the call raises, on the device or not."""
        begin, end, last = self._events
        self._value = (self._value + 1) & 0xFF
        cuda.settle()
        cuda.reset_persisting()
        self._buffer.fill_(self._value)
        begin.record()
        result = call(inputs)
        end.record()
        end.synchronize()
        wait = _waited()
        last.record()
        last.synchronize()
        cuda.settle()
        stream, whole = (max(begin.elapsed_time(one), _RESOLUTION_MS) for one in (end, last))
        return Lap(stream, whole, wait), result


def _waited() -> float:
    begin = _clock()
    cuda.wait()
    return (_clock() - begin) * 1000.0


def counted(laps: Sequence[Lap], idle: float) -> tuple[list[float], int]:
    """(the sample of each call, how many calls left work behind); `idle` is the wait for an idle device, in ms."""
    late = [lap.wait - idle > _LATE_MS for lap in laps]
    if laps and quartiles([lap.wait for lap in laps])[1] - idle > _UNSEEN_MS:
        late = [True] * len(laps)
    return [lap.device if after else lap.stream for lap, after in zip(laps, late, strict=True)], sum(late)


def measure(
    call: Callable[[T], R],
    fresh: Callable[[int], T],
    keep: int = 1,
    protocol: Protocol | None = None,
    input_bytes: int = 0,
) -> Measured[R]:
    """Times `call(fresh(i))` for i = 0, 1, ...: warm-up first, then until the median is known.

    As `measure.measure`, with one call a sample. Raises what a call raises, LaunchError among it.
    """
    protocol = protocol or Protocol()
    watch = Stopwatch()
    ring: deque[T] = deque(maxlen=_RING if _RING * input_bytes <= _RING_BYTES else 1)
    warm_ups = _warm_up(watch, call, fresh, ring, protocol)
    idle = watch.idle_wait()
    laps: list[Lap] = []
    samples: list[float] = []
    kept: dict[int, R] = {}
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        before, begin = usage(), _clock()
        while not enough(samples, _clock() - begin, protocol):
            inputs = fresh(len(laps))
            ring.append(inputs)
            kept.pop(len(laps) - keep, None)
            lap, kept[len(laps)] = watch.time(call, inputs)
            laps.append(lap)
            samples.append(lap.stream)
        told = claims(before, _clock() - begin)
    finally:
        if was_collecting:
            gc.enable()
    samples, late = counted(laps, idle)
    return Measured(samples, kept, 1, warm_ups, told | {"side_stream_calls": late})


def _warm_up(
    watch: Stopwatch, call: Callable[[T], R], fresh: Callable[[int], T], ring: deque[T], protocol: Protocol
) -> int:
    """Untimed calls, as many outputs and inputs alive as later; their number."""
    begin, count = _clock(), 0
    results: deque[R] = deque(maxlen=ring.maxlen)
    while True:
        inputs = fresh(count)
        ring.append(inputs)
        results.append(watch.time(call, inputs)[1])
        count += 1
        spent = _clock() - begin
        if spent > protocol.budget_s or (count >= protocol.warm_ups and (spent > _WARM_S or count >= _MOST_WARM_UPS)):
            return count
