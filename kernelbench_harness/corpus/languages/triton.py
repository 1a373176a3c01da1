"""Triton: parallel loops become a block of program elements, the rest stays a loop with masked loads.

Guarantee: the module parses, every name in the kernel is a parameter or defined before its use, and every load and
store carries the mask of the conditions around it, as far as its address has one: Triton refuses a block as the mask of
a single element. Not guaranteed: speed; sequential loops are scalar, no tl.dot is used.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from kernelbench_harness.corpus.languages.cuda import launches
from kernelbench_harness.corpus.languages.host import Plan, accumulates
from kernelbench_harness.corpus.languages.wrapper import attribute_of
from kernelbench_harness.corpus.loopnest import inline, loop_call, names_in, statements, subscript
from kernelbench_harness.corpus.text import mark, mark_lines, plain

_SIGN: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_LEVEL: dict[type, int] = {ast.Add: 5, ast.Sub: 5, ast.Mult: 6, ast.Div: 6, ast.FloorDiv: 6, ast.Mod: 6}
_IMPORTS = "import triton\nimport triton.language as tl\n"
_DTYPE = {"f32": "torch.float32", "i64": "torch.int64", "bool": "torch.bool"}


@dataclass(frozen=True)
class _Mask:
    """A condition under which a statement runs."""

    text: str
    wide: bool
    """Whether it differs between the elements of the block."""


@dataclass
class _Kernel:
    """One Triton kernel while it is written."""

    plan: Plan
    pointers: dict[str, str]
    masks: list[_Mask] = field(default_factory=list)
    """The conditions around."""
    block: str = ""
    """Name of the block-size constant; empty where one program element does all."""
    wide: set[str] = field(default_factory=set)
    """Logical names of variables that have a value for each element of the block; all others are scalars."""

    def text(self, node: ast.expr, level: int = 0) -> str:
        """An expression; parenthesised where it binds less than `level`."""
        match node:
            case ast.Constant():
                return mark("number" if isinstance(node.value, float) else "integer", repr(node.value))
            case ast.Name():
                return self._name(node.id)
            case ast.UnaryOp():
                return mark("sign", "-", " ") + self.text(node.operand, 8)
            case ast.BinOp():
                own = _LEVEL[type(node.op)]
                right = self.text(node.right, own if isinstance(node.op, ast.Add | ast.Mult) else own + 1)
                text = f"{self.text(node.left, own)} {mark('operator', _SIGN[type(node.op)])} {right}"
                return f"({text})" if own < level else text
            case ast.Compare():
                sign = mark("compare", _SIGN[type(node.ops[0])])
                text = f"{self.text(node.left, 5)} {sign} {self.text(node.comparators[0], 5)}"
                return f"({text})" if level else text
            case ast.BoolOp():
                joiner = " & " if isinstance(node.op, ast.And) else " | "
                return "(" + joiner.join(self.text(value, 8) for value in node.values) + ")"
            case ast.IfExp():
                return f"tl.where({self.text(node.test)}, {self.text(node.body)}, {self.text(node.orelse)})"
            case ast.Call():
                return self._call(node)
            case ast.Subscript():
                found = subscript(node)
                assert found is not None
                masked = self._masked(found[1], ", other=0")
                return f"{mark('function', 'tl.load')}({self.address(*found)}{masked})"
        raise ValueError(f"no way to write {ast.dump(node)}")

    def _is_wide(self, *nodes: ast.expr) -> bool:
        """Whether any of these has a value for each element of the block."""
        return not self.wide.isdisjoint(names_in(nodes))

    def _masked(self, indices: list[ast.expr], other: str = "") -> str:
        """The mask argument of an access; where all elements want the same address, of the scalar conditions alone."""
        every = self._is_wide(*indices)
        mask = " & ".join(mask.text for mask in self.masks if every or not mask.wide)
        return f", {mark('mask', f'mask={mask}')}{other}" if mask else ""

    def _name(self, name: str) -> str:
        if name == "INF":
            return mark("number", 'float("inf")')
        if name in self.plan.baked:
            return mark("number", repr(self.plan.baked[name]))
        return mark("use", self.plan.names[name])

    def _call(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        name, given = node.func.id, [self.text(argument) for argument in node.args]
        if name == "tanh":
            return f"(2.0 * tl.sigmoid(2.0 * ({given[0]})) - 1.0)"
        if name == "log1p":
            return f"{mark('function', 'tl.log')}(1.0 + {given[0]})"
        spelt = {"max": "tl.maximum", "min": "tl.minimum", "erf": "tl.erf", "abs": "tl.abs"}.get(name, f"tl.{name}")
        kind = "extremum" if name in ("max", "min") else "function"
        return f"{mark(kind, spelt)}({mark('arguments', ', '.join(given))})"

    def address(self, array: str, indices: list[ast.expr]) -> str:
        """Pointer arithmetic of one element."""
        base = mark("use", self.pointers[array])
        dims = self.plan.arrays[array].dims
        pairs = [(index, dim) for index, dim in zip(indices, dims, strict=False) if dim != "1"]
        if not dims or not pairs:
            return base
        result = pairs[0][0]
        for index, dim in pairs[1:]:
            result = ast.BinOp(ast.BinOp(result, ast.Mult(), ast.Name(dim)), ast.Add(), index)
        return f"{base} + {mark('index', self.text(result))}"

    def block_of(self, nodes: list[ast.stmt] | tuple[ast.stmt, ...]) -> list[str]:
        """Statements as lines."""
        return [line for node in nodes for line in self._statement(node)]

    def _value(self, node: ast.expr) -> str:
        return self.text(inline(node, self.plan.nest.helpers))

    def _statement(self, node: ast.stmt) -> list[str]:
        pad = " " * 4
        match node:
            case ast.For():
                _, variable, low, high = loop_call(node)
                name = self.plan.names.assign(variable, "loop")
                first = "" if isinstance(low, ast.Constant) and low.value == 0 else f"{self._value(low)}, "
                head = f"for {name} in {mark('range', 'range')}({first}{mark('bound', self._value(high))}):"
                return mark_lines("loop", [head, *(pad + line for line in self.block_of(node.body))])
            case ast.If():
                return self._condition(node)
            case ast.AnnAssign():
                return [self._declaration(node)]
            case ast.Assign():
                return [self._stored(node.targets[0], node.value)]
            case ast.AugAssign():
                return [self._stored(node.target, ast.BinOp(node.target, node.op, node.value))]
        raise ValueError(f"no way to write {ast.dump(node)}")

    def _condition(self, node: ast.If) -> list[str]:
        name = self.plan.names.fresh("cond", "inside", "valid")
        lines, wide = [f"{name} = {self._value(node.test)}"], self._is_wide(node.test)
        self.masks.append(_Mask(name, wide))
        lines += self.block_of(node.body)
        self.masks.pop()
        if node.orelse:
            self.masks.append(_Mask(f"(~{name})" if self.block else f"(not {name})", wide))
            lines += self.block_of(node.orelse)
            self.masks.pop()
        return lines

    def _declaration(self, node: ast.AnnAssign) -> str:
        assert isinstance(node.target, ast.Name) and isinstance(node.annotation, ast.Name) and node.value is not None
        name = self.plan.names.assign(node.target.id, "total" if node.annotation.id == "a" else "local")
        value = self._value(node.value)
        wide, constant = self._is_wide(node.value), isinstance(node.value, ast.Constant | ast.UnaryOp)
        # What is assigned again may become a block then, and Triton lets no loop change a variable's type.
        if self.block and (constant or (not wide and node.target.id in _assigned(self.plan))):
            dtype = "tl.int64" if node.annotation.id == "i" else "tl.float32"
            value, wide = f"tl.full([{self.block}], {value}, dtype={mark('dtype', dtype)})", True
        if wide:
            self.wide.add(node.target.id)
        return mark("declaration", f"{name}{mark('initial', f' = {value}', node.annotation.id)}", node.annotation.id)

    def _stored(self, target: ast.expr, node: ast.expr) -> str:
        found, value = subscript(target), self._value(node)
        if found is None:
            assert isinstance(target, ast.Name)
            name = self.text(target)
            inner = [mask for mask in self.masks if mask.text != "mask"]
            if self._is_wide(node) or any(mask.wide for mask in inner):
                self.wide.add(target.id)
            where = " & ".join(mask.text for mask in inner)
            return mark("assignment", f"{name} = tl.where({where}, {value}, {name})" if where else f"{name} = {value}")
        return mark("store", f"tl.store({self.address(*found)}, {value}{self._masked(found[1])})")


def _assigned(plan: Plan) -> set[str]:
    """Logical names of the variables that are assigned after their declaration."""
    changes = [node for node in statements(plan.nest.body) if isinstance(node, ast.Assign | ast.AugAssign)]
    targets = [node.targets[0] if isinstance(node, ast.Assign) else node.target for node in changes]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def source(plan: Plan) -> tuple[str, str]:
    """(the module's text above ModelNew, the expression that forward returns), marked."""
    names, pad = plan.names, " " * 4
    pointers = {logical: names.fresh(f"{tensor}_ptr", f"{tensor}_p") for logical, tensor in plan.tensors.items()}
    result = names.assign(plan.operator.output.name, "output")
    pointers[plan.operator.output.name] = names.fresh(f"{result}_ptr", f"{result}_p")
    used = set(names_in([*plan.nest.body, *(value for _, value in plan.nest.helpers.values())]))
    sizes = [
        name for name in plan.sizes_used() if name in used or any(name in array.dims for array in plan.arrays.values())
    ]
    scalars = [scalar.name for scalar in plan.given if scalar.name in used]
    parameters = [*pointers.values(), *(names[name] for name in [*sizes, *scalars])]
    text: list[str] = []
    calls: list[str] = []
    for loops, body in launches(plan):
        kernel = _Kernel(plan, pointers)
        name = names.fresh(f"{plan.operator.name}_kernel", f"{plan.operator.name}_second_kernel")
        head = ", ".join(parameters)
        tensors = ", ".join([*plan.tensors.values(), result, *(names[each] for each in [*sizes, *scalars])])
        if loops:
            kernel.block = names.fresh("BLOCK_SIZE", "BLOCK", "TILE")
            lines = _prologue(plan, kernel, loops)
            head += f", {kernel.block}: tl.constexpr"
            total = " * ".join(plain(kernel.text(loop_call(loop)[3], 6)) for loop in loops)
            size = plan.rng.choice((64, 128, 256, 512))
            grid = mark("launch", f"(triton.cdiv({total}, {size}),)", f"(({total}) // {size},)")
            call = f"{name}[{grid}]({mark('arguments', tensors)}, {kernel.block}={size})"
        else:
            lines, call = [], f"{name}[(1,)]({mark('arguments', tensors)})"
        lines += kernel.block_of(body)
        text += ["@triton.jit", f"def {name}({mark('parameters', head)}):", *(pad + line for line in lines), "", ""]
        calls.append(mark("call", call))
    host = _host(plan, sizes, calls, result)
    given_sources = [*(array.source for array in plan.operator.inputs), *(scalar.source for scalar in plan.given)]
    given = ", ".join(attribute_of(argument) for argument in given_sources)
    return _IMPORTS + "\n\n" + mark(
        "source", "\n".join([*text, *host])
    ), f"{plan.function}({mark('python_arguments', given)})"


def _prologue(plan: Plan, kernel: _Kernel, loops: list[ast.For]) -> list[str]:
    """Which elements this program has, and their coordinates."""
    names = plan.names
    program, offsets = names.fresh("pid", "program"), names.fresh("offs", "offsets", "idx")
    total = " * ".join(kernel.text(loop_call(loop)[3], 6) for loop in loops)
    lines = [
        f"{program} = tl.program_id({mark('axis', '0')})",
        f"{offsets} = {program} * {kernel.block} + tl.arange(0, {kernel.block})",
        f"mask = {offsets} {mark('relation', '<')} {mark('bound', total)}",
    ]
    for at, loop in enumerate(loops):
        _, variable, _, high = loop_call(loop)
        name = names.assign(variable, "loop")
        inner = " * ".join(kernel.text(loop_call(later)[3], 6) for later in loops[at + 1 :])
        value = f"{offsets} // ({inner})" if inner else offsets
        value = value if at == 0 else f"({value}) % {kernel.text(high, 6)}"
        lines.append(mark("decode", f"{name} = {value}"))
        kernel.wide.add(variable)
    kernel.masks.append(_Mask("mask", True))
    return lines


def _host(plan: Plan, sizes: list[str], calls: list[str], result: str) -> list[str]:
    """The Python function that makes the output and launches."""
    output, names, pad = plan.operator.output, plan.names, " " * 4
    derived = dict(plan.nest.derived)
    host = _Kernel(plan, {})
    lines = (
        [f"{tensor} = {tensor}.contiguous()" for tensor in plan.tensors.values()]
        if plan.style.contiguous != "none"
        else []
    )
    lines += [
        f"{names[name]} = {host.text(derived[name]) if name in derived else plan.size_of(name)}" for name in sizes
    ]
    first = next(plan.tensors[array.name] for array in plan.operator.inputs if array.dtype == "f32")
    verb = "zeros" if accumulates(plan) or plan.style.allocate == "zeros" else "empty"
    if output.flat:
        made = f"torch.{mark('allocator', verb + '_like')}({first})"
    else:
        extent = [dim if dim.isdigit() else names[dim] for dim in output.dims]
        shape = f"({extent[0]},)" if len(extent) == 1 else f"({', '.join(extent)})"
        wrong = f"({', '.join([*extent, '1'])})"
        dtype = mark("dtype", _DTYPE[output.dtype])
        shaped = mark("shape", shape, wrong)
        made = f"torch.{mark('allocator', verb)}({shaped}, device={first}.device, dtype={dtype})"
    parameters = ", ".join([*plan.tensors.values(), *(names[scalar.name] for scalar in plan.given)])
    end = mark("return", f"return {mark('returned', result)}")
    return [
        f"def {plan.function}({parameters}):",
        *(pad + line for line in [*lines, f"{result} = {made}", *calls, end]),
    ]
