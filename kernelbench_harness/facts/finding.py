"""One finding: what was noticed, where, and how telling it is.

A finding is a statement about the source, not a verdict. `kind` is a key of the vector; `detail` is a few words.
"""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is not ordinary."""

    kind: str
    """Key among `KINDS`."""
    detail: str
    """A few words: the name, the numbers."""
    line: int = 0
    """Line in the source it was found in, 1-based; 0 where there is none."""


KINDS: dict[str, int] = {
    "py_syntax": 100,
    "py_missing": 98,
    "fence": 97,
    "braces": 96,
    "unterminated": 95,
    "syntax": 92,
    "semicolon": 93,
    "undeclared": 90,
    "unknown_member": 88,
    "unknown_torch": 87,
    "unknown_std": 86,
    "gcc14": 86,
    "include": 85,
    "args": 84,
    "py_args": 80,
    "export": 83,
    "const_write": 82,
    "redeclared": 81,
    "type": 79,
    "void_return": 78,
    "template_arg": 77,
    "not_assignable": 76,
    "dry_fault": 70,
    "dry_value": 69,
    "dry_shape": 68,
    "dry_dtype": 67,
    "dry_uncovered": 66,
    "dry_check": 65,
    "out_write": 64,
    "no_return": 60,
    "uninitialised": 58,
    "no_progress": 57,
    "truncation": 50,
    "int_division": 48,
}
"""Every kind of finding and its weight: the heavier, the earlier in the text."""

DEVICE_KINDS: dict[str, int] = {
    "space": 89,
    "tl_name": 88,
    "tl_args": 84,
    "tl_constexpr": 82,
    "launch": 72,
    "shared_memory": 71,
    "mask": 63,
}
"""Kinds of finding that only a device has: calls between host and device, geometry, memory on the chip, Triton."""
WEIGHTS = KINDS | DEVICE_KINDS
