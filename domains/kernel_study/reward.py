"""What a result is worth to an agent: the one formula of the study.

    reward = 0                                                          no call, a refused call, cheating
           = WRITTEN                                                    it does not compile
           = WRITTEN + COMPILED                                         it compiles, and is wrong or untried
           = WRITTEN + COMPILED + CORRECT + SPEED * speed               it is right

    speed  = 1/2 + log2(reference time / runtime) / 8, held between 0 and 1

so a candidate as fast as the reference has half of the share, one sixteen times as fast the whole of it, one sixteen
times as slow none (plain loops on a CPU run at a fifth of torch's vectorised speed, unoptimised ones at a fortieth).
Where a result has no time, or a problem no known reference time, it counts as being as fast.

Guarantees: from 0 to 1; right is worth more than wrong, however slow; the same for simulated and real results, since
it reads nothing but the result and a constant of the problem.
"""

from __future__ import annotations

import math

from base_gtm.schema import ToolResult

WRITTEN = 0.05
COMPILED = 0.15
CORRECT = 0.5
SPEED = 0.3


def reward(result: ToolResult | None, reference_ms: float | None) -> float:
    """The worth of a result; `reference_ms` is the time of the problem's own model."""
    if result is None or result.is_error or not result.content:
        return 0.0
    verdict = result.content.get("verdict")
    if verdict == "cheating":
        return 0.0
    if verdict == "correct":
        return WRITTEN + COMPILED + CORRECT + SPEED * speed(result.content.get("runtime_ms"), reference_ms)
    return WRITTEN if verdict == "compile_error" else WRITTEN + COMPILED


def speed(runtime_ms: float | None, reference_ms: float | None) -> float:
    """The speed share, from 0 to 1; one half where either time is not known or is none."""
    known = [ms for ms in (runtime_ms, reference_ms) if ms is not None and math.isfinite(ms) and ms > 0]
    if len(known) < 2:
        return 0.5
    return min(1.0, max(0.0, 0.5 + math.log2(known[1] / known[0]) / 8))
