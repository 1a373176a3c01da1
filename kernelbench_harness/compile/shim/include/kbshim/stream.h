// c10::cuda::CUDAStream, and the guards that change stream or device for a scope.
#pragma once

#include "kbshim/cuda.h"

namespace c10 {
namespace cuda {

class CUDAStream {
 public:
  bool operator==(const CUDAStream& other) const noexcept {
    return stream_ == other.stream_ && device_ == other.device_;
  }
  bool operator!=(const CUDAStream& other) const noexcept { return !(*this == other); }
  operator cudaStream_t() const { return stream(); }
  DeviceType device_type() const { return DeviceType::CUDA; }
  DeviceIndex device_index() const { return device_; }
  Device device() const { return Device(DeviceType::CUDA, device_); }
  bool query() const;
  void synchronize() const;
  cudaStream_t stream() const { return stream_; }

  static CUDAStream kbshim_make(cudaStream_t stream, DeviceIndex device) { return CUDAStream(stream, device); }

 private:
  CUDAStream(cudaStream_t stream, DeviceIndex device) : stream_(stream), device_(device) {}
  cudaStream_t stream_;
  DeviceIndex device_;
};

CUDAStream getStreamFromPool(const bool isHighPriority = false, DeviceIndex device = -1);
CUDAStream getStreamFromPool(const int priority, DeviceIndex device = -1);
CUDAStream getStreamFromExternal(cudaStream_t ext_stream, DeviceIndex device_index);
CUDAStream getDefaultCUDAStream(DeviceIndex device_index = -1);
CUDAStream getCurrentCUDAStream(DeviceIndex device_index = -1);
void setCurrentCUDAStream(CUDAStream stream);
#ifdef KBSHIM_HAS_STREAM
std::ostream& operator<<(std::ostream& out, const CUDAStream& stream);
#endif

}  // namespace cuda
}  // namespace c10
