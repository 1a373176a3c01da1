"""Seal-Tools: {api_name, api_description, field, parameters, required, responses}, types as words."""

from __future__ import annotations

from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NO_SCHEMA, properties, tool
from base_gtm.collection.schemas import SchemaProblem

NAME = "seal-tools"


def _read(record: Any, origin: str) -> Read:
    name = record.get("api_name")
    try:
        inputs = properties(record.get("parameters") or {})
        required = record.get("required") or []
        if unknown := [one for one in required if one not in inputs["properties"]]:
            raise SchemaProblem(f"requires '{unknown[0]}', which is no parameter")
        inputs |= {"required": required}
        given = record.get("responses")
        outputs = None if not given else {**properties(given), "required": list(given)}
    except SchemaProblem as error:
        yield Dropped(origin, NO_SCHEMA, f"{name}: {error}")
        return
    about, field = record.get("api_description"), str(record.get("field") or "")
    yield tool(origin, NAME, name=name, description=about, inputs=inputs, outputs=outputs, field=field)


FORMAT = Format(
    NAME, "api_name, parameters and responses", lambda one: isinstance(one, dict) and "api_name" in one, _read
)
