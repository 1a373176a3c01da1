from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from base_gtm.arguments import check, read
from base_gtm.errors import SpecError
from base_gtm.schema import ToolResult, ToolSpec

SPEC = ToolSpec(
    "area",
    "Area of a rectangle.",
    {
        "type": "object",
        "properties": {
            "width": {"type": "number", "minimum": 0},
            "unit": {"enum": ["m", "km"]},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
        },
        "required": ["width", "unit"],
        "additionalProperties": False,
    },
)


def test_good_arguments_pass() -> None:
    assert check(SPEC, {"width": 1.5, "unit": "m", "tags": ["a"]}) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"width": "wide", "unit": "m"}, ["'width'", "expected number", 'got string "wide"']),
        ({"width": True, "unit": "m"}, ["'width'", "got boolean true"]),
        ({"unit": "m"}, ["'width' is missing", "expected number"]),
        ({}, ["'width' is missing", "'unit' is missing"]),
        ({"width": 1, "unit": "m", "widht": 2}, ["'widht' is not known", "did you mean 'width'? Call"]),
        ({"width": -1, "unit": "m"}, ["'width'", "at least 0", "got integer -1"]),
        ({"width": 1, "unit": "mile"}, ["'unit'", 'one of "m", "km"', 'got string "mile"']),
        ({"width": 1, "unit": "m", "tags": ["abcd"]}, ["'tags.0'", "at most 3 characters"]),
        ({"width": 1, "unit": "m", "tags": ["a"] * 3}, ["'tags'", "at most 2 items"]),
        ({"width": None, "unit": "m"}, ["'width'", "got null"]),
        ([1, 2], ["must be a JSON object", "got array [1,2]"]),
        ("x", ["must be a JSON object", 'got string "x"']),
        (None, ["must be a JSON object", "got null"]),
    ],
)
def test_each_refusal_names_parameter_expected_and_got(arguments: Any, says: list[str]) -> None:
    refusal = check(SPEC, arguments)
    assert refusal is not None and refusal.is_error and not refusal.content
    for part in [*says, "Call it with: {width: number"]:
        assert part in refusal.text
    assert "\n" not in refusal.text


def test_parameters_of_which_some_are_needed_are_named() -> None:
    ways = [{"required": ["city"]}, {"required": ["latitude", "longitude"]}]
    place = {"type": "object", "anyOf": ways}
    spec = ToolSpec("weather", "", {**place, "properties": {"at": place}})
    refusal = check(spec, {"latitude": 1})
    assert refusal is not None and "arguments: expected 'city', or 'longitude', got object" in refusal.text
    refusal = check(spec, {"city": "x", "at": {}})
    assert refusal is not None
    assert "parameter 'at': expected 'city', or 'latitude' and 'longitude', got object {}" in refusal.text


def test_long_values_are_shortened() -> None:
    refusal = check(SPEC, {"width": "w" * 10_000, "unit": "m"})
    assert refusal is not None and len(refusal.text) < 400


def test_a_schema_that_is_none_is_the_specs_fault() -> None:
    with pytest.raises(SpecError, match="not a JSON Schema 2020-12 at properties/a/type"):
        check(ToolSpec("t", "", {"type": "object", "properties": {"a": {"type": "zork"}}}), {})


GOOD = '{"width": 1.5, "unit": "m", "tags": ["a\\n", "é"]}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"width": 1', ["line 1, column 12", "expected ',' or what closes", "the text ends there"]),
        ('{"width": ', ["expected a value", "the text ends there"]),
        ('{"width" 1}', ["column 10", "expected ':'", 'got "1}"']),
        ("{width: 1}", ["column 2", "name in double quotes", 'got "width: 1}"']),
        ('{"unit": "m', ["column 10", "ends this string"]),
        ('{"width": 1}\nyes', ["line 2, column 1", "expected the end", 'got "yes"']),
        ('{"unit": "\n"}', ["column 11", "such as \\n"]),
        ('{"unit": "\\q"}', ["after the backslash"]),
        ('{"unit": "\\u12"}', ["four hexadecimal digits"]),
        ("", ["line 1, column 1", "expected a value", "the text ends there"]),
        ('{"width": NaN}', ["NaN is no JSON number"]),
        ('{"width": ' + "[" * 100_000, ["nested too deep"]),
        ('{"width": ' + "1" * 5_000 + "}", ["not valid JSON"]),
        ("[1]", ["must be a JSON object", "got array [1]"]),
        ("null", ["must be a JSON object", "got null"]),
    ],
)
def test_text_that_is_no_object_is_refused_with_its_place(text: str, says: list[str]) -> None:
    refusal = read(SPEC, text)
    assert isinstance(refusal, ToolResult) and refusal.is_error and "\n" not in refusal.text and len(refusal.text) < 400
    for part in [*says, "Error: area: arguments", "Call it with: {width: number"]:
        assert part in refusal.text


def test_good_text_is_read() -> None:
    assert read(SPEC, GOOD) == json.loads(GOOD)


def test_any_broken_text_is_read_or_refused() -> None:
    rng = Random(5)
    kinds = {"read": 0, "refused": 0}
    for _ in range(3000):
        text = list(GOOD)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 4)] = rng.choice(
                ["", '"', "{", "}", "\\", ",", "\x00", "\ud800", "9", "é", "\\ud83d"]
            )
        found = read(SPEC, "".join(text))
        refusal = found if isinstance(found, ToolResult) else check(SPEC, found)
        kinds["read" if refusal is None else "refused"] += 1
        if refusal is None:
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        else:
            assert refusal.is_error and "\n" not in refusal.text and "Call it with:" in refusal.text
            refusal.text.encode()
    assert min(kinds.values()) > 50


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, "\ud800", object()])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    refusal = check(ToolSpec("t", "", {"type": "object"}), {"x": [value]})
    assert refusal is not None and refusal.is_error and refusal.text.encode()


@pytest.mark.parametrize(
    ("sub", "says"),
    [({"$ref": "#/$defs/no"}, "points to nothing"), ({"$ref": "#"}, "itself")],
)
def test_a_part_that_cannot_be_used_is_the_specs_fault(sub: Any, says: str) -> None:
    schema = {"$ref": "#"} if "itself" in says else {"type": "object", "properties": {"a": sub}}
    with pytest.raises(SpecError, match=says):
        check(ToolSpec("t", "", schema), {"a": "x"})
