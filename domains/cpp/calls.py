"""Calls worth labelling: the corpus's pairs of a clean and a broken candidate, and how they are split.

By operator: TEST_OPERATORS and VALIDATION_OPERATORS never reach training. By twin: a clean candidate and its broken
copy share a split. By mistake: pairs with a kind in HELD_OUT_MISTAKES are test only. What a sample's mistake is called
is never shown to a model; what it does is decided by the real tool alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.domain import CallItem, Split
from base_gtm.schema import ToolCall
from domains.kernels import HeldOut, folder_calls

if TYPE_CHECKING:
    from kernelbench_harness.corpus import Sample

TOOL = "cpp_code_validator"
TEST_OPERATORS = frozenset(
    "hardswish gelu_tanh softsign matmul_transposed_b diagonal_matmul log_softmax rms_norm max exclusive_cumsum "
    "huber_loss avg_pool2d depthwise_conv2d linear_gelu linear_sigmoid_sum".split()
)
VALIDATION_OPERATORS = frozenset("elu matvec l2_norm mean l1_loss max_pool1d linear_tanh_scale".split())
HELD_OUT_MISTAKES = frozenset({"redeclared", "wrong_start", "python_argument_count"})
"""One kind each that breaks compiling, values, and the call."""
_HELD_OUT = HeldOut(TEST_OPERATORS, VALIDATION_OPERATORS, HELD_OUT_MISTAKES, test_share=12, validation_share=8)


def place(operator: str, mistake: str | None, twin: str) -> tuple[Split, str]:
    """Split and cohort of a pair, from its operator, the mistake of its broken copy, and its id."""
    return _HELD_OUT.place(operator, (mistake,), twin)


def _item(sample: Sample, split: Split, cohort: str) -> CallItem:
    tags: dict[str, Any] = {
        "operator": sample.operator,
        "family": sample.family,
        "style": sample.style,
        "mistake": sample.mistake,
        "mistake_class": sample.mistake_class,
        "site": list(sample.site) if sample.site else None,
    }
    arguments = {"reference": sample.problem.code, "candidate": sample.code}
    return CallItem(ToolCall(TOOL, arguments), split, cohort, sample.operator, sample.twin, tags)


def calls(seed: int) -> Iterator[CallItem]:
    """Endless pairs; the same seed gives the same calls on every machine."""
    from kernelbench_harness.corpus import pair

    for index in count():
        samples = pair(seed, index)
        mistake = next((sample.mistake for sample in samples if sample.mistake), None)
        split, cohort = place(samples[0].operator, mistake, samples[0].twin)
        for sample in samples:
            yield _item(sample, split, cohort)


def foreign_calls() -> Iterator[CallItem]:
    """Kernels written by hand in styles that the corpus does not have; reported apart, never trained on."""
    yield from folder_calls(Path(__file__).parent / "foreign", TOOL)
