"""Bytes and operations of a problem at its real sizes, and the time that a GPU needs at the least for them.

The roofline is the larger of bytes over bandwidth and operations over peak arithmetic: each input and parameter read
once, the output written once, nothing kept in between. It bounds fused kernels from below; it predicts none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

from kernelbench_harness.facts.dispatch import WATCH
from kernelbench_harness.facts.gpus import gpu_named
from kernelbench_harness.facts.memory import DryRunError, Source, Tensor
from kernelbench_harness.facts.modules import parameters
from kernelbench_harness.facts.problem import PYTHON_ERRORS, class_of, parse, real_sizes
from kernelbench_harness.facts.pyeval import Program

_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "bool": 1, "uint8": 1}
_PRODUCTS = frozenset({"matmul", "mm", "bmm", "mv", "dot", "addmm", "linear"})
_FREE = frozenset(
    """view reshape flatten ravel contiguous t transpose permute unsqueeze squeeze expand expand_as broadcast_to view_as
    detach select narrow chunk empty_like cpu cuda""".split()
)


@dataclass(frozen=True)
class ProblemWork:
    """What a problem moves and computes once."""

    known: bool
    """Whether forward could be followed; else bytes are those of the inputs and operations are 0."""
    bytes: float
    """Inputs, parameters and output, each once."""
    operations: float
    """Multiplications and additions of the operators; one an element for the others."""
    outputs: int
    """Elements of the result; 0 where it is not known."""


@lru_cache(maxsize=64)
def problem_work(reference: str) -> ProblemWork | None:
    """Work of a problem's forward; None where not even its inputs can be told. Never raises."""
    sizes, tree = real_sizes(reference), parse(reference)
    if sizes is None or tree is None:
        return None
    init, inputs = sizes
    moved = [x for x in inputs if isinstance(x, Tensor)]
    count = _Count()
    token = WATCH.set(count)
    try:
        program = Program(tree, Source(3, False))
        model = program.construct(class_of(tree, "Model"), list(init), {})
        count.operations = 0.0
        result = program.forward(model, list(inputs))
    except (DryRunError, OverflowError, *PYTHON_ERRORS):
        return ProblemWork(False, sum(map(_size, moved)), 0.0, 0)
    finally:
        WATCH.reset(token)
    made = [x for x in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(x, Tensor)]
    held = parameters(model).values()
    outputs = sum(x.numel for x in made)
    return ProblemWork(True, sum(map(_size, [*moved, *held, *made])), max(count.operations, float(outputs)), outputs)


def roofline_ms(reference: str, gpu: str) -> float | None:
    """Milliseconds that `gpu` needs at the least for a problem; None for an unknown GPU or problem."""
    work, named = problem_work(reference), gpu_named(gpu)
    if work is None or named is None or not work.known:
        return None
    return 1e3 * max(work.bytes / named.bandwidth, work.operations / named.flops)


def _size(x: Tensor) -> float:
    return float(x.numel * _BYTES.get(x.dtype, 4))


class _Count:
    """Counts operations while a problem is followed; mutable for that."""

    __slots__ = ("operations",)

    def __init__(self) -> None:
        self.operations = 0.0

    def __call__(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        made = result[0] if isinstance(result, tuple) and result else result
        out = made.numel if isinstance(made, Tensor) else 0
        given = [a for a in args if isinstance(a, Tensor)]
        if name in _FREE:
            return
        if name in _PRODUCTS and given:
            left = given[1] if name == "addmm" and len(given) > 2 else given[0]
            self.operations += 2.0 * out * left.shape[-1]
        elif name.startswith("conv_transpose") and len(given) > 1:
            self.operations += 2.0 * given[0].numel * prod(given[1].shape[1:])
        elif name.startswith("conv") and len(given) > 1:
            self.operations += 2.0 * out * prod(given[1].shape[1:])
        elif name == "scaled_dot_product_attention" and len(given) > 2:
            rows, keys = given[0].numel, given[1].shape[-2]
            self.operations += 4.0 * rows * keys
        else:
            self.operations += float(max([out, *(a.numel for a in given)]))
