"""What Triton's front end refuses, as a compiler would say it: "candidate.py:12: error: NameError: ...".

Guarantees: imports no triton; an error that is none of its front end's is left alone. Not guaranteed: the line, where a
kernel's text was made at run time.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
from typing import Any

_WRAPPED = re.compile(r"""(?P<type>[A-Z]\w*(?:Error|Exception))\((?P<quote>['"])(?P<text>.*)(?P=quote)\)""")


class Unsupported(BaseException):
    """What the interpreter cannot do; no handler of a candidate's for exceptions takes it for the kernel's fault."""


def refusal(error: BaseException, path: str) -> tuple[str, str, str] | None:
    """(stage, first line, whole text) of a compilation error of Triton's, or of one that it led to; None for others.

    The stage is "device_compile"; "unsupported" where the kernel compiles and the interpreter cannot run it.
    """
    if isinstance(error, Unsupported):
        return "unsupported", str(error), str(error)
    errors = sys.modules.get("triton.compiler.errors")
    kind: Any = getattr(errors, "CompilationError", None)
    if kind is None:
        return None
    found: Any = error
    while found is not None and not _is(found, kind):
        found = found.__cause__ or found.__context__
    if found is None:
        return None
    line = _line(found, path)
    while _is(found.__cause__, kind):  # the kernel first, then what it called, perhaps in Triton's own library
        found = found.__cause__
        line = _line(found, path) or line
    message = _message(found)
    where = f"{os.path.basename(path)}:{line}: " if line else ""
    return "device_compile", f"{where}error: {message.splitlines()[0]}", str(found).strip()


def said(error: BaseException) -> str:
    """Type and first line of an error."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _is(error: Any, kind: Any) -> bool:
    return isinstance(error, kind)


def _message(found: Any) -> str:
    """The error's own words, or those of the Python error that it wraps."""
    own, cause = str(found.error_message or "").strip(), found.__cause__
    if not own:
        return said(cause) if cause is not None else "does not compile"
    wrapped = _WRAPPED.fullmatch(own)
    return f"{wrapped['type']}: {wrapped['text']}" if wrapped else own


def _line(found: Any, path: str) -> int:
    """The line in the candidate's file, 0 where it cannot be told; Triton counts from the function's first line."""
    number, source = getattr(found.node, "lineno", 0), found.src
    if not number or not source:
        return 0
    head = source.split("\n", 1)[0].strip()
    places = [index for index, line in enumerate(linecache.getlines(path)) if line.strip() == head]
    return places[0] + int(number) if places else 0
