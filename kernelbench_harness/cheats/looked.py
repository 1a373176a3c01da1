"""What the parent makes of what was seen while a candidate ran.

Guarantees: the shape of a child's report is checked; a report that lacks what an honest process always says counts
against the candidate. Not guaranteed: that a report is complete; it comes from the candidate's process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kernelbench_harness.cheats.static import Examined

if TYPE_CHECKING:
    from kernelbench_harness.tree import Stored

_SHARE = 0.01
"""Of an output's elements; inputs that moved by a few units in the last place may carry some over a threshold."""
_WIDER = 10.0
"""Times the tolerance, for the same reason."""


def _lines(seen: dict[str, Any], name: str) -> list[str]:
    value = seen.get(name)
    return [str(one)[:200] for one in value[:12]] if isinstance(value, list) else []


def after_return(seen: dict[str, Any]) -> list[str]:
    """What went on after forward had returned: never honest."""
    return _lines(seen, "after")


def overwritten(seen: dict[str, Any]) -> list[str]:
    """Earlier outputs that this call changed: one buffer serves every call. Wrong, though no cheating."""
    return _lines(seen, "overwritten")


def means(seen: dict[str, Any], track: str) -> Examined:
    """Forbidden and odd means of one call."""
    raised, calls = _lines(seen, "raised"), seen.get("calls")
    calls = calls if type(calls) is int else 0
    forbidden: list[str] = []
    odd = _lines(seen, "notes")
    for name in raised:
        text = f"kernel {name} raised in forward, which returned a result all the same"
        (forbidden if calls <= len(raised) else odd).append(text)
    if track == "custom":
        if calls <= len(raised):
            forbidden.append("no kernel of its own was called in forward (track custom)")
        computed = _lines(seen, "computed")
        forbidden.extend(f"computes with torch's {name} in forward (track custom)" for name in computed)
    return Examined(tuple(dict.fromkeys(forbidden)), tuple(dict.fromkeys(odd)))


def far(got: Sequence[Stored], want: Sequence[Stored]) -> bool:
    """Whether outputs differ by more than a few units in the last place of the inputs explain."""
    import numpy as np

    from kernelbench_harness.compare.outputs import tolerance

    if len(got) != len(want):
        return True
    for one, other in zip(got, want, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return True
        values, expected = one.array(), other.array()
        if not values.size:
            continue
        limit = tolerance(expected, other.dtype)
        with np.errstate(invalid="ignore", over="ignore"):
            close = np.abs(values - expected) <= _WIDER * limit.allowed(expected) if limit.rtol else values == expected
        same = (values == expected) | ((values != values) & (expected != expected))
        if np.mean(~(close | same)) > _SHARE:
            return True
    return False
