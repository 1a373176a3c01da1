"""Files of a study that outlive a kill: JSON lines, each written once, and the real tool's answers among them.

Guarantees: a line is on disk before `append` returns; a line that a kill tore is dropped when the file is opened again,
so the next one does not grow out of it. Does not guarantee anything about two processes that write to one file: a run
folder is claimed by one at a time.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from adapt.errors import ArtifactError
from base_gtm.schema import ToolResult


class Lines:
    """A file of JSON objects, one a line, that only grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _mend(path)

    def append(self, *records: Mapping[str, Any]) -> None:
        """Write the records, each a line; they are on disk when this returns. Raises OSError."""
        if not records:
            return
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole line. Raises ArtifactError where one is no JSON object: somebody edited the file."""
        if not self.path.is_file():
            return
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise ArtifactError(f"{self.path}:{number}: not a JSON object; remove the run's folder and run again")
            yield record


class Answers(MutableMapping[str, ToolResult]):
    """Real answers by the key of their call, kept as they come: what a gate replays and adds to. From any thread."""

    def __init__(self, path: Path, *others: Path) -> None:
        """path: the file that grows. others: files of earlier runs, whose answers are known and copied when used."""
        self._lines = Lines(path)
        self._lock = threading.Lock()
        self._known: dict[str, ToolResult] = {}
        for other in others:
            if other.is_file():
                self._known |= _answers(Lines(other))
        own = _answers(self._lines)
        self._own = set(own)
        self._known |= own

    @property
    def own(self) -> int:
        """How many the growing file has."""
        return len(self._own)

    def keep(self, found: Mapping[str, ToolResult]) -> None:
        """Write down the answers that this file does not have yet."""
        with self._lock:
            new = {key: result for key, result in found.items() if key not in self._own}
            self._lines.append(*(_record(key, result) for key, result in new.items()))
            self._own |= new.keys()
            self._known |= new

    def __getitem__(self, key: str) -> ToolResult:
        return self._known[key]

    def __setitem__(self, key: str, result: ToolResult) -> None:
        self.keep({key: result})

    def __delitem__(self, key: str) -> None:
        raise TypeError("what the real tool said stays said")

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    draft = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    draft.replace(path)


def read_json(path: Path) -> Any:
    """A JSON file that `write_json` wrote; None where there is none. Raises ArtifactError for a broken one."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); remove the run's folder and run again") from None


def _record(key: str, result: ToolResult) -> dict[str, Any]:
    return {"key": key, "content": dict(result.content), "is_error": result.is_error, "text": result.text}


def _answers(lines: Lines) -> dict[str, ToolResult]:
    return {one["key"]: ToolResult(one["content"], one["is_error"], one["text"]) for one in lines.read()}


def _mend(path: Path) -> None:
    """Cut off a last line without an end."""
    if not path.is_file():
        return
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    if end != len(whole):
        with path.open("r+b") as file:
            file.truncate(end)
