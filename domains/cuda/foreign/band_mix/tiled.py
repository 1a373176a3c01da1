from torch import nn
from torch.utils.cpp_extension import load_inline

WIDTH = 128
SRC = """
#include <torch/extension.h>
constexpr int W = %d;

__global__ void mix(const float* __restrict__ x, float* __restrict__ y, int cols) {
  __shared__ float tile[W + 2];
  const int c = blockIdx.x * W + threadIdx.x;
  const float* row = x + blockIdx.y * cols;
  tile[threadIdx.x + 1] = c < cols ? row[c] : 0.0f;
  if (threadIdx.x == 0) tile[0] = c > 0 ? row[c - 1] : 0.0f;
  if (threadIdx.x == W - 1) tile[W + 1] = c + 1 < cols ? row[c + 1] : 0.0f;
  __syncthreads();
  if (c < cols)
    y[blockIdx.y * cols + c] = 0.25f * tile[threadIdx.x] + 0.5f * tile[threadIdx.x + 1] + 0.25f * tile[threadIdx.x + 2];
}

torch::Tensor band(torch::Tensor x) {
  auto y = torch::empty_like(x);
  dim3 grid((x.size(1) + W - 1) / W, x.size(0));
  mix<<<grid, W>>>(x.data_ptr<float>(), y.data_ptr<float>(), (int)x.size(1));
  return y;
}
""" % WIDTH

ext = load_inline("band_mix_tiled", "torch::Tensor band(torch::Tensor x);", SRC, functions=["band"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.band(x)
