"""Rules about names of libraries and about calls: what exists, argument counts, what a call gives.

Guaranteed: an argument count is reported only for functions declared in the source (no default or overload fits) and
for functions listed in `known`.
"""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts import cuda_calls, cuda_names, known
from kernelbench_harness.facts.ctree import Func, Node, Type
from kernelbench_harness.facts.spelling import nearest
from kernelbench_harness.facts.values import (
    ARITHMETIC,
    BOOL,
    LONG,
    TENSOR,
    VOID,
    canonical,
    conflict,
    is_arith,
    is_float,
    is_int,
    is_tensor,
    promote,
    show,
)

_LONG_METHODS = frozenset({"size", "stride", "numel", "dim", "ndimension", "nbytes", "element_size", "storage_offset"})
_BOOL_METHODS = frozenset(
    {"is_contiguous", "is_cuda", "is_cpu", "defined", "requires_grad", "is_floating_point", "equal"}
)
_TENSOR_ARITY = {"size": (1, 1), "stride": (1, 1), "numel": (0, 0), "dim": (0, 0), "sizes": (0, 0), "data_ptr": (0, 0),
                 "options": (0, 0), "scalar_type": (0, 0), "contiguous": (0, 1), "item": (0, 0)}  # fmt: skip
_SAME_TYPE = frozenset({"max", "min"})


class CallRules:
    """The checker's rules for names and calls."""

    def __init__(self, checker: Any) -> None:
        self.c = checker

    def name_exists(self, node: Node) -> None:
        """Report a name that no scope holds and no library brings."""
        name, line, c = node.text, node.line, self.c
        head, _, tail = name.partition("::")
        if tail:
            self._qualified(head, tail, name, line)
            return
        for header, starts in known.HEADERS.items():
            if name.startswith(starts):
                self._needs(header, name, line)
                return
        if name in known.C_FUNCTIONS or name in known.MACROS or name in c.macros or name in known.ROOTS:
            return
        if name in c.unit.types or name in c.templates or name in c.out.structs:
            return
        if c.cuda and cuda_names.exists(name):
            cuda_names.check_headers(c, name, line)
            return
        if name.startswith(("__builtin_", "__m", "_mm", "__atomic", "__sync", "__COUNTER__", "__has", "__FAST")):
            return
        spaces = c.unit.usings
        if "std" in spaces and (name in known.STD_ARITY or name in known.STD_NAMES or "std::" + name in known.TYPES):
            return
        if spaces & {"torch", "at", "c10"} and (known.is_torch_function(name) or "torch::" + name in known.TYPES):
            return
        if any(space.endswith("::" + name) for space in spaces) or any(
            s in known.ROOTS and s == "nvcuda" for s in spaces
        ):
            return
        if name.startswith(("CHECK_", "TORCH_", "C10_", "AT_", "PYBIND11_")):
            if nearest(name, known.MACROS):
                c.report("undeclared", name, line)
            return
        c._undeclared(name, line)

    def _needs(self, header: str, name: str, line: int) -> None:
        have = self.c.includes
        if not any(h in have for h in known.HEADER_ALIASES[header]):
            self.c.report("include", f"{name} needs {header}", line)

    def _qualified(self, head: str, tail: str, name: str, line: int) -> None:
        c = self.c
        if head == "std":
            first = tail.partition("::")[0]
            if first in known.STD_FROM_GCC14:
                c.report("gcc14", f"std::{first}", line)
            if first in ("fesetround", "fegetround"):
                self._needs("cfenv", name, line)
            if (
                first in known.STD_ARITY
                or first in known.STD_NAMES
                or f"std::{first}" in known.TYPES
                or f"std::{tail}" in known.TYPES
            ):
                return
            near = nearest(first, [*known.STD_ARITY, *known.STD_NAMES])
            c.report("unknown_std", first + (f" (near {near})" if near else ""), line)
        elif c.cuda and name in cuda_names.NAMESPACE_HEADERS:
            cuda_names.check_headers(c, name, line)
        elif head in ("torch", "at", "c10") and "::" not in tail:
            if known.is_torch_function(tail) or any(f"{h}::{tail}" in known.TYPES for h in ("torch", "at", "c10")):
                return
            if tail in c.macros:
                return
            near = nearest(tail, known.FUNCTIONS | known.TORCH_EXTRA)
            c.report("unknown_torch", f"{head}::{tail}" + (f" (near {near})" if near else ""), line)
        elif (
            (
                head not in known.ROOTS
                and head not in c.unit.types
                and head not in c.out.structs
                and head not in c.templates
            )
            and c.find(tail) is None
            and head not in c.unit.usings
            and c.find(head) is None
        ):
            c.report("undeclared", head + "::", line)

    def call(self, node: Node) -> Type | None:
        """Check a call; the type of its result."""
        callee, args = node.parts[0], node.parts[1:]
        if callee.kind == "member":
            return self._method(node, callee, args)
        if callee.kind == "launch":
            for part in callee.parts[1:]:
                self.c.expr(part)
            return self.call(Node("call", "", (callee.parts[0], *args), node.line))
        if callee.kind != "name":
            self.c.expr(callee)
            for arg in args:
                self.c.expr(arg)
            return None
        name = callee.text
        for targ in callee.extra or ():
            if isinstance(targ, Type):
                self.c._type_known(targ, node.line)
        symbol = self.c.find(name)
        if symbol is None and "::" in name and name.partition("::")[0] not in known.ROOTS:
            symbol = self.c.find(name.rpartition("::")[2])  # a function of a namespace of the source
        kinds = self._arguments(name, args)
        if symbol is not None:
            return self._declared(node, callee, symbol, kinds)
        if name in self.c.unit.types or name in self.c.out.structs:
            return canonical(Type(name, callee.extra or ()))
        if not (any(is_tensor(k) for k in kinds) and known.is_torch_function(name)):
            self.name_exists(callee)
        if self.c.cuda and "::" not in name and not any(is_tensor(k) for k in kinds):
            return cuda_calls.builtin(self.c, name, kinds, node)
        return self._library(node, callee, kinds)

    def _arguments(self, name: str, args: tuple[Node, ...]) -> list[Type | None]:
        if name in ("TORCH_CHECK", "AT_ASSERTM", "TORCH_INTERNAL_ASSERT") or name.startswith("AT_DISPATCH"):
            if self.c.cuda and name.startswith("AT_DISPATCH") and args:
                cuda_calls.dispatch_on_type(self.c, args[0])
            return [self.c.expr(a) for a in args]
        kinds = []
        for arg in args:
            if arg.kind == "name":  # an argument may be bound to a reference that the callee fills
                symbol = self.c.find(arg.text)
                if (
                    symbol is not None
                    and not symbol.initialised
                    and symbol.type is not None
                    and not self._by_value(name)
                ):
                    symbol.initialised = True
            kinds.append(self.c.expr(arg))
        return kinds

    def _by_value(self, name: str) -> bool:
        return name in known.C_FUNCTIONS or name.startswith("std::")

    def _declared(self, node: Node, callee: Node, symbol: Any, kinds: list[Type | None]) -> Type | None:
        c = self.c
        c.out.symbols[id(callee)] = symbol
        symbol.used = True
        funcs: list[Func] = c.out.functions.get(symbol.name, []) if symbol.kind == "fn" else []
        if not funcs:
            if symbol.kind in ("var", "param") and (is_arith(symbol.type) or is_tensor(symbol.type)):
                c.report("type", f"call of {show(symbol.type)} {callee.text}", node.line)
            return None
        fitting = [f for f in funcs if sum(not p.has_default for p in f.params) <= len(kinds) <= len(f.params)]
        if not fitting:
            want = len(funcs[0].params)
            c.report("args", f"{callee.text} wants {want} gets {len(kinds)}", node.line)
            return self._result(funcs[0])
        if len(funcs) == 1 or len({f.params for f in fitting}) == 1:
            func = fitting[0]
            for param, kind, arg in zip(func.params, kinds, node.parts[1:], strict=False):
                self._argument(callee.text, func, param, kind, arg, node.line)
        return self._result(fitting[0])

    def _argument(self, name: str, func: Func, param: Any, kind: Type | None, arg: Node, line: int) -> None:
        if param.type.base in func.templates or arg.text in ("0", "nullptr", "NULL") or arg.kind == "init":
            return
        want = canonical(param.type)
        why = conflict(want, kind)
        if why:
            self.c.report("type", f"{name}({param.name}): {why}", line)
        elif param.type.ref and not param.type.const and is_arith(want) and arg.kind in ("num", "bin"):
            self.c.report("type", f"{name}({param.name}): reference to a temporary", line)

    def _result(self, func: Func) -> Type | None:
        return None if func.returns.base in func.templates else canonical(func.returns)

    def _library(self, node: Node, callee: Node, kinds: list[Type | None]) -> Type | None:
        name = callee.text
        head, _, tail = name.rpartition("::")
        count = len(kinds)
        if head in ("std", "") and (head == "std" or name in known.C_FUNCTIONS):
            least, most = known.STD_ARITY.get(tail, (0, 99))
            spread = any(a.kind == "init" for a in node.parts[1:])
            if not least <= count <= most:
                self.c.report("args", f"{name} wants {least} gets {count}", node.line)
            elif tail in _SAME_TYPE and count == 1 and not spread and node.parts[1].kind != "name":
                self.c.report("args", f"{name} wants 2 gets 1", node.line)
            return self._math(node, callee, head, tail, kinds)
        if "numeric_limits" in head and callee.extra is not None:
            return canonical(callee.extra[0]) if callee.extra and isinstance(callee.extra[0], Type) else None
        if head in ("torch", "at", "c10"):
            if tail in ("parallel_for",) and count != 4:
                self.c.report("args", f"{name} wants 4 gets {count}", node.line)
            if tail in ("IntArrayRef", "TensorOptions"):
                return Type(tail)
            if tail in ("parallel_for",):
                return VOID
            if tail in ("get_num_threads", "get_thread_num", "divup"):
                return Type("int") if tail != "divup" else LONG
            if tail in known.FUNCTIONS and not tail.startswith(
                ("is_", "has_", "allclose", "split", "chunk", "unbind", "where")
            ):
                multi = (
                    tail in ("max", "min", "topk", "sort", "median", "mode", "kthvalue", "frexp", "unique")
                    and count > 1
                )
                return None if multi else TENSOR
        return None

    def _math(self, node: Node, callee: Node, head: str, tail: str, kinds: list[Type | None]) -> Type | None:
        if tail in ("max", "min", "clamp", "swap"):
            if callee.extra:
                first = callee.extra[0]
                return canonical(first) if isinstance(first, Type) and first.base not in self.c.templates else None
            known_kinds = [k for k in kinds if k is not None]
            bases = {k.base for k in known_kinds}
            plain = tail != "swap" and len(known_kinds) == len(kinds) >= 2 and all(is_arith(k) for k in known_kinds)
            with_compare = tail != "clamp" and len(kinds) == 3
            if plain and len(bases) > 1 and not with_compare:
                self.c.report("type", f"{tail}({','.join(k.base for k in known_kinds)})", node.line)
            return known_kinds[0] if known_kinds and tail != "swap" else None
        for kind in kinds:
            odd = is_tensor(kind) or (kind is not None and kind.ptr > 0)
            if odd and known.C_FUNCTIONS.get(tail) in (1, 2) and tail not in _POINTER_CALLS:
                self.c.report("type", f"{tail}({show(kind)})", node.line)
        if tail in ("malloc", "calloc", "realloc"):
            return Type("void", ptr=1)
        if tail in ("isnan", "isinf", "isfinite", "signbit"):
            return BOOL
        if tail in known.C_FUNCTIONS and known.C_FUNCTIONS[tail] >= 1 and tail not in _POINTER_CALLS:
            if head == "" and tail in ("abs", "labs"):
                return Type("int") if is_int(kinds[0] if kinds else None) else (kinds[0] if kinds else None)
            if head == "" and tail not in ("abs",):
                return Type("float" if tail.endswith("f") and tail != "erf" else "double")
            if kinds and all(is_float(k) for k in kinds):
                return promote(kinds[0], kinds[-1])
            if kinds and is_int(kinds[0]):
                return kinds[0] if tail == "abs" else Type("double")
        return None

    def _method(self, node: Node, callee: Node, args: tuple[Node, ...]) -> Type | None:
        c = self.c
        for arg in args:
            c.expr(arg)
        c.expr(callee)
        base = c.out.types.get(id(callee.parts[0]))
        name = callee.text
        for targ in callee.extra[1]:
            if isinstance(targ, Type):
                c._type_known(targ, node.line)
        count = len(args)
        if is_tensor(base):
            least, most = _TENSOR_ARITY.get(name, (0, 99))
            if not least <= count <= most:
                c.report("args", f"Tensor.{name} wants {least} gets {count}", node.line)
            return self._tensor_result(callee, name)
        if base is not None and base.ptr == 0 and base.base in ("vector", "array", "IntArrayRef"):
            if name == "size":
                return Type("ulong")
            if name == "data":
                first = base.args[0] if base.args else None
                inner = canonical(first) if isinstance(first, Type) else None
                return inner._replace(ptr=1, const=base.const) if inner is not None else None
            if name in ("back", "front", "at"):
                first = base.args[0] if base.args else None
                return canonical(first) if isinstance(first, Type) else None
        struct = c.out.structs.get(base.base) if base is not None else None
        if struct is not None:
            for func in struct.methods:
                if func.name == name:
                    if not sum(not p.has_default for p in func.params) <= count <= len(func.params):
                        c.report("args", f"{name} wants {len(func.params)} gets {count}", node.line)
                    return canonical(func.returns)
        return None

    def _tensor_result(self, callee: Node, name: str) -> Type | None:
        _, targs = callee.extra
        first = targs[0] if targs and isinstance(targs[0], Type) else None
        if first is not None and first.base in self.c.templates:
            return None
        if name in ("data_ptr", "mutable_data_ptr", "data", "const_data_ptr"):
            if first is None:
                return Type("void", ptr=1) if name == "data_ptr" and not targs else None
            kind = canonical(first)
            if self.c.cuda and first.ptr:
                self.c.report("template_arg", f"{name}<{first.base}*>", callee.line)
            if kind is None or kind.base not in ARITHMETIC:
                return None
            return kind._replace(ptr=1, const=kind.const or name == "const_data_ptr")
        if name == "item":
            return canonical(first) if first is not None else None
        if name in _LONG_METHODS:
            return LONG
        if name in _BOOL_METHODS:
            return BOOL
        if name in ("sizes", "strides"):
            return Type("IntArrayRef")
        if name == "options":
            return Type("TensorOptions")
        if name in ("accessor", "packed_accessor32", "packed_accessor64"):
            return Type("accessor", (canonical(first) if first else None, targs[1] if len(targs) > 1 else 1))
        if name in known.FUNCTIONS or name in (
            "view",
            "reshape",
            "contiguous",
            "clone",
            "to",
            "expand",
            "new_empty",
            "new_zeros",
            "new_ones",
            "new_full",
            "type",
            "cpu",
            "unfold",
            "toType",
            "view_as",
            "expand_as",
        ):
            multi = name in ("max", "min", "sort", "topk", "split", "chunk", "unbind", "median", "mode", "kthvalue")
            return None if multi or name.startswith(("is_", "has_", "allclose")) else TENSOR
        return None


_POINTER_CALLS = frozenset({"free", "memcpy", "memset", "memmove", "strlen", "modf", "modff", "frexp", "frexpf",
                            "malloc", "calloc", "realloc", "posix_memalign", "memcmp", "aligned_alloc", "atoi",
                            "atof"})  # fmt: skip
