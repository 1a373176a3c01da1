"""Follows a Triton candidate on shrunken sizes, lane by lane, and its launches at the real ones.

Guaranteed: nothing of the sources runs in Python itself; the steps are bounded; an address outside a tensor is a fault
at once. Not guaranteed: rounding, blocks of two dimensions, tl.dot, order of atomics; those are "unsupported".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from kernelbench_harness.facts import mathematics
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.cuda_machine import Launch
from kernelbench_harness.facts.device_sizes import uneven
from kernelbench_harness.facts.dryrun import DryRun, compare, ended
from kernelbench_harness.facts.machine import Machine
from kernelbench_harness.facts.memory import DryRunError, Fault, Memory, OverBudget, Source, Tensor, Unsupported
from kernelbench_harness.facts.modules import share_state
from kernelbench_harness.facts.problem import PYTHON_ERRORS, class_of, follow, parse, real_sizes
from kernelbench_harness.facts.pyeval import Extension, Program
from kernelbench_harness.facts.shrink import choose
from kernelbench_harness.facts.triton_check import Kernel
from kernelbench_harness.facts.triton_emit import KernelText

MAX_LANES = 40_000
LANE_STEPS = 24_000
"""Loop iterations of all lanes together; a lane's iteration costs about 2 microseconds."""
_OPTIONS = frozenset("num_warps num_stages num_ctas maxnreg grid warmup".split())


class Pointer:
    """An address: a memory and an element of it."""

    __slots__ = ("at", "memory")

    def __init__(self, memory: Memory, at: int) -> None:
        self.memory = memory
        self.at = at

    def __add__(self, by: int) -> Pointer:
        return Pointer(self.memory, self.at + by)

    __radd__ = __add__

    def __sub__(self, by: int) -> Pointer:
        return Pointer(self.memory, self.at - by)


class Grid:
    """Stands for a jit function in the evaluator: `kernel[grid](arguments)` runs it or notes the launch."""

    def __init__(self, kernel: Kernel, machine: Machine, integers: Mapping[int, int], launches: list[Launch] | None):
        self.kernel = kernel
        self.machine = machine
        self.integers = integers
        self.launches = launches
        """Where launches are noted instead of run; None: they are run."""

    def __getitem__(self, grid: Any) -> Callable[..., None]:
        return lambda *args, **named: self.run(grid, args, named)

    def run(self, grid: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """One launch."""
        given = dict(zip(self.kernel.params, args, strict=False)) | {
            k: v for k, v in named.items() if k not in _OPTIONS
        }
        name = self.kernel.node.name
        if len(args) > len(self.kernel.params) or set(given) - set(self.kernel.params):
            raise Fault(f"{name} gets arguments that it does not take")
        if self.kernel.tuned:
            raise Unsupported("autotune")
        lacking = self.kernel.required - set(given)
        if lacking:
            raise Fault(f"{name} lacks {min(lacking)}")
        shape = grid(given) if callable(grid) else grid
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        shape = (*shape, 1, 1)[:3]
        code = KernelText(self.kernel, self.integers)
        scope = _scope(self.machine)
        exec(compile(code.source(), "<triton>", "exec"), scope)
        values = {f"v_{k}": _argument(v) for k, v in given.items()}
        extents = set(scope["lanes"](**values))
        if len(extents) > 1:
            raise Unsupported("blocks of several lengths")
        lanes = extents.pop() if extents else 1
        if self.launches is not None:
            self.launches.append(Launch(name, shape, (lanes, 1, 1), 0))
            return
        if min(shape) < 1:
            raise Fault(f"{name} launched with grid {list(shape)}")
        if lanes * shape[0] * shape[1] * shape[2] > MAX_LANES:
            raise OverBudget("lanes")
        self._programs(scope, shape, lanes, values, code.reduces)

    def _programs(self, scope: dict[str, Any], shape: tuple[int, ...], lanes: int, values: dict[str, Any],
                  reduces: bool) -> None:  # fmt: skip
        kernel, machine = scope["kernel"], self.machine
        scope["_num_programs_0"], scope["_num_programs_1"], scope["_num_programs_2"] = shape
        for z, y, x in product(range(shape[2]), range(shape[1]), range(shape[0])):
            scope["_program_id_0"], scope["_program_id_1"], scope["_program_id_2"] = x, y, z
            machine.left -= lanes
            if machine.left < 0:
                raise OverBudget("steps")
            if reduces:
                _together(scope, kernel, lanes, values)
                continue
            for lane in range(lanes):
                scope["_lane"] = lane
                kernel(**values)


def _together(scope: dict[str, Any], kernel: Callable[..., Any], lanes: int, values: dict[str, Any]) -> None:
    """Lanes of one program, step by step from one reduction to the next."""
    live = [(lane, kernel(**values)) for lane in range(lanes)]
    answer: Any = None
    while live:
        asked = []
        for lane, code in live:
            scope["_lane"] = lane
            try:
                asked.append((lane, code, code.send(answer)))
            except StopIteration:
                continue
        if asked and len(asked) != len(live):
            raise Unsupported("lanes that end apart")
        if asked:
            how, parts = asked[0][2][0], [request[1] for _, _, request in asked]
            answer = sum(parts) if how == "sum" else max(parts) if how == "max" else min(parts)
        live = [(lane, code) for lane, code, _ in asked]


def _range(machine: Machine, *bounds: Any) -> range:
    return machine.counted(*(bounds if len(bounds) > 1 else (0, *bounds)))


def _argument(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Pointer(value.memory if value.memory is not None else Memory(0), value.offset)
    if isinstance(value, (int, float)) or value is None:
        return value
    raise Unsupported("triton argument")


def _load(base: Any, offset: Any, mask: Any, other: Any) -> Any:
    if mask is not None and not mask:
        return other if other is not None else 0.0
    if type(base) is Pointer and type(offset) is int:
        return base.memory[base.at + offset]
    place = base + offset
    if not isinstance(place, Pointer):
        raise Unsupported("load of no pointer")
    return place.memory[place.at]


def _store(base: Any, offset: Any, value: Any, mask: Any) -> None:
    if mask is not None and not mask:
        return
    place = base + offset
    if not isinstance(place, Pointer):
        raise Unsupported("store to no pointer")
    if not 0 <= place.at < place.memory.size:
        raise Fault(f"writes {place.memory.name or 'tensor'}[{place.at}] of {place.memory.size}")
    place.memory[place.at] = value


def _atomic(how: str, base: Any, offset: Any, value: Any, mask: Any) -> Any:
    if mask is not None and not mask:
        return 0
    old = _load(base, offset, None, None)
    _store(base, offset, {"add": old + value, "max": max(old, value), "min": min(old, value)}[how], None)
    return old


def _scope(machine: Machine) -> dict[str, Any]:
    """What the text of a kernel may use: nothing else is in reach."""
    basic = mathematics.BASIC
    names: dict[str, Any] = {
        f"_{n}": basic[n] for n in "exp log sqrt erf sin cos exp2 log2 tanh log1p pow expm1".split()
    }
    return names | {
        "__builtins__": {"max": max, "min": min, "abs": abs}, "_range": partial(_range, machine), "_load": _load,
        "_store": _store, "_atomic": _atomic, "_div": mathematics.divide, "_idiv": _floor, "_imod": _modulo,
        "_not": lambda x: not x if isinstance(x, bool) else ~x, "_where": lambda c, a, b: a if c else b,
        "_cast": lambda x, whole: mathematics.to_int(x) if whole else float(x) if not isinstance(x, Pointer) else x,
        "_rsqrt": lambda x: mathematics.divide(1.0, mathematics.sqrt(x)), "_inf": mathematics.INF,
        "_sigmoid": lambda x: mathematics.divide(1.0, 1.0 + mathematics.exp(-x)),
        "_floor": basic["floor"], "_ceil": basic["ceil"], "_fma": lambda a, b, c: a * b + c,
        "_cdiv": lambda a, b: -(-a // b), "_clamp": lambda x, low, high: max(low, min(x, high)),
        "_power": lambda n: 1 << max(0, n - 1).bit_length(),
    }  # fmt: skip


def _floor(a: Any, b: Any) -> Any:
    if not b:
        raise Fault("integer division by zero")
    return mathematics.int_divide(a, b) if isinstance(a, int) and isinstance(b, int) else a // b


def _modulo(a: Any, b: Any) -> Any:
    if not b:
        raise Fault("modulo zero")
    return mathematics.remainder_c(a, b) if isinstance(a, int) and isinstance(b, int) else a % b


def dry_run_triton(
    reference: str, tree: ast.Module, kernels: Mapping[str, Kernel], source: str, launches: Sequence[Launch]
) -> DryRun:
    """Follow problem and candidate at shrunken sizes; never raises for anything in the sources.

    `launches`: those at the real sizes.
    """
    if parse(reference) is None:
        return DryRun("none")
    integers = uneven(reference, choose(reference, source), launches)
    problem = follow(reference, integers)
    if isinstance(problem, str):
        return DryRun("unsupported", f"problem: {problem}")
    machine = Machine(LANE_STEPS)

    def run() -> Any:
        program = _program(tree, kernels, machine, integers, Source(11, True), None)
        model = program.construct(class_of(tree, "ModelNew"), problem.init, {})
        share_state(problem.model, model)
        result = program.forward(model, problem.inputs)
        if isinstance(result, Tensor):
            views.memory_of(result)
        return result

    return ended(lambda: compare(problem.expected, run(), machine), machine, problem.expected is not None)


def real_triton_launches(reference: str, tree: ast.Module, kernels: Mapping[str, Kernel]) -> list[Launch]:
    """The launches of one forward at the real sizes: grid, and lanes as the block."""
    sizes = real_sizes(reference)
    launches: list[Launch] = []
    if sizes is None:
        return launches
    try:
        program = _program(tree, kernels, Machine(LANE_STEPS), {}, Source(3, False), launches)
        model = program.construct(class_of(tree, "ModelNew"), list(sizes[0]), {})
        program.forward(model, list(sizes[1]))
    except (DryRunError, NameError, SyntaxError, OverflowError, *PYTHON_ERRORS):
        pass
    return launches


def _program(tree: ast.Module, kernels: Mapping[str, Kernel], machine: Machine, integers: Mapping[int, int],
             source: Source, launches: list[Launch] | None) -> Program:  # fmt: skip
    def no_extension(name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise Unsupported("extension")

    program = Program(tree, source, Extension(no_extension), integers)
    for name, kernel in kernels.items():
        program.globals[name] = Grid(kernel, machine, integers, launches)
    return program
