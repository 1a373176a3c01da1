"""C++ text as tokens, as far as the guards and proofs need: comments gone, strings opaque, directives marked.

Not a parser: no macro is expanded and no trigraph read. Whoever uses it must stay right when it misjudges a token.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""//(?:\\.|[^\n])*|/\*.*?\*/
    |(?P<string>(?:u8|[uUL])?R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"|(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
        |(?:u8|[uUL])?'(?:\\.|[^'\\\n])*')
    |(?P<word>[A-Za-z_]\w*)
    |(?P<number>\.?\d(?:[eEpP][+-]|[\w.]|'(?=\w))*)
    |(?P<op>::|->|[^\s\w])""",
    re.DOTALL | re.VERBOSE,
)


class Token(NamedTuple):
    """One token."""

    text: str
    kind: str
    """word, number, string or op"""
    line: int
    """1-based"""
    directive: str
    """Name of the preprocessor directive that it stands in, or ""."""


def tokenize(source: str) -> list[Token]:
    """All tokens of a source; a backslash at a line's end continues a directive."""
    tokens: list[Token] = []
    line, seen, directive, start = 1, 0, "", -1
    for match in TOKEN.finditer(source):
        gap = source[seen : match.start()]
        if "\n" in gap:
            # Backslash-newline arrives as the token "\" followed by the gap.
            if tokens and tokens[-1].text == "\\" and directive:
                tokens.pop()
            else:
                directive, start = "", -1
        line += gap.count("\n")
        kind, text = match.lastgroup, match.group()
        kind = "string" if kind == "raw" else kind
        if kind is not None:
            if text == "#" and (not tokens or tokens[-1].line != line or "\n" in gap) and not directive:
                directive, start = "#", len(tokens)
            elif directive == "#" and len(tokens) == start + 1:
                directive = text
            tokens.append(Token(text, kind, line, directive))
        line += text.count("\n")
        seen = match.end()
    return tokens


def words(tokens: list[Token]) -> set[str]:
    """Every identifier and keyword."""
    return {token.text for token in tokens if token.kind == "word"}


def namespace_level(tokens: list[Token]) -> list[Token]:
    """Tokens outside every brace but those of namespaces and extern "C", and outside directives."""
    out: list[Token] = []
    depth, transparent = 0, []
    statement: list[str] = []
    for token in tokens:
        if token.directive:
            continue
        if token.text == "{":
            opens = is_namespace(statement)
            transparent.append(opens)
            depth += not opens
        elif token.text == "}":
            depth -= bool(transparent) and not transparent.pop()
        if depth == 0 or (token.text == "{" and depth == 1):
            out.append(token)
        statement = [] if token.text in "{};" else [*statement[-40:], token.text]
    return out


def is_namespace(statement: list[str]) -> bool:
    """Whether a brace after these tokens opens a namespace or a linkage block."""
    head = [text for text in statement if text != "inline"][:1]
    return head == ["namespace"] or (len(statement) == 2 and statement[0] == "extern" and statement[1][:1] == '"')


def declared_names(tokens: list[Token]) -> set[str]:
    """Names that the source may declare at namespace level: a superset."""
    level = namespace_level(tokens)
    names = set()
    for here, after in itertools.pairwise(level):
        if here.kind == "word" and after.text in {"(", "{", ";", "=", "[", ",", ":", "<"}:
            names.add(here.text)
    return names


def functions(tokens: list[Token]) -> dict[str, list[list[Token]]]:
    """Functions declared at namespace level: name -> the parameter tokens of each declaration."""
    level = [t for t in tokens if not t.directive]
    found: dict[str, list[list[Token]]] = {}
    at_level = {id(t) for t in namespace_level(tokens)}
    for i in range(1, len(level) - 1):
        here, before = level[i], level[i - 1]
        if here.kind != "word" or level[i + 1].text != "(" or id(here) not in at_level:
            continue
        if before.kind != "word" and before.text not in {"*", "&", ">"}:
            continue
        end = close(level, i + 1)
        found.setdefault(here.text, []).append(level[i + 2 : end])
    return found


def close(tokens: list[Token], start: int) -> int:
    """Index of the parenthesis that closes the one at `start`; the end where none does."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += (tokens[i].text == "(") - (tokens[i].text == ")")
        if depth == 0:
            return i
    return len(tokens)
