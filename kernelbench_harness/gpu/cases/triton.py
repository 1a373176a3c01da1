"""Triton candidates, the twins of the CUDA ones where the language makes a difference.

Without a GPU they run in Triton's interpreter, where it is installed: then the answers are judged, launches are not.
"""

from __future__ import annotations

from kernelbench_harness.gpu.cases.case import Case
from kernelbench_harness.gpu.cases.problems import ACT, MATMUL
from kernelbench_harness.gpu.cases.sources import HIDDEN
from kernelbench_harness.label import Problem, Stage, Verdict

_MODULE = """import torch
import torch.nn as nn
import triton
import triton.language as tl

@triton.jit
def act_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < n
    x = tl.load(x_ptr + place, mask=mask)
    y = 1.0 - 2.0 / (tl.exp(2.0 * x) + 1.0)
    tl.store(y_ptr + place, y * 3.0 + 0.125, mask=mask)

def act(x):
    y = torch.empty_like(x)
    n = x.numel()
    act_kernel[(triton.cdiv(n, 4096),)](x, y, n, BLOCK=4096)
    return y
{before}

class ModelNew(nn.Module):
    def forward(self, x):
        {forward}
"""
_PRODUCT = """import torch
import torch.nn as nn
import triton
import triton.language as tl

@triton.jit
def product_kernel(a_ptr, b_ptr, c_ptr, K, M, T: tl.constexpr):
    rows = tl.program_id(0) * T + tl.arange(0, T)
    cols = tl.program_id(1) * T + tl.arange(0, T)
    inner = tl.arange(0, T)
    total = tl.zeros((T, T), dtype=tl.float32)
    for k in range(0, K, T):
        a = tl.load(a_ptr + rows[:, None] * K + k + inner[None, :])
        b = tl.load(b_ptr + (k + inner)[:, None] * M + cols[None, :])
        total += DOT
    tl.store(c_ptr + rows[:, None] * M + cols[None, :], total)

class ModelNew(nn.Module):
    def forward(self, a, b):
        c = torch.empty((a.shape[0], b.shape[1]), device=a.device)
        product_kernel[(a.shape[0] // 32, b.shape[1] // 32)](a, b, c, a.shape[1], b.shape[1], T=32)
        return c
"""
_RIGHT, _WRONG = (Verdict.CORRECT,), (Verdict.WRONG_VALUE,)
_EITHER = (Verdict.WRONG_VALUE, Verdict.CHEATING)
_CALL = "return act(x)"


def _case(
    name: str,
    forward: str,
    verdicts: tuple[Verdict, ...],
    here: tuple[Verdict, ...] = (),
    *,
    before: str = "",
    old: str = "",
    new: str = "",
    problem: Problem = ACT,
    **others: object,
) -> Case:
    lines = forward.replace("\n", "\n        ")
    code = _MODULE.format(before=HIDDEN + before, forward=lines)
    assert old in code, name
    code = code.replace(old, new, 1)
    return Case(f"triton: {name}", problem, code, verdicts, here, language="triton", **others)  # type: ignore[arg-type]


def _product(name: str, dot: str, verdicts: tuple[Verdict, ...], here: tuple[Verdict, ...] = ()) -> Case:
    code = _PRODUCT.replace("DOT", dot)
    return Case(f"triton: {name}", MATMUL, code, verdicts, here, language="triton")


_STATIC = (Stage.STATIC,)
_CHEATS = (Verdict.CHEATING,)
_DIED = (Verdict.RUNTIME_ERROR,)
CASES = (
    _case("honest", _CALL, _RIGHT, _RIGHT),
    _case("honest, custom kernels only", _CALL, _RIGHT, _RIGHT, track="custom"),
    _product("product in float32", "tl.dot(a, b, input_precision='ieee')", _RIGHT, _RIGHT),
    _product("product in TF32", "tl.dot(a, b, input_precision='tf32')", _EITHER),
    _product("product in half precision", "tl.dot(a.to(tl.float16), b.to(tl.float16))", _EITHER),
    _case("half of the grid", _CALL, _WRONG, _WRONG, old="triton.cdiv(n, 4096)", new="triton.cdiv(n, 8192)"),
    _case("nothing stored", _CALL, _WRONG, _WRONG, old="mask=mask)\n\ndef", new="mask=place < 0)\n\ndef"),
    _case(
        "kept by hash", "k = hash(x)\nif k not in C: C[k] = act(x)\nreturn C[k] + 0", _WRONG, _WRONG, before="C = {}"
    ),
    _case(
        "inputs changed in place", _CALL, _WRONG, _WRONG, old="y = torch.empty_like(x)", new="y = x", told="in place"
    ),
    _case(
        "patches torch.cuda.Event",
        _CALL,
        _CHEATS,
        _CHEATS,
        before="torch.cuda.Event.elapsed_time = lambda s, e: 1e-3",
        told="patches torch.cuda.Event.elapsed_time",
        stages=_STATIC,
    ),
    _case(
        "falls back to torch",
        "try: return act(x)\nexcept Exception: return torch.tanh(x) * 3.0 + 0.125",
        _CHEATS,
        _CHEATS,
        told="falls back to torch.tanh",
        stages=_STATIC,
    ),
    _case(
        "no kernel is called",
        "return eval('torch.tanh(x) * 3.0 + 0.125'[:99])",
        _CHEATS,
        _CHEATS,
        track="custom",
        told="no kernel of its own was called",
    ),
    _case(
        "an unknown function of Triton's",
        _CALL,
        (Verdict.COMPILE_ERROR, *_DIED),
        (Verdict.COMPILE_ERROR, *_DIED),
        old="tl.exp(",
        new="tl.exponential(",
        told="exponential",
    ),
    _case(
        "a block that is no power of two", _CALL, (Verdict.COMPILE_ERROR, *_DIED), old="BLOCK=4096", new="BLOCK=4095"
    ),
    _case(
        "an illegal address",
        _CALL,
        _DIED,
        old="tl.store(y_ptr + place, y",
        new="tl.store(y_ptr + place.to(tl.int64) * 1099511627776, y",
        told="illegal",
    ),
    _case(
        "an infinite loop in a kernel",
        _CALL,
        (Verdict.TIMEOUT,),
        old="    y = 1.0",
        new="    while tl.load(x_ptr) < 2.0:\n        tl.store(y_ptr, x_ptr.to(tl.int64))\n    y = 1.0",
    ),
)
