"""Raw kernels: a .cu file and a plain Triton file get a ModelNew that really calls them, or a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernelbench_harness.candidates import load_candidates
from kernelbench_harness.errors import CandidateError
from kernelbench_harness.label import Candidate, Problem
from kernelbench_harness.raw import as_candidate

ADD = """\
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self):
        super(Model, self).__init__()

    def forward(self, a, b):
        return a + b


def get_inputs():
    return [torch.rand(8), torch.rand(8)]


def get_init_inputs():
    return []
"""
PROBLEM = Problem("1_Add", ADD, 1, 1, "corpus")
LINEAR = Problem("2_Linear", ADD.replace("(self):", "(self, n):", 1), 1, 2, "corpus")
CUDA = """\
#include <torch/extension.h>
__global__ void add(const float* a, const float* b, float* o, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) o[i] = a[i] + b[i];  // '''
}
torch::Tensor forward(torch::Tensor a, torch::Tensor b) {
    auto o = torch::empty_like(a);
    add<<<(a.numel() + 255) / 256, 256>>>(a.data_ptr<float>(), b.data_ptr<float>(), o.data_ptr<float>(), a.numel());
    return o;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward); }
"""
TRITON = """\
import torch
import triton
import triton.language as tl


@triton.jit
def add_kernel(a, b, o, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(o + i, tl.load(a + i, i < n) + tl.load(b + i, i < n), i < n)


def _grid(n):
    return (triton.cdiv(n, 64),)


def launch(a, b, o):
    add_kernel[_grid(a.numel())](a, b, o, a.numel(), BLOCK=64)
    return o


def add(a, b, scale=1.0):
    return launch(a, b, torch.empty_like(a))


def test_add(a, b):
    assert torch.allclose(add(a, b), a + b)
"""


def forward_of(code: str) -> object:
    """What the candidate's ModelNew really returns, its extension or kernel replaced by torch's own sum."""
    import torch

    space: dict[str, object] = {"__name__": "candidate"}
    exec(compile(code, "candidate.py", "exec"), space)
    model = space["ModelNew"]()  # type: ignore[operator]
    return model(torch.ones(3), torch.full((3,), 2.0))


def test_a_cu_file_is_called_with_the_inputs_and_kept_to_the_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = as_candidate(Candidate(CUDA, "add.cu"), PROBLEM)
    seen: list[str] = []

    def load_inline(name: str, cpp_sources: str, cuda_sources: str) -> object:
        seen.append(cuda_sources)
        return type("module", (), {"forward": staticmethod(lambda a, b: a + b)})

    monkeypatch.setattr("torch.utils.cpp_extension.load_inline", load_inline)
    assert forward_of(made.code).tolist() == [3.0, 3.0, 3.0]  # type: ignore[attr-defined]
    assert seen == [CUDA], "also the quotes that would end a Python string"
    assert made.name == "add.cu"


def test_a_raw_source_without_a_name_is_known_by_its_text() -> None:
    assert "ModelNew" in as_candidate(Candidate(CUDA, "row 3"), PROBLEM).code


@pytest.mark.parametrize(
    ("code", "problem", "reason"),
    [
        (CUDA.replace("PYBIND11_MODULE", "// "), PROBLEM, "needs a PYBIND11_MODULE"),
        (CUDA.replace('"forward"', '"add"'), PROBLEM, "binds no 'forward'"),
        (CUDA, LINEAR, "2_Linear has settings or weights"),
    ],
)
def test_a_cu_file_whose_call_is_not_known_has_a_reason(code: str, problem: Problem, reason: str) -> None:
    with pytest.raises(CandidateError, match=reason):
        as_candidate(Candidate(code, "k.cu"), problem)


def test_a_cu_file_that_is_only_compiled_needs_no_call() -> None:
    made = as_candidate(Candidate(CUDA, "k.cu"), LINEAR, runs=False)
    assert "only compiled" in made.code and "load_inline" in made.code


def test_a_plain_triton_file_is_called_by_its_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    made = as_candidate(Candidate(TRITON, "t.py"), PROBLEM)
    assert made.code.startswith(TRITON)
    assert "return add(*inputs)" in made.code


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("scale=1.0", "scale"), "none takes 2 arguments"),
        (lambda text: text + "\n\ndef plus(a, b):\n    return add(b, a) if a is b else a\n", ""),
        (lambda text: text + "\n\ndef other(a, b):\n    return a\n", "any of add, other"),
    ],
)
def test_which_function_of_a_triton_file_is_called(change, reason: str) -> None:  # type: ignore[no-untyped-def]
    candidate = Candidate(change(TRITON), "t.py")
    if reason:
        with pytest.raises(CandidateError, match=reason):
            as_candidate(candidate, PROBLEM)
    else:
        assert "return plus(*inputs)" in as_candidate(candidate, PROBLEM).code


def test_python_with_a_model_passes_through() -> None:
    for code in ("class ModelNew: ...", TRITON + "\n\nclass ModelNew: ...\n", "def (", "import triton ("):
        candidate = Candidate(code, "k.py")
        assert as_candidate(candidate, PROBLEM) is candidate
    assert as_candidate(Candidate(TRITON + "\n\nclass Model: ...\n", "k.py"), PROBLEM).code.endswith(
        "ModelNew = Model\n"
    )


def test_cu_files_of_a_folder(tmp_path: Path) -> None:
    place = tmp_path / "1_Add"
    place.mkdir()
    (place / "problem.py").write_text(ADD)
    (place / "own.cu").write_text(CUDA)
    (place / "part.cu").write_text(CUDA)
    (place / "broken.cu").write_bytes(b"\x7fELF\0\0")
    (place / "loads.py").write_text("ext = load(name='x', sources=['part.cu'])\nclass ModelNew: ...\n")
    found = load_candidates(tmp_path, [PROBLEM])
    assert sorted(candidate.name for _, candidate in found.jobs) == ["loads.py", "own.cu"]
    assert len(found.unusable) == 1 and "broken.cu: binary data" in found.unusable[0]
