"""`python -m base_gtm.bench.validity`: does every tool of a collection get results that its schema allows?

Calls with plausible arguments must come back with a result that satisfies the output schema, or with bounded text where
there is none; calls made wrong must come back as a refusal of one line that names the parameter. Each call follows from
the seed and its number. A base's own refusals of plausible calls are off, since they are the judge's matter. Outcomes
are written as they come: the same command after a kill goes on where it stopped.

Not measured: whether a result is true.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from base_gtm.arguments import problems_of
from base_gtm.bench.command import command, write_figures
from base_gtm.collection.collected import Collected
from base_gtm.errors import DataError, GtmError, SpecError
from base_gtm.example import FAULTS
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, content_hash
from base_gtm.teachers.flaws import Broken, broken
from base_gtm.teachers.plausible import plausible

GOOD, UNLOADABLE = "good", "cannot be loaded"
"""Outcomes; any other says what went wrong."""
_TEXT = 1024
"""Characters of free text at most."""
_SHOWN = 20
"""Outcomes that went wrong, listed in the figures."""


@dataclass(frozen=True)
class ValidityOptions:
    """One field a flag."""

    out: Path
    """File for the figures, JSON. Outcomes lie beside it until all calls are done."""
    tools: tuple[Path, ...] = ()
    """Files of tools, in any format that base-gtm tools import reads."""
    limit: int = 10_000
    """Calls in all; half of them are made wrong."""
    base: str = "nano"
    """Base model: nano, a folder, or a hub id."""
    seed: int = 0
    """Another seed, other calls."""
    threads: int = 1
    """CPU threads."""

    def __post_init__(self) -> None:
        if not self.tools:
            raise DataError("--tools: name at least one file of tools")
        if min(self.limit, self.threads) < 1:
            raise DataError("--limit and --threads are at least 1")


@dataclass(frozen=True)
class Outcome:
    """What came of one call."""

    number: int
    tool: str
    origin: str
    wrong: bool
    """Whether the call was made wrong."""
    outcome: str
    detail: str = ""


def measure(options: ValidityOptions) -> None:
    """Ask every tool in turn, with plausible and with wrong arguments, and count what is not as it should be."""
    import torch

    from base_gtm.collection.gather import Gathering
    from base_gtm.model import load_base
    from base_gtm.simulator import Simulator

    torch.set_num_threads(options.threads)
    found = list(Gathering([str(path) for path in options.tools]))
    tools = [item for item in found if isinstance(item, Collected)]
    if not tools:
        raise DataError(f"{', '.join(map(str, options.tools))}: no tools")
    base = load_base(options.base)
    simulator = Simulator(base, refuse_above=1.0, surprise=False)
    identity = content_hash([[tool.key for tool in tools], base.hash, options.seed])
    journal = options.out.with_suffix(".calls.jsonl")
    outcomes = _resumed(journal, identity)[: options.limit]
    with journal.open("a") as lines:
        for number in range(len(outcomes), options.limit):
            outcome = _outcome(simulator, tools, number, options.seed)
            outcomes.append(outcome)
            lines.write(json.dumps(asdict(outcome), ensure_ascii=True) + "\n")
            lines.flush()
            _progress(outcomes, options.limit)
    dropped = Counter(item.reason for item in found if not isinstance(item, Collected))
    figures = {"model": {"name": base.name, "hash": base.hash}, **_summary(tools, outcomes), "not_tools": dict(dropped)}
    write_figures(options.out, options, figures)
    journal.unlink()


def _resumed(journal: Path, identity: str) -> list[Outcome]:
    """Outcomes of a killed run, its torn last line taken away; a new journal where there is none. Raises DataError."""
    head = json.dumps({"identity": identity})
    if not journal.exists():
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.write_text(head + "\n")
        return []
    whole = [line for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]
    if whole[:1] != [head + "\n"]:
        raise DataError(f"{journal}: of other tools, another base or seed; give another --out, or take it away")
    os.truncate(journal, sum(map(len, whole)))
    return [Outcome(**json.loads(line)) for line in whole[1:]]


def _outcome(simulator: Any, tools: Sequence[Collected], number: int, seed: int) -> Outcome:
    """Make one call and judge what comes back. A tool that takes anything cannot be called wrongly."""
    lap, place = divmod(number, len(tools))
    tool = tools[place]
    flaw: Broken | None = None
    rng = Random(f"{seed}/{number}")
    try:
        simulator.grammar(tool.spec)
        arguments = plausible(tool.spec, rng)
        if arguments is None:  # a pattern, say, that nothing made up meets: call it with nothing
            required = tool.spec.input_schema.get("required", ())
            arguments, flaw = {}, ({}, str(required[0])) if required else None
        elif (lap + place) % 2:
            flaws = (broken(tool.spec, arguments, fault, rng) for fault in rng.sample(FAULTS, len(FAULTS)))
            flaw = next((one for one in flaws if one is not None), None)
        if flaw is None:
            outcome, detail = _answered(simulator, tool.spec, arguments)
        else:
            outcome, detail = _refused(simulator, tool.spec, *flaw)
    except SpecError as error:
        outcome, detail = UNLOADABLE, str(error)
    except GtmError as error:
        outcome, detail = "failed", str(error)
    except Exception as error:  # what must not happen is counted, not hidden
        outcome, detail = f"crashed: {type(error).__name__}", str(error)
    return Outcome(number, tool.spec.name, Path(tool.origin).name, flaw is not None, outcome, detail[:300])


def _answered(simulator: Any, spec: ToolSpec, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """A call that the schema accepts."""
    result: ToolResult = simulator.answer(spec, ToolCall(spec.name, arguments)).result
    if result.is_error:
        return "refused", result.text
    if spec.output_schema is not None:
        return _validated(spec, result)
    result.text.encode()  # half of a surrogate pair would be no text
    fits = len(result.text) <= _TEXT and not result.content
    return (GOOD, "") if fits else ("unbounded text", result.text)


def _refused(simulator: Any, spec: ToolSpec, arguments: Mapping[str, Any], parameter: str) -> tuple[str, str]:
    """A call that the schema does not accept."""
    said: ToolResult = simulator.answer(spec, ToolCall(spec.name, arguments)).result
    if not said.is_error:
        return "not refused", json.dumps(arguments)
    named = f"'{parameter}'" in said.text or f"'{parameter}." in said.text
    return (GOOD, "") if named and "\n" not in said.text else ("parameter not named", said.text)


def _validated(spec: ToolSpec, result: ToolResult) -> tuple[str, str]:
    """The result as it goes over a wire, against the schema; one that is no object lies under "result"."""
    sent = json.loads(json.dumps(dict(result.content), allow_nan=False, ensure_ascii=False).encode())
    schema = spec.output_schema or {}
    values = [sent, sent["result"]] if list(sent) == ["result"] else [sent]
    problems = [next(problems_of(spec.name, schema, value), None) for value in values]
    return (GOOD, "") if None in problems else ("breaks its schema", str(getattr(problems[-1], "message", "")))


def _summary(tools: Sequence[Collected], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts of calls, and of tools that cannot be loaded by what stands in the way."""
    unloadable = {one.tool: one for one in outcomes if one.outcome == UNLOADABLE}
    asked = {outcomes[number].tool for number in range(min(len(outcomes), len(tools)))}
    bad = [one for one in outcomes if one.outcome not in (GOOD, UNLOADABLE)]
    return {
        "tools": len(tools),
        "tools_with_output_schema": sum(tool.spec.output_schema is not None for tool in tools),
        "calls": len(outcomes),
        "plausible": _counted(outcomes, wrong=False),
        "made_wrong": _counted(outcomes, wrong=True),
        "tools_that_cannot_be_loaded": {
            "share": round(len(unloadable) / max(1, len(asked)), 5),
            "reasons": dict(Counter(_reason(one.detail) for one in unloadable.values()).most_common()),
        },
        "not_as_they_should_be": [asdict(one) for one in islice(bad, _SHOWN)],
    }


def _counted(outcomes: Sequence[Outcome], *, wrong: bool) -> Mapping[str, int]:
    return dict(Counter(one.outcome for one in outcomes if one.wrong is wrong).most_common())


def _reason(detail: str) -> str:
    """An error's message without the tool and the place."""
    _, _, said = detail.partition(": ")
    return " ".join("..." if "/" in word else word for word in said.split())[:120]


def _progress(outcomes: Sequence[Outcome], limit: int) -> None:
    if len(outcomes) % 20 == 0 or len(outcomes) == limit:
        counts = ", ".join(f"{name} {number:,}" for name, number in _tally(outcomes))
        print(f"\r{len(outcomes):,}/{limit:,} calls: {counts}", end="", file=sys.stderr, flush=True)
    if len(outcomes) == limit:
        print(file=sys.stderr)


def _tally(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, int]]:
    yield from Counter(one.outcome for one in outcomes).most_common()


if __name__ == "__main__":
    command(measure, ValidityOptions)
