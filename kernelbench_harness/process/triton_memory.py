"""Loads and stores of Triton's interpreter, held to the memory of the tensors that a kernel was given.

The interpreter reads and writes whatever address it is told. Here a load beyond a tensor's storage gives poison and is
noted; one farther away than a GPU's allocator keeps memory mapped, and any store or atomic beyond, is an error, where a
GPU would fault or quietly spoil what belongs to others. So the outcome is the same in every run.
Not guaranteed: where a kernel makes pointers of integers, whose memory nobody has named; there nothing is checked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

_GRANULE = 2 << 20
"""Bytes in which torch's CUDA allocator takes its memory: what lies nearer to a tensor than that is likely mapped."""
_POISON = b"\xfe"
_MOST_NOTES = 4


class OutOfBounds(RuntimeError):
    """A kernel went beyond the memory it was given."""


class Memory:
    """The storages of the launch under way."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._ranges: list[tuple[int, int]] = []
        self._checked = True
        self.notes: dict[str, None] = {}
        """What was odd, in order."""

    def launched(self, arguments: Iterable[Any]) -> None:
        """The arguments of the launch that begins."""
        self._ranges, self._checked = [], True
        for value in arguments:
            self._add(value)

    def unknown(self) -> None:
        """Pointers were made of integers."""
        self._checked = False

    def _add(self, value: Any) -> None:
        if isinstance(value, tuple):
            for one in value:
                self._add(one)
            return
        value = getattr(value, "base", value) if not hasattr(value, "untyped_storage") else value
        if hasattr(value, "untyped_storage"):
            storage = value.untyped_storage()
            self._ranges.append((storage.data_ptr(), storage.data_ptr() + storage.nbytes()))

    def outside(self, pointers: Any, mask: Any, size: int) -> Any:
        """Which of the unmasked elements of `size` bytes lie outside; None when none does."""
        import numpy as np

        if not self._checked or not pointers.size:
            return None
        if pointers.size == 1:  # loops over scalars are the slowest kernels here
            if not mask.all():
                return None
            low = pointers.item()
            high = low + size
        else:
            used = pointers if mask.all() else pointers[np.broadcast_to(mask, pointers.shape)]
            if not used.size:
                return None
            low, high = int(used.min()), int(used.max()) + size
        for start, end in self._ranges:
            if start <= low and high <= end:
                return None
        wanted = np.broadcast_to(mask, pointers.shape)
        inside = np.zeros(pointers.shape, dtype=bool)
        for start, end in self._ranges:
            if end - start >= size:
                inside |= (pointers >= np.uint64(start)) & (pointers <= np.uint64(end - size))
        beyond = wanted & ~inside
        return beyond if beyond.any() else None

    def far(self, pointers: Any, beyond: Any) -> bool:
        """Whether any of these addresses is so far from every storage that a GPU would fault."""
        import numpy as np

        found = pointers[beyond]
        near = np.zeros(found.shape, dtype=bool)
        for start, end in self._ranges:
            near |= (found >= np.uint64(max(0, start - _GRANULE))) & (found < np.uint64(end + _GRANULE))
        return bool((~near).any())

    def where(self) -> str:
        """The candidate's line that is being interpreted."""
        frame = sys._getframe()
        while frame is not None and frame.f_code.co_filename != self._path:
            frame = frame.f_back  # type: ignore[assignment]
        return f"line {frame.f_lineno}: " if frame is not None else ""

    def note(self, text: str) -> None:
        """Keeps what was odd, once, with its line."""
        if len(self.notes) < _MOST_NOTES:
            self.notes[self.where() + text] = None


def guard(builder: type[Any], memory: Memory) -> None:
    """Puts `memory` between the interpreter's builder and the addresses."""
    import numpy as np

    load, store = builder.create_masked_load, builder.create_masked_store
    rmw, cas, cast = builder.create_atomic_rmw, builder.create_atomic_cas, builder.create_int_to_ptr

    def itemsize(pointers: Any) -> int:
        return max(1, int(pointers.get_element_ty().primitive_bitwidth) // 8)

    def checked_load(self: Any, ptrs: Any, mask: Any, other: Any, *rest: Any) -> Any:
        beyond = memory.outside(ptrs.data, mask.data, itemsize(ptrs))
        if beyond is None:
            return load(self, ptrs, mask, other, *rest)
        count = int(beyond.sum())
        if memory.far(ptrs.data, beyond):
            raise OutOfBounds(f"an illegal memory access: tl.load of {count} elements far outside of every tensor")
        memory.note(f"tl.load reads out of bounds ({count} elements in one block)")
        kept = type(mask)(np.broadcast_to(mask.data, ptrs.data.shape) & ~beyond, mask.dtype)
        done = load(self, ptrs, kept, other, *rest)
        poison = np.frombuffer(_POISON * done.data.itemsize, dtype=done.data.dtype)[0]
        done.data = np.where(beyond, poison, done.data).astype(done.data.dtype)
        return done

    def checked_store(self: Any, ptrs: Any, value: Any, mask: Any, *rest: Any) -> Any:
        refuse("tl.store", ptrs, mask.data)
        return store(self, ptrs, value, mask, *rest)

    def checked_rmw(self: Any, operation: Any, ptr: Any, val: Any, mask: Any, *rest: Any) -> Any:
        refuse("an atomic operation", ptr, mask.data)
        return rmw(self, operation, ptr, val, mask, *rest)

    def checked_cas(self: Any, ptr: Any, *rest: Any) -> Any:
        refuse("an atomic operation", ptr, np.ones(ptr.data.shape, dtype=bool))
        return cas(self, ptr, *rest)

    def refuse(what: str, ptrs: Any, mask: Any) -> None:
        beyond = memory.outside(ptrs.data, mask, itemsize(ptrs))
        if beyond is not None:
            raise OutOfBounds(f"{what} writes out of bounds ({int(beyond.sum())} elements in one block)")

    def noted_cast(self: Any, *args: Any) -> Any:
        memory.unknown()
        return cast(self, *args)

    replaced: dict[str, Callable[..., Any]] = {
        "create_masked_load": checked_load,
        "create_masked_store": checked_store,
        "create_atomic_rmw": checked_rmw,
        "create_atomic_cas": checked_cas,
        "create_int_to_ptr": noted_cast,
    }
    for name, function in replaced.items():
        setattr(builder, name, function)
