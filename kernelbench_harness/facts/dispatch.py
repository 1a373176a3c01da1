"""Which of our operators answers to which name of torch: functions, tensor methods, nn modules.

One table serves the Python side (reference and ModelNew) and the C++ side (torch:: calls in a kernel).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from math import prod
from typing import Any

from kernelbench_harness.facts import torch_nn as nn
from kernelbench_harness.facts import torch_ops as ops
from kernelbench_harness.facts import torch_scalars as scalars
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.memory import Source, Tensor, Unsupported, empty, tensor

DTYPES = {
    "float32": "float32", "float": "float32", "float64": "float64", "double": "float64", "int64": "int64",
    "long": "int64",
    "int32": "int32", "int": "int32", "bool": "bool", "float16": "float16", "half": "float16", "bfloat16": "bfloat16",
    "kFloat32": "float32", "kFloat": "float32", "kFloat64": "float64", "kDouble": "float64", "kLong": "int64",
    "kInt64": "int64", "kInt": "int32", "kInt32": "int32", "kBool": "bool", "kHalf": "float16", "kFloat16": "float16",
    "uint8": "uint8", "int8": "int8", "kBFloat16": "bfloat16", "kByte": "uint8", "int16": "int16",
}  # fmt: skip

Watch = Callable[[str, tuple[Any, ...], Any], None]
WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)
"""Told of every operator that ran: name, arguments, result. For counting the work of a problem."""


def _mean(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    return ops.reduce(x, lambda v: sum(v) / len(v), dim, keepdim)


def _sum(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    return ops.reduce(x, sum, dim, keepdim, "int64" if x.dtype in ("bool", "int32") else x.dtype)


def _product(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.reduce(x, prod, dim, keepdim)


def _index_of(best: Callable[..., Any]) -> Callable[..., Tensor]:
    def run(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.reduce(x, lambda v: v.index(best(v)), dim, keepdim, "int64")

    return run


def _amount(best: Callable[..., Any]) -> Callable[..., Tensor]:
    return lambda x, dim=None, keepdim=False: ops.reduce(x, best, dim, keepdim)


def _like(value: Any) -> Callable[..., Tensor]:
    def run(x: Tensor, *rest: Any, dtype: str | None = None, **kwargs: Any) -> Tensor:
        fill = rest[0] if value == "given" else value
        if x.memory is None or fill is None:
            return empty(x.shape, dtype or x.dtype) if x.memory is not None else Tensor(x.shape, None, dtype or x.dtype)
        return views.full(x.shape, fill, dtype or x.dtype)

    return run


def _flatsize(shape: tuple[Any, ...]) -> tuple[int, ...]:
    if len(shape) == 1 and isinstance(shape[0], (list, tuple)):
        return tuple(shape[0])
    return tuple(shape)


def _std(x: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
    return ops.unary("sqrt", ops.var(x, dim, unbiased, keepdim))


def _addmm(bias: Tensor, a: Tensor, b: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    out = ops.matmul(a, b)
    out = out if alpha == 1 else ops.binary("mul", out, alpha)
    return ops.binary("add", out, bias if beta == 1 else ops.binary("mul", bias, beta))


def _cumulative(step: Callable[[Any, Any], Any]) -> Callable[..., Tensor]:
    return lambda x, dim, dtype=None: ops.along(x, dim, ops._running(step))


def _masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    return ops.where(views.expand(mask, x.shape), value, x)


def _narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    return views.slice_(x, dim % len(x.shape), slice(start, start + length))


def _chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    d = dim % len(x.shape)
    width = -(-x.shape[d] // chunks)
    return tuple(views.slice_(x, d, slice(i, min(i + width, x.shape[d]))) for i in range(0, x.shape[d], width))


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return ops.binary("mul", views.unsqueeze(a, 1), views.unsqueeze(b, 0))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: (lambda x, *a, _n=name, **k: ops.unary(_n, x, *a, **k)) for name in scalars.UNARY},
    **{name: (lambda a, b, _n=name, **k: ops.binary(_n, a, b, **k)) for name in scalars.BINARY},
    **nn.LOSSES,
    "matmul": ops.matmul, "mm": ops.matmul, "bmm": ops.matmul, "mv": ops.matmul, "dot": ops.binary_dot, "addmm": _addmm,
    "linear": nn.linear, "conv1d": nn.conv, "conv2d": nn.conv, "conv3d": nn.conv, "outer": _outer, "ger": _outer,
    "conv_transpose1d": nn.conv_transpose, "conv_transpose2d": nn.conv_transpose, "conv_transpose3d": nn.conv_transpose,
    **{f"max_pool{d}d": nn.max_pool(d) for d in (1, 2, 3)}, **{f"avg_pool{d}d": nn.avg_pool(d) for d in (1, 2, 3)},
    **{f"adaptive_avg_pool{d}d": nn.adaptive_avg_pool(d) for d in (1, 2, 3)},
    "layer_norm": nn.layer_norm, "group_norm": nn.group_norm, "instance_norm": nn.instance_norm,
    "rms_norm": nn.rms_norm,
    "batch_norm": nn.batch_norm, "normalize": nn.normalize, "cross_entropy": nn.cross_entropy, "nll_loss": nn.nll_loss,
    "cosine_similarity": nn.cosine_similarity, "triplet_margin_loss": nn.triplet_margin_loss,
    "scaled_dot_product_attention": nn.attention, "log_softmax": nn.log_softmax,
    "softmax": lambda x, dim=-1, dtype=None: ops.along(x, dim, ops._softmax),
    "softmin": lambda x, dim=-1: ops.along(ops.unary("neg", x), dim, ops._softmax),
    "logsumexp": lambda x, dim, keepdim=False: ops.reduce(x, ops._logsumexp, dim, keepdim),
    "mean": _mean, "sum": _sum, "prod": _product, "norm": ops.norm, "var": ops.var, "std": _std,
    "argmax": _index_of(max), "argmin": _index_of(min), "amax": _amount(max), "amin": _amount(min),
    "max": lambda x, dim=None, keepdim=False: ops.extreme(x, "max", dim, keepdim),
    "min": lambda x, dim=None, keepdim=False: ops.extreme(x, "min", dim, keepdim),
    "any": lambda x, dim=None, keepdim=False: ops.reduce(x, any, dim, keepdim, "bool"),
    "all": lambda x, dim=None, keepdim=False: ops.reduce(x, all, dim, keepdim, "bool"),
    "cumsum": _cumulative(lambda a, b: a + b), "cumprod": _cumulative(lambda a, b: a * b),
    "view": lambda x, *s: views.view(x, _flatsize(s)), "reshape": lambda x, *s: views.view(x, _flatsize(s)),
    "flatten": views.flatten, "ravel": views.flatten, "contiguous": lambda x, **k: views.contiguous(x),
    "t": lambda x: views.transpose(x, 0, 1),
    "transpose": views.transpose, "permute": views.permute, "unsqueeze": views.unsqueeze, "squeeze": views.squeeze,
    "expand": lambda x, *s: views.expand(x, _flatsize(s)), "expand_as": lambda x, y: views.expand(x, y.shape),
    "broadcast_to": views.expand, "view_as": lambda x, y: views.view(x, y.shape),
    "clone": lambda x, **k: tensor(x.shape, x.flat(), x.dtype) if x.memory is not None else x, "detach": lambda x: x,
    "cat": lambda t, dim=0: views.cat(t, dim),
    "stack": lambda t, dim=0: views.cat([views.unsqueeze(x, dim) for x in t], dim),
    "where": ops.where, "gather": views.take_rows, "flip": ops.flip, "diag": views.diag, "masked_fill": _masked_fill,
    "tril": lambda x, diagonal=0: views.triangle(x, diagonal, False), "triu": lambda x,
    diagonal=0: views.triangle(x, diagonal, True),
    "zeros_like": _like(0.0), "ones_like": _like(1.0), "empty_like": _like(None), "full_like": _like("given"),
    "select": views.select, "narrow": _narrow, "chunk": _chunk, "dropout": lambda x, p=0.5, training=True,
    inplace=False: _dropout(x, p, training),
    "half": lambda x: views.to_dtype(x, "float16"), "bfloat16": lambda x: views.to_dtype(x, "bfloat16"),
    "type_as": lambda x, y: views.to_dtype(x, y.dtype),
    "float": lambda x: views.to_dtype(x, "float32"), "double": lambda x: views.to_dtype(x, "float64"),
    "long": lambda x: views.to_dtype(x, "int64"),
    "bool": lambda x: views.to_dtype(x, "bool"), "int": lambda x: views.to_dtype(x, "int32"), "cpu": lambda x: x,
    "cuda": lambda x: x,
}  # fmt: skip


def _dropout(x: Tensor, p: float, training: bool) -> Tensor:
    if training and p:
        raise Unsupported("dropout")
    return x


def call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run torch's `name`. Raises Unsupported for an unknown name or signature, Fault for arguments that do not fit."""
    plain = name.rpartition(".")[2]
    plain = scalars.ALIASES.get(plain, plain)
    function = FUNCTIONS.get(plain)
    if function is None and plain.endswith("_") and FUNCTIONS.get(plain[:-1]) is not None and args:
        done = call(plain[:-1], args, kwargs)
        return views.copy_into(args[0], done.flat()) if done.memory is not None else args[0]
    if function is None:
        raise Unsupported(f"torch {plain}")
    if "input" in kwargs:
        args = (kwargs.pop("input"), *args)
    kwargs.pop("out", None)
    try:
        result = function(*args, **kwargs)
    except (TypeError, AttributeError, IndexError, ValueError) as gap:
        raise Unsupported(f"torch {plain}: {gap}") from None
    watch = WATCH.get()
    if watch is not None:
        watch(plain, args, result)
    return result


def make(name: str, shape: tuple[int, ...], source: Source, dtype: str, kwargs: dict[str, Any]) -> Tensor:
    """torch.randn, rand, zeros, ones, empty, full, randint."""
    if name == "randn":
        return source.fill(shape, "normal", dtype)
    if name in ("rand", "uniform"):
        return source.fill(shape, "uniform", dtype)
    if not source.with_values:
        return Tensor(shape, None, dtype)
    if name == "empty":
        return empty(shape, dtype)
    return views.full(shape, {"zeros": 0.0, "ones": 1.0}.get(name, kwargs.get("fill", 0.0)), dtype)
