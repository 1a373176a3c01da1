"""From a seed to a clean candidate: draw operator, size, formula and style, name everything, render.

Guarantee: the same seed, index and language give the same text in every process and Python version.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from random import Random

from kernelbench_harness.corpus.languages import cpp, wrapper
from kernelbench_harness.corpus.languages.host import Plan
from kernelbench_harness.corpus.loopnest import LOOPS, names_in, parse, statements
from kernelbench_harness.corpus.names import Names
from kernelbench_harness.corpus.operator import Operator
from kernelbench_harness.corpus.styles import Style
from kernelbench_harness.corpus.text import Draft

LANGUAGES = ("cpp", "cuda", "triton")
_FUNCTIONS = (
    "{}_forward",
    "{}_cpu",
    "{}",
    "forward",
    "{}_op",
    "run_{}",
    "custom_{}",
    "fast_{}",
    "launch_{}",
    "{}_fwd",
    "compute",
    "{}_impl",
)


def planned(
    operator: Operator, rng: Random, language: str, variants: Sequence[Mapping[str, int | float]] | None = None
) -> tuple[Plan, int]:
    """A plan for one operator, and the index of the variant that was drawn from `variants`, or from its own."""
    variants = operator.variants if variants is None else variants
    variant = rng.randrange(len(variants))
    body = rng.choice(operator.bodies if language != "triton" else [b for b in operator.bodies if _uniform(b)])
    style = Style.draw(rng).fit(operator.needs_signed)
    names = Names(style.naming, rng)
    nest = parse(body)
    tensors = {array.name: names.assign(array.name, "input") for array in operator.inputs}
    function = rng.choice(_FUNCTIONS).format(operator.name)
    function = names.fresh(
        function if "{" not in function else operator.name, f"{operator.name}_fn", f"{operator.name}_custom"
    )
    plan = Plan(operator, variants[variant], nest, style, names, rng, tensors, function)
    for scalar in operator.scalars:
        names.assign(scalar.name, "scalar")
    for name in plan.sizes_used():
        names.assign(name, "dim")
    return plan, variant


def _uniform(body: str) -> bool:
    """True where every loop bound is the same for all elements of a Triton block."""
    loops = [node for node in statements(parse(body).body) if isinstance(node, ast.For)]
    return all(name.isupper() or name in LOOPS for node in loops for name in names_in([node.iter]))


def rendered(plan: Plan, language: str) -> Draft:
    """The clean candidate of a plan, with its sites."""
    if language == "cpp":
        return Draft.read(wrapper.model_new(plan, {"cpp_sources": cpp.source(plan)}))
    if language == "cuda":
        from kernelbench_harness.corpus.languages import cuda

        return Draft.read(wrapper.model_new(plan, cuda.sources(plan)))
    from kernelbench_harness.corpus.languages import triton

    before, call = triton.source(plan)
    return Draft.read(wrapper.model_new(plan, {}, call, before))
