"""A training record: one call of one tool with its result, and the file form of many.

The file is JSON lines, one record a line, in the field names of the Model Context Protocol where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base_gtm.arguments import validator
from base_gtm.errors import DataError, SpecError
from base_gtm.example import Example
from base_gtm.lines import read_objects, write_objects
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, canonical_json
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
        _check_schemas(spec, where)
        call, result = turn_from_json({"name": spec.name, **raw}, where)
        texts, history = {name: raw.get(name, "") for name in ("evidence", "source")}, raw.get("history", [])
        if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
            raise DataError(f"{where}: '{wrong[0]}' is no text")
        if not isinstance(history, list):
            raise DataError(f"{where}: 'history' is no list of earlier turns")
        turns = tuple(turn_from_json(turn, where) for turn in history)
        return cls(spec, call, result, blocks=_blocks(raw.get("blocks"), where), history=turns, **texts)

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
    """Write records as JSON lines; the file appears whole. Returns how many. Raises DataError."""
    return write_objects(path, (record.to_json() for record in records))


def _check_schemas(spec: ToolSpec, where: str) -> None:
    for schema in (spec.input_schema, spec.output_schema):
        if schema is not None:
            try:
                validator(spec.name, canonical_json(schema))
            except SpecError as error:
                raise DataError(f"{where}: {error}") from None


def _blocks(raw: Any, where: str) -> list[tuple[str, str]] | None:
    if raw is None:
        return None
    if isinstance(raw, list) and all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in raw):
        return [(heading, text) for heading, text in raw]
    raise DataError(f"{where}: 'blocks' are pairs of texts, [[heading, text], ...]")
