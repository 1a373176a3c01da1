"""Calls worth labelling: the corpus's families of CUDA candidates, some Triton among them, and how they are split.

A family is a clean candidate, a copy with a mistake that a compiler should notice, and a copy with another mistake, so
that any beginning of the stream has all three in equal shares. By operator: TEST_OPERATORS and VALIDATION_OPERATORS
never reach training. By family: all copies share a split. By mistake: families with a kind in HELD_OUT_MISTAKES are
test only. Half of the CUDA families whose operator corresponds to a KernelBench problem have a GPU's sizes; Triton's
have a CPU's, which its interpreter can run. What a sample's mistake is called is never shown to a model; what it does
is decided by the real tool alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from adapt.domain import CallItem, Split
from base_gtm.schema import ToolCall
from domains.kernels import HeldOut

if TYPE_CHECKING:
    from kernelbench_harness.corpus import Sample

TOOL = "cuda_code_validator"
TEST_OPERATORS = frozenset(
    "hardswish gelu_tanh softsign matmul_transposed_b diagonal_matmul log_softmax rms_norm max exclusive_cumsum "
    "huber_loss avg_pool2d depthwise_conv2d linear_relu linear_sigmoid_sum matvec".split()
)
VALIDATION_OPERATORS = frozenset("elu l2_norm mean l1_loss max_pool1d".split())
HELD_OUT_MISTAKES = frozenset({"redeclared", "launch_syntax", "wrong_start", "python_argument_count"})
"""Two kinds that break compiling, one that breaks values, one that breaks the call."""
HELD_OUT = HeldOut(TEST_OPERATORS, VALIDATION_OPERATORS, HELD_OUT_MISTAKES, test_share=6, validation_share=7)
TRITON_EVERY = 10
"""CUDA families between two Triton pairs."""
TRITON = "triton"
"""Cohort of all Triton calls; its test calls are of TEST_OPERATORS alone."""


def calls(seed: int) -> Iterator[CallItem]:
    """Endless families; the same seed gives the same calls on every machine, with a GPU or without."""
    from kernelbench_harness.corpus import pair, siblings

    for index in count():
        if index % TRITON_EVERY == TRITON_EVERY - 1:
            yield from _triton(pair(seed, index, "triton"))
        family = siblings(seed, index, "cuda")
        mistakes = [sample.mistake for sample in family]
        split, cohort = HELD_OUT.place(family[0].operator, mistakes, family[0].twin)
        for sample in family:
            yield _item(sample, split, cohort)


def _triton(samples: tuple[Sample, ...]) -> Iterator[CallItem]:
    operator = samples[0].operator
    split: Split = (
        "test" if operator in TEST_OPERATORS else "validation" if operator in VALIDATION_OPERATORS else "train"
    )
    for sample in samples:
        yield _item(sample, split, TRITON)


def _item(sample: Sample, split: Split, cohort: str) -> CallItem:
    tags: dict[str, Any] = {
        "operator": sample.operator,
        "family": sample.family,
        "language": sample.language,
        "scale": sample.problem.scale,
        "kernelbench": [sample.problem.level, sample.problem.problem_id] if sample.problem.problem_id else None,
        "style": sample.style,
        "mistake": sample.mistake,
        "mistake_class": sample.mistake_class,
        "site": list(sample.site) if sample.site else None,
    }
    arguments = {"reference": sample.problem.code, "candidate": sample.code}
    return CallItem(ToolCall(TOOL, arguments), split, cohort, sample.operator, sample.twin, tags)
