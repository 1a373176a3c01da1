"""Does the GPU work, and how tight a sandbox does its driver live in? Asked of a confined child, once a harness.

Guarantees: the parent opens no context of its own; what a candidate meets later is the same process in the same
sandbox. Raises HarnessError with the driver's own words when the GPU cannot be used under any of the levels.
"""

from __future__ import annotations

from typing import Any

from kernelbench_harness.devices import Gpu
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolders
from kernelbench_harness.process.worker import Clock, Stop, Worker
from kernelbench_harness.sandbox.policy import GPU_LEVELS, Policy

LIMIT_S = 60.0
"""Wall seconds; a driver that is not kept loaded takes some to start."""


def probe(gpu: Gpu, options: HarnessOptions, worker: Worker, folders: RunFolders) -> dict[str, Any]:
    """What the device says of itself in a child (`process.cuda.facts`), and the sandbox's level under "level"."""
    reasons: list[str] = []
    for level in GPU_LEVELS:
        try:
            return _try(options, worker, folders, level) | {"level": level}
        except HarnessError as error:
            reasons.append(str(error))
    raise HarnessError(f"device {options.device} ({gpu.name}) cannot be used: {reasons[0]}")


def _try(options: HarnessOptions, worker: Worker, folders: RunFolders, level: int) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    failure = ""

    def handle(message: dict[str, Any], clock: Clock) -> dict[str, Any] | None:
        nonlocal failure
        match message:
            case {"kind": "device", "facts": dict(told)}:
                facts.update(told)
            case {"kind": "failed", "summary": str(summary)}:
                failure = " ".join(summary.split())
                raise Stop
            case {"kind": "done"}:
                return None
        return {"kind": "go"}

    with folders.new() as place:
        policy = Policy(write=(place.work,), memory_bytes=options.memory_bytes, gpu=level)
        ended = worker.run({"kind": "probe"}, policy, place.work, LIMIT_S, handle)
    if not facts:
        how = "no answer in time" if ended.timed_out else f"its process ended with status {ended.returncode}"
        raise HarnessError(failure or how)
    return facts
