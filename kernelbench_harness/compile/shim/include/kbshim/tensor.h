// at::Tensor: a counted reference to sizes, strides and a counted block of bytes. The bodies that move data
// are compiled once, optimised, into the runtime object; a candidate's own flags do not change their speed.
#pragma once

#include "kbshim/accessor.h"
#include "kbshim/core.h"
#include "kbshim/dispatch.h"

namespace kbshim {

struct Block;  // bytes, with their owner

// Sizes or strides; the body owns them.
class Extents {
 public:
  Extents(int64_t* data, int64_t size) : data_(data), size_(size) {}
  size_t size() const { return static_cast<size_t>(size_); }
  bool empty() const { return size_ == 0; }
  int64_t* data() const { return data_; }
  int64_t* begin() const { return data_; }
  int64_t* end() const { return data_ + size_; }
  int64_t back() const { return data_[size_ - 1]; }
  int64_t operator[](size_t i) const { return data_[i]; }

 private:
  int64_t* data_;
  int64_t size_;
};

// What a candidate's objects and the runtime's share; no other library sees it.
struct Body {
  int64_t references = 1;  // counted with atomic operations
  Block* block = nullptr;
  char* data = nullptr;
  Extents sizes;
  Extents strides;
  int64_t count = 0;
  c10::ScalarType type = c10::ScalarType::Float;
  bool contiguous = true;
  c10::DeviceType device_type = c10::DeviceType::CPU;
  c10::DeviceIndex device_index = -1;  // -1 for the CPU
};

void destroy(Body* body) noexcept;
int64_t wrap_dim(int64_t dim, int64_t dims, bool scalar_as_one);

}  // namespace kbshim

namespace at {

using namespace c10;

// What the deprecated Tensor::type() returns. It is no ScalarType, so AT_DISPATCH refuses it, as libtorch's does.
class DeprecatedTypeProperties {
 public:
  DeprecatedTypeProperties(ScalarType type, bool cuda) : type_(type), cuda_(cuda) {}
  ScalarType scalarType() const { return type_; }
  bool is_cuda() const { return cuda_; }

 private:
  ScalarType type_;
  bool cuda_;
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other) noexcept : body_(other.body_) {
    if (body_) __atomic_fetch_add(&body_->references, 1, __ATOMIC_RELAXED);
  }
  Tensor(Tensor&& other) noexcept : body_(other.body_) { other.body_ = nullptr; }
  ~Tensor() { reset(); }

  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor copy(other);
    std::swap(body_, copy.body_);
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor moved(std::move(other));
    std::swap(body_, moved.body_);
    return *this;
  }
  // x[0] = y writes into x, as in libtorch.
  Tensor& operator=(const Scalar& value) && { return fill_(value); }
  Tensor& operator=(const Tensor& other) && { return copy_(other); }
  Tensor& operator=(Tensor&& other) && { return copy_(other); }

  bool defined() const { return body_ != nullptr; }
  void reset() {
    if (body_ && __atomic_fetch_sub(&body_->references, 1, __ATOMIC_ACQ_REL) == 1) kbshim::destroy(body_);
    body_ = nullptr;
  }
  bool is_same(const Tensor& other) const noexcept { return body_ == other.body_; }

  int64_t dim() const { return static_cast<int64_t>(body()->sizes.size()); }
  int64_t ndimension() const { return dim(); }
  int64_t numel() const { return body()->count; }
  int64_t size(int64_t dim) const { return body()->sizes[kbshim::wrap_dim(dim, this->dim(), false)]; }
  int64_t stride(int64_t dim) const { return body()->strides[kbshim::wrap_dim(dim, this->dim(), false)]; }
  IntArrayRef sizes() const { return IntArrayRef(body()->sizes.data(), body()->sizes.size()); }
  IntArrayRef strides() const { return IntArrayRef(body()->strides.data(), body()->strides.size()); }
  size_t itemsize() const { return elementSize(body()->type); }
  int64_t element_size() const { return static_cast<int64_t>(itemsize()); }
  size_t nbytes() const { return static_cast<size_t>(numel()) * itemsize(); }
  bool is_contiguous() const { return body()->contiguous; }
  bool is_floating_point() const { return isFloatingType(scalar_type()); }
  ScalarType scalar_type() const { return body()->type; }
  [[deprecated]] DeprecatedTypeProperties& type() const;
  caffe2::TypeMeta dtype() const { return caffe2::kbshim_meta(body()->type); }
  Device device() const { return Device(body()->device_type, body()->device_index); }
  DeviceIndex get_device() const { return body()->device_index; }
  bool is_cpu() const { return body()->device_type == DeviceType::CPU; }
  bool is_cuda() const { return body()->device_type == DeviceType::CUDA; }
  TensorOptions options() const { return TensorOptions().dtype(scalar_type()).device(device()); }

  void* data_ptr() const { return body()->data; }
  void* mutable_data_ptr() const { return body()->data; }
  const void* const_data_ptr() const { return body()->data; }
  // Defined in the runtime for the element types alone: data_ptr<long long>() does not link, as with libtorch.
  template <typename T>
  T* data_ptr() const;
  template <typename T>
  T* mutable_data_ptr() const;
  template <typename T>
  const T* const_data_ptr() const;

  template <typename T>
  [[deprecated]] T* data() const {
    return data_ptr<T>();
  }

  template <typename T, size_t N>
  TensorAccessor<T, N> accessor() const& {
    static_assert(N > 0, "accessor is used for indexing tensor, for scalars use *data_ptr<T>()");
    TORCH_CHECK(dim() == N, "TensorAccessor expected ", N, " dims but tensor has ", dim());
    return TensorAccessor<T, N>(kbshim_elements<T>(), sizes().data(), strides().data());
  }
  template <typename T, size_t N>
  TensorAccessor<T, N> accessor() && = delete;
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
  GenericPackedTensorAccessor<T, N, PtrTraits, index_t> generic_packed_accessor() const& {
    static_assert(N > 0, "accessor is used for indexing tensor, for scalars use *data_ptr<T>()");
    TORCH_CHECK(dim() == N, "TensorAccessor expected ", N, " dims but tensor has ", dim());
    return GenericPackedTensorAccessor<T, N, PtrTraits, index_t>(
        static_cast<typename PtrTraits<T>::PtrType>(kbshim_elements<T>()), sizes().data(), strides().data());
  }
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
  GenericPackedTensorAccessor<T, N> generic_packed_accessor() && = delete;
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
  PackedTensorAccessor32<T, N, PtrTraits> packed_accessor32() const& {
    TORCH_CHECK(numel() <= static_cast<int64_t>(std::numeric_limits<int32_t>::max()),
                "numel needs to be smaller than int32_t max; otherwise, please use packed_accessor64");
    return generic_packed_accessor<T, N, PtrTraits, int32_t>();
  }
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
  PackedTensorAccessor32<T, N, PtrTraits> packed_accessor32() && = delete;
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
  PackedTensorAccessor64<T, N, PtrTraits> packed_accessor64() const& {
    return generic_packed_accessor<T, N, PtrTraits, int64_t>();
  }
  template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
  PackedTensorAccessor64<T, N, PtrTraits> packed_accessor64() && = delete;

  Scalar item() const;
  template <typename T>
  T item() const {
    return item().to<T>();
  }

  Tensor contiguous() const;
  Tensor clone() const;
  Tensor cpu() const { return kbshim_to(scalar_type(), Device(kCPU)); }
  Tensor cuda() const { return kbshim_to(scalar_type(), Device(kCUDA)); }
  Tensor to(ScalarType dtype, bool non_blocking = false, bool copy = false) const {
    (void)non_blocking;
    return kbshim_to(dtype, device(), copy);
  }
  Tensor to(Device device, ScalarType dtype, bool non_blocking = false, bool copy = false) const {
    (void)non_blocking;
    return kbshim_to(dtype, device, copy);
  }
  Tensor to(const Tensor& other, bool non_blocking = false, bool copy = false) const {
    (void)non_blocking;
    return kbshim_to(other.scalar_type(), other.device(), copy);
  }
  Tensor to(TensorOptions options = {}, bool non_blocking = false, bool copy = false) const {
    (void)non_blocking;
    return kbshim_to(options.has_dtype() ? options.dtype().toScalarType() : scalar_type(),
                     options.has_device() ? options.device() : device(), copy);
  }
  Tensor view(IntArrayRef size) const;
  Tensor reshape(IntArrayRef shape) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor squeeze() const;
  Tensor squeeze(int64_t dim) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor t() const;
  Tensor permute(IntArrayRef dims) const;
  Tensor select(int64_t dim, int64_t index) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
#ifdef KBSHIM_HAS_OPTIONAL
  Tensor slice(int64_t dim = 0, std::optional<int64_t> start = std::nullopt, std::optional<int64_t> end = std::nullopt,
               int64_t step = 1) const;
#endif
  Tensor expand(IntArrayRef size) const;
  Tensor operator[](int64_t index) const { return select(0, index); }
  Tensor& fill_(const Scalar& value) const;
  Tensor& zero_() const;
  Tensor& copy_(const Tensor& src) const;

  // The runtime's own door; no name that libtorch has.
  static Tensor kbshim_adopt(kbshim::Body* body) {
    Tensor tensor;
    tensor.body_ = body;
    return tensor;
  }
  kbshim::Body* kbshim_body() const { return body_; }
  Tensor kbshim_to(ScalarType dtype, Device device, bool copy = false) const;

 private:
  template <typename T>
  T* kbshim_elements() const {
    if constexpr (std::is_const_v<T>) return const_data_ptr<std::remove_const_t<T>>();
    else return mutable_data_ptr<T>();
  }
  kbshim::Body* body() const {
    if (__builtin_expect(body_ == nullptr, 0)) kbshim::fail("tensor does not have a device");
    return body_;
  }
  kbshim::Body* body_ = nullptr;
};

using TensorList = ArrayRef<Tensor>;

// As in Parallel-inl.h with one thread, which is how the harness runs everything: one call on the whole range.
template <class F>
inline void parallel_for(const int64_t begin, const int64_t end, const int64_t grain_size, const F& f) {
  (void)grain_size;
  if (begin >= end) return;
  f(begin, end);
}

#ifdef KBSHIM_HAS_OPTIONAL
inline std::optional<Device> device_of(const Tensor& t) {
  return t.defined() ? std::optional<Device>(t.device()) : std::nullopt;
}
inline std::optional<Device> device_of(const std::optional<Tensor>& t) {
  return t.has_value() ? device_of(t.value()) : std::nullopt;
}
#endif

Tensor empty(IntArrayRef size, TensorOptions options = {});
Tensor zeros(IntArrayRef size, TensorOptions options = {});
Tensor ones(IntArrayRef size, TensorOptions options = {});
Tensor full(IntArrayRef size, const Scalar& fill_value, TensorOptions options = {});
Tensor empty_like(const Tensor& self, TensorOptions options = {});
Tensor zeros_like(const Tensor& self, TensorOptions options = {});
Tensor ones_like(const Tensor& self, TensorOptions options = {});
Tensor full_like(const Tensor& self, const Scalar& fill_value, TensorOptions options = {});

}  // namespace at
