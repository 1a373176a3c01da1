"""Is the shim's first error the candidate's own, whatever the headers say?

Each rule returns a reason in words when the real headers must refuse the source too, else "". The rules ask which names
the real headers declare (`names.py`); they know nothing of what the shim lacks, so that a gap in the shim can never
become a verdict. A source without a proof goes to the real headers.

Not covered on purpose: errors about torch's types, template instantiation, overloads with tensor arguments.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from kernelbench_harness.compile import front_end_errors
from kernelbench_harness.compile.diagnostics import END, Diagnostic
from kernelbench_harness.compile.guards import functions, opened_spaces
from kernelbench_harness.compile.names import Names
from kernelbench_harness.compile.tokens import Token, words

_UNDECLARED = (
    re.compile(r"'(\w+)' was not declared in this scope(?:; did you mean '.*'\?)?"),
    re.compile(r"'(\w+)' does not name a type(?:; did you mean '.*'\?)?"),
    re.compile(r"'(\w+)' has not been declared"),
    re.compile(r"there are no arguments to '(\w+)' that depend on a template parameter, so .*"),
)
_NO_MEMBER_OF_SPACE = re.compile(
    r"'(\w+)' (?:is not a member of|in namespace) '[\w:]+'(?: does not name a (?:template )?type)?"
    r"(?:; did you mean '.*'\?)?|'[\w:]+::(\w+)' has not been declared"
)
_NO_MEMBER = re.compile(r"'.*' has no member named '(\w+)'(?:; did you mean '.*'\?)?")
_SYNTAX = re.compile(
    r"expected .*|missing terminating .* character|stray '.*' in program|'else' without a previous 'if'"
    r"|a function-definition is not allowed here before '\{' token|unterminated argument list invoking macro .*"
    r"|(break|continue) statement not within (a )?loop.*"
)
_ARITY = re.compile(r"too (?:many|few) arguments to function '.*?(\w+)\(.*\)'")
_NO_TYPE = re.compile(r"ISO C\+\+ forbids declaration of '(\w+)' with no type")
_REDEFINED = re.compile(r"redefinition of '.*?(\w+)\(.*\)'|redefinition of '(?:struct|class) (\w+)'")
_NO_MATCH = re.compile(r"no matching function for call to '(\w+)\((.*)\)'")
_PLAIN_ERRORS = (
    re.compile(r"invalid conversion from '(?P<a>[^']*)' to '(?P<b>[^']*)'"),
    re.compile(r"cannot convert '(?P<a>[^']*)' to '(?P<b>[^']*)'.*"),
    re.compile(r"return-statement with a value, in function returning '(?P<a>[^']*)'.*"),
    re.compile(r"return-statement with no value, in function returning '(?P<a>[^']*)'.*"),
    re.compile(r"invalid operands of types '(?P<a>[^']*)' and '(?P<b>[^']*)' to binary '.*'"),
    re.compile(r"invalid type argument of unary '\*' \(have '(?P<a>[^']*)'\)"),
    re.compile(r"invalid types '(?P<a>[^'\[]*)\[(?P<b>[^'\]]*)\]' for array subscript"),
    re.compile(r"request for member '\w+' in '\w+', which is of non-class type '(?P<a>[^']*)'"),
    re.compile(r"(?:re|conflicting )declaration (?:of )?'(?P<a>[\w ]+?[ *&])\w+'"),
    re.compile(r"conflicting declaration '(?P<a>[\w ]+?[ *&])\w+'"),
)
_SWITCH = re.compile(r" \[-[\w=+-]+\]$")
"""The switch that g++ names after some messages."""
_READ_ONLY = re.compile(
    r"(?:assignment of|increment of|decrement of) read-only (?:location|variable|parameter|reference) '(.*)'"
)
_PLAIN_ALONE = ("void value not ignored as it ought to be", "lvalue required as left operand of assignment")
_BUILTIN = set(
    "float double int long short char unsigned signed bool void const volatile size_t ptrdiff_t "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t __restrict__ restrict".split()
)


@dataclass(frozen=True)
class Source:
    """What the rules look at."""

    tokens: Sequence[Token]
    names: Names
    file: str = "main.cpp"
    stock: Sequence[Path] = ()
    """Include folders of the real headers."""
    hidden: frozenset[str] = frozenset()
    """Names within namespaces that the tables hold and the source's own includes do not bring."""

    def on(self, line: int) -> list[Token]:
        """Tokens of a line."""
        return [t for t in self.tokens if t.line == line]

    def near(self, line: int) -> list[Token]:
        """Tokens of a line and of the last two before it that hold any."""
        before = sorted({t.line for t in self.tokens if t.line < line})[-2:]
        return [t for t in self.tokens if t.line == line or t.line in before]

    @cached_property
    def functions(self) -> frozenset[str]:
        """Names of the functions that the candidate declares."""
        return frozenset(functions(list(self.tokens)))

    @cached_property
    def in_headers(self) -> frozenset[str]:
        """Every name that the real headers declare, in a namespace or in none."""
        return self.names.stock_nested | self.names.stock_global

    def owns(self, name: str) -> bool:
        """Whether a function is the candidate's and no header of torch has one of its name."""
        return name in self.functions and name not in self.in_headers

    def nowhere(self, name: str, line: int) -> str:
        """Why no header can declare a name that was found undeclared on a line, or ""."""
        known = self.names.stock_everything if name.startswith("__") else self.names.stock_global
        if opened_spaces(self.tokens) or self._opens_a_space:
            known = known | self.names.stock_nested
        elif self._called(name, line):
            known = known | self.names.stock_nested
            # Only an argument of pybind11's types would make a call look there: len(x) of a Python habit has none.
            if not {"py", "pybind11"} & words(list(self.tokens)):
                known = known - (self.names.stock_apart - self.names.stock_global)
        return "" if name in known else f"{name} is declared nowhere"

    def _called(self, name: str, line: int) -> bool:
        """Whether a name is called there, so that the types of its arguments have a say in what it means; yes where a
        macro hides it."""
        here = [
            (at, after.text)
            for at, (before, token, after) in enumerate(self._triples)
            if token.line == line and token.text == name and before.text not in {".", "->"}
        ]
        return not here or any(after == "(" or (after == "<" and self._closes(at)) for at, after in here)

    def _closes(self, at: int) -> bool:
        """Whether what opens after this token may be a list of template arguments: `i < n; ++i` never closes."""
        for token in self.tokens[at + 2 :]:
            if token.text in {";", "{", "}"}:
                return False
            if ">" in token.text and token.text != "->":
                return True
        return False

    @cached_property
    def _triples(self) -> list[tuple[Token, Token, Token]]:
        edge = Token("", "op", 0, "")
        return list(zip([edge, *self.tokens], self.tokens, [*self.tokens[1:], edge], strict=False))

    @cached_property
    def _opens_a_space(self) -> bool:
        """Whether any namespace is opened wholesale, std among them."""
        return any(a.text == "using" and b.text == "namespace" for a, b in itertools.pairwise(self.tokens))

    def same_to_both(self, tokens: Sequence[Token]) -> bool:
        """Whether no word here may be a type, template or macro to the real headers and something else to ours."""
        for i, token in enumerate(tokens):
            if token.kind != "word":
                continue
            before = tokens[i - 1].text if i else ""
            known = self.names.stock_nested if before == "::" else self.names.stock_global
            if token.text in known - self.names.shim_names and before not in {".", "->"}:
                return False
        return True


def proof(error: Diagnostic, source: Source) -> str:
    """Why the first error stands under any headers, or ""."""
    if error.voice == "assembler":
        return _assembler(error, source)
    here = error.file == END or Path(error.file).name == Path(source.file).name
    if not here or "kbshim" in (error.message + error.more).lower():
        return ""
    error = replace(error, message=_SWITCH.sub("", error.message))
    missing = re.fullmatch(r"([\w./+-]+): No such file or directory", error.message)
    if missing:
        absent = not any((folder / missing[1]).exists() for folder in source.stock)
        return f"no header {missing[1]}" if absent else ""
    if _inherits(source.tokens):
        return ""
    if error.voice == "front end":
        return _unbalanced(error, source) or front_end_errors.proof(error, source)
    rules = (_undeclared, _member, _unbalanced, _syntax, _own_function, _plain_types)
    return next((reason for rule in rules if (reason := rule(error, source))), "")


def _assembler(error: Diagnostic, source: Source) -> str:
    """What ptxas, nvlink or nvcc's driver refuse once the front end took the source: no header has a say in it, but for
    a function that one of them might have defined."""
    if "nresolved" in error.message:
        own = sorted(name for name in source.functions if f"{len(name)}{name}" in error.message)
        known = source.names.stock_everything
        return f"{own[0]} is declared and never defined" if own and not set(own) & known else ""
    if re.match(
        r"ptxas: (Entry function|Function|File uses|Ptx assembly|.*shared|.*local memory|Not a name|Unknown|Arguments)",
        error.message,
    ):
        return f"assembler: {error.message[:60]}"
    return error.message[:60] if error.message.startswith("nvcc: ") else ""


def _undeclared(error: Diagnostic, source: Source) -> str:
    name = next((m[1] for p in _UNDECLARED if (m := p.fullmatch(error.message))), "")
    return source.nowhere(name, error.line) if name else ""


def _member(error: Diagnostic, source: Source) -> str:
    if found := _NO_MEMBER_OF_SPACE.fullmatch(error.message):
        name = found[1] or found[2]
        return "" if name in source.in_headers else f"{name} is in no namespace"
    if found := _NO_MEMBER.fullmatch(error.message):
        return "" if found[1] in source.names.stock_everything else f"{found[1]} is a member of nothing"
    return ""


def _unbalanced(error: Diagnostic, source: Source) -> str:
    """More brackets of a kind opened than closed, or fewer; not judged where a directive or a digraph may hide some."""
    if any(t.directive.startswith(("if", "el")) for t in source.tokens):
        return ""
    if any(a.text + b.text in {"<:", ":>", "<%", "%>"} for a, b in itertools.pairwise(source.tokens)):
        return ""
    code, *defined = _apart(source.tokens)
    uneven = next((pair for pair in ("{}", "[]", "()") if code[pair[0]] != code[pair[1]]), "")
    held = any(counts[kind[0]] != counts[kind[1]] for counts in defined for kind in ("{}", "[]", "()"))
    return f"unbalanced {uneven}" if uneven and not held else ""


def _apart(tokens: Sequence[Token]) -> list[Counter[str]]:
    """How often each token occurs: first in the code, then in each directive."""
    counts: list[Counter[str]] = [Counter()]
    for token in tokens:
        if token.directive and token.text == "#" and token.directive == "#":
            counts.append(Counter())
        counts[-1 if token.directive else 0][token.text] += 1
    return counts


def _syntax(error: Diagnostic, source: Source) -> str:
    if error.message.startswith("invalid preprocessing directive"):
        return error.message
    if not _SYNTAX.fullmatch(error.message):
        return ""
    return f"syntax: {error.message[:60]}" if source.same_to_both(source.near(error.line)) else ""


def _own_function(error: Diagnostic, source: Source) -> str:
    """Arity and redefinition of functions that the candidate alone declares."""
    if found := _NO_TYPE.fullmatch(error.message):
        return "" if found[1] in source.in_headers else f"{found[1]} has no type"
    found = _ARITY.fullmatch(error.message) or _REDEFINED.fullmatch(error.message)
    plain = _NO_MATCH.fullmatch(error.message)
    name = next((g for g in found.groups() if g), "") if found else plain[1] if plain else ""
    if not name or name in source.in_headers or (plain and not _plain_type(plain[2])):
        return ""
    own = name in source.functions or (found and found[0].startswith("redefinition"))
    return f"{name} is the candidate's own" if own else ""


def _plain_types(error: Diagnostic, source: Source) -> str:
    if found := _READ_ONLY.fullmatch(error.message):
        inside = set(re.findall(r"[A-Za-z_]\w*", found[1])) - _BUILTIN
        return "" if inside & source.names.stock_global else "a write through const"
    if error.message in _PLAIN_ALONE:
        return error.message if source.same_to_both(source.near(error.line)) else ""
    for pattern in _PLAIN_ERRORS:
        if found := pattern.fullmatch(error.message):
            plain = all(_plain_type(text) for text in found.groupdict().values() if text is not None)
            return "builtin types alone" if plain else ""
    return ""


def _plain_type(text: str) -> bool:
    """Whether a type, or a list of them, is made of builtin types, their aliases in braces, and std::."""
    inside = re.findall(r"std::[\w:]+|[A-Za-z_]\w*", re.sub(r"\{aka '?([^'}]*)'?\}", r" \1 ", text))
    return all(word in _BUILTIN or word.startswith("std::") for word in inside)


def _inherits(tokens: Sequence[Token]) -> bool:
    """Whether a class of the candidate has a base that may be torch's: then its members are not known to us."""
    if not words(list(tokens)) & {"struct", "class"}:
        return False
    for i, token in enumerate(tokens):
        if token.text in {"struct", "class"}:
            head = []
            for after in tokens[i + 1 : i + 30]:
                if after.text in "{;":
                    break
                head.append(after.text)
            if ":" in head and set(head[head.index(":") :]) & {"torch", "at", "c10", "Tensor", "pybind11", "py"}:
                return True
    return False
