"""Parses a whole C++ source: functions, structs, namespaces, globals, and what PYBIND11_MODULE exports.

Guaranteed: ends for every input; each place it could not understand is one finding, after which it goes on behind the
next `;` or `}`. Not guaranteed: overload sets, class templates' details, preprocessor tricks.
"""

from __future__ import annotations

from kernelbench_harness.facts.cpp_types import QUALIFIERS, parse_type, skip_balanced, template_end
from kernelbench_harness.facts.ctree import Cursor, Declarator, Func, Node, Struct, SyntaxGap, Type, Unit, walk
from kernelbench_harness.facts.declarations import parse_declaration
from kernelbench_harness.facts.expressions import parse_assignment, parse_expression, parse_params
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.known import TYPES
from kernelbench_harness.facts.lexer import Token
from kernelbench_harness.facts.statements import parse_block, recover

SPACES = frozenset({"__global__", "__device__", "__host__", "constexpr"})


def parse_unit(tokens: list[Token], types: frozenset[str] = frozenset()) -> Unit:
    """Parse a whole C++ source; `types` are known beside those of `known`."""
    cur = Cursor(tokens, set(TYPES | types))
    if any(t.text.startswith("AT_DISPATCH") for t in tokens if t.kind == "id"):
        cur.known_types.add("scalar_t")
    build = _Builder()
    while cur.kind != "end":
        _member(cur, build)
    return Unit(
        tuple(build.functions),
        tuple(build.structs),
        tuple(build.globals),
        build.exports,
        build.has_module,
        frozenset(build.usings),
        frozenset(cur.known_types),
        build.findings + (_bad_nodes(build.functions) if cur.lost else []),
    )


class _Builder:
    """Collects what a source defines."""

    __slots__ = ("exports", "findings", "functions", "globals", "has_module", "structs", "usings")

    def __init__(self) -> None:
        self.functions: list[Func] = []
        self.structs: list[Struct] = []
        self.globals: list[Node] = []
        self.exports: dict[str, str] = {}
        self.has_module = False
        self.usings: set[str] = set()
        self.findings: list[Finding] = []


def _bad_nodes(functions: list[Func]) -> list[Finding]:
    found = []
    for func in functions:
        found += [Finding(n.extra, n.text, n.line) for n in walk(func.body) if n.kind == "bad"]
    return found


def _top(cur: Cursor, build: _Builder, templates: tuple[str, ...]) -> None:
    text = cur.text
    if cur.accept(";"):
        return
    if text == "[" and cur.ahead().text == "[":
        skip_balanced(cur)
    elif text in ("using", "typedef"):
        build.usings |= parse_using(cur)
    elif text == "template":
        cur.take()
        names = _template_params(cur) if cur.text == "<" else ()
        cur.known_types.update(names)
        _top(cur, build, templates + names)
    elif text == "namespace" or (text == "inline" and cur.ahead().text == "namespace"):
        _namespace(cur, build)
    elif text == "extern" and cur.ahead().kind == "str":
        cur.take()
        cur.take()
        if cur.accept("{"):
            _members(cur, build)
    elif text in ("struct", "class", "union") and (
        cur.ahead(2).text in ("{", ":", ";") or cur.ahead(2).text == "final"
    ):
        struct = parse_struct(cur)
        build.structs.append(struct)
    elif text == "enum":
        build.globals.append(_enum(cur))
    elif text in ("PYBIND11_MODULE", "TORCH_LIBRARY", "TORCH_LIBRARY_FRAGMENT", "TORCH_LIBRARY_IMPL"):
        _module(cur, build)
    elif text == "static_assert":
        parse_expression(cur)
        cur.expect(";")
    elif text in ("__attribute__", "alignas"):
        cur.take()
        skip_balanced(cur)
    else:
        _function_or_global(cur, build, templates)


def parse_using(cur: Cursor) -> set[str]:
    """`using` or `typedef`: the namespaces or names that it brings in; new types are noted in the cursor."""
    if cur.take().text == "typedef":
        parse_type(cur, guess=True)
        cur.known_types.add(cur.take().text)
        cur.expect(";")
        return set()
    if cur.accept("namespace"):
        name = _words_to_semicolon(cur)
        cur.expect(";")
        return {name}
    first = cur.take().text
    brought: set[str] = set()
    if cur.accept("="):
        cur.known_types.add(first)
        parse_type(cur, guess=True)
    else:
        start = cur.i
        name = first + _words_to_semicolon(cur)
        last = cur.tokens[cur.i - 1].text if cur.i > start else first
        brought.add(name)
        if name in TYPES or last[:1].isupper():
            cur.known_types.add(last)
    cur.expect(";")
    return brought


def _words_to_semicolon(cur: Cursor) -> str:
    words = []
    while cur.text != ";" and cur.kind != "end":
        words.append(cur.take().text)
    return "".join(words)


def _template_params(cur: Cursor) -> tuple[str, ...]:
    cur.expect("<")
    names: list[str] = []
    depth = 1
    while depth and cur.kind != "end":
        token = cur.take()
        if token.text == "<":
            depth += 1
        elif token.text == ">":
            depth -= 1
        elif token.kind == "id" and cur.text in (",", ">", "="):
            names.append(token.text)
    return tuple(names)


def _namespace(cur: Cursor, build: _Builder) -> None:
    cur.accept("inline")
    cur.take()
    if cur.kind == "id":
        build.usings.add(cur.text)  # a qualifier that exists from here on
    while cur.text != "{" and cur.kind != "end" and cur.text != ";":
        cur.take()
    if cur.accept("{"):
        _members(cur, build)


def _members(cur: Cursor, build: _Builder) -> None:
    while cur.text != "}" and cur.kind != "end":
        _member(cur, build)
    cur.expect("}")


def _member(cur: Cursor, build: _Builder) -> None:
    """One thing at namespace level; moves on in any case."""
    start = cur.i
    try:
        _top(cur, build, ())
    except SyntaxGap as gap:
        build.findings.append(Finding(gap.kind, gap.message, gap.token.line))
        recover(cur, start, top=True)
    if cur.i == start:
        cur.take()


def _module(cur: Cursor, build: _Builder) -> None:
    build.has_module = True
    line = cur.take().line
    skip_balanced(cur)
    body = parse_block(cur)
    for stmt in body.parts:
        call = stmt.parts[0] if stmt.kind == "expr" else None
        while call is not None and call.kind == "call" and call.parts[0].kind == "member":
            args = call.parts[1:]
            if call.parts[0].text == "def" and len(args) >= 2 and args[0].kind == "str":
                target = args[1].parts[0] if args[1].kind == "un" else args[1]
                build.exports[args[0].text.strip('"')] = target.text if target.kind == "name" else ""
            call = call.parts[0].parts[0]
        if stmt.kind == "bad":
            build.findings.append(Finding(stmt.extra, stmt.text, stmt.line or line))


def _enum(cur: Cursor) -> Node:
    line = cur.take().line
    cur.accept("class")
    if cur.kind == "id":
        cur.known_types.add(cur.take().text)
    while cur.text not in ("{", ";") and cur.kind != "end":
        cur.take()
    names: list[Node] = []
    if cur.accept("{"):
        while cur.text != "}" and cur.kind != "end":
            name = cur.take().text
            value = (parse_assignment(cur),) if cur.accept("=") else ()
            names.append(Node("var", name, value, line, Declarator(Type("int", const=True))))
            cur.accept(",")
        cur.expect("}")
    cur.expect(";")
    return Node("decl", "enum", tuple(names), line, Type("int", const=True))


def parse_struct(cur: Cursor) -> Struct:
    """A struct or class definition, its fields and methods."""
    cur.take()
    name = cur.take().text
    cur.known_types.add(name)
    fields: list[tuple[str, Type, tuple[object, ...]]] = []
    inner = _Builder()
    if cur.text == ";":
        cur.take()
        return Struct(name, (), ())
    while cur.text != "{" and cur.kind != "end":
        cur.take()
    cur.expect("{")
    while cur.text != "}" and cur.kind != "end":
        start = cur.i
        if cur.text in ("public", "private", "protected") and cur.ahead().text == ":":
            cur.take()
            cur.take()
            continue
        if cur.text in (name, "~", "operator") or (cur.text in QUALIFIERS and cur.ahead().text == name):
            _skip_member(cur)
            continue
        try:
            _top(cur, inner, ())
        except SyntaxGap:
            cur.i = start
            _skip_member(cur)
        if cur.i == start:
            cur.take()
    cur.expect("}")
    cur.expect(";")
    for decl in inner.globals:
        fields += [(v.text, v.extra.type, v.extra.dims) for v in decl.parts if v.kind == "var"]
    return Struct(name, tuple(fields), tuple(inner.functions))


def _skip_member(cur: Cursor) -> None:
    while cur.kind != "end":
        if cur.text == "(":
            skip_balanced(cur)
        elif cur.text == "{":
            skip_balanced(cur)
            cur.accept(";")
            return
        elif cur.take().text == ";":
            return


def _function_or_global(cur: Cursor, build: _Builder, templates: tuple[str, ...]) -> None:
    start = cur.i
    line = cur.now.line
    if cur.text in ("else", "for", "while", "if", "return", "do"):
        raise SyntaxGap(f"{cur.text!r} outside a function", cur.now)
    kind = parse_type(cur, guess=True)
    if kind is None or cur.kind != "id":
        cur.i = start
        if kind is not None and cur.ahead().text in ("=", "+=", "("):
            raise SyntaxGap(f"statement {cur.text!r} outside a function or no return type", cur.now)
        raise SyntaxGap(f"unexpected {cur.text!r} outside a function", cur.now)
    spaces = frozenset(t.text for t in cur.tokens[start : cur.i] if t.text in SPACES)
    name = cur.take().text
    if name == "operator":
        while cur.text != "(" and cur.kind != "end":
            cur.take()
    special = cur.text == "<" and template_end(cur) > 0 and cur.tokens[template_end(cur)].text == "("
    if special:  # a specialisation or an instantiation of a template: no function of its own
        cur.i = template_end(cur)
    while cur.text == "::" and cur.ahead().kind == "id":
        cur.take()
        name = cur.take().text
    if cur.text == "(":
        mark = cur.i
        cur.take()
        try:
            params = parse_params(cur)
        except SyntaxGap:
            if kind.base == "auto" or cur.text == "{":
                raise
            params = None
        if params is not None:
            while cur.text in ("const", "noexcept", "override", "final") or cur.accept("->"):
                if cur.text in ("const", "noexcept", "override", "final"):
                    cur.take()
                else:
                    kind = parse_type(cur, guess=True) or kind
            if cur.accept(";"):
                if not special:
                    build.functions.append(Func(name, params, kind, None, line, templates, (), spaces))
                return
            if cur.text == "{":
                body = parse_block(cur)
                if not special:
                    build.functions.append(Func(name, params, kind, body, line, templates, (), spaces))
                return
            raise SyntaxGap(f"want '{{' or ';' after {name}(...)", cur.now)
        cur.i = mark
    cur.i = start
    build.globals.append(parse_declaration(cur, force=True))  # type: ignore[arg-type]
