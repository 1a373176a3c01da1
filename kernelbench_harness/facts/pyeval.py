"""A small evaluator of the Python in problems and candidates: module constants, classes, forward, get_inputs.

Guaranteed: nothing of the source is executed by Python itself; only numbers, lists, our tensors and our modules exist,
and every loop counts against the step budget. Not guaranteed: the whole language; what is not modelled raises
Unsupported, and then nothing follows about the source.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

from kernelbench_harness.facts import dispatch
from kernelbench_harness.facts import torch_ops as ops
from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.memory import Fault, OverBudget, Source, Tensor, Unsupported
from kernelbench_harness.facts.modules import Module
from kernelbench_harness.facts.pyoperators import binary, compare, subscript, unary
from kernelbench_harness.facts.pytorch import tensor_method, torch_call
from kernelbench_harness.facts.pyvalues import Extension, Method, Path

MAX_STEPS = 4000
_BUILTINS: dict[str, Any] = {"int": int, "float": float, "len": len, "max": max, "min": min, "abs": abs,
"range": range, "tuple": tuple,
                             "list": list, "sum": sum, "bool": bool, "round": round, "enumerate": enumerate, "zip": zip,
                             "True": True, "False": False, "None": None, "sorted": sorted,
                             "isinstance": lambda *a: True,
                             "print": lambda *a, **k: None, "str": str, "hasattr": lambda o, n: False}  # fmt: skip


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Program:
    """One Python source, its module scope evaluated lazily over module-level statements."""

    def __init__(
        self,
        tree: ast.Module,
        source: Source,
        extension: Extension | None = None,
        integers: Mapping[int, int] | None = None,
    ) -> None:
        self.source = source
        self.extension = extension
        self.integers = integers or {}
        self.steps = MAX_STEPS
        self.globals: dict[str, Any] = {
            "torch": Path("torch"),
            "nn": Path("torch.nn"),
            "F": Path("torch.nn.functional"),
            "math": math,
        }
        for stmt in tree.body:
            try:
                self.statement(stmt, self.globals)
            except Unsupported as gap:
                for name in _targets(stmt):
                    self.globals[name] = gap

    # statements

    def run(self, body: list[ast.stmt], scope: dict[str, Any]) -> None:
        for stmt in body:
            self.statement(stmt, scope)

    def statement(self, stmt: ast.stmt, scope: dict[str, Any]) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise OverBudget("python steps")
        if isinstance(stmt, ast.Assign):
            value = self.value(stmt.value, scope)
            for target in stmt.targets:
                self.assign(target, value, scope)
        elif isinstance(stmt, ast.AnnAssign):
            if stmt.value is not None:
                self.assign(stmt.target, self.value(stmt.value, scope), scope)
        elif isinstance(stmt, ast.AugAssign):
            load = ast.copy_location(ast.BinOp(_as_load(stmt.target), stmt.op, stmt.value), stmt)
            self.assign(stmt.target, self.value(load, scope), scope)
        elif isinstance(stmt, ast.Expr):
            if not isinstance(stmt.value, ast.Constant):
                self.value(stmt.value, scope)
        elif isinstance(stmt, ast.Return):
            raise _Return(self.value(stmt.value, scope) if stmt.value is not None else None)
        elif isinstance(stmt, (ast.FunctionDef, ast.ClassDef)):
            scope[stmt.name] = stmt
        elif isinstance(stmt, ast.If):
            self.run(stmt.body if self.truth(stmt.test, scope) else stmt.orelse, scope)
        elif isinstance(stmt, ast.For):
            for item in self.value(stmt.iter, scope):
                self.assign(stmt.target, item, scope)
                self.run(stmt.body, scope)
        elif isinstance(stmt, ast.With):
            self.run(stmt.body, scope)
        elif isinstance(stmt, (ast.Import, ast.ImportFrom)):
            self.imports(stmt, scope)
        elif not isinstance(stmt, (ast.Pass, ast.Assert, ast.Global)):
            raise Unsupported(f"python {type(stmt).__name__}")

    def imports(self, stmt: ast.Import | ast.ImportFrom, scope: dict[str, Any]) -> None:
        base = stmt.module + "." if isinstance(stmt, ast.ImportFrom) and stmt.module else ""
        for alias in stmt.names:
            name = base + alias.name
            if name.startswith("math"):
                scope[alias.asname or alias.name] = math if name == "math" else getattr(math, alias.name, None)
            elif isinstance(stmt, ast.Import) and not alias.asname:
                scope[name.partition(".")[0]] = Path(name.partition(".")[0])
            else:
                scope[alias.asname or alias.name] = Path(name)

    def assign(self, target: ast.expr, value: Any, scope: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            scope[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = list(value)
            if len(items) != len(target.elts):
                raise Unsupported("unpacking")
            for part, item in zip(target.elts, items, strict=True):
                self.assign(part, item, scope)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, scope)
            if not isinstance(owner, Module):
                raise Unsupported("attribute of a value")
            owner.attrs[target.attr] = value
        else:
            raise Unsupported("python item assignment")

    # expressions

    def truth(self, node: ast.expr, scope: dict[str, Any]) -> bool:
        value = self.value(node, scope)
        if isinstance(value, Tensor):
            raise Unsupported("truth of a tensor")
        return bool(value)

    def value(self, node: ast.expr, scope: dict[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            value = node.value
            return self.integers.get(value, value) if type(value) is int else value
        if isinstance(node, ast.Name):
            return self.name(node.id, scope)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.value(node.value, scope), node.attr)
        if isinstance(node, ast.Call):
            return self.call(node, scope)
        if isinstance(node, (ast.Tuple, ast.List)):
            items: list[Any] = []
            for part in node.elts:
                if isinstance(part, ast.Starred):
                    items += self.value(part.value, scope)
                else:
                    items.append(self.value(part, scope))
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.BinOp):
            return binary(self, node, scope)
        if isinstance(node, ast.UnaryOp):
            return unary(self, node, scope)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return compare(self, node, scope)
        if isinstance(node, ast.BoolOp):
            results = (self.value(v, scope) for v in node.values)
            return all(results) if isinstance(node.op, ast.And) else any(results)
        if isinstance(node, ast.IfExp):
            return self.value(node.body if self.truth(node.test, scope) else node.orelse, scope)
        if isinstance(node, ast.Subscript):
            return subscript(self, self.value(node.value, scope), node.slice, scope)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and len(node.generators) == 1:
            inner = dict(scope)
            out = []
            for item in self.value(node.generators[0].iter, scope):
                self.assign(node.generators[0].target, item, inner)
                if all(self.truth(test, inner) for test in node.generators[0].ifs):
                    out.append(self.value(node.elt, inner))
            return out
        if isinstance(node, ast.JoinedStr):
            return ""
        if isinstance(node, ast.Lambda):
            names = [a.arg for a in node.args.args]
            return lambda *given: self.value(node.body, scope | dict(zip(names, given, strict=False)))
        raise Unsupported(f"python {type(node).__name__}")

    def name(self, name: str, scope: dict[str, Any]) -> Any:
        for where in (scope, self.globals, _BUILTINS):
            if name in where:
                value = where[name]
                if isinstance(value, Unsupported):
                    raise value
                return value
        raise Unsupported(f"python name {name}")

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Path):
            if name in ("inf", "pi", "nan", "e") and owner.name in ("torch", "numpy"):
                return getattr(math, name)
            if name in dispatch.DTYPES and owner.name == "torch":
                return dispatch.DTYPES[name]
            return Path(f"{owner.name}.{name}")
        if isinstance(owner, Module):
            if name in owner.attrs:
                return owner.attrs[name]
            return Method(owner, name)
        if isinstance(owner, Tensor):
            if name == "shape":
                return owner.shape
            if name == "T":
                return views.transpose(owner, 0, 1)
            if name == "dtype":
                return owner.dtype
            if name in ("device", "data", "is_cuda", "ndim", "requires_grad"):
                return {"device": "cpu", "data": owner, "ndim": len(owner.shape)}.get(name, False)
            return Method(owner, name)
        if isinstance(owner, Extension):
            return Method(owner, name)
        if isinstance(owner, (ops.Pair, tuple)) and name in ("values", "indices") and isinstance(owner, ops.Pair):
            return getattr(owner, name)
        if owner is math:
            return getattr(math, name)
        return Method(owner, name)

    # calls

    def call(self, node: ast.Call, scope: dict[str, Any]) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return Module("super")
        function = self.value(node.func, scope)
        args: list[Any] = []
        for part in node.args:
            if isinstance(part, ast.Starred):
                args += self.value(part.value, scope)
            else:
                args.append(self.value(part, scope))
        kwargs = {k.arg: self.value(k.value, scope) for k in node.keywords if k.arg}
        return self.apply(function, args, kwargs)

    def apply(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if isinstance(function, Path):
            return torch_call(self, function.name, args, kwargs)
        if isinstance(function, Method):
            return self.method(function, args, kwargs)
        if isinstance(function, ast.FunctionDef):
            return self.function(function, args, kwargs)
        if isinstance(function, ast.ClassDef):
            return self.construct(function, args, kwargs)
        if isinstance(function, Module):
            return self.forward(function, args)
        if callable(function):
            try:
                return function(*args, **kwargs)
            except (TypeError, ValueError) as gap:
                raise Unsupported(f"python call: {gap}") from gap
        raise Unsupported("python call")

    def method(self, method: Method, args: list[Any], kwargs: dict[str, Any]) -> Any:
        on, name = method.on, method.name
        if isinstance(on, Extension):
            return on.call(name, args, kwargs)
        if isinstance(on, Module):
            if on.cls == "super" or name in ("register_buffer", "register_parameter"):
                if name in ("register_buffer", "register_parameter"):
                    on.attrs[args[0]] = args[1]
                return None
            if name in ("eval", "train", "to", "cpu", "cuda"):
                return on
            found = _find(on.cls, name) if isinstance(on.cls, ast.ClassDef) else None
            if found is None:
                raise Unsupported(f"method {name}")
            return self.function(found, [on, *args], kwargs)
        if isinstance(on, Tensor):
            return tensor_method(self.source, on, name, args, kwargs)
        if isinstance(on, list) and name == "append":
            on.append(args[0])
            return None
        if isinstance(on, str):
            return on
        raise Unsupported(f"method {name}")

    def function(self, node: ast.FunctionDef, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self.steps -= 1
        if self.steps < 0:
            raise OverBudget("python steps")
        names = [a.arg for a in node.args.args]
        scope: dict[str, Any] = {}
        for name, default in zip(names[::-1], node.args.defaults[::-1], strict=False):
            scope[name] = self.value(default, self.globals)
        for kwonly, given in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if given is not None:
                scope[kwonly.arg] = self.value(given, self.globals)
        if len(args) > len(names) and node.args.vararg is None:
            raise Fault(f"{node.name} takes {len(names)} gets {len(args)}")
        scope.update(zip(names, args, strict=False))
        if node.args.vararg is not None:
            scope[node.args.vararg.arg] = tuple(args[len(names) :])
        scope.update(kwargs)
        lacking = [name for name in names if name not in scope]
        if lacking:
            raise Fault(f"{node.name} lacks {lacking[0]}")
        try:
            self.run(node.body, scope)
        except _Return as done:
            return done.value
        return None

    def construct(self, node: ast.ClassDef, args: list[Any], kwargs: dict[str, Any]) -> Module:
        module = Module(node)
        module.attrs["training"] = True
        for stmt in node.body:
            if isinstance(stmt, (ast.Assign, ast.AnnAssign)):
                self.statement(stmt, module.attrs)
        init = _find(node, "__init__")
        if init is not None:
            self.function(init, [module, *args], kwargs)
        return module

    def forward(self, module: Module, args: list[Any]) -> Any:
        if module.cls == "sequential":
            for layer in [v for k, v in module.attrs.items() if k.isdigit()]:
                args = [self.forward(layer, args)]
            return args[0]
        if isinstance(module.cls, ast.ClassDef):
            found = _find(module.cls, "forward")
            if found is None:
                raise Unsupported("no forward")
            return self.function(found, [module, *args], {})
        if module.forward is None:
            raise Unsupported("module without forward")
        return module.forward(*args)


def _find(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == name), None)


def _targets(stmt: ast.stmt) -> list[str]:
    if isinstance(stmt, ast.Assign):
        return [t.id for t in stmt.targets if isinstance(t, ast.Name)]
    return []


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    raise Unsupported("python augmented assignment")
