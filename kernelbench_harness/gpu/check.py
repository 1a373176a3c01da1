"""Item 1, the harness's selftest: does it hold on this machine, and how well do its times repeat?

    python -m kernelbench_harness.gpu.check --minutes 8

Every case of the catalogue (or those of --cases) is labelled and held against what must come of it; after each that
kills, hangs or hoards a good candidate must still be correct. Then the same kernels are timed in several fresh runs.
Guarantees: a case that was tried in this environment is not tried again; exit status 1 when a case came out wrong.
"""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item, say

if TYPE_CHECKING:
    from kernelbench_harness.gpu.cases import Case
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.options import HarnessOptions

SOME = 3
"""Every so many'th case is tried where not all are asked for."""
DRY = ("load_inline", "patches torch.allclose", "kept by shape", "a name that no kernel knows", "no kernel anywhere")


def check(
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 8.0,
    out: items.OutOpt = Path("results"),
    cases: Annotated[str, typer.Option(help="all, some, none, or a pattern of names such as '*L2*'.")] = "some",
    runs: Annotated[int, typer.Option(min=0, help="Fresh runs of the timing check.")] = 10,
    device: Annotated[str, typer.Option(help="cuda or cuda:N.")] = "cuda",
    commit: items.CommitOpt = "",
    cache: items.CacheOpt = None,
) -> None:
    """Label the catalogue of cheats, hostile and honest candidates, and time the same kernels again and again."""
    from kernelbench_harness.gpu import noise
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.options import HarnessOptions

    item = items.begin("check", out, minutes, dry_run, commit, {"cases": cases, "runs": runs}, device)
    core = max(os.sched_getaffinity(0))
    options = HarnessOptions(device=item.device, cache_dir=cache, core=core, run_timeout_s=20)
    chosen = _chosen(cases, dry_run)
    _try(item, options, chosen)
    noise.measure(item, options, min(runs, 2) if dry_run else runs)
    with Harness(options) as harness:
        environment, identity = dict(harness.environment), harness.environment_id
    records = list(item.journal.read())
    figures = {
        "cases": _figures(records, chosen),
        "timing": noise.figures([r for r in records if r["kind"] == "noise" and r["environment"] == identity]),
    }
    path = item.write(figures, environment)
    print(_text(figures, item))
    print(f"-> {path}")
    if figures["cases"]["wrong"]:
        raise typer.Exit(1)


def _chosen(pattern: str, dry_run: bool) -> list[Case]:
    from kernelbench_harness.gpu.cases import ALL

    if dry_run:
        return [case for case in ALL if case.name in DRY]
    if pattern in ("all", "none"):
        return list(ALL) if pattern == "all" else []
    if pattern == "some":
        return [case for place, case in enumerate(ALL) if place % SOME == 0]
    found = [case for case in ALL if fnmatch.fnmatch(case.name, pattern)]
    if not found:
        raise HarnessError(f"--cases '{pattern}': no case has such a name; give all, some, none or a pattern")
    return found


def _try(item: Item, options: HarnessOptions, chosen: Sequence[Case]) -> None:
    """Labels what the journal lacks, until the minutes are over."""
    from kernelbench_harness.harness import Harness

    with ExitStack() as stack:
        harnesses: dict[str, Harness] = {}
        done: set[tuple[str, str, str]] | None = None
        for place, case in enumerate(chosen):
            if case.track not in harnesses:
                harnesses[case.track] = stack.enter_context(Harness(replace(options, track=case.track)))
            harness = harnesses[case.track]
            if done is None:
                done = set(_done(item))
            if (case.name, case.candidate.id, harness.environment_id) in done:
                continue
            if item.over:
                return
            record = _tried(harness, case, gpu=not item.dry_run)
            item.journal.append(record)
            say(f"{place + 1} of {len(chosen)}: {case.name}: {record['fault'] or record['verdict']}")


def _done(item: Item) -> Iterator[tuple[str, str, str]]:
    for record in item.journal.read():
        if record["kind"] == "case":
            yield record["case"], record["candidate"], record["environment"]


def _tried(harness: Harness, case: Case, *, gpu: bool) -> dict[str, Any]:
    """What came of a case, as the journal has it."""
    from kernelbench_harness.gpu.cases import GOOD, fault, harmful

    begin = time.monotonic()
    record: dict[str, Any] = {"kind": "case", "case": case.name, "candidate": case.candidate.id}
    record["environment"] = harness.environment_id
    try:
        label = harness.label(case.problem, case.candidate)
        wrong = fault(case, label, gpu=gpu)
        record |= {
            "verdict": label.verdict,
            "stage": label.stage,
            "first_error": label.first_error,
            "evidence": list(label.evidence),
            "runtime_ms": None if label.runtime is None else label.runtime.median_ms,
        }
        if gpu and harmful(case):
            after = harness.label(GOOD.problem, GOOD.candidate)
            wrong = wrong or _after(fault(GOOD, after, gpu=True))
    except HarnessError as error:
        record["verdict"] = None
        wrong = f"no label: {error}"
    return record | {"fault": wrong, "seconds": round(time.monotonic() - begin, 3)}


def _after(wrong: str) -> str:
    return f"a good candidate after it: {wrong}" if wrong else ""


def _figures(records: Sequence[dict[str, Any]], chosen: Sequence[Case]) -> dict[str, Any]:
    """Of the chosen cases, the last record of each."""
    from kernelbench_harness.gpu.cases import ALL

    last = {r["case"]: r for r in records if r["kind"] == "case"}
    tried = [last[case.name] for case in chosen if case.name in last]
    return {
        "catalogue": len(ALL),
        "chosen": len(chosen),
        "tried": len(tried),
        "right": sum(not one["fault"] for one in tried),
        "wrong": {one["case"]: one["fault"] for one in tried if one["fault"]},
        "seconds": round(sum(one["seconds"] for one in tried), 1),
        "verdicts": {one["case"]: one["verdict"] for one in tried},
    }


def _text(figures: dict[str, Any], item: Item) -> str:
    from kernelbench_harness.gpu import noise

    cases = figures["cases"]
    lines = [
        f"{item.device_name}{' (dry run)' if item.dry_run else ''}",
        f"cases: {cases['right']} of {cases['tried']} right, {cases['chosen'] - cases['tried']} of those chosen left, "
        f"{cases['catalogue']} in the catalogue, {cases['seconds']:.0f} s",
        *(f"  wrong: {name}: {why}" for name, why in cases["wrong"].items()),
    ]
    if figures["timing"]:
        lines.append(items.table(noise.HEAD, noise.rows(figures["timing"])))
    return "\n".join(lines)


if __name__ == "__main__":
    items.main(check)
