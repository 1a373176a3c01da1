"""What a candidate's process is told and what it may do, for a whole hearing and for the front-end check alike.

Guarantees: both are made in one place, so that a candidate that is only checked meets the process that it would meet
when it is judged. Not guaranteed: limits of memory and time are the caller's options.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kernelbench_harness.judge.reference import Reference
from kernelbench_harness.judge.retime import run_job
from kernelbench_harness.judge.trial import Trial
from kernelbench_harness.label import Candidate, Problem
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder
from kernelbench_harness.sandbox.policy import Policy


def candidate_job(
    problem: Problem,
    candidate: Candidate,
    reference: Reference | None,
    place: RunFolder,
    trial: Trial,
    options: HarnessOptions,
    arch: str,
) -> dict[str, Any]:
    """The message that starts a candidate; without a reference its process draws inputs of the problem itself."""
    job = run_job(candidate.code, place.work / "candidate.py", reference, options, place)
    own = {"kind": "candidate", "timing": options.timing, "track": options.track, "arch": arch}
    own |= {"interpreted": trial.interpreted, "seeds": trial.open_seeds, "hidden": trial.hidden}
    return job | own | ({"problem": problem.code} if reference is None else {})


def candidate_policy(
    place: RunFolder,
    options: HarnessOptions,
    *,
    file_bytes: int,
    read: Sequence[Path] = (),
    gpu: int = 0,
    processes: bool = False,
) -> Policy:
    """The sandbox of a candidate; `file_bytes` is for one file, `gpu` the level that its driver needs."""
    return Policy(
        read=(place.given, *read),
        write=(place.work,),
        memory_bytes=options.memory_bytes,
        # A backstop behind the wall clock: threads on several cores may spend more than a second each second.
        cpu_seconds=int(8 * options.run_timeout_s) + 10,
        file_bytes=file_bytes,
        disk_bytes=4 * file_bytes,
        gpu=gpu,
        processes=processes,
    )
