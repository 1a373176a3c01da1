"""Facts end to end: candidates against problems, text, vector, speed, and the dry run's outcomes."""

from __future__ import annotations

import statistics
import time

import pytest

from kernelbench_harness.facts import VECTOR_KEYS, KernelFacts, kernel_facts

PROBLEM = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        return torch.relu(x - x.mean(dim=1, keepdim=True)) / (x.var(dim=1, keepdim=True, unbiased=False) + self.eps)

batch = 24
dim = 640

def get_inputs():
    return [torch.randn(batch, dim)]

def get_init_inputs():
    return [1e-5]
"""
CPP = """
#include <torch/extension.h>
#include <algorithm>
torch::Tensor run(torch::Tensor x, double eps) {
  x = x.contiguous();
  const int64_t rows = x.size(0), cols = x.size(1);
  auto y = torch::empty_like(x);
  const float* in = x.data_ptr<float>();
  float* out = y.data_ptr<float>();
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = in + r * cols;
    float mean = 0.f, var = 0.f;
    for (int64_t c = 0; c < cols; ++c) mean += row[c];
    mean /= cols;
    for (int64_t c = 0; c < cols; ++c) var += (row[c] - mean) * (row[c] - mean);
    const float scale = 1.f / (var / cols + static_cast<float>(eps));
    for (int64_t c = 0; c < cols; ++c) out[r * cols + c] = std::max(row[c] - mean, 0.f) * scale;
  }
  return y;
}
"""
SHELL = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """{cpp}"""
ext = load_inline(name="run", cpp_sources=source, functions=["run"], extra_cflags=["-O3"])

class ModelNew(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        return ext.run(x, self.eps)
'''


def candidate(old: str = "", new: str = "", cpp: str = CPP) -> str:
    assert old in cpp
    return SHELL.replace("{cpp}", cpp.replace(old, new) if old else cpp)


def facts(old: str = "", new: str = "") -> KernelFacts:
    return kernel_facts(PROBLEM, candidate(old, new))


def test_a_correct_kernel_has_no_findings() -> None:
    result = facts()
    assert result.text.startswith("no findings; dry run agrees;")
    assert result.vector["findings"] == 0
    assert result.vector["dry_is_agrees"] == 1
    assert result.vector["work_known"] == 1


MISTAKES = [
    ("c < cols; ++c) mean", "c <= cols; ++c) mean", "dry_fault"),
    ("c = 0; c < cols; ++c) mean", "c = 1; c < cols; ++c) mean", "dry_value"),
    ("r = 0; r < rows", "r = 0; r < rows - 1", "dry_uncovered"),
    ("out[r * cols + c]", "out[r * rows + c]", "dry_uncovered"),
    ("mean /= cols;", "", "dry_value"),
    ("std::max(row[c] - mean, 0.f)", "std::max(mean - row[c], 0.f)", "dry_value"),
    ("torch::empty_like(x)", "torch::empty({cols, rows}, x.options())", "dry_shape"),
    ("torch::empty_like(x)", "torch::empty_like(x, torch::kInt)", "dry_fault"),
    ("float mean = 0.f, var = 0.f;", "float mean, var = 0.f;", "uninitialised"),
    ("x.size(1);", "x.size(2);", "dry_fault"),
    ("x = x.contiguous();", "TORCH_CHECK(x.dim() == 3);", "dry_check"),
    ("x.data_ptr<float>();\n  float", "x.data_ptr<const float>() + rows * cols;\n  float", "dry_fault"),
    ("  return y;\n", "", "no_return"),
    ("out[r * cols + c]", "out[r * cols + c + 1]", "out_write"),
]


@pytest.mark.parametrize(("old", "new", "kind"), MISTAKES)
def test_mistakes_show_in_the_vector(old: str, new: str, kind: str) -> None:
    result = facts(old, new)
    assert result.vector[f"n_{kind}"] > 0, result.text
    assert f"{kind}: " in result.text
    assert result.text.startswith("breaks compile; ") == bool(result.vector["breaks_compile"])


def test_python_side() -> None:
    code = candidate()
    assert (
        "py_args: run wants 2 gets 3"
        in kernel_facts(PROBLEM, code.replace("ext.run(x, self.eps)", "ext.run(x, 1, 2)")).text
    )
    assert kernel_facts(PROBLEM, code.replace("class ModelNew", "class Net")).vector["n_py_missing"] == 1
    assert kernel_facts(PROBLEM, code.replace("super().__init__()", "super(.__init__()")).vector["n_py_syntax"] == 1
    assert kernel_facts(PROBLEM, code.replace('functions=["run"]', 'functions=["go"]')).vector["n_export"] >= 1
    assert kernel_facts(PROBLEM, "```python\n" + code + "```\n").vector["n_fence"] == 1
    assert (
        kernel_facts(PROBLEM, code.replace("__init__(self, eps)", "__init__(self, eps, more)")).vector["n_dry_fault"]
        == 1
    )


def test_nothing_of_the_sources_is_executed(tmp_path: object) -> None:
    marker = f"{tmp_path}/touched"
    evil = f"import pathlib\npathlib.Path({marker!r}).write_text('x')\nopen({marker!r}, 'w')\n"
    kernel_facts(evil + PROBLEM, evil + candidate())
    import os

    assert not os.path.exists(marker)


ANY_TEXT = [
    ("", "n_py_missing"),
    ("\x00", "n_py_syntax"),
    ("def", "n_py_syntax"),
    ("class ModelNew:\n  pass", "dry_is_unsupported"),
    ("x = 10 ** 10 ** 10", "n_py_missing"),
    ("#include <x>\nint main() {", "n_braces"),
    ("(" * 500, "n_py_syntax"),
    ("a = [0] * 10**9", "n_py_missing"),
    (candidate("r = 0; r < rows", "r = 0; r < 1e999 * 1e999"), "dry_is_unsupported"),
]


@pytest.mark.parametrize(("text", "key"), ANY_TEXT)
def test_any_text_gives_facts(text: str, key: str) -> None:
    as_candidate, as_reference = kernel_facts(PROBLEM, text), kernel_facts(text, candidate())
    assert as_candidate.vector[key] == 1
    assert as_candidate.vector["dry_is_agrees"] == as_reference.vector["dry_is_agrees"] == 0
    assert as_reference.vector["findings"] == 0, "a problem that is no problem says nothing against the candidate"
    for result in (as_candidate, as_reference, kernel_facts(text, text)):
        assert tuple(result.vector) == VECTOR_KEYS
        assert len(result.text.split()) <= 60


WIDE = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2 ** 14, 2 ** 12)

    def forward(self, x):
        return self.linear(x)

def get_inputs():
    return [torch.randn(2 ** 7, 2 ** 14)]
"""


def test_problems_that_cannot_be_shrunk_take_no_time() -> None:
    """Sizes written as powers are not replaced: the dry run gives up instead of making 67 million weights."""
    started = time.process_time()
    result = kernel_facts(WIDE, candidate())
    assert time.process_time() - started < 0.5
    assert result.vector["dry_is_unsupported"] == 1


def test_a_candidate_that_overwrites_its_inputs_does_not_reach_the_next() -> None:
    before = facts()
    assert facts("  auto y = torch::empty_like(x);", "  auto y = x;").vector["dry_is_agrees"] == 1
    assert facts() == before


def test_infinite_loops_end() -> None:
    result = facts("c = 0; c < cols; ++c) mean", "c = 0; c < cols; ) mean")
    assert result.vector["n_no_progress"] == 1
    started = time.process_time()
    kernel_facts(PROBLEM, candidate().replace("        self.eps = eps", "        while True:\n            eps = 1"))
    assert time.process_time() - started < 1


def test_runtime_facts_follow_the_loops() -> None:
    fast, slow = facts(), facts("mean += row[c];", "{ for (int64_t k = 0; k < cols; ++k) mean += row[k] / cols; }")
    assert slow.vector["log_estimate_ms"] > fast.vector["log_estimate_ms"] + 1
    assert facts("in + r * cols", "in + r").vector["dry_is_agrees"] == 0
    column = facts("mean += row[c];", "mean += in[c * rows + r];")
    assert column.vector["strided"] > 0


EVERY_KEY = [
    ("#include <algorithm>", "#include <algorithm>\n/* unterminated"),
    ("mean /= cols;", "mean = std::expf(mean);"),
    ("torch::Tensor run", "void nothing() { return 1; }\ntorch::Tensor run"),
    ("mean /= cols;", "rows + 1 = cols;"),
    ("mean /= cols;", "mean = 1 / 2;"),
    ("mean /= cols;", "int whole = mean; mean /= cols + whole;"),
    ("for (int64_t r = 0", "#pragma omp parallel for\n  for (int64_t r = 0"),
    ("for (int64_t r = 0", "#pragma omp simd\n  for (int64_t r = 0"),
    ("torch::empty_like(x)", "torch::empti_like(x)"),
    ("x.size(1)", "x.sizs(1)"),
    ("std::max(", "std::maxx("),
    ("y.data_ptr<float>()", "y.data_ptr<double>()"),
    ("float mean = 0.f", "volatile float mean = 0.f"),
    ("x = x.contiguous();", "x = at::pin_memory(x);"),
    ("c < cols; ++c) mean", "c < cols; ) mean"),
]
"""Edits that fill the keys that the corpus leaves empty."""


def test_every_key_of_the_vector_is_filled_by_some_kernel() -> None:
    from kernelbench_harness.corpus import pair

    filled: set[str] = set()
    codes = [(PROBLEM, candidate(old, new)) for old, new in EVERY_KEY]
    codes += [(PROBLEM, candidate(old, new)) for old, new, _ in MISTAKES]
    codes.append((PROBLEM, candidate(*EVERY_KEY[6]).replace('"-O3"', '"-O3", "-fopenmp", "-march=native"')))
    codes += [(PROBLEM, candidate().replace("class ModelNew", start)) for start in ("class Net", "class (ModelNew")]
    codes.append((PROBLEM, f"```python\n{candidate()}```"))
    codes += [(s.problem.code, s.code) for index in range(50) for s in pair(7, index)]
    for reference, code in codes:
        filled |= {key for key, value in kernel_facts(reference, code).vector.items() if value}
    assert set(VECTOR_KEYS) - filled == set()


def test_same_sources_same_facts_and_speed() -> None:
    code = candidate()
    assert kernel_facts(PROBLEM, code) == kernel_facts(PROBLEM, code)
    times = []
    for _ in range(20):
        started = time.process_time()
        kernel_facts(PROBLEM, code)
        times.append(time.process_time() - started)
    assert statistics.median(times) < 0.02, "10 ms on an idle core; twice that is allowed for a busy machine"


@pytest.mark.slow
def test_clean_corpus_raises_no_alarm() -> None:
    from kernelbench_harness.corpus import pair

    alarms = []
    for index in range(150):
        sample = pair(31, index)[0]
        result = kernel_facts(sample.problem.code, sample.code)
        if "unterminated" in result.text:
            continue  # a comment broken by a line end in a plain Python string: a true statement, not an alarm
        if result.vector["breaks_compile"] or result.vector["breaks_run"]:
            alarms.append((index, sample.operator, result.text))
    assert len(alarms) <= 3, alarms
