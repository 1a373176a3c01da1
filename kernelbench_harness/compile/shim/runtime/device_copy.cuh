// Copies, casts and fills on a device, and dense bytes between devices. Part of cuda.cu.
#pragma once

namespace {

// The dimensions that matter, outermost first; strides in elements.
struct Layout {
  int dims = 0;
  int64_t count = 0;
  int64_t sizes[max_dims];
  int64_t to[max_dims];
  int64_t from[max_dims];
};

Layout layout_of(const Body& to, const Body& from) {
  Layout layout;
  layout.count = to.count;
  for (size_t d = 0; d < to.sizes.size(); d++) {
    if (to.sizes[d] == 1) continue;
    const int last = layout.dims - 1;
    // A dimension that the one before continues, on both sides, is the same run.
    if (last >= 0 && layout.to[last] == to.strides[d] * to.sizes[d] &&
        layout.from[last] == from.strides[d] * to.sizes[d]) {
      layout.sizes[last] *= to.sizes[d];
      layout.to[last] = to.strides[d];
      layout.from[last] = from.strides[d];
      continue;
    }
    TORCH_CHECK(layout.dims < max_dims, "tensors of more than ", max_dims, " dimensions are not supported");
    layout.sizes[layout.dims] = to.sizes[d];
    layout.to[layout.dims] = to.strides[d];
    layout.from[layout.dims] = from.strides[d];
    layout.dims++;
  }
  return layout;
}

__device__ void offsets(const Layout& layout, int64_t i, int64_t* to, int64_t* from) {
  *to = *from = 0;
  for (int d = layout.dims - 1; d >= 0; d--) {
    const int64_t rest = i / layout.sizes[d];
    const int64_t at = i - rest * layout.sizes[d];
    *to += at * layout.to[d];
    *from += at * layout.from[d];
    i = rest;
  }
}

template <typename Raw>
__global__ void move_raw(Layout layout, Raw* to, const Raw* from) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.count; i += step) {
    int64_t t, f;
    offsets(layout, i, &t, &f);
    to[t] = from[f];
  }
}

template <typename Raw>
__global__ void fill_raw(Layout layout, Raw* to, Raw value) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.count; i += step) {
    int64_t t, f;
    offsets(layout, i, &t, &f);
    to[t] = value;
  }
}

// A cast goes through a type that holds the source's every value: float, double or int64_t.
template <typename Wide>
__device__ Wide load(const char* from, c10::ScalarType type, int64_t at) {
  switch (type) {
    case c10::ScalarType::Byte: return static_cast<Wide>(reinterpret_cast<const uint8_t*>(from)[at]);
    case c10::ScalarType::Char: return static_cast<Wide>(reinterpret_cast<const int8_t*>(from)[at]);
    case c10::ScalarType::Short: return static_cast<Wide>(reinterpret_cast<const int16_t*>(from)[at]);
    case c10::ScalarType::Int: return static_cast<Wide>(reinterpret_cast<const int32_t*>(from)[at]);
    case c10::ScalarType::Long: return static_cast<Wide>(reinterpret_cast<const int64_t*>(from)[at]);
    case c10::ScalarType::Bool: return static_cast<Wide>(reinterpret_cast<const bool*>(from)[at]);
    case c10::ScalarType::Half:
      return static_cast<Wide>(static_cast<float>(reinterpret_cast<const c10::Half*>(from)[at]));
    case c10::ScalarType::BFloat16:
      return static_cast<Wide>(static_cast<float>(reinterpret_cast<const c10::BFloat16*>(from)[at]));
    case c10::ScalarType::Float: return static_cast<Wide>(reinterpret_cast<const float*>(from)[at]);
    default: return static_cast<Wide>(reinterpret_cast<const double*>(from)[at]);
  }
}
template <typename Wide>
__device__ void store(char* to, c10::ScalarType type, int64_t at, Wide value) {
  switch (type) {
    case c10::ScalarType::Byte: reinterpret_cast<uint8_t*>(to)[at] = static_cast<uint8_t>(value); break;
    case c10::ScalarType::Char: reinterpret_cast<int8_t*>(to)[at] = static_cast<int8_t>(value); break;
    case c10::ScalarType::Short: reinterpret_cast<int16_t*>(to)[at] = static_cast<int16_t>(value); break;
    case c10::ScalarType::Int: reinterpret_cast<int32_t*>(to)[at] = static_cast<int32_t>(value); break;
    case c10::ScalarType::Long: reinterpret_cast<int64_t*>(to)[at] = static_cast<int64_t>(value); break;
    case c10::ScalarType::Bool: reinterpret_cast<bool*>(to)[at] = value != 0; break;
    case c10::ScalarType::Half: reinterpret_cast<c10::Half*>(to)[at] = c10::Half(static_cast<float>(value)); break;
    case c10::ScalarType::BFloat16:
      reinterpret_cast<c10::BFloat16*>(to)[at] = c10::BFloat16(static_cast<float>(value));
      break;
    case c10::ScalarType::Float: reinterpret_cast<float*>(to)[at] = static_cast<float>(value); break;
    default: reinterpret_cast<double*>(to)[at] = static_cast<double>(value); break;
  }
}
template <typename Wide>
__global__ void cast(Layout layout, char* to, c10::ScalarType to_type, const char* from, c10::ScalarType from_type) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.count; i += step) {
    int64_t t, f;
    offsets(layout, i, &t, &f);
    store<Wide>(to, to_type, t, load<Wide>(from, from_type, f));
  }
}

unsigned blocks_for(int64_t count) {
  return static_cast<unsigned>(std::min<int64_t>((count + threads - 1) / threads, max_blocks));
}

// Calls f with a value of the unsigned type of this size.
template <typename F>
void with_raw(size_t item, const F& f) {
  switch (item) {
    case 1: return f(uint8_t());
    case 2: return f(uint16_t());
    case 4: return f(uint32_t());
    default: return f(uint64_t());
  }
}

void copy(const Body& to, const Body& from) {
  const c10::cuda::CUDAGuard guard(to.device_index);
  const cudaStream_t stream = stream_of(to.device_index);
  const size_t item = c10::elementSize(to.type);
  if (to.type == from.type && to.contiguous && from.contiguous) {
    const size_t bytes = static_cast<size_t>(to.count) * item;
    C10_CUDA_CHECK(cudaMemcpyAsync(to.data, from.data, bytes, cudaMemcpyDeviceToDevice, stream));
    return;
  }
  const Layout layout = layout_of(to, from);
  const unsigned blocks = blocks_for(to.count);
  if (to.type == from.type) {
    with_raw(item, [&](auto raw) {
      using Raw = decltype(raw);
      move_raw<Raw><<<blocks, threads, 0, stream>>>(layout, reinterpret_cast<Raw*>(to.data),
                                                    reinterpret_cast<const Raw*>(from.data));
    });
  } else if (from.type == c10::ScalarType::Double) {
    cast<double><<<blocks, threads, 0, stream>>>(layout, to.data, to.type, from.data, from.type);
  } else if (c10::isFloatingType(from.type)) {
    cast<float><<<blocks, threads, 0, stream>>>(layout, to.data, to.type, from.data, from.type);
  } else {
    cast<int64_t><<<blocks, threads, 0, stream>>>(layout, to.data, to.type, from.data, from.type);
  }
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void fill(const Body& body, const void* element) {
  const c10::cuda::CUDAGuard guard(body.device_index);
  const cudaStream_t stream = stream_of(body.device_index);
  const size_t item = c10::elementSize(body.type);
  with_raw(item, [&](auto raw) {
    using Raw = decltype(raw);
    Raw value;
    std::memcpy(&value, element, sizeof value);
    if (value == 0 && body.contiguous) {
      C10_CUDA_CHECK(cudaMemsetAsync(body.data, 0, static_cast<size_t>(body.count) * item, stream));
      return;
    }
    fill_raw<Raw><<<blocks_for(body.count), threads, 0, stream>>>(layout_of(body, body),
                                                                  reinterpret_cast<Raw*>(body.data), value);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

// Dense bytes between host and device, or two devices. What the host reads or may free has arrived when it returns.
void transfer(char* to, c10::Device to_device, const char* from, c10::Device from_device, size_t bytes) {
  const c10::DeviceIndex device = to_device.is_cuda() ? to_device.index() : from_device.index();
  const c10::cuda::CUDAGuard guard(device);
  const cudaStream_t stream = stream_of(device);
  if (to_device.is_cuda() && from_device.is_cuda()) {
    const c10::cuda::CUDAGuard source(from_device.index());
    C10_CUDA_CHECK(cudaStreamSynchronize(stream_of(from_device.index())));
  }
  C10_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream));
  C10_CUDA_CHECK(cudaStreamSynchronize(stream));
}

}  // namespace
