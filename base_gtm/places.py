"""Where a half-written JSON text stands, and which values its schema allows there when they are few.

Guarantees: `allowed` never leaves out a value that the schema permits at the place. It may list one that another
keyword rules out; the grammar has the last word. Compact JSON only, as the decoder writes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from base_gtm.bounded import resolve

FEW = 64
"""More values than this are decoded, not enumerated."""
_WHOLE_RANGE = 20
_ALTERNATIVES = 256

Conjunction = tuple[Mapping[str, Any], ...]
"""Schemas that a value must satisfy together."""


@dataclass(frozen=True)
class Place:
    """A value that is being written."""

    path: tuple[str | int, ...]
    """Keys and indices from the root."""
    siblings: tuple[Mapping[str, Any] | list[Any], ...]
    """For each step of the path, what its container already holds."""
    partial: str
    """What of the value's JSON is written."""


def locate(text: str) -> Place | None:
    """The value that compact JSON `text` breaks off in or before; None inside a key or after a value."""
    decoder = json.JSONDecoder()
    path: list[str | int] = []
    siblings: list[Mapping[str, Any] | list[Any]] = []
    at = 0
    while at < len(text) and text[at] in "{[":
        step = _into_object(decoder, text, at) if text[at] == "{" else _into_array(decoder, text, at)
        if step is None:
            return None
        key, holds, at = step
        path.append(key)
        siblings.append(holds)
    return Place(tuple(path), tuple(siblings), text[at:])


def _whole(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int] | None:
    """The complete value at `at` and where it ends; a number at the end of the text may go on, so is not complete."""
    try:
        value, end = decoder.raw_decode(text, at)
    except ValueError:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # raw_decode reads "1." as 1 and leaves the point.
    return None if number and (end == len(text) or text[end] not in ",}]") else (value, end)


def _into_object(decoder: json.JSONDecoder, text: str, at: int) -> tuple[str, dict[str, Any], int] | None:
    holds: dict[str, Any] = {}
    at += 1
    while at < len(text) and text[at] != "}":
        key = _whole(decoder, text, at + (text[at] == ","))
        if key is None or key[1] >= len(text):
            return None
        at = key[1] + 1
        value = _whole(decoder, text, at)
        if value is None:
            return key[0], holds, at
        holds[key[0]], at = value
    return None


def _into_array(decoder: json.JSONDecoder, text: str, at: int) -> tuple[int, list[Any], int] | None:
    holds: list[Any] = []
    at += 1
    while not (at < len(text) and text[at] == "]"):
        if holds:
            if at >= len(text):
                return None  # a comma or the end may follow
            at += 1
        value = _whole(decoder, text, at)
        if value is None:
            return len(holds), holds, at
        holds.append(value[0])
        at = value[1]
    return None


def allowed(schema: Mapping[str, Any], place: Place) -> list[Any] | None:
    """The values that the schema allows at the place, in its order; None when they are many or unknown."""
    values: list[Any] = []
    for conjunction in conjunctions(schema, place):
        lists = [some for part in conjunction if (some := _few(part)) is not None]
        if not lists:
            return None
        values += [value for value in min(lists, key=len) if not any(_same(value, known) for known in values)]
    return values if 0 < len(values) <= FEW else None


def whole_number(schema: Mapping[str, Any], place: Place) -> bool:
    """Whether a number at the place must be an integer."""
    found = conjunctions(schema, place)
    return bool(found) and all(any(part.get("type") == "integer" for part in parts) for parts in found)


def number_bounds(schema: Mapping[str, Any], place: Place) -> tuple[float, float] | None:
    """Least and greatest number that the schema allows; None where anything but any number between them may stand."""
    found = conjunctions(schema, place)
    plain = all(any(part.get("type") == "number" for part in parts) for parts in found)
    if not found or not plain or any("multipleOf" in part for parts in found for part in parts):
        return None

    def strictest(parts: Conjunction, keys: tuple[str, str], pick: Any, none: float) -> float:
        return float(pick([part[key] for part in parts for key in keys if key in part], default=none))

    low = min(strictest(parts, ("minimum", "exclusiveMinimum"), max, -math.inf) for parts in found)
    high = max(strictest(parts, ("maximum", "exclusiveMaximum"), min, math.inf) for parts in found)
    return low, high


def number_fits(schema: Mapping[str, Any], place: Place, number: float) -> bool:
    """Whether a finished number keeps the bounds of some alternative: llguidance 1.7 lets 0 pass an exclusiveMinimum
    of 0.
    """

    def keeps(part: Mapping[str, Any]) -> bool:
        low, high = part.get("minimum", -math.inf), part.get("maximum", math.inf)
        above, below = part.get("exclusiveMinimum", -math.inf), part.get("exclusiveMaximum", math.inf)
        return bool(low <= number <= high and above < number < below)

    found = conjunctions(schema, place)
    return not found or any(all(map(keeps, parts)) for parts in found)


def distinct(schema: Mapping[str, Any], value: Any, place: Place = Place((), (), "")) -> Any:
    """`value` without the items that repeat where the schema wants each but once."""
    if isinstance(value, Mapping):
        done: dict[str, Any] = {}
        for key, item in value.items():
            done[key] = distinct(schema, item, _below(place, key, dict(done)))
        return done
    if not isinstance(value, list):
        return value
    once = any(part.get("uniqueItems") for parts in conjunctions(schema, place) for part in parts)
    kept: list[Any] = []
    for item in value:
        found = distinct(schema, item, _below(place, len(kept), list(kept)))
        if not (once and any(_equal(found, other) for other in kept)):
            kept.append(found)
    return kept


def _below(place: Place, key: str | int, holds: Mapping[str, Any] | list[Any]) -> Place:
    return Place((*place.path, key), (*place.siblings, holds), "")


def _equal(left: Any, right: Any) -> bool:
    """Equality as JSON sees it, of whole values."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_equal(item, right[key]) for key, item in left.items())
    return _same(left, right)


def conjunctions(schema: Mapping[str, Any], place: Place) -> list[Conjunction]:
    """What the schema says of the place: alternatives, each a set of schemas that hold together."""
    found = list(_expand(schema, schema))
    for key, holds in zip(place.path, place.siblings, strict=True):
        below: list[Conjunction] = []
        for conjunction in found:
            if isinstance(holds, Mapping) and not all(_agrees(part, holds) for part in conjunction):
                continue
            children = [child for part in conjunction for child in _child(part, key, holds)]
            combined: list[Conjunction] = [()]
            for child in children:
                combined = [left + right for left in combined for right in _expand(schema, child)][:_ALTERNATIVES]
            below += combined
        found = below[:_ALTERNATIVES]
    return found


def _expand(root: Mapping[str, Any], schema: Any, depth: int = 0) -> list[Conjunction]:
    """A schema as alternatives without combinators or references."""
    if not isinstance(schema, Mapping) or depth > 32:
        return [()]
    found: list[Conjunction] = [(schema,)]
    if "$ref" in schema:
        found = _both(found, _expand(root, resolve(root, schema["$ref"]), depth + 1))
    for sub in schema.get("allOf", ()):
        found = _both(found, _expand(root, sub, depth + 1))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = _both(found, [part for sub in schema[key] for part in _expand(root, sub, depth + 1)])
    return found[:_ALTERNATIVES]


def _both(left: Iterable[Conjunction], right: list[Conjunction]) -> list[Conjunction]:
    return [one + two for one in left for two in right]


def _child(part: Mapping[str, Any], key: str | int, holds: Any) -> Iterator[Any]:
    """What one schema says of the value under `key`."""
    fixed = [part["const"]] if "const" in part else part.get("enum")
    if fixed is not None:
        kind = list if isinstance(key, int) else dict
        inner = [value for value in fixed if isinstance(value, kind) and _reaches(value, key, holds)]
        yield {"enum": [value[key] for value in inner]}  # type: ignore[index]
    elif isinstance(key, int):
        first = part.get("prefixItems", ())
        yield first[key] if key < len(first) else part.get("items", {})
    elif key in part.get("properties", {}):
        yield part["properties"][key]
    elif isinstance(part.get("additionalProperties"), Mapping) and not part.get("patternProperties"):
        yield part["additionalProperties"]


def _reaches(value: Any, key: str | int, holds: Any) -> bool:
    if isinstance(value, list):
        return isinstance(key, int) and key < len(value) and value[:key] == holds
    return key in value and all(name in value and value[name] == item for name, item in holds.items())


def _agrees(part: Mapping[str, Any], holds: Mapping[str, Any]) -> bool:
    """Whether what is written fits the fixed values of one schema."""
    for name, item in holds.items():
        few = _few(part.get("properties", {}).get(name, {}))
        if few is not None and not any(_same(item, value) for value in few):
            return False
    return True


def _few(schema: Any) -> list[Any] | None:
    """Every value that a schema without combinators allows, when it says so."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if kinds and set(kinds) <= {"boolean", "null"}:
        return [value for kind in kinds for value in ([True, False] if kind == "boolean" else [None])]
    low, high = schema.get("minimum"), schema.get("maximum")
    whole = kinds == ["integer"] and isinstance(low, int) and isinstance(high, int)
    if whole and 0 <= high - low < _WHOLE_RANGE:  # type: ignore[operator]
        return list(range(low, high + 1))  # type: ignore[operator,arg-type]
    return None


def _same(left: Any, right: Any) -> bool:
    """Equality as JSON sees it: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
