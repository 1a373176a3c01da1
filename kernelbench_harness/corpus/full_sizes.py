"""The corpus's operators at the sizes of a GPU: which KernelBench problems they correspond to, and how large.

The sizes are of the kind that KernelBench uses (powers of two, thousands of rows, images of 128 and more), chosen by
us: no tensor exceeds 2^26 elements, so that references of hundreds of problems fit a cache. Where an operator stands
for several KernelBench problems (square, irregular, tall matrices), each has its own sizes here.

Guarantee: `full_variants` gives every constant that the operator's own variants have. Not guaranteed: that a reference
is KernelBench's to the letter; the problems are ours, of the same form and the same operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kernelbench_harness.corpus.operator import Operator


@dataclass(frozen=True)
class FullSize:
    """One problem at a GPU's size."""

    level: int
    """KernelBench level; the operator's own where it stands for no KernelBench problem."""
    problem_id: int
    """KernelBench's number of the problem; 0 where it has none."""
    values: Mapping[str, int | float]
    """Sizes and parameters, complete."""


_FLAT = ({"batch_size": 16, "dim": 16384}, {"batch_size": 4096, "dim": 2048})
_ROWS = ({"batch_size": 16, "dim": 16384}, {"batch_size": 2048, "dim": 4096})
_IMAGE = (
    {"batch_size": 16, "features": 64, "height": 128, "width": 128},
    {"batch_size": 8, "features": 64, "height": 256, "width": 256},
)
_CUBE = (
    {"batch_size": 16, "dim1": 256, "dim2": 256},
    {"batch_size": 64, "dim1": 512, "dim2": 255},
)
_SCAN = ({"batch_size": 128, "length": 4000}, {"batch_size": 2048, "length": 4096})
_LOSS = ({"batch_size": 128, "dim": 4096}, {"batch_size": 512, "dim": 1024})
_LINEAR = (
    {"batch_size": 128, "in_features": 1024, "out_features": 512},
    {"batch_size": 1024, "in_features": 2048, "out_features": 1024},
)
_PRODUCT = ({"M": 1024, "K": 2048, "N": 1024}, {"M": 2048, "K": 1024, "N": 1536})
_SQUARE = ({"N": 1024}, {"N": 2048})
_CONV = (
    {
        "batch_size": 16,
        "in_channels": 3,
        "out_channels": 64,
        "height": 128,
        "width": 128,
        "kernel_size": 3,
        "stride": 1,
        "padding": 0,
    },
    {
        "batch_size": 32,
        "in_channels": 16,
        "out_channels": 32,
        "height": 64,
        "width": 96,
        "kernel_size": 5,
        "stride": 1,
        "padding": 2,
    },
)
_LINE = (
    {"batch_size": 16, "features": 64, "length": 4096, "kernel_size": 4, "stride": 2, "padding": 1},
    {"batch_size": 64, "features": 128, "length": 1024, "kernel_size": 3, "stride": 1, "padding": 1},
)
_PLANE = (
    {"batch_size": 16, "channels": 32, "height": 128, "width": 128, "kernel_size": 2, "stride": 2, "padding": 1},
    {"batch_size": 8, "channels": 64, "height": 256, "width": 256, "kernel_size": 3, "stride": 3, "padding": 0},
)

_LEVEL_1: Mapping[int, tuple[str, tuple[Mapping[str, int | float], ...]]] = {
    1: ("square_matmul", _SQUARE),
    2: ("matmul", _PRODUCT),
    3: ("batched_matmul", ({"batch_size": 128, "m": 128, "k": 256, "n": 512},)),
    4: ("matvec", ({"M": 256, "K": 65536}, {"M": 2048, "K": 8192})),
    5: ("matrix_scalar", ({"M": 4096, "N": 4096}, {"M": 8192, "N": 2048})),
    6: ("matmul", ({"M": 256, "K": 32768, "N": 256},)),
    7: ("matmul", ({"M": 4096, "K": 32, "N": 4096},)),
    8: ("matmul", ({"M": 2051, "K": 743, "N": 1481},)),
    9: ("matmul", ({"M": 16384, "K": 16, "N": 1024},)),
    10: ("tensor_matmul", ({"N": 16, "M": 512, "K": 1024, "L": 768},)),
    12: ("diagonal_matmul", ({"N": 4096, "M": 4096}, {"N": 2000, "M": 6000})),
    14: ("upper_triangular_matmul", _SQUARE),
    15: ("lower_triangular_matmul", _SQUARE),
    16: ("matmul_transposed_a", _PRODUCT),
    17: ("matmul_transposed_b", _PRODUCT),
    18: ("matmul_transposed_both", _PRODUCT),
    19: ("relu", _FLAT),
    20: ("leaky_relu", _FLAT),
    21: ("sigmoid", _FLAT),
    22: ("tanh", _FLAT),
    23: ("softmax", _ROWS),
    24: ("log_softmax", _ROWS),
    25: ("swish", _FLAT),
    26: ("gelu", _FLAT),
    27: ("selu", _FLAT),
    28: ("hardsigmoid", _FLAT),
    29: ("softplus", _FLAT),
    30: ("softsign", _FLAT),
    31: ("elu", _FLAT),
    32: ("hardtanh", _FLAT),
    33: ("batch_norm_inference", _IMAGE),
    34: ("instance_norm", _IMAGE),
    36: ("rms_norm", _IMAGE),
    37: ("frobenius_norm", ({"batch_size": 512, "dim": 4096}, {"batch_size": 1024, "dim": 1000})),
    38: ("l1_norm", _ROWS),
    39: ("l2_norm", _ROWS),
    40: ("layer_norm", _ROWS),
    41: ("max_pool1d", _LINE),
    42: ("max_pool2d", _PLANE),
    44: ("avg_pool1d", _LINE),
    45: ("avg_pool2d", _PLANE),
    47: ("sum_keepdim", _CUBE),
    48: ("mean", _CUBE),
    49: ("max", _CUBE),
    51: ("argmax", _CUBE),
    52: ("argmin", _CUBE),
    53: ("min", _CUBE),
    63: ("conv2d", _CONV),
    64: (
        "conv_transpose1d",
        (
            {
                "batch_size": 16,
                "in_channels": 64,
                "out_channels": 32,
                "length": 1024,
                "kernel_size": 3,
                "stride": 1,
                "padding": 0,
            },
        ),
    ),
    67: (
        "conv1d",
        (
            {
                "batch_size": 16,
                "in_channels": 3,
                "out_channels": 64,
                "length": 4096,
                "kernel_size": 3,
                "stride": 1,
                "padding": 0,
            },
        ),
    ),
    82: (
        "depthwise_conv2d",
        (
            {
                "batch_size": 16,
                "in_channels": 32,
                "height": 128,
                "width": 128,
                "kernel_size": 3,
                "stride": 1,
                "padding": 0,
            },
        ),
    ),
    87: (
        "pointwise_conv2d",
        ({"batch_size": 16, "in_channels": 32, "out_channels": 64, "height": 128, "width": 128},),
    ),
    88: ("gelu_tanh", _FLAT),
    89: ("cumsum", _SCAN),
    90: ("cumprod", _SCAN),
    91: ("reverse_cumsum", _SCAN),
    92: ("exclusive_cumsum", _SCAN),
    93: ("masked_cumsum", _SCAN),
    94: ("mse_loss", _LOSS),
    95: ("cross_entropy_loss", ({"batch_size": 4096, "num_classes": 10}, {"batch_size": 1024, "num_classes": 512})),
    96: ("huber_loss", _LOSS),
    98: ("kl_div_loss", _LOSS),
    99: ("triplet_margin_loss", _LOSS),
    100: ("hinge_loss", _LOSS),
}
_LEVEL_2: Mapping[int, tuple[str, tuple[Mapping[str, int | float], ...]]] = {
    9: ("gemm_subtract_multiply_relu", _LINEAR),
    29: ("linear_mish_mish", _LINEAR),
    56: ("linear_sigmoid_sum", _LINEAR),
    68: ("linear_min_subtract", _LINEAR),
    69: ("conv2d_hardswish_relu", _CONV),
    76: ("linear_relu", _LINEAR),
}


def _found(name: str) -> tuple[tuple[int, int, Mapping[str, int | float]], ...]:
    return tuple(
        (level, problem_id, sizes)
        for level, table in ((1, _LEVEL_1), (2, _LEVEL_2))
        for problem_id, (operator, variants) in table.items()
        if operator == name
        for sizes in variants
    )


def kernelbench_problems() -> tuple[tuple[int, int], ...]:
    """(level, problem id) of every KernelBench problem that some operator stands for."""
    return tuple((level, number) for level, table in ((1, _LEVEL_1), (2, _LEVEL_2)) for number in table)


def full_variants(operator: Operator) -> tuple[FullSize, ...]:
    """The operator at a GPU's sizes; none for one that no KernelBench problem corresponds to.

    Parameters that are no size (slopes, margins, eps) are those of the operator's own variants.
    """
    return tuple(
        FullSize(level, number, {**operator.variants[at % len(operator.variants)], **sizes})
        for at, (level, number, sizes) in enumerate(_found(operator.name))
    )
