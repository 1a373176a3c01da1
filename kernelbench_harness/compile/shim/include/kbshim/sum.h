// at::acc_type, as ATen/AccumulateType.h gives it for the CPU and for CUDA.
#pragma once

#include "kbshim/tensor.h"

namespace at {

template <typename T, c10::DeviceType D>
struct AccumulateTypeDevice {};
template <typename T, bool>
struct AccumulateType {};
template <typename T>
struct AccumulateType<T, false> {
  using type = typename AccumulateTypeDevice<T, c10::DeviceType::CPU>::type;
};
template <typename T>
struct AccumulateType<T, true> {
  using type = typename AccumulateTypeDevice<T, c10::DeviceType::CUDA>::type;
};
template <typename T, c10::DeviceType device>
using acc_type_device = typename AccumulateTypeDevice<T, device>::type;
template <typename T, bool is_cuda>
using acc_type = typename AccumulateType<T, is_cuda>::type;

#define KBSHIM_SUM(T, cpu, cuda)                            \
  template <>                                               \
  struct AccumulateTypeDevice<T, c10::DeviceType::CPU> {    \
    using type = cpu;                                       \
  };                                                        \
  template <>                                               \
  struct AccumulateTypeDevice<T, c10::DeviceType::CUDA> {   \
    using type = cuda;                                      \
  };
KBSHIM_SUM(c10::BFloat16, float, float)
KBSHIM_SUM(c10::Half, float, float)
KBSHIM_SUM(float, double, float)
KBSHIM_SUM(double, double, double)
KBSHIM_SUM(int8_t, int64_t, int64_t)
KBSHIM_SUM(uint8_t, int64_t, int64_t)
KBSHIM_SUM(char, int64_t, int64_t)
KBSHIM_SUM(int16_t, int64_t, int64_t)
KBSHIM_SUM(int32_t, int64_t, int64_t)
KBSHIM_SUM(int64_t, int64_t, int64_t)
KBSHIM_SUM(bool, bool, bool)
#ifdef KBSHIM_HAS_NARROW
template <>
struct AccumulateTypeDevice<half, c10::DeviceType::CUDA> {
  using type = float;
};
#endif

}  // namespace at
