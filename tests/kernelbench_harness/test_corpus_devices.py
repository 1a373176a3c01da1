"""Generated device code, held against what can be asked without a GPU: nvcc for CUDA, names and syntax for Triton."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kernelbench_harness.corpus import OPERATORS, pair, siblings
from kernelbench_harness.corpus.full_sizes import _LEVEL_1, _LEVEL_2, full_variants, kernelbench_problems
from kernelbench_harness.corpus.operator import problem_code

_HEADERS = "#include <cuda_runtime.h>\n#include <cmath>\n#include <cstdint>\n#include <cfloat>\n#include <limits>\n"


_FRONT_END = """
import linecache, sys, types
import torch
from kernelbench_harness.corpus import pair
from kernelbench_harness.process import triton_child, triton_device
launches = triton_child.install("candidate.py", "", "")
launches._run = lambda *launch: None
operators = set()
for index in range(int(sys.argv[1])):
    clean = pair(0, index, "triton")[0]
    problem, candidate = {}, types.ModuleType(f"candidate_{index}")
    path = candidate.__file__ = f"candidate_{index}.py"
    linecache.cache[path] = (len(clean.code), None, clean.code.splitlines(keepends=True), path)
    sys.modules[candidate.__name__] = candidate
    exec(compile(clean.problem.code, "problem.py", "exec"), problem)
    exec(compile(clean.code, path, "exec"), candidate.__dict__)
    try:
        with triton_device.as_cuda():
            candidate.ModelNew(*problem["get_init_inputs"]())(*problem["get_inputs"]())
    except Exception as error:
        print(index, clean.operator, clean.style, error)
    operators.add(clean.operator)
print(len(operators), "operators")
"""
"""Triton's own front end on the launches of clean candidates; nothing is run."""


def _kernels(code: str) -> str:
    """The device part of a candidate: all of its CUDA source before the host function."""
    found = re.search(r"cuda_source = ('''|\"\"\")\n(.*?)\1", code, re.S)
    assert found is not None
    device = re.split(r"\n(?:torch|at)::Tensor ", found.group(2))[0]
    return "\n".join(line for line in device.split("\n") if not line.startswith("#include"))


def test_cuda_candidates_declare_what_they_list() -> None:
    for index in range(100):
        code = pair(0, index, "cuda")[0].code
        listed = re.search(r'functions=\["(\w+)"\]', code)
        assert listed is not None
        declared = re.search(r"cpp_source \w*|cpp_src|CPP_SRC|source", code)
        assert declared is not None and re.search(rf"Tensor {listed.group(1)}\([^)]*\);", code)
        assert "__global__" in code and "<<<" in code


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not on PATH")
def test_nvcc_accepts_the_kernels(tmp_path: Path) -> None:
    parts = [f"namespace k{index} {{\n{_kernels(pair(1, index, 'cuda')[0].code)}\n}}" for index in range(60)]
    source = tmp_path / "kernels.cu"
    source.write_text(_HEADERS + "\n".join(parts))
    run = subprocess.run(
        ["nvcc", "-std=c++17", "-arch=sm_80", "-cubin", "-w", "-o", str(tmp_path / "kernels.cubin"), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[:2000]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_tritons_front_end_accepts_the_clean_candidates() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FRONT_END, "160"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    said = run.stdout.splitlines()
    assert len(said) == 1 and int(said[0].split()[0]) >= 60, run.stdout[:4000]


def test_triton_kernels_use_no_unknown_name() -> None:
    known = {*dir(builtins), "tl", "triton", "torch", "nn"}
    for index in range(150):
        module = ast.parse(pair(0, index, "triton")[0].code)
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
        for function in functions:
            bound = known | {argument.arg for argument in function.args.args} | {other.name for other in functions}
            bound |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            assert used <= bound, used - bound


def test_a_family_has_a_clean_candidate_and_copies_with_one_edit_each() -> None:
    sizes = set()
    compiling = 0
    for index in range(120):
        clean, *broken = siblings(3, index, "cuda")
        assert clean.mistake is None and 1 <= len(broken) <= 2
        compiling += broken[0].mistake_class == "compile"
        for copy in broken:
            assert copy.problem == clean.problem and copy.twin == clean.twin and copy.code != clean.code
            assert copy.site is not None
            start, end = copy.site
            # The site may take in the line around what was lost, but the first difference lies at it.
            pairs = enumerate(zip(copy.code, clean.code, strict=False))
            first = next((at for at, (left, right) in pairs if left != right), len(clean.code))
            assert start - 80 <= first <= end + 80
        sizes.add(clean.problem.scale)
    assert (
        sizes == {"cpu", "full"} and compiling >= 110
    )  # a draft without a place for the first kinds drawn gets another
    assert siblings(3, 7, "cuda") == siblings(3, 7, "cuda")


def test_full_sizes_name_operators_that_exist_and_give_every_constant() -> None:
    named = {name for table in (_LEVEL_1, _LEVEL_2) for name, _ in table.values()}
    assert named <= set(OPERATORS) and len(kernelbench_problems()) >= 40
    for operator in OPERATORS.values():
        for size in full_variants(operator):
            assert set(size.values) == set(operator.variants[0]), operator.name
            module = ast.parse(problem_code(operator, size.values))
            assert {"get_inputs", "get_init_inputs"} <= {
                node.name for node in module.body if isinstance(node, ast.FunctionDef)
            }
