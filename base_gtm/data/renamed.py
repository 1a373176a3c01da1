"""Records under other names: the same tool and the same values, but parameters and fields are called something else.

A base that meets each field under one name for ever learns it by heart, and of a tool it has not seen writes fields of
those it knows. Under changing names it has to read them off the spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from base_gtm.data.records import Record
from base_gtm.schema import ToolCall, ToolResult

_INSIDE = ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems")
_BINDING = ("$ref", "$defs", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "if", "not")
"""Keywords that speak of names, or of places, in other ways."""


def property_names(schema: Any) -> Iterator[str]:
    """The properties that a schema names, at any depth; some more than once."""
    if not isinstance(schema, Mapping):
        return
    yield from schema.get("properties", {})
    for inner in _inner(schema):
        yield from property_names(inner)


def renamed(record: Record, names: Sequence[str], random: Random) -> Record | None:
    """The record with each property of its tool under one of `names`, in both schemas, calls, results and messages.

    None where the schemas bind names by other keywords than properties and required, or `names` are too few.
    """
    schemas = [record.spec.input_schema, record.spec.output_schema]
    old = sorted({name for schema in schemas for name in property_names(schema)})
    if any(map(_binds, schemas)) or len(old) > len(names):
        return None
    table = dict(zip(old, random.sample(list(names), len(old)), strict=True))
    inputs, outputs = (_schema(schema, table) for schema in schemas)
    words = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, old)) + r")(?!\w)") if old else None

    def turn(call: ToolCall, result: ToolResult) -> tuple[ToolCall, ToolResult]:
        if call.name != record.spec.name:
            return call, result
        text = words.sub(lambda found: table[found[0]], result.text) if words and result.is_error else result.text
        return replace(call, arguments=_value(call.arguments, table)), replace(
            result, content=_value(result.content, table), text=text
        )

    call, result = turn(record.call, record.result)
    return replace(
        record,
        spec=replace(record.spec, input_schema=inputs, output_schema=outputs),
        call=call,
        result=result,
        history=tuple(turn(*earlier) for earlier in record.history),
    )


def _inner(schema: Mapping[str, Any]) -> Iterator[Any]:
    yield from schema.get("properties", {}).values()
    for keyword in _INSIDE:
        found = schema.get(keyword)
        yield from found if isinstance(found, list) else [found]


def _binds(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    return any(keyword in schema for keyword in _BINDING) or any(map(_binds, _inner(schema)))


def _schema(schema: Any, table: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_schema(one, table) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {keyword: _schema(value, table) if keyword in _INSIDE else value for keyword, value in schema.items()}
    if "properties" in schema:
        found["properties"] = {table[name]: _schema(inner, table) for name, inner in schema["properties"].items()}
    if "required" in schema:
        found["required"] = [table.get(name, name) for name in schema["required"]]
    return found


def _value(value: Any, table: Mapping[str, str]) -> Any:
    """Values as they are, keys that are properties' renamed."""
    if isinstance(value, Mapping):
        return {table.get(name, name): _value(inner, table) for name, inner in value.items()}
    return [_value(one, table) for one in value] if isinstance(value, list) else value
