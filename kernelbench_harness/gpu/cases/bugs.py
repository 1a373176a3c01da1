"""The ways in which KernelBench's own evaluator mislabels, as far as a single candidate shows them on a device.

The others (a batch that ends, a run that is resumed) are tests of the engine.
"""

from __future__ import annotations

from kernelbench_harness.gpu.cases.answers import bent
from kernelbench_harness.gpu.cases.case import Case
from kernelbench_harness.gpu.cases.honest import KERNEL
from kernelbench_harness.gpu.cases.problems import ACT, LINEAR, TARGETS, problem
from kernelbench_harness.label import Problem, Verdict

_SCALED = "torch::Tensor act(torch::Tensor x) {"


def own_model(of: Problem, old: str = "", new: str = "") -> str:
    """A problem's own model as its candidate, one piece of text replaced."""
    return of.code.replace("class Model(", "class ModelNew(").replace(old, new)


NARROW = problem("narrow", "return torch.tanh(x) * 3.0 + 0.125", "torch.rand(512, N)", constants="N = 256")
"""A size that stands at the top of the module."""
SMALL = problem("frobenius", "return x / torch.norm(x, p='fro')", "torch.randn(512, 4096)")
"""All values below KernelBench's tolerance."""
_RIGHT, _WRONG = (Verdict.CORRECT,), (Verdict.WRONG_VALUE,)
CASES = (
    Case("3: constants of the candidate's own", NARROW, KERNEL.replace("CUDA = r", "N = 4\nCUDA = r"), _RIGHT),
    Case(
        "3: the inputs' size is the problem's",
        NARROW,
        bent("return built.act(x)[:, :N]", "N = 4"),
        (Verdict.WRONG_SHAPE,),
    ),
    Case(
        "4: weights drawn in another order",
        LINEAR,
        own_model(LINEAR, "super().__init__()", "super().__init__(); torch.rand(7); torch.manual_seed(99)"),
        _RIGHT,
        _RIGHT,
        language="torch",
    ),
    Case(
        "5: integers stay integers",
        TARGETS,
        own_model(TARGETS, "        return", "        assert y.dtype == torch.int64\n        return"),
        _RIGHT,
        _RIGHT,
        language="torch",
    ),
    Case(
        "6: zeros below the tolerance",
        SMALL,
        bent("built.act(x)\nreturn torch.zeros_like(x)"),
        _WRONG,
        told="every value is zero",
    ),
    Case("6: the mean below the tolerance", SMALL, bent("built.act(x)\nreturn torch.full_like(x, 1e-5)"), _WRONG),
    Case("double in place of float", ACT, bent("return built.act(x).double()"), (Verdict.WRONG_DTYPE,)),
    Case("on the host in place of the device", ACT, bent("return built.act(x).cpu()"), (Verdict.RUNTIME_ERROR,)),
    Case("transposed, not contiguous", ACT, bent("return built.act(x.t().contiguous()).t()"), _RIGHT),
)
assert _SCALED in KERNEL
