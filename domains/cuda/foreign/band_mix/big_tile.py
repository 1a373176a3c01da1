from torch import nn
from torch.utils.cpp_extension import load_inline

SRC = """
#include <torch/extension.h>

__global__ void mix_rows(const float* x, float* y, int cols) {
  __shared__ float rows[2][8192];
  for (int c = threadIdx.x; c < cols; c += blockDim.x) rows[0][c] = x[blockIdx.x * cols + c];
  __syncthreads();
  for (int c = threadIdx.x; c < cols; c += blockDim.x) {
    float left = c ? rows[0][c - 1] : 0.f, right = c + 1 < cols ? rows[0][c + 1] : 0.f;
    rows[1][c] = 0.25f * (left + right) + 0.5f * rows[0][c];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < cols; c += blockDim.x) y[blockIdx.x * cols + c] = rows[1][cols - 1 - (cols - 1 - c)];
}

torch::Tensor band(torch::Tensor x) {
  auto y = torch::empty_like(x);
  mix_rows<<<x.size(0), 512>>>(x.data_ptr<float>(), y.data_ptr<float>(), (int)x.size(1));
  return y;
}
"""

ext = load_inline("band_mix_big", "torch::Tensor band(torch::Tensor x);", SRC, functions=["band"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.band(x)
