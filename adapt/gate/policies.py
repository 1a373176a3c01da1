"""Who may answer a call: policies, with a text form that `policy` reads and `str` gives back."""

from __future__ import annotations

from dataclasses import dataclass

from adapt.errors import AdaptError


@dataclass(frozen=True)
class Simulate:
    """The simulator, always."""

    def __str__(self) -> str:
        return "simulate"


@dataclass(frozen=True)
class Real:
    """The real tool, always."""

    def __str__(self) -> str:
        return "real"


@dataclass(frozen=True)
class Hybrid:
    """The simulator for the first steps of a training, then the real tool."""

    steps: int
    """Steps that are simulated: those with a number below it, the first being 0."""

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise AdaptError(f"policy hybrid:{self.steps}: the number of simulated steps is 0 or more")

    def __str__(self) -> str:
        return f"hybrid:{self.steps}"


@dataclass(frozen=True)
class Confident:
    """The simulator where it is familiar with the call and confident enough by its calibration, else the real tool."""

    def __str__(self) -> str:
        return "gate"


Policy = Simulate | Real | Hybrid | Confident

_PLAIN: dict[str, Policy] = {str(one): one for one in (Simulate(), Real(), Confident())}


def policy(text: str | Policy) -> Policy:
    """A policy from its text form; a policy is given back as it is. Raises AdaptError."""
    if isinstance(text, Simulate | Real | Hybrid | Confident):
        return text
    word = str(text).strip()
    if word in _PLAIN:
        return _PLAIN[word]
    name, _, steps = word.partition(":")
    if name == "hybrid" and steps.isdecimal() and steps.isascii():
        return Hybrid(int(steps))
    raise AdaptError(
        f"policy '{word[:60]}': give simulate, real, hybrid:K (simulate for the first K steps, then ask the real tool) "
        "or gate (simulate where the calibration allows it)"
    )


def may_simulate(given: Policy) -> bool:
    """Whether the simulator may be asked under it."""
    return not isinstance(given, Real)


def may_ask(given: Policy) -> bool:
    """Whether the real tool may be asked under it."""
    return not isinstance(given, Simulate)
