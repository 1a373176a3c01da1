"""Types of C++ values, normalised, and what results from combining them.

A value's type is a `Type` whose base is one of: bool char short int uint long ulong llong ullong half float double
(arithmetic), Tensor, TensorOptions, IntArrayRef, vector, array, carray, accessor, str, void, fn, lambda, a struct's
name. None means unknown, and nothing is concluded from an unknown type.
"""

from __future__ import annotations

from kernelbench_harness.facts.ctree import Type

CANONICAL: dict[str, str] = {
    "int": "int", "signed": "int", "signed int": "int", "int32_t": "int", "unsigned": "uint", "unsigned int": "uint",
    "uint32_t": "uint", "long": "long", "long int": "long", "int64_t": "long", "ssize_t": "long", "ptrdiff_t": "long",
    "intptr_t": "long", "int_fast32_t": "long", "long long": "llong", "long long int": "llong",
    "unsigned long": "ulong", "unsigned long int": "ulong", "uint64_t": "ulong", "size_t": "ulong",
    "uintptr_t": "ulong",
    "unsigned long long": "ullong", "short": "short", "int16_t": "short", "unsigned short": "ushort",
    "uint16_t": "ushort", "char": "char", "int8_t": "char", "unsigned char": "uchar", "uint8_t": "uchar",
    "signed char": "char", "uint": "uint", "bool": "bool", "float": "float", "double": "double", "void": "void",
    "long double": "double", "auto": "auto", "half": "half", "Half": "half", "scalar_t": "float",
    "IntArrayRef": "IntArrayRef", "Tensor": "Tensor", "TensorOptions": "TensorOptions", "string": "str",
}  # fmt: skip
RANK = {
    n: i
    for i, n in enumerate("bool char uchar short ushort int uint long ulong llong ullong half float double".split())
}
INTEGERS = frozenset("bool char uchar short ushort int uint long ulong llong ullong".split())
FLOATS = frozenset({"half", "float", "double"})
ARITHMETIC = INTEGERS | FLOATS
INT, LONG, BOOL = (Type(n) for n in ("int", "long", "bool"))
TENSOR = Type("Tensor")
VOID = Type("void")
STR = Type("str", ptr=0)


def canonical(kind: Type, aliases: dict[str, Type] | None = None) -> Type | None:
    """The value type of a written type; None for `auto` and for what is unknown."""
    base = kind.base
    for prefix in ("std::", "torch::", "at::", "c10::"):
        if base.startswith(prefix):
            base = base[len(prefix) :]
            break
    name = CANONICAL.get(base, base)
    if name == "auto":
        return None
    return Type(name, kind.args, kind.ptr, False, kind.const, kind.const_ptr)


def is_arith(kind: Type | None) -> bool:
    return kind is not None and kind.ptr == 0 and kind.base in ARITHMETIC


def is_int(kind: Type | None) -> bool:
    return kind is not None and kind.ptr == 0 and kind.base in INTEGERS


def is_float(kind: Type | None) -> bool:
    return kind is not None and kind.ptr == 0 and kind.base in FLOATS


def is_tensor(kind: Type | None) -> bool:
    return kind is not None and kind.ptr == 0 and kind.base == "Tensor"


def promote(a: Type | None, b: Type | None) -> Type | None:
    """Result of arithmetic on two arithmetic values."""
    if a is None or b is None or not is_arith(a) or not is_arith(b):
        return None
    name = a.base if RANK[a.base] >= RANK[b.base] else b.base
    return Type("int" if RANK[name] < RANK["int"] else name)


def element(kind: Type | None) -> Type | None:
    """What indexing or dereferencing gives."""
    if kind is None:
        return None
    if kind.ptr:
        return kind._replace(ptr=kind.ptr - 1, const_ptr=False)
    if kind.base in ("vector", "array", "carray", "ArrayRef", "deque", "SmallVector", "initializer_list", "span"):
        first = kind.args[0] if kind.args else None
        inner = canonical(first) if isinstance(first, Type) else None
        return inner._replace(const=inner.const or kind.const) if inner is not None else None
    if kind.base == "IntArrayRef":
        return Type("long", const=True)
    if kind.base == "Tensor":
        return TENSOR
    if kind.base == "accessor":
        inner, dims = kind.args
        return Type("accessor", (inner, dims - 1)) if isinstance(dims, int) and dims > 1 else inner
    return None


def conflict(want: Type | None, have: Type | None) -> str:
    """Why a value of type `have` cannot initialise one of type `want`; "" where it can or nobody knows."""
    if want is None or have is None or have.base in ("lambda",):
        return ""
    if want.ptr:
        if have.base == "carray":
            inner = element(have)
            have = inner._replace(ptr=inner.ptr + 1) if inner is not None else None
            if have is None:
                return ""
        if have.ptr:
            if want.base == "void":
                return "" if want.const or not have.const else "drops const"
            if want.base in ARITHMETIC and have.base in ARITHMETIC | {"void"} and want.base != have.base:
                return f"{show(want)} = {show(have)}"
            if want.ptr == have.ptr == 1 and have.const and not want.const and want.base == have.base:
                return f"{show(want)} = {show(have)}"
            return ""
        return f"{show(want)} = {show(have)}" if is_arith(have) or have.base in ("Tensor", "vector") else ""
    if is_arith(want):
        if have.ptr and want.base != "bool":
            return f"{show(want)} = {show(have)}"
        if have.base in ("Tensor", "vector", "TensorOptions", "IntArrayRef", "void", "str", "carray"):
            return f"{show(want)} = {show(have)}"
        return ""
    if want.base == "Tensor" and (is_arith(have) or have.ptr or have.base in ("vector", "IntArrayRef", "void")):
        return f"Tensor = {show(have)}"
    return ""


def show(kind: Type | None) -> str:
    """A few characters for the text."""
    if kind is None:
        return "?"
    return ("const " if kind.const and kind.ptr else "") + kind.base + "*" * kind.ptr
