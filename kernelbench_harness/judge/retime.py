"""A reference's time beside a candidate's: a process of its own, the same steps, moments after the candidate's.

Guarantees: both times come from fresh processes on the same core under one protocol, a fraction of a second apart and
under one hold of the quiet lock; the candidate's process is dead by then, so nothing of it can slow the reference down.
Not guaranteed: that the machine stayed the same in between; `Label.conditions` holds what it said of itself both times.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import ProblemError
from kernelbench_harness.judge.reference import Reference
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Problem
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder
from kernelbench_harness.process.worker import Clock, Ended, Stop, Worker
from kernelbench_harness.sandbox.policy import Policy
from kernelbench_harness.timing.conditions import private_cache_bytes
from kernelbench_harness.timing.measure import Protocol

LIMIT_S, GPU_LIMIT_S = 30.0, 120.0
"""Wall seconds of a reference's process, everything together."""
_DRAWN_BYTES = 40 << 30
"""Of the host's memory at least, for inputs of full size that are drawn in the process: 6.4 GB, three times over."""
COMPILE_LIMIT_S = 300.0
"""The same where torch.compile is part of it: 20 to 60 s for its first C++ kernel on a shared core."""


def protocol(options: HarnessOptions) -> dict[str, Any]:
    """How candidates and references are timed, as a job's message has it."""
    fewest, most = options.timing_samples
    return Protocol(
        target=options.timing_error,
        fewest=fewest,
        most=most,
        budget_s=options.timing_budget_s,
        evict_bytes=2 * private_cache_bytes(options.core),
    ).to_json()


def run_job(
    code: str, path: Path, reference: Reference | None, options: HarnessOptions, place: RunFolder
) -> dict[str, Any]:
    """What a process needs to build a model on a reference's inputs and weights; `code` is written to `path`.

    Without a reference: what it needs to load the code and to draw inputs of the first seed itself.
    """
    path.write_text(code, encoding="utf-8", errors="replace")
    plain = {
        "code": code,
        "path": str(path),
        "work": str(place.work),
        "device": options.device.partition(":")[0],
        "seeds": list(options.seeds[:1]),
        "init_seed": options.seeds[0],
        "protocol": protocol(options),
    }
    if reference is None:
        return plain
    return plain | {
        "inputs": str(reference.inputs),
        "init": reference.init,
        "trees": reference.trees,
        "state": reference.state,
        "seeds": list(options.seeds),
        "output_bytes": max(sum(len(one.data) for one in outputs) for outputs in reference.expected.values()),
    }


def time_reference(
    problem: Problem,
    reference: Reference | None,
    options: HarnessOptions,
    worker: Worker,
    place: RunFolder,
    window: Window,
    *,
    compiled: bool = False,
    gpu: int = 0,
) -> Window:
    """Times a problem's own Model, through torch.compile where `compiled`; the window then holds the samples.

    Without a reference, one that never was written to files, its process draws the inputs of one seed itself.

    `gpu` is the level of its sandbox (`Policy.gpu`).

    Raises ProblemError with the reason when it cannot be timed.
    """
    limit = COMPILE_LIMIT_S if compiled else GPU_LIMIT_S if gpu else LIMIT_S
    job = run_job(problem.code, place.work / "problem.py", reference, options, place)
    policy = Policy(
        read=() if reference is None else (reference.inputs,),
        write=(place.work,),
        memory_bytes=options.memory_bytes if reference is not None else max(options.memory_bytes, _DRAWN_BYTES),
        cpu_seconds=int(2 * limit) + 10,
        file_bytes=options.file_bytes,
        processes=compiled,
        gpu=gpu,
    )
    # Inputs are changed from call to call as a candidate's are: preparing them leaves the same traces in the caches.
    job["secret"] = secrets.token_hex(8) if reference is not None and reference.repeatable else ""
    hearing = _Hearing(problem, window)
    ended = worker.run(job | {"kind": "retime", "compiled": compiled}, policy, place.work, limit, hearing.handle)
    hearing.check(ended, limit)
    return window


@dataclass
class _Hearing:
    """Takes the messages of the reference's process."""

    problem: Problem
    window: Window
    stage: str = "start"
    failure: str = ""
    done: bool = False

    def handle(self, message: dict[str, Any], clock: Clock) -> dict[str, Any] | None:
        match message:
            case {"kind": "stage", "stage": str(stage)}:
                self.stage = stage[:20]
                if stage == "timing":
                    self.window.open()
            case {"kind": "timed"} if self.stage == "timing" and not self.window.samples:
                return self._again(self.window.take(message))
            case {"kind": "ready"}:
                self.window.start_block()
            case {"kind": "ran"}:
                return self._again(self.window.end_block())
            case {"kind": "failed", "summary": str(summary)}:
                self.failure = " ".join(summary.split())
                raise Stop
            case {"kind": "done"}:
                self.done = True
                return None
            case _:
                self.failure = f"its process sent an unknown message of kind {message['kind'][:20]!r}"
                raise Stop
        return {"kind": "go"}

    def _again(self, calls: int) -> dict[str, Any]:
        self.failure = self.window.error or self.window.evidence
        if self.failure:
            raise Stop
        return {"kind": "go", "again": calls}

    def check(self, ended: Ended, limit: float) -> None:
        """Raises ProblemError unless the window holds times."""
        reason = self.failure
        if not reason and ended.timed_out:
            reason = f"still running after {limit:g} s (stage {self.stage})"
        if not reason and not (self.done and self.window.samples and not self.window.pending):
            reason = f"its process ended with status {ended.returncode} at stage {self.stage}"
        if reason:
            raise ProblemError(f"problem {self.problem.name}: the reference could not be timed: {reason}")
