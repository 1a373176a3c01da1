// What c10/cuda/CUDAException.h and CUDAFunctions.h bring: error checks and the current device. A candidate sees each
// part of the CUDA headers through the header that brings it in libtorch; functions are defined in runtime/cuda.cu.
#pragma once

#include <cuda_runtime_api.h>

#include "kbshim/tensor.h"

namespace c10 {

#ifdef KBSHIM_HAS_STREAM
class CUDAError : public Error {
  using Error::Error;
};
#endif

namespace cuda {

void c10_cuda_check_implementation(const int32_t err, const char* filename, const char* function_name,
                                   const uint32_t line_number, const bool include_device_assertions);

}  // namespace cuda
}  // namespace c10

#define C10_CUDA_CHECK(EXPR)                                                                                          \
  do {                                                                                                                \
    const cudaError_t __err = EXPR;                                                                                   \
    c10::cuda::c10_cuda_check_implementation(static_cast<int32_t>(__err), __FILE__, __func__,                         \
                                             static_cast<uint32_t>(__LINE__), true);                                  \
  } while (0)
#define C10_CUDA_ERROR_HANDLED(EXPR) EXPR
#define C10_CUDA_IGNORE_ERROR(EXPR)                                                              \
  do {                                                                                           \
    const cudaError_t __err = EXPR;                                                              \
    if (__builtin_expect(static_cast<bool>(__err != cudaSuccess), 0)) {                          \
      [[maybe_unused]] cudaError_t error_unused = cudaGetLastError();                            \
    }                                                                                            \
  } while (0)
#define C10_CUDA_CLEAR_ERROR()                                      \
  do {                                                              \
    [[maybe_unused]] cudaError_t error_unused = cudaGetLastError(); \
  } while (0)
#define C10_CUDA_KERNEL_LAUNCH_CHECK() C10_CUDA_CHECK(cudaGetLastError())

namespace c10 {
namespace cuda {

DeviceIndex device_count() noexcept;
DeviceIndex current_device();
void set_device(DeviceIndex device, const bool force = false);
void device_synchronize();

}  // namespace cuda
}  // namespace c10
