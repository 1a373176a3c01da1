"""`adapt label`: asks the real tool about calls that have no label yet.

Guarantees: a call that has a label is not asked again; each answer is stored as it arrives, so a run that is killed
loses at most the calls under way, and the same command goes on where it stopped; every answer fits the tool's output
schema. Does not guarantee comparable times when several workers share the cores that the tool needs, nor that two
commands at the same time share the work: give them different seeds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import get_args

from adapt.domain import Answered, CallItem, Domain, Split, Unanswered
from adapt.errors import AdaptError
from adapt.labels import LabelRecord, LabelStore
from adapt.progress import progress
from adapt.recorded import take_in
from adapt.registry import find
from adapt.runs import Run, labels_path, open_run
from adapt.validation import result_checker
from adapt.workers import LOCAL, engine

FOREIGN_EVERY = 5
"""One call in five is a foreign one, as long as the domain has any: a small set must not use up a small --count."""
DRY_AFTER = 20_000
"""Calls without a new one among them after which a stream counts as exhausted: it may be endless and repeat itself."""


@dataclass(frozen=True)
class Options:
    """Ask the real tool about calls that have no label yet, and keep its answers."""

    name: str
    """Name of the domain."""
    count: int = 100
    """New labels wanted."""
    until: int | None = None
    """Stop as soon as the store holds this many live labels; for scripts that run again."""
    seed: int = 0
    """Seed of the stream of calls."""
    workers: int | None = None
    """Calls asked at the same time; by default one on this machine, on a cluster as many as it has room for."""
    engine: str = LOCAL
    """Where calls are asked: local, or another that the domain has, such as ray."""
    cohorts: tuple[str, ...] = ()
    """Label only calls of this cohort; may be given several times."""
    splits: tuple[str, ...] = ()
    """Label only calls of this split (train, validation, test), such as validation where no threshold was earned; may
    be given several times."""
    fresh: bool = False
    """Do not take in the labels that ship with the domain."""
    ship: bool = False
    """Also write all labels into the domain's own labels/ folder, for maintainers."""
    from_file: Path | None = None
    """Take in labels that were made elsewhere (JSON lines with prompt and result) instead of asking the real tool."""
    workspace: Path = Path(".")
    """Folder that holds domains/ and runs/."""


def run(options: Options) -> int:
    """Label, print what came out, return the exit status. Raises AdaptError."""
    if options.count < 0 or (options.workers is not None and options.workers < 1):
        raise AdaptError("--count must be 0 or more and --workers 1 or more")
    if unknown := [split for split in options.splits if split not in get_args(Split)]:
        raise AdaptError(f"--splits {unknown[0]}: give {', '.join(get_args(Split))}")
    found = find(options.name, options.workspace)
    domain = found.domain
    engine(domain, options.engine)  # before a run folder is made for nothing
    print(f"{domain.name}: {found.origin}")
    if options.from_file is None and domain.missing is not None and (gap := domain.missing()):
        print(gap)
    with (
        LabelStore(labels_path(domain, options.workspace)) as store,
        open_run(domain, "label", options, {"spec": domain.spec.schema_hash}, options.workspace, resume=True) as run_,
    ):
        new_shipped = 0 if options.fresh else store.import_parquet(domain.root / "labels")
        if new_shipped:
            print(f"shipped labels taken in: {new_shipped}")
        begun = time.monotonic()
        made = (_label if options.from_file is None else _take_in)(domain, store, run_, options)
        seconds = time.monotonic() - begun
        _summarise(domain, store, run_, made, seconds)
        if options.ship:
            target = domain.root / "labels" / "labels.parquet"
            print(f"shipped: {store.export_parquet(target)} labels in {target}")
    return 0


def wanted(domain: Domain, options: Options, labelled: set[str]) -> Iterator[CallItem]:
    """The chosen calls that are not in `labelled`, each once; ends when the domain has no more."""
    foreign = domain.foreign_calls() if domain.foreign_calls else iter(())
    seen = set(labelled)
    dry = 0
    for item in _interleave(domain.calls(options.seed), foreign):
        key = item.call.key
        if key in seen or not _chosen(item, options):
            dry += 1
            if dry >= DRY_AFTER + len(labelled):
                return
            continue
        dry = 0
        seen.add(key)
        yield item


def _chosen(item: CallItem, options: Options) -> bool:
    of_cohort = not options.cohorts or item.cohort in options.cohorts
    return of_cohort and (not options.splits or item.split in options.splits)


def _interleave(calls: Iterator[CallItem], foreign: Iterator[CallItem]) -> Iterator[CallItem]:
    """Foreign calls spread over the others; what is left of either stream follows."""
    for rare in foreign:
        yield rare
        yield from islice(calls, FOREIGN_EVERY - 1)
    yield from calls


def _label(domain: Domain, store: LabelStore, run: Run, options: Options) -> int:
    """Ask and store; returns how many labels this process made."""
    target = options.count - store.count(run=run.id)
    if run.resumed:
        print(f"going on with run {run.id}: {store.count(run=run.id)} labels are there")
    if options.until is not None:
        target = min(target, options.until - store.count(source="live"))
    if target <= 0:
        return 0
    check = result_checker(domain)
    classes: Counter[str] = Counter()
    fresh = (item for item in wanted(domain, options, store.call_keys()) if not store.has(item.call))
    workers = options.workers or (1 if options.engine == LOCAL else None)
    made = 0
    with progress(f"label {domain.name}", target, "labels") as advance:
        for answer in engine(domain, options.engine)(islice(fresh, target), workers):
            if isinstance(answer, Unanswered):
                print(f"not labelled: {answer.item.call.key}: {answer.reason}")
                classes["not labelled"] += 1
            else:
                check(answer.result)
                record = _record(answer, store.add_environment(answer.environment), run.id)
                made += store.add(record)
                classes[class_of(domain, record)] += 1
            advance(1, " ".join(f"{name}:{n}" for name, n in classes.most_common(4)))
    return made


def _take_in(domain: Domain, store: LabelStore, run: Run, options: Options) -> int:
    """Labels of a file; prints what was left out, returns how many were new."""
    assert options.from_file is not None
    new, left_out = take_in(options.from_file, domain, store, run.id)
    for reason, count in left_out.most_common():
        print(f"left out: {count} lines, {reason}")
    return new


def _record(answer: Answered, environment: str, run: str) -> LabelRecord:
    item = answer.item
    return LabelRecord(
        call=item.call,
        result=answer.result,
        seconds=answer.seconds,
        split=item.split,
        cohort=item.cohort,
        group=item.group,
        twin=item.twin,
        environment=environment,
        source="live",
        tags=item.tags,
        run=run,
    )


def class_of(domain: Domain, record: LabelRecord) -> str:
    """The class that the label mix counts; "refused" for a call that the tool would not take."""
    return "refused" if record.result.is_error else domain.fidelity.label(record.result.content)


def _summarise(domain: Domain, store: LabelStore, run: Run, made: int, seconds: float) -> None:
    """Print the label mix by source, and the rate of this run; keep both in the manifest."""
    mix: Counter[tuple[str, str]] = Counter()
    for record in store.iterate():
        mix[(class_of(domain, record), record.source)] += 1
    rate = round(made / seconds * 3600) if made else 0
    run.results.update(
        {"made": made, "labels_an_hour": rate, "mix": {f"{kind}/{source}": n for (kind, source), n in mix.items()}}
    )
    print(_table(mix))
    if made:
        print(f"made now: {made} in {seconds:.1f} s, {rate} labels an hour")
    else:
        print("made now: 0 (the store has what was asked for, or the domain has no more calls)")


def _table(mix: Mapping[tuple[str, str], int]) -> str:
    """Labels by class (rows) and source (columns), with totals."""
    sources = [source for source in ("shipped", "live", "recorded") if any(key[1] == source for key in mix)]
    if not sources:
        return "no labels yet"
    kinds = sorted({kind for kind, _ in mix}, key=lambda kind: -sum(mix.get((kind, s), 0) for s in sources))
    width = max(len("label"), *(len(kind) for kind in kinds))
    lines = [f"{'label':<{width}}" + "".join(f"{source:>10}" for source in sources)]
    lines += [f"{kind:<{width}}" + "".join(f"{mix.get((kind, s), 0):>10}" for s in sources) for kind in kinds]
    totals = [sum(n for (_, source), n in mix.items() if source == s) for s in sources]
    return "\n".join([*lines, f"{'all':<{width}}" + "".join(f"{total:>10}" for total in totals)])
