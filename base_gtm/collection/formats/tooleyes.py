"""ToolEyes: {path, name, description, parameters as JSON Schema}, without results; the agent's own moves left out."""

from __future__ import annotations

from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NOT_A_TOOL, tool

NAME = "tooleyes"
MOVES = frozenset({"finish", "ask_to_user"})
"""What the agent says, not what it calls."""


def _read(record: Any, origin: str) -> Read:
    name = record.get("name")
    if name in MOVES:
        yield Dropped(origin, NOT_A_TOOL, f"{name} is a move of the agent's")
        return
    about, inputs = record.get("description"), record.get("parameters")
    yield tool(origin, NAME, name=name, description=about, inputs=inputs, field=str(record.get("path") or ""))


def _recognises(record: Any) -> bool:
    return isinstance(record, dict) and {"path", "name", "parameters"} <= record.keys()


FORMAT = Format(NAME, "path, name and parameters", _recognises, _read)
