"""What the formats share: from parts to a checked tool, or to the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from base_gtm.collection.collected import Collected, Dropped, Response
from base_gtm.collection.schemas import SchemaProblem, modern, of_words
from base_gtm.schema import ToolSpec

NO_NAME, NO_SCHEMA, NOT_A_TOOL = "no name", "input schema cannot be used", "not a tool"
NO_OUTPUT = "output schema cannot be used"
UNDECLARED = "a required parameter is not declared"


def tool(
    origin: str,
    source: str,
    *,
    name: Any,
    description: Any = "",
    title: Any = "",
    inputs: Any = None,
    outputs: Any = None,
    field: str = "",
    response: Response | None = None,
) -> Collected | Dropped:
    """A tool from its parts as they were found; `field`: "Finance/Loans", or "Finance".

    response: None says "given" where there is an output schema and "missing" where there is none.
    """
    if not isinstance(name, str) or not name.strip():
        return Dropped(origin, NO_NAME, "give the tool a name")
    try:
        schema = modern({"type": "object", "properties": {}} if inputs is None else inputs)
        if schema.get("type", "object") != "object":
            raise SchemaProblem(f"arguments are an object, not {schema['type']}")
    except SchemaProblem as error:
        return Dropped(origin, NO_SCHEMA, f"{name}: {error}")
    undeclared = [one for one in schema.get("required", ()) if one not in schema.get("properties", {})]
    if undeclared and schema.get("additionalProperties", False) is False and "$ref" not in schema:
        return Dropped(origin, UNDECLARED, f"{name}: '{undeclared[0]}'")
    try:
        result = None if outputs is None else modern(outputs)
    except SchemaProblem as error:
        return Dropped(origin, NO_OUTPUT, f"{name}: {error}")
    top, _, rest = field.partition("/")
    spec = ToolSpec(name.strip(), _text(description), {"type": "object", **schema}, result, _text(title))
    known = response or ("missing" if result is None else "given")
    return Collected(spec, top.strip(), rest.strip(), source, origin, known)


def properties(given: Any, words: bool = True) -> dict[str, Any]:
    """The object schema of parameters that are given by name as {type, description, default, ...}.

    words: types are words such as "str". Raises SchemaProblem.
    """
    if not isinstance(given, Mapping):
        raise SchemaProblem(f"parameters are an object by name, this is {type(given).__name__}")
    found = {}
    for name, about in given.items():
        if isinstance(about, str):
            about = {"type": about} if words else {"description": about}
        if not isinstance(about, Mapping):
            raise SchemaProblem(f"parameter '{name}' is an object with a type, this is {type(about).__name__}")
        rest = {key: value for key, value in about.items() if key in _KEPT}
        found[str(name)] = {**(of_words(about.get("type", "")) if words else {}), **rest}
        if "examples" in rest and not isinstance(rest["examples"], list):
            found[str(name)]["examples"] = [rest["examples"]]
        if "example" in about:
            found[str(name)].setdefault("examples", [about["example"]])
    return {"type": "object", "properties": found}


_KEPT = frozenset("description default enum examples minimum maximum items properties required format".split())


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
