"""C++ tokens, includes and macros of one source.

Guaranteed: linear time; every token carries its line; text that is no token becomes a token of kind "bad".
Not guaranteed: the whole preprocessor. Conditionals take their first branch (`#if 0` its second); object-like and
function-like macros are expanded by plain token substitution; `#` gives an empty string, `##` joins two tokens.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from kernelbench_harness.facts.finding import Finding


class Token(NamedTuple):
    """One token."""

    kind: str
    """id, num, str, chr, op, bad or end."""
    text: str
    line: int
    at: int
    """Character offset, so that `>` `>` side by side can be told from two apart."""


class Lexed(NamedTuple):
    """What the lexer saw."""

    tokens: list[Token]
    includes: tuple[str, ...]
    macros: frozenset[str]
    findings: list[Finding]


class Macro(NamedTuple):
    """A `#define`."""

    params: tuple[str, ...] | None
    """None for an object-like macro."""
    body: list[Token]


_TOKEN = re.compile(
    r"""[ \t\r\f\v]*+(?:
   (?P<id>(?!(?:u8|[LuU])?R")[A-Za-z_]\w*)
  |(?P<nl>\n)
  |(?P<num>(?:0[xX][0-9a-fA-F']+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?|0[bB][01']+
      |(?:\d[\d']*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[a-zA-Z_]*)
  |(?P<comment>//[^\n]*|/\*.*?\*/)
  |(?P<open>/\*)
  |(?P<op><<<|>>>(?=\s*\()|<=>|\.\.\.|<<=|>>=|->\*|::|\+\+|--|->|<<|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=
      |[-+*/%=<>!&|^~?:;,.(){}\[\]])
  |(?P<pre>\#(?:[^\n\\]|\\.|\\\n)*)
  |(?P<str>(?:u8|L|u|U)?R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:[^"\\\n]|\\.)*")
  |(?P<chr>'(?:[^'\\\n]|\\.)+')
  |(?P<raw>[A-Za-z_]\w*)
  |(?P<bad>.)
  |\Z)""",
    re.X | re.S,
)
"""One token and the blanks before it; the commonest kinds first, which halves the time. `raw` is a name that only looks
like the beginning of a raw string."""
_DEFINE = re.compile(r"#\s*define\s+([A-Za-z_]\w*)(\([^)]*\))?[ \t]*(.*)", re.S)
_INCLUDE = re.compile(r'#\s*include\s*[<"]([^>"\n]+)[>"]')
_WORD = re.compile(r"#\s*(\w*)")
_IF_ZERO = re.compile(r"#\s*if\s+0\b")
_HASH = re.compile(r'"(?:[^"\\\n]|\\.)*"|(##)|#\s*\w+')
_PASTE = "__joined__"
_SUFFIX = re.compile(r"[A-Za-z_]+$")
MAX_EXPANSIONS = 400


def lex(source: str, device: bool = False) -> Lexed:
    """Tokens of `source`, macros expanded, ending with one "end" token; `device`: as nvcc sees it in device code."""
    tokens: list[Token] = []
    before = _Preprocessor(device)
    findings = before.findings
    new = tuple.__new__
    line = 1
    for match in _TOKEN.finditer(source):
        kind = match.lastgroup
        if kind is None:
            break  # blanks at the end
        if kind == "nl":
            line += 1
            continue
        text = match[kind]
        if kind == "pre":
            before.directive(text, line)
        elif kind == "open" and not before.skipping:
            findings.append(Finding("unterminated", "comment", line))
            break
        elif kind != "comment" and not before.skipping:
            if kind == "bad":
                findings.append(Finding("unterminated" if text in "\"'" else "syntax", f"stray {text!r}", line))
            # tuple's own constructor: half the time of the named tuple's, which was a tenth of the lexer
            tokens.append(new(Token, ("id" if kind == "raw" else kind, text, line, match.end() - len(text))))
        if "\n" in text:
            line += text.count("\n")
    if before.macros:
        tokens = _expand(tokens, before.macros)
    tokens.append(Token("end", "", line, len(source)))
    return Lexed(tokens, tuple(before.includes), frozenset(before.macros), findings)


class _Preprocessor:
    """Includes, macros and conditionals seen so far; mutable, since each line changes what follows."""

    __slots__ = ("device", "findings", "includes", "macros", "skipping", "stack")

    def __init__(self, device: bool) -> None:
        self.device = device
        self.includes: list[str] = []
        self.macros: dict[str, Macro] = {}
        self.findings: list[Finding] = []
        self.skipping = 0
        """Depth of the conditionals that are left out; 0: nothing is."""
        self.stack: list[bool] = []
        """Whether each open conditional began with a branch that is left out."""

    def directive(self, text: str, line: int) -> None:
        """One preprocessor line."""
        word = _WORD.match(text)
        name = word.group(1) if word else ""
        if name in ("if", "ifdef", "ifndef", "endif") or (name in ("else", "elif") and self.stack):
            self.conditional(name, text)
        elif self.skipping:
            return
        elif name == "include":
            found = _INCLUDE.match(text)
            if found:
                self.includes.append(found.group(1).strip())
            else:
                self.findings.append(Finding("syntax", "#include without a file", line))
        elif name == "define":
            self.define(text, line)
        elif name not in ("pragma", "undef", "error", "warning", "line", ""):
            self.findings.append(Finding("syntax", f"unknown directive #{name}", line))

    def conditional(self, name: str, text: str) -> None:
        if name in ("if", "ifdef", "ifndef"):
            about_nvcc = "__CUDA" in text or (self.device and "__NVCC__" in text)
            dead = bool(_IF_ZERO.match(text)) or (about_nvcc and (name == "ifndef") == self.device)
            self.stack.append(dead)
            self.skipping = self.skipping + 1 if self.skipping or dead else 0
        elif name == "endif":
            if self.stack:
                self.stack.pop()
            self.skipping = max(0, self.skipping - 1)
        elif self.skipping <= 1:
            was_dead = self.stack[-1]
            self.stack[-1] = not was_dead
            self.skipping = 0 if was_dead else 1

    def define(self, text: str, line: int) -> None:
        found = _DEFINE.match(text)
        if not found:
            return
        params = found.group(2)
        names = None if params is None else tuple(p.strip() for p in params[1:-1].split(",") if p.strip())
        written = found.group(3).replace("\\\n", " ")
        if "#" in written:
            written = _HASH.sub(lambda m: f" {_PASTE} " if m[1] else m[0] if m[0][0] == '"' else '""', written)
        body = [
            Token("id" if m.lastgroup == "raw" else m.lastgroup, m[m.lastgroup], line, m.start())
            for m in _TOKEN.finditer(written)
            if m.lastgroup not in (None, "nl", "comment")
        ]
        self.macros[found.group(1)] = Macro(names, body)


def _expand(tokens: list[Token], macros: dict[str, Macro]) -> list[Token]:
    out: list[Token] = []
    work = list(reversed(tokens))
    left = MAX_EXPANSIONS
    while work:
        token = work.pop()
        macro = macros.get(token.text) if token.kind == "id" else None
        if macro is None or left <= 0:
            out.append(token)
            continue
        left -= 1
        if macro.params is None:
            work.extend(t._replace(line=token.line) for t in reversed(macro.body))
            continue
        if not work or work[-1].text != "(":
            out.append(token)
            continue
        actual = _arguments(work)
        bound = dict(zip(macro.params, actual, strict=False))
        bound.setdefault("__VA_ARGS__", [])
        body: list[Token] = []
        for part in macro.body:
            body.extend(bound.get(part.text, [part]) if part.kind == "id" else [part])
        if any(part.text == _PASTE for part in body):
            body = _joined(body)
        work.extend(t._replace(line=token.line) for t in reversed(body))
    return out


def _joined(body: list[Token]) -> list[Token]:
    """Tokens around `##` made one."""
    out: list[Token] = []
    rest = iter(body)
    for token in rest:
        after = next(rest, None) if token.text == _PASTE else None
        if after is not None and out:
            out[-1] = out[-1]._replace(text=out[-1].text + after.text)
        elif token.text != _PASTE:
            out.append(token)
    return out


def _arguments(work: list[Token]) -> list[list[Token]]:
    """Pop `( a, b, ... )` off the reversed list; the token lists of the arguments."""
    work.pop()
    depth = 1
    actual: list[list[Token]] = [[]]
    while work:
        token = work.pop()
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                break
        if token.text == "," and depth == 1:
            actual.append([])
        else:
            actual[-1].append(token)
    return actual


def balance(tokens: list[Token]) -> Finding | None:
    """The first bracket that does not match, or None."""
    pairs = {")": "(", "]": "[", "}": "{"}
    open_: list[Token] = []
    for token in tokens:
        if token.kind != "op":
            continue
        text = token.text
        if text in "([{":
            open_.append(token)
        elif text in pairs:
            if not open_:
                return Finding("braces", f"{text} unopened line {token.line}", token.line)
            last = open_.pop()
            if last.text != pairs[text]:
                return Finding("braces", f"{last.text} line {last.line} closed by {text} line {token.line}", token.line)
    if open_:
        return Finding("braces", f"{open_[0].text} unclosed line {open_[0].line}", open_[0].line)
    return None


@lru_cache(maxsize=1024)
def number(text: str) -> tuple[str, float | int]:
    """Category ("int", "float", "double") and value of a number token; raises ValueError where it is none."""
    plain = text.replace("'", "")
    if plain[:2] in ("0x", "0X") and "." not in plain and "p" not in plain.lower():
        return "int", int(plain.rstrip("uUlL"), 16)
    if plain[:2] in ("0b", "0B"):
        return "int", int(plain.rstrip("uUlL"), 2)
    suffix = _SUFFIX.search(plain)
    tail = suffix.group() if suffix else ""
    body = plain[: len(plain) - len(tail)]
    if tail.lower().strip("ulz") == "" and "." not in body and "e" not in body.lower():
        return "int", int(body, 8) if len(body) > 1 and body[0] == "0" else int(body)
    if tail in ("f", "F"):
        if "." not in body and "e" not in body.lower():
            raise ValueError(text)
        return "float", float(body)
    if tail in ("", "l", "L"):
        return "double", float(body)
    raise ValueError(text)
