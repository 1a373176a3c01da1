"""A training record: one call of one tool with its result, and the file form of many.

The file is JSON lines, one record a line, in the field names of the Model Context Protocol where it has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError
from base_gtm.example import Example
from base_gtm.lines import read_objects
from base_gtm.schema import ToolCall, ToolResult, ToolSpec
from base_gtm.turns import turn_from_json, turn_to_json


@dataclass(frozen=True)
class Record:
    """What the model is shown, and what it should answer."""

    spec: ToolSpec
    call: ToolCall
    result: ToolResult
    evidence: str = ""
    """Facts that stand in the prompt, empty where the tool has none."""
    blocks: Sequence[tuple[str, str]] | None = None
    """Arguments as (heading, text) for the prompt; None shows them as JSON."""
    source: str = ""
    """Where the record came from: the generator's kind, or a file."""
    history: Sequence[tuple[ToolCall, ToolResult]] = ()
    """Earlier turns, the oldest first."""

    def to_json(self) -> dict[str, Any]:
        return {
            "spec": self.spec.to_json(),
            **turn_to_json(self.call, self.result),
            "evidence": self.evidence,
            "blocks": [list(block) for block in self.blocks] if self.blocks is not None else None,
            "source": self.source,
            "history": [turn_to_json(*turn) for turn in self.history],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], where: str) -> Record:
        """Inverse of `to_json`. Raises DataError naming the place and the field."""
        if not isinstance(raw.get("spec"), Mapping):
            raise DataError(f"{where}: 'spec' is missing or no object; a record needs spec, arguments and result")
        spec = ToolSpec.from_json(raw["spec"], where)
        call, result = turn_from_json({"name": spec.name, **raw}, where)
        blocks = raw.get("blocks")
        return cls(
            spec,
            call,
            result,
            raw.get("evidence", ""),
            None if blocks is None else [(str(heading), str(text)) for heading, text in blocks],
            raw.get("source", ""),
            tuple(turn_from_json(turn, where) for turn in raw.get("history", ())),
        )

    @classmethod
    def of_example(cls, example: Example) -> Record:
        """A record of CARG; its source is the kind, with the fault of a wrong call."""
        turn, flaw = example.turn, example.flaw
        history = tuple((earlier.call, earlier.result) for earlier in example.history)
        source = f"{example.kind}:{flaw.fault}" if flaw else example.kind
        return cls(example.tool.spec, turn.call, turn.result, source=source, history=history)


def read_records(path: Path) -> Iterator[Record]:
    """Records of a JSON-lines file, in order. Raises DataError naming file and line."""
    for raw, where in read_objects(path, "a record"):
        yield Record.from_json(raw, where)


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON lines; returns how many."""
    count = 0
    with path.open("w") as out:
        for record in records:
            out.write(json.dumps(record.to_json(), ensure_ascii=False) + "\n")
            count += 1
    return count
