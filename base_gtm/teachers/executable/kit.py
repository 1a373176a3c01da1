"""How an executable tool is written down: a function whose signature is its spec, with what people ask of it.

    class Payment(Result):
        monthly_payment: float = Field(description="Paid at the end of each month")

    @tool("Finance", "Loans", "What does a loan of {principal} at {annual_percent} % over {years} years cost a month?")
    def loan_payment(
        principal: Annotated[float, Field(gt=0, le=1e8, description="Amount borrowed"), Like(money(1e3, 5e5))],
        annual_percent: Annotated[float, Field(ge=0, le=100, description="Yearly rate"), Like(number(1, 12, 2))],
        years: Annotated[int, Field(ge=1, le=50, description="Term"), Like(whole(1, 30))],
    ) -> Payment:
        \"\"\"Monthly payment of an annuity loan.\"\"\"

`Like` says which values people give; the schema says which ones the tool takes. A tool that finds a value of the right
type wrong (an unknown city, a day that a month does not have) raises Refused with a message that helps; `Wrong` says
which values are wrong in that way.

A tool with a state takes it as its first parameter, named `state`, whose class has a class method `start(rng)`; `Of`
chooses values from that state, so that a call names an order that there is.

Guarantees: the same seed gives the same arguments and the same request; arguments that `draw` gives are valid against
the spec. Functions are pure but for their state: they read no clock, no network, no randomness.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from string import Formatter
from types import ModuleType
from typing import Any, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from base_gtm.arguments import check, refuse
from base_gtm.collection.collected import Collected
from base_gtm.collection.schemas import plain
from base_gtm.schema import ToolResult, ToolSpec

Draw = Callable[[Random], Any]
"""Random numbers -> one value."""
SOURCE = "executable"
STATE = "state"


class Refused(Exception):
    """A call that the tool will not answer. The message names the value, what is wrong with it, and what would do."""


class Result(BaseModel):
    """What a tool returns; subclasses give the fields, each with a description."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Part(BaseModel):
    """An object within arguments; subclasses give the fields, each with a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class State(Protocol):
    """What tools with a state work on: a class of data whose `start` makes a first one."""

    @classmethod
    def start(cls, rng: Random) -> State:
        """A small beginning, the same for the same random numbers."""
        ...


@dataclass(frozen=True)
class Like:
    """Values that people give a parameter."""

    draw: Draw
    given: float = 0.5
    """How often a parameter with a default is given at all."""


@dataclass(frozen=True)
class Of:
    """Values that people choose from a state."""

    choose: Callable[[Any, Random], Any]
    """State, random numbers -> a value; None where the state holds none."""
    given: float = 0.5


@dataclass(frozen=True)
class Wrong:
    """Values of the right type and within the schema's bounds that the tool refuses."""

    draw: Draw


@dataclass(frozen=True)
class Tool:
    """An executable tool."""

    function: Callable[..., Result]
    field: str
    subfield: str
    asks: tuple[str, ...]
    """Requests of a person, with {parameter} where a value stands."""
    together: Callable[[Random], Mapping[str, Any]] | None = None
    """Values of parameters that depend on each other, such as a start and an end."""

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def state(self) -> type[State] | None:
        """Class of what it works on; None for a pure tool."""
        return get_type_hints(self.function).get(STATE)

    @cached_property
    def spec(self) -> ToolSpec:
        """From signature and docstring."""
        about = " ".join((inspect.getdoc(self.function) or "").split())
        inputs = plain(self._arguments.model_json_schema())
        outputs = plain(TypeAdapter(self._hints["return"]).json_schema(mode="serialization"))
        return ToolSpec(self.name, about, inputs, outputs)

    @cached_property
    def collected(self) -> Collected:
        """As a member of a tool collection."""
        origin = f"{self.function.__module__}:{self.name}"
        return Collected(self.spec, self.field, self.subfield, SOURCE, origin, "given")

    def answer(self, arguments: Any, state: State | None = None) -> ToolResult:
        """What the tool answers; a refusal, the schema's or its own, is an error result and leaves the state alone."""
        refusal = check(self.spec, arguments)
        if refusal is not None:
            return refusal
        try:
            given = self._arguments.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            return refuse(
                self.spec,
                [f"parameter '{place}': {first['msg'][:1].lower() + first['msg'][1:]}, got {first['input']!r}"],
            )
        values = {name: getattr(given, name) for name in self.parameters}
        try:
            result = self.function(state, **values) if self.state else self.function(**values)
        except Refused as error:
            return ToolResult(is_error=True, text=f"Error: {self.name}: {error}")
        return ToolResult(result.model_dump(mode="json"))

    def draw(self, rng: Random, state: State | None = None) -> dict[str, Any] | None:
        """Arguments as people give them; None where the state offers nothing to choose."""
        drawn: dict[str, Any] = {}
        together = dict(self.together(rng)) if self.together else {}
        for name, parameter in self.parameters.items():
            if name in together:
                drawn[name] = together[name]
                continue
            source = self._notes(name, Like, Of)
            if parameter.default is not parameter.empty and rng.random() >= source.given:
                continue
            value = source.draw(rng) if isinstance(source, Like) else source.choose(state, rng)
            if value is None:
                return None
            drawn[name] = value
        return drawn

    def wrong(self, rng: Random) -> Mapping[str, Any]:
        """Parameter -> a value that the tool itself refuses, for each parameter that has such values."""
        notes = {name: self._notes(name, Wrong) for name in self.parameters}
        return {name: note.draw(rng) for name, note in notes.items() if note is not None}

    def ask(self, arguments: Mapping[str, Any], rng: Random) -> str:
        """A person's request for a call: one of `asks` that says the most of what is given, and nothing that is not."""
        fitting = [text for text in self.asks if _named(text) <= arguments.keys()]
        most = max((len(_named(text)) for text in fitting), default=0)
        fullest = [text for text in fitting if len(_named(text)) == most]
        return rng.choice(fullest).format(**{name: said(value) for name, value in arguments.items()}) if fullest else ""

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Name -> parameter, without the state."""
        known = inspect.signature(self.function).parameters
        return {name: parameter for name, parameter in known.items() if name != STATE}

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        fields: dict[str, Any] = {
            name: (self._hints[name], ... if one.default is one.empty else one.default)
            for name, one in self.parameters.items()
        }
        return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)

    def _notes(self, name: str, *kinds: type) -> Any:
        notes = getattr(self._hints[name], "__metadata__", ())
        return next((note for note in notes if isinstance(note, kinds)), None)


def tool(
    field: str, subfield: str, *asks: str, together: Callable[[Random], Mapping[str, Any]] | None = None
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a function an executable tool; see the module."""

    def made(function: Callable[..., Any]) -> Tool:
        return Tool(function, field, subfield, asks, together)

    return made


def tools_of(module: ModuleType) -> list[Tool]:
    """The tools that a module defines, in the order in which they stand."""
    here = [one for one in vars(module).values() if isinstance(one, Tool)]
    return [one for one in here if one.function.__module__ == module.__name__]


def pick(*values: Any) -> Draw:
    """One of these."""
    return lambda rng: rng.choice(values)


def whole(low: int, high: int, step: int = 1) -> Draw:
    """A whole number, both ends included."""
    return lambda rng: rng.randrange(low, high + 1, step)


def number(low: float, high: float, digits: int = 2) -> Draw:
    """A number with so many decimal places, each part of the range as likely."""
    return lambda rng: round(rng.uniform(low, high), digits)


def magnitude(low: float, high: float, figures: int = 3) -> Draw:
    """A number with so many significant figures, each order of magnitude as likely."""
    return lambda rng: float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.{figures}g}")


def money(low: float, high: float) -> Draw:
    """An amount as people name them: mostly round."""
    exact = magnitude(low, high, 5)
    return lambda rng: round(exact(rng), 2) if rng.random() < 0.3 else float(f"{exact(rng):.2g}")


def day(first: str, last: str) -> Draw:
    """A date as YYYY-MM-DD, both ends included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return lambda rng: (start + timedelta(days=rng.randrange((end - start).days + 1))).isoformat()


def several(draw: Draw, least: int, most: int, unique: bool = False) -> Draw:
    """A list of values; with `unique`, shorter where the draw gives too few different ones."""

    def drawn(rng: Random) -> list[Any]:
        wanted = rng.randint(least, most)
        found: list[Any] = []
        for _ in range(20 * most):
            value = draw(rng)
            if not unique or value not in found:
                found.append(value)
            if len(found) == wanted:
                break
        return found

    return drawn


def said(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(one)}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(said, value))
    return str(value)


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
