"""Looking on while a candidate is called: its kernels, torch's operators, threads, and what becomes of its output.

Guarantees: nothing of this is in force during timed calls. Everything seen here is told to the parent, which decides.
Not guaranteed: this runs in the candidate's process; native code can blind it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kernelbench_harness.cheats.torchwords import PLAIN_OPERATORS
from kernelbench_harness.compile import load
from kernelbench_harness.process import cuda

if TYPE_CHECKING:
    import torch

_MOST = 12
_WAITING = ("threading.py", "queue.py", "concurrent/futures/thread.py", "multiprocessing/pool.py")
"""Where an idle thread of a pool stands."""


_TRITON = ("triton/runtime/jit.py", "kernelbench_harness/process/triton_child.py")
"""Where the function `run` stands that launches a Triton kernel, on a GPU or in the interpreter."""


class Watch:
    """What one process's checked calls show."""

    def __init__(self, *, operators: bool) -> None:
        self._operators = operators
        self._threads = len(sys._current_frames())
        self._functions: set[int] = set()
        self._held: list[Any] = []
        self.calls = 0
        self.computed: list[str] = []
        self.raised: list[str] = []
        self.notes: Callable[[], list[str]] = list
        """What was odd about its kernels so far, one line each."""

    def adopt(self, module: Any) -> Any:
        """Takes a library that was handed to the candidate; returns it."""
        if isinstance(module, ModuleType):
            functions = [value for value in vars(module).values() if callable(value)]
            self._held.append(functions)
            self._functions.update(map(id, functions))
            if (library := vars(module).get("__kbshim_library__")) is not None:
                cuda.add_runtime(library)
        return module

    def intercept(self) -> None:
        """Takes every library that load_inline and load hand out from now on."""
        import torch.utils.cpp_extension as cpp_extension

        for name in ("load_inline", "load"):
            setattr(cpp_extension, name, self._adopting(getattr(cpp_extension, name)))

    def _adopting(self, build: Callable[..., Any]) -> Callable[..., Any]:
        def adopting(*args: Any, **kwargs: Any) -> Any:
            return self.adopt(build(*args, **kwargs))

        adopting.__name__ = adopting.__qualname__ = build.__name__
        adopting.__signature__ = _signature(build)  # type: ignore[attr-defined]
        return adopting

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Counts kernels and operators in between, and notes kernels that raise."""
        load.FAILED.clear()
        self.calls = 0
        self.computed.clear()
        self.raised.clear()
        mode = _mode(self._saw) if self._operators else contextlib.nullcontext()
        shim = load.call_code()
        functions = self._functions
        raised = self.raised

        def profile(frame: Any, event: str, argument: Any) -> None:
            if event == "call":
                if frame.f_code is shim or _launches_triton(frame.f_code):
                    self.calls += 1
            elif event == "c_call":
                if id(argument) in functions:
                    self.calls += 1
            elif event == "c_exception" and id(argument) in functions:
                raised.append(str(argument.__name__))

        before = sys.getprofile()
        with mode:
            sys.setprofile(profile)
            try:
                yield
            finally:
                sys.setprofile(before)
                raised.extend(load.FAILED)

    def _saw(self, namespace: str, name: str) -> None:
        if namespace in ("aten", "prims"):
            base = name if name in PLAIN_OPERATORS else name.rstrip("_")
            if base not in PLAIN_OPERATORS and name not in self.computed and len(self.computed) < _MOST:
                self.computed.append(name)
        else:
            self.calls += 1

    def seen(self) -> dict[str, Any]:
        """What the last look saw, as a message has it."""
        lists = {"computed": self.computed, "raised": self.raised, "notes": self.notes()}
        return {"calls": self.calls} | {name: found[:_MOST] for name, found in lists.items()}

    def threads(self) -> list[str]:
        """Threads of Python's that work on after a call, one line each."""
        frames = sys._current_frames()
        if len(frames) <= self._threads:
            return []
        mine = sys._getframe()
        return [
            f"a thread still works after forward has returned (in {frame.f_code.co_name})"
            for frame in frames.values()
            if frame is not mine and not frame.f_code.co_filename.endswith(_WAITING) and not _within(mine, frame)
        ][:3]


def _launches_triton(code: Any) -> bool:
    return bool(code.co_name == "run" and code.co_filename.endswith(_TRITON))


def _within(mine: Any, frame: Any) -> bool:
    while mine is not None:
        if mine is frame:
            return True
        mine = mine.f_back
    return False


def _signature(build: Callable[..., Any]) -> Any:
    import inspect

    return inspect.signature(build)


def _mode(saw: Callable[[str, str], None]) -> Any:
    """Torch's own look at every operator, from Python or from C++."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Operators(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # skipping imports the compiler: two seconds

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            saw(function.namespace, function._schema.name.split("::")[-1])
            return function(*args, **(kwargs or {}))

    return Operators()


def dressed(value: torch.Tensor) -> list[str]:
    """Methods that an output tensor carries itself, over those of its class."""
    own = object.__getattribute__(value, "__dict__")
    return [name for name in own if hasattr(type(value), name)]
