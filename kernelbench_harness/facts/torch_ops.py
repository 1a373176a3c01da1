"""torch's operators on the dry run's tensors, in plain Python.

Written from the documented formulas of torch. An operator that is not here raises Unsupported: then nothing is
concluded. Shapes alone (tensors without memory) go through the operators whose result shape is evident.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from kernelbench_harness.facts.mathematics import INF, divide, exp, log, sqrt
from kernelbench_harness.facts.memory import (
    FLOATING,
    Fault,
    Tensor,
    afford,
    tensor,
)
from kernelbench_harness.facts.torch_scalars import BINARY, COMPARISONS, UNARY
from kernelbench_harness.facts.torch_views import broadcast_shape, contiguous, dims_of, expand, transpose, view


def unary(name: str, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    function = UNARY[name]
    keep = name in ("relu", "neg", "abs", "clamp", "square", "sign", "clamp_min", "clamp_max")
    dtype = "bool" if name in COMPARISONS else x.dtype if keep or x.dtype in FLOATING else "float32"
    if x.memory is None:
        return Tensor(x.shape, None, dtype)
    values = x.flat()
    done = [function(v, *args, **kwargs) for v in values] if args or kwargs else [function(v) for v in values]
    return tensor(x.shape, done, dtype)


def binary(name: str, a: Any, b: Any, alpha: float = 1) -> Any:
    function = BINARY[name]
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return function(a, b)
    dtype = _result_dtype(name, a, b)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        shape = a.shape if a.shape == b.shape else broadcast_shape(a.shape, b.shape)
        if a.memory is None or b.memory is None:
            return Tensor(shape, None, dtype)
        left = a.flat() if a.shape == shape else expand(a, shape).flat()
        right = b.flat() if b.shape == shape else expand(b, shape).flat()
        if alpha != 1:
            right = [alpha * v for v in right]
        return tensor(shape, [function(u, v) for u, v in zip(left, right, strict=True)], dtype)
    known = a if isinstance(a, Tensor) else b
    if known.memory is None:
        return Tensor(known.shape, None, dtype)
    if isinstance(a, Tensor):
        return tensor(a.shape, [function(v, b) for v in a.flat()], dtype)
    return tensor(b.shape, [function(a, v) for v in b.flat()], dtype)


def _result_dtype(name: str, a: Any, b: Any) -> str:
    if name in COMPARISONS:
        return "bool"
    kinds = [v.dtype if isinstance(v, Tensor) else ("float32" if isinstance(v, float) else "bool") for v in (a, b)]
    for dtype in ("float64", "float32", "float16", "int64", "int32"):
        if dtype in kinds:
            return "float32" if name == "div" and dtype[0] == "i" else dtype
    return "float32" if name == "div" else "int64" if name in ("add", "mul", "sub") else "bool"


def groups(x: Tensor, dim: Any, keepdim: bool) -> tuple[list[list[Any]], tuple[int, ...]]:
    """Values grouped over the reduced dimensions, and the shape of the result."""
    reduced = dims_of(x, dim)
    kept = [d for d in range(len(x.shape)) if d not in reduced]
    shape = tuple((1 if d in reduced else n) for d, n in enumerate(x.shape) if keepdim or d not in reduced)
    order = kept + reduced
    if x.memory is None:
        return [], shape
    moved = Tensor(tuple(x.shape[d] for d in order), x.memory, x.dtype, tuple(x.strides[d] for d in order), x.offset)
    values = moved.flat()
    width = prod(x.shape[d] for d in reduced)
    return [values[i : i + width] for i in range(0, len(values), width)] if width else [], shape


def reduce(
    x: Tensor, function: Callable[[list[Any]], Any], dim: Any = None, keepdim: bool = False, dtype: str = ""
) -> Tensor:
    parts, shape = groups(x, dim, keepdim)
    kind = dtype or x.dtype
    if x.memory is None:
        return Tensor(shape, None, kind)
    return tensor(shape, [function(p) for p in parts], kind)


def along(x: Tensor, dim: int, function: Callable[[list[Any]], list[Any]], dtype: str = "") -> Tensor:
    """Apply a list function along one dimension; the shape stays."""
    if x.memory is None:
        return Tensor(x.shape, None, dtype or x.dtype)
    d = dims_of(x, dim)[0]
    values = x.flat()
    inner = prod(x.shape[d + 1 :])
    extent = x.shape[d]
    out = [None] * len(values)
    for start in range(0, len(values), inner * extent):
        for k in range(inner):
            where = slice(start + k, start + k + inner * extent, inner)
            out[where] = function(values[where])
    return tensor(x.shape, out, dtype or x.dtype)


def _softmax(v: list[float]) -> list[float]:
    top = max(v)
    e = [exp(u - top) for u in v]
    s = sum(e)
    return [u / s for u in e]


def _logsumexp(v: list[float]) -> float:
    top = max(v)
    return top + log(sum(exp(u - top) for u in v)) if abs(top) != INF else top


def _mean(v: list[float]) -> float:
    return sum(v) / len(v)


def variance(v: list[float], correction: float = 1) -> float:
    mean = _mean(v)
    return divide(sum((u - mean) ** 2 for u in v), len(v) - correction)


def _running(step: Callable[[Any, Any], Any]) -> Callable[[list[Any]], list[Any]]:
    def run(v: list[Any]) -> list[Any]:
        out = v[:1]
        for u in v[1:]:
            out.append(step(out[-1], u))
        return out

    return run


def extreme(x: Tensor, name: str, dim: Any = None, keepdim: bool = False) -> Any:
    """torch.max and torch.min: a tensor, a pair (values, indices), or elementwise with a second tensor."""
    best = max if name == "max" else min
    if isinstance(dim, Tensor):
        return binary(name + "imum", x, dim)
    if dim is None:
        return reduce(x, best)
    where = reduce(x, lambda v: v.index(best(v)), dim, keepdim, "int64")
    return Pair((reduce(x, best, dim, keepdim), where))


class Pair(tuple[Tensor, ...]):
    """(values, indices) with the names that torch gives them."""

    @property
    def values(self) -> Tensor:
        return self[0]

    @property
    def indices(self) -> Tensor:
        return self[1]


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    if p in ("fro", 2, 2.0, None):
        return reduce(x, lambda v: sqrt(sum(u * u for u in v)), dim, keepdim)
    if p in (1, 1.0):
        return reduce(x, lambda v: sum(abs(u) for u in v), dim, keepdim)
    if p == INF or p == "inf":
        return reduce(x, lambda v: max(abs(u) for u in v), dim, keepdim)
    return reduce(x, lambda v: sum(abs(u) ** p for u in v) ** (1.0 / p), dim, keepdim)


def var(
    x: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None
) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    c = (1 if unbiased else 0) if correction is None else correction
    return reduce(x, lambda v: variance(v, c), dim, keepdim)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """torch.matmul for 1-d and higher operands."""
    if len(a.shape) == 1 and len(b.shape) == 1:
        return binary_dot(a, b)
    if len(a.shape) == 1:
        row = matmul(view(a, (1, a.shape[0])), b)
        return view(row, row.shape[:-2] + row.shape[-1:])
    if len(b.shape) == 1:
        column = matmul(a, view(contiguous(b), (b.shape[0], 1)))
        return view(column, column.shape[:-1])
    if a.shape[-1] != b.shape[-2]:
        raise Fault(f"matmul {list(a.shape)} x {list(b.shape)}")
    lead = broadcast_shape(a.shape[:-2], b.shape[:-2])
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    shape = (*lead, m, n)
    if a.memory is None or b.memory is None:
        return Tensor(shape, None, a.dtype)
    afford(prod(shape) * k)
    left = expand(a, (*lead, m, k)).flat()
    right = transpose(expand(b, (*lead, k, n)), -1, -2).flat()
    out: list[float] = []
    for batch in range(prod(lead)):
        rows = [left[i : i + k] for i in range(batch * m * k, (batch + 1) * m * k, k)]
        cols = [right[i : i + k] for i in range(batch * n * k, (batch + 1) * n * k, k)]
        out += [sum(map(_times, row, col)) for row in rows for col in cols]
    return tensor(shape, out, a.dtype)


def _times(u: float, v: float) -> float:
    return u * v


def binary_dot(a: Tensor, b: Tensor) -> Tensor:
    if a.memory is None or b.memory is None:
        return Tensor((), None, a.dtype)
    return tensor((), [sum(map(_times, a.flat(), b.flat()))], a.dtype)


def where(test: Tensor, a: Any, b: Any) -> Tensor:
    shape = test.shape
    for other in (a, b):
        if isinstance(other, Tensor):
            shape = broadcast_shape(shape, other.shape)
    dtype = next((o.dtype for o in (a, b) if isinstance(o, Tensor)), "float32")
    if test.memory is None:
        return Tensor(shape, None, dtype)
    sides = [expand(o, shape).flat() if isinstance(o, Tensor) else [o] * prod(shape) for o in (a, b)]
    return tensor(shape, [u if t else v for t, u, v in zip(expand(test, shape).flat(), *sides, strict=True)], dtype)


def flip(x: Tensor, *dims: Any) -> Tensor:
    wanted = dims[0] if dims and not isinstance(dims[0], int) else dims
    for d in wanted:
        x = along(x, d, lambda v: v[::-1])
    return x
