"""Arguments against the input schema: what a real tool would refuse before doing anything.

Guarantees: text that is no JSON object, and wrong type, missing, excess and out-of-bounds arguments, give an error
result of one line that names the place or parameter, what was expected, what came and a way out; no model is asked.
What passes can be written as JSON. Does not judge values that the schema allows.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from base_gtm.errors import SpecError
from base_gtm.schema import ToolResult, ToolSpec, canonical_json

_SHOWN = 60
"""Characters of an offending value that the message repeats."""
_MOST = 3
"""Problems named in one message."""

_LIMITS: Mapping[str, str] = {
    "minimum": "a value of at least {limit}",
    "maximum": "a value of at most {limit}",
    "exclusiveMinimum": "a value above {limit}",
    "exclusiveMaximum": "a value below {limit}",
    "multipleOf": "a multiple of {limit}",
    "minLength": "at least {limit} characters",
    "maxLength": "at most {limit} characters",
    "minItems": "at least {limit} items",
    "maxItems": "at most {limit} items",
    "pattern": "text matching {limit}",
    "format": "text in the format {limit}",
    "const": "{limit}",
}


_EXPECTED: Mapping[str, str] = {
    "Expecting value": "a value",
    "Expecting ',' delimiter": "',' or what closes the object or list",
    "Expecting ':' delimiter": "':'",
    "Expecting property name enclosed in double quotes": "a parameter's name in double quotes",
    "Unterminated string starting at": "a double quote that ends this string",
    "Extra data": "the end of the arguments",
    "Invalid control character at": "an escape such as \\n instead of a control character",
    "Invalid \\escape": 'one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after the backslash',
    "Invalid \\uXXXX escape": "four hexadecimal digits after \\u",
}
"""What Python's reader of JSON says was wrong -> what should have stood there."""


def read(spec: ToolSpec, text: str) -> Mapping[str, Any] | ToolResult:
    """The arguments that an agent wrote as JSON, ready for `check`; else the tool's refusal of what is no object."""
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return refuse(spec, [_break(error)])
    except ValueError as error:
        return refuse(spec, [f"arguments are not valid JSON: {str(error)[:_SHOWN]}"])
    except RecursionError:
        return refuse(spec, ["arguments are nested too deep"])
    return found if isinstance(found, dict) else _no_object(spec, found)


def check(spec: ToolSpec, arguments: Any) -> ToolResult | None:
    """None when `arguments` satisfy the spec's input schema, else the tool's refusal. Raises SpecError."""
    if not isinstance(arguments, Mapping):
        return _no_object(spec, arguments)
    unwritable = _unwritable(arguments)
    if unwritable:
        return refuse(spec, [unwritable])
    problems = list(problems_of(spec.name, spec.input_schema, arguments))
    if not problems:
        return None
    problems.sort(key=lambda error: (error.validator != "required", list(map(str, error.absolute_path))))
    return refuse(spec, [_line(spec, error) for error in problems[:_MOST]])


def problems_of(name: str, schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """jsonschema's errors of a value. Raises SpecError where a part of the schema that applies cannot be used."""
    from referencing.exceptions import Unresolvable

    try:
        yield from validator(name, canonical_json(schema)).iter_errors(value)
    except Unresolvable as error:
        raise SpecError(f"{name}: '$ref' {str(error.ref)[:_SHOWN]} points to nothing") from None
    except RecursionError:
        raise SpecError(f"{name}: a '$ref' leads back to itself, or values are nested too deep") from None


def refuse(spec: ToolSpec, problems: list[str]) -> ToolResult:
    """The error result that names problems with a call, and what the tool takes."""
    listed = "; ".join(problems)
    stop = "" if listed.endswith("?") else "."
    said = f"Error: {spec.name}: {listed}{stop} Call it with: {_signature(spec)}"
    return ToolResult(is_error=True, text=" ".join(said.splitlines()).encode(errors="replace").decode())


@lru_cache(maxsize=4096)
def validator(name: str, schema_text: str) -> Any:
    """A jsonschema validator (2020-12) for a schema as canonical JSON. Raises SpecError where it is no schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    schema = json.loads(schema_text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "top level"
        raise SpecError(f"{name}: not a JSON Schema 2020-12 at {place}: {error.message[:160]}") from None
    return Draft202012Validator(schema)


def describe(value: Any) -> str:
    """A value for an error message: its JSON type and its start."""
    kinds: list[tuple[Callable[[Any], bool], str]] = [
        (lambda v: v is None, "null"),
        (lambda v: isinstance(v, bool), "boolean"),
        (lambda v: isinstance(v, int), "integer"),
        (lambda v: isinstance(v, float), "number"),
        (lambda v: isinstance(v, str), "string"),
        (lambda v: isinstance(v, Mapping), "object"),
        (lambda v: isinstance(v, list | tuple), "array"),
    ]
    kind = next((name for test, name in kinds if test(value)), type(value).__name__)
    try:
        text = canonical_json(value)
    except (TypeError, ValueError):
        text = repr(value)
    return kind if value is None else f"{kind} {_short(text)}"


def _no_object(spec: ToolSpec, given: Any) -> ToolResult:
    return refuse(spec, [f"arguments must be a JSON object, got {describe(given)}"])


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _break(error: json.JSONDecodeError) -> str:
    """Where a JSON text broke, what was expected and what came."""
    rest = error.doc[error.pos :].strip()
    came = f"got {_short(json.dumps(rest, ensure_ascii=False))}" if rest else "the text ends there"
    wanted = _EXPECTED.get(error.msg, error.msg)
    place = f"line {error.lineno}, column {error.colno}"
    return f"arguments are not valid JSON at {place}: expected {wanted}, {came}"


def _unwritable(arguments: Mapping[str, Any]) -> str:
    """Why arguments cannot be written as JSON; empty where they can."""
    try:
        json.dumps(dict(arguments), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return "arguments hold half of a surrogate pair, which is no text"
    except (TypeError, ValueError, RecursionError) as error:
        return f"arguments cannot be written as JSON: {str(error)[:_SHOWN]}"
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _signature(spec: ToolSpec) -> str:
    required = spec.input_schema.get("required", ())
    parts = [
        f"{name}: {_wanted(sub)}" + ("" if name in required else " (optional)")
        for name, sub in spec.input_schema.get("properties", {}).items()
    ]
    return "{" + ", ".join(parts) + "}"


def _wanted(sub: Any) -> str:
    if not isinstance(sub, Mapping):
        return "any"
    if "const" in sub:
        return canonical_json(sub["const"])
    branches = sub.get("anyOf") or sub.get("oneOf")
    if branches:
        return " or ".join(dict.fromkeys(_wanted(branch) for branch in branches))
    if "enum" in sub:
        return "one of " + ", ".join(canonical_json(value) for value in sub["enum"])
    kind = sub.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _line(spec: ToolSpec, error: Any) -> str:
    """One problem: parameter, expected, got."""
    path = ".".join(map(str, error.absolute_path))
    named = f"parameter '{path}'" if path else "arguments"
    inside = f"{path}." if path else ""
    if error.validator == "required":
        # jsonschema gives one error for each missing property and names it only in the message.
        absent = [name for name in error.validator_value if name not in error.instance]
        missing = next((name for name in absent if error.message.startswith(repr(name))), "?")
        wanted = _wanted(error.schema.get("properties", {}).get(missing))
        return f"parameter '{inside}{missing}' is missing: expected {wanted}"
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        excess = next((name for name in error.instance if name not in known), "?")
        near = difflib.get_close_matches(str(excess), known, n=1)
        return f"parameter '{inside}{excess}' is not known" + (f": did you mean '{near[0]}'?" if near else "")
    if error.validator in ("anyOf", "oneOf"):
        return _branch_line(named, error)
    if error.validator in ("type", "enum"):
        return f"{named}: expected {_wanted(error.schema)}, got {describe(error.instance)}"
    if error.validator in _LIMITS:
        limit = _LIMITS[error.validator].format(limit=canonical_json(error.validator_value))
        return f"{named}: expected {limit}, got {describe(error.instance)}"
    return f"{named}: breaks '{error.validator}' of the schema, got {describe(error.instance)}"


def _branch_line(named: str, error: Any) -> str:
    """A value that fits no branch: what each branch misses where that is all, or the limit that it breaks in the one
    branch of its type, else all branches' types.
    """
    absent = [
        [name for name in sub.validator_value if name not in sub.instance]
        for sub in error.context
        if sub.validator == "required" and not sub.relative_path
    ]
    if absent and len(absent) == len(error.context):
        ways = dict.fromkeys(" and ".join(f"'{name}'" for name in names) for names in absent)
        return f"{named}: expected {', or '.join(ways)}, got {describe(error.instance)}"
    close = [sub for sub in error.context if sub.validator in _LIMITS and len(sub.relative_path) == 0]
    if len(close) == 1 and not any(sub.validator == "type" and sub.schema is close[0].schema for sub in error.context):
        limit = _LIMITS[close[0].validator].format(limit=canonical_json(close[0].validator_value))
        return f"{named}: expected {limit}, got {describe(error.instance)}"
    return f"{named}: expected {_wanted(error.schema)}, got {describe(error.instance)}"
