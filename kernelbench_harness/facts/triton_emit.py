"""Python for a Triton kernel as one lane of a block sees it, written from its tree.

A block of values becomes one value a lane; tl.sum and its like, which need all lanes, become a `yield`. Only blocks of
one dimension, all of one length, are modelled; whatever else raises Unsupported. The candidate's own Python is never
run: the text is built from a fixed set of constructs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from kernelbench_harness.facts.memory import Unsupported
from kernelbench_harness.facts.triton_check import Kernel

_SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&", ast.BitOr: "|",
    ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_COMPARES: dict[type, str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_REDUCTIONS = frozenset({"sum", "max", "min"})
_MEMORY = frozenset({"load", "store", "atomic_add", "atomic_max", "atomic_min"})
_PLAIN = {"maximum": "max", "minimum": "min", "abs": "abs", "exp": "_exp", "log": "_log", "sqrt": "_sqrt",
          "sqrt_rn": "_sqrt", "rsqrt": "_rsqrt", "sigmoid": "_sigmoid", "erf": "_erf", "sin": "_sin", "cos": "_cos",
          "exp2": "_exp2", "log2": "_log2", "floor": "_floor", "ceil": "_ceil", "fma": "_fma", "tanh": "_tanh",
          "log1p": "_log1p", "where": "_where", "cdiv": "_cdiv", "fdiv": "_div", "div_rn": "_div", "clamp": "_clamp",
          "pow": "_pow", "expm1": "_expm1", "next_power_of_2": "_power"}  # fmt: skip


class KernelText:
    """Writes one kernel; mutable while it does."""

    def __init__(self, kernel: Kernel, integers: Mapping[int, int]) -> None:
        node = self.node = kernel.node
        self.integers = integers
        self.lines: list[str] = []
        self.reduces = False
        self.ranges: list[str] = []
        """Extent of each tl.arange, as Python over the parameters."""
        self.names = {a.arg for a in [*node.args.args, *node.args.kwonlyargs]}
        self.names |= {n.id for n in kernel.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}

    def source(self) -> str:
        """`def kernel(...)`, and `lanes(...)`, which gives the extents of its blocks."""
        params = [*self.node.args.args, *self.node.args.kwonlyargs]
        defaults: dict[str, str] = {}
        for arg, value in zip(self.node.args.args[::-1], self.node.args.defaults[::-1], strict=False):
            defaults[arg.arg] = self.expr(value)
        head = ", ".join(f"v_{a.arg}" + (f"={defaults[a.arg]}" if a.arg in defaults else "") for a in params)
        for stmt in self.node.body:
            self.statement(stmt, 1)
        body = "\n".join(self.lines) or " pass"
        extents = ", ".join(self.ranges)
        return f"def kernel({head}):\n{body}\n\ndef lanes({head}):\n return [{extents}]\n"

    def put(self, depth: int, text: str) -> None:
        self.lines.append(" " * depth + text)

    def statement(self, stmt: ast.stmt, depth: int) -> None:
        if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1 and isinstance(stmt.targets[0], ast.Name):
            self.put(depth, f"v_{stmt.targets[0].id} = {self.expr(stmt.value)}")
        elif isinstance(stmt, ast.AnnAssign) and isinstance(stmt.target, ast.Name) and stmt.value is not None:
            self.put(depth, f"v_{stmt.target.id} = {self.expr(stmt.value)}")
        elif isinstance(stmt, ast.AugAssign) and isinstance(stmt.target, ast.Name):
            load = ast.Name(stmt.target.id, ast.Load())
            self.put(depth, f"v_{stmt.target.id} = {self.expr(ast.BinOp(load, stmt.op, stmt.value))}")
        elif isinstance(stmt, ast.Expr):
            if not isinstance(stmt.value, ast.Constant):
                self.put(depth, self.expr(stmt.value))
        elif isinstance(stmt, ast.If):
            self.put(depth, f"if {self.expr(stmt.test)}:")
            self.block(stmt.body, depth)
            if stmt.orelse:
                self.put(depth, "else:")
                self.block(stmt.orelse, depth)
        elif isinstance(stmt, ast.For) and isinstance(stmt.target, ast.Name) and isinstance(stmt.iter, ast.Call):
            if _tail(stmt.iter.func) not in ("range", "static_range"):
                raise Unsupported("triton loop")
            self.put(depth, f"for v_{stmt.target.id} in _range({', '.join(self.expr(a) for a in stmt.iter.args)}):")
            self.block(stmt.body, depth)
        elif isinstance(stmt, ast.Return) and stmt.value is None:
            self.put(depth, "return")
        elif not isinstance(stmt, ast.Pass):
            raise Unsupported(f"triton {type(stmt).__name__}")

    def block(self, body: list[ast.stmt], depth: int) -> None:
        for stmt in body:
            self.statement(stmt, depth + 1)
        self.put(depth + 1, "pass")

    def expr(self, node: ast.expr) -> str:
        """Python for one lane's value."""
        if isinstance(node, ast.Constant):
            value = node.value
            if type(value) is int:
                return str(self.integers.get(value, value))
            if value is None or isinstance(value, bool):
                return repr(value)
            if isinstance(value, float):
                return "_inf" if value == float("inf") else repr(value)
        elif isinstance(node, ast.Name) and node.id in self.names:
            return f"v_{node.id}"
        elif isinstance(node, ast.BinOp):
            left, right = self.expr(node.left), self.expr(node.right)
            if isinstance(node.op, ast.Div):
                return f"_div({left}, {right})"
            if isinstance(node.op, (ast.FloorDiv, ast.Mod)):
                return f"{'_idiv' if isinstance(node.op, ast.FloorDiv) else '_imod'}({left}, {right})"
            if type(node.op) in _SIGNS:
                return f"({left} {_SIGNS[type(node.op)]} {right})"
        elif isinstance(node, ast.UnaryOp):
            inner = self.expr(node.operand)
            return {ast.USub: f"(-{inner})", ast.UAdd: inner, ast.Not: f"(not {inner})", ast.Invert: f"_not({inner})"}[
                type(node.op)
            ]
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARES:
            sign = _COMPARES[type(node.ops[0])]
            return f"({self.expr(node.left)} {sign} {self.expr(node.comparators[0])})"
        elif isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            return f"({word.join(self.expr(v) for v in node.values)})"
        elif isinstance(node, ast.IfExp):
            return f"({self.expr(node.body)} if {self.expr(node.test)} else {self.expr(node.orelse)})"
        elif isinstance(node, ast.Call):
            return self.call(node)
        raise Unsupported(f"triton {type(node).__name__}")

    def call(self, node: ast.Call) -> str:
        """A call of tl's, or of a method of a block."""
        name = _tail(node.func)
        words = {k.arg: k.value for k in node.keywords}
        if name in _MEMORY:
            return self.memory(name, node, words)
        if name == "to" and isinstance(node.func, ast.Attribute):
            kind = _tail(node.args[0]) if node.args else _tail(words.get("dtype", ast.Constant(0)))
            return f"_cast({self.expr(node.func.value)}, {kind.startswith(('int', 'uint'))})"
        if name == "float" and node.args and isinstance(node.args[0], ast.Constant):
            spelt = {"inf": "_inf", "-inf": "(-_inf)"}.get(str(node.args[0].value))
            return spelt or f"({self.expr(node.args[0])} * 1.0)"
        if name in ("program_id", "num_programs"):
            axis = node.args[0] if node.args else words.get("axis")
            if not isinstance(axis, ast.Constant) or axis.value not in (0, 1, 2):
                raise Unsupported("triton axis")
            return f"_{name}_{axis.value}"
        if name == "arange":
            low, high = (self.expr(a) for a in node.args)
            self.ranges.append(f"({high}) - ({low})")
            return f"({low} + _lane)"
        if name in ("zeros", "full", "zeros_like"):
            filled = words.get("value", node.args[1] if len(node.args) > 1 else None) if name == "full" else None
            return self.expr(filled) if filled is not None else "0.0"
        if name in _REDUCTIONS:
            self.reduces = True
            return f"(yield ({name!r}, {self.expr(node.args[0])}))"
        if name in ("multiple_of", "max_contiguous") and node.args:
            return self.expr(node.args[0])
        if name in _PLAIN and not words and isinstance(node.func, ast.Attribute):
            return f"{_PLAIN[name]}({', '.join(self.expr(a) for a in node.args)})"
        raise Unsupported(f"tl.{name}")

    def memory(self, name: str, node: ast.Call, words: Mapping[str | None, ast.expr]) -> str:
        """tl.load, tl.store, tl.atomic_add and its like."""
        place = self.address(node.args[0])
        if name == "load":
            return f"_load({place}, {self._given(node, words, 1, 'mask')}, {self._given(node, words, 2, 'other')})"
        value, mask = self.expr(node.args[1]), self._given(node, words, 2, "mask")
        if name == "store":
            return f"_store({place}, {value}, {mask})"
        return f"_atomic({name.removeprefix('atomic_')!r}, {place}, {value}, {mask})"

    def address(self, node: ast.expr) -> str:
        """Base and offset of `pointer + a + b`: one sum of numbers instead of a pointer object for each sign."""
        terms: list[ast.expr] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            terms.append(node.right)
            node = node.left
        return f"{self.expr(node)}, {' + '.join(self.expr(t) for t in reversed(terms)) or '0'}"

    def _given(self, node: ast.Call, words: Mapping[str | None, ast.expr], at: int, name: str) -> str:
        value: Any = words.get(name, node.args[at] if len(node.args) > at else None)
        return self.expr(value) if value is not None else "None"


def _tail(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
