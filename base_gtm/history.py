"""Earlier turns of a conversation, from a file: what a tool was asked before, and what it answered."""

from __future__ import annotations

from pathlib import Path

from base_gtm.errors import DataError
from base_gtm.lines import read_objects
from base_gtm.schema import ToolCall, ToolResult

_FORM = '{"name": "tool", "arguments": {}, "result": {}}, with "error": "text" in place of result for a refused call'


def read_history(path: Path) -> list[tuple[ToolCall, ToolResult]]:
    """Turns of a file of JSON lines, the oldest first. A result is an object, or the text of a tool that answers in
    text. Raises DataError naming file and line.
    """
    turns = []
    for raw, where in read_objects(path, "an earlier turn"):
        name, arguments = raw.get("name"), raw.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict) or ("result" in raw) == ("error" in raw):
            raise DataError(f"{where}: no earlier turn; give {_FORM}")
        turns.append((ToolCall(name, arguments), _result(raw, where)))
    return turns


def _result(raw: dict[str, object], where: str) -> ToolResult:
    said = raw.get("error", raw.get("result"))
    if "error" in raw and isinstance(said, str):
        return ToolResult(is_error=True, text=said)
    if isinstance(said, str):
        return ToolResult(text=said)
    if isinstance(said, dict) and "error" not in raw:
        return ToolResult(said)
    raise DataError(f"{where}: no earlier turn; give {_FORM}")
