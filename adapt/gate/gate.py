"""The gate: each call is answered by the cheapest side that its policy allows.

Wrong arguments are refused first, without asking anybody. Then, by policy, the simulator or the real tool answers.
Under `Confident` the simulator's decision stands where the calibration accepts it: confident enough, and a familiar
call. A doubt that the domain's exact check settles goes to that (`doubt.py` says when); all else, and all that is
foreign, goes to the real tool.

Guarantees: answers come in the order of the calls; simulated ones of a batch are read at once and equal those of
`Specialist.answer` one by one (same decisions, confidences within 1e-4); real ones are asked at once on workers that
stay warm for the life of the gate; from any thread, and policy and step may be set meanwhile: a batch keeps those that
it began with. Does not guarantee the calibration's promise for answers that an exact check helped: it was tested on the
simulator alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adapt.domain import Domain
from adapt.errors import AdaptError, ArtifactError
from adapt.gate.checks import Checked, Checks
from adapt.gate.doubt import NO_THRESHOLD, pays, reason, without
from adapt.gate.ledger import Ledger, Source
from adapt.gate.memory import Memory, Said
from adapt.gate.policies import Confident, Hybrid, Policy, Simulate, may_ask, may_simulate
from adapt.gate.policies import policy as read
from adapt.gate.real import CLOSED, RealSide
from base_gtm.schema import ToolCall, ToolResult

if TYPE_CHECKING:
    from adapt.specialist import Opinion, Reply, Specialist

Asked = tuple[str, float | None, float]
"""Why the real tool is asked, the simulator's confidence, and the seconds spent on the call before."""


@dataclass(frozen=True)
class GateAnswer:
    """A result, and where it comes from."""

    result: ToolResult
    source: Source
    why: str
    """Why this side answered, in a few words."""
    confidence: float | None
    """The simulator's scaled confidence; None where it was not asked."""
    seconds: float
    """Work on this answer alone, by whichever sides: evidence and its share of a batch's reading, check, real tool. 0
    for one that was known before."""


class Gate:
    """See the module. Use as a context manager."""

    def __init__(
        self,
        domain: Domain,
        *,
        policy: Policy | str,
        specialist: Specialist | None = None,
        workers: int | None = None,
        replay: Mapping[str, ToolResult] | None = None,
        deduplicate: bool = True,
        workspace: Path | None = None,
    ) -> None:
        """`specialist`: None loads the domain's of `workspace` when it is first needed. `workers`: real answers at a
        time, None for as many as there is room for here. `replay`: earlier real answers by call key; one that can be
        written to gets the new ones. `deduplicate`: whether a call that was asked is not asked again. Raises AdaptError
        for a policy that there is not."""
        self.domain, self.spec = domain, domain.spec
        self._policy = read(policy)
        self.step = 0
        """The training's step, for `Hybrid`."""
        self._specialist, self._workspace, self._workers = specialist, workspace, workers
        self._memory = Memory(replay, deduplicate)
        self._real: RealSide | None = None
        self._checks: Checks | None = None
        self._inside = False
        self._opening, self._simulating = threading.RLock(), threading.Lock()
        self._ledger = Ledger()

    def __enter__(self) -> Self:
        with self._opening:
            self._inside = True
            try:
                self._open_for(self._policy)
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. Calls that wait for them raise AdaptError."""
        self._inside = False
        with self._opening:
            real, checks, self._real, self._checks = self._real, self._checks, None, None
        try:
            if real is not None:
                real.close()
        finally:
            if checks is not None:
                checks.close()

    @property
    def policy(self) -> Policy:
        """Who may answer; settable while others call, by text too. Setting opens what the new policy may need, and
        raises AdaptError, with the old one still in force, where that cannot be had."""
        return self._policy

    @policy.setter
    def policy(self, given: Policy | str) -> None:
        wanted = read(given)
        with self._opening:
            if self._inside:
                self._open_for(wanted)
            self._policy = wanted

    @property
    def counts(self) -> Mapping[Source, int]:
        """Answers by source."""
        return self._ledger.counts

    @property
    def seconds(self) -> Mapping[Source, float]:
        """Work by who did it, whoever gave the answer in the end: sums over calls, which overlap on several workers."""
        return self._ledger.seconds

    @property
    def remembered(self) -> int:
        """How many of the real answers were known before: the same call, or one of the replay."""
        return self._ledger.remembered

    def call(self, arguments: Any) -> GateAnswer:
        """Answer one call. Raises AdaptError outside the context, and where the real tool fails as a whole."""
        return self.call_many([arguments])[0]

    def call_many(self, batch: Sequence[Any]) -> list[GateAnswer]:
        """Answer many calls of the tool, each given by its arguments, in order. Raises as `call` does."""
        given, step = self._policy, self.step
        if not self._inside:
            raise AdaptError(f"{self.domain.name}: the gate is closed; use it inside `with Gate(...) as gate:`")
        answers: dict[int, GateAnswer] = {}
        calls: dict[int, ToolCall] = {}
        for index, arguments in enumerate(batch):
            checked = self._checked(arguments)
            if isinstance(checked, ToolCall):
                calls[index] = checked
            else:
                answers[index] = checked
        if isinstance(given, Simulate) or (isinstance(given, Hybrid) and step < given.steps):
            answers |= self._simulated(calls, f"policy {given}")
        elif isinstance(given, Confident):
            answers |= self._confident(calls)
        else:
            answers |= self._heard(self._ask(calls), dict.fromkeys(calls, (f"policy {given}", None, 0.0)))
        ordered = [answers[index] for index in range(len(batch))]
        self._ledger.answered(answer.source for answer in ordered)
        return ordered

    def _checked(self, arguments: Any) -> ToolCall | GateAnswer:
        """The call, or the tool's refusal of its arguments."""
        from base_gtm.arguments import check

        started = time.perf_counter()
        refusal = check(self.spec, arguments)
        if refusal is None:
            call = ToolCall(self.spec.name, dict(arguments))
            try:
                call.key  # noqa: B018
                return call
            except (ValueError, TypeError, RecursionError) as error:  # a NaN, half a surrogate pair: no JSON text
                text = f"Error: {self.spec.name}: the arguments cannot be written as JSON ({str(error)[:120]})"
                refusal = ToolResult(is_error=True, text=text)
        spent = time.perf_counter() - started
        self._ledger.spend("arguments", spent)
        return GateAnswer(refusal, "arguments", "the arguments are not what the tool takes", None, spent)

    def _simulated(self, calls: Mapping[int, ToolCall], why: str) -> dict[int, GateAnswer]:
        answers = {}
        for index, (opinion, reply) in self._opinions(calls, everything=True).items():
            assert reply is not None
            marked = f"{why}; {reason(opinion)}" if opinion.foreign else why
            answers[index] = GateAnswer(reply.result, "simulator", marked, opinion.confidence, reply.seconds)
        return answers

    def _confident(self, calls: Mapping[int, ToolCall]) -> dict[int, GateAnswer]:
        calibration = self._loaded().calibration
        if calibration is None or calibration.threshold is None:  # the simulator's word could change nothing
            return self._heard(self._ask(calls), dict.fromkeys(calls, (NO_THRESHOLD, None, 0.0)))
        answers: dict[int, GateAnswer] = {}
        asked: dict[int, Asked] = {}
        checking: dict[int, Future[Checked]] = {}
        opinions = self._opinions(calls, everything=False)
        for index, (opinion, reply) in opinions.items():
            if reply is not None and opinion.accepted:
                why = reason(opinion)
                answers[index] = GateAnswer(reply.result, "simulator", why, opinion.confidence, reply.seconds)
            elif reply is not None:
                checking[index] = self._opened_checks().ask(calls[index])
            else:
                asked[index] = reason(opinion), opinion.confidence, opinion.seconds
        first = self._ask({index: calls[index] for index in asked})
        for index, future in checking.items():
            opinion, reply = opinions[index]
            assert reply is not None
            settled = self._settled(opinion, reply, future.result())
            if isinstance(settled, GateAnswer):
                answers[index] = settled
            else:
                asked[index] = settled
        late = self._ask({index: calls[index] for index in checking if index in asked})
        return answers | self._heard({**first, **late}, asked)

    def _settled(self, opinion: Opinion, reply: Reply, checked: Checked) -> GateAnswer | Asked:
        """The answer that a check leads to, or why the real tool is to be asked."""
        self._ledger.spend("exact", checked.seconds, asked=not checked.failed)
        spent = reply.seconds + checked.seconds
        if checked.failed:
            return f"{reason(opinion)}; the exact check failed", opinion.confidence, spent
        if checked.result is not None:
            return GateAnswer(checked.result, "exact", "the exact check decides it", opinion.confidence, spent)
        assert self.domain.exact is not None
        rest = without(opinion, self.domain.exact)
        why = f"{reason(opinion)}; {rest:.3f} now that the exact check has passed"
        return GateAnswer(reply.result, "simulator", why, rest, spent)

    def _opinions(self, calls: Mapping[int, ToolCall], everything: bool) -> dict[int, tuple[Opinion, Reply | None]]:
        """The simulator's word on each call, with the whole reply where it may be the answer; equal calls share one."""
        if not calls:
            return {}
        unique = {call.key: call for call in calls.values()}

        def wanted(opinion: Opinion) -> bool:
            return everything or opinion.accepted or pays(opinion, self.domain.exact, self._ledger)

        with self._simulating:
            pairs = self._loaded().opinions(list(unique.values()), wanted)
        for opinion, reply in pairs:
            self._ledger.spend("simulator", opinion.seconds if reply is None else reply.seconds)
        said = dict(zip(unique, pairs, strict=True))
        return {index: said[call.key] for index, call in calls.items()}

    def _ask(self, calls: Mapping[int, ToolCall]) -> dict[int, tuple[Future[Said], str]]:
        """Ask the real tool about all of them at once; see Memory."""
        real = self._real
        if real is None and calls:
            raise AdaptError(CLOSED)
        asked = self._memory.ask(real, list(calls.values())) if real is not None else []
        return dict(zip(calls, asked, strict=True))

    def _heard(
        self, asked: Mapping[int, tuple[Future[Said], str]], reasons: Mapping[int, Asked]
    ) -> dict[int, GateAnswer]:
        """What the real tool said, waited for."""
        answers = {}
        for index, (future, known) in asked.items():
            said = future.result()
            why, confidence, before = reasons[index]
            spent = 0.0 if known else said.seconds
            if known:
                self._ledger.remember()
            else:
                self._ledger.spend("real", spent)
            why = "; ".join(filter(None, (why, known, said.failure and "it failed")))
            answers[index] = GateAnswer(said.result, "real", why, confidence, before + spent)
        return answers

    def _open_for(self, given: Policy) -> None:
        """Have ready what a policy may need. Raises AdaptError."""
        if may_simulate(given):
            specialist = self._loaded()
            if isinstance(given, Confident) and specialist.calibration is None:
                name = self.domain.name
                raise ArtifactError(f"policy gate: {name} has no calibration.json; run `adapt calibrate {name}` first")
        if may_ask(given) and self._real is None:
            self._real = RealSide(self.domain, self._workers).open()

    def _loaded(self) -> Specialist:
        if self._specialist is not None:  # nobody waits here for a real tool that a new policy opens
            return self._specialist
        with self._opening:
            if self._specialist is None:
                from adapt.specialist import Specialist

                self._specialist = Specialist.load(self.domain, workspace=self._workspace)
            return self._specialist

    def _opened_checks(self) -> Checks:
        with self._opening:
            if not self._inside or self.domain.exact is None:
                raise AdaptError(CLOSED)
            if self._checks is None:
                self._checks = Checks(self.domain.exact, self._workers or len(os.sched_getaffinity(0)))
            return self._checks
