"""Names that exist without being declared in the source: the C++ library, torch's C++ API, compiler builtins.

Guaranteed: a name listed here is really brought in by <torch/extension.h> on gcc with torch 2.13, unless a header is
named beside it. Not guaranteed: completeness; so an unknown `std::` name counts as unknown only in namespaces that are
listed as closed here.
"""

from __future__ import annotations

from kernelbench_harness.facts.torch_names import FUNCTIONS

TYPES = frozenset(
    """
    int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t size_t ssize_t ptrdiff_t
    int_fast32_t uint_fast32_t int_fast64_t uint_fast64_t int_least32_t intmax_t uintmax_t max_align_t FILE time_t
    std::int8_t std::int16_t std::int32_t std::int64_t std::uint8_t std::uint16_t std::uint32_t std::uint64_t
    std::size_t std::ptrdiff_t std::intptr_t std::uintptr_t std::nullptr_t std::byte
    std::vector std::array std::string std::pair std::tuple std::map std::unordered_map std::set std::unordered_set
    std::deque std::queue std::stack std::priority_queue std::list std::unique_ptr std::shared_ptr std::function
    std::optional std::variant std::complex std::bitset std::numeric_limits std::thread std::mutex std::atomic
    std::lock_guard std::unique_lock std::string_view std::initializer_list std::ostringstream std::stringstream
    std::runtime_error std::invalid_argument std::exception std::mt19937 std::chrono::steady_clock std::span
    std::conditional_t std::enable_if_t std::decay_t std::remove_reference_t std::common_type_t std::less
    std::greater std::plus std::multiplies std::random_device std::normal_distribution std::valarray std::any
    std::is_same std::integral_constant std::true_type std::false_type std::future std::condition_variable
    torch::Tensor at::Tensor torch::TensorOptions at::TensorOptions torch::IntArrayRef at::IntArrayRef
    c10::IntArrayRef torch::ScalarType at::ScalarType c10::ScalarType torch::Dtype torch::Device c10::Device
    at::Device torch::TensorList at::TensorList torch::Scalar at::Scalar c10::Scalar torch::optional c10::optional
    torch::nullopt_t c10::SmallVector torch::TensorAccessor at::TensorAccessor torch::PackedTensorAccessor32
    torch::PackedTensorAccessor64 torch::NoGradGuard at::NoGradGuard torch::InferenceMode c10::InferenceMode
    torch::Layout at::Layout torch::MemoryFormat at::MemoryFormat c10::MemoryFormat torch::Generator at::Generator
    c10::Half at::Half c10::BFloat16 at::BFloat16 c10::ArrayRef at::ArrayRef torch::ArrayRef c10::complex
    at::TensorArg at::TensorBase torch::TensorBase c10::DeviceType torch::DeviceType at::DeviceType
    at::vec::Vectorized torch::indexing::Slice at::opmath_type c10::MaybeOwned c10::List py::object py::list py::array
    __m128 __m128d __m128i __m256 __m256d __m256i __m512 __m512d __m512i __mmask16 __mmask8 cudaStream_t cudaError_t
    dim3 float4 float2 int2 int4 half __half __nv_bfloat16 uint3 curandState float3 double2 uint2 uint4 __half2 half2
    """.split()
)
"""Types by qualified name."""

C_FUNCTIONS: dict[str, int] = {
    **dict.fromkeys(
        """sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log log2 log10 log1p sqrt cbrt
        fabs floor ceil round trunc erf erfc tgamma lgamma rint nearbyint lround llround lrint llrint logb ilogb
        sinf cosf tanf asinf acosf atanf sinhf coshf tanhf asinhf acoshf atanhf expf exp2f expm1f logf log2f log10f
        log1pf sqrtf cbrtf fabsf floorf ceilf roundf truncf erff erfcf tgammaf lgammaf rintf nearbyintf lroundf
        abs labs llabs isnan isinf isfinite signbit free malloc strlen atoi atof exit""".split(),
        1,
    ),
    **dict.fromkeys(
        """pow powf fmax fmaxf fmin fminf fmod fmodf atan2 atan2f hypot hypotf copysign copysignf fdim fdimf ldexp
        ldexpf remainder remainderf nextafter nextafterf calloc realloc strcmp frexp frexpf modf modff
        aligned_alloc""".split(),
        2,
    ),
    **dict.fromkeys("fma fmaf memcpy memset memmove memcmp strncmp posix_memalign qsort3".split(), 3),
    **dict.fromkeys("printf fprintf snprintf sprintf abort assert rand srand clock time getenv puts".split(), -1),
}
"""Functions of the C library in the global namespace, with their argument count; -1: any."""

STD_ARITY: dict[str, tuple[int, int]] = {
    **{name: (count, count) for name, count in C_FUNCTIONS.items() if count > 0},
    "max": (1, 3), "min": (1, 3), "clamp": (3, 4), "swap": (2, 2), "accumulate": (3, 4), "fill": (3, 3),
    "fill_n": (3, 3), "copy": (3, 3), "copy_n": (3, 3), "abs": (1, 1), "move": (1, 3), "sort": (2, 3),
    "max_element": (2, 3), "min_element": (2, 3), "inner_product": (4, 6), "iota": (3, 3), "transform": (4, 5),
    "make_pair": (2, 2), "nth_element": (3, 4), "partial_sort": (3, 4), "exchange": (2, 2), "reverse": (2, 2),
    "isnan": (1, 1), "isinf": (1, 1), "lerp": (3, 3), "reduce": (2, 4), "for_each": (3, 3),
}  # fmt: skip
"""Functions of namespace std: fewest and most arguments."""

STD_NAMES = frozenset(
    """
    forward make_tuple tie get to_string numeric_limits make_unique make_shared cout cerr endl ref cref begin end
    nullopt nullptr_t distance next prev advance lower_bound upper_bound equal count count_if find find_if any_of
    all_of none_of unique partition stable_sort rotate generate partial_sum adjacent_difference midpoint gcd lcm
    this_thread chrono memory_order_relaxed memory_order_seq_cst memory_order_acquire memory_order_release
    is_same_v is_floating_point_v is_integral_v setw setprecision fixed hash addressof size data ssize
    in_place placeholders bind async launch apply visit holds_alternative isnormal fpclassify remquo scalbn
    bit_cast popcount assume_aligned execution is_same is_floating_point declval type_identity strtod stoi stof stol
    thread jthread mutex exp2f getline numbers ranges views transform_reduce inclusive_scan exclusive_scan
    fesetround fegetround minmax_element minmax heap_sort make_heap push_heap pop_heap partial_sort_copy fabs
    replace remove remove_if
    mismatch search max_align_t min_element
    """.split()
)

HEADERS: dict[str, tuple[str, ...]] = {
    "omp.h": ("omp_get_", "omp_set_"),
    "immintrin.h": ("_mm_", "_mm256_", "_mm512_"),
    "cblas.h": ("cblas_",),
    "cfloat": ("FLT_", "DBL_"),
    "cfenv": ("FE_TO", "FE_UP", "FE_DOWN", "FE_ALL", "fesetround", "fegetround"),
}
"""Beginnings of names that need a header which <torch/extension.h> does not bring (seen with gcc and torch 2.13)."""

HEADER_ALIASES: dict[str, tuple[str, ...]] = {
    "immintrin.h": ("immintrin.h", "x86intrin.h", "torch/extension.h", "torch/torch.h", "ATen/ATen.h", "xmmintrin.h"),
    "omp.h": ("omp.h", "-fopenmp"),
    "cblas.h": ("cblas.h",),
    "cfloat": ("cfloat", "float.h"),
    "cfenv": ("cfenv", "fenv.h"),
}
"""What else brings the same names; ATen brings omp.h only under -fopenmp."""

STD_FROM_GCC14 = frozenset(
    """
    acosf asinf atanf atan2f ceilf cosf coshf expf fabsf floorf fmodf frexpf ldexpf log10f logf modff powf sinf sinhf
    sqrtf tanf tanhf
    """.split()
)
"""C's float functions that libstdc++ has in namespace std only from gcc 14 on."""

TORCH_EXTRA = frozenset(
    """
    kFloat kFloat32 kFloat64 kDouble kInt kInt32 kInt64 kLong kInt8 kUInt8 kByte kBool kHalf kFloat16 kBFloat16 kShort
    kChar kInt16 kCPU kCUDA kStrided kComplexFloat dtype device TensorOptions Tensor NoGradGuard nullopt optional
    empty zeros ones full rand randn arange tensor from_blob scalar_tensor cat stack empty_like zeros_like parallel_for
    parallel_reduce get_num_threads set_num_threads get_thread_num in_parallel_region native sum max IntArrayRef
    toString elementSize isFloatingType typeMetaToScalarType intrusive_ptr make_intrusive layout requires_grad
    memory_format Scalar manual_seed save load where divup opmath_type globalContext in_parallel_region
    autograd make_tensor pin_memory sizes numel strides data_ptr lazy_init_num_threads tensor_list python device_of
    """.split()
)
"""What namespaces torch, at and c10 hold beside the functions of ATen."""

MACROS = frozenset(
    """
    TORCH_CHECK TORCH_INTERNAL_ASSERT TORCH_WARN TORCH_CHECK_TYPE TORCH_CHECK_VALUE TORCH_CHECK_INDEX AT_ASSERT
    AT_ERROR AT_ASSERTM CHECK_CUDA TORCH_EXTENSION_NAME TORCH_CHECK_NOT_IMPLEMENTED C10_UNUSED C10_RESTRICT
    AT_DISPATCH_FLOATING_TYPES AT_DISPATCH_ALL_TYPES AT_DISPATCH_FLOATING_TYPES_AND_HALF AT_DISPATCH_INTEGRAL_TYPES
    AT_DISPATCH_FLOATING_TYPES_AND2 AT_DISPATCH_FLOATING_TYPES_AND AT_DISPATCH_ALL_TYPES_AND AT_DISPATCH_ALL_TYPES_AND2
    AT_DISPATCH_FLOATING_AND_COMPLEX_TYPES TORCH_INTERNAL_ASSERT_DEBUG_ONLY AT_DISPATCH_INDEX_TYPES
    INFINITY NAN HUGE_VAL HUGE_VALF M_PI M_PI_2 M_PI_4 M_E M_SQRT2 M_SQRT1_2 M_2_SQRTPI M_1_PI M_2_PI M_LN2 M_LN10
    M_LOG2E M_LOG10E FLT_MAX FLT_MIN FLT_EPSILON DBL_MAX DBL_MIN DBL_EPSILON INT_MAX INT_MIN INT64_MAX INT64_MIN
    FE_TONEAREST FE_UPWARD FE_DOWNWARD FE_TOWARDZERO FE_ALL_EXCEPT UINT_MAX LONG_MAX LONG_MIN SIZE_MAX
    INT32_MAX INT32_MIN UINT32_MAX UINT64_MAX CHAR_BIT RAND_MAX LLONG_MAX
    LLONG_MIN NULL EOF __func__ __FUNCTION__ __FILE__ __LINE__ assert stdout stderr errno __restrict__ likely unlikely
    C10_LIKELY C10_UNLIKELY true false nullptr this void throw delete SHRT_MAX UINT8_MAX INT8_MAX ULONG_MAX offsetof
    """.split()
)
"""Macros, literals and the like."""

ROOTS = frozenset(
    {"std", "torch", "at", "c10", "py", "pybind11", "caffe2", "omp", "cub", "thrust", "wmma", "nvcuda", "cg"}
)
"""Namespaces."""

TENSOR_EXTRA = frozenset({"data", "accessor", "packed_accessor32", "packed_accessor64", "item", "data_ptr",
"mutable_data_ptr",
                          "const_data_ptr", "options", "defined", "sym_size", "T"})  # fmt: skip

VECTOR_MEMBERS = frozenset(
    """
    size data begin end push_back emplace_back resize reserve clear empty at front back insert erase assign pop_back
    swap capacity fill cbegin cend rbegin rend shrink_to_fit emplace max_size slice vec
    """.split()
)
"""Members of std::vector, std::array and IntArrayRef."""


def is_torch_function(name: str) -> bool:
    """Whether `torch::name` (or at::, c10::) exists, as far as is known."""
    return name in FUNCTIONS or name in TORCH_EXTRA
