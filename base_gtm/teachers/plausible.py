"""Plausible arguments for any input schema: by name, format and bounds, as people and agents would fill them in.

`guest_email` gets an address, `check_in` a date, `max_price` an amount. Guarantees: the same random numbers give the
same arguments; what comes back satisfies the schema, or None does. Does not know what a value means to the tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

from base_gtm.arguments import validator
from base_gtm.collection.similar import words_of
from base_gtm.schema import ToolSpec, canonical_json

_TRIES = 4
_DEEPEST = 4
"""Levels of nesting that are filled in."""
_OPTIONAL = 0.4
"""How often a parameter that is not required is given."""

_BY_NAME: tuple[tuple[str, str], ...] = (
    (r"e ?mail", "email"),
    (r"phone|mobile|fax", "phone_number"),
    (r"url|link|website|endpoint|uri", "url"),
    (r"first name", "first_name"),
    (r"last name|surname", "last_name"),
    (r"user ?name|login|handle", "user_name"),
    (r"company|organi[sz]ation|employer|brand", "company"),
    (r"currency", "currency_code"),
    (r"country code", "country_code"),
    (r"country|nation", "country"),
    (r"language|locale", "language_code"),
    (r"zip|post(al)? ?code", "postcode"),
    (r"street|address", "street_address"),
    (r"city|town|location|place|destination|origin|departure|arrival|airport|station", "city"),
    (r"state|province|region", "state"),
    (r"birth|date|day|check (in|out)|deadline|since|until", "iso_day"),
    (r"time|hour", "clock"),
    (r"\bip\b", "ipv4"),
    (r"uuid|guid", "uuid4"),
    (r"(\b|_)id$|identifier|number$|code$|key$|token", "identifier"),
    (r"colou?r", "color_name"),
    (r"job|occupation|profession|role", "job"),
    (r"file|path", "file_path"),
    (r"\bname\b|author|artist|person|patient|customer|guest|owner|player|student", "name"),
    (r"query|keyword|search|term|topic|subject|tag|category|type|genre", "word_pair"),
    (r"text|description|message|content|comment|body|note|summary|title|question", "sentence"),
)
"""Words of a parameter's name -> a provider of Faker's, or one of `_OWN`."""
_BY_FORMAT = {
    "date": "iso_day",
    "date-time": "moment",
    "time": "clock",
    "email": "email",
    "uri": "url",
    "uuid": "uuid4",
    "ipv4": "ipv4",
}


def plausible(spec: ToolSpec, rng: Random) -> dict[str, Any] | None:
    """Arguments for a tool; None where none were found that its schema takes."""
    check = validator(spec.name, canonical_json(spec.input_schema))
    for _ in range(_TRIES):
        arguments = _object(spec.input_schema, rng, 0)
        if check.is_valid(arguments):
            return arguments
    return None


def _object(schema: Mapping[str, Any], rng: Random, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    found = {}
    for name, sub in schema.get("properties", {}).items():
        if name in required or (depth < _DEEPEST and rng.random() < _OPTIONAL):
            found[name] = _value(sub if isinstance(sub, Mapping) else {}, name, rng, depth + 1)
    return found


def _value(schema: Mapping[str, Any], name: str, rng: Random, depth: int) -> Any:
    if "const" in schema:
        return schema["const"]
    for key in ("enum", "examples"):
        if schema.get(key):
            return rng.choice(schema[key])
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _value(rng.choice(schema[key]), name, rng, depth)
    kind = schema.get("type", "string")
    match rng.choice(kind) if isinstance(kind, list) else kind:
        case "object":
            return _object(schema, rng, depth)
        case "array":
            least = schema.get("minItems", 1)
            number = min(schema.get("maxItems", least + 2), rng.randint(least, least + 2))
            items = schema.get("items", {})
            return [_value(items if isinstance(items, Mapping) else {}, name, rng, depth + 1) for _ in range(number)]
        case "integer":
            return _integer(schema, name, rng)
        case "number":
            low, high = _range(schema, name)
            return round(rng.uniform(low, high), 2)
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
    return _text(schema, name, rng)


def _integer(schema: Mapping[str, Any], name: str, rng: Random) -> int:
    low, high = _range(schema, name)
    step = schema.get("multipleOf", 1)
    value = rng.randint(int(low), int(high))
    return int(value - value % step) if isinstance(step, int) and step > 1 else value


def _range(schema: Mapping[str, Any], name: str) -> tuple[float, float]:
    """Bounds of a number: the schema's, else what the name says."""
    guessed = next((span for pattern, span in _SPANS if re.search(pattern, words_of(name))), (1.0, 100.0))
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = guessed[0] if low is None else low + (1 if "exclusiveMinimum" in schema else 0)
    high = max(guessed[1], low + 1) if high is None else high - (1 if "exclusiveMaximum" in schema else 0)
    return float(low), float(max(low, high))


_SPANS: tuple[tuple[str, tuple[float, float]], ...] = (
    (r"year", (1990, 2030)),
    (r"month", (1, 12)),
    (r"\bday", (1, 28)),
    (r"lat", (-80, 80)),
    (r"lon|lng", (-180, 180)),
    (r"price|cost|amount|budget|salary|income|balance|fee", (5, 5000)),
    (r"percent|rate|ratio", (0, 100)),
    (r"age", (18, 80)),
    (r"limit|count|page|top|max results", (1, 20)),
)


def _text(schema: Mapping[str, Any], name: str, rng: Random) -> str:
    provider = _BY_FORMAT.get(schema.get("format", ""))
    if provider is None:
        words = words_of(name)
        provider = next((one for pattern, one in _BY_NAME if re.search(pattern, words)), "word_pair")
    text = str(_OWN[provider](rng) if provider in _OWN else _fake(provider, rng))
    most = schema.get("maxLength")
    return text[:most] if isinstance(most, int) else text


def _fake(provider: str, rng: Random) -> Any:
    faker = _faker()
    faker.seed_instance(rng.getrandbits(32))
    return getattr(faker, provider)()


@cache
def _faker() -> Any:
    from faker import Faker

    return Faker("en_US")


def _iso_day(rng: Random) -> str:
    return f"{rng.randint(2023, 2027)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def _clock(rng: Random) -> str:
    return f"{rng.randint(0, 23):02d}:{rng.choice((0, 15, 30, 45)):02d}"


def _identifier(rng: Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(rng.randint(2, 4)))
    return f"{letters}-{rng.randint(100, 99999)}"


_OWN: Mapping[str, Callable[[Random], str]] = {
    "iso_day": _iso_day,
    "clock": _clock,
    "moment": lambda rng: f"{_iso_day(rng)}T{_clock(rng)}:00Z",
    "identifier": _identifier,
    "word_pair": lambda rng: " ".join(_fake("word", rng) for _ in range(2)),
}
