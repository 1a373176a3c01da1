"""A write beside a tensor that the shim made is one stated failure, whatever lay there; timed calls pay nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from kernelbench_harness.compile import capture
from kernelbench_harness.compile.build import build
from kernelbench_harness.compile.load import watch_bounds
from kernelbench_harness.compile.request import CompileRequest
from kernelbench_harness.corpus import stream
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.label import Candidate, Stage, Verdict

torch = pytest.importorskip("torch")

SOURCE = """
#include <torch/extension.h>
torch::Tensor poke(torch::Tensor x, int64_t at) {
  auto out = torch::empty_like(x);
  for (int64_t i = 0; i < x.numel(); i++) out.data_ptr<float>()[i] = x.data_ptr<float>()[i];
  volatile float* to = out.data_ptr<float>() + at;
  *to = 1.0f;
  return out;
}
torch::Tensor scratch(torch::Tensor x, int64_t at) { poke(x, at); return x; }
torch::Tensor keep(torch::Tensor x, int64_t at) { static torch::Tensor kept; kept = poke(x, at); return x; }
std::vector<torch::Tensor> several(torch::Tensor x, int64_t at) { return {x, poke(x, 0), poke(x, at)}; }
torch::Tensor many(torch::Tensor x, int64_t count) {
  std::vector<torch::Tensor> all;
  for (int64_t i = 0; i < count; i++) all.push_back(torch::zeros_like(x));
  return all.back();
}
torch::Tensor fails(torch::Tensor x, int64_t at) { poke(x, at); TORCH_CHECK(false, "its own words"); return x; }
"""
NAMES = ["poke", "scratch", "keep", "several", "many", "fails"]


@pytest.fixture(scope="module")
def library(build_cache: Path) -> Any:
    asked = CompileRequest("bounds", (SOURCE,), capture.pairs(NAMES))
    result = build(asked, cache_dir=build_cache, mode="shim")
    assert result.ok, result.error
    return capture.open_module(asked, result)


@pytest.fixture
def watched() -> Iterator[None]:
    watch_bounds(True)
    yield
    watch_bounds(False)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("name", "at", "told"),
    [
        ("poke", 61, "byte 0 past the end of the returned tensor of 244 bytes"),
        ("poke", 2200, "byte 8556 past the end of the returned tensor of 244 bytes"),
        ("poke", -1, "byte 1 before the start of the returned tensor of 244 bytes"),
        ("poke", -900, "byte 3597 before the start of the returned tensor"),
        ("several", 64, "byte 12 past the end of the returned tensor of 244 bytes"),
        ("scratch", 62, "byte 4 past the end of a tensor that the function made and freed, of 244 bytes"),
        ("keep", 61, "byte 0 past the end of a tensor that the function made, of 244 bytes"),
    ],
)
def test_a_write_beside_a_tensor_is_told(library: Any, name: str, at: int, told: str) -> None:
    with pytest.raises(RuntimeError, match=f"out of bounds write: {told}"):
        getattr(library, name)(torch.rand(61), at)
    library.keep(torch.rand(61), 0)  # lets go of what it kept
    assert library.poke(torch.zeros(61), 60)[60] == 1.0, "and no later call is blamed for it"


@pytest.mark.usefixtures("watched")
def test_what_a_function_says_itself_comes_first(library: Any) -> None:
    with pytest.raises(RuntimeError, match="its own words"):
        library.fails(torch.rand(61), 61)


@pytest.mark.usefixtures("watched")
def test_values_layouts_and_numbers_of_tensors_are_as_ever(library: Any) -> None:
    for x in (torch.rand(61), torch.rand(3, 5, 7), torch.rand(300, 1000), torch.rand(2, 3).t()):
        got = library.poke(x.contiguous(), 0)
        assert got.data_ptr() % 64 == 0 and got.untyped_storage().nbytes() == x.numel() * 4
        got.view(-1)[0] = x.reshape(-1)[0]
        assert torch.equal(got, x.contiguous())
    assert library.many(torch.rand(8), 6000).sum() == 0


def test_unwatched_calls_are_left_alone(library: Any) -> None:
    assert library.poke(torch.zeros(61), 61).sum() == 0  # the block has room for it


def test_a_candidate_gets_the_same_verdict_every_time(build_cache: Path) -> None:
    sample = next(islice(stream(11), 157, None))
    assert sample.mistake == "swapped_strides"
    with Harness(HarnessOptions(cache_dir=build_cache, timing=False)) as harness:
        labels = [harness.label(sample.problem, Candidate(sample.code)) for _ in range(2)]
    for label in labels:
        assert (label.verdict, label.stage) == (Verdict.RUNTIME_ERROR, Stage.RUN), label
        assert "out of bounds write" in label.first_error and "the returned tensor of 1536 bytes" in label.first_error
