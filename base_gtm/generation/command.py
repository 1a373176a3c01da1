"""`base-gtm tools generate`, `complete` and `executable`: tools and result schemas that teachers bring."""

from __future__ import annotations

import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from base_gtm.errors import DataError
from base_gtm.options import chosen, with_options
from base_gtm.teachers.endpoint import EndpointOptions

if TYPE_CHECKING:
    from base_gtm.collection.collected import Collected

FIELDS, JOURNAL = "fields.json", "journal.jsonl"


@dataclass(frozen=True)
class GenerateOptions:
    """What `base-gtm tools generate` takes."""

    out: Path = Path("generated")
    """Folder to write; the same command goes on where it was stopped."""
    fields: int = 300
    """Fields of the taxonomy."""
    subfields: int = 10
    """Subfields of each, at most."""
    tools: int = 7
    """Tools of each subfield, at most."""
    similarity: float = 0.8
    """Cosine of two names above which the later tool is a copy; 1 keeps all."""
    seed: int = 0
    """Another seed, other exemplar pairs."""

    def __post_init__(self) -> None:
        for name in ("fields", "subfields", "tools"):
            if getattr(self, name) < 1:
                raise DataError(f"--{name} {getattr(self, name)}: give 1 or more")
        if self.fields == 1:
            raise DataError("--fields 1: fields grow from pairs; give 2 or more")
        if not 0 < self.similarity <= 1:
            raise DataError(f"--similarity {self.similarity:g}: give a number above 0, 1 at most")


@dataclass(frozen=True)
class CompleteOptions:
    """What `base-gtm tools complete` takes."""

    tools: Path
    """Collection with tools whose result schema is missing."""
    out: Path = Path("completed")
    """Folder to write; the same command goes on where it was stopped."""
    seed: int = 0
    """Another seed, other schemas."""


def add_commands(app: typer.Typer) -> None:
    """Register these with `base-gtm tools`."""
    app.command("executable")(executable)
    app.command("generate")(with_options(generate, GenerateOptions, EndpointOptions))
    app.command("complete")(with_options(complete, CompleteOptions, EndpointOptions))


def executable(
    out: Annotated[Path, typer.Option(help="File to write: a collection.")] = Path("executable.jsonl"),
) -> None:
    """Write the tools that really compute as a collection, for `base-gtm tools import` beside others."""
    from base_gtm.collection.collected import write_lines
    from base_gtm.teachers.executable.teacher import ExecutableTeacher

    tools = ExecutableTeacher().tools
    write_lines(out, tools)
    print(f"{len(tools):,} tools of {len({tool.field for tool in tools}):,} fields -> {out}")


def generate(**values: Any) -> None:
    """Let a teacher invent fields, subfields and tools; checked, without copies, counted by field."""
    from base_gtm.collection.collected import Collected, Dropped, write_lines
    from base_gtm.collection.command import DROPPED, PICTURE, TOOLS
    from base_gtm.collection.picture import draw_fields
    from base_gtm.collection.similar import without_copies
    from base_gtm.generation.fields import grow_fields, subfields
    from base_gtm.generation.invent import invent
    from base_gtm.teachers.endpoint import Endpoint

    options = chosen(GenerateOptions, values)
    with Endpoint(chosen(EndpointOptions, values), options.out / JOURNAL) as endpoint:
        fields: list[str] = []
        for fields in grow_fields(endpoint, options.fields, options.seed):
            _say(f"{len(fields)} of {options.fields} fields")

        def invented(place: tuple[str, str]) -> list[Collected | Dropped]:
            return list(invent(endpoint, place[0], place[1], options.tools, options.seed))

        with ThreadPoolExecutor(endpoint.options.concurrency) as pool:
            named = pool.map(lambda field: subfields(endpoint, field, options.subfields, options.seed), fields)
            taxonomy = dict(zip(fields, named, strict=True))
            (options.out / FIELDS).write_text(json.dumps(taxonomy, indent=1, ensure_ascii=False) + "\n")
            places = [(field, subfield) for field, below in taxonomy.items() for subfield in below]
            asked = pool.map(invented, places)
            found: list[Collected | Dropped] = []
            for number, some in enumerate(asked, 1):
                found += some
                if number % 50 == 0 or number == len(places):
                    _say(f"{number} of {len(places)} subfields, {len(found)} tools")
        spent = endpoint.spent
    tools = [one for one in found if isinstance(one, Collected)]
    dropped = [one for one in found if isinstance(one, Dropped)]
    if options.similarity < 1:
        tools, copies = without_copies(tools, options.similarity)
        dropped += copies
    if not tools:
        raise DataError(f"{endpoint.model}: gave no usable tool; {options.out / JOURNAL} holds what it said")
    write_lines(options.out / TOOLS, tools)
    write_lines(options.out / DROPPED, dropped)
    draw_fields(tools, options.out / PICTURE)
    why = ", ".join(f"{reason} {number:,}" for reason, number in Counter(one.reason for one in dropped).most_common())
    print(f"{len(tools):,} tools of {len(fields):,} fields; left out: {why or 'none'}")
    print(f"spent: {json.dumps(asdict(spent))}", file=sys.stderr)
    print(f"-> {options.out / TOOLS}, {DROPPED}, {FIELDS}, {PICTURE}")


def complete(**values: Any) -> None:
    """Let a teacher write the result schemas that a collection's tools lack."""
    from base_gtm.collection.collected import read_collection, write_lines
    from base_gtm.collection.command import TOOLS
    from base_gtm.generation.invent import complete as completed
    from base_gtm.teachers.endpoint import Endpoint

    options = chosen(CompleteOptions, values)
    tools = list(read_collection(options.tools))
    lacking = sum(tool.response == "missing" for tool in tools)
    with Endpoint(chosen(EndpointOptions, values), options.out / JOURNAL) as endpoint:

        def done(tool: Collected) -> Collected:
            return completed(endpoint, tool, options.seed) if tool.response == "missing" else tool

        with ThreadPoolExecutor(endpoint.options.concurrency) as pool:
            found = list(pool.map(done, tools))
        spent = endpoint.spent
    write_lines(options.out / TOOLS, found)
    given = sum(tool.response == "completed" for tool in found)
    print(f"{given:,} of {lacking:,} missing result schemas written, of {len(tools):,} tools")
    print(f"spent: {json.dumps(asdict(spent))}", file=sys.stderr)
    print(f"-> {options.out / TOOLS}")


def _say(text: str) -> None:
    print(f"tools: {text}", file=sys.stderr, flush=True)
