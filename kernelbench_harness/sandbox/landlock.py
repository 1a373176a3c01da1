"""Filesystem, TCP and signal confinement by Landlock.

Guarantees: a process under a ruleset opens files only beneath the listed paths; from ABI 4 it binds and connects no TCP
port; from ABI 6 it signals no process and reaches no abstract socket outside its own domain. Children inherit it.
Not guaranteed: stat, chdir and readlink are not confined by the kernel. A path that does not exist is left out.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from kernelbench_harness.sandbox import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""System call numbers, the same on every architecture."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ALL_OF_ABI_1 = (1 << 13) - 1
_TCP = 0b11
_SCOPES = 0b11

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""Rights that may be named for a path that is not a folder."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """Landlock ABI version of this kernel; 0 when it has none."""
    try:
        return kernel.syscall("landlock_create_ruleset", _CREATE, None, 0, 1)
    except OSError:
        return 0


def _handled(version: int) -> int:
    rights = _ALL_OF_ABI_1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        if version >= since:
            rights |= right
    return rights


def build(read: Iterable[str], write: Iterable[str], devices: Iterable[str], driven: Iterable[str] = ()) -> int:
    """A ruleset's file descriptor. Call it while the paths can still be opened; then `restrict`.

    `read` may be read and executed, `write` also changed, `devices` read and written, `driven` also told what to do
    (ioctl), as drivers want it.
    """
    version = abi()
    fs = _handled(version)
    attributes = _Ruleset(fs, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = kernel.syscall("landlock_create_ruleset", _CREATE, ctypes.byref(attributes), size, 0)
    device = _READ_FILE | _WRITE_FILE
    for paths, rights in ((read, _READ), (write, _WRITE), (devices, device), (driven, device | _IOCTL_DEV)):
        for path in paths:
            _allow(ruleset, path, rights & fs)
    return ruleset


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            rights &= _FILE_ONLY
        rule = _Beneath(rights, folder)
        kernel.syscall("landlock_add_rule", _ADD, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(folder)


def restrict(ruleset: int) -> None:
    """Confines the calling thread for good; needs no_new_privs. Closes the ruleset."""
    kernel.syscall("landlock_restrict_self", _RESTRICT, ruleset, 0)
    os.close(ruleset)
