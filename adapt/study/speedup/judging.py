"""What the real tool and the simulator say of the texts that agents wrote: asked once a text, kept in the run's folder.

Guarantees: a text is judged once in a study, however many agents wrote it, so a time that was measured badly is bad for
all of them alike; judging goes on where it was killed. All of it is outside the clocks of the arms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapt.progress import Advance
from adapt.study.journal import Lines
from adapt.study.speedup.recipe import Gate
from adapt.study.task import Judged, Problem, Task
from base_gtm.schema import ToolResult, content_hash

JUDGED, OPINIONS = "judged.jsonl", "opinions.jsonl"
CHUNK = 64
"""Texts that the simulator is asked about at once."""
Item = tuple[Problem, str]
NOTHING = Judged(compiled=False, correct=False, cheating=False, speedup=None)
"""Of a text that holds no call."""


def key_of(problem: str, text: str) -> str:
    """Name of a text for a problem."""
    return content_hash([problem, text])


def judge(task: Task, items: Iterable[Item], root: Path, advance: Advance) -> dict[str, Judged]:
    """What the real tool says of every item, by key; those known already are not asked again."""
    lines = Lines(root / JUDGED)
    known = {one["key"]: Judged(**one["judged"]) for one in lines.read()}
    asked = unique(items)
    silent = {key: NOTHING for key, (problem, text) in asked.items() if task.call(problem, text) is None}
    todo = [(key, item) for key, item in asked.items() if key not in known and key not in silent]
    advance(len(asked) - len(todo))
    if todo:
        said = task.judge([item for _, item in todo])
        for (key, (problem, text)), found in zip(todo, said, strict=True):
            lines.append({"key": key, "problem": problem.id, "text": text, "judged": asdict(found)})
            known[key] = found
            advance(1)
    return known | silent


def opinions(task: Task, items: Iterable[Item], root: Path, gate: Gate, accepts: Accepts, advance: Advance) -> Accepted:
    """Whether the simulator accepts each item, by key. gate: one that always simulates."""
    lines = Lines(root / OPINIONS)
    known = {str(one["key"]): bool(one["accepted"]) for one in lines.read()}
    todo = [(key, item) for key, item in unique(items).items() if key not in known]
    calls = {key: task.call(problem, text) for key, (problem, text) in todo}
    silent = [key for key, call in calls.items() if call is None]
    asked = [(key, call) for key, call in calls.items() if call is not None]
    for first in range(0, len(asked), CHUNK):
        chunk = asked[first : first + CHUNK]
        answers = gate.call_many([call.arguments for _, call in chunk])
        for (key, _), answer in zip(chunk, answers, strict=True):
            known[key] = accepts(answer.result)
            lines.append({"key": key, "accepted": known[key], "result": dict(answer.result.content)})
        advance(len(chunk))
    return known | dict.fromkeys(silent, False)


def unique(items: Iterable[Item]) -> dict[str, Item]:
    """Items by key, each once, in order."""
    return {key_of(problem.id, text): (problem, text) for problem, text in items}


def items_of(lines: Sequence[Mapping[str, Any]], problems: Mapping[str, Problem]) -> list[Item]:
    """The texts of lines that a unit wrote, with their problems."""
    return [
        (problems[item["problem"]], text)
        for line in lines
        for item in line["items"]
        if item["problem"] in problems
        for text in item["texts"]
    ]


class Accepts:
    """Whether a result speaks for its text: every verdict of the domain is known and positive."""

    def __init__(self, verdicts: Mapping[str, Any]) -> None:
        self._verdicts = verdicts

    def __call__(self, result: ToolResult) -> bool:
        if result.is_error:
            return False
        return all(read(result.content) is True for read in self._verdicts.values())


Accepted = dict[str, bool]
