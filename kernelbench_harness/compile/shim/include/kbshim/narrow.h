// c10::Half and c10::BFloat16 for nvcc, with the conversions and the arithmetic that libtorch gives them: every
// operation rounds through float, comparisons go through the implicit conversion to float.
#pragma once

#include "kbshim/std.h"

#include <stdint.h>

#include <limits>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace c10 {

struct alignas(2) Half {
  unsigned short x;
  struct from_bits_t {};
  __host__ __device__ static constexpr from_bits_t from_bits() { return from_bits_t(); }
  Half() = default;
  constexpr __host__ __device__ Half(unsigned short bits, from_bits_t) : x(bits) {}
  inline __host__ __device__ Half(float value);
  inline __host__ __device__ operator float() const;
  inline __host__ __device__ Half(const __half& value);
  inline __host__ __device__ operator __half() const;
};

struct alignas(2) BFloat16 {
  uint16_t x;
  struct from_bits_t {};
  static constexpr __host__ __device__ from_bits_t from_bits() { return from_bits_t(); }
  BFloat16() = default;
  constexpr __host__ __device__ BFloat16(unsigned short bits, from_bits_t) : x(bits) {}
  inline __host__ __device__ BFloat16(float value);
  inline __host__ __device__ operator float() const;
  inline __host__ __device__ BFloat16(const __nv_bfloat16& value);
  explicit inline __host__ __device__ operator __nv_bfloat16() const;
};

inline __host__ __device__ Half::Half(float value) : x(__half_as_ushort(__float2half(value))) {}
inline __host__ __device__ Half::operator float() const { return __half2float(*reinterpret_cast<const __half*>(&x)); }
inline __host__ __device__ Half::Half(const __half& value) : x(*reinterpret_cast<const unsigned short*>(&value)) {}
inline __host__ __device__ Half::operator __half() const { return *reinterpret_cast<const __half*>(&x); }

inline __host__ __device__ BFloat16::BFloat16(float value) : x(__bfloat16_as_ushort(__float2bfloat16(value))) {}
inline __host__ __device__ BFloat16::operator float() const {
  return __bfloat162float(*reinterpret_cast<const __nv_bfloat16*>(&x));
}
inline __host__ __device__ BFloat16::BFloat16(const __nv_bfloat16& value)
    : x(*reinterpret_cast<const unsigned short*>(&value)) {}
inline __host__ __device__ BFloat16::operator __nv_bfloat16() const {
  return *reinterpret_cast<const __nv_bfloat16*>(&x);
}

#ifdef KBSHIM_HAS_STREAM
inline std::ostream& operator<<(std::ostream& out, const Half& value) { return out << static_cast<float>(value); }
inline std::ostream& operator<<(std::ostream& out, const BFloat16& value) { return out << static_cast<float>(value); }
#endif

#ifdef __CUDA_ARCH__
inline __device__ Half __ldg(const Half* from) { return __ldg(reinterpret_cast<const __half*>(from)); }
#endif
inline __device__ BFloat16 __ldg(const BFloat16* from) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  return __ldg(reinterpret_cast<const __nv_bfloat16*>(from));
#else
  return *from;
#endif
}

#define KBSHIM_NARROW_WIDE(N, op, W)                                                                      \
  inline __host__ __device__ W operator op(N a, W b) { return static_cast<W>(a) op b; }                   \
  inline __host__ __device__ W operator op(W a, N b) { return a op static_cast<W>(b); }
#define KBSHIM_NARROW_WHOLE(N, op, I)                                                                     \
  inline __host__ __device__ N operator op(N a, I b) { return a op static_cast<N>(static_cast<float>(b)); } \
  inline __host__ __device__ N operator op(I a, N b) { return static_cast<N>(static_cast<float>(a)) op b; }
#define KBSHIM_NARROW_OPERATOR(N, op)                                                                     \
  inline __host__ __device__ N operator op(const N& a, const N& b) {                                      \
    return static_cast<float>(a) op static_cast<float>(b);                                                \
  }                                                                                                       \
  inline __host__ __device__ N& operator op##=(N& a, const N& b) {                                        \
    a = a op b;                                                                                           \
    return a;                                                                                             \
  }                                                                                                       \
  inline __host__ __device__ float& operator op##=(float& a, const N& b) {                                \
    return a op##= static_cast<float>(b);                                                                 \
  }                                                                                                       \
  KBSHIM_NARROW_WIDE(N, op, float)                                                                        \
  KBSHIM_NARROW_WIDE(N, op, double)                                                                       \
  KBSHIM_NARROW_WHOLE(N, op, int)                                                                         \
  KBSHIM_NARROW_WHOLE(N, op, int64_t)
KBSHIM_NARROW_OPERATOR(Half, +)
KBSHIM_NARROW_OPERATOR(Half, -)
KBSHIM_NARROW_OPERATOR(Half, *)
KBSHIM_NARROW_OPERATOR(Half, /)
KBSHIM_NARROW_OPERATOR(BFloat16, +)
KBSHIM_NARROW_OPERATOR(BFloat16, -)
KBSHIM_NARROW_OPERATOR(BFloat16, *)
KBSHIM_NARROW_OPERATOR(BFloat16, /)

inline __host__ __device__ Half operator-(const Half& a) {
#ifdef __CUDA_ARCH__
  return __hneg(a);
#else
  return -static_cast<float>(a);
#endif
}
inline __host__ __device__ BFloat16 operator-(const BFloat16& a) { return -static_cast<float>(a); }

// libtorch has these for BFloat16 alone, and for lvalues alone.
inline __host__ __device__ bool operator>(BFloat16& a, BFloat16& b) { return float(a) > float(b); }
inline __host__ __device__ bool operator<(BFloat16& a, BFloat16& b) { return float(a) < float(b); }
#define KBSHIM_BFLOAT_BITS(op)                                                                            \
  inline __host__ __device__ BFloat16& operator op(BFloat16& a, const BFloat16& b) {                      \
    a.x = a.x op b.x;                                                                                     \
    return a;                                                                                             \
  }
KBSHIM_BFLOAT_BITS(|)
KBSHIM_BFLOAT_BITS(^)
KBSHIM_BFLOAT_BITS(&)

}  // namespace c10

namespace std {

#define KBSHIM_NARROW_LIMITS(N, iec, mantissa, decimal, decimal_max, low, low10, high, high10, bits_min,             \
                             bits_lowest, bits_max, bits_epsilon, bits_round, bits_infinity,                         \
                             bits_quiet, bits_signaling)                                                             \
  template <>                                                                                                        \
  class numeric_limits<c10::N> {                                                                                     \
   public:                                                                                                           \
    static constexpr bool is_specialized = true;                                                                     \
    static constexpr bool is_signed = true;                                                                          \
    static constexpr bool is_integer = false;                                                                        \
    static constexpr bool is_exact = false;                                                                          \
    static constexpr bool has_infinity = true;                                                                       \
    static constexpr bool has_quiet_NaN = true;                                                                      \
    static constexpr bool has_signaling_NaN = true;                                                                  \
    static constexpr auto has_denorm = numeric_limits<float>::has_denorm;                                            \
    static constexpr auto has_denorm_loss = numeric_limits<float>::has_denorm_loss;                                  \
    static constexpr auto round_style = numeric_limits<float>::round_style;                                          \
    static constexpr bool is_iec559 = iec;                                                                           \
    static constexpr bool is_bounded = true;                                                                         \
    static constexpr bool is_modulo = false;                                                                         \
    static constexpr int digits = mantissa;                                                                          \
    static constexpr int digits10 = decimal;                                                                         \
    static constexpr int max_digits10 = decimal_max;                                                                 \
    static constexpr int radix = 2;                                                                                  \
    static constexpr int min_exponent = low;                                                                         \
    static constexpr int min_exponent10 = low10;                                                                     \
    static constexpr int max_exponent = high;                                                                        \
    static constexpr int max_exponent10 = high10;                                                                    \
    static constexpr auto traps = numeric_limits<float>::traps;                                                      \
    static constexpr auto tinyness_before = numeric_limits<float>::tinyness_before;                                  \
    static constexpr c10::N min() { return c10::N(bits_min, c10::N::from_bits()); }                                  \
    static constexpr c10::N lowest() { return c10::N(bits_lowest, c10::N::from_bits()); }                            \
    static constexpr c10::N max() { return c10::N(bits_max, c10::N::from_bits()); }                                  \
    static constexpr c10::N epsilon() { return c10::N(bits_epsilon, c10::N::from_bits()); }                          \
    static constexpr c10::N round_error() { return c10::N(bits_round, c10::N::from_bits()); }                        \
    static constexpr c10::N infinity() { return c10::N(bits_infinity, c10::N::from_bits()); }                        \
    static constexpr c10::N quiet_NaN() { return c10::N(bits_quiet, c10::N::from_bits()); }                          \
    static constexpr c10::N signaling_NaN() { return c10::N(bits_signaling, c10::N::from_bits()); }                  \
    static constexpr c10::N denorm_min() { return c10::N(0x0001, c10::N::from_bits()); }                             \
  };
KBSHIM_NARROW_LIMITS(Half, true, 11, 3, 5, -13, -4, 16, 4, 0x0400, 0xFBFF, 0x7BFF, 0x1400, 0x3800, 0x7C00, 0x7E00,
                     0x7D00)
KBSHIM_NARROW_LIMITS(BFloat16, false, 8, 2, 4, -125, -37, 128, 38, 0x0080, 0xFF7F, 0x7F7F, 0x3C00, 0x3F00, 0x7F80,
                     0x7FC0, 0x7F80)

}  // namespace std
