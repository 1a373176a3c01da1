"""What the checker leaves for those who come after it: symbols, types of expressions, functions by name."""

from __future__ import annotations

from typing import Any

from kernelbench_harness.facts.ctree import Func, Struct, Type
from kernelbench_harness.facts.finding import Finding


class Symbol:
    """A declared name; mutable, since initialisation is learned while walking."""

    __slots__ = ("const", "depth", "func", "initialised", "kind", "line", "name", "type", "uid", "used")

    def __init__(self, name: str, uid: int, kind: str, type_: Type | None, line: int) -> None:
        self.name = name
        self.uid = uid
        self.kind = kind
        """var, param, fn, struct or enum."""
        self.type = type_
        self.line = line
        self.const = False
        self.initialised = True
        self.used = False
        self.depth = 0
        self.func: Any = None


class Checked:
    """What the checker leaves behind."""

    __slots__ = ("findings", "functions", "structs", "symbols", "templates", "types")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.symbols: dict[int, Symbol] = {}
        """id(name node or var node) -> symbol"""
        self.types: dict[int, Type | None] = {}
        """id(expression node) -> type"""
        self.functions: dict[str, list[Func]] = {}
        self.structs: dict[str, Struct] = {}
        self.templates: dict[int, dict[str, Symbol]] = {}
        """id(function) -> its template parameters"""

    def defined(self, name: str) -> list[Func]:
        """The functions `name` that have a body."""
        return [f for f in self.functions.get(name, ()) if f.body is not None]
