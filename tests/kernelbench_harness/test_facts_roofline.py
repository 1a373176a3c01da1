"""The table of GPUs and the least time of a problem, against figures worked out by hand."""

from __future__ import annotations

import pytest

from kernelbench_harness.facts import device_facts
from kernelbench_harness.facts.gpus import GPUS, gpu_named
from kernelbench_harness.facts.roofline import problem_work, roofline_ms


def problem(forward: str, inputs: str, init: str = "pass") -> str:
    return (
        "import torch\nimport torch.nn as nn\nclass Model(nn.Module):\n    def __init__(self):\n"
        f"        super().__init__()\n        {init}\n    def forward(self, *xs):\n        return {forward}\n"
        f"def get_inputs():\n    return [{inputs}]\ndef get_init_inputs():\n    return []\n"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H100", "H100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA L40S", "L40S"),
    ],
)
def test_gpus_answer_to_their_device_names(name: str, expected: str) -> None:
    found = gpu_named(name)
    assert found is not None and found.name == expected


def test_other_gpus_are_not_guessed() -> None:
    assert [gpu_named(n) for n in ("", "NVIDIA A10", "T400", "NVIDIA L4")] == [None] * 4
    assert all(g.bandwidth > 1e11 and g.flops > 1e12 for g in GPUS.values())


def test_matrix_product_is_counted_by_hand() -> None:
    code = problem("torch.matmul(xs[0], xs[1])", "torch.randn(512, 256), torch.randn(256, 128)")
    work = problem_work(code)
    assert work is not None and work.known
    assert work.operations == 2 * 512 * 256 * 128
    assert work.bytes == 4 * (512 * 256 + 256 * 128 + 512 * 128)
    assert problem_work(code.replace("torch.matmul(xs[0], xs[1])", "xs[0] @ xs[1]")) == work


def test_convolution_and_parameters_are_counted() -> None:
    code = problem("self.conv(xs[0])", "torch.randn(4, 3, 32, 32)", "self.conv = nn.Conv2d(3, 8, 3, padding=1)")
    work = problem_work(code)
    assert work is not None
    assert work.operations == 2 * (4 * 8 * 32 * 32) * (3 * 3 * 3)
    assert work.bytes == 4 * (4 * 3 * 32 * 32 + 8 * 3 * 9 + 8 + 4 * 8 * 32 * 32)


def test_roofline_is_the_larger_of_memory_and_arithmetic() -> None:
    memory = problem("torch.relu(xs[0])", "torch.randn(1024, 1024)")
    assert roofline_ms(memory, "H100") == pytest.approx(1e3 * 2 * 4 * 2**20 / 3.35e12)
    arithmetic = problem("xs[0] @ xs[1]", "torch.randn(4096, 4096), torch.randn(4096, 4096)")
    assert roofline_ms(arithmetic, "H100") == pytest.approx(1e3 * 2 * 4096**3 / 67e12)
    assert roofline_ms(memory, "no such GPU") is None
    assert roofline_ms("no python (", "H100") is None


def test_the_text_names_the_gpu_and_its_time() -> None:
    memory = problem("torch.relu(xs[0])", "torch.randn(1024, 1024)")
    cuda = '#include <torch/extension.h>\n__global__ void k(float* p) { p[0] = 1; }\ntorch::Tensor forward(torch::Tensor x) { k<<<1, 32>>>(x.data_ptr<float>()); return x; }\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward); }\n'  # noqa: E501
    assert "H100 roofline_ms 0.0025" in device_facts(memory, cuda, gpu="H100").text
    assert "roofline" not in device_facts(memory, cuda).text
    assert device_facts(memory, cuda, gpu="H100").vector["log_roofline_ms"] < 0
