// What <cuda_runtime.h> and the stand-in use of <type_traits>, <utility> and <limits>, in place of those three, for a
// source that names nothing of theirs: they are a third of what nvcc's front ends would read. Nothing here is for a
// candidate: demand.py shows the real headers to a source that names one of these, or includes any header but C's.
#pragma once

#define _GLIBCXX_TYPE_TRAITS 1
#define _GLIBCXX_UTILITY 1
#define _GLIBCXX_NUMERIC_LIMITS 1

namespace std {

template <typename T, typename U>
inline constexpr bool is_same_v = false;
template <typename T>
inline constexpr bool is_same_v<T, T> = true;
template <typename T>
inline constexpr bool is_const_v = false;
template <typename T>
inline constexpr bool is_const_v<const T> = true;
template <typename T, typename... Args>
inline constexpr bool is_constructible_v = __is_constructible(T, Args...);

template <bool, typename T = void>
struct enable_if {};
template <typename T>
struct enable_if<true, T> {
  using type = T;
};
template <bool holds, typename T = void>
using enable_if_t = typename enable_if<holds, T>::type;

template <typename T>
struct remove_reference {
  using type = T;
};
template <typename T>
struct remove_reference<T&> {
  using type = T;
};
template <typename T>
struct remove_reference<T&&> {
  using type = T;
};
template <typename T>
struct remove_const {
  using type = T;
};
template <typename T>
struct remove_const<const T> {
  using type = T;
};
template <typename T>
using remove_const_t = typename remove_const<T>::type;
// Of classes alone: the stand-in compares the result with one of its own.
template <typename T>
using decay_t = remove_const_t<typename remove_reference<T>::type>;

template <typename T>
T&& declval() noexcept;
template <typename T>
constexpr T&& forward(typename remove_reference<T>::type& value) noexcept {
  return static_cast<T&&>(value);
}
template <typename T>
constexpr T&& forward(typename remove_reference<T>::type&& value) noexcept {
  return static_cast<T&&>(value);
}
template <typename T>
constexpr typename remove_reference<T>::type&& move(T&& value) noexcept {
  return static_cast<typename remove_reference<T>::type&&>(value);
}
template <typename T>
constexpr void swap(T& a, T& b) noexcept {
  T held = move(a);
  a = move(b);
  b = move(held);
}

template <typename T>
struct numeric_limits;
template <>
struct numeric_limits<int> {
  static constexpr int max() noexcept { return __INT_MAX__; }
};

}  // namespace std
