"""Who may use a device while somebody is being timed on it: nobody of ours.

Two lock files in the cache folder, one pair for each machine and device. On a processor whoever works (compiles, runs,
checks) holds the *room* shared, and whoever times holds it alone. On a GPU whoever runs holds the room alone from the
first to the last call, timed or not: two candidates at once would share its memory too, and one that takes all of it
would fail the other. Compiling uses the host's cores and none of the device, so it goes on meanwhile, and a hearing
that compiles steps `aside`. Everybody goes through the *gate* to take the room, and who waits to be alone keeps the
gate meanwhile, so that newcomers cannot starve it.

Guarantees: between `alone` and `leave` no other worker of ours on this machine (thread, process, another user's command
with the same cache folder) compiles, runs or checks anything; locks are the kernel's (flock) and end with their holder,
kill -9 included; nobody waits for the gate while holding the room, so there is no deadlock; on a GPU the same of
running. Not guaranteed: that a host which compiles on its other cores launches as quickly as an idle one; others'
programs on the same device are only told of (`conditions`). A holder that is stopped (Ctrl-Z) would stop all others;
after `PATIENCE_S` they go on, and `held` says that it was not theirs. A file system without flock gives no exclusion:
`held` is False.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S, GPU_PATIENCE_S = 300.0, 1800.0
"""Seconds to wait for a lock; the longest honest holder compiles with the real headers on a busy machine. On a GPU
each of many workers waits for all others."""
_SHORTEST_S, _LONGEST_S = 0.001, 0.01


class Quiet:
    """One worker's place in the room. For one thread; each worker has its own."""

    def __init__(self, folder: Path, exclusive: bool = True, gpu: str = "") -> None:
        """Lock files lie in `folder`; without `exclusive` nothing is ever locked. `gpu`: the UUID of the one used."""
        self._exclusive, self._gpu = exclusive, gpu
        place = f"{platform.node() or 'here'}{gpu and '-'}{gpu}"
        self._names = [folder / f"quiet-{part}-{place}.lock" for part in ("gate", "room")]
        self._gate = self._room = -1
        self.held = False
        """Whether this worker is alone now."""
        self.waited_s = 0.0
        """Seconds spent waiting in the present or last `working`."""
        self._alone_s = self._alone_since = 0.0

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Shares the room until the end of the block, on a GPU has it alone; `alone` may be called within."""
        self.waited_s = self._alone_s = 0.0
        if self._gpu:
            self.alone()
        else:
            self._enter(fcntl.LOCK_SH)
        try:
            yield
        finally:
            self.leave()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Gives up a GPU's room for the block, which uses the processor alone; on a processor changes nothing."""
        steps_aside = bool(self._gpu) and self.held
        if steps_aside:
            self.leave()
        try:
            yield
        finally:
            if steps_aside:
                self.alone()

    @property
    def alone_s(self) -> float:
        """Seconds alone in the present or last `working`: what this worker cost the others."""
        return self._alone_s + (time.monotonic() - self._alone_since if self.held else 0.0)

    def alone(self) -> bool:
        """Gives up the share and waits until nobody else is in the room; whether it is ours alone."""
        if not self.held:
            self.leave()
            self.held = self._enter(fcntl.LOCK_EX)
            self._alone_since = time.monotonic()
        return self.held

    def leave(self) -> None:
        """Gives up whatever is held."""
        self._alone_s = self.alone_s
        self.held = False
        for fd in (self._room, self._gate):
            if fd >= 0:
                os.close(fd)
        self._gate = self._room = -1

    def _enter(self, how: int) -> bool:
        if not self._exclusive:
            return False
        begin = time.monotonic()
        try:
            self._gate, self._room = (_open(name) for name in self._names)
            until = begin + (GPU_PATIENCE_S if self._gpu else PATIENCE_S)
            entered = _take(self._gate, fcntl.LOCK_EX, until) and _take(self._room, how, until)
        except OSError:
            entered = False
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1
        self.waited_s += time.monotonic() - begin
        return entered


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _take(fd: int, how: int, until: float) -> bool:
    """Waits for a lock until the time `until`. Raises OSError where the file system has none."""
    pause = _SHORTEST_S
    while True:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise
        if time.monotonic() > until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_S)
