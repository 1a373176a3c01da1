"""What a unit (one arm, one seed) writes down while it learns, and how it is read again.

    steps.jsonl     one line a step: times, rewards, who answered
    rollouts.jsonl  one line a step: the texts with their rewards and sources
    texts.jsonl     what the agent writes for validation problems as it learns, and for test problems at the end
    answers.jsonl   the real tool's answers

Guarantees: a step is written down once, when it was first done. A step that a kill made a resumed training repeat
(those after its last checkpoint) is held against its line, and its time stays that of the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapt.study.journal import Answers, Lines
from adapt.study.task import Problem

STEPS, ROLLOUTS, TEXTS, ANSWERS = "steps.jsonl", "rollouts.jsonl", "texts.jsonl", "answers.jsonl"


class Record:
    """The files of one unit's folder."""

    def __init__(self, folder: Path, replayed: Path | None = None) -> None:
        """replayed: the same unit's folder in another run, whose real answers are taken instead of asking."""
        self.folder = folder
        others = [] if replayed is None else [replayed / ANSWERS]
        self.answers = Answers(folder / ANSWERS, *others)
        self._steps, self._rollouts, self._texts = (Lines(folder / name) for name in (STEPS, ROLLOUTS, TEXTS))
        self.steps = {int(line["step"]): line for line in self._steps.read()}
        self._written = {(line["split"], int(line["step"])) for line in self._texts.read()}
        self._told = {int(line["step"]) for line in self._rollouts.read()}
        self.goes_on = bool(self.steps or self.answers.own)
        """Whether a killed process wrote here before: the first new step misses what it had spent on it."""
        self.differing = 0
        """Repeated steps whose rewards were not those of the first time."""

    def step(self, line: Mapping[str, Any], rollouts: Sequence[Mapping[str, Any]]) -> None:
        """Write a step down, or hold a repeated one against its line."""
        number = int(line["step"])
        if number in self.steps:
            self.differing += self.steps[number]["rewards"] != line["rewards"]
            return
        if number not in self._told:
            self._rollouts.append({"step": number, "rollouts": list(rollouts)})
            self._told.add(number)
        whole = {**line, "after_kill": self.goes_on}
        self.goes_on = False
        self._steps.append(whole)
        self.steps[number] = whole

    def has_texts(self, split: str, step: int) -> bool:
        """Whether the agent's texts of that step are written down."""
        return (split, step) in self._written

    def texts(self, split: str, step: int, problems: Sequence[Problem], texts: Sequence[Sequence[str]]) -> None:
        """Write down what the agent wrote for problems, all in one line."""
        if self.has_texts(split, step):
            return
        named = [{"problem": one.id, "texts": list(said)} for one, said in zip(problems, texts, strict=True)]
        self._texts.append({"split": split, "step": step, "items": named})
        self._written.add((split, step))


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """The steps of a unit, in order."""
    return sorted(Lines(folder / STEPS).read(), key=lambda line: int(line["step"]))


def read_texts(folder: Path) -> list[dict[str, Any]]:
    """What a unit's agent wrote for validation and test problems: split, step, items."""
    return sorted(Lines(folder / TEXTS).read(), key=lambda line: (line["split"], int(line["step"])))
