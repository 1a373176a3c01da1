"""APIGen and xLAM: {query, tools, answers}, tools as JSON text, parameters by name with types as words."""

from __future__ import annotations

import json
from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NO_SCHEMA, NOT_A_TOOL, properties, tool
from base_gtm.collection.schemas import SchemaProblem

NAME = "xlam"


def _read(record: Any, origin: str) -> Read:
    tools = record["tools"]
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except ValueError as error:
            yield Dropped(origin, "not valid JSON", f"tools: {error}")
            return
    if not isinstance(tools, list):
        yield Dropped(origin, NOT_A_TOOL, f"'tools' is a list, this is {type(tools).__name__}")
        return
    for number, one in enumerate(tools):
        yield _tool(one, origin if len(tools) == 1 else f"{origin}#{number}")


def _tool(one: Any, origin: str) -> Any:
    if not isinstance(one, dict):
        return Dropped(origin, NOT_A_TOOL, f"a tool is an object, this is {type(one).__name__}")
    given = one.get("parameters") or {}
    if isinstance(given, dict) and given.get("type") == "object" and "properties" in given:
        inputs = given  # some rows have JSON Schema
    else:
        try:
            inputs = properties(given)
        except SchemaProblem as error:
            return Dropped(origin, NO_SCHEMA, f"{one.get('name')}: {error}")
        needed = [name for name, about in given.items() if isinstance(about, dict) and not _optional(about)]
        inputs |= {"required": needed}
    return tool(origin, NAME, name=one.get("name"), description=one.get("description"), inputs=inputs)


def _optional(about: dict[str, Any]) -> bool:
    """xLAM says so in the type, APIGen by a default or by `required`."""
    if isinstance(about.get("required"), bool):
        return not about["required"]
    return "optional" in str(about.get("type", "")).lower() or "default" in about


def _recognises(record: Any) -> bool:
    return isinstance(record, dict) and "tools" in record and ("query" in record or "answers" in record)


FORMAT = Format(NAME, "query, tools and answers", _recognises, _read)
