"""Rules about where code runs: what a kernel may call, what a host function may call, what a launch may name.

Guaranteed: a call is reported only when every function of that name in the source stands on the wrong side (checked
against nvcc 13 with probes). Templates that nothing in the source calls are left out, as nvcc leaves them out.
"""

from __future__ import annotations

from typing import NamedTuple

from kernelbench_harness.facts.ctree import Func, Node, Unit, walk
from kernelbench_harness.facts.cuda_names import DEVICE_ARITY
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.symbols import Checked

_ON_DEVICE = frozenset({"__device__", "__global__"})
_HOST_TOO = frozenset({"clock", "clock64", "sincos", "sincosf", "__launch_bounds__"})
_DEVICE_ONLY = frozenset(
    name
    for name in DEVICE_ARITY
    if name not in _HOST_TOO and "half" not in name and "bfloat" not in name and not name.startswith("__h")
)


class _Scene(NamedTuple):
    checked: Checked
    called: frozenset[str]
    """Names that something in the source calls or launches."""
    extended: bool


def check_spaces(unit: Unit, checked: Checked, extended: bool = False) -> list[Finding]:
    """Findings about the functions of a CUDA source, the first of each name.

    `extended`: nvcc is given --extended-lambda.
    """
    bodies = [(func, walk(func.body)) for func in unit.functions if func.body is not None]
    called = frozenset(_callee(n).text for _, nodes in bodies for n in nodes if n.kind == "call")
    scene = _Scene(checked, called, extended)
    found: dict[tuple[str, str], Finding] = {}
    for func, nodes in bodies:
        for finding in _function(func, nodes, scene):
            found.setdefault((finding.kind, finding.detail), finding)
    return list(found.values())


def _callee(call: Node) -> Node:
    callee = call.parts[0]
    return callee.parts[0] if callee.kind == "launch" else callee


def _function(func: Func, nodes: list[Node], scene: _Scene) -> list[Finding]:
    if func.templates and func.name not in scene.called:
        return []
    found = []
    on_device = bool(func.spaces & _ON_DEVICE)
    if "__global__" in func.spaces and (func.returns.base != "void" or func.returns.ptr):
        found.append(Finding("space", f"kernel {func.name} returns {func.returns.base}", func.line))
    for node in nodes:
        if node.kind == "call":
            detail = _launch(node, scene, on_device) if node.parts[0].kind == "launch" else _call(node, func, scene)
            if detail:
                found.append(Finding("space", detail, node.line))
        elif node.kind == "lambda" and node.extra.spaces and not scene.extended:
            found.append(Finding("space", "__device__ lambda needs --extended-lambda", node.line))
        elif node.kind == "bin" and node.text == "<<" and node.parts[0].kind == "name":
            kernels = scene.checked.functions.get(node.parts[0].text, [])
            if kernels and all("__global__" in f.spaces for f in kernels):
                found.append(Finding("syntax", f"{node.parts[0].text} << instead of <<<", node.line))
        elif node.kind == "decl" and node.text == "__shared__":
            found += _shared(node, on_device, scene)
    return found


def _launch(node: Node, scene: _Scene, on_device: bool) -> str:
    kernel = _callee(node)
    functions = scene.checked.functions.get(kernel.text.rpartition("::")[2], [])
    if len(node.parts[0].parts) < 3:
        return f"{kernel.text}<<<>>> wants grid and block"
    if functions and not any("__global__" in f.spaces for f in functions):
        return f"{kernel.text} launched, not __global__"
    return f"{kernel.text} launched from device code" if on_device and functions else ""


def _call(node: Node, func: Func, scene: _Scene) -> str:
    callee = node.parts[0]
    if callee.kind != "name":
        return ""
    name = callee.text.rpartition("::")[2]
    on_device, on_host = bool(func.spaces & _ON_DEVICE), not func.spaces & _ON_DEVICE or "__host__" in func.spaces
    symbol = scene.checked.symbols.get(id(callee))
    if symbol is None:
        known = name == callee.text and name in _DEVICE_ONLY and name not in scene.checked.functions
        return f"{name} in host code" if known and not on_device else ""
    functions = scene.checked.functions.get(name, []) if symbol.kind == "fn" else []
    if not functions:
        return ""
    if all("__global__" in f.spaces for f in functions):
        return f"kernel {name} called without <<<>>>"
    if on_device and not on_host and not any(f.spaces & {*_ON_DEVICE, "constexpr"} for f in functions):
        return f"host function {name} in device code"
    if not on_device and all("__device__" in f.spaces and "__host__" not in f.spaces for f in functions):
        return f"device function {name} in host code"
    return ""


def _shared(decl: Node, on_device: bool, scene: _Scene) -> list[Finding]:
    """__shared__ variables: not on the host, no initialiser, constant sizes."""
    found = []
    for var in decl.parts:
        if not on_device:
            found.append(Finding("space", f"__shared__ {var.text} in host code", var.line))
        elif var.parts and var.extra.dims:
            found.append(Finding("space", f"__shared__ {var.text} initialised", var.line))
        for dim in var.extra.dims:
            for name in walk(dim):
                symbol = scene.checked.symbols.get(id(name)) if name.kind == "name" else None
                if symbol is not None and (symbol.kind == "param" or (symbol.kind == "var" and not symbol.const)):
                    found.append(Finding("space", f"__shared__ {var.text}[{name.text}] not constant", var.line))
    return found
