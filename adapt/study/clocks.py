"""Where a training step's time goes: rollout, tool, update; and the processor time of the tool.

One clock is read at four points of a step: when it begins, when the tool is first asked, when the tool has answered,
when the optimiser has stepped. Guarantees: the three parts are the step's wall time, to the last digit that floating
point keeps (TOLERANCE_S); what lies between two steps (validation, checkpoints, logs) is in none of them.
Does not guarantee that the processor time is complete: a process that left this one's tree is not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

TOLERANCE_S = 1e-6
"""Most by which the parts of a step may miss its whole."""
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class StepTime:
    """Wall seconds of one step."""

    seconds: float
    rollout: float
    """Prompts to token ids, generation, token ids to text, the call in a text."""
    tool: float
    """From the first call to the last answer of the step."""
    update: float
    """Rewards to advantages, log-probabilities, loss, backward, optimiser."""
    tool_cpu: float
    """Processor seconds of this process and its children while the tool answered."""

    def to_json(self) -> dict[str, float]:
        return asdict(self)


class StepClock:
    """Takes the times of a step; from one thread. `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._marks: list[float] = []
        self._cpu = 0.0

    def begin(self) -> None:
        """The step begins."""
        self._marks = [self._now()]
        self._cpu = 0.0

    def asking(self) -> None:
        """The rollout is over; the tool is asked."""
        self._cpu = -tree_cpu_seconds()
        self._marks.append(self._now())

    def answered(self) -> None:
        """The tool has answered all calls."""
        self._marks.append(self._now())
        self._cpu += tree_cpu_seconds()

    def end(self) -> StepTime:
        """The step is over. Raises RuntimeError where one of the points was never passed, or passed twice."""
        self._marks.append(self._now())
        if len(self._marks) != 4:
            raise RuntimeError(f"a step passes four points of its clock, this one passed {len(self._marks)}")
        began, asked, answered, ended = self._marks
        return StepTime(ended - began, asked - began, answered - asked, ended - answered, max(0.0, self._cpu))


def tree_cpu_seconds() -> float:
    """Processor seconds so far of this process, its living descendants, and the dead ones that these waited for.

    4 ms with 63 processes on the laptop of docs/results.md: /proc is read once. 0 where there is no /proc.
    """
    parents: dict[int, int] = {}
    spent: dict[int, int] = {}
    for entry in Path("/proc").iterdir() if Path("/proc/self/stat").exists() else ():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(entry.name)] = int(fields[1])
        spent[int(entry.name)] = sum(int(field) for field in fields[11:15])  # own user, system; its children's
    mine = os.getpid()
    return sum(ticks for process, ticks in spent.items() if _descends(process, mine, parents)) / _TICK


def _descends(process: int, ancestor: int, parents: dict[int, int]) -> bool:
    while process in parents:
        if process == ancestor:
            return True
        process = parents[process]
    return False
