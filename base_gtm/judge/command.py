"""`base-gtm judge`: how well bases answer for tools that they have never seen.

Guarantees: what was asked is not asked again after a kill, neither a subject nor an endpoint; the same folder can be
judged again with more subjects or more records, which costs only these. --help imports nothing heavy.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from base_gtm.errors import DataError
from base_gtm.example import KINDS
from base_gtm.options import chosen, with_options
from base_gtm.prompt import PROMPT_TOKENS

if TYPE_CHECKING:
    from base_gtm.example import Example
    from base_gtm.judge.criteria import Verdict
    from base_gtm.judge.question import Attempt
    from base_gtm.judge.recorded import Case
    from base_gtm.judge.records import Chosen
    from base_gtm.judge.report import Table
    from base_gtm.judge.subjects import Subject
    from base_gtm.model import Base
    from base_gtm.teachers.endpoint import Endpoint

    Judged = tuple[Example, Attempt, Verdict]

ANSWERS, VERDICTS, REPORT, OPINIONS = "answers.jsonl", "judge.json", "judge.md", "opinions.jsonl"
RECORDED, RECORDED_REPORT = "recorded.json", "recorded.md"
CONSTRAINED, FREE, BOTH = "constrained", "free", "both"

_Files = Annotated[list[Path], typer.Argument(help="JSON lines of {session, calls: [{tool, arguments, response}]}.")]
app = typer.Typer(name="judge", help="Judge a generalist on tools that it has never seen.")


@dataclass(frozen=True)
class SubjectOptions:
    """Who is judged."""

    base: tuple[str, ...] = ("nano",)
    """Base model: nano, a folder, or a hub id. Can be given several times."""
    decoding: str = BOTH
    """"constrained": along the output schema, as the simulator answers; "free": whatever the base writes; "both"."""
    out: Path = Path("judge")
    """Folder of the answers and the report; the same command goes on where it was stopped."""
    max_prompt_tokens: int = PROMPT_TOKENS
    """Longest prompt; earlier turns are left out, then arguments cut, until it fits."""
    max_new_tokens: int = 400
    """Longest answer of free decoding."""
    batch: int = 16
    """Prompts that are read together: calls of one tool, or any where decoding is free."""
    seed: int = 0
    """Another seed, other records and other random weights."""

    def __post_init__(self) -> None:
        if self.decoding not in (CONSTRAINED, FREE, BOTH):
            raise DataError(f"--decoding '{self.decoding}': known are {CONSTRAINED}, {FREE} and {BOTH}")
        if not self.base:
            raise DataError("--base: name a base model; nano ships with the package")
        for name in ("max_prompt_tokens", "max_new_tokens", "batch"):
            if getattr(self, name) < 1:
                raise DataError(f"--{name.replace('_', '-')} {getattr(self, name)}: give 1 or more")


@dataclass(frozen=True)
class CargJudgeOptions:
    """What is asked."""

    carg: Path | None = None
    """Folder of base-gtm carg generate, by the executable teacher: the one that the bases were trained from, since all
    its tools together decide which are unseen."""
    n: int = 400
    """Records of each scenario: single-turn, multi-turn, error."""
    known: int = 20_000
    """Records of training tools that the nearest example is copied from; 0 leaves it out."""
    untrained: int = 100
    """Records of each scenario that the same architecture answers with random weights, before training; 0 leaves it
    out."""

    def __post_init__(self) -> None:
        for name, least in (("n", 1), ("known", 0), ("untrained", 0)):
            if getattr(self, name) < least:
                raise DataError(f"--{name} {getattr(self, name)}: give {least} or more")


@dataclass(frozen=True)
class OpinionOptions:
    """A model that judges too."""

    endpoint: str = ""
    """Address of an OpenAI-compatible endpoint whose model judges every answer too, such as http://localhost:8000/v1."""
    model: str = ""
    """Name that the endpoint knows this model by."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; a local server needs none."""
    concurrency: int = 16
    """Requests under way at a time."""
    dollars_per_million_in: float = 0.0
    """Price of a million prompt tokens."""
    dollars_per_million_out: float = 0.0
    """Price of a million answered tokens."""
    budget_dollars: float | None = None
    """Ask nothing more once the answers have cost this much; without it, no limit."""

    def __post_init__(self) -> None:
        if bool(self.endpoint) != bool(self.model):
            raise DataError("--endpoint and --model: give both, or neither")


@dataclass(frozen=True)
class RecordedOptions:
    """What is asked of recorded calls."""

    tools: tuple[Path, ...] = ()
    """Collection, or a file that base-gtm tools import reads, with specs of some of the tools. Can be given several
    times; the others' specs are made of the other sessions' calls."""
    calls: int = 0
    """Ask about so many calls of each file, whole sessions; 0 asks about all."""

    def __post_init__(self) -> None:
        if self.calls < 0:
            raise DataError(f"--calls {self.calls}: give 0 or more")


def judge(ctx: typer.Context, **values: Any) -> None:
    """Ask bases the calls of unseen tools in a folder of CARG, run the tools, and print the paper's Table 1."""
    if ctx.invoked_subcommand is None:
        _judge_carg(chosen(CargJudgeOptions, values), chosen(SubjectOptions, values), chosen(OpinionOptions, values))


def _judge_carg(what: CargJudgeOptions, who: SubjectOptions, opinion: OpinionOptions) -> None:
    if what.carg is None:
        raise DataError("--carg: name a folder of base-gtm carg generate (or see: base-gtm judge recorded --help)")
    from base_gtm.judge.asking import ask
    from base_gtm.judge.criteria import Judge
    from base_gtm.judge.opinion import greet
    from base_gtm.judge.question import Question
    from base_gtm.judge.records import choose
    from base_gtm.teachers.executable.teacher import ExecutableTeacher
    from base_gtm.teachers.journal import Journal

    bases = _bases(who)
    records = choose(what.carg, what.n, what.known, who.seed, ExecutableTeacher().doubt)
    _say(records)
    _warn_of_other_splits(who, records)
    decide = Judge()
    judged: dict[str, list[Judged]] = {}
    with ExitStack() as stack:
        endpoint = _endpoint(opinion, who.out, stack)
        if endpoint is not None:
            greet(endpoint)
        journal = stack.enter_context(Journal(who.out / ANSWERS))
        for subject, number in _subjects(bases, what, who, records):
            asked = _first_of_each(records, number)
            attempts = ask(subject, [Question.of_example(one) for one in asked], journal)
            judged[subject.name] = [
                (one, attempt, decide.verdict(one, attempt)) for one, attempt in zip(asked, attempts, strict=True)
            ]
        models = _opinions(endpoint, judged) if endpoint is not None else {}
    _report(who.out, records, judged, models)


def recorded(files: _Files, **values: Any) -> None:
    """Ask bases recorded calls of real tools, and print how near they come, beside what memory alone would say."""
    what, who = chosen(RecordedOptions, values), chosen(SubjectOptions, values)
    from base_gtm.judge import report
    from base_gtm.judge.recorded import cases, read_specs, some_of
    from base_gtm.judge.sessions import read_sessions

    known = {path: read_sessions(path) for path in files}
    specs = read_specs(what.tools) if what.tools else {}
    bases = _bases(who)
    written: dict[str, Any] = {}
    pages = ["# Recorded calls of real tools", report.SESSION_INTERVALS]
    for path, sessions in known.items():
        asked = cases(sessions, specs, some_of(sessions, what.calls))
        print(f"judge: {path.name}: {len(asked):,} calls, {_sources(asked)}", file=sys.stderr)
        tables, written[path.name] = _recorded(path.name, asked, bases, who)
        for table in tables:
            report.show(table)
        pages += [f"{path.name}: {_sources(asked)}.", *map(report.markdown, tables)]
        report.write(who.out / RECORDED, report.to_text(written))
        report.write(who.out / RECORDED_REPORT, "\n\n".join(pages) + "\n")
    print(f"-> {who.out}: {RECORDED}, {RECORDED_REPORT}")


def _recorded(
    name: str, asked: Sequence[Case], bases: Sequence[Base], who: SubjectOptions
) -> tuple[list[Table], dict[str, Any]]:
    """The tables of a file, and all that they stand on."""
    from base_gtm.judge import report
    from base_gtm.judge.asking import ask
    from base_gtm.judge.recorded import BASELINES, mark
    from base_gtm.teachers.journal import Journal

    with Journal(who.out / ANSWERS) as journal:
        questions = [case.question for case in asked]
        attempts = {subject.name: ask(subject, questions, journal) for subject in _of_bases(bases, who)}
    attempts |= {baseline: [answer(case) for case in asked] for baseline, answer in BASELINES.items()}
    marks = {
        row: [mark(case, attempt) for case, attempt in zip(asked, some, strict=True)] for row, some in attempts.items()
    }
    tables = report.recorded_tables(name, marks)
    answers = {
        row: [{"answer": a.to_json(), "mark": one.to_json()} for a, one in zip(attempts[row], some, strict=True)]
        for row, some in marks.items()
    }
    return tables, {"tables": {table.title: report.figures(table) for table in tables}, "answers": answers}


def _sources(asked: Sequence[Case]) -> str:
    given = sum(case.given for case in asked)
    return f"{given:,} with a given spec, {len(asked) - given:,} with one made of other sessions"


def _bases(who: SubjectOptions) -> list[Base]:
    """The bases, each under a short name. Raises ModelError before anything is asked."""
    from transformers.utils import logging

    from base_gtm.model import load_base

    logging.set_verbosity_error()  # a warning for every prompt would stand between the lines of progress
    names = list(dict.fromkeys(who.base))
    short = [Path(name).name if Path(name).is_dir() else name for name in names]
    return [
        replace(load_base(name), name=label if short.count(label) == 1 else name)
        for name, label in zip(names, short, strict=True)
    ]


def _of_bases(bases: Sequence[Base], who: SubjectOptions) -> Iterator[Subject]:
    """Each base as it is decoded."""
    from base_gtm.judge.subjects import Constrained, Free, FreeOptions

    for base in bases:
        if who.decoding != FREE:
            yield Constrained(base, who.max_prompt_tokens, who.batch)
        if who.decoding != CONSTRAINED:
            yield Free(base, FreeOptions(who.max_prompt_tokens, who.max_new_tokens, who.batch))


def _subjects(
    bases: Sequence[Base], what: CargJudgeOptions, who: SubjectOptions, records: Chosen
) -> Iterator[tuple[Subject, int]]:
    """Who is asked, and how many records of each scenario."""
    from base_gtm.judge.subjects import Constrained, Nearest, untrained

    for subject in _of_bases(bases, who):
        yield subject, what.n
    if what.known:
        yield Nearest(records.known), what.n
    if what.untrained:
        fresh: dict[str, Base] = {}
        for base in bases:
            one = untrained(base, who.seed)
            fresh.setdefault(one.hash, one)  # bases of one architecture, size and tokenizer were the same before
        for base in fresh.values():
            yield Constrained(base, who.max_prompt_tokens, who.batch), what.untrained


def _first_of_each(records: Chosen, number: int) -> list[Example]:
    return [one for kind in KINDS for one in [each for each in records.unseen if each.kind == kind][:number]]


def _endpoint(opinion: OpinionOptions, out: Path, stack: ExitStack) -> Endpoint | None:
    """The model that judges too, None where none is wanted. Raises TeacherError where nobody answers."""
    if not opinion.endpoint:
        return None
    from base_gtm.teachers.endpoint import Endpoint, EndpointOptions

    given = {name: value for name, value in asdict(opinion).items() if name != "endpoint"}
    options = EndpointOptions(base_url=opinion.endpoint, temperature=0.0, **given)
    return stack.enter_context(Endpoint(options, out / OPINIONS))


def _opinions(endpoint: Endpoint, judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[Verdict | None]]:
    from base_gtm.judge.opinion import opinions

    found = {name: opinions(endpoint, name, some) for name, some in judged.items()}
    print(f"spent: {json.dumps(asdict(endpoint.spent))}", file=sys.stderr)
    return found


def _report(
    out: Path,
    records: Chosen,
    judged: Mapping[str, Sequence[Judged]],
    models: Mapping[str, Sequence[Verdict | None]],
) -> None:
    """Tables on standard output, judge.json and judge.md."""
    from base_gtm.judge import report
    from base_gtm.judge.opinion import agreements

    verdicts = {name: [verdict for *_, verdict in some] for name, some in judged.items()}
    tables = [report.table_one(verdicts), report.table_two(verdicts)]
    agreed = {name: agreements(verdicts[name], some) for name, some in models.items()}
    if models:
        theirs = {name: [one for one in some if one is not None] for name, some in models.items()}
        tables.append(replace(report.table_one(theirs), title="Table 1 as the model at the endpoint sees it"))
        exact = [one for some in verdicts.values() for one in some]
        agreed["all subjects"] = agreements(exact, [one for some in models.values() for one in some])
    records_asked = {
        "asked": {kind: sum(one.kind == kind for one in records.unseen) for kind in KINDS},
        "left_out": records.disputed,
        "fields": list(records.split.fields),
    }
    refusal = {name: report.refusal_figures(some) for name, some in verdicts.items()}
    written = {
        "records": records_asked,
        "tables": {table.title: report.figures(table) for table in tables},
        "refusal_probability": refusal,
        "agreement": {name: [asdict(one) for one in some] for name, some in agreed.items()},
        "answers": {
            name: [
                {"answer": attempt.to_json(), "verdict": verdict.to_json(), "model": _columns_of(models, name, at)}
                for at, (_, attempt, verdict) in enumerate(some)
            ]
            for name, some in judged.items()
        },
    }
    report.write(out / VERDICTS, report.to_text(written))
    report.write(out / REPORT, report.page(tables, agreed, records_asked, refusal))
    for table in tables:
        report.show(table)
    for some in list(agreed.values())[-1:]:
        report.show_agreement(some)
    print(f"-> {out}: {VERDICTS}, {REPORT}")


def _columns_of(models: Mapping[str, Sequence[Verdict | None]], name: str, at: int) -> dict[str, bool] | None:
    one = models[name][at] if name in models else None
    return None if one is None else dict(one.columns)


def _say(records: Chosen) -> None:
    counts = ", ".join(f"{sum(one.kind == kind for one in records.unseen):,} {kind}" for kind in KINDS)
    tools = len({one.tool.key for one in records.unseen})
    left = f"; {records.disputed:,} left out, whose tools answer otherwise by now" if records.disputed else ""
    fields = ", ".join(records.split.fields)
    print(f"judge: {counts} records of {tools:,} unseen tools ({fields}){left}", file=sys.stderr)


def _warn_of_other_splits(who: SubjectOptions, records: Chosen) -> None:
    """Say of a base whose card tells of other held-out fields that it may have learnt from the tools that are asked."""
    from base_gtm.model import card_of

    for name in who.base:
        if _may_know(card_of(name), set(records.split.fields)):
            print(
                f"judge: {name} was trained with other fields held out: it may know some of these tools",
                file=sys.stderr,
            )


def _may_know(card: Any, fields: set[str]) -> bool:
    """Whether a base, or one that it was gone on from, held out other fields than these. A card that says nothing of
    fields, or that none were held out where no records of CARG were learnt from, tells nothing.
    """
    if not isinstance(card, Mapping):
        return False
    held_out = card.get("held_out")
    learnt = any(source.partition(":")[0] in KINDS for source in card.get("records_by_source", ()))
    if held_out is not None and (held_out or learnt) and not fields <= set(held_out):
        return True
    return _may_know(card.get("parent"), fields)


def _register() -> None:
    whole = with_options(judge, CargJudgeOptions, SubjectOptions, OpinionOptions)
    app.callback(invoke_without_command=True)(whole)
    app.command("recorded")(with_options(recorded, RecordedOptions, SubjectOptions))


_register()
