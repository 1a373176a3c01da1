"""Names that nvcc brings: device builtins, intrinsics, vector types, the runtime API, libraries by their header.

Guaranteed: a name in these tables exists in CUDA 12 and 13. Not guaranteed: completeness, so a name in one of the
families (`cuda...`, `__h...`, `cublas...`) counts as existing unless it is a slip of a name in the tables.
"""

from __future__ import annotations

import re
from typing import Any

from kernelbench_harness.facts.ctree import Struct, Type
from kernelbench_harness.facts.spelling import distance

_SCALARS = (
    "char",
    "uchar",
    "short",
    "ushort",
    "int",
    "uint",
    "long",
    "ulong",
    "longlong",
    "ulonglong",
    "float",
    "double",
)
VECTORS = frozenset(f"{base}{n}" for base in _SCALARS for n in (1, 2, 3, 4))
"""float4 and its like."""
_ELEMENT = {"longlong": "llong", "ulonglong": "ullong"}
_REAL_UNARY = """acos acosh asin asinh atan atanh cbrt ceil cos cosh cospi cyl_bessel_i0 cyl_bessel_i1 erf erfc erfcinv
    erfcx erfinv exp exp10 exp2 expm1 fabs floor ilogb j0 j1 lgamma llrint llround log log10 log1p log2 logb lrint
    lround nearbyint normcdf normcdfinv rcbrt rint round rsqrt sin sinh sinpi sqrt tan tanh tgamma trunc y0
    y1""".split()
_REAL_BINARY = "atan2 copysign fdim fmax fmin fmod hypot ldexp nextafter pow remainder rhypot scalbn fdivide".split()
DEVICE_ARITY: dict[str, tuple[int, int]] = {
    **{
        f"__{name}": (1, 1)
        for name in """expf exp10f logf log2f log10f sinf cosf tanf tanhf saturatef popc popcll clz clzll brev brevll
        ffs ffsll float2int_rn float2int_rz float2int_ru float2int_rd float2uint_rn int2float_rn uint2float_rn
        float_as_int float_as_uint int_as_float uint_as_float double_as_longlong longlong_as_double ldg ldcg ldca ldcs
        float2half half2float float2bfloat16 bfloat162float half2int_rn int2half_rn frcp_rn frsqrt_rn
        fsqrt_rn double2float_rn float2half_rn double2int_rn syncthreads_count syncthreads_and
        syncthreads_or nanosleep hneg habs half22float2 float2half2_rn low2half high2half low2float high2float
        half2half2 bfloat1622float2 float22half2_rn float22bfloat162_rn""".split()
    },
    **{
        f"__{name}": (2, 2)
        for name in """powf fdividef fadd_rn fsub_rn fmul_rn fdiv_rn mul24 umul24 mulhi umulhi hadd_rn dadd_rn dmul_rn
        all_sync any_sync ballot_sync hadd hsub hmul hdiv hadd2 hmul2 hsub2 hmax hmin hgt hlt hge hle heq hmax2 hmin2
        floats2half2_rn halves2half2 stcg stcs reduce_add_sync reduce_max_sync reduce_min_sync""".split()
    },
    **{f"__{name}": (3, 3) for name in "fmaf_rn hfma hfma2 sad usad byte_perm sincosf funnelshift_l".split()},
    **{f"__shfl{kind}_sync": (3, 4) for kind in ("", "_up", "_down", "_xor")},
    **dict.fromkeys(
        """__syncthreads __threadfence __threadfence_block __threadfence_system __activemask __trap clock
        clock64""".split(),
        (0, 0),
    ),
    "__syncwarp": (0, 1), "__launch_bounds__": (1, 3), "sincosf": (3, 3), "sincos": (3, 3),
    **dict.fromkeys("atomicAdd atomicSub atomicExch atomicMin atomicMax atomicAnd atomicOr atomicXor".split(), (2, 2)),
    **dict.fromkeys("atomicInc atomicDec atomicAdd_block atomicAdd_system".split(), (2, 2)),
    "atomicCAS": (3, 3),
}  # fmt: skip
"""Functions that exist in device code only: fewest and most arguments."""
BOTH_ARITY: dict[str, tuple[int, int]] = {
    **{name + tail: (1, 1) for name in _REAL_UNARY for tail in ("", "f")},
    **{name + tail: (2, 2) for name in _REAL_BINARY for tail in ("", "f")},
    "fma": (3, 3), "fmaf": (3, 3), "norm3df": (3, 3), "max": (2, 2), "min": (2, 2), "umin": (2, 2), "umax": (2, 2),
    "llmin": (2, 2), "llmax": (2, 2), "abs": (1, 1), "isnan": (1, 1), "isinf": (1, 1), "isfinite": (1, 1),
    **{f"make_{base}{n}": (n, n) for base in _SCALARS for n in (1, 2, 3, 4)},
}  # fmt: skip
"""Functions that exist in host and in device code under nvcc."""
VARIABLES = frozenset({"threadIdx", "blockIdx", "blockDim", "gridDim", "warpSize"})
RUNTIME_ARITY: dict[str, tuple[int, int]] = {
    **dict.fromkeys("cudaGetLastError cudaPeekAtLastError cudaDeviceSynchronize cudaDeviceReset".split(), (0, 0)),
    **dict.fromkeys(
        """cudaGetErrorString cudaGetErrorName cudaFree cudaFreeHost cudaSetDevice cudaGetDevice cudaGetDeviceCount
        cudaStreamCreate cudaStreamDestroy cudaStreamSynchronize cudaEventCreate cudaEventDestroy
        cudaEventSynchronize cudaStreamQuery cudaEventQuery""".split(),
        (1, 1),
    ),
    "cudaMalloc": (2, 2), "cudaMemcpy": (4, 4), "cudaMemcpyAsync": (4, 5), "cudaMemset": (3, 3),
    "cudaMemsetAsync": (3, 4), "cudaEventRecord": (1, 2), "cudaStreamWaitEvent": (2, 3),
    "cudaEventElapsedTime": (3, 3), "cudaGetDeviceProperties": (2, 2), "cudaFuncSetAttribute": (3, 3),
    "cudaMemcpyToSymbol": (3, 5), "cudaMallocHost": (2, 3), "cudaDeviceGetAttribute": (3, 3),
    "cudaStreamCreateWithFlags": (2, 2), "cudaMallocAsync": (3, 3), "cudaFreeAsync": (2, 2),
    "cudaMallocManaged": (2, 3), "cudaFuncSetCacheConfig": (2, 2), "cudaMemcpyToSymbolAsync": (4, 6),
    "cudaMemcpyFromSymbol": (3, 5), "cudaLaunchKernel": (5, 6), "cudaMemcpy2D": (7, 7),
    "cudaOccupancyMaxPotentialBlockSize": (3, 5), "cudaStreamCreateWithPriority": (3, 3),
    "cudaDeviceSetCacheConfig": (1, 1), "cudaDeviceSetLimit": (2, 2), "cudaFuncGetAttributes": (2, 2),
    "cudaOccupancyMaxActiveBlocksPerMultiprocessor": (4, 4), "cudaHostAlloc": (3, 3), "cudaMemPrefetchAsync": (3, 5),
    "cudaEventCreateWithFlags": (2, 2), "cudaLaunchCooperativeKernel": (5, 6),
}  # fmt: skip
"""Functions of the runtime API."""
_RUNTIME_OTHER = frozenset(
    """cudaSuccess cudaMemcpyHostToDevice cudaMemcpyDeviceToHost cudaMemcpyDeviceToDevice cudaMemcpyDefault
    cudaStreamNonBlocking cudaStreamDefault cudaEventDefault cudaEventDisableTiming cudaEventBlockingSync
    cudaFuncAttributeMaxDynamicSharedMemorySize cudaFuncAttributePreferredSharedMemoryCarveout
    cudaFuncCachePreferL1 cudaFuncCachePreferShared cudaErrorInvalidValue""".split()
)
TYPES = frozenset(VECTORS) | frozenset(
    """dim3 cudaStream_t cudaError_t cudaError cudaEvent_t cudaDeviceProp cudaMemcpyKind cudaGraph_t cudaGraphExec_t
    half half2 __half __half2 nv_bfloat16 nv_bfloat162 __nv_bfloat16 __nv_bfloat162 __nv_fp8_e4m3 __nv_fp8_e5m2
    curandState curandState_t curandStatePhilox4_32_10_t curandStateXORWOW_t curandGenerator_t
    cublasHandle_t cublasStatus_t cublasLtHandle_t cublasComputeType_t cublasGemmAlgo_t cublasMath_t
    cudnnHandle_t cudnnTensorDescriptor_t cudnnFilterDescriptor_t cudnnConvolutionDescriptor_t cudnnStatus_t
    cusparseHandle_t cusolverDnHandle_t cudaTextureObject_t cudaFuncAttributes cudaKernelNodeParams
    cudaAccessPolicyWindow
    cudaDataType cudaDataType_t cudaStreamCaptureStatus cudaPointerAttributes cuComplex cuFloatComplex
    cuDoubleComplex CUtensorMap CUstream CUdevice CUresult CUfunction CUmodule CUdeviceptr
    cg::thread_block cg::grid_group cg::thread_group cg::coalesced_group cg::thread_block_tile
    cooperative_groups::thread_block cooperative_groups::grid_group cooperative_groups::thread_block_tile
    cooperative_groups::thread_group cooperative_groups::coalesced_group thread_block grid_group thread_block_tile
    at::cuda::CUDAStream c10::cuda::CUDAStream at::cuda::CUDAGuard c10::cuda::CUDAGuard at::cuda::OptionalCUDAGuard
    c10::cuda::OptionalCUDAGuard at::cuda::CUDAStreamGuard c10::cuda::CUDAStreamGuard cudaDeviceAttr
    uint uchar ushort ulong""".split()
)
"""Types beside those that torch/extension.h brings to the host compiler."""
HEADERS: dict[str, tuple[str, ...]] = {
    "cublas": ("cublas_v2.h", "cublas.h", "cublasLt.h", "ATen/cuda/CUDAContext.h", "ATen/cuda/CUDABlas.h", "cublasXt.h",
               "c10/cuda/CUDAMathCompat.h", "ATen/cuda/CUDAContextLight.h"),
    "CUBLAS_": ("cublas_v2.h", "cublas.h", "cublasLt.h", "cublas_api.h", "ATen/cuda/CUDAContext.h",
                "ATen/cuda/CUDABlas.h", "ATen/cuda/CUDAContextLight.h"),
    "cudnn": ("cudnn.h", "ATen/cudnn/Handle.h", "ATen/cudnn/Descriptors.h", "ATen/cudnn/Utils.h",
              "ATen/cudnn/cudnn-wrapper.h", "cudnn_v8.h", "cudnn_v9.h", "cudnn_frontend.h"),
    "CUDNN_": ("cudnn.h", "ATen/cudnn/Handle.h", "ATen/cudnn/Descriptors.h", "ATen/cudnn/Utils.h",
               "ATen/cudnn/cudnn-wrapper.h", "cudnn_v8.h", "cudnn_v9.h", "cudnn_frontend.h"),
    "curand_": ("curand_kernel.h", "curand.h", "ATen/cuda/CUDAGraphsUtils.cuh", "curand_philox4x32_x.h",
                "ATen/cuda/detail/UnpackRaw.cuh"),
    "curandGenerator": ("curand.h",),
    "curandState": ("curand_kernel.h", "ATen/cuda/CUDAGraphsUtils.cuh"),
}  # fmt: skip
"""Beginnings of names, and the headers of which one must be included for them (any of them brings the name)."""
_GUARDS = ("c10/cuda/CUDAGuard.h", "c10/cuda/CUDAEvent.h", "ATen/cuda/CUDAEvent.h", "ATen/cuda/CUDAGraph")
NAMESPACE_HEADERS: dict[str, tuple[str, ...]] = {
    "at::cuda::getCurrentCUDAStream": ("c10/cuda/", "ATen/cuda/"),
    "c10::cuda::getCurrentCUDAStream": ("c10/cuda/", "ATen/cuda/"),
    "at::cuda::getStreamFromPool": ("c10/cuda/", "ATen/cuda/"),
    "c10::cuda::getStreamFromPool": ("c10/cuda/", "ATen/cuda/"),
    "at::cuda::CUDAStream": ("c10/cuda/", "ATen/cuda/"),
    "c10::cuda::CUDAStream": ("c10/cuda/", "ATen/cuda/"),
    "at::cuda::CUDAGuard": ("c10/cuda/", "ATen/cuda/"),
    "c10::cuda::CUDAGuard": ("c10/cuda/", "ATen/cuda/"),
    "at::cuda::CUDAStreamGuard": _GUARDS,
    "c10::cuda::CUDAStreamGuard": _GUARDS,
    "C10_CUDA_CHECK": ("c10/cuda/", "ATen/cuda/"),
    "C10_CUDA_KERNEL_LAUNCH_CHECK": ("c10/cuda/", "ATen/cuda/"),
    "AT_CUDA_CHECK": ("ATen/cuda/",),
    "at::cuda::getCurrentDeviceProperties": ("ATen/cuda/",),
    "at::cuda::getCurrentCUDABlasHandle": ("ATen/cuda/",),
}
"""Names of torch's CUDA side that torch/extension.h does not bring, and the beginnings of headers that do."""
_FAMILY = re.compile(
    r"__[a-z]|cuda[A-Z_]|cu[A-Z]\w|CU_|CUDA|cublas|CUBLAS|cudnn|CUDNN|cusparse|CUSPARSE|cusolver|curand|CURAND|nvtx|nvml"
    r"|nccl|tex[123]D|surf[123]D|__CUDA|atomic[A-Z]\w+_(?:block|system)"
    r"|h2?(?:exp|log|sqrt|rsqrt|sin|cos|tanh|floor|ceil|rcp|trunc|rint)\d*$"
)
"""Families too large for a table."""
ABSENT = frozenset(
    """__shfl __shfl_down __shfl_up __shfl_xor __ballot __any __all __log1pf __sqrtf __rsqrtf __erff __sigmoidf __absf
    __maxf __minf __fmaxf __fminf __fmaf __tanh __expm1f __geluf __reluf __floorf __ceilf __divf __addf
    __mulf""".split()
)
"""Names of those families that authors write and that do not exist from sm_70 on."""
_MACROS = frozenset(
    """C10_CUDA_CHECK AT_CUDA_CHECK C10_CUDA_KERNEL_LAUNCH_CHECK CUDA_KERNEL_LOOP CUDART_INF_F CUDART_NAN_F
    CUDART_PI_F CUDART_MAX_NORMAL_F CUDART_INF CUDART_PI __CUDA_ARCH__ __CUDACC__ __NVCC__ __LINE__ __FILE__ __func__
    __PRETTY_FUNCTION__ TORCH_CUDA_CHECK __grid_constant__ C10_LAUNCH_BOUNDS_1 C10_HOST_DEVICE C10_DEVICE C10_HOST
    C10_WARP_SIZE CUDA_VERSION CUDART_VERSION""".split()
)
_SPELT = sorted(frozenset(RUNTIME_ARITY) | _RUNTIME_OTHER | {"__syncthreads", "__shfl_down_sync", "__shfl_xor_sync"})
_KNOWN = frozenset(DEVICE_ARITY) | frozenset(RUNTIME_ARITY) | _RUNTIME_OTHER | VARIABLES


def exists(name: str) -> bool:
    """Whether nvcc brings this name, as far as is known; a slip of a known name does not exist."""
    if name in _KNOWN or name in BOTH_ARITY or name in TYPES or name in _MACROS:
        return True
    return name not in ABSENT and bool(_FAMILY.match(name)) and not near(name)


def near(name: str) -> str:
    """The name of the runtime API that this one is a slip of (one letter), or ""."""
    if len(name) < 10:
        return ""
    return next((known for known in _SPELT if distance(name, known, 2) == 1), "")


def check_headers(c: Any, name: str, line: int) -> None:
    """Report a name whose header is not among the checker's includes."""
    wanted = NAMESPACE_HEADERS.get(name)
    if wanted is None:
        wanted = next((headers for start, headers in HEADERS.items() if name.startswith(start)), None)
    if wanted is not None and not any(have.startswith(wanted) for have in c.includes):
        c.report("include", f"{name} needs {wanted[0]}", line)


def check_type(c: Any, name: str, line: int) -> bool:
    """Report a type whose header is missing, or a builtin type with a qualifier; whether something was reported."""
    head, _, tail = name.rpartition("::")
    if head and tail in ("float", "double", "int", "long", "bool"):
        c.report("template_arg", name, line)
        return True
    check_headers(c, name, line)
    return False


def arity(name: str) -> tuple[int, int] | None:
    """Fewest and most arguments of a function that nvcc brings."""
    return DEVICE_ARITY.get(name) or RUNTIME_ARITY.get(name) or BOTH_ARITY.get(name)


def structs() -> dict[str, Struct]:
    """Fields of dim3, uint3, float4 and their like, without methods."""
    found = {}
    for base in _SCALARS:
        kind = Type(_ELEMENT.get(base, base))
        for n in (1, 2, 3, 4):
            found[f"{base}{n}"] = Struct(f"{base}{n}", tuple((axis, kind, ()) for axis in "xyzw"[:n]), ())
    found["dim3"] = Struct("dim3", tuple((axis, Type("uint"), ()) for axis in "xyz"), ())
    return found


STRUCTS = structs()
