"""A main.cpp that needs no compiler to be accepted: declarations of plain functions, and load_inline's own binding of
them.

A third of what a front-end check costs would go into reading such a file, which says nothing that could be wrong: g++
needs 0.25 CPU seconds to load the shim's precompiled header alone. Guarantees: `certain` says yes only where the real
headers accept the text: every token is one of the few forms below, every name is the candidate's own, declared once,
and met in no header. Whatever else it sees (a default value, a macro, a line that is continued) is left to g++. It
never says no.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kernelbench_harness.compile.names import KEYWORDS, Names
from kernelbench_harness.compile.request import CompileRequest, split
from kernelbench_harness.compile.tokens import Token, tokenize

_VALUES = {
    "torch::Tensor", "at::Tensor", "int", "int64_t", "long", "float", "double", "bool",
    "std::vector<torch::Tensor>", "std::vector<at::Tensor>", "std::vector<int64_t>",
}  # fmt: skip
"""Types that pybind11 converts both ways with what torch/extension.h includes."""
_NOT_A_NAME = KEYWORDS | set(
    "and and_eq bitand bitor compl not not_eq or or_eq xor xor_eq main m torch at c10 std pybind11 py".split()
)
_NAME = re.compile(r"(?!.*__)[A-Za-z]\w{0,99}", re.ASCII)
_TEXT = re.compile(r"[\n\t !-~]*")
_DOCSTRING = re.compile(r"[\w .,:;()+*/=-]*", re.ASCII)
_HARMLESS = re.compile(r"-O[0-3s]|-w|-g[0-3]?|-Wall|-Wextra|-DNDEBUG|-fPIC|-pthread")


def certain(request: CompileRequest, tables: Sequence[Names]) -> bool:
    """Whether main.cpp of a `load_inline` request compiles, whatever g++ says; `tables` are all that could matter."""
    text = "\n".join(request.cpp_sources)
    plain = _TEXT.fullmatch(text) and "\\" not in text and all(map(_HARMLESS.fullmatch, split(request.extra_cflags)))
    if request.files or request.no_implicit_headers or not plain or not _free(request.name, tables):
        return False
    declared = _declarations(tokenize(text), tables)
    if declared is None:
        return False
    bound = request.functions or ()
    return all(name in declared and _DOCSTRING.fullmatch(doc) for name, doc in bound)


def _declarations(tokens: list[Token], tables: Sequence[Names]) -> set[str] | None:
    """The functions that a text declares, or None where it does anything else."""
    declared: set[str] = set()
    rest = [token.text for token in tokens]
    if any(token.directive or token.kind not in ("word", "op") for token in tokens):
        return None
    while rest:
        if ";" not in rest:
            return None
        end = rest.index(";")
        name = _declaration(rest[:end], tables)
        if not name or name in declared:
            return None
        declared.add(name)
        rest = rest[end + 1 :]
    return declared


def _declaration(words: list[str], tables: Sequence[Names]) -> str:
    """The function that `TYPE NAME(TYPE NAME, ...)` declares, or ""."""
    if words.count("(") != 1 or words[-1:] != [")"]:
        return ""
    opened = words.index("(")
    *result, name = words[:opened] or [""]
    if "".join(result) not in _VALUES | {"void"} or not _free(name, tables):
        return ""
    inside = words[opened + 1 : -1]
    parameters = [_parameter(part, tables) for part in _parts(inside)] if inside else []
    named = [parameter for parameter in parameters if parameter]
    return name if None not in parameters and len(named) == len(set(named)) else ""


def _parts(words: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _parameter(words: list[str], tables: Sequence[Names]) -> str | None:
    """The name of `TYPE`, `TYPE NAME`, `const TYPE NAME` or `const TYPE& NAME`, "" without one; None for all else."""
    constant = words[:1] == ["const"]
    words = words[constant:]
    for count in range(1, len(words) + 1):
        if "".join(words[:count]) in _VALUES and words[count : count + 1] != ["::"]:
            rest = words[count:]
            if constant and rest[:1] == ["&"]:
                rest = rest[1:]
            if not rest:
                return ""
            return rest[0] if len(rest) == 1 and _free(rest[0], tables) else None
    return None


def _free(name: str, tables: Sequence[Names]) -> bool:
    """Whether a word is a name that no header gives a meaning at global level, and no macro."""
    if not _NAME.fullmatch(name) or name in _NOT_A_NAME or name.startswith(("PyInit", "pybind11")):
        return False
    return not any(name in names.stock_global or name in names.stock_macros for names in tables)
