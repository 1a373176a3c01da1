"""The study's task for a kernel domain: write a kernel that does what this model does, right and fast.

See `adapt.study.task.Task`. Guarantees: problems, prompts and demonstrations are the same on every machine; the reward
is one formula for simulated and real results (`reward.py`); what is judged at the end is judged by the domain's own
real tool, timed, candidate and reference one right after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from adapt.domain import Split
from adapt.errors import AdaptError
from adapt.study.task import Judged, Problem
from base_gtm.schema import ToolCall, ToolResult
from domains.kernel_study.answers import candidate_of
from domains.kernel_study.handwriting import demonstration
from domains.kernel_study.operators import Group, Sizes, groups
from domains.kernel_study.reward import reward
from domains.kernel_study.times import TABLE, measure_times, read_times, reference_key
from domains.kernel_tool import KernelTool, job_of
from domains.kernels import condense

if TYPE_CHECKING:
    from collections.abc import Generator

    from kernelbench_harness.engine import Outcome


@dataclass(frozen=True)
class KernelTask:
    """A task over compositions of known steps; see `operators.py` for what they are and how they are split."""

    tool: str
    """Name of the tool in a call."""
    real: KernelTool
    instructions: str
    """What the agent is told; `{reference}` stands for the problem's source, without imports."""
    sizes: Sizes
    test: frozenset[str]
    """Compositions that belong to the test split whatever else does."""
    validation: frozenset[str]
    languages: tuple[str, ...]
    """Of the demonstrations, each as often as it stands here."""
    root: Path
    """Folder of the domain, with the table of reference times."""
    broken: float = 0.5
    """Share of the demonstrations in which a mistake is planted."""

    def problems(self, split: Split) -> Sequence[Problem]:
        """See Task."""
        return [problem for problem, group in self._all if group.split == split]

    def demonstrations(self, seed: int, count: int) -> Iterator[tuple[Problem, str]]:
        """See Task. What an agent learns from unfiltered kernels: some work, many do not."""
        known = [(problem, group) for problem, group in self._all if group.split == "train"]
        for number in range(count):
            rng = Random(f"demonstration:{seed}:{number}")
            problem, group = rng.choice(known)
            language = rng.choice(self.languages)
            yield problem, demonstration(group.operator, group.variant, rng, language, self.broken)

    def call(self, problem: Problem, text: str) -> ToolCall | None:
        """See Task. The last fenced block with a ModelNew, or the whole text; None where that is not Python."""
        candidate = candidate_of(text)
        return None if candidate is None else ToolCall(self.tool, {**problem.arguments, "candidate": candidate})

    def reward(self, problem: Problem, result: ToolResult | None) -> float:
        """See Task and `reward.py`."""
        return reward(result, self._times.get(reference_key(str(problem.arguments["reference"]))))

    def judge(self, items: Sequence[tuple[Problem, str]]) -> Iterator[Judged]:
        """See Task. A text that comes twice for one problem is judged once."""
        calls = [self.call(problem, text) for problem, text in items]
        judged: dict[str, Judged] = {}
        coming = self._judged(list({call.key: call for call in calls if call is not None}.values()))
        try:
            for call in calls:
                while call is not None and call.key not in judged:
                    key, verdict = next(coming)
                    judged[key] = verdict
                yield NO_CALL if call is None else judged[call.key]
        finally:
            coming.close()

    def measure(self) -> int:
        """Time the references that the domain's table lacks, on this machine; returns how many it has then."""
        from adapt.progress import progress

        codes = [str(problem.arguments["reference"]) for problem, _ in self._all]
        with progress("references", len(codes), "problems") as advance:
            return measure_times(self.root / TABLE, codes, self.real.options(), advance)

    @cached_property
    def _all(self) -> list[tuple[Problem, Group]]:
        return [(self._problem(group), group) for group in groups(self.sizes, self.test, self.validation)]

    @cached_property
    def _times(self) -> Mapping[str, float]:
        return read_times(self.root / TABLE)

    def _problem(self, group: Group) -> Problem:
        prompt = self.instructions.replace("{reference}", condense(group.code))
        name = f"{group.operator.name}/{group.variant}"
        return Problem(name, group.split, prompt, group.operator.name, {"reference": group.code})

    def _judged(self, calls: Sequence[ToolCall]) -> Generator[tuple[str, Judged]]:
        """Each call's key and what the harness says, as the answers come. Nothing is opened for no calls."""
        from kernelbench_harness.engine import outcomes
        from kernelbench_harness.engine.here import here
        from kernelbench_harness.errors import HarnessError

        if not calls:
            return
        keys = {job_of(call): call.key for call in calls}
        try:
            with here(self.real.options()) as backend:
                for job, outcome in outcomes(iter(keys), backend):
                    yield keys[job], _verdict(outcome)
        except HarnessError as error:
            raise AdaptError(str(error)) from None


NO_CALL = Judged(compiled=False, correct=False, cheating=False, speedup=None)
"""Of a text without a candidate."""


def _verdict(outcome: Outcome) -> Judged:
    """Raises AdaptError where the tool itself failed, on fresh workers too."""
    from kernelbench_harness.engine import Fault
    from kernelbench_harness.label import COMPILING, Verdict

    label = outcome.label
    if label is None:
        if outcome.fault is Fault.CANDIDATE:
            return NO_CALL
        raise AdaptError(f"a candidate could not be judged: {outcome.reason}")
    compiled = label.verdict is not Verdict.COMPILE_ERROR and label.stage not in COMPILING
    timed = label.runtime is not None and label.reference is not None
    return Judged(
        compiled=compiled or label.verdict is Verdict.COMPILED,
        correct=label.verdict is Verdict.CORRECT,
        cheating=label.verdict is Verdict.CHEATING,
        speedup=label.reference.median_ms / label.runtime.median_ms if timed else None,  # type: ignore[union-attr]
    )
