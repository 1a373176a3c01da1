"""Files, modules and servers -> collected tools, with counts.

Guarantees: every record is either a tool or left out with its origin and a reason; nothing is lost silently; equal
tools are kept once. A file that cannot be read at all is an error, one broken line among thousands is not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base_gtm.collection.collected import Collected, Dropped
from base_gtm.collection.formats import Format, formats
from base_gtm.collection.formats.functions import PREFIX as PYTHON
from base_gtm.collection.formats.functions import read_functions
from base_gtm.collection.server import PREFIX as SERVER
from base_gtm.collection.server import listed
from base_gtm.errors import DataError

BROKEN, UNKNOWN, SEEN = "not valid JSON", "no known format", "seen before"


@dataclass
class Count:
    """What came of one source."""

    records: int = 0
    """Lines, elements or documents."""
    tools: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> how many."""

    def to_json(self) -> dict[str, Any]:
        return {"records": self.records, "tools": self.tools, "kept": self.kept, "dropped": dict(self.dropped)}


class Gathering:
    """Reads sources one after another and counts. Iterate over it once."""

    def __init__(self, sources: Sequence[str], wanted: str = "") -> None:
        """sources: files, "python:MODULE[:FUNCTION]", "mcp:COMMAND". wanted: name of the format of all files; by
        default each record tells. Raises DataError for a format that there is not."""
        known = formats()
        self._formats = tuple(one for one in known if not wanted or one.name == wanted)
        if not self._formats:
            names = ", ".join(one.name for one in known)
            raise DataError(f"--format '{wanted}': known are {names}")
        self._sources = sources
        self.counts: dict[str, Count] = {}

    def __iter__(self) -> Iterator[Collected | Dropped]:
        """Tools and what was left out, in the order of the sources. Raises DataError for a source that is none."""
        seen: dict[str, str] = {}
        for source in self._sources:
            count = self.counts.setdefault(source, Count())
            for item in self._items(source, count):
                if isinstance(item, Collected):
                    count.tools += 1
                    if item.key in seen:
                        item = Dropped(item.origin, SEEN, f"{item.spec.name} equals {seen[item.key]}")
                    else:
                        seen[item.key] = item.origin
                if isinstance(item, Collected):
                    count.kept += 1
                else:
                    count.dropped[item.reason] += 1
                yield item
            if not count.records:
                raise DataError(f"{source}: holds no records; give a file of tools")

    def _items(self, source: str, count: Count) -> Iterator[Collected | Dropped]:
        if source.startswith(PYTHON) or (source.endswith(".py") and not source.startswith(SERVER)):
            for item in read_functions(source):
                count.records += 1
                yield item
            return
        records = listed(source.removeprefix(SERVER)) if source.startswith(SERVER) else records_of(Path(source))
        for record, origin in records:
            count.records += 1
            if isinstance(record, Dropped):
                yield record
                continue
            of = self._format_of(record)
            if of is None:
                yield Dropped(origin, UNKNOWN, "no format recognises it")
            else:
                yield from of.read(record, origin)

    def _format_of(self, record: Any) -> Format | None:
        return next((one for one in self._formats if one.recognises(record)), None)


def records_of(path: Path) -> Iterator[tuple[Any, str]]:
    """Records of a file of JSON, JSON lines or YAML, each with its origin; Dropped for a broken line. Raises
    DataError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); give JSON, JSON lines or YAML") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    if path.suffix in (".yaml", ".yml"):
        return iter([(_yaml(path, text), str(path))])
    if path.suffix in (".jsonl", ".ndjson"):
        return _lines(path, text)
    try:
        whole = json.loads(text)
    except ValueError as error:
        if len(text.strip().splitlines()) > 1 and _is_json(text.strip().splitlines()[0]):
            return _lines(path, text)
        raise DataError(f"{path}: not valid JSON ({error})") from None
    if isinstance(whole, list):
        return ((one, f"{path}#{number}") for number, one in enumerate(whole))
    return iter([(whole, str(path))])


def _lines(path: Path, text: str) -> Iterator[tuple[Any, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            yield json.loads(line), where
        except (ValueError, RecursionError) as error:
            yield Dropped(where, BROKEN, str(error)[:160]), where


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _yaml(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
