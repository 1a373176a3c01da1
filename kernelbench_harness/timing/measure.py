"""Wall-clock times of one callable, the same way for a reference and for a candidate.

What a sample is: the clock is read, `inner` calls are made, the clock is read again; the sample is the difference over
`inner`. A call of a few microseconds is made many times between two readings, so that the clock's own cost (about 0.1
us for two readings) stays near a thousandth of a sample. Each call has inputs of its own, made beforehand.

State of the caches: before each sample a buffer twice as large as the core's private caches is written, so inputs,
weights and outputs lie in the shared last-level cache or in memory, not in the core's own; within a sample, weights and
code are warm from its second call on. The last-level cache is not emptied: on a shared machine its contents are not
ours anyway, and writing 64 MB cost 6 to 14 ms a sample where the private caches cost 0.1.

Guarantees: sampling ends when the median's standard error is within the target, when the time budget is spent, or at
the largest number of samples; every sample is kept; the clock is the one that stood here when this module was imported.
Not guaranteed: code in the same process can reach this module's variables. The parent holds the claims against its own
clock (`window.py`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import math
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from kernelbench_harness.label import Timing

MOST = 400
"""Samples that any label may hold."""
MOST_INNER = 32
INPUT_BYTES = 32 << 20
"""Of inputs prepared for one sample."""
_SAMPLE_S = 100e-6
"""Shortest sample aimed at: two readings of the clock are 0.1 % of it."""
_SURE = 20
"""Samples below which a standard error is not believed."""
_NEAR = 3
"""Times the target that is good enough once the budget is spent."""
_WARM_S, _MOST_WARM_UPS = 0.01, 50
_NAP_S = 200e-6
_FEW_FAULTS = 64
"""Page faults of a call, its inputs included, below which memory no longer grows: a megabyte has 256."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_BLOCK, _MOST_SETTLED = 1 << 20, 256 << 20
_CHUNK = 1 << 18
"""Bytes written at a time: beyond some megabytes memset goes past the caches."""

_clock = time.perf_counter
_write = ctypes.memset
_sleep = time.sleep

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Protocol:
    """How long, how often and in what state of the caches something is timed."""

    target: float = 0.01
    """Standard error of the median, as a share of it, at which sampling ends."""
    fewest: int = 5
    """Samples at least, unless they take longer than `slow_s` together; then three."""
    most: int = 200
    budget_s: float = 0.15
    """Seconds, preparations included, after which thrice the target is good enough; after twice as many, anything."""
    least_s: float = 0.05
    """Seconds over which samples are spread at least: a disturbance of a few milliseconds must not be the median."""
    slow_s: float = 2.0
    warm_ups: int = 5
    """Untimed calls at least: until the outputs that are kept have all had their memory once."""
    evict_bytes: int = 0
    """Size of the buffer that is written before each sample."""

    def to_json(self) -> dict[str, Any]:
        """The protocol as a job's message has it; `Protocol(**raw)` is the inverse."""
        return asdict(self)


@dataclass(frozen=True)
class Measured(Generic[R]):
    """What a process says of its own times."""

    samples: list[float]
    """Milliseconds a call, one value for each sample."""
    kept: dict[int, R]
    """What the last timed calls returned, by number of the call."""
    inner: int
    """Calls in each sample."""
    warm_ups: int
    claims: Mapping[str, float]
    """What the process used while sampling: wall and processor milliseconds, context switches, page faults."""


def settle_memory(input_bytes: int) -> None:
    """Makes the C library keep freed memory, and gives it some that was used before: no page faults in timed calls.

    Blocks up to 32 MB, the most that glibc allows, then come from memory that has been written to. Left to itself glibc
    decides by what was freed earlier, so that two processes differ: a 16 MB element-wise kernel had 1,000 page faults a
    call in one and 2,800 in the other, and took a fifth longer there. Does nothing on another C library.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        library.mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        library.malloc.restype = ctypes.c_void_p
        library.free.argtypes = [ctypes.c_void_p]
        blocks = [library.malloc(_BLOCK) for _ in range(min(16 * input_bytes, _MOST_SETTLED) // _BLOCK)]
        for block in filter(None, blocks):
            _write(block, 1, _BLOCK)
        for block in filter(None, blocks):
            library.free(block)


class _Evictor:
    """Writes a buffer that the private caches cannot hold."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffer = ctypes.create_string_buffer(size) if size else None
        self._address = ctypes.addressof(self._buffer) if self._buffer is not None else 0
        self._value = 0

    def __call__(self) -> None:
        self._value = (self._value + 1) & 255
        for offset in range(0, self._size, _CHUNK):
            _write(self._address + offset, self._value, min(_CHUNK, self._size - offset))


def measure(
    call: Callable[[T], R],
    fresh: Callable[[int], T],
    keep: int = 1,
    protocol: Protocol | None = None,
    input_bytes: int = 0,
) -> Measured[R]:
    """Times `call(fresh(i))` for i = 0, 1, ...: warm-up first, then until the median is known.

    `fresh(i)` makes the inputs of call i, `input_bytes` large, and is not timed. What the last `keep` timed calls
    returned is kept: how many calls there will be nobody knows beforehand. Exceptions of `call` pass through.
    """
    protocol = protocol or Protocol()
    clock = _clock
    evict = _Evictor(protocol.evict_bytes)
    evict()
    warm_ups, quickest = _warm_up(call, fresh, keep, protocol, clock)
    inner = _inner(quickest, input_bytes)
    samples: list[float] = []
    kept: dict[int, R] = {}
    results: list[Any] = [None] * inner
    rounds = range(inner)
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        before = usage()
        switches = before.ru_nivcsw
        begin = clock()
        while not enough(samples, clock() - begin, protocol):
            first = len(samples) * inner
            results[:] = [None] * inner
            batch = [fresh(first + place) for place in rounds]
            evict()
            switches = _nap_if_disturbed(switches)
            start = clock()
            for place in rounds:
                results[place] = call(batch[place])
            samples.append((clock() - start) * 1000.0 / inner)
            kept |= {first + place: results[place] for place in rounds[-keep:]}
            while len(kept) > keep:
                del kept[next(iter(kept))]
        wall = clock() - begin
        told = claims(before, wall)
    finally:
        if was_collecting:
            gc.enable()
    return Measured(samples, kept, inner, warm_ups, told)


def _warm_up(
    call: Callable[[T], R], fresh: Callable[[int], T], keep: int, protocol: Protocol, clock: Callable[[], float]
) -> tuple[int, float]:
    """(calls made, seconds of the quickest). A hundredth of a second: lazy set-up and slow clocks are over by then."""
    begin = clock()
    count, quickest = 0, math.inf
    kept: list[R] = []
    while True:
        faults = usage().ru_minflt
        inputs = fresh(count)
        start = clock()
        result = call(inputs)
        now = clock()
        settled = usage().ru_minflt - faults < _FEW_FAULTS
        kept = [*kept, result][-keep:]  # as many outputs alive as later
        count, quickest = count + 1, min(quickest, now - start)
        spent = now - begin
        enough = count >= protocol.warm_ups and (count >= _MOST_WARM_UPS or (spent > _WARM_S and settled))
        if enough or spent > protocol.budget_s:
            return count, quickest


def _nap_if_disturbed(switches: int) -> int:
    """Sleeps a moment when others have taken the core since there were `switches`; returns how many there are now.

    Who wakes up has a whole slice of the scheduler's before it; one used up by preparing inputs would end within the
    sample. On a quiet core this does nothing.
    """
    now = usage().ru_nivcsw
    if now != switches:
        _sleep(_NAP_S)
        now = usage().ru_nivcsw
    return now


def _inner(quickest: float, input_bytes: int) -> int:
    """Calls for each sample: a power of two, so that two runs of one thing seldom differ in it."""
    wanted = min(math.ceil(_SAMPLE_S / max(quickest, 1e-7)), MOST_INNER)
    inner = 1 << max(0, wanted - 1).bit_length()
    while inner > 1 and inner * input_bytes > INPUT_BYTES:
        inner //= 2
    return inner


def enough(samples: Sequence[float], spent: float, protocol: Protocol) -> bool:
    """Whether sampling ends, `spent` seconds after it began."""
    count = len(samples)
    if count < protocol.fewest:
        return count >= 3 and spent > protocol.slow_s
    if count >= protocol.most or spent > 2 * protocol.budget_s:
        return True
    if spent > protocol.budget_s:
        return standard_error(samples) <= _NEAR * protocol.target
    # Sorting is quick beside a sample, but not for nothing: look at every fifth.
    return (
        count % 5 == 0 and count >= _SURE and spent >= protocol.least_s and standard_error(samples) <= protocol.target
    )


def usage() -> resource.struct_rusage:
    """What this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF)


def claims(before: resource.struct_rusage, wall: float) -> dict[str, float]:
    """What this process used in `wall` seconds, since `before`."""
    after = usage()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_ms": round(wall * 1000, 3),
        "cpu_ms": round(cpu * 1000, 3),
        "involuntary_switches": after.ru_nivcsw - before.ru_nivcsw,
        "voluntary_switches": after.ru_nvcsw - before.ru_nvcsw,
        "page_faults": after.ru_minflt - before.ru_minflt,
    }


def clock_resolution_ns() -> float:
    """Nanoseconds between two readings of the clock that follow each other at once: what a sample is uncertain by."""
    clock = _clock
    readings = [clock() for _ in range(200)]
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(readings))
    return round(steps[len(steps) // 2] * 1e9, 1)


def standard_error(samples: Sequence[float]) -> float:
    """Standard error of the median as a share of it, from the quartiles, so that one late sample does not count."""
    low, middle, high = quartiles(samples)
    if middle <= 0:
        return math.inf
    # For normal samples sigma is IQR / 1.349 and the median's standard error 1.2533 sigma / sqrt(n).
    return 1.2533 * (high - low) / 1.349 / math.sqrt(len(samples)) / middle


def quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile, linear between neighbours."""
    ordered = sorted(samples)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return at(0.25), at(0.5), at(0.75)


def valid_samples(samples: object) -> bool:
    """Whether these can be the times of a run: a few positive finite numbers."""
    return (
        isinstance(samples, list)
        and 3 <= len(samples) <= MOST
        and all(type(value) is float and 0 < value < math.inf for value in samples)
    )


def summarise(samples: Sequence[float]) -> Timing:
    """The label's record of samples in milliseconds."""
    low, middle, high = quartiles(samples)
    return Timing(tuple(samples), middle, high - low)
