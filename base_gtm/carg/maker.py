"""One job of CARG: a teacher is asked for a scene, the checks judge it, and it is asked again with their complaints.

Guarantees: a job follows from the seed, its number and the tools alone, so that jobs can be done in any order, by many,
and again. Tools take turns, so that each is the target equally often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from base_gtm.arguments import check
from base_gtm.carg.checks import judged
from base_gtm.example import FAULTS, KINDS, Example, Fault, Kind, Provenance
from base_gtm.teachers.teacher import Scene, Teacher

if TYPE_CHECKING:
    from base_gtm.carg.groups import Groups
    from base_gtm.collection.collected import Collected

NO_SCENE = "no scene"
"""In place of a check: the teacher had none to give."""
VALUES_ALONE: tuple[Fault, ...] = ("value",)
"""Of these faults, wrong calls are those that the schema takes: the tool itself must refuse them."""


@dataclass(frozen=True)
class Plan:
    """Which jobs there are."""

    seed: int
    shares: Mapping[Kind, float]
    """How much of each kind; any positive numbers."""
    turns: int
    """Most turns of a dialogue, the target's included; 2 at least."""
    attempts: int
    """How often a record is tried."""
    faults: tuple[Fault, ...] = FAULTS
    """What may be wrong with a wrong call."""


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    kind: Kind
    tool: str
    row: Mapping[str, Any] | None
    """The record as a row; None where no attempt passed."""
    attempts: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    """For each attempt, check -> complaint, "" where it passed."""


class Maker:
    """Does jobs with one teacher."""

    def __init__(self, teacher: Teacher, plan: Plan) -> None:
        self._teacher = teacher
        self._plan = plan
        self._order = Random(f"{plan.seed}/order").sample(range(len(teacher.tools)), len(teacher.tools))

    def make(self, job: int) -> Outcome:
        """Do a job. Raises what the teacher raises."""
        plan, rng = self._plan, Random(f"{self._plan.seed}/{job}/plan")
        kind = rng.choices(KINDS, [plan.shares[one] for one in KINDS])[0]
        target = self._order[job % len(self._order)]
        tool = self._teacher.tools[target]
        log: list[Mapping[str, str]] = []
        complaints: list[str] = []
        for attempt in range(plan.attempts):
            made = Provenance(self._teacher.name, plan.seed, job, attempt)
            scene = self._scene(kind, target, rng, made, complaints)
            if scene is None:
                log.append({NO_SCENE: "the teacher had no scene for it"})
                continue
            *history, turn = scene.turns
            example = Example(kind, tool, scene.context, tuple(history), turn, made, scene.flaw)
            log.append(judged(example, self._teacher.doubt))
            complaints = [complaint for complaint in log[-1].values() if complaint]
            if not complaints:
                return Outcome(kind, tool.spec.name, example.row(), log)
        return Outcome(kind, tool.spec.name, None, log)

    def _scene(self, kind: Kind, target: int, rng: Random, made: Provenance, complaints: Sequence[str]) -> Scene | None:
        tool = self._teacher.tools[target]
        if kind == "single":
            return self._teacher.single(tool, made, complaints)
        if kind == "error":
            scene = self._teacher.error(tool, rng.choice(self._plan.faults), made, complaints)
            return None if scene is None or self._is_needless(tool, scene) else scene
        group = self._groups.around(target, rng.randint(2, self._plan.turns), rng)
        return self._teacher.multi(group, made, complaints)

    def _is_needless(self, tool: Collected, scene: Scene) -> bool:
        """Whether the schema refuses a call that the tool itself should."""
        return self._plan.faults == VALUES_ALONE and check(tool.spec, scene.turns[-1].call.arguments) is not None

    @cached_property
    def _groups(self) -> Groups:
        from base_gtm.carg.groups import Groups

        return Groups(self._teacher.tools)
