"""An output schema rewritten so that every text it allows is short: a subset of the original, ready for the decoder.

Guarantees: what satisfies the rewritten schema satisfies the original, but for items that repeat where `uniqueItems`
forbids it: these are taken out after decoding (see `distinct`). Strings, arrays and objects get a greatest size
where they have none, "anything" becomes a bounded scalar; when the answer is to be brief, optional properties go, and
a map (an object that names none, whose values have a schema) has at most one entry of a short name.
Does not bound numbers (the decoding loop does) nor the depth of a schema that refers to itself.

Keywords that the decoder does not know are said otherwise, by what allows less: `dependentRequired` requires,
`dependentSchemas` always holds, `contains` holds for the first items, `propertyNames` and `unevaluatedProperties` close
the object, a `oneOf` of listed values lists those named once. What cannot be said so stays, and the decoder refuses it:
`not`, `if` with `then` or `else`, `uniqueItems` of two items or more, `maxContains`, a `oneOf` whose branches overlap,
`$dynamicRef`, patterns that look around or back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from base_gtm.errors import SpecError

MAX_LENGTH = 256
"""Characters of a string whose schema sets no maxLength."""
MAX_ITEMS = 16
"""Items of an array whose schema sets no maxItems."""
MAX_PROPERTIES = 8
"""Free properties of an object, where those are wanted."""
_SHORT_NAME = "^[A-Za-z0-9_ -]{1,16}$"
"""A name in a map that is to be brief."""

SCALAR: Mapping[str, Any] = {
    "anyOf": [
        {"type": "string", "maxLength": MAX_LENGTH},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
    ]
}
"""What stands for a schema that allows anything."""

_COMBINE = ("allOf", "anyOf", "oneOf")
_NOTES = ("title", "description", "default", "examples", "$schema", "$comment", "$id", "deprecated", "readOnly")
_OLDER = ("dependencies", "additionalItems")
"""Keywords of older drafts, which say nothing in 2020-12."""
_TYPED: Mapping[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}

Compiles = Callable[[Mapping[str, Any]], bool]
"""Whether the decoder can compile a schema; decides if a pattern may be bounded."""


def bounded(schema: Mapping[str, Any], *, brief: bool, compiles: Compiles) -> dict[str, Any]:
    """The rewritten schema. Raises SpecError for references that cannot be followed."""
    return _Rewriter(schema, brief, compiles).top()


class _Rewriter:
    """One rewriting; holds the root that references point into."""

    def __init__(self, root: Mapping[str, Any], brief: bool, compiles: Compiles) -> None:
        self.root, self.brief, self.compiles = root, brief, compiles

    def top(self) -> dict[str, Any]:
        out: dict[str, Any] = self.value(self.root)
        for key in ("$defs", "definitions"):
            if key in self.root:
                out[key] = {name: self.value(sub) for name, sub in self.root[key].items()}
        return out

    def value(self, schema: Any) -> Any:
        """A schema in a place of its own (a property, an item, a definition)."""
        if schema is False:
            return False
        if schema is True or not any(key not in _NOTES for key in schema):
            return dict(SCALAR)
        level = self.inlined(schema, ())
        return self.level(level, self.names(level), alone=not any(key in level for key in _COMBINE))

    def names(self, level: Mapping[str, Any]) -> tuple[str, ...]:
        """The properties that any part of a level asks for, and those that these require."""
        parts = list(_parts(level))
        names = {name: None for part in parts for name in part.get("required", ())}
        if not self.brief:
            names |= {name: None for part in parts for name in part.get("properties", {})}
        needs = [need for part in parts for need in part.get("dependentRequired", {}).items()]
        for _ in needs:  # one may lead to the next
            names |= {name: None for trigger, needed in needs if trigger in names for name in needed}
        least = max((part.get("minProperties", 0) for part in parts), default=0)
        more = [name for part in parts for name in part.get("properties", {}) if name not in names]
        return (*names, *more[: max(0, least - len(names))])

    def inlined(self, schema: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
        """The schema with the references that share its place with other keywords replaced by their targets."""
        out = {key: item for key, item in schema.items() if key not in (*_NOTES, *_OLDER, "$defs", "definitions")}
        if "dependentSchemas" in out:
            out["allOf"] = [*out.get("allOf", ()), *out.pop("dependentSchemas").values()]
        reference = out.get("$ref")
        found = None if reference is None else resolve(self.root, reference)
        if found is not None and (len(out) > 1 or seen):
            if reference in seen:
                raise SpecError(f"outputSchema: '$ref' {reference} refers to itself through allOf or anyOf")
            target = self.inlined(found, (*seen, str(reference)))
            del out["$ref"]
            if not out:
                return target
            out["allOf"] = [*out.get("allOf", ()), target]
        shared = "properties" in out or "allOf" in out
        for key in _COMBINE:
            if key in out:
                inside = (*seen, "") if shared or key == "allOf" else seen
                out[key] = [self.inlined(sub, inside) if isinstance(sub, Mapping) else sub for sub in out[key]]
        return out

    def level(self, schema: dict[str, Any], names: tuple[str, ...], alone: bool) -> Any:
        """One part of what is said about one value; `names` are the properties that any part asks for."""
        if set(schema) <= {"$ref"}:
            return schema
        out = dict(schema)
        _settle(out)
        if alone and not out:
            return dict(SCALAR)
        for key in _COMBINE:
            if key in out:
                out[key] = [self.level(sub, names, False) if isinstance(sub, dict) else sub for sub in out[key]]
        if "enum" in out or "const" in out:
            return out
        if "type" not in out and not any(key in out for key in (*_COMBINE, "$ref", "not", "if")):
            kinds = [kind for kind, keys in _TYPED.items() if any(key in out for key in keys)]
            if kinds and alone:
                out["type"] = kinds[0]
        kinds = [out["type"]] if isinstance(out.get("type"), str) else list(out.get("type", ()))
        if "object" in kinds or "properties" in out:
            self.object(out, names)
        if "array" in kinds:
            self.array(out)
        if "string" in kinds:
            self.string(out)
        return out

    def object(self, out: dict[str, Any], names: tuple[str, ...]) -> None:
        named = out.get("properties", {})
        extra = out.get("additionalProperties", True)
        least = out.get("minProperties", 0)
        needed = [
            name for trigger, more in out.pop("dependentRequired", {}).items() if trigger in names for name in more
        ]
        if needed:
            out["required"] = list(dict.fromkeys([*out.get("required", ()), *needed]))
        if "propertyNames" in out and (named or not least):
            fits = _validator(out.pop("propertyNames")).is_valid
            names, extra = tuple(name for name in names if fits(name)), False
        closed = extra is False
        if not named and any(key in out for key in _COMBINE):
            return  # the branches say what is in it; closing here would close them
        keep = {name: self.value(sub) for name, sub in named.items() if name in names}
        for name in names:
            if name not in named and not closed:
                # another part of the same level describes it: here it may be anything, so that both agree
                keep[name] = self.value(extra) if isinstance(extra, Mapping) else {}
        for pattern_schema in (out.get("patternProperties") or {}).items():
            out["patternProperties"] = out["patternProperties"] | {pattern_schema[0]: self.value(pattern_schema[1])}
        out["properties"] = keep
        if least and not out.get("required") and least >= len(keep) and closed:
            out["required"] = list(keep)
        is_map = isinstance(extra, Mapping) and not keep
        if closed or (least <= len(keep) and not is_map and (self.brief or named)):
            out["additionalProperties"] = False
            return
        if self.brief and is_map and not least and "patternProperties" not in out:
            out |= {"patternProperties": {_SHORT_NAME: self.value(extra)}, "additionalProperties": False}
            out["maxProperties"] = min(out.get("maxProperties", 1), 1)
            return
        out["additionalProperties"] = self.value(extra)
        out.setdefault("maxProperties", max(MAX_PROPERTIES, least, len(keep)))

    def array(self, out: dict[str, Any]) -> None:
        first = [self.value(sub) for sub in out.get("prefixItems", ())]
        if first:
            out["prefixItems"] = first
        if out.get("items") is not False:
            least = out.get("minItems", 0)
            out["items"] = self.value(out.get("items", True))
            if first and "maxItems" not in out and least <= len(first):
                out["maxItems"] = len(first)
            out.setdefault("maxItems", max(MAX_ITEMS, least))

    def string(self, out: dict[str, Any]) -> None:
        if "format" in out and not self.compiles({"type": "string", "format": out["format"]}):
            del out["format"]  # an annotation in JSON Schema 2020-12
        if "maxLength" in out:
            return
        most = {"maxLength": max(MAX_LENGTH, out.get("minLength", 0))}
        shape = {key: out[key] for key in ("pattern", "format", "minLength") if key in out}
        if not shape or self.compiles({"type": "string"} | shape | most):
            out |= most


def subschemas(schema: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A schema and all in it, each with its place as a JSON pointer; what a value is compared with is no schema."""
    if not isinstance(schema, Mapping):
        return
    yield place, schema
    for key, held in schema.items():
        if key in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"):
            for name, sub in held.items():
                yield from subschemas(sub, f"{place}/{key}/{name}")
        elif isinstance(held, list) and key in (*_COMBINE, "prefixItems"):
            for number, sub in enumerate(held):
                yield from subschemas(sub, f"{place}/{key}/{number}")
        elif key not in ("const", "default", "examples", "dependentRequired"):
            yield from subschemas(held, f"{place}/{key}")


def _settle(out: dict[str, Any]) -> None:
    """Say keywords that the decoder does not know by others, where these can."""
    combined = [key for key in _COMBINE if key in out]
    if "if" not in out or not out.keys() & {"then", "else"}:
        for key in ("if", "then", "else"):
            out.pop(key, None)
    if out.keys() & {"contains", "minContains", "maxContains"}:
        _settle_contains(out)
    single = out.get("minItems", 0) <= 1 and "prefixItems" not in out
    if not out.get("uniqueItems") or single or out.get("maxItems", 2) <= 1:
        out.pop("uniqueItems", None)
    if "unevaluatedItems" in out and not combined:
        out.setdefault("items", out.pop("unevaluatedItems"))
    if "unevaluatedProperties" in out and combined in ([], ["allOf"]):
        held = out.pop("unevaluatedProperties")
        if not combined:
            out.setdefault("additionalProperties", held)
    listed = [_listed(sub) for sub in out.get("oneOf", ())]
    if listed and all(some is not None for some in listed):
        known = [value for some in listed for value in some or ()]
        del out["oneOf"]
        out["allOf"] = [*out.get("allOf", ()), {"enum": [one for one in known if known.count(one) == 1]}]


def _settle_contains(out: dict[str, Any]) -> None:
    """The first items are those that `contains` asks for."""
    least = out.get("minContains", 1) if "contains" in out else 0
    if "maxContains" in out and "contains" in out:
        return
    if least and (out.keys() & {"prefixItems", "uniqueItems"}):
        return
    held = out.pop("contains", None)
    for key in ("minContains", "maxContains"):
        out.pop(key, None)
    if least:
        both = [part for part in (out.get("items", True), held) if part is not True]
        out["prefixItems"] = [{"allOf": both}] * least
        out["minItems"] = max(least, out.get("minItems", 0))
        out.setdefault("maxItems", max(MAX_ITEMS, out["minItems"]))


def _listed(schema: Any) -> list[Any] | None:
    """The values of a schema that does nothing but list them."""
    if not isinstance(schema, Mapping) or not schema.keys() <= {"const", "enum", "type", *_NOTES}:
        return None
    found = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if found is None else [value for value in found if _validator(dict(schema)).is_valid(value)]


def _validator(schema: Any) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema)


def resolve(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """What a local reference ("#/$defs/x") points to. Raises SpecError for any other."""
    node: Any = root
    if not reference.startswith("#"):
        raise SpecError(f"outputSchema: '$ref' {reference} leads out of the schema; put the definition under '$defs'")
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise SpecError(f"outputSchema: '$ref' {reference} points to nothing") from None
    return node if isinstance(node, Mapping) else {}


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema and what its combinators hold, all speaking of the same value."""
    yield schema
    for key in _COMBINE:
        for sub in schema.get(key, ()):
            if isinstance(sub, Mapping):
                yield from _parts(sub)
