"""Candidates that do their work: each must be correct, and nothing held against it."""

from __future__ import annotations

from kernelbench_harness.gpu.cases.case import Case
from kernelbench_harness.gpu.cases.problems import ACT, LINEAR, MATMUL, SUM, TARGETS
from kernelbench_harness.gpu.cases.sources import HIDDEN, module, text
from kernelbench_harness.label import Problem, Verdict

RIGHT = (Verdict.CORRECT,)
KERNEL = module(text("act"), "return built.act(x)", before=HIDDEN)
"""The plain one, which other cases bend."""
_STREAM = """
#include <ATen/cuda/CUDAContext.h>

__global__ void act_kernel(const float* in, float* out, long n) {
    for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < n; i += (long)gridDim.x * blockDim.x)
        out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}

torch::Tensor act(torch::Tensor x) {
    TORCH_CHECK(x.is_cuda(), "x must be on the device");
    auto out = torch::empty_like(x);
    auto stream = at::cuda::getCurrentCUDAStream();
    act_kernel<<<512, 256, 0, stream>>>(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    return out;
}
"""
_DISPATCH = """
template <typename T>
__global__ void act_kernel(const T* in, T* out, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanh(in[i]) * T(3) + T(0.125);
}

torch::Tensor act(torch::Tensor x) {
    auto out = torch::empty(x.sizes(), x.options());
    const int threads = 256;
    const int blocks = (x.numel() + threads - 1) / threads;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "act", ([&] {
        act_kernel<scalar_t><<<blocks, threads>>>(x.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), x.numel());
    }));
    return out;
}
"""
_LINEAR = """
__global__ void linear_kernel(const float* x, const float* w, const float* b, float* y, int in, int out, bool relu) {
    int row = blockIdx.x, col = threadIdx.x;
    float sum = b[col];
    for (int q = 0; q < in; ++q) sum += x[row * in + q] * w[col * in + q];
    y[row * out + col] = relu && sum < 0.0f ? 0.0f : sum;
}

torch::Tensor linear(torch::Tensor x, torch::Tensor w, torch::Tensor b, bool relu) {
    auto y = torch::empty({x.size(0), w.size(0)}, x.options());
    linear_kernel<<<x.size(0), w.size(0)>>>(
        x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), x.size(1), w.size(0), relu);
    return y;
}
"""
LAYERS = "    def __init__(self, out):\n        super().__init__()\n        {first}\n        {second}\n\n"
FIRST, SECOND = "self.first = nn.Linear(64, 64)", "self.second = nn.Linear(64, out)"
LINEAR_FORWARD = (
    "x = built.linear(x, self.first.weight, self.first.bias, True)\n"
    "return built.linear(x, self.second.weight, self.second.bias, False)"
)
_TARGETS = """
__global__ void loss_kernel(const float* x, const int64_t* y, float* out, int rows, int width) {
    float sum = 0.0f;
    for (int row = threadIdx.x; row < rows; row += 32) {
        const float* in = x + row * width;
        float most = in[0], all = 0.0f;
        for (int j = 1; j < width; ++j) most = fmaxf(most, in[j]);
        for (int j = 0; j < width; ++j) all += expf(in[j] - most);
        sum += logf(all) + most - in[y[row]];
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (threadIdx.x == 0) out[0] = sum / rows;
}

torch::Tensor loss(torch::Tensor x, torch::Tensor y) {
    auto out = torch::empty({}, x.options());
    loss_kernel<<<1, 32>>>(x.data_ptr<float>(), y.data_ptr<int64_t>(), out.data_ptr<float>(), x.size(0), x.size(1));
    return out;
}
"""
_FILES = """import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

KERNEL = r'''
#pragma once
void run_act(const float* in, float* out, long n);
'''
DEVICE = r'''
#include "act.h"
__global__ void act_kernel(const float* in, float* out, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}
void run_act(const float* in, float* out, long n) {
    act_kernel<<<(n + 255) / 256, 256>>>(in, out, n);
}
'''
HOST = r'''
#include <torch/extension.h>
#include "act.h"
torch::Tensor act(torch::Tensor x) {
    auto out = torch::empty_like(x);
    run_act(x.data_ptr<float>(), out.data_ptr<float>(), x.numel());
    return out;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("act", &act, "tanh, scaled"); }
'''
for name, lines in (("act.h", KERNEL), ("act.cu", DEVICE), ("act.cpp", HOST)):
    with open(name, "w") as file:
        file.write(lines)
built = load(name="act_of_files", sources=["act.cpp", "act.cu"])

class ModelNew(nn.Module):
    def forward(self, x):
        return built.act(x)
"""
RAW = """#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void act_kernel(const float* __restrict__ in, float* __restrict__ out, const int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = tanhf(in[i]) * 3.0f + 0.125f;
}

torch::Tensor forward(torch::Tensor x) {
    auto out = torch::empty_like(x);
    const int n = x.numel();
    act_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("forward", &forward, "tanh, scaled (CUDA)");
}
"""


def _honest(name: str, problem: Problem, code: str, **others: object) -> Case:
    return Case(name, problem, code, RIGHT, **others)  # type: ignore[arg-type]


def _wrapped(problem: Problem) -> str:
    from kernelbench_harness.exchange.wrap import kernelbench_form

    code = kernelbench_form(RAW, problem.code, None)
    assert code is not None
    return code


CASES = (
    _honest("load_inline", ACT, KERNEL),
    _honest("load_inline, custom kernels only", ACT, KERNEL, track="custom"),
    _honest("on the current stream", ACT, module(_STREAM, "return built.act(x)"), track="custom"),
    _honest("dispatched by dtype", ACT, module(_DISPATCH, "return built.act(x)")),
    _honest("load of three files", ACT, _FILES),
    _honest("raw .cu in its wrapper", ACT, _wrapped(ACT)),
    _honest("a side stream that is waited for", ACT, module(text("wrong"), "return built.joined_stream(x)")),
    _honest("a kernel of twenty milliseconds", ACT, module(text("wrong"), "return built.twenty_ms(x)"), least_ms=20.0),
    _honest(
        "torch on other devices",
        ACT,
        KERNEL.replace(
            "return built.act(x)", "if x.is_cuda: return built.act(x)\n        return torch.tanh(x) * 3.0 + 0.125"
        ),
    ),
    _honest("shared memory", SUM, module(text("sums"), "return built.row_sums(x)"), track="custom"),
    _honest("64 KB of shared memory", SUM, module(text("sums"), "return built.row_sums_in_dynamic_memory(x)")),
    _honest("tiles", MATMUL, module(text("products"), "return built.product(a, b)", arguments="a, b"), track="custom"),
    _honest("weights", LINEAR, module(_LINEAR, LINEAR_FORWARD, init=LAYERS.format(first=FIRST, second=SECOND))),
    _honest(
        "weights in another order",
        LINEAR,
        module(_LINEAR, LINEAR_FORWARD, init=LAYERS.format(first=SECOND, second=FIRST)),
    ),
    _honest(
        "weights after other random numbers",
        LINEAR,
        module(_LINEAR, LINEAR_FORWARD, init=LAYERS.format(first="torch.rand(7)", second=f"{FIRST}; {SECOND}")),
    ),
    _honest(
        "integer targets",
        TARGETS,
        module(_TARGETS, "assert y.dtype == torch.int64\nreturn built.loss(x, y)", arguments="x, y"),
    ),
)
