"""What a teacher is: one who knows, or is believed to know, how tools answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from base_gtm.collection.collected import Collected
from base_gtm.example import Example, Fault, Flaw, Provenance, Turn


@dataclass(frozen=True)
class Scene:
    """What a teacher gives for one record; the last turn is the one to learn."""

    context: str
    turns: tuple[Turn, ...]
    flaw: Flaw | None = None


class Teacher(Protocol):
    """Makes scenes. Each method may give None where it cannot this time; the same provenance gives the same scene.

    `complaints` are what the checks had against earlier attempts at the same record.
    """

    name: str
    tools: Sequence[Collected]
    waits: bool
    """Whether an answer is waited for (a server's) rather than computed here: threads or processes."""

    def single(self, tool: Collected, made: Provenance, complaints: Sequence[str]) -> Scene | None:
        """A call in a situation, and its answer."""
        ...

    def multi(self, group: Sequence[Collected], made: Provenance, complaints: Sequence[str]) -> Scene | None:
        """A dialogue over these tools, in this order; the last is the target."""
        ...

    def error(self, tool: Collected, fault: Fault, made: Provenance, complaints: Sequence[str]) -> Scene | None:
        """A call with this fault, and the message that it deserves."""
        ...

    def doubt(self, example: Example) -> str | None:
        """Whether the tool would really have answered so in each turn: what speaks against it, "" where nothing does,
        None where it is certain that it would.
        """
        ...
