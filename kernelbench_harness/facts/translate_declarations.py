"""Python for declared C++ variables: scalars, pointers, arrays, vectors, named lambdas.

Each function takes the translator (for symbols, types and the names it owns) and a var node.
"""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts import cuda_emit
from kernelbench_harness.facts.ctree import Declarator, Node, Type
from kernelbench_harness.facts.memory import Unsupported
from kernelbench_harness.facts.translate_expressions import pointer
from kernelbench_harness.facts.values import canonical, is_int

SCALARS = frozenset("bool char uchar short ushort int uint long ulong llong ullong half float double generic".split())


def emit_variable(t: Any, var: Node) -> None:
    info: Declarator = var.extra
    symbol = t.symbols.get(id(var))
    if info.names:
        raise Unsupported("structured binding")
    if symbol is None:
        raise Unsupported("declaration")
    name = f"{var.text}_{symbol.uid}"
    kind = symbol.type
    t.own(name, name + "_m", name + "_o")
    if (
        info.type.ref
        and not info.type.const
        and kind is not None
        and kind.base in SCALARS
        and not kind.ptr
        and not info.dims
    ):
        raise Unsupported("reference")
    if info.dims:
        t.put(f"{name} = {_array(t, var, info)}")
    elif kind is not None and kind.ptr:
        if kind.ptr > 1:
            raise Unsupported("pointer to pointer")
        if var.parts:
            memory, offset = pointer(t, var.parts[0])
            t.put(f"{name}_m, {name}_o = {memory}, {offset}")
    elif kind is not None and kind.base in ("vector", "array", "deque"):
        t.put(f"{name} = {_vector(t, var, kind)}")
    elif kind is not None and kind.base == "dim3" and t.device is not None:
        t.put(f"{name} = {cuda_emit.dim3(t, var.parts)}")
    elif kind is not None and kind.base in cuda_emit.OPAQUE and not var.parts and t.device is not None:
        t.put(f"{name} = 0")
    elif var.parts and var.parts[0].kind == "lambda":
        t.function(var.parts[0].extra, name, list(var.parts[0].extra.params))
    elif var.parts:
        value = var.parts[0]
        if value.kind == "init" and kind is not None and kind.base in SCALARS:
            value = value.parts[0] if value.parts else Node("num", "0")
        t.put(f"{name} = {t.convert(value, kind)}")
    elif kind is not None and kind.base not in SCALARS and kind.base != "Tensor":
        raise Unsupported(f"c++ type {kind.base}")


def _array(t: Any, var: Node, info: Declarator) -> str:
    sizes = [t.expr(d) if d is not None else "None" for d in info.dims]
    if not var.parts:
        return f"_array([{', '.join(sizes)}], {var.text!r})"
    parts = var.parts[0].parts if var.parts[0].kind == "init" else ()
    if any(p.kind == "init" for p in parts):
        raise Unsupported("nested array initialiser")
    return f"_array([{', '.join(sizes)}], {var.text!r}, [{', '.join(t.expr(p) for p in parts)}])"


def _vector(t: Any, var: Node, kind: Type) -> str:
    label = repr(var.text)
    if kind.base == "array":
        size = kind.args[1] if len(kind.args) > 1 else None
        if not isinstance(size, int):
            raise Unsupported("array size")
        values = [t.expr(p) for p in var.parts[0].parts] if var.parts else None
        return f"_array([{size}], {label}" + (f", [{', '.join(values)}])" if values is not None else ")")
    if not var.parts:
        return f"_vector(0, 0.0, {label})"
    if var.extra.style == "(":
        if len(var.parts) == 2 and is_int(t.types.get(id(var.parts[0]))):
            return f"_vector({t.expr(var.parts[0])}, {t.expr(var.parts[1])}, {label})"
        if len(var.parts) == 1:
            inner = kind.args[0] if kind.args else None
            if isinstance(inner, Type) and inner.base.endswith("vector"):
                raise Unsupported("vector of vectors")
            zero = "0" if isinstance(inner, Type) and is_int(canonical(inner)) else "0.0"
            return f"_vector({t.expr(var.parts[0])}, {zero}, {label})"
        raise Unsupported("vector constructor")
    if var.parts[0].kind == "init":
        return f"_list([{', '.join(t.expr(p) for p in var.parts[0].parts)}], {label})"
    return f"_list({t.expr(var.parts[0])}, {label})"
