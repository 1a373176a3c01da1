"""Records from their sources, told apart into training and validation, as rows of tokens.

Guarantees: equal records fall into the same part, whatever their order; a record whose error the arguments' schema
decides is left out, since no model is asked about it; what is left out is counted by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from base_gtm.arguments import check
from base_gtm.data import Record, read_records
from base_gtm.data.renamed import property_names, renamed
from base_gtm.errors import DataError
from base_gtm.example import Example, read_examples, read_tools
from base_gtm.prompt import ERROR, HISTORY_TURNS, compact, completion, encode_call
from base_gtm.schema import ToolSpec, content_hash
from base_gtm.spans import overlapping, value_spans
from base_gtm.tokenizer import encode_offsets, encode_text, first_line

if TYPE_CHECKING:
    from base_gtm.collection.collected import Collected
    from base_gtm.data.split import Split
    from base_gtm.training.options import TrainOptions

T = TypeVar("T")
Part = Literal["train", "validation"]
VALUE, STRUCTURE, PROMPT = 0, 1, 2
"""Sides of a token: decoding chooses it; the schema forces it; it is read."""

NEW = "new "
"""Before the source of a record that is measured on and whose tool is not learnt from."""
_MEASURED = 10
"""So many times the share of other records is measured on of those."""

BY_SCHEMA = "refused by the schema"
HELD_OUT = "of held-out tools"
LONG_PROMPT = "prompt too long"
LONG_ANSWER = "answer too long"


@dataclass(frozen=True)
class Row:
    """A record as tokens."""

    input_ids: list[int]
    """Prompt, completion, end."""
    sides: list[int]
    """VALUE, STRUCTURE or PROMPT of each; the first of a completion is a VALUE, since it says answer or error."""
    prompt_length: int
    source: str
    is_error: bool
    values: list[list[int]]
    """Positions of the tokens of each top-level value."""
    error_start: int
    """First token of an error."""
    answer_start: int
    """First token of an answer that is no error: the record's own, or what its spec would begin with."""
    cut: bool
    """Whether the prompt lost text."""


def require_sources(options: TrainOptions) -> None:
    """Raises DataError for a source that is not there: before the first is read."""
    for folder in options.carg:
        if not folder.is_dir():
            raise DataError(f"--carg {folder}: no such folder; make one with: base-gtm carg generate")
    for flag, paths in (("records", options.records), ("validation", options.validation)):
        for path in paths:
            if not path.is_file() and not (flag == "validation" and path.is_dir()):
                raise DataError(f"--{flag} {path}: no such file; give JSON lines of records")


class Sources:
    """The records that options name. Its methods raise DataError and SpecError."""

    def __init__(self, options: TrainOptions) -> None:
        self.options = options

    @cached_property
    def split(self) -> Split | None:
        """Which tools of all folders of CARG together are held out; None where none is."""
        from base_gtm.data.split import VALIDATION, split_tools

        options = self.options
        if options.all_tools or not options.carg:
            return None
        return split_tools(self._tools, VALIDATION if options.validation_share or options.validation else 0)

    def draw(self, left_out: Counter[str]) -> Iterator[tuple[Part, Record]]:
        """Every record that is learnt or measured on, with its part."""
        yield from chain.from_iterable(self.each(left_out))
        for path in self.options.validation:
            for record in map(Record.of_example, _examples(path)) if path.is_dir() else read_records(path):
                if wanted(record, left_out):
                    yield "validation", record

    def each(self, left_out: Counter[str]) -> list[Iterator[tuple[Part, Record]]]:
        """The same of each folder of CARG and each file of records, without those that are measured on alone."""
        drawn = [
            *(self._of_folder(folder, left_out) for folder in self.options.carg),
            *(self._of_file(path) for path in self.options.records),
        ]
        return [((part, record) for part, record in some if wanted(record, left_out)) for some in drawn]

    def _of_folder(self, folder: Path, left_out: Counter[str]) -> Iterator[tuple[Part, Record]]:
        split, share = self.split, self.options.validation_share
        for example in _examples(folder):
            part, record = "train" if split is None else split.part(example), Record.of_example(example)
            if part == "train":
                part = _part(record, share)
                yield part, self._renamed(record) if part == "train" else record
            elif part == "validation" and _part(record, _MEASURED * share) == "validation":
                yield "validation", replace(record, source=NEW + record.source)
            else:
                left_out[HELD_OUT] += 1

    def _renamed(self, record: Record) -> Record:
        """The record, or its share of them under other names; the same each time."""
        if not self.options.renamed:
            return record
        random = Random(content_hash([record.spec.name, record.call.arguments]))
        if random.random() >= self.options.renamed:
            return record
        return renamed(record, self._names, random) or record

    @cached_property
    def _names(self) -> list[str]:
        """Of all properties of the folders' tools."""
        specs = [tool.spec for tool in self._tools]
        schemas = (schema for spec in specs for schema in (spec.input_schema, spec.output_schema))
        return sorted({name for schema in schemas for name in property_names(schema)})

    @cached_property
    def _tools(self) -> list[Collected]:
        """Of all folders of CARG; one tool of two folders stands twice."""
        return [tool for folder in self.options.carg for tool in _told(folder, read_tools)]

    def _of_file(self, path: Path) -> Iterator[tuple[Part, Record]]:
        for record in read_records(path):
            yield _part(record, self.options.validation_share), record


def wanted(record: Record, left_out: Counter[str]) -> bool:
    """Whether a model is asked at all about the record's call."""
    if record.result.is_error and check(record.spec, record.call.arguments) is not None:
        left_out[BY_SCHEMA] += 1
        return False
    return True


def row_of(record: Record, tokenizer: Any, max_tokens: int, max_completion: int) -> Row | str:
    """The record as tokens, or why it cannot be shown."""
    text = completion(record.spec, record.result)
    answer, offsets = encode_offsets(tokenizer, text)
    if len(answer) >= max_completion:
        return LONG_ANSWER
    try:
        prompt, turns = encode_call(
            tokenizer,
            record.spec,
            record.call,
            max_tokens,
            evidence=record.evidence,
            blocks=record.blocks,
            history=record.history,
        )
    except DataError:
        return LONG_PROMPT
    first = len(prompt.ids)
    values = [[first + at for at in overlapping(offsets, a, b)] for _, a, b in value_spans(text)]
    sides = [PROMPT] * first + [STRUCTURE] * (len(answer) + 1)
    for at in (first, *(at for group in values for at in group)):
        sides[at] = VALUE
    start = answer if not record.result.is_error else encode_text(tokenizer, _beginning(record.spec))
    return Row(
        input_ids=[*prompt.ids, *answer, tokenizer.eos_token_id],
        sides=sides,
        prompt_length=first,
        source=record.source or "records",
        is_error=record.result.is_error,
        values=values,
        error_start=encode_text(tokenizer, ERROR)[0],
        answer_start=start[0],
        cut=prompt.is_cut or turns < min(len(record.history), HISTORY_TURNS),
    )


def _beginning(spec: ToolSpec) -> str:
    """How an answer of the tool begins."""
    if spec.output_schema is None:
        return '"'
    names = spec.output_schema.get("required") or list(spec.output_schema.get("properties", {}))
    return "{" + compact(names[0]) + ":" if names else "{"


def _examples(folder: Path) -> Iterator[Example]:
    return _told(folder, read_examples)


def _told(folder: Path, read: Callable[[Path], Iterable[T]]) -> Iterator[T]:
    """What is read from a folder. Raises DataError where its tables are others."""
    try:
        yield from read(folder)
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder}: its tables hold no records of base-gtm carg generate ({type(error).__name__}: "
            f"{first_line(error)})"
        ) from None


def _part(record: Record, share: float) -> Part:
    """By what the record teaches, so that equal records are never on both sides; candidates for one reference, a right
    one and its broken twin, are all on the same.
    """
    taught: Any = record.call.arguments.get("reference")
    if not isinstance(taught, str):
        taught = [[call.name, call.arguments] for call, _ in (*record.history, (record.call, None))]
    return "validation" if int(content_hash(taught)[:12], 16) / 16**12 < share else "train"
