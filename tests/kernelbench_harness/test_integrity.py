"""What could make a wrong label without an error: luck, poor precision, trivial problems, text that always differs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.judge.normalise import normalise
from kernelbench_harness.label import Candidate, Label, Problem, Verdict
from kernelbench_harness.process import poison

MATMUL = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, a, b):
        return a @ b

def get_inputs():
    return [torch.rand(64, 512), torch.rand(512, 64)]

def get_init_inputs():
    return []
"""
PROBLEM = Problem("matmul", MATMUL)
GOOD = MATMUL.replace("class Model(", "class ModelNew(")
FORWARD = "return a @ b"

CPP = """
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r'''
#include <torch/extension.h>
#include <cstdlib>
torch::Tensor mm(torch::Tensor a, torch::Tensor b) {
    const int64_t n = a.size(0), k = a.size(1), m = b.size(1);
    %s
}
'''
built = load_inline(name="integrity", cpp_sources=source, functions=["mm"])

class ModelNew(nn.Module):
    def forward(self, a, b):
        return built.mm(a, b)
"""
LOOP = """
    const float* x = a.data_ptr<float>();
    const float* y = b.data_ptr<float>();
    %s
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < m; ++j) {
            %s
            for (int64_t q = 0; q < k; ++q) sum += x[i * k + q] * y[q * m + j];
            to[i * m + j] = sum;
        }
    return out;
"""


@pytest.fixture(scope="module")
def harness(harness_cache: Path) -> Iterator[Harness]:
    core = min(os.sched_getaffinity(0))
    options = HarnessOptions(cache_dir=harness_cache, core=core, run_timeout_s=4, timing=False)
    with Harness(options) as made:
        yield made


def label(harness: Harness, code: str, problem: Problem = PROBLEM) -> Label:
    return harness.label(problem, Candidate(code))


def forward(harness: Harness, body: str) -> Label:
    return label(harness, GOOD.replace(FORWARD, body.replace("\n", "\n        ")))


def loop(before: str, start: str) -> str:
    return CPP % (LOOP % (before, start))


ZEROED = "torch::Tensor out = torch::empty({n, m}); float* to = out.data_ptr<float>();"


# Luck


@pytest.mark.skipif(not poison.available(), reason="this C library cannot fill what it hands out")
class TestUnwrittenMemory:
    def test_it_is_poisoned_above_a_kilobyte_and_not_afterwards(self) -> None:
        """Smaller ones may come from a list that the C library does not fill: in a long process, not in a child."""
        import torch

        try:
            poison.on()
            for count in (300, 1000, 50_000, 2_000_000):
                value = torch.empty(count)
                assert (value.abs() > 1e38).all(), count
                del value
            assert torch.empty(1000, dtype=torch.float16).isnan().all()
        finally:
            poison.off()
        kept = [torch.full((4096,), 7.0) for _ in range(4)]
        del kept
        assert not (torch.empty(4096).abs() > 1e38).all()

    @pytest.mark.parametrize("body", ["return torch.empty(64, 64)", "return a.new_empty(64, 64)"])
    def test_an_output_never_written(self, harness: Harness, body: str) -> None:
        assert forward(harness, body).verdict is Verdict.WRONG_VALUE

    def test_the_right_output_in_a_freed_block(self, harness: Harness) -> None:
        """Without poison the last one is handed out again, with the right numbers in it."""
        body = "right = a @ b\ndel right\nreturn torch.empty(64, 64)"
        assert forward(harness, body).verdict is Verdict.WRONG_VALUE

    def test_one_row_never_written_in_cpp(self, harness: Harness) -> None:
        assert label(harness, loop(ZEROED, "float sum = 0;")).verdict is Verdict.CORRECT
        found = label(harness, loop(ZEROED, "if (i == 5) continue; float sum = 0;"))
        assert found.verdict is Verdict.WRONG_VALUE and "64 of 4096" in found.first_error

    def test_an_accumulator_from_malloc(self, harness: Harness) -> None:
        """Fresh memory of the system is zero: an honest mistake that passes everywhere else."""
        before = ZEROED + " float* acc = (float*)malloc(n * m * sizeof(float));"
        found = label(harness, loop(before, "float& sum = acc[i * m + j];"))
        assert found.verdict is Verdict.WRONG_VALUE


# Precision


@pytest.mark.parametrize(
    "body",
    [
        "return (a.half() @ b.half()).float()",
        "return (a.bfloat16() @ b.bfloat16()).float()",
        "return a.half().float() @ b.half().float()",
        "return a.bfloat16().float() @ b.bfloat16().float()",
        "return a.half().float() @ b",
        "return (a.half() @ b.half()).float() + 1e-9",
    ],
)
def test_half_arithmetic_in_a_float32_problem_is_wrong(harness: Harness, body: str) -> None:
    found = forward(harness, body)
    assert found.verdict is Verdict.WRONG_VALUE, found


@pytest.mark.parametrize(
    "body",
    [
        FORWARD,
        "return (a.double() @ b.double()).float()",
        "return (b.T @ a.T).T.contiguous()",
        "return sum(a[:, k : k + 1] * b[k : k + 1] for k in range(512))",
        "return (a[:, :256] @ b[:256]) + (a[:, 256:] @ b[256:])",
    ],
)
def test_float32_in_any_order_is_correct(harness: Harness, body: str) -> None:
    found = forward(harness, body)
    assert found.verdict is Verdict.CORRECT, found.error


def test_a_reference_knows_its_own_precision(harness: Harness) -> None:
    reference = harness.reference(PROBLEM)
    (precise,) = reference.precise[1]
    assert precise is not None and set(precise.rounded) == {"float16", "bfloat16"}
    (tolerance,) = reference.tolerances[1]
    assert 0 < tolerance.least < tolerance.atol, "a plain product of matrices is better than its tolerance"


def test_a_poor_reference_passes_its_equals(harness: Harness) -> None:
    """A variance as a difference of large numbers errs by a percent; so does an honest candidate, otherwise."""
    code = MATMUL.replace(FORWARD, "return ((a + 100) ** 2).mean(1) - (a + 100).mean(1) ** 2")
    poor = Problem("poor", code)
    candidate = code.replace("class Model(", "class ModelNew(").replace("** 2).mean(1)", "** 2).flip(1).mean(1)")
    assert harness.reference(poor).tolerances[1][0].least > 1e-3
    assert label(harness, candidate, poor).verdict is Verdict.CORRECT
    wrong = candidate.replace("return (", "return 1.5 * (a + 100).mean(1) ** 0 * (")
    assert label(harness, wrong, poor).verdict is Verdict.WRONG_VALUE


# Trivial problems


@pytest.mark.parametrize(
    ("body", "reason", "candidate"),
    [
        ("y = (a @ b).amax(1, keepdim=True); return y - y.mean(1, keepdim=True)", "zeros", "return torch.zeros(64, 1)"),
        ("y = nn.functional.group_norm(a, 8); return y.mean(1)", "zeros", "return torch.zeros(64)"),
        ("return torch.relu(a)", "input 0 itself", "return a"),
        ("return torch.clamp(a + 5, max=1.0)", "is 1.0 everywhere", "return torch.ones_like(a)"),
        ("return torch.arange(9.0)", "does not depend on the inputs", "return torch.arange(9.0)"),
    ],
)  # fmt: skip
def test_a_trivial_problem_is_named_in_its_labels(harness: Harness, body: str, reason: str, candidate: str) -> None:
    trivial = Problem("trivial", MATMUL.replace(FORWARD, body))
    assert reason in harness.reference(trivial).trivial
    found = label(harness, GOOD.replace(FORWARD, candidate), trivial)
    assert found.verdict in (Verdict.CORRECT, Verdict.WRONG_VALUE, Verdict.CHEATING)
    assert any("trivial problem" in line and reason in line for line in found.evidence), "never silently correct"


def test_an_ordinary_problem_is_not_trivial(harness: Harness) -> None:
    assert harness.reference(PROBLEM).trivial == ""
    assert forward(harness, FORWARD).evidence == ()


# Disk


def test_a_thousand_files_are_limited_together(harness: Harness) -> None:
    """Each is within the limit on files."""
    body = "import os\nfor i in range(1 << 30): open(f'{i}', 'wb').write(b'x' * 5)\n" + FORWARD
    found = forward(harness, body)
    assert found.verdict is Verdict.RUNTIME_ERROR
    assert found.first_error == "disk limit: more than 5000 files in its folder"


def test_removed_but_open_files_are_counted(harness: Harness) -> None:
    body = (
        "import os\nkept = []\nfor i in range(1000):\n    kept.append(open('big', 'wb')); os.unlink('big')\n"
        "    os.posix_fallocate(kept[-1].fileno(), 0, 100 << 20)\nimport time; time.sleep(3)\n" + FORWARD
    )
    if os.geteuid() != 0:
        pytest.skip("only root sees what another user's process holds open")
    found = forward(harness, body)
    # One call no longer takes the disk: written block by block, the limit on disk or on time comes first.
    assert found.verdict is Verdict.TIMEOUT or "disk limit" in found.first_error, found


# Error texts


FAULTS = {
    "compile": CPP % "return a +;",
    "undeclared": CPP % "return nothing_like_it(a, b);",
    "link": CPP.replace("torch::Tensor mm(", "torch::Tensor other(torch::Tensor a);\ntorch::Tensor mm(")
    % "return other(a);",
    "assembler": CPP % 'asm volatile("no_such_instruction %%eax"); return a;',
    "exception": GOOD.replace(FORWARD, "raise ValueError(f'{a.data_ptr()} {id(a)} {object()} {self.forward}')"),
    "missing": GOOD.replace(FORWARD, "open('/nowhere/at/all.txt')"),
    "temporary": GOOD.replace(FORWARD, "import tempfile; open(tempfile.mktemp() + '/x')"),
    "user": GOOD.replace(FORWARD, "import getpass; getpass.getuser()"),
    "set": GOOD.replace(FORWARD, "raise ValueError({'alpha', 'beta', 'gamma', 'delta'})"),
    "segfault": CPP % "volatile int* p = nullptr; *p = 1; return a;",
    "thread": GOOD.replace(FORWARD, "import threading; raise ValueError(threading.current_thread())"),
    "pid": GOOD.replace(FORWARD, "import os; raise ValueError(f'pid {os.getpid()}')"),
    "syntax": GOOD.replace(FORWARD, "return a @"),
    "wrong": GOOD.replace(FORWARD, "return a @ b * 1.5"),
}


def test_two_runs_of_one_candidate_say_the_same(harness: Harness) -> None:
    """In another process, with other folders and another user id; what is compiled is compiled anew."""
    fresh = f"// {time.time_ns()}\n'''\nbuilt"
    options = replace(harness.options, compile_mode="shim")  # the stock headers would say it in half a minute each
    with Harness(options) as one:
        first = {name: label(one, code) for name, code in FAULTS.items()}
    with Harness(options) as other:
        again = {name: label(other, code.replace("'''\nbuilt", fresh)) for name, code in FAULTS.items()}
    for name, found in first.items():
        assert found.verdict is not Verdict.CORRECT, name
        assert (found.verdict, found.stage, found.first_error) == (
            again[name].verdict,
            again[name].stage,
            again[name].first_error,
        ), name
        assert not re.search(r"/tmp|/root|0x[0-9a-f]{4}|kernelbench-run-\w|tmp\w{8}", found.first_error), found
        assert normalise(found.first_error) == found.first_error
    assert "main.cpp:7: error:" in first["compile"].first_error, first["compile"].first_error
    assert "main.cpp:7: error: 'nothing_like_it'" in first["undeclared"].first_error
    assert "undefined reference" in first["link"].first_error
    assert "line 7" in first["syntax"].error


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("OSError: no /tmp/kernelbench-ab12/run3/a.so at 0x7f31aa (pid 4711)", "OSError: no a.so at 0x... (pid N)"),
        ("a / b and 1/2 stay", "a / b and 1/2 stay"),
        ("KeyError: 140123456789012", "KeyError: 0x..."),
        ("tried to allocate 20000000000 bytes", "tried to allocate 20000000000 bytes"),
        ("123456789012345678 and 3.14159265358979 stay", "123456789012345678 and 3.14159265358979 stay"),
        ("/tmp/ccAb12Cd.s:12: Error: no such instruction", "cc.s:12: Error: no such instruction"),
        ("KeyError: 'getpwuid(): uid not found: 1342177'", "KeyError: 'getpwuid(): uid not found: N'"),
        ("OSError: '/tmp/tmpab12_x9z/x'", "OSError: 'x'"),
        ("OSError: '/tmp/tmpab12_x9z'", "OSError: 'tmp'"),
        ("tmp_values9 is undefined", "tmp_values9 is undefined"),
        ("500.19 MiB is free. Process 123 has 3.20 GiB memory in use", "N is free. Process N has N memory in use"),
        ("\x1b[31merror:\x1b[0m  no\nsecond line", "error: no"),
    ],
)  # fmt: skip
def test_what_is_taken_out_of_a_line(line: str, expected: str) -> None:
    assert normalise(line) == expected
    assert normalise(expected) == expected
