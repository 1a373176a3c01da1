"""`base-gtm carg`: make records, read some, see whether the checks have teeth."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from base_gtm.carg.maker import VALUES_ALONE
from base_gtm.carg.pipeline import CargOptions, Tally, Workers, write_rates
from base_gtm.carg.pipeline import generate as write
from base_gtm.carg.plant import Teeth, plant
from base_gtm.carg.show import markdown, sample
from base_gtm.collection.collected import read_collection
from base_gtm.errors import DataError
from base_gtm.example import read_examples
from base_gtm.options import chosen, with_options
from base_gtm.teachers.endpoint import Endpoint, EndpointOptions
from base_gtm.teachers.language import LanguageTeacher
from base_gtm.teachers.schema import SchemaTeacher
from base_gtm.teachers.teacher import Teacher

EXECUTABLE, SCHEMA, ENDPOINT = "executable", "schema", "endpoint"
JOURNAL = "journal.jsonl"

app = typer.Typer(name="carg", help="Make the generalist's training records with a teacher.", no_args_is_help=True)


@dataclass(frozen=True)
class TeacherOptions:
    """Which teacher `base-gtm carg generate` asks."""

    teacher: str = EXECUTABLE
    """"executable": tools that compute, offline; "schema": wrong calls alone, of the tools of --tools; "endpoint": a
    model that --base-url and --model name, asked about the tools of --tools."""
    tools: Path | None = None
    """Collection, tools.jsonl of `base-gtm tools import`."""
    judge: bool = True
    """Whether a model is asked in a question of its own if an answer belongs to its call."""


def generate(**values: Any) -> None:
    """Write records: single calls, dialogues and wrong calls, each checked. The same command resumes after a kill."""
    options = chosen(CargOptions, values)
    plan = options.plan()
    with ExitStack() as stack:
        given = _given(values, options, stack)
        teacher = given.make(*given.arguments)
        workers = stack.enter_context(Workers(given.make, given.arguments, plan, given.workers, teacher.waits))
        tally = write(options, teacher, given.identity, workers)
        path = write_rates(options.out, tally)
        if isinstance(teacher, LanguageTeacher):
            print(f"spent: {json.dumps(asdict(teacher.spent))}", file=sys.stderr)
    _show_rates(tally)
    print(f"-> {options.out}: {tally.records:,} records, {path.name}")


@dataclass(frozen=True)
class _Given:
    """A teacher as the command line names it."""

    make: Callable[..., Teacher]
    arguments: tuple[Any, ...]
    identity: dict[str, Any]
    """What records depend on."""
    workers: int


def _given(values: Mapping[str, Any], options: CargOptions, stack: ExitStack) -> _Given:
    """Raises DataError for a teacher that is none, or lacks something."""
    which = chosen(TeacherOptions, values)
    if which.teacher == EXECUTABLE:
        if which.tools is not None:
            raise DataError("--tools: the executable teacher has tools of its own; see --teacher schema and endpoint")
        from base_gtm.teachers.executable.teacher import ExecutableTeacher

        return _Given(ExecutableTeacher, (), {"teacher": EXECUTABLE}, options.workers)
    if which.teacher not in (SCHEMA, ENDPOINT):
        raise DataError(f"--teacher '{which.teacher}': known are {EXECUTABLE}, {SCHEMA} and {ENDPOINT}")
    if which.tools is None:
        raise DataError(f"--teacher {which.teacher}: name a collection with --tools; base-gtm tools import makes one")
    tools = list(read_collection(which.tools))
    if not tools:
        raise DataError(f"{which.tools}: holds no tools")
    if which.teacher == SCHEMA:
        if options.single or options.multi:
            raise DataError("--teacher schema: knows wrong calls alone; add --single 0 --multi 0")
        if options.plan().faults == VALUES_ALONE:
            raise DataError("--teacher schema: knows no wrong value that a schema takes; give other --faults too")
        return _Given(SchemaTeacher, (tools,), {"teacher": SCHEMA}, options.workers)
    asked = chosen(EndpointOptions, values)
    endpoint = stack.enter_context(Endpoint(asked, options.out / JOURNAL))
    teacher = LanguageTeacher(endpoint, tools, which.judge)
    identity = {"teacher": asked.model, "judge": which.judge, "temperature": asked.temperature}
    return _Given(lambda: teacher, (), identity, asked.concurrency)


app.command("generate")(with_options(generate, CargOptions, TeacherOptions, EndpointOptions))


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of base-gtm carg generate.")],
    records: Annotated[int, typer.Option(help="How many; kinds and fields take turns.")] = 6,
    seed: Annotated[int, typer.Option(help="Another seed, other records.")] = 0,
) -> None:
    """Print some records as Markdown."""
    if records < 1:
        raise DataError(f"--records {records}: give 1 or more")
    for example in sample(list(islice(read_examples(folder), 20_000)), records, seed):
        print(markdown(example))


@app.command()
def faults(
    folder: Annotated[Path, typer.Argument(help="Folder of base-gtm carg generate, by the executable teacher.")],
    number: Annotated[int, typer.Option(help="Faults to plant, equally many of each kind.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed, other faults.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON.")] = None,
) -> None:
    """Plant faults in good records and count what the checks catch."""
    from base_gtm.teachers.executable.teacher import ExecutableTeacher

    if number < 1:
        raise DataError(f"--number {number}: give 1 or more")
    teacher = ExecutableTeacher()
    examples = list(islice(read_examples(folder), 20_000))
    foreign = next((one.provenance.teacher for one in examples if one.provenance.teacher != teacher.name), None)
    if foreign is not None:
        raise DataError(f"{folder}: records of {foreign}; faults are planted in those of the executable teacher")
    teeth = plant(examples, number, teacher.doubt, seed)
    _show_teeth(teeth)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"seed": seed, **asdict(teeth)}, indent=1) + "\n")
        print(f"-> {out}")


def _show_rates(tally: Tally) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("kind", "check", "judged", "passed")
    for kind, checks in sorted(tally.checks.items()):
        for check, (passed, judged) in checks.items():
            table.add_row(kind, check, f"{judged:,}", f"{passed / judged:.2%}")
    Console(width=None if Console().is_terminal else 100).print(table)
    left = f"{tally.given_up:,} given up after all attempts, {tally.seen_before:,} equal to an earlier record"
    print(f"{tally.jobs:,} jobs, {len(tally.tools):,} tools; {left}")


def _show_teeth(teeth: Teeth) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("planted fault", "number", "its check", "any check", "its check, rules alone", "any, rules alone")
    for name, catch in teeth.catches.items():
        shares = (catch.by_its_check, catch.by_any, catch.by_its_rules, catch.by_any_rules)
        table.add_row(name, str(catch.planted), *(f"{share / max(1, catch.planted):.1%}" for share in shares))
    Console(width=None if Console().is_terminal else 120).print(table)
    print(f"{teeth.false_alarms:,} of {teeth.clean:,} good records refused by the rules alone")
