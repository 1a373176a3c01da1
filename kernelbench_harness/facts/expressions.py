"""Parses C++ expressions, lambdas and parameter lists into the light tree.

Guaranteed: moves forward or raises SyntaxGap. Not guaranteed: every corner of the language.
"""

from __future__ import annotations

from kernelbench_harness.facts.cpp_types import (
    BUILTIN,
    CASTS,
    KEYWORDS,
    parse_type,
    qualified,
    skip_balanced,
    template_args,
    template_end,
)
from kernelbench_harness.facts.ctree import Cursor, Func, Node, Param, SyntaxGap, Type
from kernelbench_harness.facts.lexer import number

BINARY: dict[str, int] = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7, "<=>": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})
_POSTFIX = frozenset({"(", "[", ".", "->", "++", "--", "<<<"})


def parse_expression(cur: Cursor, comma: bool = True) -> Node:
    """A full expression; `comma` allows the comma operator."""
    left = parse_assignment(cur)
    while comma and cur.text == "," and cur.kind == "op":
        line = cur.take().line
        left = Node("bin", ",", (left, parse_assignment(cur)), line)
    return left


def parse_assignment(cur: Cursor) -> Node:
    left = parse_binary(cur, 1)
    token = cur.tokens[cur.i]
    if token.kind != "op":
        return left
    if token.text == "?":
        cur.take()
        yes = parse_assignment(cur)
        cur.expect(":")
        return Node("cond", "", (left, yes, parse_assignment(cur)), token.line)
    text = token.text
    if text == ">" and cur.ahead().text == ">=" and cur.ahead().at == token.at + 1:
        cur.take()
        text = ">>="
    if text in ASSIGN:
        cur.take()
        value = parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur)
        return Node("assign", text, (left, value), token.line)
    return left


def parse_binary(cur: Cursor, least: int) -> Node:
    left = parse_unary(cur)
    while True:
        token = cur.tokens[cur.i]
        text = token.text
        if token.kind != "op":
            return left
        if text == ">" and cur.ahead().text == ">" and cur.ahead().at == token.at + 1:
            text = ">>"
        rank = BINARY.get(text, 0)
        if rank < least:
            return left
        if text == ">" and cur.ahead().text == ">=" and cur.ahead().at == token.at + 1:
            return left
        cur.take()
        if text == ">>":
            cur.take()
        left = Node("bin", text, (left, parse_binary(cur, rank + 1)), token.line)


def parse_unary(cur: Cursor) -> Node:
    token = cur.tokens[cur.i]
    text = token.text
    if token.kind == "op":
        if text in ("-", "+", "!", "~", "*", "&", "++", "--"):
            cur.take()
            return Node("un", text, (parse_unary(cur),), token.line)
        if text == "(":
            cast = _c_cast(cur)
            if cast is not None:
                return cast
    elif token.kind == "id":
        if text == "sizeof":
            return _sizeof(cur)
        if text == "new":
            cur.take()
            kind = parse_type(cur, guess=True)
            parts: tuple[Node, ...] = ()
            if cur.accept("["):
                parts = (parse_expression(cur),)
                cur.expect("]")
            elif cur.accept("("):
                parts = tuple(arguments(cur))
            elif cur.text == "{":
                parse_braces(cur, None)
            return Node("new", "", parts, token.line, kind)
        if text == "delete":
            cur.take()
            if cur.accept("["):
                cur.expect("]")
            return Node("call", "delete", (Node("name", "delete", (), token.line), parse_unary(cur)), token.line)
        if text == "throw":
            cur.take()
            return Node("call", "throw", (Node("name", "throw", (), token.line), parse_unary(cur)), token.line)
    return parse_postfix(cur)


def _sizeof(cur: Cursor) -> Node:
    line = cur.take().line
    cur.accept("...")
    if cur.accept("("):
        start = cur.i
        kind = parse_type(cur)
        if kind is not None and cur.text == ")":
            cur.take()
            return Node("sizeof", "", (), line, kind)
        cur.i = start
        value = parse_expression(cur)
        cur.expect(")")
        return Node("sizeof", "", (value,), line)
    return Node("sizeof", "", (parse_unary(cur),), line)


def _c_cast(cur: Cursor) -> Node | None:
    """`(float)x`, when the bracket holds a known type and a value follows."""
    start = cur.i
    line = cur.take().line
    kind = parse_type(cur) if cur.kind == "id" else None
    if kind is not None and cur.text == ")":
        cur.take()
        after = cur.now
        if after.kind in ("id", "num", "chr", "str") or after.text in ("(", "-", "+", "*", "&", "!", "~", "++"):
            return Node("cast", "c", (parse_unary(cur),), line, kind)
    cur.i = start
    return None


def parse_postfix(cur: Cursor) -> Node:
    node = parse_primary(cur)
    while True:
        token = cur.tokens[cur.i]
        text = token.text
        if token.kind != "op" or text not in _POSTFIX:
            return node
        if text == "(":
            cur.take()
            node = Node("call", "", (node, *arguments(cur)), token.line)
        elif text == "[":
            cur.take()
            index = parse_expression(cur)
            cur.expect("]")
            node = Node("index", "", (node, index), token.line)
        elif text in (".", "->"):
            cur.take()
            cur.accept("template")
            if cur.kind != "id":
                raise SyntaxGap(f"want a member after {text!r}", cur.now)
            name = cur.take().text
            args: tuple[object, ...] = ()
            if cur.text == "<":
                end = template_end(cur)
                if end > 0 and cur.tokens[end].text in ("(", "{"):
                    args = template_args(cur)
            node = Node("member", name, (node,), token.line, (text, args))
        elif text in ("++", "--"):
            cur.take()
            node = Node("post", text, (node,), token.line)
        elif text == "<<<":
            cur.take()
            given = [parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur)]
            while cur.accept(","):
                given.append(parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur))
            cur.expect(">>>")
            node = Node("launch", "", (node, *given), token.line)


def arguments(cur: Cursor) -> list[Node]:
    """After `(`: the arguments and the closing bracket."""
    args: list[Node] = []
    if cur.accept(")"):
        return args
    while True:
        args.append(parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur))
        if cur.accept(","):
            if cur.text == ")":
                raise SyntaxGap("comma before )", cur.now)
            continue
        cur.expect(")")
        return args


def parse_braces(cur: Cursor, kind: Type | None) -> Node:
    """`{a, b}`."""
    line = cur.expect("{").line
    parts: list[Node] = []
    while cur.text != "}":
        if cur.text == "." and cur.ahead().kind == "id":
            cur.take()
            cur.take()
            cur.accept("=")
        parts.append(parse_braces(cur, None) if cur.text == "{" else parse_assignment(cur))
        if not cur.accept(","):
            break
    cur.expect("}")
    return Node("init", "", tuple(parts), line, kind)


def parse_primary(cur: Cursor) -> Node:
    token = cur.tokens[cur.i]
    if token.kind == "id":
        return _named(cur)
    if token.kind == "num":
        cur.take()
        try:
            number(token.text)
        except ValueError:
            raise SyntaxGap(f"bad number {token.text}", token) from None
        return Node("num", token.text, (), token.line)
    if token.kind == "str":
        cur.take()
        while cur.kind == "str":
            cur.take()
        return Node("str", token.text, (), token.line)
    if token.kind == "chr":
        cur.take()
        return Node("chr", token.text, (), token.line)
    if token.text == "(":
        cur.take()
        inner = parse_expression(cur)
        cur.expect(")")
        return Node("paren", "", (inner,), token.line)
    if token.text == "[":
        return parse_lambda(cur)
    if token.text == "{":
        return parse_braces(cur, None)
    if token.text == "::":
        return _named(cur)
    raise SyntaxGap(f"unexpected {token.text or 'end'!r}", token)


def _named(cur: Cursor) -> Node:
    token = cur.now
    text = token.text
    if text in CASTS:
        cur.take()
        cur.expect("<")
        kind = parse_type(cur, guess=True)
        cur.expect(">")
        cur.expect("(")
        value = parse_expression(cur)
        cur.expect(")")
        return Node("cast", text, (value,), token.line, kind)
    if text in KEYWORDS:
        raise SyntaxGap(f"unexpected {text!r}", token)
    start = cur.i
    if text in BUILTIN and text not in ("auto", "void"):
        kind = parse_type(cur)
        if kind is not None and cur.accept("("):
            given = arguments(cur)
            return Node("cast", "f", tuple(given[:1]) or (Node("num", "0", (), token.line),), token.line, kind)
        if kind is not None and cur.text == "{":
            return parse_braces(cur, kind)
        if text not in cur.known_types:
            raise SyntaxGap(f"unexpected {text!r}", token)
        cur.i = start
    name, args = qualified(cur)
    if name in cur.known_types and cur.text == "{":
        return parse_braces(cur, Type(name, args))
    return Node("name", name, (), token.line, args)


def parse_lambda(cur: Cursor) -> Node:
    """`[captures](params) mutable -> type { body }`."""
    from kernelbench_harness.facts.statements import parse_block

    line = cur.expect("[").line
    captures: list[str] = []
    while cur.text != "]":
        if cur.kind == "end":
            raise SyntaxGap("lambda without ]", cur.now)
        captures.append(cur.take().text)
    cur.expect("]")
    params: tuple[Param, ...] = ()
    spaces: set[str] = set()
    while cur.text in ("__device__", "__host__"):
        spaces.add(cur.take().text)
    if cur.accept("("):
        params = parse_params(cur)
    while cur.text in ("mutable", "noexcept", "constexpr", "__device__", "__host__"):
        spaces.add(cur.take().text)
    returns = Type("auto")
    if cur.accept("->"):
        returns = parse_type(cur, guess=True) or returns
    body = parse_block(cur)
    func = Func("", params, returns, body, line, (), tuple(captures), frozenset(spaces & {"__device__", "__host__"}))
    return Node("lambda", "", (), line, func)


def parse_params(cur: Cursor) -> tuple[Param, ...]:
    """After `(`: the parameters and the closing bracket."""
    params: list[Param] = []
    if cur.accept(")"):
        return ()
    if cur.text == "void" and cur.ahead().text == ")":
        cur.take()
        cur.take()
        return ()
    while True:
        if cur.accept("..."):
            cur.expect(")")
            return tuple(params)
        kind = parse_type(cur, guess=True)
        if kind is None:
            raise SyntaxGap("want a parameter type", cur.now)
        cur.accept("...")
        name = ""
        if cur.text == "(":  # a function pointer: its name is not needed
            skip_balanced(cur)
            if cur.text == "(":
                skip_balanced(cur)
        elif cur.kind == "id":
            name = cur.take().text
        while cur.text == "[":
            skip_balanced(cur)
            kind = kind._replace(ptr=kind.ptr + 1)
        has_default = cur.accept("=")
        if has_default:
            parse_assignment(cur)
        params.append(Param(kind, name, has_default))
        if cur.accept(","):
            continue
        cur.expect(")")
        return tuple(params)
