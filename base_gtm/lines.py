"""Files of JSON lines, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError


def read_objects(path: Path, what: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each object with its place, "file:line"; `what`: a record in words. Raises DataError naming the place."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                where = f"{path}:{number}"
                try:
                    raw = json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"{where}: not valid JSON ({error.msg})") from None
                if not isinstance(raw, dict):
                    raise DataError(f"{where}: {what} is a JSON object")
                yield raw, where
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; give a file of JSON lines") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
