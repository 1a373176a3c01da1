"""Operators, comparisons and subscripts of the small Python evaluator, on numbers, lists and our tensors."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from kernelbench_harness.facts import dispatch
from kernelbench_harness.facts import torch_ops as ops
from kernelbench_harness.facts import torch_scalars as scalars
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.memory import Tensor, Unsupported

_OPS: dict[type, str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
ast.MatMult: "matmul",
                         ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.BitAnd: "bitwise_and",
                         ast.BitOr: "bitwise_or"}  # fmt: skip
_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
}  # fmt: skip
_COMPARE: dict[type, str] = {ast.Gt: "gt", ast.Lt: "lt", ast.GtE: "ge", ast.LtE: "le", ast.Eq: "eq", ast.NotEq: "ne"}


def binary(program: Any, node: ast.BinOp, scope: dict[str, Any]) -> Any:
    left, right = program.value(node.left, scope), program.value(node.right, scope)
    name = _OPS.get(type(node.op))
    if name is None:
        raise Unsupported("python operator")
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return dispatch.call(name, (left, right), {}) if name == "matmul" else ops.binary(name, left, right)
    if name == "mul" and isinstance(left, (list, tuple)) and (not isinstance(right, int) or right > 64):
        raise Unsupported("long list")
    if name == "pow" and abs(right) > 64:
        raise Unsupported("large power")
    try:
        return _PLAIN[name](left, right)
    except (TypeError, ZeroDivisionError, KeyError) as gap:
        raise Unsupported(f"python {name}") from gap


def compare(program: Any, node: ast.Compare, scope: dict[str, Any]) -> Any:
    left, right = program.value(node.left, scope), program.value(node.comparators[0], scope)
    kind = type(node.ops[0])
    if kind in (ast.Is, ast.IsNot):
        return (left is right) == (kind is ast.Is)
    if kind in (ast.In, ast.NotIn):
        return (left in right) == (kind is ast.In)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return ops.binary(_COMPARE[kind], left, right)
    return scalars.BINARY[_COMPARE[kind]](left, right)


def subscript(program: Any, owner: Any, index: ast.expr, scope: dict[str, Any]) -> Any:
    if not isinstance(owner, Tensor):
        if isinstance(index, ast.Slice):
            low = program.value(index.lower, scope) if index.lower else None
            return owner[low : program.value(index.upper, scope) if index.upper else None]
        return owner[program.value(index, scope)]
    dim = 0
    for part in index.elts if isinstance(index, ast.Tuple) else [index]:
        if isinstance(part, ast.Slice):
            bounds = [program.value(p, scope) if p else None for p in (part.lower, part.upper, part.step)]
            owner = views.slice_(owner, dim, slice(*bounds))
            dim += 1
        elif isinstance(part, ast.Constant) and part.value is None:
            owner = views.unsqueeze(owner, dim)
            dim += 1
        else:
            at = program.value(part, scope)
            if not isinstance(at, int):
                raise Unsupported("python index")
            owner = views.select(owner, dim, at)
    return owner


def unary(program: Any, node: ast.UnaryOp, scope: dict[str, Any]) -> Any:
    value = program.value(node.operand, scope)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(value, Tensor):
        return ops.unary("neg" if isinstance(node.op, ast.USub) else "logical_not", value)
    return -value if isinstance(node.op, ast.USub) else value
