"""Where the simulator's word may not stand: why, and whether the domain's exact check would settle it.

A check pays where all of the doubt is about what it finds out. It then either decides the call, or rules its values
out, and what is left of the simulator's distribution is sure enough. It does not pay where the simulator expects what
the check finds out (does not compile): the real tool finds that out as early, so a check that passes would be work done
twice. Nor where it has turned out slower than the real tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapt.domain import Exact
from adapt.gate.ledger import Ledger

if TYPE_CHECKING:
    from adapt.specialist import Opinion

NO_THRESHOLD = "the calibration earned no threshold: always the real tool"
ENOUGH = 5
"""Exact checks and real answers after which their times here are held against each other."""


def reason(opinion: Opinion) -> str:
    """Why the simulator's answer may not stand for the real tool's."""
    if opinion.foreign:
        return f"foreign: {opinion.foreign[0]}"
    if opinion.threshold is None:
        return NO_THRESHOLD
    return f"confidence {opinion.confidence:.3f}, threshold {opinion.threshold:.3f}"


def without(opinion: Opinion, exact: Exact) -> float:
    """The confidence once what the check finds out is ruled out; 0 where that is what is likeliest."""
    left = [chance for value, chance in opinion.distribution.items() if value not in exact.decides]
    if not left or max(left) < opinion.confidence:
        return 0.0
    return max(left) / sum(left)


def pays(opinion: Opinion, exact: Exact | None, ledger: Ledger) -> bool:
    """Whether to ask the exact check; see the module."""
    if exact is None or opinion.threshold is None or opinion.foreign:
        return False
    check_s, real_s = (ledger.mean(side, ENOUGH) for side in ("exact", "real"))
    if check_s is not None and real_s is not None and check_s >= real_s:
        return False
    return without(opinion, exact) >= opinion.threshold
