"""Small tools that really compute, each with its spec and a seeded generator of realistic arguments.

A first handful, so that the base learns that a result follows from its arguments and its schema; the large collection
is a later matter. Every result is bounded and valid against its output schema (tests hold each tool to that).
"""

from __future__ import annotations

import calendar
import datetime
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from base_gtm.schema import ToolSpec, closed_object

Arguments = dict[str, Any]
WORDS = (
    "amber anchor autumn basin beacon bridge canyon cedar circle cobalt copper delta ember falcon forest garden "
    "glacier harbour island jasper kernel lantern maple meadow mirror needle ocean olive orchid pepper planet quartz "
    "river saddle signal silver spruce summit timber tunnel valley velvet violet walnut window winter zephyr"
).split()


@dataclass(frozen=True)
class ExecutableTool:
    """A spec, the function behind it, and arguments worth calling it with."""

    spec: ToolSpec
    run: Callable[..., dict[str, Any]]
    draw: Callable[[Random], Arguments]


def _integer(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


def _number(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high}


def _text(limit: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": limit}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


BOOLEAN: dict[str, Any] = {"type": "boolean"}
NUMBERS: dict[str, Any] = {"type": "array", "items": _integer(-999, 999), "minItems": 1, "maxItems": 8}


def three_digits(value: float) -> float:
    """Three significant digits: as exact as a decoded number gets."""
    return float(f"{value:.3g}")


def _words(random: Random, low: int, high: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(random.randint(low, high)))


def _numbers(random: Random) -> list[int]:
    return [random.randint(-99, 99) for _ in range(random.randint(1, 6))]


def _date(random: Random) -> str:
    return (datetime.date(1990, 1, 1) + datetime.timedelta(days=random.randint(0, 18000))).isoformat()


def _days_between(first: str, second: str) -> dict[str, Any]:
    days = (datetime.date.fromisoformat(second) - datetime.date.fromisoformat(first)).days
    return {"days": days, "order": "same" if days == 0 else "before" if days > 0 else "after"}


def _triangle(a: int, b: int, c: int) -> dict[str, Any]:
    x, y, z = sorted((a, b, c))
    if x + y <= z:
        return {"kind": "impossible", "right": False}
    kind = {1: "equilateral", 2: "isosceles", 3: "scalene"}[len({a, b, c})]
    return {"kind": kind, "right": x * x + y * y == z * z}


def _password(password: str) -> dict[str, Any]:
    kinds = sum((any(map(str.isdigit, password)), any(map(str.isupper, password)), any(map(str.islower, password))))
    score = kinds + (len(password) >= 12)
    return {"strength": "weak" if score < 2 else "fair" if score < 4 else "strong", "length": len(password)}


def _triage(temperature: float, pulse: int) -> dict[str, Any]:
    signs = (temperature >= 39) + (temperature < 35) + (pulse > 120) + (pulse < 45)
    return {"level": ("routine", "soon", "urgent")[min(signs, 2)], "fever": temperature >= 38}


def _compare(left: int, right: int) -> dict[str, Any]:
    return {"relation": "less" if left < right else "greater" if left > right else "equal", "gap": abs(left - right)}


def _tool(
    name: str,
    description: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    run: Callable[..., dict[str, Any]],
    draw: Callable[[Random], Arguments],
) -> ExecutableTool:
    return ExecutableTool(ToolSpec(name, description, closed_object(inputs), closed_object(outputs)), run, draw)


TOOLS: tuple[ExecutableTool, ...] = (
    _tool(
        "add_numbers",
        "Add two whole numbers.",
        {"a": _integer(-999, 999), "b": _integer(-999, 999)},
        {"sum": _integer(-1998, 1998)},
        lambda a, b: {"sum": a + b},
        lambda r: {"a": r.randint(-99, 99), "b": r.randint(-99, 99)},
    ),
    _tool(
        "compare_numbers",
        "Compare two whole numbers and give the gap.",
        {"left": _integer(-999, 999), "right": _integer(-999, 999)},
        {"relation": _choice("less", "equal", "greater"), "gap": _integer(0, 1998)},
        _compare,
        lambda r: {"left": r.randint(-99, 99), "right": r.randint(-99, 99)},
    ),
    _tool(
        "is_even",
        "Say whether a whole number is even.",
        {"value": _integer(-9999, 9999)},
        {"even": BOOLEAN},
        lambda value: {"even": value % 2 == 0},
        lambda r: {"value": r.randint(-9999, 9999)},
    ),
    _tool(
        "count_words",
        "Count the words and characters of a text.",
        {"text": _text(200)},
        {"words": _integer(0, 200), "characters": _integer(0, 200)},
        lambda text: {"words": len(text.split()), "characters": len(text)},
        lambda r: {"text": _words(r, 1, 8)},
    ),
    _tool(
        "uppercase",
        "Write a text in capitals.",
        {"text": _text(60)},
        {"text": _text(60)},
        lambda text: {"text": text.upper()},
        lambda r: {"text": _words(r, 1, 2)},
    ),
    _tool(
        "contains_word",
        "Say whether a text contains a word.",
        {"text": _text(200), "word": _text(20)},
        {"found": BOOLEAN},
        lambda text, word: {"found": word in text.split()},
        lambda r: {"text": _words(r, 2, 8), "word": r.choice(WORDS)},
    ),
    _tool(
        "summarise_numbers",
        "Smallest, largest and count of a list of whole numbers.",
        {"values": NUMBERS},
        {"smallest": _integer(-999, 999), "largest": _integer(-999, 999), "count": _integer(1, 8)},
        lambda values: {"smallest": min(values), "largest": max(values), "count": len(values)},
        lambda r: {"values": _numbers(r)},
    ),
    _tool(
        "median",
        "Median of a list of whole numbers.",
        {"values": NUMBERS},
        {"median": _number(-999, 999)},
        lambda values: {"median": statistics.median(values)},
        lambda r: {"values": _numbers(r)},
    ),
    _tool(
        "celsius_to_fahrenheit",
        "Convert a temperature and say whether water freezes.",
        {"celsius": _integer(-90, 200)},
        {"fahrenheit": _number(-150, 400), "freezing": BOOLEAN},
        lambda celsius: {"fahrenheit": three_digits(celsius * 9 / 5 + 32), "freezing": celsius <= 0},
        lambda r: {"celsius": r.randint(-60, 120)},
    ),
    _tool(
        "circle_area",
        "Area of a circle.",
        {"radius": _integer(0, 99)},
        {"area": _number(0, 40000)},
        lambda radius: {"area": three_digits(math.pi * radius * radius)},
        lambda r: {"radius": r.randint(0, 99)},
    ),
    _tool(
        "leap_year",
        "Say whether a year is a leap year.",
        {"year": _integer(1583, 3000)},
        {"leap": BOOLEAN, "days": _integer(365, 366)},
        lambda year: {"leap": calendar.isleap(year), "days": 366 if calendar.isleap(year) else 365},
        lambda r: {"year": r.randint(1583, 2600)},
    ),
    _tool(
        "days_between",
        "Days from one date to another.",
        {"first": _text(10), "second": _text(10)},
        {"days": _integer(-40000, 40000), "order": _choice("before", "same", "after")},
        _days_between,
        lambda r: {"first": _date(r), "second": _date(r)},
    ),
    _tool(
        "triangle_kind",
        "Name the kind of a triangle from its sides.",
        {"a": _integer(1, 99), "b": _integer(1, 99), "c": _integer(1, 99)},
        {"kind": _choice("impossible", "equilateral", "isosceles", "scalene"), "right": BOOLEAN},
        _triangle,
        lambda r: {"a": r.randint(1, 12), "b": r.randint(1, 12), "c": r.randint(1, 12)},
    ),
    _tool(
        "password_strength",
        "Judge the strength of a password.",
        {"password": _text(40)},
        {"strength": _choice("weak", "fair", "strong"), "length": _integer(0, 40)},
        _password,
        lambda r: {"password": "".join(r.choice("abcXYZ0189") for _ in range(r.randint(3, 18)))},
    ),
    _tool(
        "triage",
        "Sort a patient by temperature and pulse.",
        {"temperature": _number(30, 43), "pulse": _integer(20, 220)},
        {"level": _choice("routine", "soon", "urgent"), "fever": BOOLEAN},
        _triage,
        lambda r: {"temperature": round(r.uniform(34, 41.5), 1), "pulse": r.randint(38, 150)},
    ),
    _tool(
        "book_seats",
        "Book seats for a show; refused when too few are free.",
        {"show": _text(40), "seats": _integer(1, 20), "free": _integer(0, 50)},
        {"status": _choice("booked", "refused"), "show": _text(40), "left": _integer(0, 50)},
        lambda show, seats, free: {
            "status": "booked" if seats <= free else "refused",
            "show": show,
            "left": free - seats if seats <= free else free,
        },
        lambda r: {"show": _words(r, 1, 2), "seats": r.randint(1, 12), "free": r.randint(0, 20)},
    ),
)
