"""The problems that the cases are about: small ones, each of a kind that some cheat profits from."""

from __future__ import annotations

from kernelbench_harness.label import Problem

_MODULE = """import torch
import torch.nn as nn

{constants}

class Model(nn.Module):
{init}    def forward(self, {arguments}):
        {forward}

def get_inputs():
    return [{inputs}]

def get_init_inputs():
    return [{given}]
"""


def problem(name: str, forward: str, inputs: str, *, arguments: str = "x", constants: str = "") -> Problem:
    """A model without weights; `forward` are the lines of its body."""
    body = forward.replace("\n", "\n        ")
    code = _MODULE.format(constants=constants, init="", arguments=arguments, forward=body, inputs=inputs, given="")
    return Problem(name, code, version="corpus")


ACT = problem("act", "return torch.tanh(x) * 3.0 + 0.125", "torch.rand(1024, 512)")
"""Elementwise, 2 MB in and out: a launch and nothing else."""
SOFTMAX = problem("softmax", "return torch.softmax(x, dim=1)", "torch.rand(2, 250_000)")
"""Every value lies below 1e-4, the tolerance at which zeros pass."""
MATMUL = problem("matmul", "return a @ b", "torch.rand(128, 2048), torch.rand(2048, 128)", arguments="a, b")
"""Long sums: half precision and TF32 show."""
SUM = problem("sum", "return torch.sum(x, dim=1)", "torch.rand(256, 4096)")
"""A reduction: shared memory and barriers."""
TARGETS = problem(
    "cross entropy",
    "return nn.functional.cross_entropy(x, y)",
    "torch.randn(64, 10), torch.randint(0, 10, (64,))",
    arguments="x, y",
)
"""Integer inputs."""
LINEAR = Problem(
    "linear",
    _MODULE.format(
        constants="N = 64",
        init="    def __init__(self, out):\n        super().__init__()\n        self.first = nn.Linear(N, N)\n"
        "        self.second = nn.Linear(N, out)\n\n",
        arguments="x",
        forward="return self.second(torch.relu(self.first(x)))",
        inputs="torch.randn(32, N)",
        given="8",
    ),
    version="corpus",
)
"""Weights, which a candidate must be given."""
