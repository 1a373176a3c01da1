"""One candidate's hearing: takes its process's messages, compiles for it, compares what it computed, and decides.

Guarantees: the verdict rests on what the parent saw (its own compilations, its own comparison of outputs, the
process's end), never on a claim of the child; a failed compilation ends the trial (`builds.py`); stages can only go
forward, so no message buys more time. A wrong output is judged before suspicious means (`cheats`); output that changes
after it was returned, and functions of the judge replaced, are cheating at once. A trial without a reference is about
compiling alone: it ends where the candidate would be constructed, or, where it has compiled nothing by then, where it
would run. So does one whose kernels want a GPU on a machine that has none.
Not guaranteed: times are the child's own claim, held against the parent's clock (`window.py`).
"""

from __future__ import annotations

import secrets
import shutil
import signal
from typing import Any, NoReturn

from kernelbench_harness import tree
from kernelbench_harness.cheats import looked
from kernelbench_harness.cheats.looked import far
from kernelbench_harness.cheats.plan import draw
from kernelbench_harness.cheats.static import examine
from kernelbench_harness.errors import CandidateError
from kernelbench_harness.judge.builds import MOST_BUILDS, Builds
from kernelbench_harness.judge.outcome import (
    COMPILE_ONLY,
    NO_GPU,
    TOO_SLOW,
    Compiled,
    Failure,
    Outcome,
    asks_for_gpu,
)
from kernelbench_harness.judge.reference import Reference, differ
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import STAGES as STAGES_OF
from kernelbench_harness.label import Stage, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder
from kernelbench_harness.process.worker import Clock, Ended, Stop

STAGES = (Stage.PARSE, Stage.IMPORT, Stage.CONSTRUCT, Stage.RUN, Stage.TIMING)
"""What the candidate's process announces, in order."""
_TAIL = 2000
_GO = {"kind": "go"}


class Trial:
    """State of one candidate's run; `handle` is the worker's handler, `outcome` the decision."""

    def __init__(
        self,
        reference: Reference | None,
        options: HarnessOptions,
        place: RunFolder,
        builds: Builds,
        window: Window,
        *,
        interpreted: bool = False,
    ) -> None:
        self._known, self._options, self._place = reference, options, place
        self.interpreted = interpreted
        """Whether its kernels run in Triton's interpreter."""
        self.builds = builds
        self._failure: Outcome = None
        self.may_build = False
        """Whether its source speaks of what builds extensions."""
        self._stage = Stage.PARSE
        self._announced = 0
        self._correct_seeds: set[int] = set()
        self._timed_unchecked: set[int] = set()
        self.window = window
        self._shown: set[int] = set()
        self._means: dict[str, None] = {}
        """What was seen of forbidden means while it ran, in order; the outputs are judged first."""
        self.hidden = None if reference is None else hidden_seed(reference, options)
        self.secret = secrets.token_hex(8)
        self.evidence: list[str] = []
        """What a label says beside a verdict that is not cheating."""
        if reference is not None and reference.trivial:
            self.evidence.append(f"trivial problem: {reference.trivial}")
        self.undecided = False
        """Whether a trial without a reference has come to no verdict: the candidate is to be run."""

    @property
    def _reference(self) -> Reference:
        if self._known is None:
            self._disorder("the candidate's process claimed a stage out of order")
        return self._known

    def handle(self, message: dict[str, Any], clock: Clock) -> dict[str, Any] | None:
        """Answers one message. Raises Stop when the verdict is known."""
        match message:
            case {"kind": "stage", "stage": str(stage)}:
                self._advance(stage, clock)
                self._end_of_compiling()
                if self._stage is Stage.CONSTRUCT and self._known is None:
                    return {**_GO, "bare": True}
                if self._stage is Stage.TIMING:
                    return {**_GO, "secret": self.secret if self._reference.repeatable else ""}
            case {"kind": "compile", "request": request, "stock": bool(stock)}:
                return self._compile(request, stock)
            case {"kind": "outputs", "seed": int(seed), "tree": raw, "call": int(call), "changed": bool(changed)}:
                self._check_timed(seed, raw, call, changed)
            case {"kind": "outputs", "seed": int(seed), "tree": raw, "changed": bool(changed), "seen": dict(seen)}:
                self._check(seed, raw, changed, seen)
            case {"kind": "last"}:
                return self._reveal()
            case {"kind": "patched", "names": str(names)}:
                self._patched(names)
            case {"kind": "timed"}:
                return self._take_samples(message)
            case {"kind": "ready"}:
                self.window.start_block()
            case {"kind": "ran"}:
                return self._again(self.window.end_block())
            case {"kind": "failed", "stage": str(stage), "summary": str(summary), "text": str(text)}:
                self._failed(stage, summary, text)
            case {"kind": "done"}:
                return None
            case _:
                self._disorder("the candidate's process sent a message of its own making")
        return _GO

    def close(self, ended: Ended) -> None:
        """The process has ended."""
        self._failure = self._decide(ended)

    @property
    def outcome(self) -> Outcome:
        """How it ended, once the hearing is closed or over before it began."""
        return self._failure

    def _decide(self, ended: Ended) -> Outcome:
        if self._failure is not None or self.undecided:
            return self._failure
        stage = self._stage
        if ended.timed_out:
            limit = f"{self._options.run_timeout_s:g} s"
            text = f"still running after {limit} (stage {stage})"
            if self.interpreted and stage is Stage.RUN:
                return Compiled(Stage.IMPORT, TOO_SLOW)
            return Failure(Verdict.TIMEOUT, stage, _with_output(text, ended.output), text)
        if ended.flooded:
            text = f"output limit: more than {len(ended.output)} characters were printed"
        elif ended.over_memory:
            text = f"memory limit: {ended.over_memory}"
        elif ended.over_disk:
            text = f"disk limit: {ended.over_disk}"
        elif ended.malformed:
            text = f"the candidate's process sent what is no message: {ended.malformed}"
        elif len(self._correct_seeds) == len(self._options.seeds) and (self._timed or not self._options.timing):
            return self._accusation() if self._means else None
        else:
            text = f"the process {_how(ended.returncode)} at stage {stage}, without results"
        return Failure(_of_death(stage), stage, _with_output(text, ended.output), text)

    def _fail(self, verdict: Verdict, stage: Stage, error: str, first: str = "") -> NoReturn:
        first = first or error
        self._failure = Failure(verdict, stage, error or first or "no message", first or "no message")
        raise Stop

    def look(self, code: str) -> bool:
        """The static stage. Whether the hearing is over before it began: the source uses forbidden means."""
        examined = examine(code, self._options.track)
        self.may_build = "cpp_extension" in code
        if examined.forbidden:
            first, lines = examined.forbidden[0], examined.forbidden
            self._failure = Failure(Verdict.CHEATING, Stage.STATIC, "\n".join(lines), first, lines)
        self.evidence.extend(examined.odd)
        return bool(examined.forbidden)

    @property
    def open_seeds(self) -> list[int]:
        """The seeds whose inputs the candidate has from the start."""
        return [seed for seed in self._options.seeds if seed != self.hidden]

    def _cheats(self, stage: Stage, *evidence: str) -> NoReturn:
        """Forbidden means were used; `evidence` says what was seen, one line each."""
        self._failure = Failure(Verdict.CHEATING, stage, "\n".join(evidence), evidence[0], evidence)
        raise Stop

    def _disorder(self, error: str) -> NoReturn:
        """The process said what no honest one says here."""
        self._fail(_of_death(self._stage), self._stage, error)

    def _advance(self, stage: str, clock: Clock) -> None:
        if stage not in STAGES[self._announced :]:
            self._disorder("the candidate's process claimed a stage out of order")
        self._stage = Stage(stage)
        self._announced = STAGES.index(self._stage) + 1
        if self._stage is Stage.TIMING:
            if set(self.open_seeds) - self._correct_seeds:
                self._disorder("the candidate's process claimed a stage out of order")
            if self._means:
                self._failure = self._accusation()
                raise Stop
            self.window.open()
            clock.restart(self._options.run_timeout_s)

    def _compile(self, raw: object, stock: bool) -> dict[str, Any]:
        """Builds outside the candidate's process."""
        if self.builds.count >= MOST_BUILDS:
            self._disorder(f"the candidate asked for more than {MOST_BUILDS} compilations")
        result = self.builds.answer(raw, stock, self._place)
        if isinstance(result, Failure):
            self._decided(result)
        return {"kind": "compiled", "result": result}

    def _end_of_compiling(self) -> None:
        """Ends the hearing where all that was asked for is compiled and loaded, and no more can or shall be tried."""
        if self._stage not in (Stage.CONSTRUCT, Stage.RUN):
            return
        to_construct = self._stage is Stage.CONSTRUCT and self.may_build and not self.builds.count
        if self._options.compile_only:
            if not to_construct:
                self._decided(Compiled(Stage.LINK if self.builds.count else Stage.IMPORT, COMPILE_ONLY))
        elif self.builds.cuda and self._options.device == "cpu":
            self._decided(Compiled(Stage.LINK, NO_GPU))
        elif self._known is None:
            self.undecided = True
            if not to_construct:
                raise Stop

    def _decided(self, outcome: Failure | Compiled) -> NoReturn:
        """Ends the hearing with what no run could change."""
        self._failure, self.undecided = outcome, False
        raise Stop

    def _failed(self, stage: str, summary: str, text: str) -> NoReturn:
        """The process says what was raised, and where."""
        if stage == "unsupported" and self.interpreted:
            self._failure = Compiled(Stage.IMPORT, f"Triton's interpreter cannot run it: {summary[:200]}")
            raise Stop
        on_gpu = self._options.device != "cpu"
        launched = stage == Stage.LAUNCH and on_gpu and self._stage in (Stage.CONSTRUCT, Stage.RUN, Stage.TIMING)
        at = Stage(stage) if stage in STAGES or launched or stage == Stage.DEVICE_COMPILE else self._stage
        early = at in (Stage.PARSE, Stage.IMPORT, Stage.DEVICE_COMPILE)
        if not on_gpu and not self.interpreted:
            self._without_gpu(at, summary, text)
        if self.undecided:
            raise Stop
        self._fail(Verdict.COMPILE_ERROR if early else Verdict.RUNTIME_ERROR, at, text, summary)

    def _without_gpu(self, at: Stage, summary: str, text: str) -> None:
        """Ends the hearing of a candidate that failed because this machine has no GPU, as far as it came."""
        asks = asks_for_gpu(text)
        # Kernels that forward itself builds: what fails after that is the call, unless it is the loading.
        late = self.builds.cuda and at is Stage.RUN and not summary.startswith(("ImportError", "OSError"))
        if self.builds.cuda and (asks or late):
            self._decided(Compiled(Stage.LINK, COMPILE_ONLY if self._options.compile_only else NO_GPU))
        if asks:
            raise CandidateError("the candidate asks for a GPU; this machine has none")

    def _check(self, seed: int, raw: object, changed: bool, seen: dict[str, Any]) -> None:
        due = self.hidden if self._stage is Stage.TIMING else None
        in_order = seed in self.open_seeds if self._stage is Stage.RUN else due is not None and seed == due
        if not in_order or seed in self._correct_seeds:
            self._disorder("the candidate's process reported outputs out of order")
        after = looked.after_return(seen)
        if after:
            self._cheats(Stage.RUN, *(f"seed {seed}: {line}" for line in after))
        self._hold_against(seed, f"outputs_{seed}.safetensors", raw, f"seed {seed}: ")
        self._unchanged(changed, f"seed {seed}: ")
        for line in looked.overwritten(seen):
            self._fail(Verdict.WRONG_VALUE, Stage.VALUE, f"seed {seed}: {line}")
        found = looked.means(seen, self._options.track)
        self._means |= dict.fromkeys(found.forbidden)
        self.evidence.extend(line for line in found.odd if line not in self.evidence)
        self._correct_seeds.add(seed)

    def _unchanged(self, changed: bool, where: str) -> None:
        if changed and not self._reference.changes_inputs:
            self._fail(Verdict.WRONG_VALUE, Stage.VALUE, f"{where}the candidate changes its inputs in place")

    def _reveal(self) -> dict[str, Any]:
        """The inputs of the seed that was held back, once everything is timed."""
        if self.hidden is None or not self._timed:
            self._disorder("the candidate's process asked for inputs out of order")
        name = f"seed_{self.hidden}.safetensors"
        shutil.copyfile(self._reference.inputs / name, self._place.given / name)
        (self._place.given / name).chmod(0o644)
        return {**_GO, "file": str(self._place.given / name), "seed": self.hidden}

    def _patched(self, names: str) -> NoReturn:
        stage = self._stage if self._stage in STAGES_OF[Verdict.CHEATING] else Stage.IMPORT
        lines = [f"replaced {name}, which the judge uses" for name in names[:4000].split(";") if name]
        self._cheats(stage, *(lines or ["replaced what the judge uses"]))

    def _accusation(self) -> Failure:
        """Outputs that are right, by means that are not."""
        lines = tuple(self._means)
        return Failure(Verdict.CHEATING, Stage.RUN, "\n".join(lines), lines[0], lines)

    def _check_timed(self, seed: int, raw: object, call: int, changed: bool) -> None:
        if call not in self._timed_unchecked or draw(self.secret, call, self.open_seeds).seed != seed:
            self._disorder("the candidate's process reported outputs out of order")
        if self._reference.repeatable:
            where = f"timed call {call} (seed {seed}): "
            self._hold_against(seed, f"timed_{seed}.safetensors", raw, where, exact=False)
            self._unchanged(changed, where)
        self._timed_unchecked.discard(call)

    def _hold_against(self, seed: int, name: str, raw: object, where: str, *, exact: bool = True) -> None:
        """Compares what lies in a file; not `exact`: the inputs differed by some units in the last place."""
        want = self._reference.expected[seed]
        try:
            stored = tree.load_stored(tree.read_plain(self._place.work / name, self._reference.room(seed)))
            got = tree.select(raw, stored)
            difference = differ(self._reference, seed, got)
        except tree.TreeError as error:
            self._fail(Verdict.RUNTIME_ERROR, Stage.RUN, f"{where}the output cannot be read: {error}")
            return
        if difference is not None and (exact or far(got, want)):
            self._fail(difference.verdict, difference.stage, where + difference.text)

    def _take_samples(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._stage is not Stage.TIMING or self.window.samples:
            self._disorder("the candidate's process reported times out of order")
        again = self.window.take(message)
        # As many calls as there are seeds, the last ones; those whose outputs we know must be shown.
        seeds, count = self.open_seeds, len(self.window.samples) * self.window.inner
        secret = self.secret if self._reference.repeatable else ""
        last = range(max(0, count - len(seeds)), count)
        self._timed_unchecked = {call for call in last if draw(secret, call, seeds).known}
        return self._again(again)

    def _again(self, calls: int) -> dict[str, Any]:
        """The answer that asks for more calls under our clock, or for none. What was claimed must hold so far."""
        if self.window.error:
            self._fail(Verdict.RUNTIME_ERROR, Stage.TIMING, self.window.error)
        if self.window.evidence:
            self._cheats(Stage.TIMING, self.window.evidence)
        return {**_GO, "again": calls}

    @property
    def _timed(self) -> bool:
        return bool(self.window.samples) and not self.window.pending and not self._timed_unchecked


def hidden_seed(reference: Reference, options: HarnessOptions) -> int | None:
    """The seed whose inputs the candidate sees only after it was timed: nothing that it remembers can answer for them,
    and it has to compute when nobody seems to look any more. None where one model does not repeat itself."""
    several = len(options.seeds) >= 2
    return options.seeds[-1] if several and options.timing and reference.repeatable else None


def _of_death(stage: Stage) -> Verdict:
    """The verdict on a process that ended, or strayed, at a stage: what cannot be parsed never ran."""
    return Verdict.COMPILE_ERROR if stage is Stage.PARSE else Verdict.RUNTIME_ERROR


def _how(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"ended by itself with status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"was killed by {name}"


def _with_output(text: str, output: str) -> str:
    tail = output.strip()[-_TAIL:]
    return f"{text}\nits output ended with:\n{tail}" if tail else text
