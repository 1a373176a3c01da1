from torch import nn
from torch.utils.cpp_extension import load_inline

CUDA = r"""
#include <torch/extension.h>


__device__ __forceinline__ float warp_total(float v) {
  for (int lane = 16; lane; lane /= 2) v += __shfl_xor(v, lane);
  return v;
}

__global__ void energy_by_warp(const float* x, float* y, unsigned rows, unsigned cols) {
  unsigned warp = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31u;
  if (warp >= rows) return;
  float sum = 0.0f;
  for (unsigned c = lane; c < cols; c += 32u) { float v = x[(size_t)warp * cols + c]; sum += v * v; }
  sum = warp_total(sum);
  if (!lane) y[warp] = log1pf(sum);
}

at::Tensor log_energy(at::Tensor x) {
  TORCH_CHECK(x.is_contiguous() && x.dim() == 2, "a contiguous matrix, please");
  const unsigned rows = x.size(0), cols = x.size(1);
  at::Tensor y = at::empty({x.size(0)}, x.options());
  energy_by_warp<<<(rows + 3) / 4, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, cols);
  const auto status = cudaGetLastError();
  TORCH_CHECK(status == cudaSuccess, cudaGetErrorString(status));
  return y;
}
"""

ops = load_inline(
    name="row_energy_old_shuffle",
    cpp_sources=["at::Tensor log_energy(at::Tensor x);"],
    cuda_sources=[CUDA],
    functions={"log_energy": "log energy of each row"},
    extra_cuda_cflags=["-O3"],
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return ops.log_energy(x)
