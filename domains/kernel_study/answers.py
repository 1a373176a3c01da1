"""An agent's text as a candidate: what of it is the code.

Guarantees: never raises, whatever the text; what comes back parses as Python and speaks of ModelNew.
"""

from __future__ import annotations

import ast
import re
import warnings

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
"""A fenced block; one that nothing closes goes to the end."""
LONGEST = 65536
"""Characters of a candidate; an agent that writes more has lost its way."""


def candidate_of(text: str) -> str | None:
    """The last fenced block that holds a candidate; without any fence the whole text, where it holds one."""
    text = text.replace("\r\n", "\n")
    blocks = [match.group(2) for match in _FENCE.finditer(text)]
    for code in reversed(blocks or [text]):
        if "ModelNew" in code:
            code = code.strip("\n") + "\n"
            return code if len(code) <= LONGEST and _parses(code) else None
    return None


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a C++ string is the candidate's own business
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    try:
        code.encode()
    except UnicodeEncodeError:
        return False
    return True
