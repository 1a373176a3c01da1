"""The problems of the study: small compositions of known steps, as operators of the kernel corpus.

An agent that learnt from some operators cannot know another's formula, but it can know that "tanh, then a sum over the
rows" is made of a tanh and a sum. So a problem is a composition of steps (activations, arithmetic, a linear layer, a
reduction), every step of which occurs in training; which compositions occur there and which do not is what the split
is made by.

Guarantees: the same compositions and the same split in every process; a composition is in one split; the single steps
and linear layers whose names the domain holds out from its simulator are test or validation problems here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from adapt.domain import Split

if TYPE_CHECKING:
    from kernelbench_harness.corpus.operator import Operator

Sizes = Mapping[str, Sequence[Mapping[str, int]]]
"""Family -> its sizes: "flat" and "rows" (batch_size, dim), "linear" (batch_size, in_features, out_features)."""

CPU_SIZES: Sizes = {
    "flat": ({"batch_size": 64, "dim": 512}, {"batch_size": 16, "dim": 1000}, {"batch_size": 128, "dim": 384}),
    "rows": ({"batch_size": 64, "dim": 256}, {"batch_size": 30, "dim": 500}, {"batch_size": 128, "dim": 100}),
    "linear": (
        {"batch_size": 32, "in_features": 96, "out_features": 64},
        {"batch_size": 20, "in_features": 150, "out_features": 50},
        {"batch_size": 64, "in_features": 64, "out_features": 40},
    ),
}
"""The corpus's own sizes: some microseconds to a millisecond on one core."""
GPU_SIZES: Sizes = {
    "flat": ({"batch_size": 16, "dim": 16384}, {"batch_size": 4096, "dim": 2048}, {"batch_size": 2048, "dim": 4096}),
    "rows": ({"batch_size": 2048, "dim": 1024}, {"batch_size": 512, "dim": 4096}, {"batch_size": 4096, "dim": 512}),
    "linear": (
        {"batch_size": 128, "in_features": 1024, "out_features": 512},
        {"batch_size": 256, "in_features": 512, "out_features": 256},
        {"batch_size": 64, "in_features": 2048, "out_features": 128},
    ),
}

_ACTIVATIONS = (
    "relu leaky_relu sigmoid tanh gelu gelu_tanh swish softplus softsign elu hardtanh hardsigmoid hardswish logsigmoid"
).split()
"""Of the corpus; those left out have long formulas, or constants of many digits."""
_CHAINED = 10
"""Second steps that each first step is chained with."""
_HELD_BACK = {"chain": (6, 4), "joined": (3, 2), "reduced": (4, 2), "linear": (2, 1)}
"""Compositions of each family for (test, validation), beside those that the domain names."""


@dataclass(frozen=True)
class Step:
    """A scalar function: torch's spelling, ours, and the parameter that both may have."""

    name: str
    torch: str
    """Expression of `x`."""
    formulas: tuple[str, ...]
    """Expressions of `v` in the corpus's loop-nest language."""
    parameters: Mapping[str, tuple[float, ...]]
    """Parameter -> a value for each size."""


@dataclass(frozen=True)
class Group:
    """One composition: an operator at one of its sizes."""

    operator: Operator
    variant: int
    split: Split

    @property
    def code(self) -> str:
        """Source of the reference, in KernelBench form."""
        from kernelbench_harness.corpus.operator import problem_of

        return problem_of(self.operator, self.variant).code


def groups(sizes: Sizes, test: frozenset[str], validation: frozenset[str]) -> tuple[Group, ...]:
    """All compositions at these sizes, by name. `test` and `validation` name some that belong there."""
    return _groups(_key(sizes), test, validation)


@lru_cache(maxsize=4)
def _groups(
    sizes: tuple[tuple[str, tuple[tuple[tuple[str, int], ...], ...]], ...],
    test: frozenset[str],
    validation: frozenset[str],
) -> tuple[Group, ...]:
    from kernelbench_harness.label import text_hash

    given = {family: tuple(dict(size) for size in many) for family, many in sizes}
    kept: dict[str, Operator] = {operator.name: operator for operator in _operators(given)}
    splits: dict[str, Split] = dict.fromkeys(kept, "train")
    for family, (tests, validations) in _HELD_BACK.items():
        names = sorted((name for name in kept if kept[name].family == family), key=text_hash)
        names = [name for name in names if name not in test | validation]
        splits |= dict.fromkeys(names[:tests], "test")
        splits |= dict.fromkeys(names[tests : tests + validations], "validation")
    splits |= dict.fromkeys(test & kept.keys(), "test")
    splits |= dict.fromkeys(validation & kept.keys(), "validation")
    return tuple(
        Group(kept[name], int(text_hash(name, "size"), 16) % len(kept[name].variants), splits[name])
        for name in sorted(kept)
    )


def _key(sizes: Sizes) -> tuple[tuple[str, tuple[tuple[tuple[str, int], ...], ...]], ...]:
    return tuple((family, tuple(tuple(size.items()) for size in many)) for family, many in sizes.items())


def _steps() -> dict[str, Step]:
    from kernelbench_harness.corpus.operators.elementwise import ACTIVATIONS

    known = {activation.name: activation for activation in ACTIVATIONS}
    steps = [Step(name, known[name].torch, known[name].formulas, known[name].parameters or {}) for name in _ACTIVATIONS]
    steps += [
        Step("scale", "x * self.scale", ("v * scale", "scale * v"), {"scale": (0.5, 2.0, 1.5)}),
        Step("shift", "x + self.shift", ("v + shift", "shift + v"), {"shift": (0.25, 1.0, -0.5)}),
        Step("square", "x * x", ("v * v",), {}),
        Step("abs", "torch.abs(x)", ("abs(v)", "v if v > 0.0 else -v", "max(v, -v)"), {}),
    ]
    return {step.name: step for step in steps}


def _operators(sizes: Sizes) -> Iterator[Operator]:
    """Every composition, named after its steps."""
    steps = list(_steps().values())
    for place, first in enumerate(steps):
        yield _single(first, sizes["flat"])
        yield _linear(first, sizes["linear"])
        for way in _JOINS:
            yield _joined(first, way, sizes["flat"])
        for way in _REDUCTIONS:
            yield _reduced(first, way, sizes["rows"])
        for distance in range(1, _CHAINED + 1):
            second = steps[(place + distance) % len(steps)]
            yield _chain(first, second, sizes["flat"])


def _operator(name: str, family: str, steps: Sequence[Step], sizes: Sequence[Mapping[str, int]]) -> Operator:
    """What is the same in all families: the parameters of the steps and where they come from."""
    from kernelbench_harness.corpus.operator import Array, Operator, Scalar

    values = {key: many for step in steps for key, many in step.parameters.items()}
    return Operator(
        name=name,
        family=family,
        level=1 if len(steps) == 1 and family == "single" else 2,
        doc="",
        forward_args="x",
        forward="",
        inputs=(Array("x", "*", "x"),),
        output=Array("y", "*"),
        bodies=(),
        variants=tuple({**size, **{key: many[n] for key, many in values.items()}} for n, size in enumerate(sizes)),
        get_inputs="torch.randn(batch_size, dim)",
        init_args=", ".join(values),
        init="\n".join(f"self.{key} = {key}" for key in values),
        scalars=tuple(Scalar(key, f"self.{key}", key) for key in values),
    )


_FLAT = "for i in parallel(T):\n"


def _single(step: Step, sizes: Sequence[Mapping[str, int]]) -> Operator:
    return replace(
        _operator(step.name, "single", [step], sizes),
        doc=f"A model that applies {step.name}.",
        forward=f"return {step.torch}",
        bodies=tuple(
            f"def act(v): return {formula}\n{_FLAT}    u: f = x[i]\n    y[i] = act(u)\n" for formula in step.formulas
        ),
    )


def _chain(first: Step, second: Step, sizes: Sequence[Mapping[str, int]]) -> Operator:
    """One step on the outcome of another."""
    return replace(
        _operator(f"{first.name}_then_{second.name}", "chain", [first, second], sizes),
        doc=f"A model that applies {first.name}, then {second.name}.",
        forward=f"x = {first.torch}\nreturn {second.torch}",
        bodies=tuple(
            f"def act(v): return {one}\ndef last(v): return {other}\n{_FLAT}"
            "    u: f = x[i]\n    z: f = act(u)\n    y[i] = last(z)\n"
            for one in first.formulas
            for other in second.formulas
        ),
    )


_JOINS = {"plus": "{} + other", "times": "{} * other", "minus": "{} - other"}


def _joined(step: Step, way: str, sizes: Sequence[Mapping[str, int]]) -> Operator:
    """A step on one input, joined with another input."""
    from kernelbench_harness.corpus.operator import Array

    sign = _JOINS[way]
    return replace(
        _operator(f"{step.name}_{way}_other", "joined", [step], sizes),
        doc=f"A model that applies {step.name} to one input, {way} another.",
        forward_args="x, other",
        forward=f"x = {step.torch}\nreturn {sign.format('x')}",
        inputs=(Array("x", "*", "x"), Array("b", "*", "other")),
        bodies=tuple(
            f"def act(v): return {formula}\n{_FLAT}    u: f = x[i]\n    z: f = act(u)\n"
            f"    y[i] = {sign.format('z').replace('other', 'b[i]')}\n"
            for formula in step.formulas
        ),
        get_inputs="torch.randn(batch_size, dim), torch.randn(batch_size, dim)",
    )


_REDUCTIONS = {
    "sum": ("torch.sum(x, dim=1)", "s: a = 0.0", "s += z", "s"),
    "mean": ("torch.mean(x, dim=1)", "s: a = 0.0", "s += z", "s / D"),
    "max": ("torch.max(x, dim=1)[0]", "s: f = -INF", "s = max(s, z)", "s"),
    "min": ("torch.min(x, dim=1)[0]", "s: f = INF", "s = min(s, z)", "s"),
}
"""Way -> torch's spelling, the accumulator, what each value does to it, what is kept."""


def _reduced(step: Step, way: str, sizes: Sequence[Mapping[str, int]]) -> Operator:
    """A step, then a reduction of each row."""
    from kernelbench_harness.corpus.operator import Array

    spelling, start, update, kept = _REDUCTIONS[way]
    return replace(
        _operator(f"{step.name}_{way}", "reduced", [step], sizes),
        doc=f"A model that applies {step.name} and takes the {way} of each row.",
        forward=f"x = {step.torch}\nreturn {spelling}",
        inputs=(Array("x", "N D", "x"),),
        output=Array("y", "N"),
        bodies=tuple(
            f"def act(v): return {formula}\nfor n in parallel(N):\n    {start}\n    for d in range(D):\n"
            f"        u: f = x[n, d]\n        z: f = act(u)\n        {update}\n    y[n] = {kept}\n"
            for formula in step.formulas
        ),
    )


def _linear(step: Step, sizes: Sequence[Mapping[str, int]]) -> Operator:
    """A linear layer, then a step."""
    from kernelbench_harness.corpus.operator import Array

    bare = _operator(f"linear_{step.name}", "linear", [step], sizes)
    parts = ["in_features", "out_features", *(part for part in bare.init_args.split(", ") if part)]
    return replace(
        bare,
        doc=f"A model that applies a linear layer, then {step.name}.",
        forward=f"x = self.linear(x)\nreturn {step.torch}",
        inputs=(
            Array("x", "N K", "x"),
            Array("w", "M K", "self.linear.weight"),
            Array("bias", "M", "self.linear.bias"),
        ),
        output=Array("y", "N M"),
        bodies=tuple(
            f"def act(v): return {formula}\nfor n in parallel(N):\n    for m in parallel(M):\n"
            "        s: a = bias[m]\n        for k in range(K):\n            s += x[n, k] * w[m, k]\n"
            "        u: f = s\n        y[n, m] = act(u)\n"
            for formula in step.formulas
        ),
        get_inputs="torch.randn(batch_size, in_features)",
        init_args=", ".join(parts),
        init="\n".join(part for part in ("self.linear = nn.Linear(in_features, out_features)", bare.init) if part),
    )
