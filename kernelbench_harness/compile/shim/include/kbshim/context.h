// ATen/cuda/CUDAContext.h without the libraries' handles: properties of the device, streams, AT_CUDA_CHECK.
#pragma once

#include "kbshim/stream.h"

namespace at {
namespace cuda {

inline int64_t getNumGPUs() { return c10::cuda::device_count(); }
inline bool is_available() { return c10::cuda::device_count() > 0; }
cudaDeviceProp* getCurrentDeviceProperties();
cudaDeviceProp* getDeviceProperties(c10::DeviceIndex device);
int warp_size();

}  // namespace cuda
}  // namespace at

#define AT_CUDA_CHECK(EXPR) C10_CUDA_CHECK(EXPR)
