"""Turns the checked C++ tree into Python source that the dry run executes against `machine`.

Pointers are two locals (memory, offset); scalars are locals named after their symbol, so shadowing is right; an
ordinary counting loop becomes `for ... in range`. Every loop counts against the step budget.
Not guaranteed: structs, switch, SIMD intrinsics, references to scalars, and whatever else raises Unsupported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelbench_harness.facts.ctree import Func, Node, Type, Unit
from kernelbench_harness.facts.cuda_emit import DeviceCode, emit_shared
from kernelbench_harness.facts.memory import Unsupported
from kernelbench_harness.facts.symbols import Checked
from kernelbench_harness.facts.translate_declarations import SCALARS, emit_variable
from kernelbench_harness.facts.translate_expressions import EMIT, index, pointer
from kernelbench_harness.facts.translate_loops import counted_loop, has_jump
from kernelbench_harness.facts.values import canonical, is_float, is_int

ONCE = "_ONCE"


class Translator:
    """Emits Python for the functions of one source; mutable while it writes."""

    def __init__(
        self, unit: Unit, checked: Checked, integers: Mapping[int, int], device: DeviceCode | None = None
    ) -> None:
        self.unit = unit
        self.device = device
        self.templates = checked.templates
        self.symbols = checked.symbols
        self.types = checked.types
        self.functions = checked.functions
        self.integers = integers
        self.lines: list[str] = []
        self.depth = 0
        self.temp = 0
        self.owned: list[set[str]] = [set()]
        self.outer: list[set[str]] = [set()]

    def source(self) -> str:
        """Python source of every function with a body."""
        for decl in self.unit.globals:
            self.declaration(decl)
        for struct in self.unit.structs:
            for func in struct.methods:
                if func.body is not None and not struct.fields:
                    self.function(func, f"f_{struct.name}__{func.name}", list(func.params))
        for func in self.unit.functions:
            if func.body is not None:
                self.function(func, f"f_{func.name}", list(func.params))
        return "\n".join(self.lines)

    def put(self, line: str) -> None:
        self.lines.append(" " * self.depth + line)

    def fresh(self) -> str:
        self.temp += 1
        return f"_t{self.temp}"

    def own(self, *names: str) -> None:
        self.owned[-1].update(names)

    def assigned(self, *names: str) -> None:
        self.outer[-1].update(n for n in names if n not in self.owned[-1])

    # functions

    def function(self, func: Func, name: str, params: list[Any]) -> None:
        """A function or a lambda's body as `def name(...)`."""
        self.owned.append(set())
        self.outer.append(set())
        names, unpack = [], []
        for param in params:
            symbol = self.symbols.get(id(param))
            py = f"{param.name}_{symbol.uid}" if symbol is not None else self.fresh()
            kind = canonical(param.type)
            if param.type.ref and not param.type.const and kind is not None and kind.base in SCALARS and not kind.ptr:
                raise Unsupported("reference parameter")
            if kind is not None and kind.ptr == 1:
                unpack.append(f"{py}_m, {py}_o = {py}")
                self.own(py + "_m", py + "_o")
            elif kind is not None and kind.ptr:
                raise Unsupported("pointer to pointer")
            self.own(py)
            names.append(py)
        if self.device is not None and func.name:
            names += [f"{n}_{s.uid}=None" for n, s in self.templates.get(id(func), {}).items()]
        self.put(f"def {name}({', '.join(names)}):")
        self.depth += 1
        mark = len(self.lines)
        for line in unpack:
            self.put(line)
        assert func.body is not None
        for stmt in func.body.parts:
            self.statement(stmt)
        self.put("return\n" + " " * self.depth + "yield" if self.cooperates(func) else "pass")
        owned, outer = self.owned.pop(), self.outer.pop()
        free = sorted(outer - owned)
        if free:
            word = "global" if self.depth == 1 else "nonlocal"
            self.lines.insert(mark, " " * self.depth + f"{word} {', '.join(free)}")
            self.outer[-1].update(n for n in free if n not in self.owned[-1])
        self.depth -= 1

    def cooperates(self, func: Func) -> bool:
        """Whether threads wait for each other in it: then it is a generator."""
        return self.device is not None and func.name in self.device.cooperative

    # statements

    def block(self, stmt: Node) -> None:
        self.depth += 1
        self.statement(stmt)
        self.put("pass")
        self.depth -= 1

    def statement(self, stmt: Node) -> None:
        kind = stmt.kind
        if kind == "decl":
            self.declaration(stmt)
        elif kind == "expr":
            self.effect(stmt.parts[0])
        elif kind == "block":
            for part in stmt.parts:
                self.statement(part)
        elif kind == "return":
            self.put(f"return {self.result(stmt.parts[0])}" if stmt.parts else "return")
        elif kind == "if":
            self.put(f"if {self.expr(stmt.parts[0])}:")
            self.block(stmt.parts[1])
            if len(stmt.parts) > 2:
                self.put("else:")
                self.block(stmt.parts[2])
        elif kind == "for":
            self.loop(stmt)
        elif kind in ("while", "do"):
            test = self.expr(stmt.parts[0])
            self.put("while True:" if kind == "do" else f"while {test}:")
            self.depth += 1
            self.put("_tick()")
            self.statement(stmt.parts[1])
            if kind == "do":
                if has_jump(stmt.parts[1], "continue"):
                    raise Unsupported("continue in do")
                self.put(f"if not ({test}): break")
            self.depth -= 1
        elif kind == "rangefor":
            self.range_for(stmt)
        elif kind in ("break", "continue"):
            self.put(kind)
        elif kind in ("empty", "using"):
            self.put("pass")
        else:
            raise Unsupported(f"c++ {kind}")

    def range_for(self, stmt: Node) -> None:
        decl, source, body = stmt.parts
        var = decl.parts[0]
        symbol = self.symbols.get(id(var))
        if symbol is None or var.extra.names or (var.extra.type.ref and not var.extra.type.const):
            raise Unsupported("range for")
        name = f"{var.text}_{symbol.uid}"
        self.own(name)
        self.put(f"for {name} in _each({self.expr(source)}):")
        self.block(body)

    def loop(self, stmt: Node) -> None:
        init, cond, step, body = stmt.parts
        counted = counted_loop(self, init, cond, step, body)
        if counted is not None:
            name, low, high, by = counted
            self.own(name)
            self.put(f"for {name} in _range({low}, {high}, {by}):")
            self.block(body)
            return
        if init.kind != "empty":
            self.statement(init)
        self.put(f"while {self.expr(cond) if cond.kind != 'empty' else 'True'}:")
        self.depth += 1
        self.put("_tick()")
        if has_jump(body, "continue"):
            if has_jump(body, "break"):
                raise Unsupported("break and continue")
            self.put(f"for _ in {ONCE}:")
            self.block(body)
        else:
            self.statement(body)
        if step.kind != "empty":
            self.effect(step)
        self.depth -= 1

    def declaration(self, stmt: Node) -> None:
        for var in stmt.parts:
            if stmt.text == "__shared__":
                emit_shared(self, var)
            else:
                emit_variable(self, var)

    # expressions

    def result(self, node: Node) -> str:
        kind = self.types.get(id(node))
        if kind is not None and kind.ptr:
            memory, offset = pointer(self, node)
            return f"({memory}, {offset})"
        return self.expr(node)

    def convert(self, node: Node, want: Type | None) -> str:
        """The value of `node` as it is stored in a `want`."""
        code = self.expr(node)
        if is_int(want) and want is not None and want.base != "bool":
            have = self.types.get(id(node))
            if is_float(have):
                return f"_int({code})"
            if have is None:
                return f"_maybe_int({code})"
        return code

    def effect(self, node: Node) -> None:
        """An expression evaluated for what it does."""
        kind = node.kind
        if kind == "paren":
            self.effect(node.parts[0])
        elif kind == "bin" and node.text == ",":
            self.effect(node.parts[0])
            self.effect(node.parts[1])
        elif kind == "assign":
            self.assign(node)
        elif kind in ("un", "post") and node.text in ("++", "--"):
            self.step(node.parts[0], "1", node.text[0])
        else:
            self.put(self.expr(node))

    def step(self, target: Node, amount: str, sign: str) -> None:
        kind = self.types.get(id(target))
        if target.kind == "name" and kind is not None and kind.ptr:
            name = self.local(target)
            self.assigned(name + "_o")
            self.put(f"{name}_o {sign}= {amount}")
        else:
            self.put(f"{self.place(target)} {sign}= {amount}")

    def assign(self, node: Node) -> None:
        target, value = node.parts
        while target.kind == "paren":
            target = target.parts[0]
        kind = self.types.get(id(target))
        if value.kind == "assign":
            self.assign(value)
            value = value.parts[0]
        if kind is not None and kind.ptr and target.kind == "name":
            if node.text in ("+=", "-="):
                self.step(target, self.expr(value), node.text[0])
                return
            memory, offset = pointer(self, value)
            name = self.local(target)
            self.assigned(name + "_m", name + "_o")
            self.put(f"{name}_m, {name}_o = {memory}, {offset}")
            return
        place = self.place(target)
        if node.text == "=":
            self.put(f"{place} = {self.convert(value, kind)}")
            return
        operator = node.text[:-1]
        if operator in ("/", "%") or is_int(kind):
            combined = Node("bin", operator, (target, value), node.line)
            have = self.types.get(id(value))
            self.types[id(combined)] = kind if not (is_int(kind) and is_float(have)) else have
            self.put(f"{place} = {self.convert(combined, kind)}")
        else:
            self.put(f"{place} {operator}= {self.expr(value)}")

    def place(self, target: Node) -> str:
        if target.kind == "name":
            name = self.local(target)
            if not name.endswith("]"):
                self.assigned(name)
            return name
        if target.kind == "member" and self.device is not None:
            return self.expr(target)
        if target.kind == "paren":
            return self.place(target.parts[0])
        if target.kind == "index":
            return index(self, target)
        if target.kind == "un" and target.text == "*":
            memory, offset = pointer(self, target.parts[0])
            return f"{memory}[{offset}]"
        raise Unsupported(f"assignment to {target.kind}")

    def local(self, node: Node) -> str:
        symbol = self.symbols.get(id(node))
        if symbol is None:
            raise Unsupported(f"name {node.text}")
        if symbol.kind == "fn":
            if any(symbol.name.startswith(s.name + "__") and s.fields for s in self.unit.structs):
                raise Unsupported("method of an object")
            return f"f_{symbol.name}"
        if self.device is not None and symbol.uid in self.device.shared_scalars:
            return f"{node.text}_{symbol.uid}[0]"
        return f"{node.text}_{symbol.uid}"

    def expr(self, node: Node) -> str:
        """Python for a value."""
        emit = EMIT.get(node.kind)
        if emit is None:
            raise Unsupported(f"c++ {node.kind}")
        return emit(self, node)
