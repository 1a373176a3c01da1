"""What a domain gives to a study in which an agent learns to use its tool.

A task knows the problems, how an agent's text becomes a call of the tool, what a result is worth, and how the real tool
judges at the end. It knows nothing of arms, trainers or simulators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapt.domain import Split
from base_gtm.schema import ToolCall, ToolResult


@dataclass(frozen=True)
class Problem:
    """Something for the agent to solve."""

    id: str
    split: Split
    prompt: str
    """What the agent is told, as one user message."""
    group: str
    """The unit that problems are kept apart by: none is in two splits. Intervals are drawn over problems."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of a call that the problem fixes."""


@dataclass(frozen=True)
class Judged:
    """What the real tool says of one text at the end."""

    compiled: bool
    correct: bool
    cheating: bool
    speedup: float | None
    """Reference time over candidate time, measured in one process after the other; None where it is not correct."""


class Task(Protocol):
    """An agent's task with the tool of a domain."""

    def problems(self, split: Split) -> Sequence[Problem]:
        """All problems of a split, in a fixed order."""
        ...

    def demonstrations(self, seed: int, count: int) -> Iterator[tuple[Problem, str]]:
        """Problems of the train split with a text that an agent may write for them, good and bad ones: what an agent
        learns its trade from before it meets the tool. The same seed gives the same stream."""
        ...

    def call(self, problem: Problem, text: str) -> ToolCall | None:
        """The call of the tool that a text amounts to; None where it holds none."""
        ...

    def reward(self, problem: Problem, result: ToolResult | None) -> float:
        """What a result is worth, from 0 to 1; `result` is None where the text held no call."""
        ...

    def judge(self, items: Sequence[tuple[Problem, str]]) -> Iterator[Judged]:
        """What the real tool says of each, in order, timed. Raises AdaptError where it cannot be opened."""
        ...
