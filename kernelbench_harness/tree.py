"""Arguments and outputs as files: tensors by safetensors, everything around them as JSON.

A tree is what `get_inputs`, `get_init_inputs` or a forward returns: tensors, numbers, texts, None, dtypes, and lists,
tuples and dicts of them. Its JSON form names each tensor (`{"tensor": "t0"}`); the tensors lie in one safetensors file.

Guarantees: dtypes survive (integers stay integers); nothing is pickled; a file is read only if it is a plain file of a
bounded size, never through a link. Not guaranteed: strides and shared storage do not survive; sparse and quantised
tensors are refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

_KINDS = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1"}
_KINDS |= {"BOOL": "?", "C64": "c8", "U16": "u2", "U32": "u4", "U64": "u8"}
_DEEPEST = 16


class TreeError(Exception):
    """A value that has no place in a tree, or a file that holds none."""


@dataclass(frozen=True)
class Stored:
    """A tensor as its file has it; needs no torch."""

    dtype: str
    """As safetensors names it: F32, I64, BOOL, ..."""
    shape: tuple[int, ...]
    data: bytes

    def array(self) -> np.ndarray:
        """Values as float64 (halves and singles exactly), integers, booleans or complex."""
        import numpy as np

        if self.dtype == "BF16":
            values = (np.frombuffer(self.data, "<u2").astype("u4") << 16).view("f4").astype("f8")
        elif self.dtype in _KINDS:
            values = np.frombuffer(self.data, "<" + _KINDS[self.dtype] if self.dtype != "BOOL" else "?")
            values = values.astype("f8") if self.dtype in ("F16", "F32") else values
        else:
            raise TreeError(f"tensors of dtype {self.dtype} cannot be compared")
        return values.reshape(self.shape)


def encode(value: Any, tensors: dict[str, torch.Tensor], *, exact: bool = False, depth: int = 0) -> Any:
    """The JSON form of a tree; its tensors are added to `tensors`, detached copies in the host's memory.

    With `exact` only `torch.Tensor` itself counts as a tensor, no subclass. Raises TreeError.
    """
    import torch

    if depth > _DEEPEST:
        raise TreeError("a value nested too deeply")
    if type(value) is torch.Tensor or (not exact and isinstance(value, torch.Tensor)):
        if value.layout is not torch.strided or value.is_quantized or value.device.type not in ("cpu", "cuda"):
            raise TreeError(f"a {value.layout} tensor on {value.device} where a plain tensor was expected")
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().clone(memory_format=torch.contiguous_format).cpu()
        return {"tensor": name}
    if value is None or type(value) in (bool, int, float, str):
        return {"value": value}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if type(value) in (list, tuple):
        items = [encode(item, tensors, exact=exact, depth=depth + 1) for item in value]
        return {"list" if type(value) is list else "tuple": items}
    if isinstance(value, torch.Size):
        return {"tuple": [{"value": int(item)} for item in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: encode(item, tensors, exact=exact, depth=depth + 1) for key, item in value.items()}}
    raise TreeError(f"a value of type {type(value).__name__}, which is neither a tensor nor a number, text or list")


def decode(raw: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Inverse of `encode`; every tensor is a fresh copy. Raises TreeError."""
    import torch

    match raw:
        case {"tensor": str(name)} if name in tensors:
            return tensors[name].clone()
        case {"value": None | bool() | int() | float() | str() as value}:
            return value
        case {"dtype": str(name)} if isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        case {"list": list(items)}:
            return [decode(item, tensors) for item in items]
        case {"tuple": list(items)}:
            return tuple(decode(item, tensors) for item in items)
        case {"dict": dict(items)}:
            return {key: decode(item, tensors) for key, item in items.items()}
    raise TreeError("not the JSON form of a tree")


def tensor_names(raw: Any, depth: int = 0) -> list[str]:
    """Names of a tree's tensors in order; numbers are left out. Raises TreeError."""
    if depth > _DEEPEST:
        raise TreeError("a value nested too deeply")
    match raw:
        case {"tensor": str(name)}:
            return [name]
        case {"value": _} | {"dtype": _}:
            return []
        case {"list": list(items)} | {"tuple": list(items)}:
            return [name for item in items for name in tensor_names(item, depth + 1)]
        case {"dict": dict(items)}:
            return [name for key in sorted(items) for name in tensor_names(items[key], depth + 1)]
    raise TreeError("not the JSON form of a tree")


def read_plain(path: Path, limit: int) -> bytes:
    """A file that a hostile process may have put there: a plain file, no link, no longer than `limit` bytes.

    Raises TreeError.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TreeError(f"{path.name}: {error.strerror}") from error
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            raise TreeError(f"{path.name} is no plain file of at most {limit} bytes")
        return file.read(found.st_size)


def load_stored(data: bytes) -> dict[str, Stored]:
    """The tensors of a safetensors file. Raises TreeError."""
    import safetensors

    try:
        return {
            name: Stored(spec["dtype"], tuple(spec["shape"]), bytes(spec["data"]))
            for name, spec in safetensors.deserialize(data)
        }
    except safetensors.SafetensorError as error:
        raise TreeError(f"not a safetensors file: {error}") from error


def select(raw: Any, stored: dict[str, Stored]) -> list[Stored]:
    """The tensors of a tree in order. Raises TreeError when one is missing."""
    names = tensor_names(raw)
    if missing := [name for name in names if name not in stored]:
        raise TreeError(f"no tensor {missing[0]} in the file")
    return [stored[name] for name in names]


def same_bits(one: torch.Tensor, other: torch.Tensor, equal: Callable[..., bool]) -> bool:
    """Whether two tensors of one dtype and shape agree bit for bit, NaN included; `equal` is torch.equal."""
    import torch

    return equal(one.contiguous().reshape(-1).view(torch.uint8), other.contiguous().reshape(-1).view(torch.uint8))


def flatten(value: Any) -> list[torch.Tensor]:
    """The tensors of a decoded tree in order."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [found for key in sorted(value) for found in flatten(value[key])]
    if isinstance(value, (list, tuple)):
        return [found for item in value for found in flatten(item)]
    return []


def numbers_as_tensors(value: Any) -> Any:
    """A forward's result with plain numbers as tensors without dimensions, so that they are compared too."""
    import torch

    if type(value) in (bool, int, float):
        dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}[type(value)]
        return torch.tensor(value, dtype=dtype)
    if type(value) in (list, tuple):
        return type(value)(numbers_as_tensors(item) for item in value)
    if type(value) is torch.Tensor or value is None:
        return value
    raise TreeError(f"a {type(value).__name__}, not a torch.Tensor")
