"""What of a call's arguments the model reads.

A prompt is mostly kernel text, and its length is the simulator's cost. Always left out: imports, docstrings, comments,
blank lines, the headers that every candidate has, the lines of Python that say nothing of the kernel. Where a candidate
is still long, more goes, in this order: Python definitions other than ModelNew, checks and check macros of the host
function, indentation. The kernel itself is never touched here; the middle of what is still too long is cut when the
prompt is made. The real tool and the facts always see the whole text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domains.kernels import bare, condense

LONG = 1700
"""Characters of a condensed candidate from which on more is left out: some 900 tokens of the embedded base."""
_CHECKS = re.compile(
    r"^[ \t]*(?:TORCH_CHECK\(.*\);|(?:TORCH_)?CHECK_\w+\(.*\);|#define (?:TORCH_)?CHECK_.*|C10_CUDA_\w+\(.*\);)\n",
    re.MULTILINE,
)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def prompt_arguments(arguments: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Reference and candidate, condensed, the candidate last, next to the facts; before them the GPU, if named."""
    blocks = [("reference", condense(str(arguments["reference"]))), ("candidate", shorter(str(arguments["candidate"])))]
    return [("gpu", str(arguments["gpu"])), *blocks] if "gpu" in arguments else blocks


def shorter(source: str) -> str:
    """The candidate without what tells least; see the module."""
    text = bare(source)
    steps: tuple[Callable[[str], str], ...] = (
        _without_other_definitions,
        lambda text: _CHECKS.sub("", text),
        lambda text: _INDENT.sub("", text),
    )
    for step in steps:
        if len(text) <= LONG:
            break
        text = step(text)
    return text


def _without_other_definitions(text: str) -> str:
    """The module without the functions and classes that are not its ModelNew, or the text itself where it does not
    parse; a function that loads a kernel stays."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    lines = text.split("\n")
    for node in reversed(body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name != "ModelNew":
            first = min([node.lineno, *(line.lineno for line in node.decorator_list)]) - 1
            inside = "\n".join(lines[first : node.end_lineno])
            if "load" not in inside and "triton" not in inside and "tl." not in inside:
                del lines[first : node.end_lineno]
    return "\n".join(lines)
