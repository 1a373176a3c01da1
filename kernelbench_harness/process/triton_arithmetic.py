"""Where Triton's interpreter computes otherwise than a GPU, or not at all: bfloat16, TF32, libdevice.

Guarantees: bfloat16 is widened, computed and rounded to nearest even, as the front end's casts are; a dot product whose
precision is TF32 (Triton's default for float32) loses the bits that tensor cores leave out; libdevice's functions are
those of numpy and torch. What the interpreter has no way to do raises NotImplementedError, with its name.
Not guaranteed: the last bits of libdevice's functions and of fast variants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_Function = Callable[..., Any]


def _of_torch(name: str) -> _Function:
    def call(*arguments: Any) -> Any:
        import torch

        function = getattr(torch.special, name, None) or getattr(torch, name)
        return function(*(torch.from_numpy(np.ascontiguousarray(one)) for one in arguments)).numpy()

    return call


def _half_away(x: Any) -> Any:
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


_LIBDEVICE: dict[str, _Function] = {
    **{
        name: getattr(np, name)
        for name in "floor ceil trunc rint sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan".split()
    },
    **{name: getattr(np, name) for name in "sinh cosh tanh hypot cbrt copysign fmod fmax fmin fabs nextafter".split()},
    **{name: getattr(np, "arc" + name[1:]) for name in "asin acos atan atan2 asinh acosh atanh".split()},
    **{name: _of_torch(name) for name in "erf erfc erfinv".split()},
    "abs": np.abs,
    "nearbyint": np.rint,
    "round": _half_away,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "rcp": lambda x: 1 / x,
    "exp10": lambda x: np.power(10.0, x),
    "pow": np.power,
    "powi": np.power,
    "fma": lambda x, y, z: x * y + z,
    "div": np.divide,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "fdim": lambda x, y: np.maximum(x - y, 0),
    "lgamma": _of_torch("gammaln"),
    "tgamma": np.vectorize(math.gamma),
    "normcdf": _of_torch("ndtr"),
    "saturate": lambda x: np.clip(x, 0, 1),
    "min": np.minimum,
    "max": np.maximum,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "finite": np.isfinite,
    "isfinited": np.isfinite,
    "signbit": np.signbit,
}
"""By the name that is left of "__nv_fast_tanhf" or "__nv_fsqrt_rn"."""


def libdevice(symbol: str) -> _Function:
    """The function behind one of libdevice's symbols. Raises NotImplementedError."""
    bare = symbol.removeprefix("__nv_").removeprefix("fast_").removesuffix("_rn")
    for name in (bare, bare.removesuffix("f"), bare.removeprefix("f"), bare.removeprefix("d")):
        if name in _LIBDEVICE:
            return _LIBDEVICE[name]
    raise NotImplementedError(f"libdevice's {symbol}")


def narrow(values: Any) -> Any:
    """float32 as the bits of bfloat16, rounded to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), rounded).astype(np.uint16)


def widen(bits: Any) -> Any:
    """The bits of bfloat16 as float32."""
    return (np.ascontiguousarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(np.shape(bits))


def correct(builder: type[Any]) -> None:
    """Replaces what the interpreter's builder does otherwise."""
    import triton.language as tl
    from triton._C.libtriton import ir
    from triton.runtime.interpreter import TensorHandle, _round_f32_to_tf32

    def is_brain(handle: Any) -> bool:
        return bool(handle.dtype.scalar == tl.bfloat16 and handle.data.dtype == np.uint16)

    def wide(handle: Any) -> Any:
        return TensorHandle(widen(handle.data), tl.float32) if is_brain(handle) else handle

    def back(handle: Any) -> Any:
        if handle.data.dtype == np.float32:
            return TensorHandle(narrow(handle.data), tl.bfloat16)
        return TensorHandle(handle.data, tl.int1 if handle.data.dtype == np.bool_ else handle.dtype)

    unary, binary, dot, cast = builder.unary_op, builder.binary_op, builder.create_dot, builder.cast_impl

    def unary_op(self: Any, argument: Any, op: Any) -> Any:
        return back(unary(self, wide(argument), op)) if is_brain(argument) else unary(self, argument, op)

    def binary_op(self: Any, lhs: Any, rhs: Any, op: Any) -> Any:
        if is_brain(lhs) or is_brain(rhs):
            return back(binary(self, wide(lhs), wide(rhs), op))
        return binary(self, lhs, rhs, op)

    def create_dot(self: Any, a: Any, b: Any, d: Any, precision: Any, imprecise: Any) -> Any:
        a, b = wide(a), wide(b)
        if precision == ir.INPUT_PRECISION.TF32 and a.data.dtype == b.data.dtype == np.float32:
            a = TensorHandle(_round_f32_to_tf32(a.data), tl.float32)
            b = TensorHandle(_round_f32_to_tf32(b.data), tl.float32)
        return dot(self, a, b, d, precision, imprecise)

    def cast_impl(self: Any, source: Any, kind: Any) -> Any:
        if source.dtype.scalar == tl.float32 and kind.scalar == tl.bfloat16:
            return TensorHandle(narrow(source.data), tl.bfloat16)
        return cast(self, source, kind)

    def extern(self: Any, library: str, path: str, symbol: str, arguments: Any, kind: Any, pure: bool) -> Any:
        first = arguments[0]
        with np.errstate(all="ignore"):
            found = np.asarray(libdevice(symbol)(*(one.data for one in arguments)))
        if found.dtype == np.bool_:
            return TensorHandle(found.astype(np.int32), tl.int32)
        return TensorHandle(found.astype(first.data.dtype), first.dtype.scalar)

    replaced: dict[str, _Function] = {
        "unary_op": unary_op,
        "binary_op": binary_op,
        "create_dot": create_dot,
        "cast_impl": cast_impl,
        "create_extern_elementwise": extern,
    }
    for name, function in replaced.items():
        setattr(builder, name, function)


def expose_libdevice(scope: Any) -> None:
    """Makes libdevice's functions callable in interpreted kernels until `scope` is restored."""
    import triton.language.extra.cuda.libdevice as on_cuda
    import triton.language.extra.libdevice as general
    from triton.runtime.interpreter import _patch_builtin, interpreter_builder

    _patch_builtin(on_cuda, interpreter_builder, scope)
    for name in dir(general):
        if not name.startswith("_") and callable(getattr(on_cuda, name, None)):
            scope.set_attr(general, name, getattr(on_cuda, name))
