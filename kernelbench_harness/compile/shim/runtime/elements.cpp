// What reads or writes elements: copies between layouts and types, fills, factories, typed pointers.
#include "internal.h"

using kbshim::Body;
using kbshim::Dims;

namespace {

float widen(c10::BFloat16 v) {
  const uint32_t bits = uint32_t(v.x) << 16;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}
float widen(c10::Half v) {
  _Float16 narrow;
  std::memcpy(&narrow, &v, 2);
  return static_cast<float>(narrow);
}
template <typename T>
T widen(T v) {
  return v;
}

template <typename D, typename S>
D convert(S source) {
  const auto value = widen(source);
  if constexpr (std::is_same_v<D, c10::Half>) {
    const _Float16 narrow = static_cast<_Float16>(static_cast<float>(value));
    D out;
    std::memcpy(&out, &narrow, 2);
    return out;
  } else if constexpr (std::is_same_v<D, c10::BFloat16>) {
    const float wide = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &wide, 4);
    if (wide != wide) return D{0x7FC0};
    return D{static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};  // to nearest, ties to even
  } else if constexpr (std::is_same_v<D, bool>) {
    return value != 0;
  } else {
    return static_cast<D>(value);
  }
}

template <typename F>
auto with_type(c10::ScalarType type, const F& f) {
  switch (type) {
    case c10::kByte: return f(uint8_t());
    case c10::kChar: return f(int8_t());
    case c10::kShort: return f(int16_t());
    case c10::kInt: return f(int32_t());
    case c10::kLong: return f(int64_t());
    case c10::kHalf: return f(c10::Half());
    case c10::kFloat: return f(float());
    case c10::kDouble: return f(double());
    case c10::kBool: return f(bool());
    case c10::kBFloat16: return f(c10::BFloat16());
    default: kbshim::fail(kbshim::text("not implemented for '", c10::toString(type), "'"));
  }
}

// Calls f(to, from) with the start of every run along the innermost dimension.
template <typename F>
void for_each_run(const Body& to, const Body& from, size_t to_item, size_t from_item, const F& f) {
  const int64_t outer = static_cast<int64_t>(to.sizes.size()) - 1;
  Dims at(std::max<int64_t>(outer, 0), 0);
  char* write = to.data;
  const char* read = from.data;
  while (true) {
    f(write, read);
    int64_t d = outer - 1;
    for (; d >= 0; d--) {
      write += to.strides[d] * static_cast<int64_t>(to_item);
      read += from.strides[d] * static_cast<int64_t>(from_item);
      if (++at[d] < to.sizes[d]) break;
      write -= to.strides[d] * to.sizes[d] * static_cast<int64_t>(to_item);
      read -= from.strides[d] * from.sizes[d] * static_cast<int64_t>(from_item);
      at[d] = 0;
    }
    if (d < 0) return;
  }
}

template <typename D, typename S>
void copy_elements(const Body& to, const Body& from) {
  const bool flat = to.contiguous && from.contiguous;
  const int64_t run = flat ? to.count : to.sizes.empty() ? 1 : to.sizes.back();
  const int64_t to_step = flat || to.sizes.empty() ? 1 : to.strides.back();
  const int64_t from_step = flat || to.sizes.empty() ? 1 : from.strides.back();
  const auto copy_run = [&](char* write, const char* read) {
    D* d = reinterpret_cast<D*>(write);
    const S* s = reinterpret_cast<const S*>(read);
    if (to_step == 1 && from_step == 1) {
      for (int64_t i = 0; i < run; i++) d[i] = convert<D>(s[i]);
    } else {
      for (int64_t i = 0; i < run; i++) d[i * to_step] = convert<D>(s[i * from_step]);
    }
  };
  if (flat) copy_run(to.data, from.data);
  else for_each_run(to, from, sizeof(D), sizeof(S), copy_run);
}

bool on_host(const Body& body) { return body.device_type == c10::kCPU; }

void copy_into(const Body& to, const Body& from);

// Between devices whole dense blocks travel: what is not dense, or of another type, is made so on its own side.
void copy_on_device(const Body& to, const Body& from) {
  if (to.device_type == from.device_type && to.device_index == from.device_index) {
    return kbshim::device_operations->copy(to, from);
  }
  const c10::Device to_device(to.device_type, to.device_index), from_device(from.device_type, from.device_index);
  const Dims sizes = kbshim::dims_of(from.sizes), dense = kbshim::contiguous_strides(sizes);
  at::Tensor sent, received;
  if (!from.contiguous) {
    sent = kbshim::allocate(sizes, dense, from.type, from_device);
    copy_into(*sent.kbshim_body(), from);
  }
  const bool direct = to.contiguous && to.type == from.type;
  if (!direct) received = kbshim::allocate(sizes, dense, from.type, to_device);
  const Body& target = direct ? to : *received.kbshim_body();
  const Body& source = from.contiguous ? from : *sent.kbshim_body();
  const size_t bytes = static_cast<size_t>(from.count) * c10::elementSize(from.type);
  kbshim::device_operations->transfer(target.data, to_device, source.data, from_device, bytes);
  if (!direct) copy_into(to, target);
}

void copy_into(const Body& to, const Body& from) {
  if (to.count == 0) return;
  if (!on_host(to) || !on_host(from)) return copy_on_device(to, from);
  if (to.type == from.type && to.contiguous && from.contiguous) {
    std::memmove(to.data, from.data, static_cast<size_t>(to.count) * c10::elementSize(to.type));
    return;
  }
  with_type(to.type, [&](auto d) {
    with_type(from.type, [&](auto s) { copy_elements<decltype(d), decltype(s)>(to, from); });
  });
}

void fill(const Body& body, const c10::Scalar& value) {
  if (body.count == 0) return;
  with_type(body.type, [&](auto d) {
    using D = decltype(d);
    D x;
    if constexpr (std::is_integral_v<D> && !std::is_same_v<D, bool>) x = static_cast<D>(value.toLong());
    else x = convert<D>(value.toDouble());
    if (!on_host(body)) return kbshim::device_operations->fill(body, &x);
    const int64_t run = body.contiguous ? body.count : body.sizes.back();
    const int64_t step = body.contiguous ? 1 : body.strides.back();
    const auto fill_run = [&](char* write, const char*) {
      for (int64_t i = 0; i < run; i++) reinterpret_cast<D*>(write)[i * step] = x;
    };
    if (body.contiguous) fill_run(body.data, nullptr);
    else for_each_run(body, body, sizeof(D), sizeof(D), fill_run);
  });
}

template <typename T>
constexpr c10::ScalarType scalar_of() {
  if constexpr (std::is_same_v<T, uint8_t>) return c10::kByte;
  else if constexpr (std::is_same_v<T, int8_t>) return c10::kChar;
  else if constexpr (std::is_same_v<T, int16_t>) return c10::kShort;
  else if constexpr (std::is_same_v<T, int32_t>) return c10::kInt;
  else if constexpr (std::is_same_v<T, int64_t>) return c10::kLong;
  else if constexpr (std::is_same_v<T, c10::Half>) return c10::kHalf;
  else if constexpr (std::is_same_v<T, float>) return c10::kFloat;
  else if constexpr (std::is_same_v<T, double>) return c10::kDouble;
  else if constexpr (std::is_same_v<T, bool>) return c10::kBool;
  else return c10::kBFloat16;
}

template <typename T>
T* typed(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.scalar_type() == scalar_of<T>(), "expected scalar type ", scalar_of<T>(), " but found ",
              tensor.scalar_type());
  return static_cast<T*>(tensor.data_ptr());
}

at::Tensor make(const Dims& sizes, const Dims& strides, c10::ScalarType type, c10::Device device,
                const c10::TensorOptions& options) {
  return kbshim::allocate(sizes, strides, options.has_dtype() ? options.dtype().toScalarType() : type,
                          options.has_device() ? options.device() : device);
}

at::Tensor make(c10::IntArrayRef size, const c10::TensorOptions& options) {
  const Dims sizes = size.vec();
  return make(sizes, kbshim::contiguous_strides(sizes), c10::kFloat, c10::kCPU, options);
}

// torch::full without a dtype takes it from the value.
c10::ScalarType type_of(const c10::Scalar& value) {
  return value.isBoolean() ? c10::kBool : value.isFloatingPoint() ? c10::kFloat : c10::kLong;
}

at::Tensor make_like(const at::Tensor& self, const c10::TensorOptions& options) {
  TORCH_CHECK(self.defined(), "tensor does not have a device");
  return make(self.sizes().vec(), kbshim::preserved_strides(*self.kbshim_body()), self.scalar_type(), self.device(),
              options);
}

}  // namespace

namespace at {

#define KBSHIM_ELEMENT(T)                                                                     \
  template <> T* Tensor::data_ptr<T>() const { return typed<T>(*this); }                      \
  template <> T* Tensor::mutable_data_ptr<T>() const { return typed<T>(*this); }              \
  template <> const T* Tensor::const_data_ptr<T>() const { return typed<T>(*this); }
KBSHIM_ELEMENT(uint8_t)
KBSHIM_ELEMENT(int8_t)
KBSHIM_ELEMENT(int16_t)
KBSHIM_ELEMENT(int32_t)
KBSHIM_ELEMENT(int64_t)
KBSHIM_ELEMENT(c10::Half)
KBSHIM_ELEMENT(float)
KBSHIM_ELEMENT(double)
KBSHIM_ELEMENT(bool)
KBSHIM_ELEMENT(c10::BFloat16)

DeprecatedTypeProperties& Tensor::type() const {
  static std::map<std::pair<ScalarType, bool>, DeprecatedTypeProperties> known;  // never shrinks: references stay good
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  return known.try_emplace({scalar_type(), is_cuda()}, scalar_type(), is_cuda()).first->second;
}

Scalar Tensor::item() const {
  TORCH_CHECK(numel() == 1, "a Tensor with ", numel(), " elements cannot be converted to Scalar");
  return with_type(scalar_type(), [&](auto d) {
    using D = decltype(d);
    D value;
    if (on_host(*body())) value = *static_cast<const D*>(data_ptr());
    else kbshim::device_operations->transfer(reinterpret_cast<char*>(&value), kCPU, body()->data, device(), sizeof(D));
    return Scalar(widen(value));
  });
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor copy = kbshim::allocate(sizes().vec(), kbshim::contiguous_strides(sizes().vec()), scalar_type(), device());
  return copy.copy_(*this);
}

Tensor Tensor::clone() const {
  Tensor copy = kbshim::allocate(sizes().vec(), kbshim::preserved_strides(*body()), scalar_type(), device());
  return copy.copy_(*this);
}

Tensor Tensor::kbshim_to(ScalarType dtype, Device target, bool copy) const {
  if (target.is_cuda() && !target.has_index() && kbshim::device_operations) {
    target = is_cuda() ? device() : Device(kCUDA, kbshim::device_operations->current_device());
  }
  if (dtype == scalar_type() && target == device() && !copy) return *this;
  Tensor made = kbshim::allocate(sizes().vec(), kbshim::preserved_strides(*body()), dtype, target);
  return made.copy_(*this);
}

Tensor& Tensor::fill_(const Scalar& value) const {
  fill(*body(), value);
  return const_cast<Tensor&>(*this);
}

Tensor& Tensor::zero_() const {
  if (is_contiguous() && numel() > 0 && on_host(*body())) std::memset(data_ptr(), 0, nbytes());
  else fill_(0);
  return const_cast<Tensor&>(*this);
}

Tensor& Tensor::copy_(const Tensor& src) const {
  if (is_same(src)) return const_cast<Tensor&>(*this);
  const Tensor from = src.sizes() == sizes() ? src : src.expand(sizes());
  copy_into(*body(), *from.kbshim_body());
  return const_cast<Tensor&>(*this);
}

Tensor empty(IntArrayRef size, TensorOptions options) { return make(size, options); }
Tensor zeros(IntArrayRef size, TensorOptions options) { return make(size, options).zero_(); }
Tensor ones(IntArrayRef size, TensorOptions options) { return make(size, options).fill_(1); }
Tensor full(IntArrayRef size, const Scalar& value, TensorOptions options) {
  return make(size, options.has_dtype() ? options : options.dtype(type_of(value))).fill_(value);
}
Tensor empty_like(const Tensor& self, TensorOptions options) { return make_like(self, options); }
Tensor zeros_like(const Tensor& self, TensorOptions options) { return make_like(self, options).zero_(); }
Tensor ones_like(const Tensor& self, TensorOptions options) { return make_like(self, options).fill_(1); }
Tensor full_like(const Tensor& self, const Scalar& value, TensorOptions options) {
  return make_like(self, options).fill_(value);
}

}  // namespace at
