// Tensors on a CUDA device: memory, copies, fills and the current stream. Compiled once per architecture and linked
// into every library with a CUDA unit; nothing here runs at load time, so that the library loads without a GPU.
// Everything is queued on the current stream of its device; only what must give the host a value waits.
#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "internal.h"
#include "kbshim/context.h"
#include "kbshim/guard.h"

// Set by whoever wants fresh memory to hold something recognisable: a byte, or -1 for as it comes.
extern "C" {
__attribute__((visibility("default"))) int32_t kbshim_fill_byte = -1;
}

namespace {

using kbshim::Body;

constexpr int max_devices = 64;
constexpr int max_dims = 16;
constexpr int threads = 256;
constexpr int64_t max_blocks = 1 << 16;

thread_local cudaStream_t streams[max_devices] = {};

c10::DeviceIndex current_device() {
  int device = 0;
  C10_CUDA_CHECK(cudaGetDevice(&device));
  return static_cast<c10::DeviceIndex>(device);
}

c10::DeviceIndex checked(c10::DeviceIndex device) {
  TORCH_CHECK(device >= 0 && device < max_devices, "no CUDA device of index ", static_cast<int>(device));
  return device;
}

cudaStream_t stream_of(c10::DeviceIndex device) { return streams[checked(device)]; }

void set_stream(int32_t device, void* stream) {
  const c10::DeviceIndex index = checked(static_cast<c10::DeviceIndex>(device));
  C10_CUDA_CHECK(cudaSetDevice(index));
  streams[index] = static_cast<cudaStream_t>(stream);
}

// This library's cudart is its own, so nobody else would ever see an error that the candidate left unread. On a machine
// without a driver or a device every answer is that there is none, and a call that asked nothing of it is in order.
void check() {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaErrorNotReady || error == cudaErrorInsufficientDriver || error == cudaErrorNoDevice) return;
  C10_CUDA_CHECK(error);
}

// Memory: a freed piece serves the next request of its rounded size on its device and stream, where the queue's order
// keeps it from being written before its last reader is done. Given back to the driver only when the driver runs out.
struct Piece {
  char* bytes;
  size_t size;
  c10::DeviceIndex device;
  cudaStream_t stream;
};
struct Pool {
  std::mutex mutex;
  std::map<std::tuple<c10::DeviceIndex, cudaStream_t, size_t>, std::vector<Piece*>> free;
};
Pool& pool() {
  static Pool* the_pool = new Pool;  // outlives static destructors: tensors may be freed after them
  return *the_pool;
}

void empty_pool(c10::DeviceIndex device) {
  Pool& all = pool();
  std::lock_guard<std::mutex> lock(all.mutex);
  for (auto& entry : all.free) {
    if (std::get<0>(entry.first) != device) continue;
    for (Piece* piece : entry.second) {
      cudaFree(piece->bytes);  // waits for the device
      delete piece;
    }
    entry.second.clear();
  }
}

char* allocate(size_t bytes, c10::DeviceIndex device, void** ticket) {
  const size_t size = (bytes + 511) / 512 * 512;
  const cudaStream_t stream = stream_of(device);
  Piece* piece = nullptr;
  {
    Pool& all = pool();
    std::lock_guard<std::mutex> lock(all.mutex);
    std::vector<Piece*>& waiting = all.free[{device, stream, size}];
    if (!waiting.empty()) {
      piece = waiting.back();
      waiting.pop_back();
    }
  }
  if (!piece) {
    c10::cuda::CUDAGuard guard(device);
    void* memory = nullptr;
    cudaError_t error = cudaMalloc(&memory, size);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      empty_pool(device);
      error = cudaMalloc(&memory, size);
    }
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      kbshim::fail(kbshim::text("CUDA out of memory. Tried to allocate ", bytes, " bytes."));
    }
    C10_CUDA_CHECK(error);
    piece = new Piece{static_cast<char*>(memory), size, device, stream};
  }
  *ticket = piece;
  if (kbshim_fill_byte >= 0) C10_CUDA_CHECK(cudaMemsetAsync(piece->bytes, kbshim_fill_byte, size, stream));
  return piece->bytes;
}

// No CUDA call: it may come at any time, the end of the process included.
void release(void* ticket) {
  Piece* piece = static_cast<Piece*>(ticket);
  Pool& all = pool();
  std::lock_guard<std::mutex> lock(all.mutex);
  all.free[{piece->device, piece->stream, piece->size}].push_back(piece);
}

}  // namespace

#include "device_copy.cuh"

namespace {

const kbshim::DeviceOperations operations = {&allocate, &release, &copy, &fill, &transfer, &current_device, &set_stream,
                                             &check};
[[maybe_unused]] const bool registered = (kbshim::device_operations = &operations, true);

}  // namespace

#include "device_api.cuh"
