import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

static __global__ void means(float *sum, const float *x, int area) {
  float s = 0;
  for (int i = threadIdx.x; i < area; i += 64) s += x[blockIdx.x * area + i];
  atomicAdd(sum + blockIdx.x, s / area);
}

static __global__ void apply(float *y, const float *x, const float *sum, int area, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    y[i] = x[i] / (1.f + __expf(-sum[i / area]));
}

torch::Tensor forward(torch::Tensor x) {
  const int planes = x.size(0) * x.size(1), area = x.size(2) * x.size(3);
  torch::Tensor sum = torch::zeros({planes}, x.options()), y = torch::empty_like(x);
  means<<<planes, 64>>>(sum.data_ptr<float>(), x.data_ptr<float>(), area);
  apply<<<512, 256>>>(y.data_ptr<float>(), x.data_ptr<float>(), sum.data_ptr<float>(), area, planes * area);
  return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward); }
"""
module = load_inline(name="channel_gate_two", cpp_sources="", cuda_sources=source)


class ModelNew(nn.Module):
    def forward(self, x):
        return module.forward(x.contiguous())
