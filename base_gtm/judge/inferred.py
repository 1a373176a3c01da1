"""The schema that values of other calls suggest, for a tool whose spec did not come along.

Guarantees: every value that went in is valid against the schema that comes out. Does not guarantee that the next one
is: a field that all had is required, and a text that took few values many times is an enumeration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LISTED = 8
"""Most values of an enumeration."""
_REPEATED = 4
"""How often, on average, each of them was seen."""
_WORD = 40
"""Characters of the longest of them."""
_KEYS = 16
"""Names beyond which an object whose fields are never the same is a table of entries under their keys."""
_NAMES: Sequence[tuple[type, str]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (Mapping, "object"),
)


def infer(values: Sequence[Any]) -> dict[str, Any]:
    """A JSON Schema that allows all values; {} for none."""
    kinds: dict[str, list[Any]] = {}
    for value in values:
        kinds.setdefault(_kind(value), []).append(value)
    if "number" in kinds and "integer" in kinds:
        kinds["number"] += kinds.pop("integer")
    schemas = [_schema(kind, some) for kind, some in sorted(kinds.items())]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas} if schemas else {}


def infer_arguments(calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of arguments by their names and types. None is required, others may come: what a tool would refuse
    cannot be seen in the calls that it took.
    """
    names = {name: [call[name] for call in calls if name in call] for call in calls for name in call}
    return {"type": "object", "properties": {name: _plain(infer(some)) for name, some in names.items()}}


def _kind(value: Any) -> str:
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "null")


def _schema(kind: str, values: Sequence[Any]) -> dict[str, Any]:
    if kind == "object":
        return _object(values)
    if kind == "array":
        items = [item for value in values for item in value]
        return {"type": "array", "items": infer(items)} if items else {"type": "array"}
    if kind == "string":
        distinct = sorted(set(values))
        listed = len(distinct) <= _LISTED and len(values) >= _REPEATED * len(distinct)
        if listed and max(map(len, distinct)) <= _WORD:
            return {"type": "string", "enum": distinct}
    return {"type": kind}


def _object(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for value in values for name in value))
    required = [name for name in names if all(name in value for value in values)]
    if len(names) > _KEYS and not required:
        return {"type": "object", "additionalProperties": infer([item for value in values for item in value.values()])}
    properties = {name: infer([value[name] for value in values if name in value]) for name in names}
    return {"type": "object", "properties": properties, "required": required}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The types alone, outermost level."""
    if "anyOf" in schema:
        return {"type": [one["type"] for one in schema["anyOf"]]}
    return {"type": schema["type"]} if "type" in schema else {}
