"""Demonstrations: candidates as a hurried author would write them for these problems, good and bad ones.

The corpus renders them and plants its mistakes, in a narrow handwriting: short names, no comments, no blank lines, one
way of calling load_inline. What is left free is what decides: the formula, the precision, the compiler's flags. A
small model needs hundreds of tokens less for such a text, and what it has to choose is worth choosing.

Guarantee: the same seed gives the same texts in every process. What a text is worth is not known here; the real tool
decides.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernelbench_harness.corpus.operator import Operator

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_PLAIN: dict[str, Any] = {
    "naming": "short",
    "index_type": "int64_t",
    "indexing": "horner",
    "layout": "host",
    "loop": "lt",
    "unroll": False,
    "tile": 0,
    "walk": False,
    "pragma": "",
    "increment": "++{}",
    "braces": "same",
    "comments": "none",
    "checks": 0,
    "contiguous": "none",
    "allocate": "empty",
    "binding": "functions",
    "wrapper": "module",
    "pointer": "plain",
    "compound": True,
    "cast": "static",
    "tensor": "torch::Tensor {}",
    "indent": 4,
    "constness": False,
    "swap_order": False,
    "spare": False,
    "extra_include": "",
}
"""The axes of a style that are not drawn. Drawn: accumulator, math, suffix, extremum, helper, bake, optimise, divide,
infinity."""


class _Firm(Random):
    """A generator that always takes the first of what it is offered, and leaves out what is optional."""

    def random(self) -> float:
        return 0.99

    def choice(self, seq: Any) -> Any:
        return seq[0]


def demonstration(operator: Operator, variant: int, rng: Random, language: str, broken: float) -> str:
    """A candidate for an operator at one of its sizes; with probability `broken` a mistake is planted."""
    from kernelbench_harness.corpus.plan import rendered
    from kernelbench_harness.corpus.samples import broken_copy

    draft = rendered(_plan(operator, variant, rng, language), language)
    mistaken = broken_copy(draft, rng, language) if rng.random() < broken else None
    return compact(mistaken or draft.text)


def compact(code: str) -> str:
    """The candidate without blank lines: as a demonstration is written."""
    return _BLANK_LINES.sub("\n", code).strip()


def _plan(operator: Operator, variant: int, rng: Random, language: str) -> Any:
    """As the corpus plans a candidate, in the narrow handwriting."""
    from kernelbench_harness.corpus.languages.host import Plan
    from kernelbench_harness.corpus.loopnest import parse
    from kernelbench_harness.corpus.names import Names
    from kernelbench_harness.corpus.styles import Style

    nest = parse(rng.choice(operator.bodies))
    style = replace(Style.draw(rng), **_PLAIN)
    style = replace(style, helper="inline" if style.helper == "inline" else "function").fit(operator.needs_signed)
    names = Names(style.naming, _Firm())
    tensors = {array.name: names.assign(array.name, "input") for array in operator.inputs}
    function = names.fresh("run")
    # The name of an operator would go into the names of functions, which a small model had to copy.
    plan = Plan(
        replace(operator, name="op"), operator.variants[variant], nest, style, names, _Firm(), tensors, function
    )
    for scalar in operator.scalars:
        names.assign(scalar.name, "scalar")
    for name in plan.sizes_used():
        names.assign(name, "dim")
    return plan
