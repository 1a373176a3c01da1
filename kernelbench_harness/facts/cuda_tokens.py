"""CUDA's own syntax, taken out of the token list before the C++ parser sees it.

Guaranteed: linear time; lines and offsets of the tokens that stay are kept. Launch bounds and alignments are left out
(bounds are returned), inline assembly becomes a call of `__asm` with its operands, `>>>` that closes templates becomes
three brackets.
"""

from __future__ import annotations

from typing import NamedTuple

from kernelbench_harness.facts.lexer import Token, number

_WITH_BRACKET = frozenset(
    {"__launch_bounds__", "__align__", "alignas", "__maxnreg__", "__cluster_dims__", "__attribute__", "_Pragma",
     "__declspec", "__block_size__"}
)  # fmt: skip
_STATEMENTS = frozenset({"TORCH_CHECK", "TORCH_INTERNAL_ASSERT", "TORCH_CHECK_INDEX", "TORCH_CHECK_VALUE"})
"""torch's macros that end in a block: no semicolon is needed behind them."""
_DROPPED = frozenset({"__noinline__", "__extension__", "__grid_constant__", "__managed__"})


class Prepared(NamedTuple):
    """Tokens as C++ sees them."""

    tokens: list[Token]
    bounds: dict[str, int]
    """Threads per block that a kernel's __launch_bounds__ allows, by the kernel's name."""


def prepare(tokens: list[Token]) -> Prepared:
    """Take CUDA's syntax out of `tokens`."""
    out: list[Token] = []
    bounds: dict[str, int] = {}
    open_launches = 0
    waiting = 0
    ends: set[int] = set()
    i = 0
    while i < len(tokens):
        token = tokens[i]
        text = token.text
        if token.kind == "op":
            if text == "<<<":
                open_launches += 1
            elif text == ">>>":
                if not open_launches:
                    out += [Token("op", ">", token.line, token.at + k) for k in range(3)]
                    i += 1
                    continue
                open_launches -= 1
            elif text in ("{", ";"):
                open_launches = 0
        elif token.kind == "id":
            if text in _DROPPED:
                i += 1
                continue
            if text in _WITH_BRACKET and i + 1 < len(tokens) and tokens[i + 1].text == "(":
                end = _closing(tokens, i + 1)
                if text == "__launch_bounds__":
                    waiting = _integer(tokens[i + 2])
                i = end + 1
                continue
            if text in ("asm", "__asm__", "__asm"):
                i = _assembly(tokens, i, out)
                continue
            if text in _STATEMENTS and i + 1 < len(tokens) and tokens[i + 1].text == "(":
                ends.add(_closing(tokens, i + 1))
            if waiting and i + 1 < len(tokens) and tokens[i + 1].text == "(":
                bounds[text] = waiting
                waiting = 0
        out.append(token)
        if i in ends and i + 1 < len(tokens) and (tokens[i + 1].kind == "id" or tokens[i + 1].text == "}"):
            out.append(Token("op", ";", token.line, token.at))
        i += 1
    return Prepared(out, bounds)


def _closing(tokens: list[Token], start: int) -> int:
    """Index of the bracket that closes the one at `start`; the last token where none does."""
    depth = 0
    for i in range(start, len(tokens)):
        text = tokens[i].text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def _integer(token: Token) -> int:
    try:
        return int(number(token.text)[1]) if token.kind == "num" else 0
    except ValueError:
        return 0


def _assembly(tokens: list[Token], i: int, out: list[Token]) -> int:
    """Write `__asm(operand, ...)` for the assembly at `i`; the index behind it."""
    line, at = tokens[i].line, tokens[i].at
    i += 1
    while tokens[i].text in ("volatile", "__volatile__", "goto", "inline"):
        i += 1
    if tokens[i].text != "(":
        out.append(Token("id", "__asm", line, at))
        return i
    end = _closing(tokens, i)
    out += [Token("id", "__asm", line, at), Token("op", "(", line, at)]
    first, j = True, i + 1
    while j < end:
        if tokens[j].kind == "str" and tokens[j + 1].text == "(":
            close = _closing(tokens, j + 1)
            out += ([] if first else [Token("op", ",", line, at)]) + tokens[j + 1 : close + 1]
            first, j = False, close
        j += 1
    out.append(Token("op", ")", line, at))
    return end + 1
