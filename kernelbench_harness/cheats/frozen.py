"""A table of what judging rests on, taken before the candidate's module runs, and held against what stands there later.

Guarantees: a function, method or class of the table that was replaced, removed, or given other code or defaults is
named; what is compared is identity, so nothing that a replacement does can hide it. The check and the report use
nothing that they look up in a module at that time. Not guaranteed: native code that writes into this process can change
anything, this table included; what such a process claims fails the parent's own checks.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

_TABLE: Mapping[str, tuple[str, ...]] = {
    "builtins": (),
    "time": (),
    "statistics": (),
    "gc": (),
    "math": (),
    "struct": (),
    "os": ("write", "read", "_exit", "open", "close", "dup2", "path", "fspath"),
    "sys": ("getrefcount", "setprofile", "getprofile", "settrace", "exit", "_getframe", "_current_frames"),
    "json": (),
    "json.encoder": (),
    "json.decoder": (),
    "traceback": ("format_exception", "format_exception_only", "TracebackException"),
    "random": ("seed", "Random"),
    "ctypes": ("memset", "CDLL", "PyDLL"),
    "resource": ("getrusage",),
    "safetensors": (),
    "safetensors.torch": (),
    "torch": (
        "Tensor",
        "Size",
        "allclose",
        "dtype",
        "device",
        "empty",
        "equal",
        "full",
        "is_tensor",
        "isclose",
        "no_grad",
        "tensor",
        "testing",
    ),
    "torch.cuda": (
        "Event",
        "ExternalStream",
        "Stream",
        "StreamContext",
        "current_device",
        "current_stream",
        "default_stream",
        "get_device_properties",
        "mem_get_info",
        "memory_allocated",
        "memory_reserved",
        "set_stream",
        "stream",
        "is_available",
        "is_initialized",
        "memory_snapshot",
        "synchronize",
    ),
    "torch.cuda.Event": (),
    "torch.cuda.Stream": (),
    "torch.Tensor": (),
    "torch.nn.Module": ("__call__", "_call_impl", "_wrapped_call_impl", "state_dict", "__init__"),
    "torch.utils.cpp_extension": ("load_inline", "load"),
    "torch.utils._python_dispatch": ("TorchDispatchMode",),
    "kernelbench_harness.process.candidate_child": (),
    "kernelbench_harness.process.checked": (),
    "kernelbench_harness.process.steps": (),
    "kernelbench_harness.process.device": (),
    "kernelbench_harness.process.cuda": (),
    "kernelbench_harness.timing.events": (),
    "kernelbench_harness.cheats.frozen": (),
    "kernelbench_harness.cheats.plan": (),
    "kernelbench_harness.cheats.watch": (),
    "kernelbench_harness.compile.capture": (),
    "kernelbench_harness.compile.load": (),
    "kernelbench_harness.process.poison": (),
    "kernelbench_harness.timing.measure": (),
    "kernelbench_harness.tree": (),
    "kernelbench_harness.process.wire": (),
}
"""Owner -> its names that count; none stands for all that can be called."""
_MOVING = frozenset({"__annotations__", "__doc__", "__builtins__", "__cached__", "__warningregistry__", "__dict__"})


_ABSENT = object()


def _owner(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        parent, _, last = name.rpartition(".")
        return getattr(importlib.import_module(parent), last)


def _inside(value: Any) -> tuple[Any, ...]:
    """What makes a Python function what it is."""
    if type(value) is FunctionType:
        return (value.__code__, value.__defaults__, value.__kwdefaults__)
    return ()


def freeze() -> Callable[[], list[str]]:
    """Takes the table now. The function that it returns names what has been replaced since: "torch.allclose"."""
    table: list[tuple[str, Any, list[tuple[str, Any, tuple[Any, ...]]]]] = []
    for name, names in _TABLE.items():
        owner = _owner(name)
        space = vars(owner)
        ours = name.startswith("kernelbench_harness.")
        chosen = names or [
            key
            for key, value in space.items()
            if key not in _MOVING and not isinstance(value, ModuleType) and (ours or callable(value))
        ]
        rows = [(key, space[key], _inside(space[key])) for key in chosen if key in space]
        if isinstance(owner, type):  # what it inherits must not be covered up
            rows += [(key, _ABSENT, ()) for key in dir(owner) if key not in space]
        table.append((name, owner, rows))
    return _checker(table, vars, _inside)


def _checker(
    table: list[tuple[str, Any, list[tuple[str, Any, tuple[Any, ...]]]]],
    vars: Callable[[Any], Any],
    inside: Callable[[Any], tuple[Any, ...]],
) -> Callable[[], list[str]]:
    missing = _ABSENT

    def check() -> list[str]:
        found = []
        for name, owner, rows in table:
            space = vars(owner)
            for key, value, parts in rows:
                now = space.get(key, missing)
                if now is not value:
                    found.append(f"{name}.{key}")
                elif parts and any(one is not other for one, other in zip(inside(value), parts)):  # noqa: B905
                    found.append(f"{name}.{key} (its code)")
        return found

    return check


def reporter(fd: int) -> Callable[[list[str]], None]:
    """A function that tells the parent which functions were replaced and ends the process, by means of its own."""
    write, leave = os.write, os._exit
    plain = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._() ")

    def report(names: list[str]) -> None:
        text = ""
        for name in names[:10]:
            for letter in name[:100]:
                text += letter if letter in plain else "?"
            text += ";"
        body = b'{"kind": "patched", "names": "' + text.encode() + b'"}'
        data = len(body).to_bytes(4, "little") + body
        while data:
            data = data[write(fd, data) :]
        leave(0)

    return report
