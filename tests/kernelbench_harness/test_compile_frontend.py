"""The front-end check: the build's verdict without its code, and what it leaves unasked."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernelbench_harness.compile.build import build
from kernelbench_harness.compile.front_end import UNASKED, front_end
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import Toolchain
from kernelbench_harness.sandbox import Completed

needs_nvcc = pytest.mark.skipif(
    shutil.which("nvcc") is None and not Path("/usr/local/cuda/bin/nvcc").exists(), reason="no nvcc on this machine"
)
CUDA = """__global__ void twice(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 2 * x[i];
}
torch::Tensor go(torch::Tensor x) {
  auto y = torch::empty_like(x);
  twice<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
  return y;
}"""
GOOD = CompileRequest("front", ("torch::Tensor go(torch::Tensor x);",), (("go", "go"),), cuda_sources=(CUDA,))
ON_DEVICE_ALONE = CUDA.replace(
    "int i", "\n#ifdef __CUDA_ARCH__\n  int wrong = undeclared_on_the_device;\n#endif\n  int i", 1
)
SHARED = CUDA.replace("int i", "__shared__ float s[30000]; s[threadIdx.x] = n; __syncthreads(); y[1] = s[n]; int i", 1)


def _of(text: str) -> CompileRequest:
    return replace(GOOD, cuda_sources=(text,))


@needs_nvcc
@pytest.mark.parametrize(
    "wrong",
    [
        CUDA.replace("2 * x[i]", "2 * z[i]"),
        CUDA.replace("const float* x, float* y", "const float* x, const float* y"),
        CUDA.replace("return y;\n}", "return y;\n"),
        ON_DEVICE_ALONE,
    ],
    ids=["undeclared", "const", "unbalanced", "device alone"],
)
def test_a_refusal_is_the_builds(harness_cache: Path, tmp_path: Path, wrong: str) -> None:
    found = front_end(_of(wrong), cache_dir=harness_cache / "build", timeout_s=600)
    whole = build(_of(wrong), cache_dir=harness_cache / "build", timeout_s=600)
    assert not found.ok
    assert _verdict(found) == _verdict(whole)


def _verdict(result: CompileResult) -> tuple[bool, str, str, str]:
    return result.ok, result.stage, result.first_error, result.decided_by


@needs_nvcc
def test_a_yes_says_what_was_not_asked(harness_cache: Path) -> None:
    for request in (replace(GOOD, name="front_yes"), replace(_of(SHARED), name="front_yes")):
        result = front_end(request, cache_dir=harness_cache / "build", timeout_s=600)
        assert (result.ok, result.library) == (True, None), result.error
        assert result.unasked == UNASKED or result.cached


@needs_nvcc
def test_a_check_starts_one_program(harness_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    front_end(replace(GOOD, name="front_first"), cache_dir=harness_cache / "build", timeout_s=600)
    started: list[str] = []
    confined = Toolchain.confined

    def counted(self: Toolchain, command: list[str], *rest: Any, **more: Any) -> Completed:
        started.append(Path(command[0]).name)
        return confined(self, command, *rest, **more)

    monkeypatch.setattr(Toolchain, "confined", counted)
    asked = replace(_of(CUDA.replace("2 *", "3 *")), name=f"front_{os.getpid()}")
    assert front_end(asked, cache_dir=harness_cache / "build", timeout_s=600).ok
    # main.cpp says nothing that g++ must read, and nvcc has told its steps already, under whatever name.
    assert started == ["sh"]


@needs_nvcc
def test_two_architectures_are_both_read(harness_cache: Path) -> None:
    of_one = CUDA.replace("int i", "\n#if __CUDA_ARCH__ == 800\n  int wrong = undeclared_there;\n#endif\n  int i", 1)
    both = ("-gencode=arch=compute_90,code=sm_90", "-gencode=arch=compute_80,code=sm_80")
    for request in (replace(_of(of_one), extra_cuda_cflags=both), replace(_of(of_one), extra_cuda_cflags=both[::-1])):
        found = front_end(request, cache_dir=harness_cache / "build", timeout_s=600)
        assert not found.ok
        assert "undeclared_there" in found.first_error


@needs_nvcc
def test_main_cpp_is_read_first(harness_cache: Path) -> None:
    request = replace(_of("int nonsense = ;"), cpp_sources=("int x = zz;",))
    result = front_end(request, cache_dir=harness_cache / "build", timeout_s=600)
    assert (result.ok, result.stage) == (False, "host_compile")


def test_a_refused_flag_is_a_failure_without_a_run(tmp_path: Path) -> None:
    result = front_end(replace(GOOD, extra_cuda_cflags=("-o", "/tmp/x")), cache_dir=tmp_path)
    assert (result.ok, result.reason) == (False, "refused")
    assert not list(tmp_path.iterdir())


def test_a_result_without_a_library_says_why() -> None:
    checked = CompileResult(True, None, "shim", "shim", unasked=UNASKED)
    assert CompileResult.from_json(checked.to_json()) == checked
    with pytest.raises(ValueError, match="library or an error"):
        CompileResult(True, None, "shim", "shim")
