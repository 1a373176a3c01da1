"""Tool spec, tool call, tool result: the three values that everything else passes around.

Named as in the Model Context Protocol. Both schemas of a spec are JSON Schema 2020-12. Frozen, JSON in and JSON out,
with content hashes that do not depend on key order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base_gtm.errors import SpecError


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """First 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has these properties, all of them, and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class ToolSpec:
    """What a tool says of itself."""

    name: str
    """Identifier that a call names."""
    description: str
    """One paragraph for the model that calls the tool."""
    input_schema: Mapping[str, Any]
    """JSON Schema of the arguments object."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema of the structured result; None for a tool that answers in free text."""
    title: str = ""
    """Name for people."""

    @property
    def schema_hash(self) -> str:
        """Hash of both schemas: with the name, the exact binding that a router looks up."""
        return content_hash([self.input_schema, self.output_schema])

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], where: str = "tool spec") -> ToolSpec:
        """Read the MCP form (`name, title, description, inputSchema, outputSchema`). Raises SpecError."""
        if not isinstance(raw, Mapping):
            raise SpecError(f"{where}: a tool spec is a JSON object, this is {type(raw).__name__}")
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            raise SpecError(f"{where}: 'name' is missing; give the tool's name as a string")
        schema = raw.get("inputSchema", {"type": "object", "properties": {}})
        output = raw.get("outputSchema")
        for key, value in (("inputSchema", schema), ("outputSchema", output)):
            if value is not None and not isinstance(value, Mapping):
                raise SpecError(f"{where}: '{key}' of {name} must be a JSON Schema object")
        return cls(name, str(raw.get("description", "")), schema, output, str(raw.get("title", "")))

    @classmethod
    def load(cls, path: Path) -> ToolSpec:
        """Read a spec file. Raises SpecError naming the file and line."""
        try:
            return cls.from_json(json.loads(path.read_text()), str(path))
        except FileNotFoundError:
            raise SpecError(f"{path}: no such file; a domain needs a spec.json") from None
        except OSError as error:
            raise SpecError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError as error:
            raise SpecError(f"{path}: not UTF-8 text (byte {error.start}); a spec is a JSON file") from None
        except json.JSONDecodeError as error:
            raise SpecError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from None

    def to_json(self) -> dict[str, Any]:
        """The MCP form."""
        raw: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": dict(self.input_schema),
        }
        if self.output_schema is not None:
            raw["outputSchema"] = dict(self.output_schema)
        return raw


@dataclass(frozen=True)
class ToolCall:
    """One call: which tool, with which arguments."""

    name: str
    arguments: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Content hash of name and arguments."""
        return content_hash([self.name, self.arguments])


@dataclass(frozen=True)
class ToolResult:
    """What a tool answered: structured content, or an error that the agent can act on."""

    content: Mapping[str, Any] = field(default_factory=dict)
    """The structured result, valid against the spec's output schema unless `is_error`."""
    is_error: bool = False
    """True when the call itself was refused (wrong arguments): MCP's isError."""
    text: str = ""
    """The error message of a refused call, or the text of a tool without an output schema."""
