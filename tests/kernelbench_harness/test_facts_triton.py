"""Facts about Triton candidates: names, arguments, masks, the dry run lane by lane."""

from __future__ import annotations

import pytest

from kernelbench_harness.corpus import pair
from kernelbench_harness.facts import KernelFacts, device_facts

PROBLEM = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=1)

rows = 24
cols = 100

def get_inputs():
    return [torch.randn(rows, cols)]

def get_init_inputs():
    return []
"""
HEAD = "import torch\nimport torch.nn as nn\nimport triton\nimport triton.language as tl\n"
TAIL = """
class ModelNew(nn.Module):
    def forward(self, x):
        return run(x)
"""
ROWS = """
@triton.jit
def softmax_kernel(x_ptr, y_ptr, rows, cols, BLOCK: tl.constexpr):
    offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offs < rows
    top = tl.full([BLOCK], float("-inf"), dtype=tl.float32)
    for c in range(cols):
        top = tl.maximum(top, tl.load(x_ptr + offs * cols + c, mask=mask, other=0.0))
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for c in range(cols):
        total += tl.exp(tl.load(x_ptr + offs * cols + c, mask=mask, other=0.0) - top)
    for c in range(cols):
        value = tl.exp(tl.load(x_ptr + offs * cols + c, mask=mask, other=0.0) - top)
        tl.store(y_ptr + offs * cols + c, value / total, mask=mask)

def run(x):
    y = torch.empty_like(x)
    rows, cols = x.shape
    grid = lambda meta: (triton.cdiv(rows, meta["BLOCK"]),)
    softmax_kernel[grid](x, y, rows, cols, BLOCK=64)
    return y
"""
REDUCED = """
@triton.jit
def softmax_kernel(x_ptr, y_ptr, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    offs = tl.arange(0, BLOCK)
    mask = offs < cols
    x = tl.load(x_ptr + row * cols + offs, mask=mask, other=-float("inf"))
    x = tl.exp(x - tl.max(x, axis=0))
    tl.store(y_ptr + row * cols + offs, x / tl.sum(x, axis=0), mask=mask)

def run(x):
    y = torch.empty_like(x)
    softmax_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=128)
    return y
"""


def facts(body: str) -> KernelFacts:
    return device_facts(PROBLEM, HEAD + body + TAIL, gpu="H100")


@pytest.mark.parametrize("body", [ROWS, REDUCED], ids=["rows", "reduced"])
def test_working_kernels_agree(body: str) -> None:
    found = facts(body)
    assert found.language == "triton"
    assert "no findings; dry run agrees" in found.text, found.text


@pytest.mark.parametrize(
    ("body", "old", "new", "kind"),
    [
        (ROWS, "tl.maximum(top,", "tl.max(top,", "tl_args"),
        (ROWS, "tl.exp(", "tl.expf(", "tl_name"),
        (ROWS, "tl.exp(", "torch.exp(", "tl_name"),
        (ROWS, "tl.exp(", "tl.math.tanh(", "tl_name"),
        (ROWS, "offs < rows", "offs < n_rows", "undeclared"),
        (ROWS, "tl.arange(0, BLOCK)", "tl.arange(BLOCK)", "tl_args"),
        (ROWS, "tl.arange(0, BLOCK)", "tl.arange(0, 100)", "tl_args"),
        (ROWS, "BLOCK=64", "BLOCK=100", "tl_args"),
        (ROWS, "value / total, mask=mask", "value / total, msk=mask", "tl_args"),
        (ROWS, "class", "clas", "py_syntax"),
    ],
)
def test_what_the_compiler_refuses(body: str, old: str, new: str, kind: str) -> None:
    text = (HEAD + body + TAIL).replace(old, new)
    found = device_facts(PROBLEM, text)
    assert found.vector[f"n_{kind}"] >= 1, found.text
    assert found.vector["breaks_compile"] >= 1


@pytest.mark.parametrize(
    ("body", "old", "new", "kind"),
    [
        (ROWS, "(x, y, rows, cols, BLOCK=64)", "(x, y, rows, BLOCK=64)", "py_args"),
        (ROWS, "(x, y, rows, cols, BLOCK=64)", "(x, y, rows, cols)", "py_args"),
        (ROWS, "(x, y, rows, cols, BLOCK=64)", "(x, y, rows, cols, 3, 4, BLOCK=64)", "py_args"),
        (ROWS, "value / total", "value * total", "dry_value"),
        (ROWS, "mask = offs < rows", "mask = offs < rows - 1", "dry_uncovered"),
        (ROWS, "triton.cdiv(rows, meta[\"BLOCK\"])", "rows // 64", "launch"),
        (ROWS, "value / total, mask=mask", "value / total", "dry_fault"),
        (ROWS, "value / total, mask=mask", "value / total", "mask"),
        (ROWS, "torch.empty_like(x)", "torch.empty((x.shape[0],))", "dry_fault"),
        (REDUCED, "tl.sum(x, axis=0)", "tl.max(x, axis=0)", "dry_value"),
        (REDUCED, "x.shape[1], BLOCK", "n_cols, BLOCK", "py_missing"),
        (REDUCED, "@triton.jit", "@triton.jit ", ""),
    ],
)  # fmt: skip
def test_what_runs_wrong(body: str, old: str, new: str, kind: str) -> None:
    assert old in body
    found = facts(body.replace(old, new))
    assert found.vector["breaks_compile"] == 0, found.text
    if kind:
        assert found.vector[f"n_{kind}"] >= 1, found.text
        assert found.vector["breaks_run"] >= 1
    else:
        assert found.vector["breaks_run"] == 0


def test_constants_that_are_no_constexpr_are_noted() -> None:
    found = facts(ROWS.replace("BLOCK: tl.constexpr", "BLOCK"))
    assert found.vector["n_tl_constexpr"] == 1


def test_launch_at_the_real_sizes() -> None:
    vector = facts(REDUCED).vector
    assert (vector["launches"], vector["block_threads"], vector["is_triton"]) == (1, 128, 1)


def test_clean_corpus_has_no_finding_and_most_mistakes_do() -> None:
    planted = found = 0
    for index in range(40):
        for sample in pair(11, index, "triton"):
            vector = device_facts(sample.problem.code, sample.code).vector
            wrong = vector["breaks_compile"] + vector["breaks_run"] > 0
            if sample.mistake is None:
                assert not wrong, (index, sample.operator)
            elif sample.mistake_class in ("compile", "runtime", "shape"):
                planted += 1
                found += wrong
    assert planted >= 10
    assert found >= 0.85 * planted
