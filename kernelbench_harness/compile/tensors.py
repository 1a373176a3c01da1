"""What the real at::Tensor has, read from the headers that define it, and which variables of a source are tensors.

Guarantees: `members` errs on the large side, `without_arguments` and `is_tensor` on the small one, so that what rests
on them is a proof: the names are those of the class itself, and no header can add one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kernelbench_harness.compile.tokens import Token

_DEFINED_IN = ("TensorBase.h", "TensorBody.h")
_CLASS = re.compile(r"class TORCH_API Tensor(?:Base)?\b[^;{]*\{")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_DECLARED = re.compile(r"(?<![\w.>:])(\w+)\s*(?:\(\s*(\)?)|<)")
"""A name before a parenthesis or a template argument, not reached through something else; group 2: no argument."""
_FACTORIES = frozenset("empty empty_like zeros zeros_like ones ones_like full full_like".split())
_ITSELF = frozenset("contiguous clone detach".split())
"""Members of a tensor that give a tensor."""


def members(folders: Sequence[Path]) -> frozenset[str]:
    """Every name that may be a member function of at::Tensor; empty where its headers are not in these folders."""
    return frozenset(_read(tuple(folders)))


def without_arguments(folders: Sequence[Path]) -> frozenset[str]:
    """Member functions of at::Tensor that take no argument in any of their forms."""
    return frozenset(name for name, bare in _read(tuple(folders)).items() if bare)


@cache
def _read(folders: tuple[Path, ...]) -> dict[str, bool]:
    """name -> whether it is never declared or called with an argument."""
    found: dict[str, bool] = {}
    for name in _DEFINED_IN:
        places = [place for folder in folders if (place := folder / "ATen" / "core" / name).is_file()]
        if not places:
            return {}
        held = _class(_COMMENT.sub("", places[0].read_text(errors="replace")))
        if not held:
            return {}
        for match in _DECLARED.finditer(held):
            found[match[1]] = found.get(match[1], True) and bool(match[2])
    return found


def _class(text: str) -> str:
    """What stands within the braces of the class that a header defines; empty where there is none."""
    begins = _CLASS.search(text)
    start = begins.end() if begins else len(text)
    depth = 1
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return text[start : start + brace.start()]
    return ""


def is_tensor(name: str, body: Sequence[Token]) -> bool:
    """Whether every declaration of a name in a function is of a tensor: `torch::Tensor x`, `auto x = torch::empty(..)`,
    `auto x = y.contiguous()` with a tensor y."""
    return _is_tensor(name, [t.text for t in body if not t.directive], frozenset())


def _is_tensor(name: str, body: list[str], asked: frozenset[str]) -> bool:
    declared = 0
    for i in range(3, len(body) - 1):
        if body[i] != name or body[i - 1] in {".", "->"}:
            continue
        before = body[i - 2] if body[i - 1] == "&" else body[i - 1]
        if before == "Tensor":
            at = i - (3 if body[i - 1] == "&" else 2)
            if body[at] != "::" or body[at - 1] not in {"torch", "at"}:
                return False
        elif before == "auto":
            if not _gives_a_tensor(body[i + 1 : i + 6], body, asked | {name}):
                return False
        elif before.isidentifier() and before not in {"return", "else", "const"}:
            return False
        else:
            continue  # an operand
        declared += 1
    return declared > 0


def _gives_a_tensor(value: list[str], body: list[str], asked: frozenset[str]) -> bool:
    """Whether `= torch::empty(` or `= x.contiguous(` stands here."""
    match value:
        case ["=", "torch" | "at", "::", factory, "("]:
            return factory in _FACTORIES
        case ["=", other, ".", member, "("]:
            return member in _ITSELF and other not in asked and _is_tensor(other, body, asked)
    return False
