"""One timing, heard from outside: alone on the machine, with the parent's own clock held against what is claimed.

Guarantees: samples that add up to more than the time that passed are refused; where they explain less than half of it,
a block of prepared calls is timed by the parent's clock, from its word to start until the word that they are done, and
claims below a third of what that took are evidence of cheating. The best of several blocks counts, so that a busy
machine condemns nobody. Not guaranteed: claims that are too low by less than a factor of three, on a GPU by less than
0.3 ms besides.
"""

from __future__ import annotations

import math
import time
from typing import Any

from kernelbench_harness.timing.conditions import Watch, plain_claims
from kernelbench_harness.timing.measure import MOST_INNER, clock_resolution_ns, quartiles, standard_error, valid_samples
from kernelbench_harness.timing.quiet import Quiet

_EXPLAINED = 0.5
"""Share of the time that passed which samples explain where no block is asked for."""
_FACTOR = 3.0
_SLACK_MS = 1.0
"""Two messages and two changes of process: 0.1 ms here, a millisecond where others run."""
_BLOCK_MS, _MOST_CALLS = 1.0, 64
"""A block is shorter than a scheduler's slice, so that on a busy core some block runs undisturbed. Blocks of 3 ms and a
factor of 2 condemned an honest softmax at a load of 4 on 2 cores."""
_LEAD_MS = 0.3
"""Of each call on a GPU: what the host does while the cache is being overwritten (`timing.events`) takes part in the
time of a call as the parent sees it, and not in the time that events tell. Writing twice the L2 cache takes 30 us on
large GPUs and 0.3 ms on those with a large cache and slow memory."""
_BLOCKS = 40
"""Before a claim is called false; an honest one nearly always passes the first. At a load of 12 on 2 cores 12 of them
did not suffice once: 5.5 ms at least for calls of 1.4 ms."""


class Window:
    """The parent's side of one timing, of a candidate or of a reference."""

    def __init__(self, quiet: Quiet, core: int | None, gpu: str = "") -> None:
        """`gpu`: the UUID of the one that is timed; empty for a processor."""
        self._quiet, self._core, self._gpu = quiet, core, gpu
        self._lead_ms = _LEAD_MS if gpu else 0.0
        self._calls = self._blocks = 0
        self._best_ms = math.inf
        self._settled = False
        self._block_began = 0.0
        self._conditions: dict[str, Any] = {}
        self.samples: list[float] = []
        self.inner = 1
        self.warm_ups = 0
        self.claims: dict[str, float] = {}
        self.alone = False
        self.waited_s = 0.0
        self.error = ""
        """Why the claims cannot be what was measured."""
        self.evidence = ""
        """What shows that the claims are false."""

    def open(self) -> None:
        """Waits until the machine is ours alone."""
        begin = time.monotonic()
        self.alone = self._quiet.alone()
        self.waited_s = time.monotonic() - begin
        self._watch = Watch(self._core, self._gpu)
        self._began = time.monotonic()

    def take(self, message: dict[str, Any]) -> int:
        """The claims. Returns how many calls the process is to make once more under our clock; 0 for none."""
        passed = (time.monotonic() - self._began) * 1000.0
        self._conditions = self._watch.end()
        samples, inner, warm_ups = message.get("samples"), message.get("inner"), message.get("warm_ups")
        numbers = all(type(value) is int for value in (inner, warm_ups))
        if not valid_samples(samples) or not numbers or not 1 <= inner <= MOST_INNER or warm_ups < 0:  # type: ignore[operator]
            self.error = "the reported times are not numbers of milliseconds"
            return 0
        assert isinstance(samples, list) and isinstance(inner, int) and isinstance(warm_ups, int)
        claimed = sum(samples) * inner
        if claimed > passed:
            self.error = "the reported times add up to more than the time that passed"
            return 0
        self.samples, self.inner, self.warm_ups = samples, inner, warm_ups
        self.claims = plain_claims(message.get("claims"))
        if claimed >= _EXPLAINED * passed:
            return 0
        # No more calls than a quarter of a second holds by what was seen from here.
        room = 250.0 * len(samples) * inner / passed
        self._calls = max(1, min(_MOST_CALLS, math.ceil(_BLOCK_MS / quartiles(samples)[1]), int(room)))
        return self._calls

    def start_block(self) -> None:
        """The process is ready: our clock runs from here."""
        self._block_began = time.monotonic()

    def end_block(self) -> int:
        """The process says that the calls are done. Returns the calls of the next block; 0 when we have seen enough."""
        if not self.pending or not self._block_began:
            self.error = "the process reported calls that nobody asked for"
            return 0
        self._best_ms = min(self._best_ms, (time.monotonic() - self._block_began) * 1000.0)
        self._block_began = 0.0
        self._blocks += 1
        claimed = self._calls * quartiles(self.samples)[2]
        if self._best_ms <= _FACTOR * claimed + _SLACK_MS + self._calls * self._lead_ms:
            self._settled = True
            return 0
        if self._blocks < _BLOCKS:
            return self._calls
        self.evidence = (
            f"host clock: {self._calls} calls took {self._best_ms:.3f} ms at least, "
            f"and {claimed:.3f} ms were claimed for them"
        )
        return 0

    @property
    def pending(self) -> bool:
        """Whether the claims are still to be held against a block of calls."""
        return self._calls > 0 and not self._settled

    def account(self) -> dict[str, Any]:
        """How it was timed, for a label's conditions."""
        found: dict[str, Any] = {
            "alone": self.alone,
            "calls_per_sample": self.inner,
            "warm_ups": self.warm_ups,
            "clock_ns": clock_resolution_ns(),
            **self._conditions,
        }
        if self.samples:
            found["standard_error"] = round(standard_error(self.samples), 5)
        if self._calls:
            found["host_clock_ms"] = round(self._best_ms / self._calls, 6)
        return found | ({"process": self.claims} if self.claims else {})
