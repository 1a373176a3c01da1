"""Item 4, our times of the reference models of level 1 against those that KernelBench publishes for an H100.

    python -m kernelbench_harness.gpu.h100_sanity --data DIR --minutes 8

DIR holds kernelbench_problems.jsonl and kernelbench_h100_baseline_time_torch.json; neither is part of this project.
Another card is faster or slower throughout, so what counts is the order (Spearman's rank correlation) and the median
ratio. Guarantees: each problem's time, or the reason why it has none, is in the journal before the next one begins.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.errors import HarnessError, ProblemError
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item, say

if TYPE_CHECKING:
    from kernelbench_harness.label import Problem
    from kernelbench_harness.options import HarnessOptions

PROBLEMS = "kernelbench_problems.jsonl"
PUBLISHED = "kernelbench_h100_baseline_time_torch.json"
DRY = ("19_ReLU", "23_Softmax", "47_Sum_reduction_over_a_dimension", "1_Square_matrix_multiplication_")
"""Quick ones on a CPU, at its scale: their times mean nothing beside an H100's, but the path is the same."""


def h100_sanity(
    data: Annotated[Path, typer.Option(help=f"Folder with {PROBLEMS} and {PUBLISHED}.")] = Path("data"),
    levels: Annotated[str, typer.Option(help="Levels, e.g. 1 or 1,2.")] = "1",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    device: Annotated[str, typer.Option(help="cuda or cuda:N.")] = "cuda",
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 8.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
    cache: items.CacheOpt = None,
) -> None:
    """Time the reference models of some levels and hold the times against KernelBench's H100 times."""
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.options import HarnessOptions

    published = _published(data / PUBLISHED)
    problems = _problems(data / PROBLEMS, levels, dry_run)[:limit]
    item = items.begin("h100_sanity", out, minutes, dry_run, commit, {"levels": levels, "limit": limit}, device)
    # Two seeds are the fewest that show a model to be deterministic; nothing is compared here.
    options = HarnessOptions(
        device=item.device, cache_dir=cache, core=max(os.sched_getaffinity(0)), seeds=(1, 2), run_timeout_s=60
    )
    environment = _time(item, options, problems)
    records = {one["problem"]: one for one in item.journal.read() if one["environment"] == environment}
    figures = compare([records[p.name] for p in problems if p.name in records], published, len(problems))
    with Harness(options) as harness:
        path = item.write(figures, harness.environment)
    print(text(figures, item))
    print(f"-> {path}")


def _published(path: Path) -> dict[str, float]:
    """Problem name -> mean milliseconds, all levels. Raises HarnessError."""
    try:
        raw = json.loads(path.read_text())
        return {
            f"{level}/{name.removesuffix('.py')}": float(entry["mean"])
            for level, entries in raw.items()
            for name, entry in entries.items()
        }
    except FileNotFoundError:
        raise HarnessError(f"{path}: no such file; give the folder that holds it with --data") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{path}: no baseline file of KernelBench's ({type(error).__name__}: {error})") from None


def _problems(path: Path, levels: str, dry_run: bool) -> list[Problem]:
    from kernelbench_harness.commands.arguments import levels_of
    from kernelbench_harness.problems import load_problems
    from kernelbench_harness.scale import shrink_all

    found = load_problems(str(path), levels=levels_of(levels), scale="full")
    if not dry_run:
        return found
    few = [problem for problem in found if problem.name.startswith(DRY)]
    return [one for one in shrink_all(few, "tiny") if not isinstance(one, ProblemError)]


def _time(item: Item, options: HarnessOptions, problems: Sequence[Problem]) -> str:
    """Times what the journal lacks, until the minutes are over; the environment's hash."""
    from kernelbench_harness.harness import Harness

    with Harness(options) as harness:
        done = {one["problem"] for one in item.journal.read() if one["environment"] == harness.environment_id}
        for place, problem in enumerate(problems):
            if problem.name in done:
                continue
            if item.over:
                break
            record: dict[str, Any] = {"problem": problem.name, "level": problem.level, "scale": problem.scale}
            try:
                timing, _ = harness.time_reference(problem)
                record |= {"median_ms": timing.median_ms, "iqr_ms": timing.iqr_ms, "samples": len(timing.samples_ms)}
            except ProblemError as error:
                record["reason"] = str(error)[:300]
            item.journal.append(record | {"environment": harness.environment_id})
            shown = f"{record['median_ms']:.4f} ms" if "median_ms" in record else record["reason"]
            say(f"{place + 1} of {len(problems)}: {problem.name}: {shown}")
        return harness.environment_id


def compare(records: Sequence[Mapping[str, Any]], published: Mapping[str, float], asked: int) -> dict[str, Any]:
    """Rank correlation and ratios of our medians to the published means; which lie furthest from the median ratio."""
    pairs = []
    for one in records:
        theirs = published.get(f"level{one['level']}/{one['problem']}")
        if "median_ms" in one and theirs:
            pairs.append((one["problem"], one["median_ms"], theirs))
    ratios = {name: ours / theirs for name, ours, theirs in pairs}
    middle = statistics.median(ratios.values()) if ratios else None
    quartiles = statistics.quantiles(ratios.values(), n=4) if len(ratios) >= 4 else None
    far = sorted(ratios, key=lambda name: -abs(_log(ratios[name] / middle)) if middle else 0.0)
    return {
        "problems": asked,
        "tried": len(records),
        "compared": len(pairs),
        "rank_correlation": _ranked([ours for _, ours, _ in pairs], [theirs for *_, theirs in pairs]),
        "median_ratio": middle and round(middle, 4),
        "quartiles_of_ratio": quartiles and [round(one, 4) for one in quartiles],
        "furthest": {name: round(ratios[name], 4) for name in far[:8]},
        "times": {name: {"ours_ms": ours, "h100_ms": theirs} for name, ours, theirs in pairs},
        "left_out": {one["problem"]: one["reason"] for one in records if "reason" in one},
    }


def _log(value: float) -> float:
    from math import log

    return log(value)


def _ranked(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Spearman's correlation, equal values sharing their mean rank; None where there is nothing to correlate."""
    if len(ours) < 3 or len(set(ours)) < 2 or len(set(theirs)) < 2:
        return None
    return round(statistics.correlation(_ranks(ours), _ranks(theirs)), 4)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(order)))}
    return [first[value] + (order.count(value) - 1) / 2 for value in values]


def text(figures: Mapping[str, Any], item: Item) -> str:
    """A short table."""
    rows = [
        [name, f"{figures['times'][name]['ours_ms']:.4f}", f"{figures['times'][name]['h100_ms']:.4f}", f"{ratio:.3f}"]
        for name, ratio in figures["furthest"].items()
    ]
    lines = [
        f"{item.device_name}{' (dry run)' if item.dry_run else ''}: {figures['compared']} of {figures['problems']} "
        f"problems compared, {len(figures['left_out'])} without a time",
        f"rank correlation {figures['rank_correlation']}, median ratio {figures['median_ratio']}, "
        f"quartiles {figures['quartiles_of_ratio']}",
        items.table(("furthest from the median ratio", "ours ms", "H100 ms", "ratio"), rows),
        *(f"  left out: {name}: {why[:100]}" for name, why in list(figures["left_out"].items())[:5]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    items.main(h100_sanity)
