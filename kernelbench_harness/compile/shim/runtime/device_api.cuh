// The functions of the CUDA headers: errors, streams, guards, properties. Part of cuda.cu.
#pragma once

namespace c10 {
namespace cuda {

void c10_cuda_check_implementation(const int32_t err, const char* filename, const char* function_name,
                                   const uint32_t line_number, const bool) {
  const cudaError_t error = static_cast<cudaError_t>(err);
  if (__builtin_expect(error == cudaSuccess, 1)) return;
  cudaGetLastError();  // a sticky error stays, any other is reported once
  throw CUDAError(kbshim::text("CUDA error: ", cudaGetErrorString(error), "\nException raised from ", function_name,
                               " at ", filename, ":", line_number,
                               "\nA kernel's error may come by a later call; CUDA_LAUNCH_BLOCKING=1 shows it."));
}

DeviceIndex device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return static_cast<DeviceIndex>(count);
}
DeviceIndex current_device() { return ::current_device(); }
void set_device(DeviceIndex device, const bool) { C10_CUDA_CHECK(cudaSetDevice(device)); }
void device_synchronize() { C10_CUDA_CHECK(cudaDeviceSynchronize()); }

static DeviceIndex or_current(DeviceIndex device) { return device == -1 ? current_device() : checked(device); }

bool CUDAStream::query() const {
  const CUDAGuard guard(device_);
  const cudaError_t error = cudaStreamQuery(stream_);
  if (error == cudaSuccess) return true;
  if (error != cudaErrorNotReady) C10_CUDA_CHECK(error);
  cudaGetLastError();
  return false;
}
void CUDAStream::synchronize() const {
  const CUDAGuard guard(device_);
  C10_CUDA_CHECK(cudaStreamSynchronize(stream_));
}

// As many streams of each priority as libtorch has, made when first asked for and handed out in turn.
CUDAStream getStreamFromPool(const int priority, DeviceIndex device) {
  constexpr size_t most = 32;
  struct Turn {
    std::vector<cudaStream_t> made;
    size_t next = 0;
  };
  static std::mutex mutex;
  static std::map<std::pair<DeviceIndex, int>, Turn>& turns = *new std::map<std::pair<DeviceIndex, int>, Turn>;
  const DeviceIndex index = or_current(device);
  const CUDAGuard guard(index);
  const std::lock_guard<std::mutex> lock(mutex);
  Turn& turn = turns[{index, priority}];
  if (turn.made.size() < most) {
    cudaStream_t stream = nullptr;
    C10_CUDA_CHECK(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, priority));
    turn.made.push_back(stream);
    return CUDAStream::kbshim_make(stream, index);
  }
  return CUDAStream::kbshim_make(turn.made[turn.next++ % most], index);
}
CUDAStream getStreamFromPool(const bool isHighPriority, DeviceIndex device) {
  return getStreamFromPool(isHighPriority ? -1 : 0, device);
}
CUDAStream getStreamFromExternal(cudaStream_t stream, DeviceIndex device) {
  return CUDAStream::kbshim_make(stream, checked(device));
}
CUDAStream getDefaultCUDAStream(DeviceIndex device) { return CUDAStream::kbshim_make(nullptr, or_current(device)); }
CUDAStream getCurrentCUDAStream(DeviceIndex device) {
  const DeviceIndex index = or_current(device);
  return CUDAStream::kbshim_make(streams[index], index);
}
void setCurrentCUDAStream(CUDAStream stream) { streams[checked(stream.device_index())] = stream.stream(); }
std::ostream& operator<<(std::ostream& out, const CUDAStream& stream) {
  return out << "stream " << stream.stream() << " on device " << stream.device();
}

CUDAGuard::CUDAGuard(DeviceIndex device) : original_(c10::cuda::current_device()), current_(original_) {
  if (device != -1) set_index(device);
}
static DeviceIndex index_of(Device device) {
  TORCH_CHECK(device.is_cuda(), "Expected a CUDA device, but got ", device);
  return device.index();
}
CUDAGuard::CUDAGuard(Device device) : CUDAGuard(index_of(device)) {}
CUDAGuard::~CUDAGuard() {
  if (current_ != original_) cudaSetDevice(original_);
}
void CUDAGuard::set_index(DeviceIndex device) {
  if (device != current_) C10_CUDA_CHECK(cudaSetDevice(device));
  current_ = device;
}
void CUDAGuard::set_device(Device device) { set_index(index_of(device)); }

OptionalCUDAGuard::OptionalCUDAGuard(std::optional<Device> device) {
  if (device) guard_.emplace(*device);
}
OptionalCUDAGuard::OptionalCUDAGuard(std::optional<DeviceIndex> device) {
  if (device) guard_.emplace(*device);
}
void OptionalCUDAGuard::set_index(DeviceIndex device) {
  if (guard_) guard_->set_index(device);
  else guard_.emplace(device);
}
void OptionalCUDAGuard::set_device(Device device) { set_index(index_of(device)); }

CUDAStreamGuard::CUDAStreamGuard(CUDAStream stream)
    : before_(c10::cuda::current_device()), original_(getCurrentCUDAStream(stream.device_index())), current_(stream) {
  set_device(stream.device_index());
  setCurrentCUDAStream(stream);
}
CUDAStreamGuard::~CUDAStreamGuard() {
  setCurrentCUDAStream(original_);
  cudaSetDevice(before_);
}

}  // namespace cuda
}  // namespace c10

namespace at {
namespace cuda {

cudaDeviceProp* getDeviceProperties(c10::DeviceIndex device) {
  static std::mutex mutex;
  static cudaDeviceProp* known[max_devices] = {};
  const std::lock_guard<std::mutex> lock(mutex);
  cudaDeviceProp*& found = known[checked(device)];
  if (!found) {
    cudaDeviceProp read;
    C10_CUDA_CHECK(cudaGetDeviceProperties(&read, device));
    found = new cudaDeviceProp(read);
  }
  return found;
}
cudaDeviceProp* getCurrentDeviceProperties() { return getDeviceProperties(c10::cuda::current_device()); }
int warp_size() { return getCurrentDeviceProperties()->warpSize; }

}  // namespace cuda
}  // namespace at
