"""Python for what only CUDA has: launches, thread indices, shared memory, barriers and shuffles.

A function in which threads wait for each other becomes a generator: it yields "block" at a barrier, and a tuple where
it wants values of other lanes. Each function takes the translator and a node, as those of `translate_expressions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernelbench_harness.facts.ctree import Node, Type, Unit, walk
from kernelbench_harness.facts.cuda_names import VARIABLES, VECTORS
from kernelbench_harness.facts.memory import Unsupported

_AXES = {"x": 0, "y": 1, "z": 2}
_BARRIERS = frozenset({"__syncthreads", "__syncwarp"})
_SHUFFLES = {"__shfl_sync": "at", "__shfl_up_sync": "up", "__shfl_down_sync": "down", "__shfl_xor_sync": "xor"}
_UNMODELLED = frozenset(
    """__any_sync __all_sync __ballot_sync __activemask __syncthreads_count __syncthreads_or __syncthreads_and __asm
    __reduce_add_sync __reduce_max_sync __shfl __ballot""".split()
)
_SAY_NOTHING = frozenset(
    """cudaStreamCreate cudaStreamDestroy cudaStreamSynchronize cudaEventCreate cudaEventDestroy cudaEventRecord
    cudaStreamWaitEvent cudaEventSynchronize cudaDeviceSynchronize cudaGetLastError cudaPeekAtLastError
    cudaFuncSetAttribute cudaFuncSetCacheConfig cudaStreamCreateWithFlags cudaEventCreateWithFlags cudaSetDevice
    cudaGetErrorString""".split()
)
"""Calls of the runtime without which the result is the same."""
OPAQUE = frozenset({"cudaStream_t", "cudaEvent_t", "cudaError_t"})
CONSTANTS = {"cudaSuccess": "0", "warpSize": "32", "CUDART_INF_F": "INF", "CUDART_NAN_F": "NAN", "kCUDA": "'cuda'",
             "CUDART_PI_F": "3.141592653589793"}  # fmt: skip


@dataclass
class DeviceCode:
    """What the translator knows of a source's device code; the set of scalars grows while it writes."""

    cooperative: frozenset[str]
    """Functions in which threads wait for each other."""
    shared_scalars: set[int] = field(default_factory=set)
    """Symbols of __shared__ variables that are no arrays."""


def device_code(unit: Unit) -> DeviceCode:
    """Which functions wait, directly or through one that they call."""
    calls = {
        f.name: {n.parts[0].text for n in walk(f.body) if n.kind == "call" and n.parts[0].kind == "name"}
        for f in unit.functions
        if f.body is not None
    }
    waiting = {name for name, called in calls.items() if called & (_BARRIERS | set(_SHUFFLES))}
    while more := {name for name, called in calls.items() if called & waiting} - waiting:
        waiting |= more
    return DeviceCode(frozenset(waiting))


def no_vectors(kind: Type) -> None:
    """Refuse a pointer to float4 and its like: an address counts elements of one type only."""
    if kind.base in VECTORS:
        raise Unsupported("vector types")


def member(t: Any, node: Node) -> str:
    """threadIdx.x, or a part of a dim3."""
    base = node.parts[0]
    if node.text in _AXES and base.kind == "name":
        if base.text in VARIABLES and id(base) not in t.symbols:
            return f"_{base.text}_{node.text}"
        kind = t.types.get(id(base))
        if kind is not None and kind.base == "dim3" and not kind.ptr:
            return f"{t.local(base)}[{_AXES[node.text]}]"
    raise Unsupported("c++ member")


def dim3(t: Any, parts: tuple[Node, ...]) -> str:
    """A dim3 as a list of three."""
    if len(parts) == 1 and parts[0].kind == "init":
        parts = parts[0].parts
    return f"_dim3({', '.join(t.expr(p) for p in parts)})"


def launch(t: Any, node: Node) -> str:
    """`kernel<<<grid, block, shared>>>(arguments)`; the stream says nothing about the result."""
    from kernelbench_harness.facts.translate_expressions import argument

    kernel, *config = node.parts[0].parts
    if kernel.kind != "name" or len(config) < 2:
        raise Unsupported("launch")
    given = [t.expr(p) if p.kind != "init" else dim3(t, (p,)) for p in config[:3]] + ["0"] * (3 - len(config))
    args, named = [argument(t, a) for a in node.parts[1:]], _template_values(t, kernel)
    return (
        f"_launch({kernel.text!r}, {', '.join(given)}, {_function(t, kernel)}, [{', '.join(args)}],"
        f" dict({', '.join(named)}))"
    )


def _function(t: Any, kernel: Node) -> str:
    if id(kernel) not in t.symbols:
        raise Unsupported(f"kernel {kernel.text}")
    return str(t.local(kernel))


def _template_values(t: Any, callee: Node) -> list[str]:
    """`NAME=value` for each integer among the template arguments."""
    functions = [f for f in t.functions.get(callee.text, []) if f.body is not None]
    if not functions or not callee.extra:
        return []
    symbols = t.templates.get(id(functions[0]), {})
    given = []
    for name, value in zip(functions[0].templates, callee.extra, strict=False):
        if isinstance(value, int) and name in symbols:
            given.append(f"{name}_{symbols[name].uid}={t.integers.get(value, value)}")
    return given


def call(t: Any, node: Node) -> str:
    """Calls that CUDA gives another meaning; "" for all others."""
    from kernelbench_harness.facts.translate_expressions import argument

    callee, args = node.parts[0], node.parts[1:]
    name = callee.text
    if id(callee) in t.symbols:
        symbol = t.symbols[id(callee)]
        if symbol.kind == "template":  # T(2): a value of a type that is not known
            return f"({t.expr(args[0])})" if len(args) == 1 else "0"
        functions = t.functions.get(symbol.name, []) if symbol.kind == "fn" else []
        if len([f for f in functions if f.body is not None]) > 1:
            raise Unsupported("overloads")
        values = _template_values(t, callee)
        code = f"{t.local(callee)}({', '.join([*(argument(t, a) for a in args), *values])})"
        if symbol.kind == "fn" and symbol.name in t.device.cooperative:
            return f"(yield from {code})"
        return code if values else ""
    if name == "__syncthreads":
        return "(yield 'block')"
    if name == "__syncwarp":
        return "(yield 'warp')"
    if name in _SHUFFLES:
        width = t.expr(args[3]) if len(args) > 3 else "32"
        return f"(yield ({_SHUFFLES[name]!r}, {t.expr(args[1])}, {t.expr(args[2])}, {width}))"
    if name == "dim3":
        return dim3(t, args)
    if name in _UNMODELLED or name.startswith("make_"):
        raise Unsupported(f"cuda {name}")
    if name in _SAY_NOTHING:
        return "0"
    tail = name.rpartition("::")[2]
    if tail in ("getCurrentCUDAStream", "CUDAGuard", "OptionalCUDAGuard"):
        return "None"
    return "None" if tail in ("C10_CUDA_CHECK", "AT_CUDA_CHECK", "C10_CUDA_KERNEL_LAUNCH_CHECK") else ""


def emit_shared(t: Any, var: Node) -> None:
    """A __shared__ variable: one for all threads of a block."""
    symbol = t.symbols.get(id(var))
    if symbol is None:
        raise Unsupported("declaration")
    name = f"{var.text}_{symbol.uid}"
    t.own(name)
    dims = var.extra.dims
    if len(dims) == 1 and dims[0] is None:
        t.put(f"{name} = _dynamic({var.text!r})")
        return
    if not dims:
        t.device.shared_scalars.add(symbol.uid)
    sizes = ", ".join(t.expr(d) for d in dims) or "1"
    t.put(f"{name} = _shared({symbol.uid}, [{sizes}], {var.text!r})")
