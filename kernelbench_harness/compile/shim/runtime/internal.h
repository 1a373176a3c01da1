// Shared by the runtime's own files; candidates never see it.
#pragma once

#include "kbshim/tensor.h"

namespace kbshim {

// DLPack 0.x, as every exporter and importer of the "dltensor" capsule lays it out.
struct DLTensor {
  void* data;
  int32_t device_type;
  int32_t device_id;
  int32_t ndim;
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};

// Bytes of one or more tensors: our own allocation, or a foreign tensor that we keep alive.
struct Block {
  std::atomic<int64_t> references{1};
  void* bytes = nullptr;
  DLManagedTensor* owner = nullptr;
  c10::Device device = c10::Device(c10::kCPU);
  void* ticket = nullptr;  // the device allocator's own note of the bytes
  // Of a guarded tensor (guards.cpp): its own bytes, those of the guard on each side, and its neighbours in the list.
  size_t size = 0;
  size_t guard = 0;
  Block* next = nullptr;
  Block* previous = nullptr;
};

// What a library with CUDA units adds (cuda.cu); null in one without. Every function throws where CUDA fails, and none
// is called for a tensor without elements.
struct DeviceOperations {
  char* (*allocate)(size_t bytes, c10::DeviceIndex index, void** ticket);
  void (*release)(void* ticket);
  void (*copy)(const Body& to, const Body& from);  // on one device: same sizes, any types and strides
  void (*fill)(const Body& body, const void* element);
  void (*transfer)(char* to, c10::Device to_device, const char* from, c10::Device from_device, size_t bytes);
  c10::DeviceIndex (*current_device)();
  void (*set_stream)(int32_t device, void* stream);
  void (*check)();  // throws what a launch since the last check failed with
};
extern const DeviceOperations* device_operations;

using Dims = std::vector<int64_t>;

Body* make_body(Block* block, char* data, c10::ScalarType type, const Dims& sizes, const Dims& strides);
at::Tensor view_of(const at::Tensor& base, char* data, const Dims& sizes, const Dims& strides);
at::Tensor allocate(const Dims& sizes, const Dims& strides, c10::ScalarType type, c10::Device device);
inline Dims dims_of(const Extents& extents) { return Dims(extents.begin(), extents.end()); }
Dims contiguous_strides(const Dims& sizes);
Dims preserved_strides(const Body& body);

char* allocate_guarded(Block* block, size_t size);
void forget_guarded(Block* block) noexcept;
void check_guards(const std::vector<const Block*>& returned);

}  // namespace kbshim
