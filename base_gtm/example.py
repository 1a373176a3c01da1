"""One record of the generalist's training data: a call in its situation, what the tool answered, and where it is from.

Guarantees: `row` and `of_row` are inverse; equal situations and calls have an equal key, whatever made them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal, get_args

from base_gtm.collection.collected import Collected
from base_gtm.errors import DataError
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, canonical_json, content_hash

if TYPE_CHECKING:
    from datasets import Features

Kind = Literal["single", "multi", "error"]
"""A call alone; the last call of a dialogue; a call that is wrong."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Fault = Literal["type", "missing", "excess", "value"]
"""What is wrong with a call: a parameter of another type, one too few, one too many, a value that makes no sense."""
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True)
class Turn:
    """A request of a person, the call that an agent made of it, and the tool's answer."""

    request: str
    call: ToolCall
    result: ToolResult


@dataclass(frozen=True)
class Flaw:
    """What was made wrong in a call."""

    fault: Fault
    parameter: str


@dataclass(frozen=True)
class Provenance:
    """How a record came to be, enough to make it again."""

    teacher: str
    seed: int
    """Of the run."""
    job: int
    """Number within the run."""
    attempt: int = 0
    """0 for the first; later ones had the complaints of the checks before them."""

    def random(self, purpose: str = "") -> Random:
        """Random numbers of this attempt, others for each purpose."""
        return Random(f"{self.seed}/{self.job}/{self.attempt}{purpose and '/' + purpose}")


@dataclass(frozen=True)
class Example:
    """A record."""

    kind: Kind
    tool: Collected
    context: str
    """What is known before the request: the field, and facts of earlier turns that matter now."""
    history: tuple[Turn, ...]
    turn: Turn
    """The call to learn."""
    provenance: Provenance
    flaw: Flaw | None = None
    """What is wrong with the call of an error record."""

    @property
    def key(self) -> str:
        """Equal for records that would teach the same: tool, earlier calls, arguments."""
        calls = [[turn.call.name, turn.call.arguments] for turn in (*self.history, self.turn)]
        answers = [answer_of(turn.result) for turn in self.history]
        return content_hash([self.tool.key, calls, answers])

    def row(self) -> dict[str, Any]:
        """As a row of a table: columns as in `features`; schemas, arguments and results as JSON text."""
        tool, flaw, made = self.tool, self.flaw, self.provenance
        return {
            "kind": self.kind,
            "tool": tool.spec.name,
            "field": tool.field,
            "subfield": tool.subfield,
            "spec": json.dumps(tool.spec.to_json(), ensure_ascii=False),
            "context": self.context,
            "history": [_turn_row(turn) for turn in self.history],
            **_turn_row(self.turn),
            "fault": flaw.fault if flaw else "",
            "parameter": flaw.parameter if flaw else "",
            "source": tool.source,
            "origin": tool.origin,
            "response": tool.response,
            "teacher": made.teacher,
            "seed": made.seed,
            "job": made.job,
            "attempt": made.attempt,
            "key": self.key,
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Example:
        """Inverse of `row`."""
        made = Provenance(row["teacher"], row["seed"], row["job"], row["attempt"])
        flaw = Flaw(row["fault"], row["parameter"]) if row["fault"] else None
        history = tuple(_turn_of(turn) for turn in row["history"])
        return cls(row["kind"], tool_of(row), row["context"], history, _turn_of(row), made, flaw)


def answer_of(result: ToolResult) -> Any:
    """What the tool said, content or text."""
    return dict(result.content) if result.content and not result.is_error else result.text


def features() -> Features:
    """Columns of a table of records."""
    from datasets import Features, List, Value

    text, number = Value("string"), Value("int64")
    turn = {"request": text, "call": text, "arguments": text, "result": text, "is_error": Value("bool")}
    names = ("kind", "tool", "field", "subfield", "spec", "context")
    after = ("fault", "parameter", "source", "origin", "response", "teacher")
    return Features(
        {
            **dict.fromkeys(names, text),
            "history": List(turn),
            **turn,
            **dict.fromkeys(after, text),
            **dict.fromkeys(("seed", "job", "attempt"), number),
            "key": text,
        }
    )


def table(examples: Sequence[Example]) -> Any:
    """A `datasets.Dataset` of records."""
    from datasets import Dataset

    return Dataset.from_list([example.row() for example in examples], features=features())


def read_examples(folder: Path) -> Iterator[Example]:
    """Records of a folder of `base-gtm carg generate`, in order. Raises DataError."""
    for part in parts_of(folder):
        for row in read_part(part).to_pylist():
            yield Example.of_row(row)


def read_tools(folder: Path) -> list[Collected]:
    """The tools that the records of such a folder are about, each once. Raises DataError."""
    names = ["spec", "field", "subfield", "source", "origin", "response"]
    found: dict[str, Collected] = {}
    for part in parts_of(folder):
        for row in read_part(part, names).group_by(names).aggregate([]).to_pylist():
            tool = tool_of(row)
            found[tool.key] = tool
    return list(found.values())


def parts_of(folder: Path) -> list[Path]:
    """The tables of a folder of `base-gtm carg generate`, in order. Raises DataError where there are none."""
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise DataError(f"{folder}: holds no records; make some with: base-gtm carg generate --out {folder}")
    return parts


def read_part(part: Path, columns: Sequence[str] | None = None) -> Any:
    """One of them, a pyarrow table with these columns or all. Raises DataError."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_table

    try:
        return read_table(part, columns=None if columns is None else list(columns))
    except (ArrowException, OSError) as error:
        raise DataError(f"{part}: no table of records ({' '.join(str(error).split())[:120]})") from None


def tool_of(row: Mapping[str, Any]) -> Collected:
    """The tool that a row is about."""
    spec = ToolSpec.from_json(json.loads(row["spec"]))
    return Collected(spec, row["field"], row["subfield"], row["source"], row["origin"], row["response"])


def _turn_row(turn: Turn) -> dict[str, Any]:
    return {
        "request": turn.request,
        "call": turn.call.name,
        "arguments": canonical_json(turn.call.arguments),
        "result": json.dumps(answer_of(turn.result), ensure_ascii=False),
        "is_error": turn.result.is_error,
    }


def _turn_of(row: Mapping[str, Any]) -> Turn:
    answer = json.loads(row["result"])
    if isinstance(answer, str):
        result = ToolResult(is_error=row["is_error"], text=answer)
    else:
        result = ToolResult(answer, row["is_error"])
    return Turn(row["request"], ToolCall(row["call"], json.loads(row["arguments"])), result)
