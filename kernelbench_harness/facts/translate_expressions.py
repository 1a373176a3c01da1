"""Python for C++ expressions: values, places, pointers. The translator's half that writes no statements.

Each function takes the translator (for symbols, types and the names it owns) and a node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernelbench_harness.facts import cuda_emit
from kernelbench_harness.facts.ctree import Node, Type
from kernelbench_harness.facts.lexer import number
from kernelbench_harness.facts.mathematics import INF
from kernelbench_harness.facts.memory import Unsupported
from kernelbench_harness.facts.values import canonical, is_float, is_int, is_tensor

_MATH_PLAIN = {
    "max": "max",
    "min": "min",
    "fmax": "max",
    "fmin": "min",
    "abs": "abs",
    "fabs": "abs",
    "fmaxf": "max",
    "fminf": "min",
    "fabsf": "abs",
}
_CONSTANTS = {
    "INFINITY": "INF", "FLT_MAX": "3.4028234663852886e38", "DBL_MAX": "1.7976931348623157e308",
    "FLT_MIN": "1.17549435e-38", "NAN": "NAN",
    "FLT_EPSILON": "1.1920929e-07", "DBL_EPSILON": "2.220446049250313e-16", "M_PI": "3.141592653589793",
    "M_SQRT2": "1.4142135623730951",
    "M_SQRT1_2": "0.7071067811865476", "M_2_SQRTPI": "1.1283791670955126", "M_E": "2.718281828459045",
    "M_LN2": "0.6931471805599453",
    "HUGE_VALF": "INF", "HUGE_VAL": "INF", "INT_MAX": "2147483647", "INT_MIN": "-2147483648", "true": "True",
    "false": "False",
    "M_2_PI": "0.6366197723675814", "M_1_PI": "0.3183098861837907", "M_LOG2E": "1.4426950408889634",
    "INT64_MAX": "(1<<63)-1",
    "nullptr": "None", "NULL": "None", "M_PI_2": "1.5707963267948966", "SIZE_MAX": "(1<<64)-1",
}  # fmt: skip
_LIMITS = {"infinity": "INF", "quiet_NaN": "NAN", "epsilon": "1.1920929e-07", "max": "3.4028234663852886e38",
           "lowest": "-3.4028234663852886e38", "min": "1.17549435e-38"}  # fmt: skip
_INT_LIMITS = {"max": "(1<<62)", "lowest": "-(1<<62)", "min": "-(1<<62)"}


def _is_pointer(kind: Type | None) -> bool:
    return kind is not None and kind.ptr > 0


def index(t: Any, node: Node) -> str:
    chain: list[Node] = []
    base = node
    while base.kind == "index":
        chain.append(base.parts[1])
        base = base.parts[0]
    chain.reverse()
    kind = t.types.get(id(base))
    if kind is not None and kind.base == "accessor" and kind.ptr == 0:
        return accessor(t, base, chain)
    if kind is not None and kind.ptr == 1 and len(chain) == 1:
        memory, offset = pointer(t, base)
        at = t.expr(chain[0])
        return f"{memory}[{at}]" if offset == "0" else f"{memory}[{offset}+{at}]"
    if kind is not None and (kind.base in ("vector", "array", "carray", "IntArrayRef") and kind.ptr == 0):
        return t.expr(base) + "".join(f"[{t.expr(i)}]" for i in chain)
    raise Unsupported("index")


def accessor(t: Any, base: Node, chain: list[Node]) -> str:
    name = t.expr(base)
    terms = [f"({t.expr(index)})*{name}.strides[{d}]" for d, index in enumerate(chain)]
    return f"{name}.memory[{name}.offset+{'+'.join(terms)}]"


def pointer(t: Any, node: Node) -> tuple[str, str]:
    """Memory and offset of a pointer expression."""
    kind = node.kind
    if kind in ("paren", "cast"):
        if kind == "cast" and node.extra is not None:
            cuda_emit.no_vectors(node.extra)
        return pointer(t, node.parts[0])
    have = t.types.get(id(node))
    if node.text in ("nullptr", "NULL", "0"):
        return "_null()", "0"
    if kind == "name":
        name = t.local(node)
        if have is not None and have.ptr == 0:
            return name, "0"
        return f"{name}_m", f"{name}_o"
    if kind == "bin" and node.text in ("+", "-"):
        left, right = node.parts
        if not _is_pointer(t.types.get(id(left))) and node.text == "+":
            left, right = right, left
        memory, offset = pointer(t, left)
        return memory, f"({offset}{node.text}({t.expr(right)}))"
    if kind == "un" and node.text == "&" and node.parts[0].kind == "index":
        base, at = node.parts[0].parts
        memory, offset = pointer(t, base)
        return memory, f"({offset}+{t.expr(at)})"
    if kind == "post" and node.parts[0].kind == "name":
        name = t.local(node.parts[0])
        t.assigned(name + "_o")
        sign, back = ("+", "-") if node.text == "++" else ("-", "+")
        return f"{name}_m", f"(({name}_o := {name}_o {sign} 1) {back} 1)"
    if kind == "index":
        return t.expr(node), "0"
    if (
        kind == "call"
        and node.parts[0].kind == "member"
        and node.parts[0].text in ("data", "begin")
        and len(node.parts) == 1
    ):
        owner = node.parts[0].parts[0]
        owner_kind = t.types.get(id(owner))
        if owner_kind is not None and owner_kind.base in ("vector", "array"):
            return t.expr(owner), "0"
    if kind in ("cond", "call"):
        return _held_pointer(t, node)
    raise Unsupported(f"pointer {kind}")


def _held_pointer(t: Any, node: Node) -> tuple[str, str]:
    """A pointer that is worked out once and kept in a local of its own."""
    temp = t.fresh()
    if node.kind == "cond":
        test, yes, no = node.parts
        left, right = pointer(t, yes), pointer(t, no)
        t.own(temp)
        t.put(f"{temp} = ({left[0]}, {left[1]}) if {t.expr(test)} else ({right[0]}, {right[1]})")
    else:
        t.own(temp)
        t.put(f"{temp} = {t.expr(node)}")
    return f"{temp}[0]", f"{temp}[1]"


def argument(t: Any, node: Node) -> str:
    kind = t.types.get(id(node))
    if _is_pointer(kind) or (kind is not None and kind.base == "carray"):
        memory, offset = pointer(t, node)
        return f"({memory}, {offset})"
    if node.kind == "lambda":
        return t.expr(node)
    if node.kind == "un" and node.text == "&":
        memory, offset = pointer(t, node)
        return f"({memory}, {offset})"
    return t.expr(node)


def emit_num(t: Any, node: Node) -> str:
    category, value = number(node.text)
    if category == "int":
        return str(t.integers.get(int(value), int(value)))
    return repr(value) if value < INF else "INF"


def emit_str(t: Any, node: Node) -> str:
    return "''"


def emit_chr(t: Any, node: Node) -> str:
    return "0"


def emit_paren(t: Any, node: Node) -> str:
    return f"({t.expr(node.parts[0])})"


def emit_name(t: Any, node: Node) -> str:
    name = node.text
    if id(node) in t.symbols:
        kind = t.types.get(id(node))
        local = t.local(node)
        return f"({local}_m, {local}_o)" if _is_pointer(kind) else local
    tail = name.rpartition("::")[2]
    if tail in _CONSTANTS:
        return _CONSTANTS[tail]
    if t.device is not None and tail in cuda_emit.CONSTANTS:
        return cuda_emit.CONSTANTS[tail]
    return f"_torch_name({tail!r})"


def emit_index(t: Any, node: Node) -> str:
    return index(t, node)


def emit_cast(t: Any, node: Node) -> str:
    want = canonical(node.extra) if node.extra is not None else None
    if want is not None and want.ptr:
        cuda_emit.no_vectors(want)
        memory, offset = pointer(t, node.parts[0])
        return f"({memory}, {offset})"
    code = t.convert(node.parts[0], want)
    return f"bool({code})" if want is not None and want.base == "bool" else code


def emit_cond(t: Any, node: Node) -> str:
    test, yes, no = node.parts
    return f"({t.expr(yes)} if {t.expr(test)} else {t.expr(no)})"


def emit_un(t: Any, node: Node) -> str:
    operand, op = node.parts[0], node.text
    if op == "*":
        kind = t.types.get(id(operand))
        if kind is None and operand.kind == "call":
            return f"_load({t.expr(operand)})"
        memory, offset = pointer(t, operand)
        return f"{memory}[{offset}]"
    if op == "!":
        return f"(not {t.expr(operand)})"
    if op in ("-", "+", "~"):
        kind = t.types.get(id(operand))
        return f"_neg({t.expr(operand)})" if kind is None else f"({op}{t.expr(operand)})"
    if op in ("++", "--") and operand.kind == "name":
        name = t.local(operand)
        t.assigned(name)
        return f"({name} := {name} {op[0]} 1)"
    raise Unsupported(f"c++ unary {op}")


def emit_post(t: Any, node: Node) -> str:
    if node.parts[0].kind != "name" or _is_pointer(t.types.get(id(node.parts[0]))):
        raise Unsupported("post increment")
    name = t.local(node.parts[0])
    t.assigned(name)
    sign, back = ("+", "-") if node.text == "++" else ("-", "+")
    return f"(({name} := {name} {sign} 1) {back} 1)"


def emit_bin(t: Any, node: Node) -> str:
    left, right = node.parts
    op = node.text
    a, b = t.expr(left), t.expr(right)
    if op in ("&&", "||"):
        return f"({a} {'and' if op == '&&' else 'or'} {b})"
    one, two = t.types.get(id(left)), t.types.get(id(right))
    if (one is not None and one.base == "Tensor") or (two is not None and two.base == "Tensor"):
        return f"_tensor_op({op!r}, {a}, {b})"
    if op in ("/", "%"):
        if is_int(one) and is_int(two):
            return f"_idiv({a}, {b})" if op == "/" else f"_imod({a}, {b})"
        if op == "/":
            return f"_div({a}, {b})" if is_float(one) or is_float(two) else f"_any_div({a}, {b})"
    if op == ",":
        raise Unsupported("comma")
    return f"({a} {op} {b})"


def emit_assign(t: Any, node: Node) -> str:
    if node.parts[0].kind == "name" and node.text == "=":
        name = t.local(node.parts[0])
        t.assigned(name)
        return f"({name} := {t.convert(node.parts[1], t.types.get(id(node.parts[0])))})"
    raise Unsupported("assignment as a value")


def emit_init(t: Any, node: Node) -> str:
    return f"[{', '.join(argument(t, p) for p in node.parts)}]"


def emit_sizeof(t: Any, node: Node) -> str:
    return "4"


def emit_lambda(t: Any, node: Node) -> str:
    name = t.fresh()
    t.own(name)
    t.function(node.extra, name, list(node.extra.params))
    return name


def emit_member(t: Any, node: Node) -> str:
    if t.device is None:
        raise Unsupported("c++ member")
    return cuda_emit.member(t, node)


def emit_call(t: Any, node: Node) -> str:
    callee, args = node.parts[0], node.parts[1:]
    if callee.kind == "member":
        return _emit_method(t, callee, args)
    if callee.kind == "lambda":
        return f"{t.expr(callee)}({', '.join(argument(t, a) for a in args)})"
    if callee.kind == "launch" and t.device is not None:
        return cuda_emit.launch(t, node)
    if callee.kind != "name":
        raise Unsupported("call")
    name = callee.text
    special = cuda_emit.call(t, node) if t.device is not None else ""
    if special:
        return special
    if id(callee) in t.symbols:
        return f"{t.local(callee)}({', '.join(argument(t, a) for a in args)})"
    head, _, tail = name.rpartition("::")
    if "numeric_limits" in head:
        first = callee.extra[0] if callee.extra else None
        table = _INT_LIMITS if isinstance(first, Type) and is_int(canonical(first)) else _LIMITS
        if tail not in table:
            raise Unsupported(name)
        return table[tail]
    if name in ("TORCH_CHECK", "AT_ASSERTM", "TORCH_INTERNAL_ASSERT", "assert", "AT_ASSERT"):
        return f"_check({t.expr(args[0])}, {node.line})"
    if name.startswith("AT_DISPATCH"):
        return f"{t.expr(args[-1])}()"
    if name in ("TORCH_WARN", "printf", "fprintf"):
        return "None"
    plain = tail in _MATH_PLAIN and len(args) == (1 if "abs" in tail else 2)
    if plain and not any(is_tensor(t.types.get(id(a))) for a in args):
        return f"{_MATH_PLAIN[tail]}({', '.join(t.expr(a) for a in args)})"
    if (
        any((kind := t.types.get(id(a))) is not None and kind.base == "Tensor" and not kind.ptr for a in args)
        or head in ("torch", "at", "c10")
    ) and not head.startswith("std"):
        return f"_torch({tail!r}, [{', '.join(argument(t, a) for a in args)}])"
    return f"_lib({tail!r}, {', '.join(argument(t, a) for a in args)})" if args else f"_lib({tail!r})"


def _emit_method(t: Any, callee: Node, args: tuple[Node, ...]) -> str:
    owner = callee.parts[0]
    kind = t.types.get(id(owner))
    if callee.text == "size" and len(args) == 1:
        return f"_size({t.expr(owner)}, {t.expr(args[0])})"
    if callee.text in ("data_ptr", "data", "mutable_data_ptr", "const_data_ptr") and (
        kind is None or kind.base == "Tensor"
    ):
        want = callee.extra[1][0] if callee.extra[1] else None
        value = canonical(want) if isinstance(want, Type) else None
        base = value.base if value is not None else ""
        if isinstance(want, Type) and want.base == "scalar_t":
            base = ""
        return f"_data({t.expr(owner)}, {base!r})"
    if callee.text == "accessor":
        targs = callee.extra[1]
        want = canonical(targs[0]) if targs and isinstance(targs[0], Type) else None
        return f"_accessor({t.expr(owner)}, {want.base if want else ''!r}, {targs[1] if len(targs) > 1 else 0!r})"
    return f"_method({t.expr(owner)}, {callee.text!r}, [{', '.join(argument(t, a) for a in args)}])"


EMIT: dict[str, Callable[[Any, Node], str]] = {
    "num": emit_num,
    "str": emit_str,
    "chr": emit_chr,
    "paren": emit_paren,
    "name": emit_name,
    "index": emit_index,
    "cast": emit_cast,
    "cond": emit_cond,
    "un": emit_un,
    "post": emit_post,
    "bin": emit_bin,
    "assign": emit_assign,
    "init": emit_init,
    "sizeof": emit_sizeof,
    "lambda": emit_lambda,
    "member": emit_member,
    "call": emit_call,
}
"""Emitter of every kind of expression that is modelled."""
