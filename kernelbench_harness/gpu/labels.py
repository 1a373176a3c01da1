"""Item 2, labels: thousands of CUDA and Triton candidates, compiled on every core, run one at a time on the GPU.

    python -m kernelbench_harness.gpu.labels --jobs jobs.jsonl --minutes 9

Jobs come from a file (`jobs`), or from the generator. Labels go into a store beside the results and from there into
files of at most 15 MB that travel; `--take` puts the files of an earlier machine in first, so that nothing is labelled
twice. Guarantees: each label is on disk before it is counted; whatever ends the run, the same command goes on.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu import shards
from kernelbench_harness.gpu.item import Item, say
from kernelbench_harness.label import Label, Verdict

if TYPE_CHECKING:
    from kernelbench_harness.candidates import Job
    from kernelbench_harness.engine import Summary
    from kernelbench_harness.gpu.jobs import Listed
    from kernelbench_harness.gpu.shards import Row
    from kernelbench_harness.options import HarnessOptions
    from kernelbench_harness.store import LabelStore

LANGUAGES = ("cuda", "triton")
DRY_COUNT = 6
FULL_SIZE_S = 30.0
"""Seconds that a candidate may run: some problems have a GPU's sizes, and a wrong kernel takes its time."""


def labels(
    jobs: Annotated[Path | None, typer.Option(help="JSON lines of problem, code, name, about.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Of the generator's jobs, this many.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of the generator.")] = 0,
    languages: Annotated[str, typer.Option(help="Of the generator: cuda, triton or both.")] = "cuda,triton",
    take: Annotated[list[Path], typer.Option(help="Files of labels from an earlier machine.")] = [],  # noqa: B006
    objects: Annotated[Path | None, typer.Option(help="Libraries that were compiled elsewhere.")] = None,
    no_timing: Annotated[bool, typer.Option("--no-timing", help="Compile and check only.")] = False,
    device: Annotated[str, typer.Option(help="cuda for all GPUs, or cuda:N.")] = "cuda",
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 8.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
    cache: items.CacheOpt = None,
) -> None:
    """Label many candidates within some minutes, and write the labels into files that travel."""
    from kernelbench_harness.options import HarnessOptions
    from kernelbench_harness.store import LabelStore

    if objects is not None and not objects.is_dir():
        raise HarnessError(f"--objects {objects}: no such folder; `label --compile-only` makes one")
    taken, environments = shards.read_shards(take)
    listed = _listed(jobs, seed, languages, min(count, DRY_COUNT) if dry_run and jobs is None else count)
    arguments = {"jobs": jobs and jobs.name, "count": len(listed), "seed": seed, "languages": languages}
    item = items.begin("labels", out, minutes, dry_run, commit, arguments, device)
    options = HarnessOptions(
        device=item.device, cache_dir=cache, objects=objects, timing=not no_timing, run_timeout_s=FULL_SIZE_S
    )
    with LabelStore(item.folder / "labels.sqlite") as store:
        if taken:
            say(f"labels taken in: {shards.add_to(store, taken, environments)}")
        summary = _label(item, options, listed, store)
        about = {row.label.key: row.about for row in taken}
        rows = list(_rows(store, listed, about))
        files = shards.write_shards(item.folder, "labels", rows, store.environments())
        known = store.environments()
    figures = _figures(rows, summary, files, len(listed))
    (usual, _), *_ = [*Counter(row.label.environment for row in rows).most_common(1), ("", 0)]
    path = item.write(figures, known.get(usual, {}))
    print(_text(figures, item))
    print(f"-> {path} and {len(files)} files of labels beside it")


def until(item: Item, jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs, as long as there is time for another."""
    for job in jobs:
        if item.over:
            say("the minutes are over; what is under way is finished")
            return
        yield job


def _listed(jobs: Path | None, seed: int, languages: str, count: int) -> list[Listed]:
    from kernelbench_harness.gpu.jobs import generated, read_jobs

    if jobs is not None:
        return read_jobs(jobs)[:count]
    chosen = [one for one in languages.split(",") if one]
    unknown = [one for one in chosen if one not in LANGUAGES]
    if unknown or not chosen:
        raise HarnessError(f"--languages '{languages}': give cuda, triton or both with a comma between them")
    return list(islice(generated(seed, chosen), count))


def _label(item: Item, options: HarnessOptions, listed: list[Listed], store: LabelStore) -> Summary:
    from kernelbench_harness.engine import label_many
    from kernelbench_harness.progress import reporter

    jobs = [one.job for one in listed]
    begin = time.monotonic()
    # None: a runner on each GPU and compilers on the other cores.
    summary = label_many(until(item, jobs), store, options, None, reporter("labels", len(jobs)))
    seconds = time.monotonic() - begin
    if summary.new:
        item.journal.append({"kind": "part", "new": summary.new, "seconds": round(seconds, 1)})
    return summary


def _rows(store: LabelStore, listed: list[Listed], taken: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """Every label of the store, with what is known about its job."""
    about = {(one.job[0].id, one.job[1].id): one.about for one in listed}
    for label, problem, candidate in store.iterate():
        known = about.get((problem.id, candidate.id)) or taken.get(label.key, {})
        yield shards.Row(label, problem, candidate, known)


def _figures(rows: list[Row], summary: Summary, files: list[Path], asked: int) -> dict[str, Any]:
    found = [row.label for row in rows]
    compiled = [label.seconds.get("compile", 0.0) for label in found if label.compiler]
    return {
        "asked": asked,
        "labels": len(found),
        "new": summary.new,
        "new_seconds": round(summary.seconds, 1),
        "new_labels_per_hour": summary.labels_per_hour and round(summary.labels_per_hour),
        "interrupted": summary.interrupted,
        "verdicts": dict(Counter(str(label.verdict) for label in found).most_common()),
        "by_language": _by(rows, "language"),
        "by_mistake_class": _by(rows, "mistake_class"),
        "problems": len({row.problem.id for row in rows}),
        "kernelbench_problems": len({(r.problem.level, r.problem.problem_id) for r in rows if r.problem.problem_id}),
        "timed": sum(label.runtime is not None for label in found),
        "tiers": dict(Counter(label.compiler for label in found if label.compiler)),
        "compile_seconds_median": round(statistics.median(compiled), 3) if compiled else None,
        "alone_seconds_median": _median_alone(found),
        "not_labelled": [f"{one.name}: {one.reason}"[:300] for one in summary.failures][:20],
        "not_labelled_jobs": summary.failed,
        "files": {path.name: path.stat().st_size for path in files},
    }


def _by(rows: list[Row], word: str) -> dict[str, dict[str, int]]:
    """Verdicts by one word of what is known about a job."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(str(row.about.get(word, "unknown")), Counter())[str(row.label.verdict)] += 1
    return {word_: dict(count) for word_, count in sorted(counts.items())}


def _median_alone(found: list[Label]) -> float | None:
    """Seconds for which a correct label holds the device alone."""
    alone = [label.seconds.get("alone", 0.0) for label in found if label.verdict is Verdict.CORRECT]
    return round(statistics.median(alone), 3) if alone else None


def _text(figures: dict[str, Any], item: Item) -> str:
    total = figures["labels"] or 1
    rows = [[verdict, number, f"{number / total:.1%}"] for verdict, number in figures["verdicts"].items()]
    rate = f", {figures['new_labels_per_hour']:,} labels an hour" if figures["new_labels_per_hour"] else ""
    lines = [
        f"{item.device_name}{' (dry run)' if item.dry_run else ''}",
        items.table(("verdict", "labels", "share"), rows),
        f"{figures['labels']} labels of {figures['asked']} jobs, {figures['problems']} problems "
        f"({figures['kernelbench_problems']} of KernelBench's), {figures['timed']} with a time",
        f"{figures['new']} new in {figures['new_seconds']:.0f} s{rate}; {figures['not_labelled_jobs']} not labelled",
        *(f"  {line}" for line in figures["not_labelled"][:5]),
        *(f"{name}: {size / 1e6:.1f} MB" for name, size in figures["files"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    items.main(labels)
