"""Processor cores: which ones there are, and one for each worker.

Guarantees: two processes of one user on one machine never hold the same core through `Core.reserve` as long as there
are enough; a process that dies gives its core back at once (the lock is the kernel's).
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO


def usable_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Core:
    """A core that this process holds until `release` or its end."""

    number: int
    _lock: IO[bytes] | None

    @classmethod
    def reserve(cls) -> Core:
        """The first usable core that nobody has reserved; the first of all where every one is taken."""
        return cls.reserve_many(1)[0]

    @classmethod
    def reserve_many(cls, count: int) -> list[Core]:
        """So many different cores, fewer where there are fewer: those that nobody has reserved come first."""
        found: list[Core] = []
        taken: list[Core] = []
        for number in usable_cores():
            if len(found) == count:
                break
            lock = _lock(number)
            (found if lock else taken).append(cls(number, lock))
        return (found + taken)[:count]

    def release(self) -> None:
        """Give it back."""
        if self._lock is not None:
            self._lock.close()


def _lock(number: int) -> IO[bytes] | None:
    """The core's lock, held; None where somebody else holds it."""
    lock = (_folder() / f"core-{number}").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"kernelbench-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
