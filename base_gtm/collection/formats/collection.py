"""Our own collections, so that several can become one: what `base-gtm tools import` wrote, origins and all."""

from __future__ import annotations

from typing import Any

from base_gtm.collection.collected import RESPONSES, Collected, Dropped
from base_gtm.collection.formats import Format, Read
from base_gtm.collection.formats.parts import NOT_A_TOOL
from base_gtm.errors import GtmError

NAME = "collection"


def _read(record: Any, origin: str) -> Read:
    try:
        yield Collected.from_json(record, origin)
    except GtmError as error:
        yield Dropped(origin, NOT_A_TOOL, str(error))


def _recognises(record: Any) -> bool:
    return isinstance(record, dict) and "inputSchema" in record and record.get("response") in RESPONSES


FORMAT = Format(NAME, "a line of a collection of ours", _recognises, _read)
