"""What a launch asks for at the real sizes, held against what a GPU gives: threads, blocks, shared memory.

Guaranteed: a finding names a launch that the runtime refuses on the GPU named (on any, where none is). Only launches
whose sizes the host code fixes from shapes and constants are judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

from kernelbench_harness.facts.cost_values import value_of
from kernelbench_harness.facts.ctree import Func, Node, Type, Unit, walk
from kernelbench_harness.facts.cuda_machine import Launch
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.gpus import STATIC_SHARED_BYTES, Gpu
from kernelbench_harness.facts.symbols import Checked
from kernelbench_harness.facts.values import canonical

_BYTES = {"bool": 1, "char": 1, "uchar": 1, "short": 2, "ushort": 2, "half": 2, "int": 4, "uint": 4, "float": 4}
CONSTANT_BYTES = 64 * 1024
_LARGEST_SHARED = 227 * 1024
"""Of any architecture so far."""


@dataclass(frozen=True)
class Geometry:
    """The launches of one forward, summed up for text and vector."""

    launches: int = 0
    blocks: int = 0
    """Of the launch with most threads."""
    threads: int = 0
    """Threads per block of that launch."""
    all_threads: float = 0.0
    """Threads of that launch."""
    shared_bytes: int = 0
    """Most shared memory that a block of any launch has, static and dynamic."""

    def text(self) -> str:
        """A few words, or ""."""
        if not self.launches:
            return ""
        shared = f" shared {self.shared_bytes}" if self.shared_bytes else ""
        more = f" launches {self.launches}" if self.launches > 1 else ""
        return f"grid {self.blocks} block {self.threads}{shared}{more}"


def static_shared(func: Func, checked: Checked) -> int:
    """Bytes of a kernel's __shared__ arrays whose sizes are constants."""
    shared = [n for n in walk(func.body) if n.kind == "decl" and n.text == "__shared__"]
    env: dict[int, int] = {}
    if shared:  # sizes may be constants declared before
        for node in walk(func.body):
            if node.kind == "var" and len(node.parts) == 1 and id(node) in checked.symbols:
                value = value_of(node.parts[0], checked.symbols, env)
                if isinstance(value, int) and checked.symbols[id(node)].const:
                    env[checked.symbols[id(node)].uid] = value
    return sum(_bytes(node, checked, env) for node in shared)


def _bytes(decl: Node, checked: Checked, env: Mapping[int, int] = MappingProxyType({})) -> int:
    """Bytes of the arrays and scalars of a declaration; those whose size is not known count 0."""
    total = 0
    for var in decl.parts:
        sizes = [value_of(d, checked.symbols, env) for d in var.extra.dims if d is not None]
        if len(sizes) == len(var.extra.dims) and all(isinstance(s, int) and s > 0 for s in sizes):
            total += prod(sizes) * _width(var.extra.type)
    return total


def _width(kind: Type) -> int:
    plain = canonical(kind)
    return 8 if kind.ptr else _BYTES.get(plain.base if plain else "", 8 if plain and plain.base == "double" else 4)


def check_memory(unit: Unit, checked: Checked) -> list[Finding]:
    """Memory that ptxas refuses: more than 48 KB declared as shared, more than 64 KB of constants."""
    found = []
    for func in unit.functions:
        size = static_shared(func, checked) if func.body is not None and "__global__" in func.spaces else 0
        if size > STATIC_SHARED_BYTES:
            found.append(
                Finding("space", f"{func.name} declares {size} bytes shared of {STATIC_SHARED_BYTES}", func.line)
            )
    constants = [decl for decl in unit.globals if decl.text == "__constant__"]
    size = sum(_bytes(decl, checked) for decl in constants)
    if size > CONSTANT_BYTES:
        found.append(Finding("space", f"{size} bytes of constants of {CONSTANT_BYTES}", constants[0].line))
    return found


def check_launches(
    launches: Sequence[Launch], unit: Unit, checked: Checked, bounds: Mapping[str, int], gpu: Gpu | None, raises: bool
) -> tuple[Geometry, list[Finding]]:
    """`raises`: the source asks for more than 48 KB with cudaFuncSetAttribute."""
    kernels = {f.name: f for f in unit.functions if f.body is not None}
    static = {name: static_shared(f, checked) for name, f in kernels.items() if "__global__" in f.spaces}
    found: list[Finding] = []
    best = Geometry(launches=len(launches))
    for launch in launches:
        threads, blocks = prod(launch.block), prod(launch.grid)
        shared = launch.shared + static.get(launch.kernel, 0)
        found += _refused(launch, threads, shared, bounds.get(launch.kernel, 1024), gpu, raises)
        most = max(shared, best.shared_bytes)
        if threads * blocks >= best.all_threads:
            best = Geometry(len(launches), blocks, threads, float(threads * blocks), most)
        else:
            best = Geometry(len(launches), best.blocks, best.threads, best.all_threads, most)
    return best, list({(f.kind, f.detail): f for f in found}.values())


def blocks_of(launches: Sequence[Launch]) -> Geometry:
    """What launches amount to, without judging them."""
    best = max(launches, key=lambda x: prod(x.grid) * prod(x.block), default=None)
    if best is None:
        return Geometry()
    return Geometry(len(launches), prod(best.grid), prod(best.block), float(prod(best.grid) * prod(best.block)))


def _refused(launch: Launch, threads: int, shared: int, bound: int, gpu: Gpu | None, raises: bool) -> list[Finding]:
    """Why the runtime would refuse a launch."""
    name, found = launch.kernel, []
    if threads > 1024:
        found.append(Finding("launch", f"{name} {threads} threads a block of 1024"))
    elif threads > bound:
        found.append(Finding("launch", f"{name} {threads} threads over launch bounds {bound}"))
    if min(launch.block) < 1 or min(launch.grid) < 1:
        found.append(Finding("launch", f"{name} grid {list(launch.grid)} block {list(launch.block)}"))
    if max(launch.grid[1:]) > 65535 or launch.grid[0] > 2**31 - 1:
        found.append(Finding("launch", f"{name} grid {list(launch.grid)} too large"))
    if launch.block[2] > 64:
        found.append(Finding("launch", f"{name} block z {launch.block[2]} of 64"))
    most = (gpu.shared_bytes if gpu is not None else _LARGEST_SHARED) if raises else STATIC_SHARED_BYTES
    if shared > most:
        found.append(Finding("shared_memory", f"{name} {shared} bytes of {most}"))
    return found
