"""BFCL, the Berkeley leaderboard: {id, question, function: [{name, description, parameters}]}, words for types."""

from __future__ import annotations

from typing import Any

from base_gtm.collection.collected import Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NOT_A_TOOL, tool

NAME = "bfcl"


def _read(record: Any, origin: str) -> Read:
    functions = record["function"] if isinstance(record["function"], list) else [record["function"]]
    for number, one in enumerate(functions):
        place = origin if len(functions) == 1 else f"{origin}#{number}"
        if not isinstance(one, dict):
            yield Dropped(place, NOT_A_TOOL, f"a function is an object, this is {type(one).__name__}")
            continue
        outputs = one.get("response") or None
        about, inputs = one.get("description"), one.get("parameters")
        yield tool(place, NAME, name=one.get("name"), description=about, inputs=inputs, outputs=outputs)


def _recognises(record: Any) -> bool:
    return isinstance(record, dict) and "function" in record and ("question" in record or "id" in record)


FORMAT = Format(NAME, "id, question and function", _recognises, _read)
