"""Four ways to make a valid call wrong, as the paper's error generators do.

Guarantees: what comes back differs from the valid call in the one parameter that is named; a wrong type is a type that
the schema does not allow there, a missing parameter a required one, an excess one unknown to a closed schema. A wrong
value breaks a bound, a list of values or a pattern of the schema; what only the tool can know is the teacher's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from base_gtm.arguments import validator
from base_gtm.example import Fault
from base_gtm.schema import ToolSpec, canonical_json

Broken = tuple[dict[str, Any], str]
"""Arguments and the parameter that is wrong."""
_EXCESS = ("verbose", "debug", "locale", "units", "timeout", "api_key", "format", "strict", "page_size", "mode")
"""Parameters that agents like to invent."""


def broken(spec: ToolSpec, arguments: Mapping[str, Any], fault: Fault, rng: Random) -> Broken | None:
    """Arguments with this fault; None where the schema leaves no room for it."""
    return _MAKERS[fault](spec, arguments, rng)


def _type(spec: ToolSpec, arguments: Mapping[str, Any], rng: Random) -> Broken | None:
    names = list(arguments)
    rng.shuffle(names)
    for name in names:
        candidates = _of_other_type(arguments[name], rng)
        for value in candidates:
            if _refused_type(_schema(spec, name), value):
                return {**arguments, name: value}, name
    return None


def _missing(spec: ToolSpec, arguments: Mapping[str, Any], rng: Random) -> Broken | None:
    names = [name for name in spec.input_schema.get("required", ()) if name in arguments]
    if not names:
        return None
    name = rng.choice(names)
    return {key: value for key, value in arguments.items() if key != name}, name


def _excess(spec: ToolSpec, arguments: Mapping[str, Any], rng: Random) -> Broken | None:
    known = spec.input_schema.get("properties", {})
    if spec.input_schema.get("additionalProperties") is not False:
        return None
    misspelt = [near for name in known if (near := _misspelt(name, rng)) not in known]
    name = rng.choice(misspelt) if misspelt and rng.random() < 0.5 else rng.choice(_EXCESS)
    return None if name in known else ({**arguments, name: rng.choice([True, "en", 10, "json"])}, name)


def _value(spec: ToolSpec, arguments: Mapping[str, Any], rng: Random) -> Broken | None:
    names = list(arguments)
    rng.shuffle(names)
    for name in names:
        schema = _schema(spec, name)
        for value in _out_of_bounds(schema, arguments[name], rng):
            problems = list(_checked(schema, value))
            if problems and all(problem.validator != "type" for problem in problems):
                return {**arguments, name: value}, name
    return None


_MAKERS: Mapping[Fault, Callable[[ToolSpec, Mapping[str, Any], Random], Broken | None]] = {
    "type": _type,
    "missing": _missing,
    "excess": _excess,
    "value": _value,
}


def _schema(spec: ToolSpec, name: str) -> Mapping[str, Any]:
    found = spec.input_schema.get("properties", {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _checked(schema: Mapping[str, Any], value: Any) -> Any:
    return validator("parameter", canonical_json(schema)).iter_errors(value)


def _refused_type(schema: Mapping[str, Any], value: Any) -> bool:
    return any(problem.validator in ("type", "anyOf", "oneOf") for problem in _checked(schema, value))


def _of_other_type(value: Any, rng: Random) -> list[Any]:
    """The value as agents write it wrongly: quoted, spelt, wrapped, unwrapped."""
    match value:
        case bool():
            others: list[Any] = ["yes" if value else "no", str(value).lower(), int(value)]
        case int() | float():
            others = [str(value), f"about {value}", [value], None]
        case str():
            others = [[value], {"value": value}, rng.randint(1, 999), None]
        case list():
            others = [", ".join(map(str, value)), value[0] if value else "none", {"items": value}]
        case _:
            others = [canonical_json(value), [value], None]
    rng.shuffle(others)
    return others


def _out_of_bounds(schema: Mapping[str, Any], value: Any, rng: Random) -> list[Any]:
    """Values beyond each limit that a schema names."""
    found: list[Any] = []
    if "enum" in schema:
        found.append(_misspelt(value, rng) if isinstance(value, str) else "other")
    for key, sign in (("minimum", -1), ("exclusiveMinimum", -1), ("maximum", 1), ("exclusiveMaximum", 1)):
        if key in schema:
            step = rng.choice((1, 2, 5, 10)) * max(1, abs(schema[key]) // 10)
            found.append(schema[key] + sign * step)
    if isinstance(value, str):
        if "pattern" in schema:
            found += [value[::-1] + "?", value.lower() + " ", "n/a"]
        if schema.get("minLength"):
            found.append("")
        if "maxLength" in schema:
            found.append((value or "x") * (schema["maxLength"] // max(1, len(value)) + 1))
    if isinstance(value, list) and schema.get("minItems"):
        found.append(value[: schema["minItems"] - 1])
    rng.shuffle(found)
    return found


def _misspelt(word: str, rng: Random) -> str:
    """A word with two letters exchanged, or one left out."""
    if len(word) < 3:
        return word + "s"
    at = rng.randrange(len(word) - 1)
    if word[at] == word[at + 1] or rng.random() < 0.5:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
