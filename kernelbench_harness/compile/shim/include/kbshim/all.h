// Everything the stand-in offers. The candidate sees all of it whichever header it names, because load_inline puts
// <torch/extension.h> first; a CUDA unit sees each header's own part.
#pragma once

#if !defined(KBSHIM_SLIM) || defined(KBSHIM_WITH_MODULE)
#include "kbshim/module.h"
#else
#include "kbshim/torch.h"
#endif
