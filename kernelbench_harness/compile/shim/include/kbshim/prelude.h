// Read before <cuda_runtime.h> in a slim CUDA unit: leaves out of what follows what hardly a kernel names. The driver
// reads the source without it when it names something of the parts left out (demand.py). Without effect in the host
// compiler's own pass, whose text is complete.
#pragma once

#if defined(__CUDACC__) && defined(KBSHIM_SLIM)

// std::legendre, std::riemann_zeta and the like: a quarter of all that <cuda_runtime.h> brings.
#include <bits/c++config.h>
#undef _GLIBCXX_USE_STD_SPEC_FUNCS
#define _GLIBCXX_USE_STD_SPEC_FUNCS 0

// sinf32, strtof64x and the like: every function of <math.h> five more times.
#if !defined(KBSHIM_WITH_FLOATN) && __has_include(<bits/floatn.h>)
#include <bits/floatn.h>
#undef __HAVE_FLOAT16
#undef __HAVE_FLOAT32
#undef __HAVE_FLOAT64
#undef __HAVE_FLOAT128
#undef __HAVE_FLOAT32X
#undef __HAVE_FLOAT64X
#undef __HAVE_DISTINCT_FLOAT128
#define __HAVE_FLOAT16 0
#define __HAVE_FLOAT32 0
#define __HAVE_FLOAT64 0
#define __HAVE_FLOAT128 0
#define __HAVE_FLOAT32X 0
#define __HAVE_FLOAT64X 0
#define __HAVE_DISTINCT_FLOAT128 0
#endif

// What <utility> brings beside the few things that the runtime and this stand-in use.
#ifndef KBSHIM_WITH_UTILITY
#include "utility.h"
#endif

// The guards of headers that the toolkit reads whether anything of theirs is named or not.
#ifndef KBSHIM_WITH_DRIVER
#define __cuda_cuda_h__  // <cuda.h>, the driver's interface
#endif
#ifndef KBSHIM_WITH_TEXTURE_INDIRECT_FUNCTIONS
#define __TEXTURE_INDIRECT_FUNCTIONS_H__
#endif
#ifndef KBSHIM_WITH_SURFACE_INDIRECT_FUNCTIONS
#define __SURFACE_INDIRECT_FUNCTIONS_H__
#endif
#ifndef KBSHIM_WITH_SM_20_ATOMIC_FUNCTIONS
#define __SM_20_ATOMIC_FUNCTIONS_H__
#endif
#ifndef KBSHIM_WITH_SM_30_INTRINSICS
#define __SM_30_INTRINSICS_H__
#endif
#ifndef KBSHIM_WITH_SM_32_ATOMIC_FUNCTIONS
#define __SM_32_ATOMIC_FUNCTIONS_H__
#endif
#ifndef KBSHIM_WITH_SM_32_INTRINSICS
#define __SM_32_INTRINSICS_H__
#endif
#ifndef KBSHIM_WITH_SM_60_ATOMIC_FUNCTIONS
#define __SM_60_ATOMIC_FUNCTIONS_H__
#endif
#ifndef KBSHIM_WITH_SM_61_INTRINSICS
#define __SM_61_INTRINSICS_H__
#endif

#endif
