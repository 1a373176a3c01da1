// Guards of libtorch that set a device or a stream and put the former back at the end of their scope.
#pragma once

#include "kbshim/stream.h"

namespace c10 {
namespace cuda {

struct CUDAGuard {
  explicit CUDAGuard() = delete;
  explicit CUDAGuard(DeviceIndex device_index);
  explicit CUDAGuard(Device device);
  CUDAGuard(const CUDAGuard&) = delete;
  CUDAGuard& operator=(const CUDAGuard&) = delete;
  ~CUDAGuard();
  void set_device(Device device);
  void set_index(DeviceIndex device_index);
  Device original_device() const { return Device(DeviceType::CUDA, original_); }
  Device current_device() const { return Device(DeviceType::CUDA, current_); }

 private:
  DeviceIndex original_;
  DeviceIndex current_;
};

#ifdef KBSHIM_HAS_OPTIONAL
struct OptionalCUDAGuard {
  explicit OptionalCUDAGuard() = default;
  explicit OptionalCUDAGuard(std::optional<Device> device);
  explicit OptionalCUDAGuard(std::optional<DeviceIndex> device_index);
  OptionalCUDAGuard(const OptionalCUDAGuard&) = delete;
  OptionalCUDAGuard& operator=(const OptionalCUDAGuard&) = delete;
  void set_device(Device device);
  void set_index(DeviceIndex device_index);
  void reset() { guard_.reset(); }

 private:
  std::optional<CUDAGuard> guard_;
};
#endif

struct CUDAStreamGuard {
  explicit CUDAStreamGuard() = delete;
  explicit CUDAStreamGuard(CUDAStream stream);
  CUDAStreamGuard(const CUDAStreamGuard&) = delete;
  CUDAStreamGuard& operator=(const CUDAStreamGuard&) = delete;
  ~CUDAStreamGuard();
  CUDAStream original_stream() const { return original_; }
  CUDAStream current_stream() const { return current_; }

 private:
  DeviceIndex before_;   // the device that was current
  CUDAStream original_;  // of the stream's device
  CUDAStream current_;
};

}  // namespace cuda
}  // namespace c10
