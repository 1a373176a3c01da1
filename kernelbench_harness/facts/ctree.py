"""The light C++ tree: types, nodes, functions, and the cursor that the parser moves over tokens.

One uniform node serves expressions and statements, so that walkers stay short.

Expressions (`kind`: meaning of `text`, `parts`, `extra`)
    num, str, chr: the literal · name: qualified name, extra = template arguments · call: parts = (callee, *arguments)
    launch: the callee of a call, parts = (kernel, grid, block, ...)
    index: (base, index) · member: text = name, parts = (base,), extra = (operator, template arguments)
    un, post: operator · bin, assign: operator, (left, right) · cond: (test, yes, no) · cast: extra = Type, (value,)
    lambda: extra = Func · init: brace list, extra = Type or None · new, sizeof: extra = Type or None
Statements
    decl: text = __shared__, __constant__, __device__ or "", extra = Type, parts = var nodes
    var: text = name, parts = (initialiser,) or (), extra = Declarator
    expr, return, for (init, cond, step, body), rangefor (var, range, body), while, do, if, block, switch, case,
    break, continue, empty, using, struct, bad
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.lexer import Token


class Type(NamedTuple):
    """A written type."""

    base: str
    """Qualified name, `unsigned long` normalised to one space; "auto" too."""
    args: tuple[Any, ...] = ()
    """Template arguments: Type, or int, or text."""
    ptr: int = 0
    ref: bool = False
    const: bool = False
    """The pointee (or the value) is const."""
    const_ptr: bool = False
    """The pointer itself is const."""


class Node(NamedTuple):
    """Expression or statement; see the module's docstring."""

    kind: str
    text: str = ""
    parts: tuple[Any, ...] = ()
    line: int = 0
    extra: Any = None


class Declarator(NamedTuple):
    """What stands around a declared name."""

    type: Type
    dims: tuple[Any, ...] = ()
    """Array extents; a None extent is an empty bracket."""
    style: str = ""
    """"=", "(", "{" or "" (no initialiser)."""
    names: tuple[str, ...] = ()
    """Structured binding: the names."""


class Param(NamedTuple):
    """One parameter of a function."""

    type: Type
    name: str
    has_default: bool


class Func(NamedTuple):
    """A function definition, a declaration (body None), or a lambda (name "")."""

    name: str
    params: tuple[Param, ...]
    returns: Type
    body: Node | None
    line: int
    templates: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()
    spaces: frozenset[str] = frozenset()
    """Of __global__, __device__, __host__, constexpr: what stands before it."""


class Struct(NamedTuple):
    """A struct or class."""

    name: str
    fields: tuple[tuple[str, Type, tuple[Any, ...]], ...]
    methods: tuple[Func, ...]


class Unit(NamedTuple):
    """A parsed source."""

    functions: tuple[Func, ...]
    structs: tuple[Struct, ...]
    globals: tuple[Node, ...]
    exports: dict[str, str]
    """PYBIND11_MODULE: Python name -> C++ name."""
    has_module: bool
    usings: frozenset[str]
    """Namespaces and names brought in by using."""
    types: frozenset[str]
    findings: list[Finding]


class SyntaxGap(Exception):
    """The parser cannot go on here."""

    def __init__(self, message: str, token: Token, kind: str = "syntax") -> None:
        super().__init__(message)
        self.message = message
        self.token = token
        self.kind = kind


class Cursor:
    """A position in a token list; mutable, because parsing moves it."""

    __slots__ = ("i", "known_types", "lost", "tokens")

    def __init__(self, tokens: list[Token], known_types: set[str]) -> None:
        self.tokens = tokens
        self.i = 0
        self.known_types = known_types
        self.lost = False
        """Whether a statement could not be understood: then there are "bad" nodes."""

    @property
    def now(self) -> Token:
        return self.tokens[self.i]

    @property
    def text(self) -> str:
        return self.tokens[self.i].text

    @property
    def kind(self) -> str:
        return self.tokens[self.i].kind

    def ahead(self, n: int = 1) -> Token:
        """The token `n` further, or the end token."""
        return self.tokens[min(self.i + n, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The present token; moves on, never beyond the end token."""
        token = self.tokens[self.i]
        if token.kind != "end":
            self.i += 1
        return token

    def accept(self, text: str) -> bool:
        """Move over `text` when it stands here (as an operator or a word)."""
        token = self.tokens[self.i]
        if token.text == text and token.kind in ("op", "id"):
            self.i += 1
            return True
        return False

    def expect(self, text: str, after: str = "") -> Token:
        """Move over `text` or raise SyntaxGap."""
        token = self.tokens[self.i]
        if token.text == text and token.kind in ("op", "id"):
            self.i += 1
            return token
        before = self.tokens[self.i - 1] if self.i else token
        kind = "semicolon" if text == ";" else "syntax"
        near = token.text or "end"
        raise SyntaxGap(f"want {text!r} after {before.text!r} before {near!r}", before, kind)


def walk(node: Node | None) -> list[Node]:
    """Every node below and including `node`, lambda bodies included, parents first."""
    found: list[Node] = []
    stack: list[Node | None] = [node]
    while stack:
        item = stack.pop()
        if item is None:
            continue
        found.append(item)
        if item.parts:
            stack.extend(item.parts[::-1])
        if item.kind == "lambda" and item.extra.body is not None:
            stack.append(item.extra.body)
    return found
