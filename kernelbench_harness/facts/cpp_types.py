"""Parses written C++ types: words, qualified names, template arguments, pointers.

Guaranteed: moves forward, raises SyntaxGap, or leaves the cursor where it was. There is no symbol table here: whether
`<` opens template arguments is decided by looking ahead.
"""

from __future__ import annotations

from kernelbench_harness.facts.ctree import Cursor, SyntaxGap, Type
from kernelbench_harness.facts.lexer import number

INTEGER_WORDS = frozenset({"unsigned", "signed", "long", "short", "int", "char"})


BUILTIN = (
    frozenset({"void", "bool", "float", "double", "auto", "size_t", "ssize_t", "ptrdiff_t", "wchar_t"}) | INTEGER_WORDS
)


QUALIFIERS = frozenset(
    {"const", "static", "constexpr", "inline", "volatile", "extern", "register", "thread_local", "mutable", "typename"}
    | {"__restrict__", "__restrict", "restrict", "__inline__", "__forceinline__", "__always_inline", "struct"}
    | {"__device__", "__host__", "__global__", "__shared__", "__constant__", "noexcept", "consteval", "constinit"}
    | {"explicit", "virtual", "friend"}
)


POINTER_QUALIFIERS = frozenset({"const", "__restrict__", "__restrict", "restrict", "volatile"})


KEYWORDS = frozenset(
    {"if", "else", "for", "while", "do", "return", "break", "continue", "switch", "case", "default", "goto", "try"}
    | {"catch", "using", "typedef", "template", "class", "enum", "namespace", "union", "public", "private", "operator"}
)


CASTS = frozenset({"static_cast", "reinterpret_cast", "const_cast", "dynamic_cast"})


_TEMPLATE_STOP = frozenset({";", "{", "}", ")", "&&", "||", "=", "+", "-", "?", "<=", ">=", "==", "!=", "."})


def template_end(cur: Cursor) -> int:
    """At `<`: the index after the matching `>`, or -1 where this is a comparison."""
    depth = 0
    parens = 0
    i = cur.i
    tokens = cur.tokens
    for _ in range(40):
        token = tokens[i]
        text = token.text
        if token.kind == "end":
            return -1
        if text == "<":
            depth += 1
        elif text == ">":
            depth -= 1
            if depth == 0:
                return i + 1
        elif text == "(" and tokens[i - 1].text in ("decltype",):
            parens += 1
        elif text == ")" and parens:
            parens -= 1
        elif text in _TEMPLATE_STOP or (token.kind in ("str", "bad")):
            return -1
        i += 1
    return -1


def template_args(cur: Cursor) -> tuple[object, ...]:
    """Parse `< ... >`; the cursor stands on `<` and template_end said it is one."""
    cur.expect("<")
    args: list[object] = []
    while cur.text != ">":
        kind = parse_type(cur, guess=True)
        if kind is not None:
            args.append(kind)
        elif cur.kind == "num":
            token = cur.take()
            try:
                args.append(number(token.text)[1])
            except ValueError:
                args.append(token.text)
        else:
            args.append(cur.take().text)
        if cur.text not in (",", ">"):
            while cur.text not in (",", ">") and cur.kind != "end":
                cur.take()
        if not cur.accept(",") and cur.text != ">":
            break
    cur.expect(">")
    return tuple(args)


def qualified(cur: Cursor) -> tuple[str, tuple[object, ...]]:
    """`a::b<T>::c`: the name without template arguments, and the last template arguments."""
    token = cur.now
    if token.kind == "id" and cur.ahead().text not in ("<", "::"):  # most names
        cur.i += 1
        return token.text, ()
    parts: list[str] = []
    args: tuple[object, ...] = ()
    cur.accept("::")
    while True:
        if cur.kind != "id":
            raise SyntaxGap("want a name", cur.now)
        parts.append(cur.take().text)
        if cur.text == "<":
            end = template_end(cur)
            follow = cur.tokens[end].text if end > 0 else ""
            if end > 0 and (
                follow in ("(", "::", "{", ")", ",", ">", "&", "*", ";", "<<<") or cur.tokens[end].kind == "id"
            ):
                args = template_args(cur)
        if cur.text == "::" and cur.ahead().kind == "id":
            cur.take()
            continue
        return "::".join(parts), args


def parse_type(cur: Cursor, guess: bool = False) -> Type | None:
    """A type with its pointers, or None (cursor unmoved). `guess`: any name counts as a type."""
    start = cur.i
    const = False
    words: list[str] = []
    args: tuple[object, ...] = ()
    while True:
        token = cur.now
        if token.kind != "id":
            break
        text = token.text
        if text in QUALIFIERS:
            const = const or text in ("const", "constexpr")
            cur.take()
            if text == "explicit" and cur.text == "(":
                break
        elif text in INTEGER_WORDS or (words and text == "double" and words[-1] == "long"):
            words.append(text)
            cur.take()
        elif words:
            break
        elif text in KEYWORDS or text in CASTS:
            cur.i = start
            return None
        elif text == "decltype" and cur.ahead().text == "(":
            cur.take()
            skip_balanced(cur)
            words.append("auto")
        else:
            name, args = qualified(cur)
            words.append(name)
            if name not in cur.known_types and name not in BUILTIN and not guess:
                cur.i = start
                return None
            if name not in BUILTIN or name == "auto":
                while cur.text in POINTER_QUALIFIERS and cur.kind == "id":
                    const = const or cur.text == "const"
                    cur.take()
                break
    if not words:
        cur.i = start
        return None
    return _pointers(cur, Type(" ".join(words), args, const=const))


def _pointers(cur: Cursor, kind: Type) -> Type:
    """The stars, references and qualifiers behind a type."""
    ptr, ref, const_ptr = 0, False, False
    while cur.text in ("*", "&", "&&") or (cur.text in POINTER_QUALIFIERS and cur.kind == "id"):
        text = cur.take().text
        if text == "*":
            ptr += 1
        elif text in ("&", "&&"):
            ref = True
        elif text == "const":
            const_ptr = const_ptr or ptr > 0
    return kind._replace(ptr=ptr, ref=ref, const_ptr=const_ptr)


def skip_balanced(cur: Cursor) -> None:
    """At an opening bracket: move past the matching one."""
    depth = 0
    while cur.kind != "end":
        text = cur.take().text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return
