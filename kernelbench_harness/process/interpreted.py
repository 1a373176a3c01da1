"""Triton without a GPU: which hearings take place in Triton's interpreter, and under which options.

Guarantees: decided from the source alone, by the parent, before anything runs; a source that imports no triton is
heard as ever. A hearing in the interpreter is about correctness: it is not timed, and gets more time.
Not guaranteed: that what the interpreter computes is what a GPU computes to the last bit; what stands in for one, and
where the two differ, is told in `triton_child.py`.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Callable
from dataclasses import replace

from kernelbench_harness.errors import CandidateError
from kernelbench_harness.options import HarnessOptions

UNMEASURED = "Triton's interpreter: times mean nothing"
SLOWER = 6.0
"""Times the time limit of a run: the interpreter takes a millisecond or so for each block of each kernel."""
SEEDS = 2
"""Sets of inputs; the second one is given in the storage of the first."""
_LONGEST = 400_000
_WORD = re.compile(r"\b(?:import|from)\s+triton\b")


def wanted(options: HarnessOptions, code: str) -> bool:
    """Whether a candidate is heard in Triton's interpreter."""
    return options.device == "cpu" and not options.compile_only and imports_triton(code)


def adjusted(options: HarnessOptions, code: str) -> HarnessOptions:
    """The options of this candidate's hearing. Raises CandidateError for a Triton candidate without triton."""
    if not wanted(options, code):
        return options
    if importlib.util.find_spec("triton") is None:
        raise CandidateError("the candidate imports triton, which is not installed here: pip install triton")
    limit = options.run_timeout_s * SLOWER
    return replace(options, timing=False, run_timeout_s=limit, seeds=options.seeds[:SEEDS])


def imports_triton(code: str) -> bool:
    """Whether a source imports triton: by a statement, by name through importlib, or in a text that it executes."""
    if "triton" not in code or len(code) > _LONGEST:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(map(_imports, nodes))


def install(arch: str, path: str, code: str) -> Callable[[], list[str]]:
    """In the candidate's process, before its module `path` is loaded and before the judge's functions are frozen.

    From here on triton's kernels are compiled by its front end and run by its interpreter, and "cuda" names the memory
    of this process, as long as the candidate's code runs. Returns a function that tells what was odd so far.
    """
    from kernelbench_harness.process import steps, triton_child, triton_device

    launches = triton_child.install(path, code, arch)
    steps.surround(triton_device.as_cuda)
    return lambda: list(launches.memory.notes)


def _imports(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(_is_triton(one.name) for one in names)
        case ast.ImportFrom(module=str(module), level=0):
            return _is_triton(module)
        case ast.Constant(value=str(text)):
            return _is_triton(text) or bool(_WORD.search(text))
    return False


def _is_triton(name: str) -> bool:
    return name == "triton" or name.startswith("triton.")
