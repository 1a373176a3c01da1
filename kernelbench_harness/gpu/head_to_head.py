"""Item 3, KernelBench's own evaluator against this harness: the same candidates, cold caches, the same GPU.

    python -m kernelbench_harness.gpu.head_to_head --kernelbench DIR --minutes 9

Labels an hour, agreement of the verdicts with each difference named, and how well the times of either repeat.
KernelBench is somebody else's: give a checkout of it, none is part of this project. Guarantees: every answer of either
is in the journal before the next candidate begins; run again, it goes on. Not guaranteed: that the rate of a run which
was killed and resumed is that of an undisturbed one: the journal keeps the seconds of the parts.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.gpu import agreement, theirs
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item, say

if TYPE_CHECKING:
    from kernelbench_harness.candidates import Job
    from kernelbench_harness.gpu.theirs import Their
    from kernelbench_harness.options import HarnessOptions

PAIRS = {"cuda": 12, "triton": 6}
"""Twins of the generator: a clean candidate and a broken one each."""
SEED = 11
STRIDE = 4
"""Every so many'th case of the catalogue, those that hang left out: each costs KernelBench its whole time limit."""
REPEATED = 6
"""Candidates that both call correct and that are timed again."""


def head_to_head(
    kernelbench: Annotated[Path | None, typer.Option(help="A checkout of KernelBench.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="Jobs as `labels --jobs` takes them, instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Candidates at most.")] = 60,
    repeats: Annotated[int, typer.Option(min=0, help="Further times for those that both call correct.")] = 3,
    their_workers: Annotated[int, typer.Option(min=1, help="Processes that fill KernelBench's compile cache.")] = 16,
    their_timeout: Annotated[float, typer.Option(min=1, help="KernelBench's limit for a candidate, seconds.")] = 180.0,
    device: Annotated[str, typer.Option(help="cuda or cuda:N.")] = "cuda",
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 9.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
) -> None:
    """Label the same candidates by KernelBench's own evaluator and by this harness, and compare."""
    from kernelbench_harness.options import HarnessOptions

    sources = theirs.locate(kernelbench) if kernelbench is not None else None
    arguments = {"limit": limit, "repeats": repeats, "their_workers": their_workers, "their_timeout": their_timeout}
    item = items.begin("head_to_head", out, minutes, dry_run, commit, arguments, device)
    jobs = _jobs(candidates, 4 if dry_run else limit)
    room = item.folder / "head_to_head.cache"
    options = HarnessOptions(device=item.device, cache_dir=room / "ours", run_timeout_s=30)
    shutil.rmtree(room, ignore_errors=True)  # what a killed run left would be a warm cache
    their = None if sources is None else theirs.Their(sources, room / "theirs", their_timeout)
    run = _Run(item, jobs, options, their)
    try:
        run.ours()
        if their is not None:
            run.theirs(their_workers)
            run.repeats(min(repeats, 1) if dry_run else repeats)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    figures = agreement.figures(list(item.journal.read()), [_name(job) for job in jobs])
    path = item.write(figures, run.environment)
    print(agreement.text(figures, item.device_name, dry_run))
    print(f"-> {path}")


@dataclass
class _Run:
    """What is labelled, by whom, and where it is written down."""

    item: Item
    jobs: Sequence[Job]
    options: HarnessOptions
    their: Their | None
    environment: dict[str, Any] = field(default_factory=dict)

    def ours(self) -> None:
        """This harness, on its own engine: compilers on all cores, one runner on the device."""
        from kernelbench_harness.engine import label_many
        from kernelbench_harness.progress import reporter
        from kernelbench_harness.store import LabelStore

        done = {one["job"] for one in self.item.journal.read() if one["kind"] == "ours"}
        todo = [job for job in self.jobs if _name(job) not in done]
        store_file = self.item.folder / "head_to_head.sqlite"
        with LabelStore(store_file) as store:
            if todo:
                summary = label_many(todo, store, self.options, None, reporter("ours", len(todo)))
                part = {"kind": "seconds", "of": "ours", "labels": summary.new, "seconds": summary.seconds}
                self.item.journal.append(part)
            environments = store.environments()
            self.environment = next(iter(environments.values()), {})
            known = {(label.problem, label.candidate): label for label, _, _ in store.iterate()}
        for job in todo:
            label = known.get((job[0].id, job[1].id))
            said = {} if label is None else agreement.said_by_us(label)
            self.item.journal.append({"kind": "ours", "job": _name(job), **said})

    def theirs(self, workers: int) -> None:
        """KernelBench's evaluator: its compile cache filled first, then a process a candidate."""
        assert self.their is not None
        done = {one["job"] for one in self.item.journal.read() if one["kind"] == "theirs"}
        todo = [job for job in self.jobs if _name(job) not in done]
        if not todo or self.item.over:
            return
        spent = theirs.precompile(self.their, todo, workers, say)
        self.item.journal.append({"kind": "seconds", "of": "theirs", "labels": 0, "seconds": spent})
        for job in todo:
            if self.item.over:
                return
            (answer,) = theirs.evaluate(self.their, iter([job]))
            self.item.journal.append({"kind": "theirs", "job": _name(job), **answer})
            spent = answer["wall_s"]
            self.item.journal.append({"kind": "seconds", "of": "theirs", "labels": 1, "seconds": spent})
            say(f"KernelBench: {_name(job)}: {agreement.word_of_theirs(answer)}")

    def repeats(self, times: int) -> None:
        """Times again, each in a fresh harness and a fresh process, of some that both call correct."""
        from kernelbench_harness.harness import Harness

        assert self.their is not None
        records = list(self.item.journal.read())
        both = agreement.correct_in_both(records)
        chosen = [job for job in self.jobs if _name(job) in both][:REPEATED]
        done = sum(one["kind"] == "repeat" for one in records)
        for number in range(done, times * len(chosen)):
            if self.item.over:
                return
            job = chosen[number % len(chosen)]
            with Harness(self.options) as harness:
                label = harness.label(*job)
            (answer,) = theirs.evaluate(self.their, iter([job]))
            ours = None if label.runtime is None else label.runtime.median_ms
            record = {"kind": "repeat", "job": _name(job), "ours_ms": ours, "theirs_ms": answer.get("runtime_ms")}
            self.item.journal.append(record)
            say(f"again: {_name(job)}")


def _jobs(file: Path | None, limit: int) -> list[Job]:
    """From a file, or of the catalogue and the generator."""
    from kernelbench_harness.corpus import pair
    from kernelbench_harness.gpu.cases import ALL
    from kernelbench_harness.gpu.jobs import read_jobs
    from kernelbench_harness.label import Candidate, Verdict

    if file is not None:
        return [one.job for one in read_jobs(file)][:limit]
    found: list[Job] = []
    for language, count in PAIRS.items():
        for index in range(count):
            for sample in pair(SEED, index, language):
                name = f"{sample.twin} {sample.mistake or 'clean'}"
                found.append((sample.problem, Candidate(sample.code, name)))
    quick = [case for case in ALL if Verdict.TIMEOUT not in case.verdicts and case.track == "torch"]
    found += [(case.problem, case.candidate) for case in quick[::STRIDE]]
    # Every so many'th, so that a small limit has some of each kind.
    step = max(1, len(found) // limit)
    return found[::step][:limit]


def _name(job: Job) -> str:
    return f"{job[1].name or 'candidate'} [{job[1].id}]"


if __name__ == "__main__":
    items.main(head_to_head)
