"""Other dialects of JSON Schema, and types in words, as JSON Schema 2020-12.

`modern` mends what drafts 4 to 7 and OpenAPI 3 say otherwise; `of_words` reads "str", "List[int]", "dict, optional".
Guarantees: what `modern` gives is a schema of 2020-12, or a SchemaProblem says where it is none; a schema that was one
comes back equal but for `$schema` and `$id`. Does not fetch: a reference to another document is a problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_DEEPEST = 40
"""Levels of nesting that are read: a deeper schema is a broken one, or an attack."""
_KINDS = {
    "string": "str string text char bytes",
    "integer": "int integer long short",
    "number": "float number double decimal",
    "boolean": "bool boolean",
    "array": "list array tuple set sequence iterable arraylist",
    "object": "dict object mapping map hashmap json",
    "null": "none null nonetype",
}
_WORDS: Mapping[str, Mapping[str, Any]] = {
    **{word: {"type": kind} for kind, words in _KINDS.items() for word in words.split()},
    **{word: {} for word in ("any", "", "unknown")},
}
_DATES = {"date": "date", "datetime": "date-time", "time": "time", "timestamp": "date-time"}
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name."""
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset(
    "additionalProperties items contains not if then else propertyNames unevaluatedItems unevaluatedProperties".split()
)


class SchemaProblem(ValueError):
    """A schema that cannot be read as JSON Schema 2020-12; the message says where and why."""


def modern(raw: Any, where: str = "") -> dict[str, Any]:
    """A schema in the words of 2020-12. Raises SchemaProblem."""
    found = _modern(raw, where, 0)
    if isinstance(found, bool):
        return {} if found else {"not": {}}
    found.pop("$schema", None)
    found.pop("$id", None)
    _check(found)
    return found


def untitled(value: Any) -> Any:
    """A schema without the titles that pydantic makes of names."""
    if isinstance(value, dict):
        held = {key: sub for key, sub in value.items() if not (key == "title" and isinstance(sub, str))}
        return {key: untitled(sub) for key, sub in held.items()}
    return [untitled(one) for one in value] if isinstance(value, list) else value


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of pydantic without titles, each definition in the place that refers to it. Not for one that refers to
    itself.
    """
    definitions = schema.get("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, dict) and "$ref" in value:
            own = {key: sub for key, sub in value.items() if key != "$ref"}
            return inlined({**definitions[value["$ref"].removeprefix("#/$defs/")], **own})
        if isinstance(value, dict):
            return {key: inlined(sub) for key, sub in value.items()}
        return [inlined(one) for one in value] if isinstance(value, list) else value

    found: dict[str, Any] = untitled(inlined({key: sub for key, sub in schema.items() if key != "$defs"}))
    return found


def of_words(text: Any) -> dict[str, Any]:
    """The schema of a type in words: "str", "List[int]", "Optional[float]", "int, optional". Raises SchemaProblem."""
    if isinstance(text, Sequence) and not isinstance(text, str):
        return _either([of_words(one) for one in text])
    if not isinstance(text, str):
        raise SchemaProblem(f"a type is a word, this is {type(text).__name__}")
    words = re.sub(r",?\s*\(?\boptional\b\)?\s*$", "", text.strip(), flags=re.IGNORECASE).strip()
    if "|" in words and _depth_free(words, "|"):
        return _either([of_words(part) for part in _split(words, "|")])
    head, opened, inside = words.partition("[")
    name = head.strip().rpartition(".")[2].lower()
    if not opened:
        if name in _DATES:
            return {"type": "string", "format": _DATES[name]}
        if name not in _WORDS:
            raise SchemaProblem(f"unknown type '{text[:40]}'")
        return dict(_WORDS[name])
    return _generic(name, _split(inside.rstrip().removesuffix("]"), ","), text)


def _generic(name: str, parts: Sequence[str], text: str) -> dict[str, Any]:
    """`List[int]`, `Dict[str, int]`, `Union[...]`, `Literal[...]` and their like."""
    if name == "optional":
        return _either([of_words(parts[0]), {"type": "null"}])
    if name == "union":
        return _either([of_words(part) for part in parts])
    if name == "literal":
        return {"enum": [part.strip().strip("'\"") for part in parts]}
    if name == "tuple" and not (len(parts) == 2 and parts[1].strip() == "..."):
        return {"type": "array", "prefixItems": [of_words(part) for part in parts]}
    base = _WORDS.get(name, {}).get("type")
    if base == "array":
        return {"type": "array", "items": of_words(parts[0])}
    if base == "object":
        return {"type": "object", "additionalProperties": of_words(parts[-1])}
    raise SchemaProblem(f"unknown type '{text[:40]}'")


def _either(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Any of these; plain types are named together."""
    if all(set(schema) == {"type"} and isinstance(schema["type"], str) for schema in schemas):
        kinds = list(dict.fromkeys(schema["type"] for schema in schemas))
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {"anyOf": [dict(schema) for schema in schemas]}


def _split(text: str, mark: str) -> list[str]:
    """Parts of a text at a mark that stands in no bracket."""
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == mark and depth == 0:
            parts.append(text[last:at])
            last = at + 1
    return [*parts, text[last:]]


def _depth_free(text: str, mark: str) -> bool:
    return len(_split(text, mark)) > 1


def _modern(raw: Any, where: str, depth: int) -> Any:
    """One level; schemas may be true and false."""
    if isinstance(raw, bool):
        return raw
    if not isinstance(raw, Mapping):
        raise SchemaProblem(f"{where or 'top level'}: a schema is an object, this is {type(raw).__name__}")
    if depth > _DEEPEST:
        raise SchemaProblem(f"{where}: nested more than {_DEEPEST} levels deep")
    found: dict[str, Any] = {}
    for key, value in raw.items():
        place = f"{where}/{key}"
        if key in _MAPS:
            if not isinstance(value, Mapping):
                raise SchemaProblem(f"{place}: must be an object")
            found[key] = {str(name): _modern(sub, f"{place}/{name}", depth + 1) for name, sub in value.items()}
        elif key in _LISTS and isinstance(value, list):
            found[key] = [_modern(sub, f"{place}/{n}", depth + 1) for n, sub in enumerate(value)]
        elif key in _SINGLE and isinstance(value, Mapping | bool):
            found[key] = _modern(value, place, depth + 1)
        else:
            found[key] = value
    _mend(found, where, depth)
    return found


def _mend(found: dict[str, Any], where: str, depth: int) -> None:
    """What older drafts and OpenAPI say otherwise."""
    if isinstance(kind := found.get("type"), str) and kind not in _KINDS:
        found |= _typed(found.pop("type"), where)
    if isinstance(found.get("items"), list):  # draft 7's tuples
        found["prefixItems"] = [_modern(sub, f"{where}/items", depth + 1) for sub in found.pop("items")]
        if "additionalItems" in found:
            found["items"] = found.pop("additionalItems")
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(exclusive), bool):  # draft 4's
            strict = found.pop(exclusive)
            if strict and limit in found:
                found[exclusive] = found.pop(limit)
    if found.pop("nullable", False) is True and isinstance(found.get("type"), str):  # OpenAPI 3.0's
        found["type"] = [found["type"], "null"]
    if isinstance(found.get("required"), bool):  # draft 3's, and a habit: said of a property, not of an object
        found.pop("required")
    if found.get("required") is None:
        found.pop("required", None)
    reference = found.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        raise SchemaProblem(f"{where or 'top level'}: refers to another document, {reference[:60]}")


def _typed(kind: str, where: str) -> dict[str, Any]:
    try:
        return of_words(kind)
    except SchemaProblem as error:
        raise SchemaProblem(f"{where or 'top level'}: {error}") from None


def _check(schema: Mapping[str, Any]) -> None:
    """Raises SchemaProblem where it is no schema of 2020-12, or refers to what is not there."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "top level"
        raise SchemaProblem(f"{place}: {error.message[:160]}") from None
    for reference in _references(schema):
        if not _resolves(schema, reference):
            raise SchemaProblem(f"{reference[:60]}: refers to nothing")


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for sub in value.values() for found in _references(sub)]
    return [found for sub in value for found in _references(sub)] if isinstance(value, list) else []


def _resolves(schema: Mapping[str, Any], reference: str) -> bool:
    """Whether a local reference points at something; anchors are taken to do."""
    path = reference.removeprefix("#")
    if not path.startswith("/"):
        return True
    found: Any = schema
    for part in path[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~").replace("%24", "$")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return False
    return True
