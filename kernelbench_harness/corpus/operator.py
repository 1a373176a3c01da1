"""What an operator is: a KernelBench problem of our own writing, and the loop nest that computes it.

Guarantee: equal parameters give byte-identical problem text, so that a harness can cache references.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from textwrap import indent

from kernelbench_harness.corpus.loopnest import parse, statements
from kernelbench_harness.label import Problem


@dataclass(frozen=True)
class Array:
    """A tensor that a kernel reads or writes."""

    name: str
    """Logical name in the loop nest."""
    shape: str
    """Dimension names in order ("N D"; "M 1" has a literal); "*" is a flat view of any shape; "" is a scalar."""
    source: str = ""
    """Python expression in ModelNew.forward that gives it; empty for the output."""
    dtype: str = "f32"
    """f32, i64 or bool."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimension names; ("T",) for a flat array."""
        return ("T",) if self.shape == "*" else tuple(self.shape.split())

    @property
    def flat(self) -> bool:
        """True when the shape does not matter."""
        return self.shape == "*"


@dataclass(frozen=True)
class Scalar:
    """A number that a kernel is given, as an argument or baked into its source."""

    name: str
    source: str
    """Python expression in ModelNew.forward, e.g. "self.alpha"."""
    value: str
    """Name of the variant's parameter that holds the value."""
    kind: str = "f"
    """f: floating, i: integer."""
    bakeable: bool = True
    """False where the value is known only at call time."""


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator: problem text, its sizes, and its loop nests. Compared and hashed by identity."""

    name: str
    family: str
    level: int
    doc: str
    forward_args: str
    """Tensor arguments of forward, comma-separated names."""
    forward: str
    """Body of the reference's forward."""
    inputs: tuple[Array, ...]
    output: Array
    bodies: tuple[str, ...]
    """Loop nests that compute the same thing; the first runs in every language."""
    variants: tuple[Mapping[str, int | float], ...]
    """Sizes and parameters; every one becomes a module constant of the problem."""
    get_inputs: str
    """Body of the list that get_inputs returns, e.g. "torch.randn(batch_size, dim)"."""
    init_args: str = ""
    """Comma-separated parameters of __init__; the variant's constants of the same names are passed."""
    init: str = ""
    """Body of __init__ after super().__init__()."""
    scalars: tuple[Scalar, ...] = ()
    imports: str = ""

    @property
    def needs_signed(self) -> bool:
        """True when an index may be negative on the way, so that size_t will not do."""
        return any("-" in body for body in self.bodies) or any(
            type(node).__name__ == "If" for body in self.bodies for node in statements(parse(body).body)
        )


def problem_code(operator: Operator, values: Mapping[str, int | float]) -> str:
    """Source of the operator's problem with these sizes and parameters."""
    constants = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    arguments = ", ".join(["self", *_parts(operator.init_args)])
    body = operator.init.strip("\n")
    tensors = ", ".join(f"{name}: torch.Tensor" for name in _parts(operator.forward_args))
    return f'''import torch
import torch.nn as nn
{operator.imports + chr(10) if operator.imports else ""}
class Model(nn.Module):
    """
    {operator.doc}
    """
    def __init__({arguments}):
        super(Model, self).__init__()
{indent(body, " " * 8) + chr(10) if body else ""}
    def forward(self, {tensors}) -> torch.Tensor:
{indent(operator.forward.strip(chr(10)), " " * 8)}

{constants}

def get_inputs():
    return [{operator.get_inputs}]

def get_init_inputs():
    return [{operator.init_args}]
'''


@lru_cache(maxsize=1024)
def _problem(operator: Operator, variant: int) -> Problem:
    code = problem_code(operator, operator.variants[variant])
    return Problem(operator.name, code, operator.level, 0, "corpus", "cpu")


def problem_of(operator: Operator, variant: int) -> Problem:
    """The problem at one of the operator's variants."""
    return _problem(operator, variant)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
