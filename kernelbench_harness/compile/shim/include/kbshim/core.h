// Types that need no tensor: scalar types, devices, array references, scalars, options, errors.
// Every name and every conversion here exists in libtorch with the same meaning; what is absent fails to compile, and
// the stock headers then decide. Names in namespace kbshim are ours alone.
#pragma once

#include "kbshim/std.h"
#ifdef KBSHIM_HAS_NARROW
#include "kbshim/narrow.h"
#endif

#ifdef __CUDACC__
#define KBSHIM_BOTH __host__ __device__
#define KBSHIM_DEVICE __device__
#define KBSHIM_HOST __host__
#else
#define KBSHIM_BOTH
#define KBSHIM_DEVICE
#define KBSHIM_HOST
#endif

// libtorch has these two without any CUDA header, so a forgotten one is a missing member, not a missing namespace.
namespace c10 {
namespace cuda {}
}  // namespace c10
namespace at {
namespace cuda {
using namespace c10::cuda;
}
}  // namespace at

namespace c10 {

#ifdef KBSHIM_HAS_OPTIONAL
using std::bad_optional_access;
using std::make_optional;
using std::nullopt;
using std::nullopt_t;
using std::optional;
#endif

enum class ScalarType : int8_t {
  Byte, Char, Short, Int, Long, Half, Float, Double, ComplexHalf, ComplexFloat, ComplexDouble, Bool,
  QInt8, QUInt8, QInt32, BFloat16
};

constexpr ScalarType kByte = ScalarType::Byte;
constexpr ScalarType kChar = ScalarType::Char;
constexpr ScalarType kShort = ScalarType::Short;
constexpr ScalarType kInt = ScalarType::Int;
constexpr ScalarType kLong = ScalarType::Long;
constexpr ScalarType kHalf = ScalarType::Half;
constexpr ScalarType kFloat = ScalarType::Float;
constexpr ScalarType kDouble = ScalarType::Double;
constexpr ScalarType kBool = ScalarType::Bool;
constexpr ScalarType kBFloat16 = ScalarType::BFloat16;

const char* toString(ScalarType type);
size_t elementSize(ScalarType type);
inline bool isFloatingType(ScalarType type) {
  return type == ScalarType::Half || type == ScalarType::Float || type == ScalarType::Double ||
      type == ScalarType::BFloat16;
}
#ifdef KBSHIM_HAS_STREAM
std::ostream& operator<<(std::ostream& out, ScalarType type);
#endif

#ifndef KBSHIM_HAS_NARROW
// Storage only: a tensor may hold them, arithmetic on them is left to the stock headers. nvcc sees narrow.h.
struct alignas(2) Half {
  uint16_t x;
};
struct alignas(2) BFloat16 {
  uint16_t x;
};
#endif

enum class DeviceType : int8_t { CPU = 0, CUDA = 1 };
constexpr DeviceType kCPU = DeviceType::CPU;
constexpr DeviceType kCUDA = DeviceType::CUDA;
using DeviceIndex = int8_t;
#ifdef KBSHIM_HAS_STREAM
std::ostream& operator<<(std::ostream& out, DeviceType type);
#endif

struct Device final {
  using Type = DeviceType;
  Device(DeviceType type, DeviceIndex index = -1) : type_(type), index_(index) {}
#ifdef KBSHIM_HAS_STREAM
  Device(const std::string& text);
#endif
  bool operator==(const Device& other) const noexcept { return type_ == other.type_ && index_ == other.index_; }
  bool operator!=(const Device& other) const noexcept { return !(*this == other); }
  DeviceType type() const noexcept { return type_; }
  DeviceIndex index() const noexcept { return index_; }
  bool has_index() const noexcept { return index_ != -1; }
  bool is_cpu() const noexcept { return type_ == DeviceType::CPU; }
  bool is_cuda() const noexcept { return type_ == DeviceType::CUDA; }
#ifdef KBSHIM_HAS_STREAM
  std::string str() const;
#endif

 private:
  DeviceType type_;
  DeviceIndex index_;
};
#ifdef KBSHIM_HAS_STREAM
std::ostream& operator<<(std::ostream& out, const Device& device);
#endif

template <typename T>
class ArrayRef final {
 public:
  using iterator = const T*;
  using const_iterator = const T*;
  using size_type = size_t;
  using value_type = T;
#ifndef KBSHIM_SLIM
  using reverse_iterator = std::reverse_iterator<iterator>;
#endif

  constexpr ArrayRef() : data_(nullptr), size_(0) {}
  constexpr ArrayRef(const T& one) : data_(&one), size_(1) {}
  constexpr ArrayRef(const T* data, size_t size) : data_(data), size_(size) {}
  constexpr ArrayRef(const T* begin, const T* end) : data_(begin), size_(end - begin) {}
  template <typename C, typename P = decltype(std::declval<C>().data()),
            typename = std::enable_if_t<std::is_same_v<P, T*> || std::is_same_v<P, const T*>>>
  ArrayRef(const C& container) : data_(container.data()), size_(container.size()) {}
#ifdef KBSHIM_HAS_VECTOR
  template <typename A>
  ArrayRef(const std::vector<T, A>& items) : data_(items.data()), size_(items.size()) {}
#endif
#ifdef KBSHIM_HAS_ARRAY
  template <size_t N>
  constexpr ArrayRef(const std::array<T, N>& items) : data_(items.data()), size_(N) {}
#endif
  template <size_t N>
  constexpr ArrayRef(const T (&items)[N]) : data_(items), size_(N) {}
  constexpr ArrayRef(const std::initializer_list<T>& items) : data_(std::begin(items)), size_(items.size()) {}

  constexpr iterator begin() const { return data_; }
  constexpr iterator end() const { return data_ + size_; }
  constexpr const_iterator cbegin() const { return data_; }
  constexpr const_iterator cend() const { return data_ + size_; }
#ifndef KBSHIM_SLIM
  constexpr reverse_iterator rbegin() const { return reverse_iterator(end()); }
  constexpr reverse_iterator rend() const { return reverse_iterator(begin()); }
#endif
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr const T& operator[](size_t index) const { return data_[index]; }
  constexpr const T& front() const;
  constexpr const T& back() const;
  constexpr const T& at(size_t index) const;
  constexpr bool equals(ArrayRef other) const {
    if (size_ != other.size_) return false;
    for (size_t i = 0; i < size_; i++) {
      if (!(data_[i] == other.data_[i])) return false;
    }
    return true;
  }
#ifdef KBSHIM_HAS_VECTOR
  std::vector<T> vec() const { return std::vector<T>(begin(), end()); }
#endif

  template <typename U>
  std::enable_if_t<std::is_same_v<U, T>, ArrayRef<T>>& operator=(U&& temporary) = delete;
  template <typename U>
  std::enable_if_t<std::is_same_v<U, T>, ArrayRef<T>>& operator=(std::initializer_list<U>) = delete;

  friend bool operator==(ArrayRef a, ArrayRef b) { return a.equals(b); }
  friend bool operator!=(ArrayRef a, ArrayRef b) { return !a.equals(b); }

 private:
  const T* data_;
  size_t size_;
};

using IntArrayRef = ArrayRef<int64_t>;

#ifdef KBSHIM_HAS_STREAM
template <typename T>
std::ostream& operator<<(std::ostream& out, ArrayRef<T> list) {
  int i = 0;
  out << '[';
  for (const auto& item : list) {
    if (i++ > 0) out << ", ";
    out << item;
  }
  return out << ']';
}

class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};
class IndexError : public Error {
  using Error::Error;
};
class ValueError : public Error {
  using Error::Error;
};
class TypeError : public Error {
  using Error::Error;
};
class NotImplementedError : public Error {
  using Error::Error;
};
#endif

}  // namespace c10

#include "kbshim/text.h"

// The form of libtorch's own macros (an `if` without an `else`), so that a dangling else is judged alike.
#define KBSHIM_CHECK_TEXT(cond, ...)                                                                       \
  ::kbshim::check_text("Expected " #cond                                                                   \
                       " to be true, but got false.  (Could this error message be improved?  If so, "      \
                       "please report an enhancement request to PyTorch.)",                                \
                       ##__VA_ARGS__)
#define TORCH_CHECK(cond, ...)                              \
  if (__builtin_expect(static_cast<bool>(!(cond)), 0)) {    \
    ::kbshim::fail(KBSHIM_CHECK_TEXT(cond, ##__VA_ARGS__)); \
  }
#define KBSHIM_CHECK_AS(kind, cond, ...)                                    \
  if (__builtin_expect(static_cast<bool>(!(cond)), 0)) {                    \
    ::kbshim::fail_as(kind, KBSHIM_CHECK_TEXT(cond, ##__VA_ARGS__));        \
  }
#define TORCH_CHECK_INDEX(cond, ...) KBSHIM_CHECK_AS(::kbshim::failure_index, cond, __VA_ARGS__)
#define TORCH_CHECK_VALUE(cond, ...) KBSHIM_CHECK_AS(::kbshim::failure_value, cond, __VA_ARGS__)
#define TORCH_CHECK_TYPE(cond, ...) KBSHIM_CHECK_AS(::kbshim::failure_type, cond, __VA_ARGS__)
#define TORCH_CHECK_NOT_IMPLEMENTED(cond, ...) KBSHIM_CHECK_AS(::kbshim::failure_not_implemented, cond, __VA_ARGS__)
#define TORCH_INTERNAL_ASSERT(cond, ...)                                                              \
  if (__builtin_expect(static_cast<bool>(!(cond)), 0)) {                                              \
    ::kbshim::fail_internal(#cond, __FILE__, __LINE__, ::kbshim::text(__VA_ARGS__));                  \
  }

namespace c10 {

template <typename T>
constexpr const T& ArrayRef<T>::front() const {
  TORCH_CHECK(!empty(), "ArrayRef: attempted to access front() of empty list");
  return data_[0];
}
template <typename T>
constexpr const T& ArrayRef<T>::back() const {
  TORCH_CHECK(!empty(), "ArrayRef: attempted to access back() of empty list");
  return data_[size_ - 1];
}
template <typename T>
constexpr const T& ArrayRef<T>::at(size_t index) const {
  TORCH_CHECK(index < size_, "ArrayRef: invalid index Index = ", index, "; Length = ", size_);
  return data_[index];
}

// A number with its kind. Complex and symbolic scalars are left to the stock headers.
class Scalar {
 public:
  Scalar() : Scalar(int64_t(0)) {}
  Scalar(uint8_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(int8_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(int16_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(int v) : kind_(Kind::integer), i_(v) {}
  Scalar(int64_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(long long v) : kind_(Kind::integer), i_(v) {}
  Scalar(uint16_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(uint32_t v) : kind_(Kind::integer), i_(v) {}
  Scalar(uint64_t v) : kind_(Kind::integer), i_(static_cast<int64_t>(v)) {}
  Scalar(float v) : kind_(Kind::real), d_(v) {}
  Scalar(double v) : kind_(Kind::real), d_(v) {}
  template <typename T, typename std::enable_if_t<std::is_same_v<T, bool>, bool>* = nullptr>
  Scalar(T v) : kind_(Kind::boolean), i_(v) {}

  double toDouble() const { return kind_ == Kind::real ? d_ : static_cast<double>(i_); }
  float toFloat() const { return static_cast<float>(toDouble()); }
  int64_t toLong() const;
  int toInt() const;
  bool toBool() const { return kind_ == Kind::real ? d_ != 0 : i_ != 0; }
  bool isFloatingPoint() const { return kind_ == Kind::real; }
  bool isBoolean() const { return kind_ == Kind::boolean; }
  template <typename T>
  T to() const = delete;

 private:
  enum class Kind { boolean, integer, real };
  Kind kind_;
  union {
    int64_t i_;
    double d_;
  };
};
template <>
inline double Scalar::to<double>() const { return toDouble(); }
template <>
inline float Scalar::to<float>() const { return toFloat(); }
template <>
inline int64_t Scalar::to<int64_t>() const { return toLong(); }
template <>
inline int Scalar::to<int>() const { return toInt(); }
template <>
inline bool Scalar::to<bool>() const { return toBool(); }

}  // namespace c10

namespace caffe2 {

// What Tensor::dtype() returns: it compares with a ScalarType and prints as the C++ type's name.
class TypeMeta final {
 public:
  TypeMeta() noexcept = default;
  c10::ScalarType toScalarType() const { return type_; }
  size_t itemsize() const noexcept { return c10::elementSize(type_); }
  friend bool operator==(const TypeMeta& a, const TypeMeta& b) noexcept { return a.type_ == b.type_; }
  friend TypeMeta kbshim_meta(c10::ScalarType type) noexcept;

 private:
  c10::ScalarType type_ = c10::ScalarType::Float;
};
inline TypeMeta kbshim_meta(c10::ScalarType type) noexcept {
  TypeMeta meta;
  meta.type_ = type;
  return meta;
}
inline bool operator!=(const TypeMeta& a, const TypeMeta& b) noexcept { return !(a == b); }
#ifdef KBSHIM_HAS_STREAM
std::ostream& operator<<(std::ostream& out, TypeMeta meta);
#endif

}  // namespace caffe2

namespace c10 {

inline bool operator==(ScalarType a, caffe2::TypeMeta b) noexcept { return a == b.toScalarType(); }
inline bool operator!=(ScalarType a, caffe2::TypeMeta b) noexcept { return !(a == b); }
inline bool operator==(caffe2::TypeMeta a, ScalarType b) noexcept { return b == a; }
inline bool operator!=(caffe2::TypeMeta a, ScalarType b) noexcept { return !(b == a); }

struct TensorOptions {
  TensorOptions() = default;
  template <typename T, typename = std::enable_if_t<std::is_same_v<std::decay_t<T>, Device>>>
  TensorOptions(T&& device) : device_(device), has_device_(true) {}
  template <typename... Args, typename = std::enable_if_t<std::is_constructible_v<Device, Args&&...>>>
  TensorOptions(Args&&... args) : TensorOptions(Device(std::forward<Args>(args)...)) {}
  TensorOptions(caffe2::TypeMeta type) : type_(type.toScalarType()), has_type_(true) {}
  TensorOptions(ScalarType type) : type_(type), has_type_(true) {}

#ifdef KBSHIM_HAS_OPTIONAL
  [[nodiscard]] TensorOptions device(std::optional<Device> device) const noexcept {
    return kbshim_device(device.has_value(), device.value_or(Device(DeviceType::CPU)));
  }
  [[nodiscard]] TensorOptions dtype(std::optional<caffe2::TypeMeta> type) const noexcept {
    return kbshim_dtype(type.has_value(), type ? type->toScalarType() : ScalarType::Float);
  }
  [[nodiscard]] TensorOptions dtype(std::optional<ScalarType> type) const noexcept {
    return kbshim_dtype(type.has_value(), type.value_or(ScalarType::Float));
  }
#else
  [[nodiscard]] TensorOptions dtype(caffe2::TypeMeta type) const noexcept {
    return kbshim_dtype(true, type.toScalarType());
  }
  [[nodiscard]] TensorOptions dtype(ScalarType type) const noexcept { return kbshim_dtype(true, type); }
#endif
  template <typename... Args>
  [[nodiscard]] TensorOptions device(Args&&... args) const noexcept {
    return kbshim_device(true, Device(std::forward<Args>(args)...));
  }
  Device device() const noexcept { return device_; }
  bool has_device() const noexcept { return has_device_; }
  caffe2::TypeMeta dtype() const noexcept { return caffe2::kbshim_meta(type_); }
  bool has_dtype() const noexcept { return has_type_; }

 private:
  TensorOptions kbshim_device(bool has, Device device) const noexcept {
    TensorOptions r = *this;
    r.has_device_ = has;
    r.device_ = device;
    return r;
  }
  TensorOptions kbshim_dtype(bool has, ScalarType type) const noexcept {
    TensorOptions r = *this;
    r.has_type_ = has;
    r.type_ = type;
    return r;
  }
  Device device_ = Device(DeviceType::CPU);
  ScalarType type_ = ScalarType::Float;
  bool has_device_ = false;
  bool has_type_ = false;
};

inline TensorOptions dtype(caffe2::TypeMeta type) { return TensorOptions().dtype(type); }
inline TensorOptions dtype(ScalarType type) { return TensorOptions().dtype(type); }
inline TensorOptions device(Device device) { return TensorOptions().device(device); }

}  // namespace c10
