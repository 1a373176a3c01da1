"""A turn, one call of a tool with its answer, as a line of JSON; and earlier turns of a conversation from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError
from base_gtm.lines import read_objects
from base_gtm.schema import ToolCall, ToolResult

_FORM = '{"name": "tool", "arguments": {}, "result": {}}, with "error": "text" in place of result for a refused call'


def turn_to_json(call: ToolCall, result: ToolResult) -> dict[str, Any]:
    """{name, arguments, result or error}; a result is an object, or the text of a tool that answers in text."""
    said = {"error": result.text} if result.is_error else {"result": dict(result.content) or result.text or {}}
    return {"name": call.name, "arguments": dict(call.arguments), **said}


def turn_from_json(raw: Any, where: str) -> tuple[ToolCall, ToolResult]:
    """Inverse of `turn_to_json`. Raises DataError naming the place and the form."""
    if isinstance(raw, Mapping) and ("result" in raw) != ("error" in raw):
        name, arguments = raw.get("name"), raw.get("arguments")
        result = _result(raw)
        if isinstance(name, str) and isinstance(arguments, Mapping) and result is not None:
            return ToolCall(name, arguments), result
    raise DataError(f"{where}: no turn of a conversation; give {_FORM}")


def read_history(path: Path) -> list[tuple[ToolCall, ToolResult]]:
    """Turns of a file of JSON lines, the oldest first. Raises DataError naming file and line."""
    return [turn_from_json(raw, where) for raw, where in read_objects(path, "an earlier turn")]


def _result(raw: Mapping[str, Any]) -> ToolResult | None:
    if "error" in raw:
        return ToolResult(is_error=True, text=raw["error"]) if isinstance(raw["error"], str) else None
    said = raw["result"]
    if isinstance(said, str):
        return ToolResult(text=said)
    return ToolResult(said) if isinstance(said, Mapping) else None
