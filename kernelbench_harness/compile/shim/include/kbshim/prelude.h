// Read before <cuda_runtime.h> in a slim CUDA unit: leaves out of what follows what hardly a kernel names. The driver
// reads the source without it when it names something of the parts left out (demand.py). Without effect in the host
// compiler's own pass, whose text is complete.
#pragma once

#if defined(__CUDACC__) && defined(KBSHIM_SLIM)

// std::legendre, std::riemann_zeta and the like: a quarter of all that <cuda_runtime.h> brings.
#include <bits/c++config.h>
#undef _GLIBCXX_USE_STD_SPEC_FUNCS
#define _GLIBCXX_USE_STD_SPEC_FUNCS 0

#ifndef KBSHIM_WITH_DRIVER
#define __cuda_cuda_h__  // the guard of <cuda.h>, the driver's interface
#endif

#endif
