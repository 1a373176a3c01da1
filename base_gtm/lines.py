"""Files of JSON lines, one object a line.

Guarantees: what is read can be written again as JSON in UTF-8, and is nested so little that no reader of it runs out of
stack; a file that is written appears whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError
from base_gtm.files import write_each

DEPTH = 64
"""Objects and lists within each other at most."""


def read_objects(path: Path, what: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each object with its place, "file:line"; `what`: a record in words. Raises DataError naming the place."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                where = f"{path}:{number}"
                raw = _read(line, where)
                if not isinstance(raw, dict):
                    raise DataError(f"{where}: {what} is a JSON object")
                yield raw, where
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; give a file of JSON lines") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def write_objects(path: Path, objects: Iterable[Mapping[str, Any]]) -> int:
    """Write objects as they come; returns how many. Raises DataError."""
    try:
        return write_each(path, (json.dumps(one, ensure_ascii=False) + "\n" for one in objects))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def _read(line: str, where: str) -> Any:
    try:
        raw = _DECODER.decode(line)
        if line.count("[") + line.count("{") > DEPTH and _depth(raw) > DEPTH:
            raise RecursionError
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({getattr(error, 'msg', error)})") from None
    except RecursionError:
        raise DataError(f"{where}: nested more than {DEPTH} deep") from None
    if "\\ud" in line or "\\uD" in line:
        try:
            json.dumps(raw, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise DataError(f"{where}: holds a lone surrogate, half of a character") from None
    return raw


def _number(text: str) -> float:
    """Of a number in JSON, and of the words that Python takes for one."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_number)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth
