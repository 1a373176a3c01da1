"""Tools of a subfield as a teacher invents them, and result schemas for tools that came without one.

Guarantees: a tool that is kept has valid schemas, its required parameters exist, and every property is described; what
is left out is named with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from base_gtm.collection.collected import Collected, Dropped
from base_gtm.collection.formats.parts import tool
from base_gtm.collection.schemas import SchemaProblem, modern
from base_gtm.errors import UnusableAnswer
from base_gtm.schema import closed_object
from base_gtm.teachers.endpoint import Endpoint, Messages

SOURCE = "generated"
UNUSABLE, BARE = "no usable answer", "a property has no description"
_RULES = (
    "You design the tools of an API. Answer with one JSON object of the schema you are given. inputSchema and "
    "outputSchema are JSON Schema 2020-12 of type object; every property has a type and a description with its unit or "
    "format; numbers have bounds and closed sets of values are enums; 'required' names properties that exist."
)
_OBJECT = {"type": "object", "properties": {"type": {"const": "object"}, "properties": {"type": "object"}}}
_TOOL = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{2,63}$"},
        "description": {"type": "string", "minLength": 10, "maxLength": 600},
        "inputSchema": _OBJECT,
        "outputSchema": _OBJECT,
    },
    "required": ["name", "description", "inputSchema", "outputSchema"],
    "additionalProperties": False,
}


def invent(endpoint: Endpoint, field: str, subfield: str, wanted: int, seed: int) -> Iterator[Collected | Dropped]:
    """Up to `wanted` tools of a subfield."""
    origin = f"{endpoint.model}:{field}/{subfield}"
    question = (
        f"Design {wanted} tools for '{subfield}' within '{field}', each for another purpose, with 1 to 6 parameters, "
        "named in snake_case by what they do."
    )
    listed = {"type": "array", "items": _TOOL, "minItems": 1, "maxItems": 2 * wanted}
    answer = _asked(endpoint, question, {"tools": listed}, seed)
    if answer is None:
        yield Dropped(origin, UNUSABLE, "the teacher kept giving none")
        return
    for number, one in enumerate(answer["tools"][:wanted]):
        yield _checked(one, f"{origin}#{number}", f"{field}/{subfield}")


def complete(endpoint: Endpoint, given: Collected, seed: int) -> Collected:
    """The tool with a result schema of the teacher's; as it was where the teacher gives no usable one."""
    spec = given.spec
    question = f"Give the outputSchema of this tool:\n{json.dumps(spec.to_json(), ensure_ascii=False)}"
    answer = _asked(endpoint, question, {"outputSchema": _OBJECT}, seed)
    try:
        schema = modern(answer["outputSchema"]) if answer is not None else {}
    except SchemaProblem:
        schema = {}
    if not schema.get("properties"):
        return given
    return replace(given, spec=replace(spec, output_schema=schema), response="completed")


def _checked(one: Mapping[str, Any], origin: str, place: str) -> Collected | Dropped:
    found = tool(
        origin,
        SOURCE,
        name=one["name"],
        description=one["description"],
        inputs=one["inputSchema"],
        outputs=one["outputSchema"],
        field=place,
    )
    if isinstance(found, Dropped):
        return found
    for schema in (found.spec.input_schema, found.spec.output_schema or {}):
        for name, about in schema.get("properties", {}).items():
            if not isinstance(about, Mapping) or not about.get("description"):
                return Dropped(origin, BARE, f"{found.spec.name}: '{name}'")
    return found


def _asked(endpoint: Endpoint, question: str, wanted: Mapping[str, Any], seed: int) -> dict[str, Any] | None:
    schema = closed_object(wanted)
    messages: Messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": question}]
    try:
        return endpoint.ask_json(messages, schema, seed=seed)
    except UnusableAnswer:
        return None
