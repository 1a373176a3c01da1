"""Rules of the checker for functions that nvcc brings, and for dispatch over a tensor's type.

Guaranteed: an argument count is reported only for functions of `cuda_names`; an ambiguous min or max only where both
types are known (nvcc 13 refuses int with long, float with int and their like; seen with probes).
"""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts import cuda_names, known
from kernelbench_harness.facts.ctree import Node, Type
from kernelbench_harness.facts.values import BOOL, INT, RANK, is_arith, promote, show

_PAIRS = ({"int", "uint"}, {"long", "ulong"}, {"llong", "ullong"}, {"float", "double"})
"""Types that global min and max take together."""


def builtin(c: Any, name: str, kinds: list[Type | None], node: Node) -> Type | None:
    """A call of a global function that the source does not declare; the type of its result."""
    bounds = cuda_names.arity(name)
    if bounds is None or (name in known.C_FUNCTIONS and name not in cuda_names.BOTH_ARITY):
        return c.calls._library(node, node.parts[0], kinds)
    least, most = bounds
    if not least <= len(kinds) <= most:
        c.report("args", f"{name} wants {least} gets {len(kinds)}", node.line)
        return None
    if name in ("min", "max"):
        return _extremum(c, name, kinds, node.line)
    if name.startswith("make_"):
        return Type(name[5:])
    if name in cuda_names.BOTH_ARITY and name not in ("abs", "isnan", "isinf", "isfinite"):
        if name.endswith("f") and name not in ("erf", "normcdf"):
            return Type("float")
        first = kinds[0] if kinds else None
        return first if first is not None and first.base in ("float", "double") and not first.ptr else None
    if name.startswith("is"):
        return BOOL
    if name in _FLOATS:
        return Type("float")
    if name.startswith(("__shfl", "__ldg", "atomic")):
        return _passed(name, kinds)
    return INT if name in ("__popc", "__clz", "__ffs", "__float2int_rn", "__float2int_rz") else None


_FLOATS = frozenset(
    """__expf __exp10f __logf __log2f __log10f __sinf __cosf __tanf __saturatef __powf __fdividef __fadd_rn __fsub_rn
    __fmul_rn __fdiv_rn __fmaf_rn __frcp_rn __frsqrt_rn __fsqrt_rn __int2float_rn __half2float __int_as_float
    __uint_as_float""".split()
)


def _passed(name: str, kinds: list[Type | None]) -> Type | None:
    """What a shuffle, a cached load or an atomic gives: the type of the value that it moves."""
    at = 1 if name.startswith("__shfl") else 0
    kind = kinds[at] if len(kinds) > at else None
    if kind is not None and not name.startswith("__shfl"):
        kind = kind._replace(ptr=kind.ptr - 1, const=False) if kind.ptr else None
    return kind


def _extremum(c: Any, name: str, kinds: list[Type | None], line: int) -> Type | None:
    one, two = kinds
    if not (is_arith(one) and is_arith(two)):
        return None
    assert one is not None and two is not None
    if "half" in (one.base, two.base):
        return None
    bases = {"int" if RANK[k.base] < RANK["int"] else k.base for k in (one, two)}
    if len(bases) == 2 and bases not in _PAIRS:
        c.report("type", f"{name}({show(one)},{show(two)}) ambiguous", line)
    return promote(one, two)


def dispatch_on_type(c: Any, first: Node) -> None:
    """AT_DISPATCH over x.type(), which torch 2.13 refuses."""
    if first.kind == "call" and first.parts[0].kind == "member" and first.parts[0].text == "type":
        c.report("unknown_member", "AT_DISPATCH on .type(), want .scalar_type()", first.line)
