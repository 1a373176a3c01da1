"""The teacher that knows schemas alone: wrong calls of any tool, and the refusal that its schema gives them.

What a tool answers it does not know, so it has no scene for valid calls. Its error records are true for every tool that
checks its arguments. They are for judging who reads the arguments first, over the specs of a whole collection: training
leaves out every call that its schema refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from base_gtm.arguments import check
from base_gtm.collection.collected import Collected
from base_gtm.example import Example, Fault, Flaw, Provenance, Turn
from base_gtm.schema import ToolCall
from base_gtm.teachers.flaws import broken
from base_gtm.teachers.needs import need
from base_gtm.teachers.plausible import plausible
from base_gtm.teachers.teacher import Scene


class SchemaTeacher:
    """Errors of any tools."""

    name = "schema"
    waits = False

    def __init__(self, tools: Sequence[Collected]) -> None:
        """Raises TeacherError where faker is not installed."""
        need("faker")
        self.tools = tools

    def single(self, tool: Collected, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """None: what a tool answers is not in its schema."""
        return None

    def multi(self, group: Sequence[Collected], made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """None, as for `single`."""
        return None

    def error(self, tool: Collected, fault: Fault, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """Plausible arguments, made wrong."""
        rng = made.random()
        arguments = plausible(tool.spec, rng)
        wrong = broken(tool.spec, arguments, fault, rng) if arguments is not None else None
        refusal = check(tool.spec, wrong[0]) if wrong is not None else None
        if arguments is None or wrong is None or refusal is None:
            return None
        about = ", ".join(part for part in (tool.field, tool.subfield) if part)
        turn = Turn(_request(tool, arguments), ToolCall(tool.spec.name, wrong[0]), refusal)
        return Scene(about, (turn,), Flaw(fault, wrong[1]))

    def doubt(self, example: Example) -> str | None:
        """Wrong values that no schema finds are not its own."""
        refused = check(example.tool.spec, example.turn.call.arguments) is not None
        return None if refused else "the schema takes this call"


def _request(tool: Collected, arguments: Mapping[str, Any]) -> str:
    """What was wanted, before the call went wrong."""
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in arguments.items())
    about = tool.spec.description.rstrip(". ") or tool.spec.name
    return f"{about}: {said}." if said else f"{about}."
