"""A tool as it was collected: its spec, its field, where it came from; and what was left out, with the reason.

A collection is a file of JSON lines, one tool a line, in the field names of the Model Context Protocol where it has
them. Guarantees: an equal tool (name, description and both schemas) has an equal key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from base_gtm.errors import DataError
from base_gtm.lines import read_objects, write_objects
from base_gtm.schema import ToolSpec, content_hash

Response = Literal["given", "missing", "completed"]
"""Where the schema of a tool's result comes from: its source; nowhere, there is none; a teacher."""
RESPONSES = get_args(Response)


@dataclass(frozen=True)
class Collected:
    """A tool with its field and its origin."""

    spec: ToolSpec
    field: str
    """What it is about, as its source says; empty where that says nothing."""
    subfield: str
    source: str
    """Name of the format or collection, such as "seal-tools"."""
    origin: str
    """File and line, or server."""
    response: Response

    @property
    def key(self) -> str:
        """Equal for equal tools, whatever their origin."""
        spec = self.spec
        return content_hash([spec.name, spec.description, spec.input_schema, spec.output_schema])

    def to_json(self) -> dict[str, Any]:
        """One line of a collection."""
        kept = {name: getattr(self, name) for name in ("field", "subfield", "source", "origin", "response")}
        return {**self.spec.to_json(), **kept}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], where: str) -> Collected:
        """Inverse of `to_json`. Raises DataError naming the place."""
        texts = {name: raw.get(name, "") for name in ("field", "subfield", "source", "origin")}
        response = raw.get("response")
        if response not in RESPONSES or not all(isinstance(text, str) for text in texts.values()):
            raise DataError(f"{where}: no collected tool; make a collection with: base-gtm tools import")
        known: Any = response
        return cls(ToolSpec.from_json(raw, where), **texts, response=known)


@dataclass(frozen=True)
class Dropped:
    """What did not become a tool."""

    origin: str
    reason: str
    """In the words that are counted, such as "not valid JSON"."""
    detail: str = ""
    """What exactly is wrong."""

    def to_json(self) -> dict[str, str]:
        """One line of the list of what was left out."""
        return {"origin": self.origin, "reason": self.reason, "detail": self.detail}


def read_collection(path: Path) -> Iterator[Collected]:
    """Tools of a collection, in order. Raises DataError naming file and line."""
    for raw, where in read_objects(path, "a collected tool"):
        yield Collected.from_json(raw, where)


def write_lines(path: Path, items: Iterable[Collected | Dropped]) -> int:
    """Write items as JSON lines; the file appears whole. Returns how many. Raises DataError."""
    return write_objects(path, (item.to_json() for item in items))
