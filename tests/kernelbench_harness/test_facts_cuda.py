"""Facts about CUDA candidates: what nvcc would refuse, what it would not, the dry run, launches."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kernelbench_harness.corpus import pair
from kernelbench_harness.facts import DEVICE_KEYS, VECTOR_KEYS, KernelFacts, device_facts, kernel_facts

PROBLEM = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.sum(torch.relu(x), dim=1)

rows = 300
cols = 640

def get_inputs():
    return [torch.randn(rows, cols)]

def get_init_inputs():
    return []
"""
POINTWISE = PROBLEM.replace("torch.sum(torch.relu(x), dim=1)", "torch.relu(x)")
ROWS = """
#include <torch/extension.h>
#include <cuda_runtime.h>
__device__ __forceinline__ float positive(float v) { return fmaxf(v, 0.0f); }
__global__ void rows_kernel(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float total = 0.0f;
    for (int c = 0; c < cols; ++c) total += positive(x[row * cols + c]);
    y[row] = total;
}
torch::Tensor run(torch::Tensor x) {
    int rows = x.size(0), cols = x.size(1);
    auto y = torch::empty({rows}, x.options());
    const int threads = 128;
    rows_kernel<<<(rows + threads - 1) / threads, threads>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, cols);
    return y;
}
"""
SHARED = """
__global__ void sum_kernel(const float* x, float* y, int cols) {
    __shared__ float part[128];
    float v = 0.0f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) v += fmaxf(x[blockIdx.x * cols + c], 0.0f);
    part[threadIdx.x] = v;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) part[threadIdx.x] += part[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) y[blockIdx.x] = part[0];
}
torch::Tensor run(torch::Tensor x) {
    auto y = torch::empty({x.size(0)}, x.options());
    sum_kernel<<<x.size(0), 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""
SHUFFLED = """
template <int WIDTH>
__device__ float warp_sum(float v) {
    #pragma unroll
    for (int step = WIDTH / 2; step > 0; step /= 2) v += __shfl_down_sync(0xffffffff, v, step);
    return v;
}
__global__ void __launch_bounds__(256) sum_kernel(const float* x, float* y, int cols) {
    extern __shared__ float parts[];
    float v = 0.0f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) v += fmaxf(x[blockIdx.x * cols + c], 0.0f);
    v = warp_sum<32>(v);
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v;
    __syncthreads();
    if (threadIdx.x < 32) {
        v = threadIdx.x < (blockDim.x + 31) / 32 ? parts[threadIdx.x] : 0.0f;
        v = warp_sum<32>(v);
        if (threadIdx.x == 0) y[blockIdx.x] = v;
    }
}
torch::Tensor run(torch::Tensor x) {
    auto y = torch::empty({x.size(0)}, x.options());
    dim3 grid(x.size(0)), block(256);
    sum_kernel<<<grid, block, 32 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    TORCH_CHECK(cudaGetLastError() == cudaSuccess, "launch failed");
    return y;
}
"""
TRANSPOSED = """
#define TILE 32
#define ROWS 8
__global__ void transpose(float* out, const float* in, int width, int height) {
    __shared__ float tile[TILE][TILE + 1];
    int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += ROWS)
        if (x < width && y + j < height) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
    __syncthreads();
    x = blockIdx.y * TILE + threadIdx.x; y = blockIdx.x * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += ROWS)
        if (x < height && y + j < width) out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}
torch::Tensor run(torch::Tensor x) {
    int h = x.size(0), w = x.size(1);
    auto y = torch::empty({w, h}, x.options());
    dim3 grid((w + TILE - 1) / TILE, (h + TILE - 1) / TILE), block(TILE, ROWS);
    transpose<<<grid, block>>>(y.data_ptr<float>(), x.data_ptr<float>(), w, h);
    return y;
}
"""
LOCKSTEP = """
__device__ void last_warp(volatile float* s, int t) { s[t] += s[t + 32]; s[t] += s[t + 16]; s[t] += s[t + 8];
    s[t] += s[t + 4]; s[t] += s[t + 2]; s[t] += s[t + 1]; }
__global__ void sum_kernel(const float* x, float* y, int cols) {
    extern __shared__ float s[];
    int t = threadIdx.x;
    float v = 0;
    for (int i = t; i < cols; i += blockDim.x) v += fmaxf(x[blockIdx.x * cols + i], 0.0f);
    s[t] = v;
    __syncthreads();
    for (unsigned k = blockDim.x / 2; k > 32; k >>= 1) { if (t < k) s[t] += s[t + k]; __syncthreads(); }
    if (t < 32) last_warp(s, t);
    if (t == 0) y[blockIdx.x] = s[0];
}
torch::Tensor run(torch::Tensor x) {
    auto y = torch::zeros({x.size(0)}, x.options());
    sum_kernel<<<x.size(0), 256, 256 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""
DECLARED = "torch::Tensor run(torch::Tensor x);"
PASSED = "torch::Tensor run(torch::Tensor x) { return x; }"
HEADERS = "#include <torch/extension.h>\n#include <cuda_runtime.h>\n"


def candidate(cuda: str, cpp: str = DECLARED, functions: str = '["run"]', more: str = "") -> str:
    return f'''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""{cuda}"""
cpp_source = r"""{cpp}"""
ext = load_inline(name="ext", cpp_sources=cpp_source, cuda_sources=cuda_source, functions={functions}{more})

class ModelNew(nn.Module):
    def forward(self, x):
        return ext.run(x)
'''


def facts(cuda: str, problem: str = PROBLEM, **given: str) -> KernelFacts:
    return device_facts(problem, candidate(cuda, **given), gpu="H100")


def kernel(body: str, before: str = "", host: str = "k<<<1, 32>>>(x.data_ptr<float>());") -> str:
    return (
        f"{HEADERS}{before}\n__global__ void k(float* p) {{ {body} }}\n"
        f"torch::Tensor run(torch::Tensor x) {{ {host} return x; }}\n"
    )


CLEAN = {
    "headers and macros": kernel(
        "p[0] = WIDE(p[1]);",
        '#include <c10/cuda/CUDAException.h>\n#define CHECK(x) TORCH_CHECK(x.is_cuda(), #x " must be on the device")\n'
        "#define JOIN(a, b) a##b\n#define WIDE(x) JOIN(fm, axf)(x, 0.0f)",
        "CHECK(x); k<<<1, 32>>>(x.data_ptr<float>()); C10_CUDA_CHECK(cudaGetLastError());",
    ),
    "launch bounds, alignment": HEADERS
    + "__global__ __launch_bounds__(256, 2) void k(float* p) { __shared__ __align__(16) float s[64]; "
    "s[threadIdx.x] = p[0]; __syncthreads(); p[threadIdx.x] = s[0]; }\n"
    "torch::Tensor run(torch::Tensor x) { k<<<dim3(1, 1), dim3(64)>>>(x.data_ptr<float>()); return x; }",
    "vectors": kernel("float4 v = reinterpret_cast<float4*>(p)[0]; v.x += v.w; reinterpret_cast<float4*>(p)[1] = v;"),
    "half": kernel("__half h = __float2half(p[0]); p[0] = __half2float(__hadd(h, h));", "#include <cuda_fp16.h>"),
    "cooperative groups": kernel(
        "auto b = cg::this_thread_block(); b.sync(); p[b.thread_rank()] = 1.0f;",
        "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;",
    ),
    "assembly": kernel('int n; asm volatile("mov.u32 %0, %%laneid;" : "=r"(n)); p[n] = 0.0f;'),
    "nested templates": kernel(
        "p[0] = 1;", "#include <map>\nstatic std::map<int, std::map<int, std::vector<int>>> table;"
    ),
    "own namespace": kernel(
        "p[0] = ops::twice(p[1]);", "namespace ops { __device__ float twice(float v) { return 2 * v; } }"
    ),
    "specialisation": kernel(
        "p[0] = value<int>();",
        "template <typename T> __device__ T value();\ntemplate <> __device__ int value<int>() { return 3; }",
    ),
    "constants": kernel("p[0] = table[threadIdx.x] + N + pi();",
                        "__constant__ float table[64];\nconst int N = 4;\nconstexpr float pi() { return 3.14f; }"),
    "atomics and intrinsics": kernel(
        "atomicAdd(p, __expf(p[1])); atomicMax((int*)p, 3); p[2] = rsqrtf(__ldg(p)) + __fdividef(p[3], 2.0f);"
    ),
    "streams": kernel(
        "p[0] = 0;",
        "#include <ATen/cuda/CUDAContext.h>",
        "auto s = at::cuda::getCurrentCUDAStream(); k<<<1, 32, 0, s>>>(x.data_ptr<float>()); cudaStreamSynchronize(s);",
    ),
    "dispatch": HEADERS + """
template <typename scalar_t>
__global__ void k(scalar_t* p, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] += scalar_t(1); }
torch::Tensor run(torch::Tensor x) {
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "run", ([&] {
        k<scalar_t><<<1, 64>>>(x.data_ptr<scalar_t>(), x.numel());
    }));
    return x;
}""",
    "check without a semicolon": kernel(
        "p[0] = 1;", host='TORCH_CHECK(x.dim() == 2, "two") const int n = 1; k<<<n, 32>>>(x.data_ptr<float>());'
    ),
    "global min and max": kernel("int n = min(gridDim.x, 3); p[0] = max(p[1], 2.0) + min(4u, 3) + n;"),
    "host and device": kernel(
        "p[0] = h(1);", "__host__ __device__ inline float h(float v) { return v; } float g() { return h(2); }"
    ),
}  # fmt: skip
BROKEN = {
    "undeclared": ("undeclared", kernel("p[0] = nowhere;")),
    "argument count of a kernel": ("args", kernel("p[0] = 1;", host="k<<<1, 32>>>(x.data_ptr<float>(), 3);")),
    "semicolon": ("semicolon", kernel("float v = p[0] p[1] = v;")),
    "bracket": ("braces", kernel("p[0] = (p[1];")),
    "const": ("const_write", HEADERS + "__global__ void k(const float* p) { p[0] = 1; }\n" + PASSED),
    "host function in a kernel": ("space", kernel("p[0] = h(1);", "float h(float v) { return v; }")),
    "device function on the host": (
        "space", kernel("p[0] = 1;", "__device__ int d() { return 1; } int g() { return d(); }"),
    ),
    "barrier on the host": ("space", kernel("p[0] = 1;", host="__syncthreads();")),
    "unconfigured call": ("space", kernel("p[0] = 1;", host="k(x.data_ptr<float>());")),
    "launch of no kernel": ("space", kernel("p[0] = 1;", "void f(float* p) {}", "f<<<1, 1>>>(x.data_ptr<float>());")),
    "launch without a block": ("space", kernel("p[0] = 1;", host="k<<<1>>>(x.data_ptr<float>());")),
    "two brackets": ("syntax", kernel("p[0] = 1;", host="k<<1, 32>>(x.data_ptr<float>());")),
    "kernel with a result": ("space", HEADERS + "__global__ int k(float* p) { return 1; }\n" + PASSED),
    "variable shared size": ("space", HEADERS + "__global__ void k(int n) { __shared__ float s[n]; s[0] = 1; }\n"
                             + PASSED),
    "shared memory over 48 KB": ("space", kernel("__shared__ float s[20000]; s[threadIdx.x] = 1; p[0] = s[1];")),
    "constants over 64 KB": ("space", kernel("p[0] = table[3];", "__constant__ float table[20000];")),
    "ambiguous minimum": ("type", kernel("p[0] = 1;", host="int n = min(3, x.size(0));")),
    "member of threadIdx": ("unknown_member", kernel("p[threadIdx.w] = 1;")),
    "dispatch on type": (
        "unknown_member", kernel("p[0] = 1;", host='AT_DISPATCH_FLOATING_TYPES(x.type(), "run", [&] {});')
    ),
    "stream without its header": ("include", kernel("p[0] = 1;", host="auto s = at::cuda::getCurrentCUDAStream();")),
    "index of threadIdx": ("type", kernel("p[threadIdx[0]] = 1;")),
    "pointer as a tensor's type": ("template_arg", kernel("p[0] = 1;", host="k<<<1, 32>>>(x.data<float*>());")),
    "intrinsic that does not exist": ("undeclared", kernel("p[0] = __sigmoidf(p[1]);")),
    "device lambda": ("space", kernel("auto f = [=] __device__ (float v) { return v; }; p[0] = f(p[1]);")),
    "runtime API misspelt": ("undeclared", kernel("p[0] = 1;", host="cudaDeviceSyncronize();")),
    "intrinsic's arguments": ("args", kernel("p[0] = __shfl_down_sync(0xffffffff, 1.0f);")),
}  # fmt: skip
SEAM = {
    "not declared": (candidate(ROWS, cpp=""), "not declared in cpp_sources"),
    "module twice": (
        candidate(ROWS + '\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("run", &run); }'),
        "PYBIND11_MODULE and functions=",
    ),
    "other parameters": (candidate(ROWS, cpp="torch::Tensor run(torch::Tensor x, int n);"), "other parameters"),
    "by reference": (candidate(ROWS, cpp="torch::Tensor run(const torch::Tensor& x);"), "other parameters"),
    "not defined": (candidate(HEADERS + "__global__ void k(float* p) {}"), "declared, not defined"),
    "nothing exported": (candidate(ROWS, functions="None"), "nothing exported"),
    "misspelt declaration": (candidate(ROWS, cpp="torrch::Tensor run(torch::Tensor x);"), "torrch"),
    "launch in cpp_sources": (candidate("", cpp=ROWS), "<<< in cpp_sources"),
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_nvcc_takes_has_no_finding(name: str) -> None:
    found = facts(CLEAN[name], POINTWISE)
    assert found.vector["breaks_compile"] == 0, found.text
    assert found.language == "cuda"


@pytest.mark.parametrize("name", BROKEN)
def test_what_nvcc_refuses_is_found(name: str) -> None:
    kind, source = BROKEN[name]
    found = facts(source, POINTWISE)
    assert found.vector[f"n_{kind}"] >= 1, found.text
    assert found.vector["breaks_compile"] >= 1


@pytest.mark.parametrize("name", SEAM)
def test_the_seam_between_the_two_sources(name: str) -> None:
    source, words = SEAM[name]
    found = device_facts(PROBLEM, source)
    assert words in found.text
    assert found.vector["breaks_compile"] >= 1


@pytest.mark.parametrize("source", [ROWS, SHARED, SHUFFLED], ids=["rows", "shared", "shuffled"])
def test_dry_run_agrees_with_a_working_kernel(source: str) -> None:
    found = facts(source)
    assert "dry run agrees" in found.text, found.text
    assert found.vector["breaks_run"] == 0


@pytest.mark.parametrize(
    ("source", "old", "new", "kind"),
    [
        (ROWS, "fmaxf(v, 0.0f)", "fminf(v, 0.0f)", "dry_value"),
        (ROWS, "if (row >= rows) return;", "", "dry_fault"),
        (ROWS, "c < cols", "c <= cols", "dry_fault"),
        (ROWS, "(rows + threads - 1) / threads", "1 / threads + 1", "dry_uncovered"),
        (ROWS, "y[row] = total;", "", "dry_uncovered"),
        (ROWS, "{rows}", "{rows, 1}", "dry_shape"),
        (ROWS, "const int threads = 128", "const int threads = 2048", "launch"),
        (SHARED, "part[threadIdx.x] = v;\n    __syncthreads();", "part[threadIdx.x] = v;", "dry_fault"),
        (SHARED, "s >>= 1", "s >>= 2", "dry_value"),
        (SHUFFLED, "step /= 2", "step /= 4", "dry_value"),
        (SHUFFLED, "block(256)", "block(512)", "launch"),
        (SHUFFLED, "32 * sizeof(float)", "60000", "shared_memory"),
    ],
)
def test_dry_run_and_launches_see_a_broken_kernel(source: str, old: str, new: str, kind: str) -> None:
    assert old in source
    found = facts(source.replace(old, new))
    assert found.vector[f"n_{kind}"] >= 1, found.text
    assert found.vector["breaks_compile"] == 0
    assert found.vector["breaks_run"] >= 1


def test_tile_worked_on_in_steps_agrees() -> None:
    found = facts(TRANSPOSED, PROBLEM.replace("torch.sum(torch.relu(x), dim=1)", "x.t().contiguous()"))
    assert "no findings; dry run agrees" in found.text, found.text


def test_what_only_hardware_orders_is_left_open() -> None:
    found = facts(LOCKSTEP)
    assert "no findings; dry run not possible" in found.text, found.text


def test_launches_are_those_of_the_real_sizes() -> None:
    vector = facts(SHUFFLED).vector
    assert vector["block_threads"] == 256
    assert vector["log_blocks"] == pytest.approx(math.log10(300))
    assert vector["shared_kb"] == pytest.approx(0.125)
    assert "grid 300 block 256" in facts(SHUFFLED).text


def test_raw_source_is_read_and_followed() -> None:
    raw = ROWS + '\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &run, "rows"); }\n'
    found = device_facts(PROBLEM, raw, gpu="NVIDIA H100 80GB HBM3")
    assert "dry run agrees" in found.text
    assert found.language == "cuda"
    broken = device_facts(PROBLEM, raw.replace("float total = 0.0f;", "float total = 0.0f"))
    assert broken.vector["breaks_compile"] == 1


def test_vector_and_text_are_bounded() -> None:
    for language in ("cuda", "triton", "cpp"):
        for sample in pair(5, 2, language):
            found = device_facts(sample.problem.code, sample.code, gpu="A100")
            assert tuple(found.vector) == DEVICE_KEYS
            assert all(math.isfinite(v) for v in found.vector.values())
            assert len(found.text.split()) <= 60 and "\n" not in found.text
            assert found.language == language
            assert tuple(kernel_facts(sample.problem.code, sample.code).vector) == VECTOR_KEYS
    assert set(VECTOR_KEYS) < set(DEVICE_KEYS)


def test_clean_corpus_has_no_finding_and_most_mistakes_do() -> None:
    planted = found = 0
    for index in range(45):
        for sample in pair(11, index, "cuda"):
            vector = device_facts(sample.problem.code, sample.code).vector
            if sample.mistake is None:
                assert vector["breaks_compile"] == vector["breaks_run"] == 0, (index, sample.operator)
            elif sample.mistake_class == "compile":
                planted += 1
                found += vector["breaks_compile"] > 0
    assert planted >= 10
    assert found >= 0.85 * planted


def test_damaged_sources_never_raise() -> None:
    rng = random.Random(4)
    whole = [ROWS, SHARED, SHUFFLED, pair(0, 3, "cuda")[0].code, pair(0, 3, "triton")[0].code]
    for source in whole:
        text = source if "import torch" in source else candidate(source)
        for _ in range(12):
            at = rng.randrange(len(text))
            device_facts(PROBLEM, text[:at] + text[at + rng.randrange(1, 40) :], gpu="T4")
        device_facts(PROBLEM, text[: len(text) // 2])
        device_facts(text[: len(text) // 3], text)
    for junk in ("", "\0\1\2", "__global__", "<<<>>>" * 50, "import triton\n@triton.jit\ndef f(): pass", "}" * 3000):
        assert tuple(device_facts(PROBLEM, junk).vector) == DEVICE_KEYS
        assert tuple(device_facts(junk, candidate(ROWS)).vector) == DEVICE_KEYS


def test_facts_take_milliseconds() -> None:
    samples = [s for index in range(20) for s in pair(7, index, "cuda")]
    seconds = []
    for sample in samples:
        start = time.process_time()
        device_facts(sample.problem.code, sample.code, gpu="H100")
        seconds.append(time.process_time() - start)
    assert statistics.median(seconds) < 0.03  # 0.007 on a quiet core


def test_no_torch_is_imported() -> None:
    code = (
        "import sys\nfrom kernelbench_harness.facts import device_facts\n"
        "device_facts('', 'import torch')\nassert not {'torch', 'numpy', 'triton'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_archive_kernels_that_were_correct_have_no_finding() -> None:
    root = os.environ.get("GTM_EXTERNAL_DATA")
    if not root:
        pytest.skip("GTM_EXTERNAL_DATA is not set: the archive's sample is not at hand")
    rows = [json.loads(line) for line in (Path(root) / "ai_cuda_engineer_archive_sample.jsonl").open()]
    refused = agreed = 0
    for row in rows:
        found = device_facts(row["PyTorch_Code_Module"], row["CUDA_Code"], gpu="H100")
        if row["Correct"]:
            vector = found.vector  # the archive's own check lets a missing dimension of 1 pass, so shapes may differ
            assert vector["breaks_compile"] == 0, (row["Kernel_Name"], found.text)
            assert vector["breaks_run"] == vector["n_dry_shape"], (row["Kernel_Name"], found.text)
            agreed += vector["dry_is_agrees"]
        refused += found.vector["breaks_compile"] > 0
    assert refused >= 4  # of the six that did not compile
    assert agreed >= 20  # of 36
