"""What triton.language holds, as of triton 3.9, and how many arguments its functions take.

Guaranteed: a name listed exists in that version; an argument count is known only for functions listed with one.
"""

from __future__ import annotations

LANGUAGE = frozenset(
    """
    PropagateNan TRITON_MAX_TENSOR_NUMEL abs add aggregate_replace arange argmax argmin associative_scan assume
    atomic_add atomic_and atomic_cas atomic_load atomic_max atomic_min atomic_or atomic_poll atomic_store atomic_xchg
    atomic_xor bfloat16 bitonic_merge block_type broadcast broadcast_to cast cat cdiv ceil clamp condition const
    constexpr constexpr_type core cos cumprod cumsum debug_barrier device_assert device_print div_rn dot dot_scaled
    dtype erf exp exp2 expand_dims expect_zero extra fdiv flip float16 float32 float64 float8e4b15 float8e4b8
    float8e4nv float8e5 float8e5b16 floor fma full gather histogram inline_asm_elementwise int1 int16 int32 int64 int8
    interleave join load load_tensor_descriptor log log2 make_block_ptr make_tensor_descriptor map_elementwise math
    max max_constancy max_contiguous maximum min minimum mul multiple_of num_programs pair_uniform_to_normal permute
    philox philox_impl pi32_t pointer_type program_id rand rand4x randint randint4x randn randn4x random range ravel
    reduce reduce_or reshape rsqrt sigmoid sin slice softmax sort split sqrt sqrt_rn squeeze standard static_assert
    static_print static_range store store_tensor_descriptor str_to_ty sub sum swizzle2d target_info tensor
    tensor_descriptor tensor_descriptor_type to_tensor topk trans tuple tuple_type uint16 uint32 uint64 uint8
    uint_to_uniform_float umulhi unsqueeze view void where xor_sum zeros zeros_like advance
    """.split()
)
"""Names of tl; `advance` is gone from 3.9 but stood there for years."""
MATH = frozenset("abs ceil cos div_rn erf exp exp2 fdiv floor fma log log2 rsqrt sin sqrt sqrt_rn umulhi".split())
"""Names of tl.math."""
ARITY: dict[str, tuple[int, int]] = {
    **dict.fromkeys("exp exp2 log log2 sin cos sqrt rsqrt sqrt_rn abs erf floor ceil sigmoid ravel".split(), (1, 1)),
    **dict.fromkeys("program_id num_programs zeros_like".split(), (1, 1)),
    **dict.fromkeys("cdiv fdiv div_rn umulhi".split(), (2, 3)),
    "load": (1, 8), "store": (2, 6), "maximum": (2, 3), "minimum": (2, 3), "where": (3, 3), "arange": (2, 2),
    "full": (2, 3), "zeros": (1, 2), "fma": (3, 3), "clamp": (3, 4), "sum": (1, 4), "dot": (2, 7), "argmax": (2, 4),
    "argmin": (2, 4), "max": (1, 5), "min": (1, 5), "broadcast_to": (2, 9), "expand_dims": (2, 2), "cast": (2, 4),
    "atomic_add": (2, 5), "atomic_max": (2, 5), "atomic_min": (2, 5), "softmax": (1, 4), "make_block_ptr": (6, 6),
    "cumsum": (1, 4),
}  # fmt: skip
"""Fewest and most arguments, keywords counted."""
KEYWORDS: dict[str, frozenset[str]] = {
    "load": frozenset(
        "pointer mask other boundary_check padding_option cache_modifier eviction_policy volatile".split()
    ),
    "store": frozenset("pointer value mask boundary_check cache_modifier eviction_policy".split()),
    "arange": frozenset({"start", "end"}),
    "where": frozenset({"condition", "x", "y"}),
    "program_id": frozenset({"axis"}),
}
"""Keywords of functions that know no others."""
AXIS_SECOND = frozenset({"max", "min", "sum", "argmax", "argmin", "cumsum", "xor_sum"})
"""Functions whose second argument is an axis: a constant."""
BUILTINS = frozenset(
    """range len min max abs int float bool print isinstance tuple list True False None str static_assert sum
    getattr hasattr super type zip enumerate""".split()
)
