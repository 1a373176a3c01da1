"""The device path as far as it goes without a GPU: which device, the hearing that ends with compiling, locks, errors of
CUDA's runtime, the sandbox for a driver, the arithmetic of events."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelbench_harness import devices
from kernelbench_harness.environment import environment
from kernelbench_harness.errors import CandidateError, HarnessError
from kernelbench_harness.front_end import LATER, FrontEnds
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.judge.outcome import asks_for_gpu
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Candidate, Problem, Stage, Verdict
from kernelbench_harness.process import cuda, shared_memory
from kernelbench_harness.process.zygote import Watch
from kernelbench_harness.sandbox import Policy, describe, run
from kernelbench_harness.timing import events, nvml
from kernelbench_harness.timing.quiet import Quiet

SMI = """0, GPU-aaaa1111, NVIDIA H100, 9.0, 580.1, 81559, 1980, 700.00
1, GPU-bbbb2222, NVIDIA L4, 8.9, 580.1, 23034, 2040, 72.00
No devices were found
"""
MODEL = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.linear = nn.Linear(32, out)

    def forward(self, x):
        return torch.relu(self.linear(x))

def get_inputs():
    return [torch.randn(16, 32)]

def get_init_inputs():
    return [8]
"""
PROBLEM = Problem("linear", MODEL)
BROKEN = Problem("broken", MODEL.replace("return [torch.randn(16, 32)]", "raise OSError('no inputs')"))
"""A problem that cannot be run: whoever labels it has not tried."""
GOOD = MODEL.replace("class Model(", "class ModelNew(")
FORWARD = "return torch.relu(self.linear(x))"
CPP = """
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = "torch::Tensor same(torch::Tensor x) { return x; }"

def build():
    return load_inline(name="same_cpp", cpp_sources=source, functions=["same"])

class ModelNew(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.built = build()

    def forward(self, x):
        return self.built.same(x)
"""
CUDA = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
__global__ void relu_kernel(const float* in, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = in[i] > 0.0f ? in[i] : 0.0f;
}
torch::Tensor relu(torch::Tensor x) {
    auto out = torch::empty_like(x);
    int n = x.numel();
    relu_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}
"""
built = load_inline(name="relu_cuda", cpp_sources="torch::Tensor relu(torch::Tensor x);", cuda_sources=source,
                    functions=["relu"])

class ModelNew(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.linear = nn.Linear(32, out)

    def forward(self, x):
        return built.relu(self.linear(x))
'''
needs_nvcc = pytest.mark.skipif(not environment(HarnessOptions())["nvcc"], reason="needs nvcc")
needs_seccomp = pytest.mark.skipif(not describe()["seccomp"], reason="needs a kernel with seccomp")


@pytest.fixture(scope="module")
def harness(harness_cache: Path) -> Iterator[Harness]:
    with Harness(HarnessOptions(cache_dir=harness_cache, core=min(os.sched_getaffinity(0)), run_timeout_s=5)) as made:
        yield made


@pytest.fixture(scope="module")
def compiling(harness_cache: Path) -> Iterator[Harness]:
    core = min(os.sched_getaffinity(0))
    options = HarnessOptions(cache_dir=harness_cache, core=core, run_timeout_s=5, compile_only=True)
    with Harness(options) as made:
        yield made


# Which device


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("1", ["NVIDIA L4"]),
        ("1,0", ["NVIDIA L4", "NVIDIA H100"]),
        ("GPU-bbbb", ["NVIDIA L4"]),
        ("0,7,1", ["NVIDIA H100"]),
        ("0,0", ["NVIDIA H100"]),
        ("", []),
        ("-1", []),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(shown: str, names: list[str]) -> None:
    assert [row[2] for row in devices.visible(devices.rows(SMI), shown)] == names


def test_rows_are_of_gpus_alone() -> None:
    assert [row[3] for row in devices.rows(SMI)] == ["9.0", "8.9"]


@pytest.mark.skipif(bool(devices.gpus()), reason="this machine has a GPU")
def test_a_device_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(HarnessError, match="device cuda:1: nvidia-smi lists no GPU here"):
        Harness(HarnessOptions(device="cuda:1"))


@pytest.mark.skipif(bool(devices.gpus()), reason="this machine has a GPU")
def test_the_architecture_without_a_device() -> None:
    assert devices.architecture(HarnessOptions()) == "sm_90"
    assert devices.architecture(HarnessOptions(arch="sm_80")) == "sm_80"
    assert environment(HarnessOptions(arch="sm_80"))["arch"] == "sm_80"


def test_children_see_one_gpu_or_none() -> None:
    assert devices.child_environment(None) == {"CUDA_VISIBLE_DEVICES": ""}
    gpu = devices.Gpu(1, "GPU-bbbb2222", "NVIDIA L4", "sm_89", "580.1", "23034", "2040", "72.00")
    found = devices.child_environment(gpu)
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-bbbb2222" and found["NVIDIA_TF32_OVERRIDE"] == "0"


def test_the_warm_process_asks_nothing_of_cuda() -> None:
    """A torch with CUDA asks for a GPU when its extension module is imported, and that starts the driver."""
    code = """
        import torch
        asked = []
        real = torch.cuda._is_compiled
        torch.cuda._is_compiled = lambda: True
        torch.cuda.is_available = own = lambda: bool(asked.append(1))
        from kernelbench_harness.process import zygote
        zygote._preload()
        assert not asked and torch.cuda.is_available is own
        import torch.utils.cpp_extension as extension
        extension._find_cuda_home()
        assert asked, "torch no longer asks: this guard is not needed"
    """
    home = {"CUDA_HOME": "/usr"} | dict(os.environ)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=home)
    assert done.returncode == 0, done.stderr


# Hearings that end with compiling


@needs_nvcc
def test_a_cuda_candidate_is_compiled_where_there_is_no_gpu(harness: Harness) -> None:
    """The problem cannot be run at all, so the reference has not been tried before compiling, or after it."""
    found = harness.label(BROKEN, Candidate(CUDA))
    assert (found.verdict, found.stage, found.unmeasured) == (Verdict.COMPILED, Stage.LINK, "no GPU"), found.error
    assert found.compiler and found.seconds["compile"] > 0 and not found.error


@needs_nvcc
def test_a_cuda_candidate_that_does_not_compile_is_a_compile_error(harness: Harness) -> None:
    found = harness.label(BROKEN, Candidate(CUDA.replace("in[i] > 0.0f", "inn[i] > 0.0f")))
    assert (found.verdict, found.stage) == (Verdict.COMPILE_ERROR, Stage.DEVICE_COMPILE)
    assert "inn" in found.first_error


CONSTRUCTED = CUDA.replace("built = load", "def build():\n    return load").replace(
    "super().__init__()", "super().__init__()\n        global built\n        built = build()"
)
"""The same candidate, built where ModelNew is made."""


@needs_nvcc
@pytest.mark.parametrize(("name", "verdict"), [("in[i] > 0.0f", Verdict.COMPILED), ("inn[i]", Verdict.COMPILE_ERROR)])
def test_what_a_constructor_builds_needs_no_reference_either(harness: Harness, name: str, verdict: Verdict) -> None:
    found = harness.label(BROKEN, Candidate(CONSTRUCTED.replace("in[i] > 0.0f", name)))
    assert found.verdict is verdict and found.stage in (Stage.LINK, Stage.DEVICE_COMPILE), found.error
    assert found.compiler, "something was built"


def test_a_constructor_that_fails_without_a_build_is_heard_with_the_reference(harness: Harness) -> None:
    """What it was given before was not the reference's: only the second hearing may say so."""
    code = f"# __global__\n{CPP}".replace("self.built = build()", "raise ValueError('never')")
    found = harness.label(PROBLEM, Candidate(code))
    assert (found.verdict, found.stage) == (Verdict.RUNTIME_ERROR, Stage.CONSTRUCT), found.error
    assert "reference" not in found.error and "never" in found.first_error


def test_a_constructor_that_builds_for_the_cpu_is_run(harness: Harness) -> None:
    code = f"# __global__\n{CPP}".replace("return self.built.same(x)", "return self.built.same(x)[:, :8]")
    found = harness.label(PROBLEM, Candidate(code))
    assert (found.verdict, found.stage) == (Verdict.WRONG_VALUE, Stage.VALUE), found.error


@needs_nvcc
def test_an_import_that_fails_after_compiling_is_what_it_is(harness: Harness) -> None:
    found = harness.label(BROKEN, Candidate(f"{CUDA}\nraise ValueError('not today')\n"))
    assert (found.verdict, found.stage) == (Verdict.COMPILE_ERROR, Stage.IMPORT)


@needs_nvcc
def test_asking_for_a_gpu_after_compiling_is_no_fault(harness: Harness) -> None:
    found = harness.label(BROKEN, Candidate(f"{CUDA}\nwork = torch.zeros(1, device='cuda')\n"))
    assert (found.verdict, found.stage, found.unmeasured) == (Verdict.COMPILED, Stage.LINK, "no GPU"), found.error


@pytest.mark.parametrize("body", ["return torch.relu(self.linear(x.cuda()))", "torch.cuda.synchronize(); return x"])
def test_a_candidate_that_asks_for_a_gpu_cannot_be_judged_here(harness: Harness, body: str) -> None:
    with pytest.raises(CandidateError, match="asks for a GPU; this machine has none"):
        harness.label(PROBLEM, Candidate(GOOD.replace(FORWARD, body)))
    assert harness.label(PROBLEM, Candidate(GOOD)).verdict is Verdict.CORRECT


def test_a_source_that_only_speaks_of_cuda_is_run(harness: Harness) -> None:
    found = harness.label(PROBLEM, Candidate(f"# without __global__ functions\n{GOOD}"))
    assert found.verdict is Verdict.CORRECT, found.error


def test_its_own_words_about_gpus_are_an_error_like_any_other(harness: Harness) -> None:
    found = harness.label(PROBLEM, Candidate(GOOD.replace(FORWARD, "raise RuntimeError('CUDA is required')")))
    assert (found.verdict, found.stage) == (Verdict.RUNTIME_ERROR, Stage.RUN)


def test_compiling_only_runs_nothing(compiling: Harness) -> None:
    for code, stage in ((CPP, Stage.LINK), (GOOD, Stage.IMPORT), (f"{CPP}\nbuild()\n", Stage.LINK)):
        found = compiling.label(BROKEN if code is not CPP else PROBLEM, Candidate(code))
        assert (found.verdict, found.stage, found.unmeasured) == (Verdict.COMPILED, stage, "compile only"), found.error


def test_compiling_only_finds_what_does_not_compile(compiling: Harness) -> None:
    found = compiling.label(PROBLEM, Candidate(CPP.replace("return x;", "return y;")))
    assert (found.verdict, found.stage) == (Verdict.COMPILE_ERROR, Stage.HOST_COMPILE)
    assert "'y' was not declared" in found.first_error
    found = compiling.label(PROBLEM, Candidate("class Model"))
    assert (found.verdict, found.stage) == (Verdict.COMPILE_ERROR, Stage.PARSE)


def test_a_front_end_check_says_when_only_forward_builds(tmp_path: Path) -> None:
    late = CPP.replace("self.built = build()", "pass").replace("return self.built.same(x)", "return build().same(x)")
    with FrontEnds(HarnessOptions(cache_dir=tmp_path)) as ends:
        found = ends.check(PROBLEM, Candidate(late))
        assert found.ok and found.unasked == (LATER,) and not found.headers
        assert ends.check(PROBLEM, Candidate(GOOD)).unasked == (), "nothing is built at all"


def test_a_claim_that_the_sandbox_failed_harms_only_its_own_process(harness: Harness) -> None:
    body = "import struct as s; t = b'{\"kind\": \"setup\"}'; __import__('posix').write(4, s.pack('<I', len(t)) + t)"
    found = harness.label(PROBLEM, Candidate(GOOD.replace(FORWARD, f"{body}; {FORWARD}")))
    assert found.verdict in (Verdict.RUNTIME_ERROR, Verdict.CHEATING)
    assert harness.label(PROBLEM, Candidate(GOOD)).verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    "text",
    [
        "AssertionError: Torch not compiled with CUDA enabled",
        "RuntimeError: Found no NVIDIA driver on your system.",
        "RuntimeError: No CUDA GPUs are available",
        "RuntimeError: 0 active drivers ([]). There should only be one.",
    ],
)
def test_what_torch_says_without_a_gpu_is_known(text: str) -> None:
    assert asks_for_gpu(text) and not asks_for_gpu("CUDA is required")


# A GPU is one candidate's alone


def test_a_gpu_is_had_alone_and_given_up_while_compiling(tmp_path: Path) -> None:
    first, second, other = (
        Quiet(tmp_path, True, "GPU-a"),
        Quiet(tmp_path, True, "GPU-a"),
        Quiet(tmp_path, True, "GPU-b"),
    )
    entered = threading.Event()

    def wait() -> None:
        with second.working():
            entered.set()

    with first.working(), other.working():
        assert first.held and first.alone() and other.held
        thread = threading.Thread(target=wait)
        thread.start()
        assert not entered.wait(0.1)
        with first.aside():
            assert entered.wait(5)
            thread.join()
        assert first.held
    assert not first.held


def test_stepping_aside_on_a_processor_changes_nothing(tmp_path: Path) -> None:
    quiet, other = Quiet(tmp_path), Quiet(tmp_path, True, "GPU-a")
    with quiet.working():
        assert quiet.alone() and other.alone()  # the GPU's room is another one
        with quiet.aside():
            assert quiet.held
    other.leave()


# Errors of CUDA's runtime


def test_words_of_a_refused_launch() -> None:
    for text in (
        "CUDA error: invalid configuration argument",
        "CUDA error: too many resources requested for launch",
        "out of resource: shared memory, Required: 262144, Hardware limit: 232448",
    ):
        assert cuda.refused(RuntimeError(text))
    assert cuda.refused(cuda.LaunchError("any"))
    assert not cuda.refused(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not cuda.refused(RuntimeError("CUDA error: device-side assert triggered"))


LIBRARY = """
#include <cstring>
static int left = 0;
extern "C" void leave(int code) { left = code; }
extern "C" int kbshim_last_error(char* text, long size) {
    int code = left;
    left = 0;
    if (code) std::strncpy(text, code == 9 ? "invalid configuration argument" : "an illegal memory access", size - 1);
    return code;
}
"""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ctypes.CDLL]:
    """A library that remembers an error as a runtime of its own does."""
    (tmp_path / "left.cpp").write_text(LIBRARY)
    subprocess.run(["g++", "-shared", "-fPIC", "-o", tmp_path / "left.so", tmp_path / "left.cpp"], check=True)
    yield ctypes.CDLL(str(tmp_path / "left.so"))
    cuda._runtimes.clear()


def test_a_launch_that_nobody_checked_is_found_once(library: ctypes.CDLL) -> None:
    cuda.add_runtime(library)
    cuda.settle()
    library.leave(9)
    with pytest.raises(cuda.LaunchError, match="invalid configuration argument"):
        cuda.settle()
    cuda.settle()
    library.leave(9)
    cuda.forget_errors()
    cuda.settle()


def test_an_error_of_a_kernel_that_ran_is_no_refused_launch(library: ctypes.CDLL) -> None:
    cuda.add_runtime(library)
    library.leave(700)
    with pytest.raises(RuntimeError, match="an illegal memory access") as caught:
        cuda.settle()
    assert not cuda.refused(caught.value)


def test_a_library_without_a_runtime_is_asked_nothing() -> None:
    cuda.add_runtime(ctypes.CDLL(None))
    cuda.add_runtime(object())
    assert not cuda._runtimes


# The sandbox for a driver


def _confined(tmp_path: Path, level: int, code: str) -> str:
    policy = Policy(write=(tmp_path,), gpu=level, memory_bytes=1 << 30)
    done = run([sys.executable, "-c", textwrap.dedent(code)], policy, tmp_path, 20)
    return done.output.decode().strip()


def test_address_space_is_limited_only_without_a_gpu(tmp_path: Path) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY)"
    assert _confined(tmp_path, 0, code) == "False"
    assert _confined(tmp_path, 1, code) == "True"


@needs_seccomp
def test_a_drivers_calls_are_spared_level_by_level(tmp_path: Path) -> None:
    code = """
        import os, socket
        for act in (lambda: os.memfd_create("x"), lambda: socket.socket(), lambda: os.fork() or os._exit(0)):
            try:
                act()
                print("yes", end=" ")
            except OSError:
                print("no", end=" ")
    """
    assert _confined(tmp_path, 1, code) == "no no no"
    assert _confined(tmp_path, 2, code) == "yes no no"


@pytest.mark.skipif(not describe()["landlock"], reason="needs a kernel with Landlock")
def test_shared_memory_is_open_only_where_the_driver_needs_it(tmp_path: Path) -> None:
    code = "import os; print(os.path.exists(open('/dev/shm/kernelbench-test', 'w').name))"
    try:
        assert "PermissionError" in _confined(tmp_path, 1, code)
        assert _confined(tmp_path, 2, code) == "True"
    finally:
        Path("/dev/shm/kernelbench-test").unlink(missing_ok=True)


@pytest.mark.skipif(not describe()["own_user"], reason="needs root, for a user id of the run's own")
def test_files_in_shared_memory_do_not_outlive_their_run(tmp_path: Path) -> None:
    raw = Policy(write=(tmp_path,), gpu=2).to_json()
    uid = shared_memory.owner(raw)
    assert uid is not None and shared_memory.owner(Policy(write=(tmp_path,)).to_json()) is None
    left, foreign = Path("/dev/shm/kernelbench-left"), Path("/dev/shm/kernelbench-foreign")
    try:
        for path in (left, foreign):
            path.write_text("x")
        os.chown(left, uid, uid)
        shared_memory.sweep(uid)
        assert not left.exists() and foreign.exists()
    finally:
        for path in (left, foreign):
            path.unlink(missing_ok=True)


def test_memory_is_watched_where_it_is_not_limited(tmp_path: Path) -> None:
    code = """
        import sys
        print("up", flush=True)
        sys.stdin.readline()
        x = bytearray(b"1") * (200 << 20)
        print(1, flush=True)
        sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        watch = Watch(str(tmp_path), 1 << 30, 100, 100 << 20)
        unlimited = Watch(str(tmp_path), 1 << 30, 100)
        assert not watch.look(process.pid)
        print(file=process.stdin, flush=True)
        process.stdout.readline()
        assert watch.look(process.pid) and watch.over_memory == "more than 100 MB" and not watch.over
        assert not unlimited.look(process.pid)
        process.kill()


# Events and conditions


def test_samples_are_of_the_stream_while_nothing_is_left_behind() -> None:
    laps = [events.Lap(0.1, 0.13, 0.011 + 0.0001 * n) for n in range(9)]
    assert events.counted(laps, 0.011) == ([0.1] * 9, 0)


def test_work_left_on_another_stream_counts() -> None:
    """Four microseconds of each of many calls show in the median; of one call only what is beyond chance does."""
    assert events.counted([events.Lap(0.001, 0.02, 0.015)] * 9, 0.011) == ([0.02] * 9, 9)
    laps = [events.Lap(0.1, 0.13, 0.011)] * 8 + [events.Lap(0.1, 3.0, 2.9)]
    assert events.counted(laps, 0.011) == ([0.1] * 8 + [3.0], 1)
    assert events.counted([], 0.011) == ([], 0)


@pytest.mark.parametrize(("gpu", "believed"), [("", False), ("GPU-a", True)])
def test_the_parents_clock_allows_for_the_hosts_lead_on_a_gpu_alone(tmp_path: Path, gpu: str, believed: bool) -> None:
    """Calls of 0.2 ms by the parent's clock of which 0.01 is claimed: launches that were prepared under the flush."""
    window = Window(Quiet(tmp_path, False), None, gpu)
    window.open()
    time.sleep(0.05)
    again = window.take({"samples": [0.01] * 20, "inner": 1, "warm_ups": 5})
    assert again == 64
    while again and not window.evidence:
        window.start_block()
        time.sleep(again * 0.0002)
        again = window.end_block()
    assert bool(window.evidence) is not believed


@pytest.mark.skipif(bool(devices.gpus()), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_tells_nothing() -> None:
    assert nvml.reading("GPU-aaaa1111") == {}
