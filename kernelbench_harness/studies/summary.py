"""What the compile study says: verdicts, first lines, costs and tiers, from stock's outcomes and our rows.

Guarantees: only units that both sides have answered are counted, and their number is given; a difference is listed, not
averaged. A unit that only ptxas or the linker refuses, or g++ in the host half of a .cu file, is counted apart
where the front-end check is judged, since the check ends before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from kernelbench_harness.compile import diagnostics
from kernelbench_harness.studies.ours import Row
from kernelbench_harness.studies.stock import Outcome

_ALONE = 1.1
"""Wall seconds of a CPU second, at most, where a time on the clock is counted."""
_BEYOND = frozenset({"ptxas", "ld", "nvcc"})


@dataclass(frozen=True)
class Pair:
    """One unit, answered by both sides."""

    stock: Outcome
    ours: Row

    @property
    def stock_first(self) -> str:
        """Stock's first error line, as today's rules clean it."""
        return "" if self.stock.ok else diagnostics.first_line(self.stock.error)

    @property
    def same_verdict(self) -> bool:
        return self.stock.ok == self.ours.built.ok and self.stock.stage == self.ours.built.stage

    @property
    def beyond_front_end(self) -> str:
        """What refused it after the front ends: ptxas, ld, nvcc, or g++ on a .cu file's host code; else empty."""
        late = self.stock.tool == "g++" and self.stock.stage == "device_compile"
        return self.stock.tool if late or self.stock.tool in _BEYOND else ""

    @property
    def stock_cpu_s(self) -> float:
        """CPU seconds of everything that stock ran, the link included."""
        return sum(step.cpu_s for step in self.stock.steps)

    @property
    def stock_wall_s(self) -> float:
        return sum(step.wall_s for step in self.stock.steps)

    @property
    def alone(self) -> bool:
        """Whether nothing held stock up: the one compiler that runs at a time had a core to itself."""
        return self.stock_wall_s <= _ALONE * self.stock_cpu_s


def summary(stock: Sequence[Outcome], ours: Sequence[Row]) -> dict[str, Any]:
    """JSON values of the whole study."""
    answers = {row.key: row for row in ours}
    pairs = [Pair(outcome, answers[outcome.key]) for outcome in stock if outcome.key in answers]
    alone = [pair for pair in pairs if pair.alone]
    failures = [pair for pair in pairs if not pair.stock.ok and not pair.ours.built.ok]
    return {
        "units": len(pairs),
        "by_source": dict(Counter(pair.stock.source for pair in pairs)),
        "stock_verdicts": dict(Counter(pair.stock.stage or "compiled" for pair in pairs)),
        "verdicts": {
            "equal": sum(pair.stock.ok == pair.ours.built.ok for pair in pairs),
            "equal_with_stage": sum(pair.same_verdict for pair in pairs),
            "differences": [_difference(pair) for pair in pairs if not pair.same_verdict],
        },
        "first_error_line": {
            "both_failed": len(failures),
            "identical": sum(pair.stock_first == pair.ours.built.first_error for pair in failures),
            "differences": [_difference(p) for p in failures if p.stock_first != p.ours.built.first_error],
        },
        "cpu_seconds": _costs(pairs, lambda p: p.stock_cpu_s, lambda p: p.ours.built.cpu_s),
        "wall_seconds": _costs(alone, lambda p: p.stock_wall_s, lambda p: p.ours.built.wall_s),
        "cpu_ratio_by_stock_stage": {
            stage: _spread([p.stock_cpu_s / p.ours.built.cpu_s for p in pairs if p.stock.stage == stage])
            for stage in sorted({pair.stock.stage for pair in pairs})
        },
        "decided_by": _tiers(pairs),
        "front_end": _front_end(pairs),
    }


def _difference(pair: Pair) -> dict[str, str]:
    built = pair.ours.built
    return {
        "source": pair.stock.source,
        "unit": pair.stock.name,
        "stock": f"{pair.stock.stage or 'compiled'}: {pair.stock_first}".rstrip(": "),
        "ours": f"{built.stage or 'compiled'}: {built.first_error}".rstrip(": "),
        "decided_by": f"{built.tier} ({built.reason})",
    }


def _costs(pairs: Sequence[Pair], stock: Callable[[Pair], float], ours: Callable[[Pair], float]) -> dict[str, Any]:
    return {
        "units": len(pairs),
        "stock": _spread([stock(pair) for pair in pairs]),
        "ours": _spread([ours(pair) for pair in pairs]),
        "ratio": _spread([stock(pair) / ours(pair) for pair in pairs]),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles; empty for fewer than two values."""
    if len(values) < 2:
        return {"median": round(values[0], 3)} if values else {}
    low, _, high = quantiles(values, n=4, method="inclusive")
    return {"q1": round(low, 3), "median": round(median(values), 3), "q3": round(high, 3)}


def _tiers(pairs: Sequence[Pair]) -> dict[str, Any]:
    counts = Counter(pair.ours.built.tier for pair in pairs)
    shares = {tier: {"units": n, "share": round(n / len(pairs), 3)} for tier, n in sorted(counts.items())}
    why = Counter(f"{p.ours.built.tier}: {p.ours.built.reason[:100]}" for p in pairs if p.ours.built.tier != "shim")
    return {"tiers": shares, "why_not_the_shim": dict(why.most_common())}


def _front_end(pairs: Sequence[Pair]) -> dict[str, Any]:
    judged = [pair for pair in pairs if not pair.beyond_front_end]
    beyond = [pair for pair in pairs if pair.beyond_front_end]
    return {
        "cpu_seconds": _spread([pair.ours.checked.cpu_s for pair in pairs]),
        "wall_seconds": _spread([pair.ours.checked.wall_s for pair in pairs]),
        "judged": len(judged),
        "equal": sum(pair.stock.ok == pair.ours.checked.ok for pair in judged),
        "differences": [
            {
                "unit": p.stock.name,
                "stock": p.stock_first or "compiled",
                "ours": p.ours.checked.first_error or "compiled",
            }
            for p in judged
            if p.stock.ok != p.ours.checked.ok
        ],
        "refused_beyond_the_front_end": dict(Counter(pair.stock.tool for pair in beyond)),
    }


def table(found: dict[str, Any]) -> str:
    """The study in a few lines."""
    verdicts, first, front = found["verdicts"], found["first_error_line"], found["front_end"]
    units = max(1, found["units"])
    lines = [
        f"{found['units']} units: " + ", ".join(f"{n} {name}" for name, n in sorted(found["by_source"].items())),
        f"verdict equal           {verdicts['equal']}/{found['units']} ({verdicts['equal'] / units:.1%}), "
        f"with its stage {verdicts['equal_with_stage']}",
        f"first line identical    {first['identical']}/{first['both_failed']}",
    ]
    for name in ("cpu_seconds", "wall_seconds"):
        cost = found[name]
        if cost["ratio"]:
            ratio = cost["ratio"]
            spread = f" ({ratio['q1']:.1f} to {ratio['q3']:.1f})" if "q1" in ratio else ""
            lines.append(
                f"{name.replace('_', ' '):23} stock {cost['stock']['median']:.2f}, ours {cost['ours']['median']:.2f}, "
                f"ratio {ratio['median']:.1f}{spread}, {cost['units']} units"
            )
    tiers = found["decided_by"]["tiers"]
    lines.append("decided by              " + ", ".join(f"{name} {one['share']:.0%}" for name, one in tiers.items()))
    if front["cpu_seconds"]:
        lines.append(
            f"front-end check         {front['cpu_seconds']['median']:.2f} CPU s, verdict equal {front['equal']}/"
            f"{front['judged']}, refused later {sum(front['refused_beyond_the_front_end'].values())}"
        )
    for one in verdicts["differences"]:
        lines.append(f"  {one['source']} {one['unit']}: stock {one['stock'][:90]} | ours {one['ours'][:90]}")
    return "\n".join(lines)
