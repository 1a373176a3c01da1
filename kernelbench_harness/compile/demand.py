"""What a CUDA source asks of the shim's headers, so that nvcc's front ends read no more than that.

The real headers bring the whole of the standard library and of the driver's interface to a kernel that names none of
it; reading them takes nine tenths of the compile time (5.2 CPU seconds against 0.6 for a typical kernel). `flags` looks
at the names in a source and says which parts the shim must show, `toolkit` which of CUDA's own headers. Guarantees: a
part more or less never turns a refusal into an acceptance that the whole would not give: a source that declares a name
of a part names it, and so has the part shown. Not guaranteed: that every part needed is found (a name that a macro
pastes together, say), so a source that fails under these flags is compiled again without them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kernelbench_harness.compile.guards import includes
from kernelbench_harness.compile.names import KEYWORDS
from kernelbench_harness.compile.tokens import Token

SLIM = "-DKBSHIM_SLIM"
PRELUDE = ("-include", "kbshim/prelude.h")
"""Given before nvcc's own `-include cuda_runtime.h`, together with SLIM."""

_BASE = set(
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor "
    "fma fmax fmin fmod frexp hypot ilogb isfinite isinf isnan isnormal ldexp lgamma llrint llround log log10 log1p "
    "log2 logb lrint lround modf nan nanf nearbyint nextafter pow remainder rint round scalbn signbit sin sinh sqrt "
    "tan tanh tgamma trunc absf expf logf sqrtf powf tanhf fabsf floorf ceilf fmaxf fminf roundf "
    "size_t ptrdiff_t nullptr_t max_align_t byte int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
    "uintptr_t intptr_t initializer_list "
    "memcpy memset memmove memcmp strlen strcmp malloc free calloc realloc exit abort getenv atoi atof rand srand "
    "div".split()
)
"""Names of C's headers, which are always there."""
_UTILITY = set(
    "numeric_limits float_round_style "
    "is_same is_same_v is_floating_point is_floating_point_v is_integral is_integral_v is_arithmetic is_arithmetic_v "
    "is_signed is_signed_v is_unsigned is_unsigned_v is_pointer is_pointer_v is_const is_const_v is_void is_void_v "
    "is_convertible is_convertible_v is_base_of is_base_of_v is_reference is_reference_v is_trivially_copyable "
    "is_trivially_copyable_v conditional conditional_t enable_if enable_if_t remove_reference remove_reference_t "
    "remove_cv remove_cv_t remove_const remove_const_t remove_cvref remove_cvref_t remove_pointer remove_pointer_t "
    "decay decay_t make_unsigned make_unsigned_t make_signed make_signed_t integral_constant bool_constant true_type "
    "false_type common_type common_type_t void_t declval underlying_type underlying_type_t "
    "move forward swap exchange pair make_pair index_sequence make_index_sequence integer_sequence "
    "make_integer_sequence in_place".split()
)
_PARTS: dict[str, set[str]] = {
    "UTILITY": _UTILITY,
    "ALGORITHM_BASE": set("min max copy fill fill_n equal iter_swap lower_bound".split()),
    "ARRAY": {"array"},
    "OPTIONAL": set("optional nullopt nullopt_t make_optional".split()),
    "VECTOR": {"vector"},
    "STREAM": set(
        "string to_string stoi stol stoll stof stod ostream istream ostringstream istringstream stringstream exception "
        "runtime_error logic_error invalid_argument out_of_range domain_error length_error overflow_error "
        "range_error underflow_error bad_alloc".split()
    ),
    "TUPLE": set("tuple make_tuple get tie ignore tuple_size tuple_element forward_as_tuple apply".split()),
}
_ANYWHERE: dict[str, set[str]] = {
    "VECTOR": {"vec"},
    "OPTIONAL": set("slice optional nullopt make_optional OptionalCUDAGuard OptionalDeviceGuard device_of".split()),
    "STREAM": set("Error IndexError ValueError TypeError NotImplementedError str ostream".split()),
    "THRUST": {"thrust"},
    "MODULE": set("PYBIND11_MODULE pybind11 py wrap_pybind_function module_ kwargs".split()),
}
"""Words that ask for a part without std:: before them; a member's name of the same spelling costs only time."""
_ALONE = {"DRIVER", "FLOATN"}
"""Parts that stand on nothing else; the others stand on <utility>."""
_PLAIN_HEADER = re.compile(
    r"(torch|ATen|c10|pybind11)/.*|(cuda|cuda_runtime|cuda_runtime_api|device_launch_parameters|math_constants)\.h"
    r"|(cuda_fp16|cuda_bf16)\.h|(assert|ctype|errno|float|inttypes|limits|math|stddef|stdint|stdio|stdlib|string|time)\.h"
    r"|c(assert|ctype|errno|float|inttypes|limits|math|stddef|stdint|stdio|stdlib|string|time)"
)
"""Headers that need no other than those which a slim unit has anyway; cuda_fp16.h brings its own part."""
_TOOLKIT = (
    "texture_indirect_functions", "surface_indirect_functions", "sm_20_atomic_functions", "sm_30_intrinsics",
    "sm_32_atomic_functions", "sm_32_intrinsics", "sm_60_atomic_functions", "sm_61_intrinsics",
)  # fmt: skip
"""Headers of the toolkit that <cuda_runtime.h> reads and nothing else of it needs; prelude.h knows their guards."""
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(|#\s*define\s+(\w+)")
_NARROW = re.compile(r"half|bfloat|bf16|fp16|^__h|^h2|opmath|acc_?type", re.IGNORECASE)
_DRIVER = re.compile(r"cuuint\w*|cu[A-Z]\w*|CU[a-z]\w*|CU_\w+|CUDA_[A-Z]\w*")
_FLOATN = re.compile(r"\w*[fF](16|32|64|128)x?(_l)?|__HAVE_\w*")


def flags(tokens: Sequence[Token]) -> list[str] | None:
    """The flags under which this source is compiled first, or None where it needs the headers whole."""
    words = {token.text for token in tokens if token.kind == "word"}
    if _opens_std(tokens) or "__has_include" in words:
        return None
    parts: set[str] = set()
    for name in _after_std(tokens):
        part = next((part for part, names in _PARTS.items() if name in names), None)
        if part is None and name not in _BASE:
            return None
        if part is not None:
            parts.add(part)
    parts |= {part for part, names in _ANYWHERE.items() if names & words}
    if any(_NARROW.search(word) for word in words):
        parts.add("NARROW")
    if any(_DRIVER.fullmatch(word) for word in words):
        parts.add("DRIVER")
    if any(_FLOATN.fullmatch(word) for word in words):
        parts.add("FLOATN")
    if parts - _ALONE or not _plain(tokens):
        parts.add("UTILITY")
    return [SLIM, *(f"-DKBSHIM_WITH_{part}" for part in sorted(parts))]


def toolkit(tokens: Sequence[Token], include: Path) -> list[str]:
    """The flags for what a source needs of the toolkit whose headers lie in `include`."""
    words = {token.text for token in tokens if token.kind == "word"}
    whole = not _plain(tokens) or "thrust" in words or any(word.startswith("__nv_") for word in words)
    return [f"-DKBSHIM_WITH_{name.upper()}" for name in _TOOLKIT if whole or words & _declared(include, name)]


@cache
def _declared(include: Path, name: str) -> frozenset[str]:
    """Functions and macros of one of the toolkit's headers and of its second half: a superset."""
    paths = [path for ending in ("h", "hpp") if (path := include / f"{name}.{ending}").exists()]
    text = "".join(re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(errors="replace"), flags=re.S) for path in paths)
    return frozenset(word for found in _CALLED.findall(text) for word in found if word) - KEYWORDS - {"defined"}


def _plain(tokens: Sequence[Token]) -> bool:
    """Whether a source includes no header that may stand on more than a slim unit has."""
    return all(_PLAIN_HEADER.fullmatch(name) for name in includes(tokens))


def _opens_std(tokens: Sequence[Token]) -> bool:
    """Whether std is opened wholesale or given another name: then any word may be one of its names."""
    for i, token in enumerate(tokens[:-1]):
        after = tokens[i + 1].text
        if token.text == "namespace" and after == "std":
            return True
        if token.text == "=" and after == "std" and i > 1 and tokens[i - 2].text == "namespace":
            return True
    return False


def _after_std(tokens: Sequence[Token]) -> set[str]:
    return {
        name.text
        for std, colons, name in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if std.text == "std" and colons.text == "::"
    }
