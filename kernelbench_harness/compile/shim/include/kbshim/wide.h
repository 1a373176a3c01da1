// The types to calculate in: at::opmath_type for one operation, at::acc_type for a sum (a tensor's device decides).
#pragma once

#include "kbshim/tensor.h"

namespace at {

template <typename T>
struct OpMathType {
  using type = T;
};
template <>
struct OpMathType<at::Half> {
  using type = float;
};
template <>
struct OpMathType<at::BFloat16> {
  using type = float;
};
template <typename T>
using opmath_type = typename OpMathType<T>::type;

}  // namespace at
