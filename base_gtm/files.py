"""Files that are there whole or not at all, and what they hold as a hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

_HASHED_WHOLE = 64 << 20
_SAMPLES = 64


def write_whole(path: Path, text: str) -> None:
    """Write a text under another name beside `path`, and rename it. Makes the folder. Raises OSError."""
    write_each(path, [text])


def write_each(path: Path, texts: Iterable[str]) -> int:
    """The same of many texts, one after the other as they come; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        with draft.open("w", encoding="utf-8") as out:
            for text in texts:
                out.write(text)
                count += 1
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def files_hash(paths: Iterable[Path]) -> str:
    """First 16 hex digits of a SHA-256 over the names and contents of files, in their order.

    A file over 64 MiB counts with its size and 64 evenly spaced MiB: several GB would take 10 s.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}:".encode())
        with path.open("rb") as stream:
            if size <= _HASHED_WHOLE:
                digest.update(stream.read())
                continue
            for index in range(_SAMPLES):
                stream.seek(index * (size - (1 << 20)) // (_SAMPLES - 1))
                digest.update(stream.read(1 << 20))
    return digest.hexdigest()[:16]
