"""A built library as a module again, in the candidate's process.

`load_shim` reads the table of a shim library through ctypes and passes tensors as DLPack capsules; `load_stock` imports
an extension module. Arguments are checked as pybind11 does, with its kind of TypeError.
A library with CUDA units also takes tensors on a CUDA device: torch's current device and stream go with every call, and
what the library queues stands in that stream. It loads without a GPU and without torch; a call that needs the device
then raises RuntimeError, and so does one whose launch failed unread: the library's cudart is its own, torch's never
hears of it.
Guarantees: the call runs no Python code, and holds the interpreter's lock as pybind11 does. Not guaranteed: anything
about a candidate that writes where it should not; this runs in the candidate's own process.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

from kernelbench_harness.compile.crossing import (
    ABSENT,
    TENSOR,
    CannotCross,
    Mismatch,
    Value,
    fill,
    give,
    take,
    to_python,
)

_MESSAGE_SIZE = 1 << 14
_ERRORS: dict[int, type[Exception]] = {
    1: RuntimeError,
    2: IndexError,
    3: ValueError,
    4: TypeError,
    5: NotImplementedError,
    6: SystemError,
}
_ABI = 2
"""abi_version of abi.h."""
_CUDA = 1
"""device_cuda of abi.h."""
FAILED: list[str] = []
"""Names of functions that raised, for whoever wants to know that a candidate went on regardless."""
_BOUNDS: list[ctypes.c_int32] = []
"""The switch of each shim library that is loaded (runtime/guards.cpp); one of an older harness has none."""
_CODE: list[CodeType] = []
"""What every function of a shim library runs, once there is one."""
_watched = [False]
"""What `watch_bounds` was last told."""


_TEXTS = ("name", "arguments", "result", "doc", "argument_names")


class _Entry(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_char_p) for name in _TEXTS),
        ("defaults", ctypes.POINTER(Value)),
        ("default_count", ctypes.c_int64),
    ]


_CALL = ctypes.PYFUNCTYPE(
    ctypes.c_int32,
    ctypes.c_int64,
    ctypes.POINTER(Value),
    ctypes.POINTER(Value),
    ctypes.c_char_p,
    ctypes.c_int64,
)
_RELEASE = ctypes.PYFUNCTYPE(None, ctypes.POINTER(Value))
_SET_STREAM = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64)


class _Table(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int64),
        ("doc", ctypes.c_char_p),
        ("count", ctypes.c_int64),
        ("entries", ctypes.POINTER(_Entry)),
        ("call", _CALL),
        ("release", _RELEASE),
        ("device", ctypes.c_int64),
        ("set_stream", _SET_STREAM),
    ]


@dataclass(frozen=True)
class _Opened:
    """The two entry points of a library, fetched once: reading a function out of a struct costs 2 us each time."""

    call: Callable[..., int]
    release: Callable[[Value], None]
    set_stream: Callable[..., int] | None
    """None for a library without CUDA units."""


@dataclass(frozen=True)
class Signature:
    """One bound function."""

    name: str
    index: int
    arguments: tuple[str, ...]
    """Type codes of abi.h: T tensor, i8 int64_t, f4 float, b bool, s string, [X vector, ?X optional."""
    result: str
    doc: str
    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    """Python values; `_Absent` where an argument has none."""


class _Absent:
    """Marks an argument without a default."""


def load_shim(path: str, name: str, fallback: Callable[[], ModuleType] | None = None) -> ModuleType:
    """The functions of a shim library as a module.

    `fallback` gives the module built against the real headers; it is asked for when a tensor cannot cross, and its
    function then answers that call and every later one. Raises ImportError as Python would for a library without the
    module.
    """
    library = ctypes.PyDLL(path)
    try:
        opener = library[f"kbshim_table_{name}"]
    except AttributeError:
        raise ImportError(f"dynamic module does not define module export function (PyInit_{name})") from None
    opener.restype = ctypes.POINTER(_Table)
    opener.argtypes = []
    opened = opener()
    if not opened or opened.contents.version != _ABI:
        raise ImportError(f"initialization of {name} failed")
    table = opened.contents
    functions = _Opened(table.call, table.release, table.set_stream if table.device == _CUDA else None)
    module = ModuleType(name, (table.doc or b"").decode(errors="replace"))
    module.__file__ = path
    overloads: dict[str, list[Signature]] = {}
    for index in range(table.count):
        signature = _signature(table.entries[index], index)
        overloads.setdefault(signature.name, []).append(signature)
    for function, signatures in overloads.items():
        setattr(module, function, _bind(function, signatures, functions, fallback))
    with contextlib.suppress(ValueError):
        _BOUNDS.append(ctypes.c_int32.in_dll(library, "kbshim_bounds"))
        _BOUNDS[-1].value = _watched[0]
    # Tensors handed out are freed by the library's code, so it stays mapped: PyDLL never unloads.
    module.__dict__["__kbshim_library__"] = library
    return module


def watch_bounds(on: bool) -> None:
    """Whether a call of a shim library fails that has written beside a tensor which the library made on the CPU.

    It looks at tensors made while this is on, some microseconds each.
    """
    _watched[:] = [on]
    for switch in _BOUNDS:
        switch.value = on


def call_code() -> CodeType | None:
    """The code that every function of a shim library runs: what a profiler knows such a call by."""
    return _CODE[0] if _CODE else None


def load_stock(path: str, name: str) -> ModuleType:
    """Imports an extension module built against the real headers; torch must be importable."""
    import torch  # noqa: F401  its libraries must be mapped before the extension's

    loader = importlib.machinery.ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise ImportError(f"cannot load {name}")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _signature(entry: _Entry, index: int) -> Signature:
    text = {key: (getattr(entry, key) or b"").decode(errors="replace") for key in _TEXTS}
    defaults = [entry.defaults[i] for i in range(entry.default_count)]
    return Signature(
        name=text["name"],
        index=index,
        arguments=tuple(text["arguments"].split(",")[:-1]),
        result=text["result"],
        doc=text["doc"],
        names=tuple(text["argument_names"].split("\n")[:-1]),
        defaults=tuple(_Absent if value.kind == ABSENT else to_python(value) for value in defaults),
    )


def _bind(
    name: str, signatures: Sequence[Signature], library: _Opened, fallback: Callable[[], ModuleType] | None
) -> Callable[..., Any]:
    """The Python function of one name: its overloads are tried in order."""
    message = ctypes.create_string_buffer(_MESSAGE_SIZE)
    single = signatures[0] if len(signatures) == 1 else None
    replaced: list[Callable[..., Any]] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if replaced:
            return replaced[0](*args, **kwargs)
        try:
            if single is not None and not kwargs and len(args) == len(single.arguments):
                return _call(library, single, args, message)
            return _dispatch(library, signatures, args, kwargs, message)
        except Mismatch:
            pass
        except CannotCross as reason:
            if fallback is None:
                raise RuntimeError(f"{name}(): {reason}") from None
            replaced.append(getattr(fallback(), name))
            return replaced[0](*args, **kwargs)
        FAILED.append(name)
        raise TypeError(_complaint(name, signatures, args, kwargs))

    _CODE[:] = [call.__code__]
    call.__name__ = call.__qualname__ = name
    call.__doc__ = signatures[0].doc
    return call


def _dispatch(
    library: _Opened, signatures: Sequence[Signature], args: tuple[Any, ...], kwargs: dict[str, Any], message: Any
) -> Any:
    for signature in signatures:
        full = _arrange(signature, args, kwargs)
        if full is not None:
            try:
                return _call(library, signature, full, message)
            except Mismatch:
                continue
    raise Mismatch


def _arrange(signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Positional arguments in full, or None where they do not fit the signature's names and number."""
    count = len(signature.arguments)
    if len(args) > count:
        return None
    full, left = list(args), dict(kwargs)
    for i in range(len(args), count):
        if i < len(signature.names) and signature.names[i] in left:
            full.append(left.pop(signature.names[i]))
        elif i < len(signature.defaults) and signature.defaults[i] is not _Absent:
            full.append(signature.defaults[i])
        else:
            return None
    return None if left else tuple(full)


def _call(library: _Opened, signature: Signature, args: tuple[Any, ...], message: Any) -> Any:
    """Converts, calls, converts back. Every argument is checked before any tensor is handed over."""
    codes = signature.arguments
    keep: list[Any] = []
    values = (Value * max(1, len(args)))()
    # Tensors last: a capsule once taken belongs to the callee.
    tensors: list[tuple[Value, Any]] = []
    for i, code in enumerate(codes):
        fill(values[i], code, args[i], keep, tensors)
    if library.set_stream is not None:
        _set_stream(library.set_stream, message)
    elif any(tensor.is_cuda for _, tensor in tensors):
        raise CannotCross("a library without CUDA units takes no tensor on a CUDA device")
    for value, tensor in tensors:
        give(value, tensor)
    result = Value()
    failure = library.call(signature.index, values, result, message, _MESSAGE_SIZE)
    if failure:
        FAILED.append(signature.name)
        raise _ERRORS.get(failure, RuntimeError)(message.value.decode(errors="replace"))
    if result.kind == TENSOR:
        return take(result)
    try:
        return to_python(result)
    finally:
        library.release(result)


def _set_stream(set_stream: Callable[..., int], message: Any) -> None:
    """Tells the library torch's current device and stream, as far as torch has opened a device in this process."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    device = torch._C._cuda_getDevice()
    if set_stream(device, torch._C._cuda_getCurrentRawStream(device), message, _MESSAGE_SIZE):
        raise RuntimeError(message.value.decode(errors="replace"))


_WORDS = {"T": "torch.Tensor", "i": "typing.SupportsInt", "u": "typing.SupportsInt", "f": "typing.SupportsFloat"}


def _complaint(name: str, signatures: Sequence[Signature], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The text of pybind11's TypeError, without values (they may be tensors of any size)."""
    lines = [f"{name}(): incompatible function arguments. The following argument types are supported:"]
    for number, signature in enumerate(signatures, 1):
        shown = ", ".join(
            f"{signature.names[i] if i < len(signature.names) else f'arg{i}'}: {_word(code)}"
            for i, code in enumerate(signature.arguments)
        )
        lines.append(f"    {number}. ({shown}) -> {_word(signature.result)}")
    given = [type(a).__name__ for a in args] + [f"{key}={type(a).__name__}" for key, a in kwargs.items()]
    return "\n".join([*lines, "", f"Invoked with: {', '.join(given)}"])


def _word(code: str) -> str:
    if code[0] == "?":
        return f"{_word(code[1:])} | None"
    if code[0] == "[":
        return f"list[{_word(code[1:])}]"
    return _WORDS.get(code[0], {"b": "bool", "s": "str", "v": "None", "(": "tuple"}.get(code[0], code))
