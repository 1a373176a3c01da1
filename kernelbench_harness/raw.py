"""Raw kernels as candidates: a .cu file with a pybind `forward`, a plain Triton file; both get a ModelNew around them.

Guarantees: the kernel's text is kept to the letter inside the candidate; a ModelNew is written only where the call of
the kernel is known, which is when the problem's model has no settings and no weights, so that its inputs are all there
is. Where it is not, there is a reason in its place; but a CUDA source that is only to be compiled gets a ModelNew that
says so when it is called. Python with a ModelNew of its own, and whatever is neither form, passes through as it is.
Does not guarantee that anything compiles.
"""

from __future__ import annotations

import ast
import re

from kernelbench_harness.errors import CandidateError
from kernelbench_harness.label import Candidate, Problem

_CUDA = re.compile(r"^\s*#\s*include\b|\b__global__\b|\bPYBIND11_MODULE\b", re.MULTILINE)
_ABOUT = re.compile(r"get_inputs$|get_init_inputs$|main$|test|bench")
"""Functions beside the kernel that are not it."""
_NOT_CALLED = """

class ModelNew(Model):
    def forward(self, *inputs):
        raise RuntimeError("only compiled: how a model with settings or weights calls the kernel is not known")
"""
_CALLED = """

class ModelNew(__import__("torch").nn.Module):
    def forward(self, *inputs):
        return {function}(*inputs)
"""


def as_candidate(candidate: Candidate, problem: Problem, *, runs: bool = True) -> Candidate:
    """The candidate in KernelBench form; `runs`: whether it will be called, or only compiled.

    Raises CandidateError when a raw kernel's call is not known.
    """
    if is_cuda(candidate):
        return Candidate(_around_cuda(candidate, problem, runs), candidate.name)
    if _is_plain_triton(candidate.code):
        return Candidate(_around_triton(candidate, problem), candidate.name)
    return candidate


def is_cuda(candidate: Candidate) -> bool:
    """Whether this is CUDA C++ and no Python."""
    if candidate.name.endswith((".cu", ".cuh")):
        return True
    return (
        "ModelNew" not in candidate.code and _CUDA.search(candidate.code) is not None and _tree(candidate.code) is None
    )


def _around_cuda(candidate: Candidate, problem: Problem, runs: bool) -> str:
    from kernelbench_harness.exchange.wrap import extension, kernelbench_form

    cuda = candidate.code
    if "PYBIND11_MODULE" not in cuda:
        raise CandidateError(f"{candidate.name}: a raw .cu needs a PYBIND11_MODULE that binds 'forward'")
    made = kernelbench_form(cuda, problem.code, None)
    if made is None and '"forward"' not in cuda:
        raise CandidateError(f"{candidate.name}: its PYBIND11_MODULE binds no 'forward'")
    if made is None and runs:
        raise CandidateError(
            f"{candidate.name}: problem {problem.name} has settings or weights, so how 'forward' is called is not "
            "known; write a ModelNew that calls it, or use --compile-only"
        )
    return made or problem.code.rstrip("\n") + "\n\n\n" + extension(cuda) + _NOT_CALLED


def _is_plain_triton(code: str) -> bool:
    return "triton" in code and "ModelNew" not in code and (tree := _tree(code)) is not None and _imports_triton(tree)


def _around_triton(candidate: Candidate, problem: Problem) -> str:
    """The file, and a ModelNew that hands the model's inputs to its entry."""
    from kernelbench_harness.exchange.wrap import forward_arguments

    tree = _tree(candidate.code)
    assert tree is not None
    if any(isinstance(node, ast.ClassDef) and node.name == "Model" for node in tree.body):
        return candidate.code.rstrip("\n") + "\n\n\nModelNew = Model\n"
    arguments = forward_arguments(problem.code)
    if arguments is None:
        raise CandidateError(
            f"{candidate.name}: problem {problem.name} has settings or weights, so how a plain Triton file is "
            "called is not known; write a ModelNew"
        )
    entries = _entries(tree, len(arguments))
    if len(entries) != 1:
        what = f"any of {', '.join(entries)}" if entries else f"none takes {len(arguments)} arguments"
        raise CandidateError(f"{candidate.name}: which function is called is not clear ({what}); name it forward")
    return candidate.code.rstrip("\n") + "\n" + _CALLED.format(function=entries[0])


def _entries(tree: ast.Module, count: int) -> list[str]:
    """Functions that may be the one to call: `forward`, else those for `count` arguments that no other one calls."""
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and not _ABOUT.match(node.name)
    ]
    fitting = [node.name for node in functions if _takes(node, count) and not node.name.startswith("_")]
    if "forward" in fitting:
        return ["forward"]
    called = {
        inner.func.id
        for node in functions
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id != node.name
    }
    return [name for name in fitting if name not in called]


def _takes(function: ast.FunctionDef, count: int) -> bool:
    """Whether it can be called with so many positional arguments."""
    given = function.args
    if any(default is None for default in given.kw_defaults):
        return False
    most = len(given.posonlyargs) + len(given.args)
    return most - len(given.defaults) <= count and (count <= most or given.vararg is not None)


def _imports_triton(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "triton" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "triton")
        for node in ast.walk(tree)
    )


def _tree(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
