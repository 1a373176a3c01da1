"""In what precision was this computed? Found from the outputs alone.

The reference's child leaves behind, at up to `SAMPLES` places of each output, what the model gives in float64, and what
it gives there when inputs and weights are first rounded to float16 or to bfloat16 (`Precise`). From the first follows
how well the reference's own arithmetic does (`noise`). The others tell half precision in a float32 problem: an output
that float16 can hold although the expected one cannot, or an error that points where rounding the inputs would move the
output. That direction is seen even where the error is far inside any tolerance: in a product of matrices of positive
numbers, half inputs change the result by 3e-6 of it, no more than a plain loop in float32 does.

Guarantees: runs in the parent on numbers, needs no torch; a difference is reported only where chance cannot make it
(a correlation of 10 standard errors). Not guaranteed: with fewer than `FEWEST` values the direction is not looked at;
a model that breaks in float64 has no `Precise`, and then only the first of the two tests is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernelbench_harness.label import Stage, Verdict

if TYPE_CHECKING:
    import numpy as np

    from kernelbench_harness.tree import Stored

SAMPLES = 1 << 14
"""Places of each output that are looked at."""
FEWEST = 64
HALVES = ("float16", "bfloat16")
_KIN = {"float16": " or TF32"}
"""Keeps as many bits of a value, and cannot be told from it by the error's direction."""
_STANDARD_ERRORS = 10.0
_SHARE = 0.1
"""Of the way to the half result: a plain float32 loop goes 0.005 of it at random."""
_MOST_NOISE = 0.3
"""Beyond this share of the output's size the float64 run computed something else (other random numbers, say)."""


@dataclass(frozen=True)
class Precise:
    """One output tensor of the reference in other precisions, at some places. Each array has one value a place."""

    places: np.ndarray
    """Flat indices into the output."""
    exact: np.ndarray
    """Computed in float64."""
    rounded: Mapping[str, np.ndarray]
    """By name of a half type: computed in float64 from inputs and weights rounded to it."""


def noise(want: Stored, precise: Precise | None) -> float | None:
    """The reference's own rounding error: the absolute difference from float64 that 999 of 1000 values stay below."""
    import numpy as np

    if precise is None or want.dtype not in ("F32", "F16", "BF16"):
        return None
    values = want.array().reshape(-1)[precise.places]
    usable = np.isfinite(values) & np.isfinite(precise.exact)
    if not usable.any():
        return None
    error = float(np.quantile(np.abs(values - precise.exact)[usable], 0.999))
    size, exact = float(np.abs(values[usable]).mean()), float(np.abs(precise.exact[usable]).mean())
    nothing_but_noise = exact < 1e-3 * size
    return error if error <= _MOST_NOISE * size or nothing_but_noise else None


def halved(got: Sequence[Stored], want: Sequence[Stored], precise: Sequence[Precise | None] = ()) -> str:
    """Why an output that has passed its tolerance was computed in half precision; empty when it was not.

    Shapes and dtypes of `got` and `want` agree. Only float32 tensors are looked at.
    """
    for place, (one, other) in enumerate(zip(got, want, strict=True)):
        if other.dtype != "F32":
            continue
        where = f"output {place}: " if len(want) > 1 else ""
        values, expected = one.array().reshape(-1), other.array().reshape(-1)
        if name := _fits(values, expected):
            return (
                f"{where}every value is one that {name} can hold, and the expected ones are not: float32 was asked for"
            )
        known = precise[place] if place < len(precise) else None
        name = "" if known is None else _leans(values[known.places], known)
        # Where the reference's own error points there as well (a product that underflows, say), it tells nothing.
        if known is not None and name and not _leans(expected[known.places], known):
            return (
                f"{where}its error is that of inputs rounded to {name}{_KIN.get(name, '')}, though small: "
                "float32 arithmetic was asked for"
            )
    return ""


def _fits(got: np.ndarray, want: np.ndarray) -> str:
    """The half type that holds every value of `got`, where it does not hold those of `want`."""
    import numpy as np

    seen = np.isfinite(got) & np.isfinite(want) & (want != 0) & (got != 0)
    got, want = got[seen][: 64 * SAMPLES], want[seen][: 64 * SAMPLES]
    if got.size < 8:
        return ""
    for name in reversed(HALVES):  # what bfloat16 holds, float16 mostly holds too
        if _held(got, name).all() and _held(want, name).mean() < 0.5:
            return name
    return ""


def _held(values: np.ndarray, name: str) -> np.ndarray:
    """Where a half type holds a value exactly."""
    import numpy as np

    if name == "float16":
        with np.errstate(over="ignore"):
            held: np.ndarray = values.astype("f2").astype("f8") == values
        return held
    return (values.astype("f4").view("u4") & 0xFFFF) == 0


def _leans(got: np.ndarray, precise: Precise) -> str:
    """The half type towards whose result the error of `got` points."""
    import numpy as np

    for name, rounded in precise.rounded.items():
        with np.errstate(invalid="ignore"):
            error, direction = got - precise.exact, rounded - precise.exact
        seen = np.isfinite(error) & np.isfinite(direction)
        moved = np.abs(direction[seen & (direction != 0)])
        if moved.size < FEWEST:
            continue
        # A step function jumps at a few places: those would outweigh all others.
        seen &= np.abs(direction) <= 20 * np.median(moved)
        error, direction = error[seen] - error[seen].mean(), direction[seen] - direction[seen].mean()
        squares, own = float(direction @ direction), float(error @ error)
        scale = float(np.sqrt(squares) * np.sqrt(own))
        if seen.sum() < FEWEST or squares == 0 or scale == 0:
            continue
        along = float(error @ direction)
        correlation = along / scale
        if along / squares > _SHARE and correlation * np.sqrt(seen.sum()) > _STANDARD_ERRORS:
            return name
    return ""


WRONG = (Verdict.WRONG_VALUE, Stage.VALUE)
"""What an output computed in half precision is, in a float32 problem."""
