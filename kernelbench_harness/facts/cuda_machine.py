"""Runs translated kernels: every thread of every block, one after the other, block by block.

Threads that wait for each other are generators and advance phase by phase, so that a missing barrier shows as a read of
what another thread has not written yet. Guaranteed: bounded steps. Not guaranteed: memory ordering, warps that diverge
around a shuffle, clusters, dynamic parallelism; those end the dry run as "unsupported".
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import product
from typing import Any, NamedTuple

from kernelbench_harness.facts import mathematics
from kernelbench_harness.facts.machine import Machine
from kernelbench_harness.facts.machine_library import library
from kernelbench_harness.facts.memory import Fault, Memory, OverBudget, Unsupported

WARP = 32
MAX_THREADS = 40_000
"""Threads of one launch in a dry run; each costs some microseconds."""


NOWHERE = Memory(0, "", "tensor")
"""Where the data of a tensor is of which only the shape is known."""


class Launch(NamedTuple):
    """One launch as the host asked for it."""

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared: int
    """Dynamic shared memory in bytes."""


class Device:
    """The device of one dry run; mutable: the thread indices and the shared memory of the present block."""

    def __init__(self, machine: Machine, execute: bool = True) -> None:
        self.machine = machine
        self.execute = execute
        """False: launches are noted and not run."""
        self.launches: list[Launch] = []
        self.scope: dict[str, Any] = {}
        self.dynamic_bytes = 0
        self.block_memory: dict[Any, Memory] = {}

    def names(self) -> dict[str, Any]:
        """What translated code calls."""
        names = {"_launch": self.launch, "_shared": self.shared, "_dynamic": self.dynamic, "_dim3": dim3,
                 "_lib": self.library, "dict": dict}  # fmt: skip
        return names if self.execute else names | {"_data": lambda owner, want: (NOWHERE, 0)}

    def launch(self, name: str, grid: Any, block: Any, shared: Any, kernel: Callable[..., Any], args: list[Any],
               named: dict[str, Any]) -> None:  # fmt: skip
        """`name<<<grid, block, shared>>>(args)`."""
        asked = Launch(name, _three(grid), _three(block), int(shared or 0))
        self.launches.append(asked)
        if not self.execute:
            return
        if min(asked.grid) < 1 or min(asked.block) < 1:
            raise Fault(f"{name} launched with {min(asked.grid)} blocks of {min(asked.block)} threads")
        threads = asked.block[0] * asked.block[1] * asked.block[2]
        if threads > 1024:
            raise Fault(f"{name} launched with {threads} threads a block")
        if threads * asked.grid[0] * asked.grid[1] * asked.grid[2] > MAX_THREADS:
            raise OverBudget("threads")
        self.dynamic_bytes = asked.shared
        scope = self.scope
        for axis, extent, width in zip("xyz", asked.grid, asked.block, strict=True):
            scope[f"_gridDim_{axis}"], scope[f"_blockDim_{axis}"] = extent, width
        for z, y, x in product(range(asked.grid[2]), range(asked.grid[1]), range(asked.grid[0])):
            scope["_blockIdx_x"], scope["_blockIdx_y"], scope["_blockIdx_z"] = x, y, z
            self.block_memory = {}
            self._block(asked.block, kernel, args, named)

    def _block(self, block: tuple[int, int, int], kernel: Callable[..., Any], args: list[Any],
               named: dict[str, Any]) -> None:  # fmt: skip
        scope, machine = self.scope, self.machine
        waiting: list[_Thread] = []
        machine.left -= block[0] * block[1] * block[2]
        if machine.left < 0:
            raise OverBudget("steps")
        for z, y, x in product(range(block[2]), range(block[1]), range(block[0])):
            scope["_threadIdx_x"], scope["_threadIdx_y"], scope["_threadIdx_z"] = x, y, z
            made = kernel(*args, **named)
            if made is not None:
                waiting.append(_Thread(made, (x, y, z)))
        if waiting:
            self._together(waiting)

    def _together(self, threads: list[_Thread]) -> None:
        """Advance the threads of a block, phase by phase, until all have ended."""
        warps = [threads[i : i + WARP] for i in range(0, len(threads), WARP)]
        while True:
            for warp in warps:
                self._warp(warp)
            alive = [t for t in threads if t.request is not None]
            if not alive:
                return
            for thread in alive:  # all that live stand at a barrier of the block
                thread.request, thread.answer, thread.ready = None, None, True

    def _warp(self, warp: list[_Thread]) -> None:
        """Advance one warp until its threads have ended or stand at a barrier of the block."""
        while True:
            for thread in warp:
                if thread.ready:
                    self._advance(thread)
            asked = {t.request[0] if isinstance(t.request, tuple) else t.request for t in warp if t.request}
            if not asked or asked == {"block"}:
                return
            if len(asked) > 1:
                raise Unsupported("threads of a warp wait for different things")
            _exchange(warp)

    def _advance(self, thread: _Thread) -> None:
        self.machine.left -= 1
        if self.machine.left < 0:
            raise OverBudget("steps")
        scope = self.scope
        scope["_threadIdx_x"], scope["_threadIdx_y"], scope["_threadIdx_z"] = thread.index
        thread.ready = False
        try:
            thread.request = thread.code.send(thread.answer)
        except StopIteration:
            thread.request = None

    # memory on the chip

    def shared(self, key: int, sizes: list[Any], name: str) -> Memory:
        """A __shared__ variable of the present block."""
        if key not in self.block_memory:
            self.block_memory[key] = self.machine.array(sizes, name)
        return self.block_memory[key]

    def dynamic(self, name: str) -> Memory:
        """`extern __shared__`: as many elements of four bytes as the launch asked for."""
        if "dynamic" not in self.block_memory:
            self.block_memory["dynamic"] = self.machine.memory(self.dynamic_bytes // 4, name)
        return self.block_memory["dynamic"]

    # the library

    def library(self, name: str, *args: Any) -> Any:
        """A function of CUDA, else one of the C and C++ library."""
        function = _LIBRARY.get(name)
        if function is not None:
            return function(*args)
        if name.startswith("atomic"):
            return _atomic(name, *args)
        if name.startswith("cuda"):
            raise Unsupported(f"cuda {name}")
        return library(self.machine, name, *args)


class _Thread:
    """A thread that can wait."""

    __slots__ = ("answer", "code", "index", "ready", "request")

    def __init__(self, code: Generator[Any, Any, None], index: tuple[int, int, int]) -> None:
        self.code = code
        self.index = index
        self.ready = True
        self.request: Any = None
        self.answer: Any = None


def _exchange(warp: list[_Thread]) -> None:
    """Answer a shuffle of a whole warp, or let it go on from __syncwarp."""
    lanes = {at: t for at, t in enumerate(warp) if t.request}
    for at, thread in lanes.items():
        if isinstance(thread.request, tuple):
            how, value, by, width = thread.request
            first = at - at % width
            source = {"at": first + by % width, "up": at - by, "down": at + by, "xor": at ^ by}[how]
            inside = first <= source < first + width and source in lanes
            thread.answer = lanes[source].request[1] if inside else value
        else:
            thread.answer = None
    for thread in lanes.values():
        thread.request, thread.ready = None, True


def dim3(x: Any = 1, y: Any = 1, z: Any = 1) -> list[int]:
    """A dim3; a list given whole stays as it is."""
    return x if isinstance(x, list) else [int(x), int(y), int(z)]


def _three(value: Any) -> tuple[int, int, int]:
    if isinstance(value, Memory):
        raise Unsupported("launch")
    x, y, z = dim3(*value) if isinstance(value, list) else dim3(value)
    return int(x), int(y), int(z)


def _atomic(name: str, place: Any, value: Any, *more: Any) -> Any:
    memory, at = place
    old = memory[at]
    if name == "atomicCAS":
        memory[at] = more[0] if old == value else old
        return old
    change = {"atomicAdd": lambda: old + value, "atomicSub": lambda: old - value, "atomicMax": lambda: max(old, value),
              "atomicMin": lambda: min(old, value), "atomicExch": lambda: value}.get(name)  # fmt: skip
    if change is None:
        raise Unsupported(f"cuda {name}")
    memory[at] = change()
    return old


def _load(place: Any) -> Any:
    return place[0][place[1]]


_LIBRARY: dict[str, Callable[..., Any]] = {
    "__expf": mathematics.exp, "__logf": mathematics.log, "__powf": mathematics.pow_, "__fdividef": mathematics.divide,
    "fdividef": mathematics.divide, "__fdiv_rn": mathematics.divide,
    "rsqrtf": lambda x: mathematics.divide(1.0, mathematics.sqrt(x)),
    "rsqrt": lambda x: mathematics.divide(1.0, mathematics.sqrt(x)),
    "__frsqrt_rn": lambda x: mathematics.divide(1.0, mathematics.sqrt(x)), "__fsqrt_rn": mathematics.sqrt,
    "__frcp_rn": lambda x: mathematics.divide(1.0, x), "__fmaf_rn": lambda a, b, c: a * b + c,
    "__saturatef": lambda x: max(0.0, min(1.0, x)), "__ldg": _load, "__ldcg": _load, "__ldcs": _load,
    "__fmul_rn": lambda a, b: a * b, "__fadd_rn": lambda a, b: a + b, "__threadfence": lambda: None,
    "__threadfence_block": lambda: None,
}  # fmt: skip
