"""The first error line without what differs between two runs of one candidate.

Guarantees: folders, addresses, object ids, process, thread and user numbers, temporary names, clock times and momentary
amounts of memory are gone or replaced by a fixed word; file names, line and column numbers of the candidate's own
sources stay. A normalised line is one line of at most 500 characters, and normalising it again changes nothing.
Not guaranteed: a candidate that prints a random number prints a random number.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernelbench_harness.process.place import RunFolder

LIMIT = 500
"""Characters of a normalised line."""

_LOWEST_POINTER, _HIGHEST_POINTER = 0x5500_0000_0000, 0x7FFF_FFFF_FFFF
"""Where Linux places a process's memory on 64 bits: an integer in between is an address, or an `id()`."""

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TEMPORARY = re.compile(r"(?<=/)tmp[a-z0-9_]{8}(?![a-z0-9_])")
"""A name from Python's tempfile, as part of a path: elsewhere `tmp_values` may be a variable."""
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[\w.+@~=-]+/)+")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x..."),
    (re.compile(r"\b(pid|process|thread|tid)([ =:#-]*)\d+", re.IGNORECASE), r"\1\2N"),
    (re.compile(r"\b(uid|gid|user id)( not found)?([ =:#]*)\d+", re.IGNORECASE), r"\1\2\3N"),
    # gcc's temporary files; our own folders, where one is named by itself
    (re.compile(r"\bcc[A-Za-z0-9]{6}(\.(?:s|o|ii|res|ld)\b)"), r"cc\1"),
    (re.compile(r"\bkernelbench-(run|cost|hub|harness)-[A-Za-z0-9_]+"), r"kernelbench-\1"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]?"), ""),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "TIME"),
    # a GPU that is out of memory tells how much others use
    (re.compile(r"\b\d+(?:\.\d+)? [KMG]iB (?=is free|memory in use|is allocated|is reserved|in use|free)"), "N "),
)
_DIGITS = re.compile(r"(?<![\w.])\d{14,15}(?![\w.]*\d)")


def normalise(line: str) -> str:
    """The first line of `line`, the same for two runs of one candidate."""
    line = " ".join(_COLOUR.sub("", line).split("\n", 1)[0].split())
    line = _FOLDERS.sub("", _TEMPORARY.sub("tmp", line))
    for pattern, word in _RULES:
        line = pattern.sub(word, line)
    line = _DIGITS.sub(_pointer, line)
    return line[:LIMIT].rstrip()


def _pointer(found: re.Match[str]) -> str:
    return "0x..." if _LOWEST_POINTER <= int(found[0]) <= _HIGHEST_POINTER else found[0]


def without_folder(text: str, place: RunFolder) -> str:
    """An error text as if the run had happened in the current folder, whose temporary files have one name."""
    for folder in (place.work, place.given):
        here = re.escape(f"{folder}{os.sep}")
        text = re.sub(rf"{here}tmp[a-z0-9_]{{8}}(?![a-z0-9_])", "tmp", text).replace(f"{folder}{os.sep}", "")
    return text
