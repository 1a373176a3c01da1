"""Triton candidates without a GPU: compile errors by its front end, the rest by its interpreter."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelbench_harness.corpus import pair
from kernelbench_harness.errors import CandidateError
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Verdict
from kernelbench_harness.process import interpreted

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")

PROBLEM = Problem(
    "scaled_exp",
    """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x, y):
        return torch.exp(x) * y

def get_inputs():
    return [torch.rand(5, 61), torch.rand(5, 61)]

def get_init_inputs():
    return []
""",
)
KERNEL = """
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scaled_exp(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask)
    y = tl.load(y_ptr + at, mask=mask)
    tl.store(out_ptr + at, tl.exp(x) * y, mask=mask)


def launch(x, y):
    out = torch.empty_like(x)
    n = x.numel()
    scaled_exp[(triton.cdiv(n, 64),)](x, y, out, n, BLOCK=64)
    return out


class ModelNew(nn.Module):
    def forward(self, x, y):
        return launch(x, y)
"""

HANDLED = """        try:
            return launch(x, y)
        except Exception:
            return None
"""


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    options = HarnessOptions(cache_dir=tmp_path_factory.mktemp("cache"), seeds=(1, 2), run_timeout_s=15.0)
    with Harness(options) as made:
        yield made


def _label(harness: Harness, code: str) -> Label:
    return harness.label(PROBLEM, Candidate(code))


def _changed(old: str, new: str, code: str = KERNEL) -> str:
    assert code.count(old) == 1
    return code.replace(old, new)


def test_a_right_kernel_is_correct_and_not_timed(harness: Harness) -> None:
    label = _label(harness, KERNEL)
    assert (label.verdict, label.stage) == (Verdict.CORRECT, Stage.VALUE), label.error
    assert label.unmeasured == interpreted.UNMEASURED
    assert label.runtime is None
    assert label.reference is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mask = at < n", "mask = at < count", "candidate.py:11: error: NameError: count is not defined"),
        ("tl.exp(x) * y", "tl.expp(x) * y", "candidate.py:14: error: AttributeError: module 'triton.language'"),
        ("tl.load(y_ptr + at, mask=mask)", "tl.load(y_ptr + at, other=0.0)", "candidate.py:13: error: `other` cannot"),
        ("tl.arange(0, BLOCK)", "tl.arange(0, 48)", "candidate.py:10: error: arange's range must be a power of 2"),
        ("tl.arange(0, BLOCK)", "tl.arange(0, n)", "candidate.py:10: error: arange's arguments must be of type"),
    ],
)
def test_what_the_front_end_refuses_is_a_compile_error(harness: Harness, old: str, new: str, said: str) -> None:
    label = _label(harness, _changed(old, new))
    assert (label.verdict, label.stage) == (Verdict.COMPILE_ERROR, Stage.DEVICE_COMPILE), label.error
    assert label.first_error.startswith(said)


def test_an_error_that_is_swallowed_is_a_cheat_in_the_end(harness: Harness) -> None:
    """The kernel never works; torch does the work."""
    fallen = _changed(
        "        return launch(x, y)\n",
        """        try:
            out = launch(x, y[0])
        except Exception:
            out = None
        return out if out is not None else getattr(torch, "ex" + "p")(x) * y
""",
        _changed("mask = at < n", "mask = at < count"),
    )
    label = _label(harness, fallen)
    assert label.verdict is Verdict.CHEATING, label
    assert any("scaled_exp" in line and "raised" in line for line in label.evidence)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ("tl.exp(x) * y", "tl.exp(x) + y", Verdict.WRONG_VALUE),
        ("(triton.cdiv(n, 64),)", "(n // 64,)", Verdict.WRONG_VALUE),
        ("mask = at < n", "mask = at < n - 1", Verdict.WRONG_VALUE),
        ("return out\n", "return out[:, 1:]\n", Verdict.WRONG_SHAPE),
        ("return out\n", "return out.double()\n", Verdict.WRONG_DTYPE),
    ],
)
def test_wrong_outputs(harness: Harness, old: str, new: str, verdict: Verdict) -> None:
    assert _label(harness, _changed(old, new)).verdict is verdict


def test_a_store_out_of_bounds_is_an_error_that_names_the_line(harness: Harness) -> None:
    label = _label(harness, _changed("tl.exp(x) * y, mask=mask)", "tl.exp(x) * y)"))
    assert (label.verdict, label.stage) == (Verdict.RUNTIME_ERROR, Stage.RUN)
    assert "kernel scaled_exp: line 14: OutOfBounds: tl.store writes out of bounds (15 elements" in label.first_error


def test_a_load_out_of_bounds_is_noted_and_reads_nothing_useful(harness: Harness) -> None:
    harmless = _label(harness, _changed("tl.load(x_ptr + at, mask=mask)", "tl.load(x_ptr + at)"))
    assert harmless.verdict is Verdict.CORRECT, harmless.error
    assert any("line 12: tl.load reads out of bounds" in line for line in harmless.evidence)
    shifted = _label(harness, _changed("tl.load(x_ptr + at, mask=mask)", "tl.load(x_ptr + at + 1)"))
    assert shifted.verdict is Verdict.WRONG_VALUE
    far = _label(harness, _changed("tl.load(x_ptr + at, mask=mask)", "tl.load(x_ptr + at * 1000000, mask=mask)"))
    assert far.verdict is Verdict.RUNTIME_ERROR
    assert "illegal memory access" in far.first_error


def test_a_gpu_is_stood_in_for(harness: Harness) -> None:
    """What candidates written for a GPU say about devices."""
    asks = _changed(
        "    out = torch.empty_like(x)\n",
        """    assert x.is_cuda and y.device.type == "cuda"
    x, y = x.cuda(), y.to("cuda")
    out = torch.empty(x.shape, device="cuda", dtype=x.dtype)
    assert torch.cuda.is_available() and torch.cuda.get_device_properties(0).multi_processor_count
    torch.cuda.synchronize()
""",
    )
    asks = _changed(
        "        return launch(x, y)",
        "        with torch.cuda.device(x.device):\n            return launch(x, y)",
        asks,
    )
    assert _label(harness, asks).verdict is Verdict.CORRECT


def test_what_the_interpreter_cannot_run_is_compiled_and_no_more(harness: Harness) -> None:
    """A candidate's own handler does not take it for a failure of the kernel."""
    foreign = _changed(
        "tl.exp(x) * y,",
        "tl.inline_asm_elementwise('ex2.approx.f32 $0, $1;', '=f,f', [x], dtype=tl.float32, is_pure=True, pack=1) * y,",
    )
    handled = _changed("        return launch(x, y)\n", HANDLED, foreign)
    for code in (foreign, handled):
        label = _label(harness, code)
        assert (label.verdict, label.stage) == (Verdict.COMPILED, Stage.IMPORT), label.error
        assert "cannot run it: inline_asm" in label.unmeasured


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ("x = tl.extra.cuda.libdevice.exp(x); r = x * y", Verdict.CORRECT),
        ("x = tl.extra.cuda.libdevice.fast_expf(x); r = libdevice.rint(y * 0.1) + x * y", Verdict.CORRECT),
        ("r = (tl.exp(x).to(tl.bfloat16) * y.to(tl.bfloat16)).to(tl.float32)", Verdict.WRONG_VALUE),
        ("r = tl.exp(x) * y.to(tl.float16).to(tl.float32)", Verdict.WRONG_VALUE),
    ],
)
def test_arithmetic_is_that_of_a_gpu(harness: Harness, lines: str, verdict: Verdict) -> None:
    code = _changed("    tl.store(out_ptr + at, tl.exp(x) * y,", f"    {lines}\n    tl.store(out_ptr + at, r,")
    code = _changed("import triton\n", "import triton\nfrom triton.language.extra import libdevice\n", code)
    assert _label(harness, code).verdict is verdict


def test_bfloat16_rounds_to_nearest_even() -> None:
    import torch

    from kernelbench_harness.process.triton_arithmetic import narrow, widen

    values = torch.cat([torch.randn(4000) * 10.0**power for power in range(-30, 30, 6)])
    values = torch.cat(
        [values, torch.tensor([float("inf"), -float("inf"), 0.0, -0.0, 1.00390625, 3.3895313892515355e38])]
    )
    assert torch.equal(torch.from_numpy(widen(narrow(values.numpy()))), values.bfloat16().float())
    assert widen(narrow(torch.tensor([float("nan")]).numpy())) != 0.0


def test_an_autotuned_kernel_runs_with_its_first_configuration(harness: Harness) -> None:
    tuned = _changed(
        "@triton.jit\n",
        '@triton.autotune([triton.Config({"BLOCK": 32}), triton.Config({"BLOCK": 64})], key=["n"])\n@triton.jit\n',
    )
    tuned = _changed(
        "(triton.cdiv(n, 64),)](x, y, out, n, BLOCK=64)",
        '(lambda m: (triton.cdiv(n, m["BLOCK"]),))](x, y, out, n)',
        tuned,
    )
    label = _label(
        harness,
        tuned.replace('[(lambda m: (triton.cdiv(n, m["BLOCK"]),))]', '[lambda m: (triton.cdiv(n, m["BLOCK"]),)]'),
    )
    assert label.verdict is Verdict.CORRECT, label.error


def test_functions_under_jit_call_one_another(harness: Harness) -> None:
    helped = _changed("@triton.jit\n", "@triton.jit\ndef power(x):\n    return tl.exp(x)\n\n\n@triton.jit\n")
    helped = _changed("tl.exp(x) * y", "power(x) * y", helped)
    assert _label(harness, helped).verdict is Verdict.CORRECT
    wrong = _changed("    return tl.exp(x)\n", "    return tl.exp(z)\n", helped)
    label = _label(harness, wrong)
    assert label.first_error == "candidate.py:10: error: NameError: z is not defined"


def test_names_that_the_interpreter_knows_stay_unknown_to_the_candidate(harness: Harness) -> None:
    label = _label(harness, _changed("    return out\n", "    return out * int(np.ones(1)[0])\n"))
    assert label.verdict is Verdict.RUNTIME_ERROR
    assert "name 'np' is not defined" in label.first_error


def test_the_track_custom_wants_the_kernel(tmp_path: Path) -> None:
    torch_alone = _changed("        return launch(x, y)\n", "        return getattr(torch, 'ex' + 'p')(x) * y\n")
    with Harness(HarnessOptions(cache_dir=tmp_path, seeds=(1, 2), track="custom", run_timeout_s=15.0)) as strict:
        assert _label(strict, KERNEL).verdict is Verdict.CORRECT
        label = _label(strict, torch_alone)
    assert label.verdict is Verdict.CHEATING
    assert all("track custom" in line for line in label.evidence), label.evidence


def test_a_clean_candidate_of_the_corpus_is_correct(harness: Harness) -> None:
    """All elements of a block load the same vector: such a load has no mask of the block."""
    clean = pair(0, 38, "triton")[0]
    assert clean.operator == "matvec" and clean.mistake is None
    label = harness.label(clean.problem, Candidate(clean.code))
    assert label.verdict is Verdict.CORRECT, label


def test_a_kernel_that_never_ends_is_no_verdict_about_it(tmp_path: Path) -> None:
    """The interpreter is slow: a time limit in it says nothing about a GPU."""
    endless = _changed(
        "    mask = at < n\n", "    mask = at < n\n    for _ in range(1000000000):\n        mask = mask & (at < n)\n"
    )
    with Harness(HarnessOptions(cache_dir=tmp_path, seeds=(1, 2), run_timeout_s=0.5)) as hasty:
        label = _label(hasty, endless)
    assert label.verdict is Verdict.COMPILED
    assert "interpreter" in label.unmeasured


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import triton", True),
        ("from triton import language as tl", True),
        ("import importlib\nt = importlib.import_module('triton')", True),
        ("exec('import triton')", True),
        ("# like import triton", False),
        ("'''Not triton.'''", False),
        ("import tritonclient", False),
        ("import triton (", False),
    ],
)
def test_which_sources_are_interpreted(code: str, expected: bool) -> None:
    assert interpreted.imports_triton(code) is expected
    assert interpreted.wanted(HarnessOptions(), code) is expected
    assert not interpreted.wanted(HarnessOptions(compile_only=True), code)


def test_without_triton_a_candidate_is_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that lacks something says nothing about a candidate."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CandidateError, match="pip install triton"):
        interpreted.adjusted(HarnessOptions(), KERNEL)
    assert interpreted.adjusted(HarnessOptions(), "import torch") == HarnessOptions()
