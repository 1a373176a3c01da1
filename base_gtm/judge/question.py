"""A call in its situation, what a subject answered, and when two values are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from base_gtm.example import Example
from base_gtm.prompt import compact, rounded
from base_gtm.schema import ToolCall, ToolResult, ToolSpec


@dataclass(frozen=True)
class Question:
    """What a subject is shown."""

    spec: ToolSpec
    call: ToolCall
    history: tuple[tuple[ToolCall, ToolResult], ...]
    """Earlier turns, the oldest first."""
    key: str
    """Equal for equal questions."""

    @classmethod
    def of_example(cls, example: Example) -> Question:
        """The last call of a record."""
        history = tuple((turn.call, turn.result) for turn in example.history)
        return cls(example.tool.spec, example.turn.call, history, example.key)


@dataclass(frozen=True)
class Attempt:
    """What a subject answered."""

    content: Any = None
    """The result as JSON, a text for a tool without an output schema; None where there is none."""
    refused: bool = False
    """The answer is an error."""
    text: str = ""
    """Message of the error, or what was written and is no JSON."""
    failed: str = ""
    """Why there is no answer at all; empty where there is one."""
    seconds: float = 0.0
    refusal_probability: float | None = None
    """The subject's own, where it says one."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_result(
        cls, spec: ToolSpec, result: ToolResult, seconds: float = 0.0, refusal_probability: float | None = None
    ) -> Attempt:
        """A result as an answer of the tool of that spec."""
        if result.is_error:
            return cls(refused=True, text=result.text, seconds=seconds, refusal_probability=refusal_probability)
        is_text = not result.content and (bool(result.text) or spec.output_schema is None)
        content = result.text if is_text else dict(result.content)
        return cls(content, seconds=seconds, refusal_probability=refusal_probability)

    def result(self) -> ToolResult:
        """As a tool's result; what is no object stands as text."""
        if isinstance(self.content, Mapping):
            return ToolResult(self.content)
        if self.content is None:
            return ToolResult(is_error=self.refused, text=self.text)
        return ToolResult(text=self.content if isinstance(self.content, str) else compact(self.content))


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of everything that holds nothing further; an empty object or list counts as one."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from leaves(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple) and value:
        for number, item in enumerate(value):
            yield from leaves(item, f"{place}[{number}]")
    else:
        yield place, value


def same(true: Any, said: Any) -> bool:
    """Whether an answer's value is the tool's: a number that need not be whole to three significant digits, since
    decoding writes no more; all else exactly.
    """
    if _number(true) and _number(said):
        return bool(true == said) or (isinstance(true, float) and rounded(true) == rounded(said))
    return type(true) is type(said) and bool(true == said)


def overlap(true: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[int, float]:
    """How many values of two flattened results agree, and the F1 of the answer's; 1 where both are empty."""
    right = sum(path in said and same(value, said[path]) for path, value in true.items())
    return right, 2 * right / (len(true) + len(said)) if true or said else 1.0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
