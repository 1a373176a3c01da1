// The texts of TORCH_CHECK, and the throwing itself, which the runtime does.
#pragma once

#include "kbshim/core.h"

namespace caffe2 {
class TypeMeta;
}

namespace kbshim {

// Error codes of Table::call (abi.h); 0 is success. The loader knows them by number.
enum Failure : int32_t {
  failure_none = 0, failure_runtime = 1, failure_index = 2, failure_value = 3, failure_type = 4,
  failure_not_implemented = 5, failure_unknown = 6
};

[[noreturn]] void fail(const char* message);
[[noreturn]] void fail_as(Failure kind, const char* message);
[[noreturn]] void fail_internal(const char* condition, const char* file, int line, const char* message);

// The two forms stand in namespaces of their own, because a library may hold objects of both.
#ifdef KBSHIM_HAS_STREAM

inline namespace streamed {

template <typename... Args>
std::string text(const Args&... args) {
  std::ostringstream out;
  ((out << args), ...);
  return out.str();
}
[[noreturn]] inline void fail(const std::string& message) { ::kbshim::fail(message.c_str()); }
[[noreturn]] inline void fail_as(Failure kind, const std::string& message) { ::kbshim::fail_as(kind, message.c_str()); }
[[noreturn]] inline void fail_internal(const char* condition, const char* file, int line, const std::string& message) {
  ::kbshim::fail_internal(condition, file, line, message.c_str());
}

#else

inline namespace plain {

// What a stream would write, for the types that messages are mostly made of; any other does not compile.
class Text {
 public:
  Text() = default;
  ~Text() { __builtin_free(data_); }
  Text(const Text&) = delete;
  void add(const char* text);
  void add(char c);
  void add(signed char c) { add(static_cast<char>(c)); }
  void add(unsigned char c) { add(static_cast<char>(c)); }
  void add(bool value) { add(static_cast<long long>(value)); }
  void add(long long value);
  void add(unsigned long long value);
  void add(int value) { add(static_cast<long long>(value)); }
  void add(long value) { add(static_cast<long long>(value)); }
  void add(unsigned value) { add(static_cast<unsigned long long>(value)); }
  void add(unsigned long value) { add(static_cast<unsigned long long>(value)); }
  void add(double value);
  void add(c10::ScalarType type) { add(c10::toString(type)); }
  void add(caffe2::TypeMeta type);
  void add(c10::DeviceType type);
  void add(const c10::Device& device);
  void add(c10::ArrayRef<int64_t> list);
  template <typename T>
  void add(const T*) = delete;
  const char* c_str() const { return data_ ? data_ : ""; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

template <typename... Args>
struct Joined : Text {
  explicit Joined(const Args&... args) { (add(args), ...); }
};
template <typename... Args>
Joined<Args...> text(const Args&... args) {
  return Joined<Args...>(args...);
}
[[noreturn]] inline void fail(const Text& message) { ::kbshim::fail(message.c_str()); }
[[noreturn]] inline void fail_as(Failure kind, const Text& message) { ::kbshim::fail_as(kind, message.c_str()); }
[[noreturn]] inline void fail_internal(const char* condition, const char* file, int line, const Text& message) {
  ::kbshim::fail_internal(condition, file, line, message.c_str());
}

#endif

inline const char* text(const char* message) { return message; }
inline const char* text() { return ""; }
template <typename... Args>
auto check_text(const char*, const Args&... args) {
  return text(args...);
}
inline const char* check_text(const char* fallback) { return fallback; }

}  // namespace streamed or plain

}  // namespace kbshim
