"""The Model Context Protocol: one tool {name, description, inputSchema}, or the answer to tools/list with many.

OpenAI's {type: function, function: {name, description, parameters}} is read here too.
"""

from __future__ import annotations

from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NOT_A_TOOL, tool

NAME = "mcp"
_PARTS = frozenset({"description", "inputSchema", "input_schema", "parameters", "outputSchema"})
"""What a tool has beside its name, one of them at least: problems and people have names too."""


def _read(record: Any, origin: str) -> Read:
    many = record.get("tools", record.get("result"))
    if isinstance(many, dict):
        many = many.get("tools")
    if many is None:
        yield _tool(record, origin)
        return
    if not isinstance(many, list):
        yield Dropped(origin, NOT_A_TOOL, "'tools' is a list")
        return
    for number, one in enumerate(many):
        yield _tool(one, f"{origin}#{number}")


def _tool(one: Any, origin: str) -> Any:
    if not isinstance(one, dict):
        return Dropped(origin, NOT_A_TOOL, f"a tool is an object, this is {type(one).__name__}")
    if isinstance(inner := one.get("function"), dict):
        one = inner
    inputs = one.get("inputSchema", one.get("input_schema", one.get("parameters")))
    return tool(
        origin,
        NAME,
        name=one.get("name"),
        title=one.get("title"),
        description=one.get("description"),
        inputs=inputs,
        outputs=one.get("outputSchema"),
        field=str(one.get("server") or ""),
    )


def _recognises(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    result = record.get("result")
    listed = isinstance(record.get("tools"), list) or (isinstance(result, dict) and "tools" in result)
    named = "name" in record and not _PARTS.isdisjoint(record)
    return listed or named or isinstance(record.get("function"), dict)


FORMAT = Format(NAME, "a tool, or an answer to tools/list", _recognises, _read)
