"""Poison in memory that nobody has written: an output that a kernel forgets to write must not be right by luck.

`on()` before a checked call, `off()` before timed ones. In between, every block that the C library hands out is filled
with 0xFE and every block that is given back with 0x01, so `torch.empty`, `at::empty`, `new` and `malloc` hold -1.7e38
as float32 and bfloat16, NaN as float16, -5.3e303 as float64, -16843010 as int32; what lay in a freed block (an earlier
output, a right one perhaps) is gone.

Guarantees, with glibc: every block above a kilobyte, and what its cache of smaller blocks holds when `on` is called
(but for the 16 bytes in each where it keeps its own notes); after `off` a call costs nothing more than ever.
Not guaranteed: variables on the stack, the memory of a candidate's own allocator, and other C libraries, where `on`
does nothing and says so by returning False. A GPU's memory: `cuda.poison`.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_PERTURB = -6
_FREED = 0x01
"""glibc fills a freed block with this byte, and a fresh one with its complement."""
FRESH = 0xFF ^ _FREED
_CACHED_SIZES = range(24, 1033, 16)
"""Sizes of the C library's cache of small blocks, which it neither fills nor empties."""
_CACHED_EACH = 7


@cache
def _libc() -> ctypes.CDLL | None:
    """The C library, where it is glibc."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return None
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    return library


def available() -> bool:
    """Whether the C library can do it."""
    return _libc() is not None


def on() -> bool:
    """Poisons what is handed out from now on; True when the C library does so. Costs 1.3 ms."""
    library = _libc()
    if library is None:
        return False
    done = bool(library.mallopt(_M_PERTURB, _FREED))
    _fill_cache(library)
    return done


def off() -> None:
    """Nothing is filled any more."""
    library = _libc()
    if library is not None:
        library.mallopt(_M_PERTURB, 0)


def _fill_cache(library: ctypes.CDLL) -> None:
    """Writes poison into the small blocks that the C library keeps for quick reuse, by taking and returning them."""
    for size in _CACHED_SIZES:
        blocks = [library.malloc(size) for _ in range(_CACHED_EACH)]
        for block in blocks:
            if block:
                ctypes.memset(block, FRESH, size)
        for block in blocks:
            library.free(block)
