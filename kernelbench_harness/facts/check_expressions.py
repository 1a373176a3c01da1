"""Rules of the checker for each kind of expression: its type, and what in it would not compile.

Each rule takes the checker (for scopes and reports) and a node, and returns the type of the value, None for unknown.
"""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts import known
from kernelbench_harness.facts.check_declarations import integer_division
from kernelbench_harness.facts.ctree import Func, Node, Type
from kernelbench_harness.facts.cuda_names import STRUCTS, VARIABLES
from kernelbench_harness.facts.lexer import number
from kernelbench_harness.facts.spelling import nearest
from kernelbench_harness.facts.torch_names import METHODS
from kernelbench_harness.facts.values import (
    ARITHMETIC,
    BOOL,
    INT,
    STR,
    TENSOR,
    canonical,
    conflict,
    element,
    is_arith,
    is_float,
    is_int,
    is_tensor,
    promote,
    show,
)


def label(node: Node) -> str:
    while node.kind in ("index", "paren") and node.parts:
        node = node.parts[0]
    return node.text or node.kind


def check_num(c: Any, node: Node) -> Type:
    category = number(node.text)[0]
    if category == "int":
        tail = node.text.lower()
        if tail[:2] != "0x" and tail[-1] in "lu":
            return Type(
                "long" if tail.endswith("l") and not tail.endswith("ll") else "llong" if "ll" in tail else "uint"
            )
    return Type(category)


def check_name(c: Any, node: Node) -> Type | None:
    name = node.text
    symbol = c.find(name)
    if symbol is not None:
        c.out.symbols[id(node)] = symbol
        symbol.used = True
        if not symbol.initialised and symbol.kind == "var":
            symbol.initialised = True
            c.report("uninitialised", name, node.line)
        return symbol.type
    c.calls.name_exists(node)
    if name in ("true", "false"):
        return BOOL
    if c.cuda and name in VARIABLES:
        return INT if name == "warpSize" else Type("uint3")
    tail = name.rpartition("::")[2]
    if "numeric_limits" in name and node.extra is None:
        return None
    if tail in ("INFINITY", "FLT_MAX", "FLT_MIN", "FLT_EPSILON", "NAN"):
        return Type("float")
    if tail.startswith(("M_", "DBL_")):
        return Type("double")
    return None


def check_index(c: Any, node: Node) -> Type | None:
    base, index = node.parts
    kind = c.expr(base)
    at = c.expr(index)
    if is_arith(kind) or (c.cuda and kind is not None and not kind.ptr and kind.base in STRUCTS):
        c.report("type", f"{label(base)}[] on {show(kind)}", node.line)
    if is_float(at) and kind is not None and (kind.ptr or kind.base == "carray"):
        c.report("type", f"{label(base)}[float]", node.line)
    return element(kind)


def check_member(c: Any, node: Node) -> Type | None:
    kind = c.expr(node.parts[0])
    operator, _ = node.extra
    if kind is None:
        return None
    if is_arith(kind) or (kind.ptr and operator == "."):
        c.report("unknown_member", f"{node.text} on {show(kind)}", node.line)
        return None
    if operator == "->" and kind.ptr == 0 and kind.base in ("Tensor", "vector", "IntArrayRef", "TensorOptions"):
        c.report("unknown_member", f"-> on {show(kind)}", node.line)
        return None
    if is_tensor(kind) and node.text not in METHODS and node.text not in known.TENSOR_EXTRA:
        near = nearest(node.text, METHODS)
        c.report("unknown_member", f"Tensor.{node.text}" + (f" (near {near})" if near else ""), node.line)
    if kind.base in ("vector", "array", "IntArrayRef") and kind.ptr == 0 and node.text not in known.VECTOR_MEMBERS:
        c.report("unknown_member", f"{kind.base}.{node.text}", node.line)
    struct = c.out.structs.get(kind.base)
    if struct is not None:
        for name, field, dims in struct.fields:
            if name == node.text:
                return canonical(field) if not dims else Type("carray", (canonical(field), None))
        if struct.fields and node.text not in {m.name for m in struct.methods}:
            c.report("unknown_member", f"{kind.base}.{node.text}", node.line)
    return None


def check_unary(c: Any, node: Node) -> Type | None:
    operand = node.parts[0]
    if node.text in ("++", "--"):
        kind = c.expr(operand)
        check_writable(c, operand, node.line)
        return kind
    if node.text == "&" and operand.kind == "name":
        symbol = c.find(operand.text)
        if symbol is not None:
            symbol.initialised = True
    kind = c.expr(operand)
    if node.text == "*":
        if is_arith(kind):
            c.report("type", f"*{label(operand)} on {show(kind)}", node.line)
        return element(kind)
    if node.text == "&":
        return kind._replace(ptr=kind.ptr + 1) if kind is not None and kind.base in ARITHMETIC else None
    if node.text == "!":
        return BOOL
    return promote(kind, INT) if is_arith(kind) else kind


def check_binary(c: Any, node: Node) -> Type | None:
    left, right = (c.expr(part) for part in node.parts)
    op = node.text
    if op == ",":
        return right
    if op in ("==", "!=", "<", ">", "<=", ">="):
        return None if is_tensor(left) or is_tensor(right) else BOOL
    if op in ("&&", "||"):
        return BOOL
    if is_tensor(left) or is_tensor(right):
        other = right if is_tensor(left) else left
        if other is not None and other.ptr:
            c.report("type", f"Tensor {op} {show(other)}", node.line)
        return TENSOR if other is not None and (is_arith(other) or is_tensor(other)) else None
    if op in ("%", "&", "|", "^", "<<", ">>") and (is_float(left) or is_float(right)):
        if op == "%" or (is_arith(left) and is_arith(right)):
            c.report("type", f"{op} on {show(left)},{show(right)}", node.line)
        return None
    if left is not None and left.ptr:
        if op in ("*", "/", "%") or (op == "+" and right is not None and right.ptr):
            c.report("type", f"{show(left)} {op} {show(right)}", node.line)
        return INT if right is not None and right.ptr else left
    if right is not None and right.ptr:
        if op != "+" and is_arith(left):
            c.report("type", f"{show(left)} {op} {show(right)}", node.line)
        return right
    if left is not None and left.base == "carray" and op in ("+", "-"):
        inner = element(left)
        return inner._replace(ptr=inner.ptr + 1) if inner is not None else None
    if op in ("*", "+", "-") and is_float(left) != is_float(right):
        integer_division(c, node.parts[1] if is_float(left) else node.parts[0], node.line)
    return promote(left, right)


def check_assign(c: Any, node: Node) -> Type | None:
    target, value = node.parts
    if target.kind == "name" and node.text == "=":
        symbol = c.find(target.text)
        if symbol is not None:
            symbol.initialised = True
    have = c.expr(value)
    want = c.expr(target)
    check_writable(c, target, node.line)
    if value.text in ("0", "nullptr", "NULL") and want is not None and want.ptr:
        return want
    if node.text == "=":
        # a number may be assigned to an element (a temporary) of a Tensor, not to a Tensor
        why = "" if is_tensor(want) and target.kind != "name" else conflict(want, have)
        if why:
            c.report("type", f"{label(target)}: {why}", node.line)
        elif is_int(want) and is_float(have) and want is not None and want.base != "bool":
            c.report("truncation", f"{label(target)} = {show(have)}", node.line)
    elif is_arith(want) and have is not None and (have.ptr or have.base in ("vector", "Tensor")):
        c.report("type", f"{show(want)} {node.text} {show(have)}", node.line)
    if is_float(want):
        integer_division(c, value, node.line)
    return want


def check_writable(c: Any, target: Node, line: int) -> None:
    while target.kind == "paren":
        target = target.parts[0]
    if target.kind == "name":
        symbol = c.find(target.text)
        if symbol is not None and symbol.kind in ("fn", "template"):
            c.report("not_assignable", target.text, line)
        elif symbol is not None and symbol.const:
            c.report("const_write", target.text, line)
    elif target.kind in ("index", "un") and (target.kind == "index" or target.text == "*"):
        base = c.out.types.get(id(target.parts[0]))
        if base is not None and base.const and (base.ptr == 1 or base.base in ("carray", "vector", "array")):
            c.report("const_write", f"{label(target.parts[0])}[]", line)
        elif base is not None and base.base == "IntArrayRef":
            c.report("const_write", "IntArrayRef[]", line)
    elif target.kind in ("num", "str", "bin", "post", "cast"):
        c.report("not_assignable", target.kind, line)
    elif target.kind == "call" and is_int(c.out.types.get(id(target))):
        c.report("not_assignable", f"{label(target.parts[0])}()", line)


def check_lambda(c: Any, node: Node) -> Type:
    func: Func = node.extra
    seen = c.loose
    c._body(func, None if func.returns.base == "auto" else canonical(func.returns))
    c.loose = seen
    return Type("lambda")


def check_new(c: Any, node: Node) -> Type | None:
    c._other(node)
    kind = canonical(node.extra) if node.extra is not None else None
    return kind._replace(ptr=kind.ptr + 1) if kind is not None else None


def check_cond(c: Any, node: Node) -> Type | None:
    _, yes, no = (c.expr(part) for part in node.parts)
    return promote(yes, no) if is_arith(yes) and is_arith(no) else yes


def check_cast(c: Any, node: Node) -> Type | None:
    have = c.expr(node.parts[0])
    if node.extra is None:
        return None
    c._type_known(node.extra, node.line)
    want = canonical(node.extra)
    if node.extra.base in c.templates:
        return None
    if node.text == "static_cast" and want is not None and have is not None and want.ptr == have.ptr == 1:
        both = want.base in ARITHMETIC and have.base in ARITHMETIC
        if both and want.base != have.base:
            c.report("type", f"static_cast {show(want)} from {show(have)}", node.line)
    if is_arith(want) and is_tensor(have):
        c.report("type", f"cast {show(want)} from Tensor", node.line)
    return want


RULES: dict[str, Any] = {
    "num": check_num,
    "str": lambda c, node: STR,
    "chr": lambda c, node: Type("char"),
    "name": check_name,
    "call": lambda c, node: c.calls.call(node),
    "index": check_index,
    "member": check_member,
    "un": check_unary,
    "post": check_unary,
    "bin": check_binary,
    "assign": check_assign,
    "cond": check_cond,
    "cast": check_cast,
    "lambda": check_lambda,
    "paren": lambda c, node: c.expr(node.parts[0]),
    "new": check_new,
}
"""Rule of every kind of expression; other kinds have their parts checked."""
