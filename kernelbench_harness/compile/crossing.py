"""Python values across the C boundary of `shim/include/kbshim/abi.h`, both ways, tensors as DLPack capsules.

Arguments are converted as pybind11 does: an int where an int fits, never a float for an int, None for an optional
alone. Guarantees: no tensor is handed over before every argument of the call was found good.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

NONE, INT, REAL, BOOL, TENSOR, TEXT, LIST, TUPLE, UNSIGNED, ABSENT = range(10)


class Value(ctypes.Structure):
    """kbshim::Value of abi.h."""

    class _Payload(ctypes.Union):
        _fields_ = [("i", ctypes.c_int64), ("d", ctypes.c_double), ("p", ctypes.c_void_p)]

    _anonymous_ = ("payload",)
    _fields_ = [("kind", ctypes.c_int64), ("size", ctypes.c_int64), ("payload", _Payload)]


_api = ctypes.PyDLL(None)
capsule_pointer = _api.PyCapsule_GetPointer
capsule_pointer.restype = ctypes.c_void_p
capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
capsule_rename = _api.PyCapsule_SetName
capsule_rename.argtypes = [ctypes.py_object, ctypes.c_char_p]
capsule_new = _api.PyCapsule_New
capsule_new.restype = ctypes.py_object
capsule_new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
FRESH, TAKEN = ctypes.c_char_p(b"dltensor"), ctypes.c_char_p(b"used_dltensor")


class CannotCross(Exception):
    """A tensor that the shim cannot take (sparse, quantised, complex, not on the CPU): the real headers are needed."""


class Mismatch(Exception):
    """An argument of another type than the function's."""


def fill(value: Value, code: str, argument: Any, keep: list[Any], tensors: list[tuple[Value, Any]]) -> None:
    """Writes one argument, or raises Mismatch; tensors are noted and handed over later."""
    kind = code[0]
    if kind == "T":
        value.kind = TENSOR
        tensors.append((value, _check_tensor(argument)))
    elif kind == "f":
        value.kind, value.d = REAL, _as_float(argument)
    elif kind in "iu":
        value.kind, value.i = INT, _as_int(argument, kind, int(code[1:]))
    elif kind == "b":
        if not isinstance(argument, bool):
            raise Mismatch
        value.kind, value.i = BOOL, argument
    elif kind == "s":
        raw = argument.encode() if isinstance(argument, str) else argument
        if not isinstance(raw, bytes):
            raise Mismatch
        keep.append(ctypes.create_string_buffer(raw, len(raw) + 1))
        value.kind, value.size, value.p = TEXT, len(raw), ctypes.addressof(keep[-1])
    elif kind == "?":
        value.kind = NONE
        if argument is not None:
            fill(value, code[1:], argument, keep, tensors)
    elif kind == "[":
        if not isinstance(argument, list | tuple | _torch().Size):
            raise Mismatch
        items = (Value * max(1, len(argument)))()
        keep.append(items)
        value.kind, value.size, value.p = LIST, len(argument), ctypes.addressof(items)
        for i, item in enumerate(argument):
            fill(items[i], code[1:], item, keep, tensors)
    else:
        raise Mismatch


def _as_int(argument: Any, kind: str, size: int) -> int:
    """An integer that fits, as pybind11 converts: anything with __index__, never a float."""
    if isinstance(argument, float):
        raise Mismatch
    try:
        number = int(argument.__index__()) if not isinstance(argument, int) else int(argument)
    except (AttributeError, TypeError):
        raise Mismatch from None
    low, high = (0, 1 << (8 * size)) if kind == "u" else (-(1 << (8 * size - 1)), 1 << (8 * size - 1))
    if not low <= number < high:
        raise Mismatch
    return number - (1 << 64) if number >= 1 << 63 else number


def _as_float(argument: Any) -> float:
    if isinstance(argument, str | bytes):
        raise Mismatch
    try:
        return float(argument)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Mismatch from None


def _torch() -> Any:
    return sys.modules["torch"]


def _check_tensor(argument: Any) -> Any:
    """A tensor that can cross to some library: strided, on the CPU or a CUDA device, of a plain element type."""
    if not _plain:
        torch = _torch()
        names = "uint8 int8 int16 int32 int64 float16 float32 float64 bool bfloat16".split()
        _plain.update(tensor=torch.Tensor, layout=torch.strided, dtypes={getattr(torch, name) for name in names})
    if not isinstance(argument, _plain["tensor"]):
        raise Mismatch
    here = argument.is_cpu or argument.is_cuda
    fits = argument.dtype in _plain["dtypes"] and here and argument.layout is _plain["layout"]
    if not fits or argument.is_neg():
        raise CannotCross(f"a tensor of {argument.dtype} on {argument.device} cannot cross")
    return argument


_plain: dict[str, Any] = {}
"""What `_check_tensor` compares with, looked up once: torch is not imported when this module is."""


def export(tensor: Any) -> Any:
    return _torch()._C._to_dlpack(tensor.detach() if tensor.requires_grad else tensor)


def import_tensor(capsule: Any) -> Any:
    return _torch()._C._from_dlpack(capsule)


def to_python(value: Value) -> Any:
    """A result as a Python value; tensors in it are taken over."""
    kind = value.kind
    if kind == TENSOR:
        return take(value)
    if kind == REAL:
        return value.d
    if kind == BOOL:
        return bool(value.i)
    if kind in (INT, UNSIGNED):
        return value.i + (1 << 64) if kind == UNSIGNED and value.i < 0 else value.i
    if kind == TEXT:
        return ctypes.string_at(value.p, value.size).decode()
    if kind in (LIST, TUPLE):
        array = ctypes.cast(value.p, ctypes.POINTER(Value))
        items = [to_python(array[i]) for i in range(value.size)]
        return tuple(items) if kind == TUPLE else items
    return None


def give(value: Value, tensor: Any) -> None:
    """Hands a tensor over: its capsule is marked as taken, and the callee frees it."""
    capsule = export(tensor)
    value.p = capsule_pointer(capsule, FRESH)
    capsule_rename(capsule, TAKEN)


def take(value: Value) -> Any:
    """The tensor of a result, now Python's."""
    return import_tensor(capsule_new(value.p, FRESH, None))
