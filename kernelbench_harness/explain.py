"""Why a candidate has its verdict, and which of its lines is to blame: what `check` prints beneath a label.

Guarantees: pure functions; a line is shown only when the error names it (a Python traceback, a cheat's evidence) or
quotes it (a compiler), so that none is guessed. Nothing is printed that is not in the label or the candidate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernelbench_harness.label import Candidate, Label, Verdict

MOST_LINES = 12
"""Of an error text; the label keeps it whole."""
_QUOTED = re.compile(r"^\s*(?P<number>\d+) \| ?(?P<text>.*)$")
_CARET = re.compile(r"^\s*\| ?(?P<text>.*\^.*)$")
_PYTHON = re.compile(r'File "candidate\.py", line (\d+)')
_NAMED = re.compile(r"\bline (\d+)\b")
_BLOCK = 15
"""Columns of the names in `report.label_text`."""


def explain(label: Label, candidate: Candidate) -> list[str]:
    """Lines to print; none for a correct candidate without a remark."""
    if label.verdict is Verdict.CORRECT:
        return [_row("not timed", label.unmeasured)] if label.unmeasured else []
    if label.verdict is Verdict.COMPILED:
        return [_row("not run", label.unmeasured)]
    lines: list[str] = []
    source = candidate.code.split("\n")
    for evidence in label.evidence:
        lines += [_row("evidence", evidence), *_shown(source, _numbers(evidence))]
    at = _quoted(label.error, source) or _shown(source, _python_line(label.error))
    if at:
        lines += at
    elif not label.evidence:
        lines += [_row("" if number else "text", text) for number, text in enumerate(_worth(label))]
    return lines


def _row(name: str, text: str) -> str:
    return f"{name:{_BLOCK}} {text}"


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _NAMED.findall(text)][:1]


def _python_line(error: str) -> list[int]:
    """The candidate's own line nearest to where a traceback ends."""
    return [int(number) for number in _PYTHON.findall(error)][-1:]


def _shown(source: list[str], numbers: list[int]) -> list[str]:
    return [_row(f"line {n}", source[n - 1].rstrip()) for n in numbers if 0 < n <= len(source)]


def _quoted(error: str, source: list[str]) -> list[str]:
    """The line under the compiler's first error, at its place in the candidate's file, with the compiler's caret."""
    lines = error.splitlines()
    first = next((at for at, line in enumerate(lines) if "error: " in line), len(lines))
    for at in range(first + 1, min(first + 4, len(lines))):
        quoted = _QUOTED.match(lines[at])
        if quoted is None or not quoted["text"].strip():
            continue
        where = _place(quoted["text"], int(quoted["number"]), source)
        shown = [_row(f"line {where}" if where else f"main.cpp:{quoted['number']}", quoted["text"].rstrip())]
        caret = _CARET.match(lines[at + 1]) if at + 1 < len(lines) else None
        return shown + ([_row("", caret["text"].rstrip())] if caret else [])
    return []


def _place(text: str, number: int, source: list[str]) -> int | None:
    """The candidate's line that the compiler quotes; of several equal ones, the first that can have that number."""
    places = [at for at, line in enumerate(source, 1) if line.strip() == text.strip()]
    # A source string stands somewhere below the file's first line, and few lines are put before it.
    likely = [at for at in places if at >= number - 8]
    return next(iter(likely or places), None)


def _worth(label: Label) -> Iterator[str]:
    """The error text's beginning, where it says more than its first line."""
    lines = [line for line in label.error.splitlines() if line.strip()]
    if len(lines) <= 1 and label.first_error.strip() in (lines or [""])[0]:
        return
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"... {len(lines) - MOST_LINES} more lines (--json has them)"
