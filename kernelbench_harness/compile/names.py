"""Which names the real torch headers declare, and which ours do: the ground of the guards and proofs.

Read once per compiler, torch and shim from `g++ -E -dD` of <torch/extension.h>, and kept in the cache folder. All sets
of the real headers err on the large side (a name too many costs time, never a wrong verdict): every identifier
outside braces and parentheses at namespace level counts as declared there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kernelbench_harness.compile.tokens import TOKEN

VERSION = 6
"""Part of the tables' file name: raise it when the reading changes."""
_DEFINE = re.compile(r"#define (\w+)(.*)")
_UNDEF = re.compile(r"#undef (\w+)")
KEYWORDS = frozenset(
    "alignas alignof asm auto bool break case catch char char8_t char16_t char32_t class concept const consteval "
    "constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double "
    "dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable "
    "namespace new noexcept nullptr operator private protected public register reinterpret_cast requires return "
    "short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try "
    "typedef typeid typename union unsigned using virtual void volatile wchar_t while".split()
)
"""Of C++20, the words for operators apart."""
_APART = ("pybind11", "c10::aten", "c10::attr", "c10::prim", "c10::onnx")
"""pybind11, and the namespaces that hold nothing but torch's interned strings: none of their constants is called."""
_ELABORATED = (["struct"], ["class"], ["union"], ["enum"])


@dataclass
class Header:
    """Names of one header and all that it includes."""

    macros: dict[str, str] = field(default_factory=dict)
    """name -> parameters and body"""
    by_namespace: dict[str, set[str]] = field(default_factory=dict)
    """namespace ("" is the global one) -> names at its level"""
    friends: set[str] = field(default_factory=set)
    """Names before a parenthesis in a friend declaration: argument-dependent lookup may find them."""
    everything: set[str] = field(default_factory=set)
    """Every identifier that occurs at all."""
    directives: set[str] = field(default_factory=set)
    """Namespaces that a using-directive opens into the global one."""

    def global_names(self) -> set[str]:
        """What unqualified lookup at global level can find, macros apart."""
        names = set(self.by_namespace.get("", set()))
        for opened in self.directives:
            names |= self.by_namespace.get(opened, set())
        return names

    def nested_names(self) -> set[str]:
        """Names of every namespace but the global one, friends included."""
        return set().union(self.friends, *(names for space, names in self.by_namespace.items() if space))

    def names_of(self, *spaces: str) -> set[str]:
        """Names that these namespaces and those within them have and no other has, the global one apart."""
        within = tuple(f"{space}::" for space in spaces)
        inside = {key for key in self.by_namespace if f"{key}::".startswith(within)}
        theirs = set().union(*(self.by_namespace[key] for key in inside))
        others = (names for key, names in self.by_namespace.items() if key and key not in inside)
        return theirs.difference(self.friends, *others)

    def add(self, other: Header) -> None:
        """Takes over what another header has."""
        self.macros |= other.macros
        self.friends |= other.friends
        self.everything |= other.everything
        self.directives |= other.directives
        for space, held in other.by_namespace.items():
            self.by_namespace.setdefault(space, set()).update(held)


@dataclass(frozen=True)
class Names:
    """The two headers compared."""

    stock_macros: frozenset[str]
    """Macros of the real headers that ours lack or define otherwise, unless they are ours on purpose."""
    stock_global: frozenset[str]
    """Global names of the real headers, macros included."""
    stock_nested: frozenset[str]
    """Names in any other namespace of the real headers."""
    stock_everything: frozenset[str]
    """Every identifier in the real headers, members and locals too."""
    shim_names: frozenset[str]
    """Names that ours declare at any namespace level, macros included."""
    stock_c10: frozenset[str]
    """Names at the level of namespace c10 in the real headers: what a call with a c10::Half may find."""
    stock_apart: frozenset[str]
    """Names of `_APART` and of no other namespace: what no call without an argument of pybind11's can find."""
    only_shim: frozenset[str]
    """Global names that ours declare and the real headers do not: a candidate that uses one is not ours to judge."""

    @property
    def only_stock_global(self) -> frozenset[str]:
        """Global names that a candidate may clash with in the real headers alone."""
        return self.stock_global - self.shim_names

    def save(self, path: Path) -> None:
        """Writes JSON; the caller makes it atomic."""
        path.write_text(json.dumps({key: sorted(value) for key, value in vars(self).items()}))

    @classmethod
    def load(cls, path: Path) -> Names:
        """Inverse of `save`."""
        return cls(**{key: frozenset(value) for key, value in json.loads(path.read_text()).items()})


def compare(stock: Header, shim: Header) -> Names:
    """The names that the guards and proofs ask about."""
    missing = {name for name, body in stock.macros.items() if shim.macros.get(name) != body}
    ours = {name for name in missing & set(shim.macros) if name.startswith(("TORCH_", "AT_", "PYBIND11_", "C10_"))}
    shim_any = shim.global_names() | shim.nested_names()
    return Names(
        stock_macros=frozenset(missing - ours),
        stock_global=frozenset(stock.global_names() | set(stock.macros)),
        stock_nested=frozenset(stock.nested_names()),
        stock_everything=frozenset(stock.everything | set(stock.macros)),
        shim_names=frozenset(shim_any | set(shim.macros)),
        stock_c10=frozenset(stock.by_namespace.get("c10", set()) | stock.friends),
        stock_apart=frozenset(stock.names_of(*_APART)),
        only_shim=frozenset((shim.global_names() | set(shim.macros)) - stock.global_names() - set(stock.macros)),
    )


def read(preprocessed: Iterable[str]) -> Header:
    """The names in the lines of `g++ -E -dD`."""
    header = Header()
    _Scan(header).run(_code(preprocessed, header))
    return header


def _code(lines: Iterable[str], header: Header) -> Iterator[tuple[str, str]]:
    """(kind, text) of every token that is not a directive; macros go into the header on the way."""
    block: list[str] = []
    for line in lines:
        if not line.startswith("#"):
            block.append(line)
        elif found := _DEFINE.match(line):
            header.macros[found[1]] = found[2].strip()
        elif found := _UNDEF.match(line):
            header.macros.pop(found[1], None)
    for match in TOKEN.finditer("".join(block)):
        if match.lastgroup is not None:
            yield match.lastgroup, match.group()


def _heads_enum(statement: list[str]) -> bool:
    """Whether `enum` stands outside every parenthesis: within, it is a parameter's type and the brace a function's."""
    depth = 0
    for word in statement:
        depth += (word == "(") - (word == ")")
        if word == "enum" and depth == 0:
            return True
    return False


class _Scan:
    """One pass over the code with a stack of braces; `space` is the namespace, None inside any other brace."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.space: str | None = ""
        self.stack: list[tuple[str | None, str]] = []
        self.kind = "namespace"
        self.statement: list[str] = []
        self.parens = 0
        self.angles = 0
        self.friend = False
        self.last_word = ""

    def run(self, code: Iterable[tuple[str, str]]) -> None:
        """Consumes the tokens."""
        for kind, text in code:
            if kind == "word":
                self.header.everything.add(text)
                self._word(text)
            elif text == "{" and not self.parens:
                self._open()
            elif text == "}" and not self.parens:
                self._close()
            elif self.space is None and self.kind == "opaque":
                # Only friends matter inside classes; function bodies have none.
                if text == "(" and self.friend:
                    self.header.friends.add(self.last_word)
                self.friend = self.friend and text not in ";{"
            else:
                self._op(text)
            if self.space is not None and text not in "{}":
                self.statement.append('"' if kind in ("string", "raw") else text)
            if text == ";" and not self.parens:
                self._end()

    def _word(self, text: str) -> None:
        if text == "friend":
            self.friend = True
        self.last_word = text
        if self.kind == "enum" and not self.parens:
            self._add(text, self.stack[-1][0])
            return
        if self.space is None or (self.statement[-1:] == ["::"] and "using" not in self.statement):
            return  # a qualified name declares nothing here
        if not self.angles and (not self.parens or self.statement[-1:] in _ELABORATED):
            self._add(text, self.space)

    def _add(self, text: str, space: str | None) -> None:
        if space is not None and text not in KEYWORDS:
            self.header.by_namespace.setdefault(space, set()).add(text)

    def _op(self, text: str) -> None:
        if text in "()":
            if text == ")":
                self._declarator()
            self.parens = max(0, self.parens + (1 if text == "(" else -1))
        elif text in "<>" and not self.parens:
            starts = text == "<" and self.statement[-1:] == ["template"]
            if starts or self.angles:
                self.angles = max(0, self.angles + (1 if text == "<" else -1))

    def _declarator(self) -> None:
        """A name alone in parentheses, or after * or &, may be declared there: int (*name)(int), int (name)(int)."""
        last = self.statement[-3:]
        if (
            last
            and last[-1].isidentifier()
            and ((last[:1] == ["("] and last[1:2] in (["*"], ["&"])) or last[-2:-1] == ["("])
        ):
            self._add(last[-1], self.space)

    def _open(self) -> None:
        self.stack.append((self.space, self.kind))
        statement = [word for word in self.statement if word != "inline"]
        if self.space is not None and statement[:1] == ["namespace"]:
            names = [word for word in statement[1:] if word.isidentifier() and not word.startswith("__")]
            inline = "inline" in self.statement or not names
            inner = "" if inline else "::".join(names)
            for outer in range(1, len(names)):
                self._add(names[outer], "::".join([*filter(None, [self.space]), *names[:outer]]))
            self.space = self.space if inline else f"{self.space}::{inner}".removeprefix("::")
            self.kind = "namespace"
        elif self.space is not None and statement == ["extern", '"']:
            self.kind = "namespace"
        elif self.space is not None and _heads_enum(statement) and not {"class", "struct"} & set(statement):
            self.space, self.kind = None, "enum"
        else:
            self.space, self.kind = None, "opaque"
        self._end()

    def _close(self) -> None:
        if self.stack:
            self.space, self.kind = self.stack.pop()
        self._end()

    def _end(self) -> None:
        statement = self.statement
        if self.space == "" and statement[:2] == ["using", "namespace"]:
            self.header.directives.add("::".join(w for w in statement[2:] if w.isidentifier()))
        self.statement = []
        self.angles = 0
        self.friend = False
