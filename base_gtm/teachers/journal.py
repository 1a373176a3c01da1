"""Paid answers on disk: JSON lines, each a record under the key of its question.

Guarantees: a record is on disk when `put` returns; a last line that a kill tore is cut off when the file is opened, and
nothing else is; a write that fails leaves no part of a line behind; one journal is held by one process at a time. Does
not keep records in memory: `get` reads the file. Does not guarantee the lock where a network file system ignores flock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError

_HEAD = b'{"key": "'
"""How every line begins: what begins otherwise is another file, and not ours to cut."""


class Journal:
    """Records by key, in a file that only grows. From any thread; a key that is put again has the later record."""

    def __init__(self, path: Path) -> None:
        """Raises DataError: held by another process, unreadable, or no journal."""
        self.path = path
        self._lock = threading.Lock()
        self._places: dict[str, tuple[int, int]] = {}
        """Key -> start and length of its line, in bytes."""
        self._end = 0
        with self._disk("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            with self._disk("opened"):
                self._claim()
                self._load()
                _sync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def get(self, key: str) -> dict[str, Any] | None:
        """The record of a key; None where there is none."""
        place = self._places.get(key)
        return None if place is None else self._read(place)

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep a record. Raises DataError where the disk refuses: the record is not kept, all others are."""
        line = json.dumps({"key": key, "record": dict(record)}, allow_nan=False).encode() + b"\n"
        with self._lock, self._disk("written"):
            try:
                if os.write(self._fd, line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._fd)
                self._keep(key, len(line))
            except BaseException:
                os.ftruncate(self._fd, self._end)
                raise

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record that `get` would give, the earliest key first."""
        for place in list(self._places.values()):
            yield self._read(place)

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Let another process have the file."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1  # the number may soon be another file's

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _claim(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{self.path}: held by another run; wait until that ends, or give another file") from None

    def _load(self) -> None:
        """Find every record; mend the last line."""
        with open(self._fd, "rb", closefd=False) as file:
            for number, line in enumerate(file, 1):
                key = _key(line)
                whole = line.endswith(b"\n")
                if key is None and not whole and _HEAD.startswith(line.rstrip(b"\0")[: len(_HEAD)]):
                    os.ftruncate(self._fd, self._end)
                    return
                if key is None:
                    raise DataError(f"{self.path}:{number}: no record of a journal; give another file or mend this one")
                if not whole:
                    os.write(self._fd, b"\n")
                self._keep(key, len(line) + (not whole))

    def _keep(self, key: str, length: int) -> None:
        self._places[key] = (self._end, length)
        self._end += length

    def _read(self, place: tuple[int, int]) -> dict[str, Any]:
        start, length = place
        with self._disk("read"):
            record: dict[str, Any] = json.loads(os.pread(self._fd, length, start))["record"]
        return record

    @contextmanager
    def _disk(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.path}: cannot be {done} ({error.strerror})") from None


def _key(line: bytes) -> str | None:
    """The key of a whole record; None for any other line."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(entry, dict) and isinstance(entry.get("key"), str) and isinstance(entry.get("record"), dict)
    return str(entry["key"]) if whole else None


def _sync_folder(folder: Path) -> None:
    """Have a new file's name on disk too, not its bytes alone."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
