"""Parses declarations of variables, and tells them from expressions."""

from __future__ import annotations

from kernelbench_harness.facts.cpp_types import BUILTIN, KEYWORDS, QUALIFIERS, parse_type
from kernelbench_harness.facts.ctree import Cursor, Declarator, Node, SyntaxGap, Type
from kernelbench_harness.facts.expressions import arguments, parse_assignment, parse_braces, parse_expression

_TYPE_WORDS = BUILTIN | QUALIFIERS | {"decltype"}

_SPACES = frozenset({"__shared__", "__constant__", "__device__"})

_AFTER_VALUE = frozenset({"=", "[", "(", ".", "->", "+=", "-=", "*=", "/=", "++", "--"})


_AFTER_NAME = frozenset({"=", ";", ",", "[", "{", "(", ":"})


def parse_declaration(cur: Cursor, ending: str = ";", force: bool = False) -> Node | None:
    """A variable declaration, or None (cursor unmoved) where the statement is an expression."""
    start = cur.i
    if cur.kind != "id" or cur.text in KEYWORDS:
        return None
    first = cur.text
    if not force and first not in _TYPE_WORDS and cur.ahead().text in _AFTER_VALUE:
        return None  # most statements: known to be an expression without trying a type
    sure = first in BUILTIN or first in QUALIFIERS or force
    try:
        kind = parse_type(cur, guess=True)
    except SyntaxGap:
        kind = None
    if kind is None:
        cur.i = start
        return None
    space = next((t.text for t in cur.tokens[start : cur.i] if t.text in _SPACES), "") if first in QUALIFIERS else ""
    if cur.text == "[" and kind.base == "auto":
        return _binding(cur, kind, ending)
    known = kind.base in cur.known_types or kind.base in BUILTIN
    if cur.kind != "id" or cur.text in KEYWORDS or cur.ahead().text not in _AFTER_NAME:
        if sure and kind is not None and cur.kind == "id" and cur.text not in KEYWORDS:
            token = cur.take()
            raise SyntaxGap(f"want ';' or '=' after {token.text!r} before {cur.text or 'end'!r}", token, "semicolon")
        if sure and known and cur.kind in ("num", "op") and cur.text not in ("(", "{", "::"):
            raise SyntaxGap(f"want a name after {kind.base!r}", cur.now)
        cur.i = start
        return None
    if not known and (kind.ptr or kind.ref) and cur.ahead().text not in ("=", ";"):
        cur.i = start
        return None
    line = cur.now.line
    parts = [_declarator(cur, kind)]
    while cur.accept(","):
        ptr = 0
        ref = False
        while cur.text in ("*", "&") or cur.text in ("__restrict__", "const"):
            text = cur.take().text
            ptr += text == "*"
            ref = ref or text == "&"
        if cur.kind != "id":
            raise SyntaxGap("want a name after ','", cur.now)
        parts.append(_declarator(cur, kind._replace(ptr=ptr, ref=ref)))
    if ending == ";":
        cur.expect(";")
    return Node("decl", space, tuple(parts), line, kind)


def _binding(cur: Cursor, kind: Type, ending: str) -> Node:
    line = cur.take().line
    names: list[str] = []
    while cur.text != "]" and cur.kind != "end":
        if cur.kind == "id":
            names.append(cur.text)
        cur.take()
    cur.expect("]")
    parts: tuple[Node, ...] = ()
    if cur.accept("="):
        parts = (parse_expression(cur),)
    if ending == ";":
        cur.expect(";")
    var = Node("var", "", parts, line, Declarator(kind, (), "=", tuple(names)))
    return Node("decl", "", (var,), line, kind)


def _declarator(cur: Cursor, kind: Type) -> Node:
    token = cur.take()
    dims: list[Node | None] = []
    while cur.text == "[":
        cur.take()
        dims.append(None if cur.text == "]" else parse_expression(cur))
        cur.expect("]")
    style = ""
    parts: tuple[Node, ...] = ()
    if cur.accept("="):
        style = "="
        parts = (parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur),)
    elif cur.text == "(":
        style = "("
        cur.take()
        parts = tuple(arguments(cur))
    elif cur.text == "{":
        style = "{"
        parts = (parse_braces(cur, None),)
    return Node("var", token.text, parts, token.line, Declarator(kind, tuple(dims), style))
