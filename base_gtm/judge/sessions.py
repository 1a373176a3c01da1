"""Recorded sessions of calls, JSON lines of {"session": name, "calls": [{"tool", "arguments", "response", "server"?}]}.

A response is what the agent was shown: JSON, plain text, an MCP result as JSON, or the Python text of one. Guarantees:
every response becomes a tool's result; one that was cut when it was recorded stays the text that is left. Where nothing
marks an error, a text that begins with "Error" is one. JSON that is no object stands under "result", as MCP servers
have it; a bare number or word stays text, and so does what cannot be read or holds what no JSON can say.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError
from base_gtm.lines import read_objects
from base_gtm.schema import ToolCall, ToolResult, canonical_json

_FORM = '{"session": "name", "calls": [{"tool": "name", "arguments": {}, "response": "text or JSON"}]}'
_TEXT = r"""TextContent\(type='text', text=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"), annotations=None\)"""
_SHOWN = re.compile(rf"^meta=\S+ content=\[{_TEXT}(?:, {_TEXT})*\] isError=(True|False)$")
"""An MCP result of texts, as Python's MCP library shows it."""


@dataclass(frozen=True)
class Recorded:
    """A call and what came of it."""

    server: str
    """Empty where the record names none."""
    call: ToolCall
    result: ToolResult

    @property
    def tool(self) -> str:
        """Server and name."""
        return f"{self.server}/{self.call.name}" if self.server else self.call.name


@dataclass(frozen=True)
class Session:
    """Calls in their order."""

    name: str
    calls: tuple[Recorded, ...]


def read_sessions(path: Path) -> list[Session]:
    """Sessions of a file. Raises DataError naming file and line."""
    sessions = [_session(raw, where) for raw, where in read_objects(path, "a session")]
    if not any(session.calls for session in sessions):
        raise DataError(f"{path}: holds no calls; a line is {_FORM}")
    names = [session.name for session in sessions]
    if len(set(names)) < max(2, len(names)):
        raise DataError(
            f"{path}: what is known of a tool comes from other sessions; give two or more, each with a name"
        )
    return sessions


def result_of(response: Any) -> ToolResult:
    """A recorded response as a result."""
    text, is_error = response, False
    if isinstance(response, str) and (shown := _shown(response)) is not None:
        text, is_error = shown
    value = _json(text)
    if isinstance(value, Mapping) and isinstance(value.get("content"), list) and "isError" in value:
        is_error |= bool(value["isError"])
        structured = value.get("structuredContent")
        parts = [part["text"] for part in value["content"] if isinstance(part, Mapping) and "text" in part]
        text = "\n".join(map(str, parts))
        value = structured if isinstance(structured, Mapping) and structured else _json(text)
    said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    if is_error or said.startswith("Error"):
        return ToolResult(is_error=True, text=said)
    if isinstance(value, Mapping) and value:
        return ToolResult(value)
    return ToolResult({"result": value}) if isinstance(value, list) else ToolResult(text=said)


def _session(raw: Mapping[str, Any], where: str) -> Session:
    calls = raw.get("calls")
    if isinstance(raw.get("session"), str) and isinstance(calls, list):
        found = [_recorded(call) for call in calls]
        if None not in found:
            return Session(raw["session"], tuple(one for one in found if one is not None))
    raise DataError(f"{where}: no session of recorded calls; a line is {_FORM}")


def _recorded(call: Any) -> Recorded | None:
    if not isinstance(call, Mapping) or "response" not in call:
        return None
    name, arguments = call.get("tool"), call.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, Mapping):
        return None
    return Recorded(str(call.get("server") or ""), ToolCall(name, arguments), result_of(call["response"]))


def _shown(response: str) -> tuple[str, bool] | None:
    """The texts of an MCP result that Python shows, joined, and whether it is an error; None where none can be read."""
    whole = _SHOWN.match(response)
    if whole is None:
        return None
    try:
        text = "\n".join(ast.literal_eval(literal) for literal in re.findall(_TEXT, response))
    except (SyntaxError, ValueError):
        return None
    return (text, whole[3] == "True") if _is_plain(text) else None


def _json(text: Any) -> Any:
    """The value of a JSON text; None for any other."""
    if not isinstance(text, str):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_plain(value) else None


def _is_plain(value: Any) -> bool:
    """Whether JSON in UTF-8 can say a value: Python reads NaN, infinities and lone surrogates, and none can be written
    into a report.
    """
    try:
        canonical_json(value).encode()
    except (ValueError, RecursionError):
        return False
    return True
