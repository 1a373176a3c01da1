"""Writes a store's labels as KernelBench run folders.

Guarantees: what was imported from a run folder comes back equal in every field, order and file, unless a label that
was made here is preferred to the claim; samples with equal code stay apart; a folder is there whole or not at all. One
folder a run, and a level where the source was not a run folder, since eval_results.json does not say the level.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.candidates import RUN_FILE
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.exchange.records import Choice, Prefer, choose, record_of
from kernelbench_harness.exchange.runs import RESULTS
from kernelbench_harness.exchange.samples import SampleRow, read_samples
from kernelbench_harness.label import Verdict
from kernelbench_harness.store import LabelStore


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    written: int
    """Labels or records."""
    places: tuple[Path, ...]
    """Files or folders."""
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """One line a place, then the notes."""
        places = ", ".join(str(place) for place in self.places[:5]) + (", ..." if len(self.places) > 5 else "")
        return "\n".join([f"{self.written} written -> {places}", *(f"note: {note}" for note in self.notes)])


def export_runs(store: LabelStore, out: Path, prefer: Prefer = "verified") -> Exported:
    """One run folder at `out`, or one below it for each run. Raises HarnessError when something is at `out`."""
    refuse_used(out)
    choice = choose(store, prefer, run=True)
    groups: dict[str, list[SampleRow]] = {}
    for row in _all_rows(store, choice):
        name = row.run if row.form == "runs" else f"{row.run} level {row.level}"
        groups.setdefault(re.sub(r"[^\w.-]+", "_", name).strip("._") or "run", []).append(row)
    if not groups:
        raise HarnessError(f"{store.path}: has no labels to export; label or import some first")
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    notes: list[str] = []
    written = unrun = 0
    try:
        for name, rows in groups.items():
            found = _write(store, choice, draft if len(groups) == 1 else draft / name, rows, notes)
            written, unrun = written + found[0], unrun + found[1]
        if out.exists():
            out.rmdir()
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if unrun:
        notes.append(f"{unrun} labels say only that a candidate compiles: KernelBench has no such record; left out")
    if choice.several:
        notes.append(f"{choice.several} candidates have labels of several environments; one each was taken ({prefer})")
    places = (out,) if len(groups) == 1 else tuple(out / name for name in groups)
    return Exported(written, places, tuple(dict.fromkeys(notes)))


def refuse_used(out: Path) -> None:
    """Raise HarnessError when something stands at `out` already."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise HarnessError(f"{out}: is there already; give another --out")
    if not out.parent.is_dir():
        raise HarnessError(f"{out}: the folder {out.parent} does not exist; make it first")


def _all_rows(store: LabelStore, choice: Choice) -> Iterator[SampleRow]:
    """The samples that sources counted, then the labels of candidates that no source counted, numbered here."""
    seen: set[tuple[str, str]] = set()
    taken: dict[tuple[int, int], set[int]] = {}
    for row in read_samples(store):
        seen.add((row.problem, row.candidate))
        yield row
    for position, (problem_id, candidate_id) in enumerate(sorted(choice.keys.keys() - seen)):
        problem, candidate = store.problem(problem_id), store.candidate(candidate_id)
        if problem is None or candidate is None:
            continue
        match = RUN_FILE.fullmatch(candidate.name)
        number = problem.level, problem.problem_id
        used = taken.setdefault(number, set())
        sample = int(match["sample"]) if match else 0
        while sample in used:
            sample = max(used) + 1
        used.add(sample)
        yield SampleRow(
            run="labels",
            position=position,
            form="label",
            place=str(problem.problem_id),
            level=problem.level,
            problem_id=problem.problem_id,
            sample_id=sample,
            file=candidate.name,
            problem=problem_id,
            candidate=candidate_id,
            environment="",
            code=None,
            record=None,
            shape="list",
            reason="",
        )


def _write(
    store: LabelStore, choice: Choice, folder: Path, rows: Iterable[SampleRow], notes: list[str]
) -> tuple[int, int]:
    """One run's folder. Returns how many records were written, and how many labels cannot be one."""
    folder.mkdir(parents=True)
    results: dict[str, Any] = {}
    written = unrun = 0
    for row in rows:
        label = choice.label(store, row.problem, row.candidate)
        own = label is not None and label.environment in choice.verified
        record = row.raw
        if label is not None and label.verdict is Verdict.COMPILED:
            unrun += 1
            if record is None:
                continue
            label = None
        if label is not None and (own or (record is None and row.shape == "list" and row.form != "runs")):
            problem = store.problem(row.problem)
            assert problem is not None, "a label's problem is in its store"
            record = record_of(label, problem, store.environment(label.environment), row.sample_id)
        elif row.form == "label":
            notes.append("some samples have no label yet; they are left out")
            continue
        _put_record(results, row, record)
        _put_kernel(store, folder, row, notes)
        written += record is not None
    (folder / RESULTS).write_text(json.dumps(results, indent=4), encoding="utf-8")
    return written, unrun


def _put_record(results: dict[str, Any], row: SampleRow, record: Any) -> None:
    """A record in the place and shape that its source had for it."""
    if row.shape == "empty":
        results.setdefault(row.place, [])
    elif row.shape == "single":
        results[row.place] = record
    elif row.shape == "list" or record is not None:
        results.setdefault(row.place, []).append(record)


def _put_kernel(store: LabelStore, folder: Path, row: SampleRow, notes: list[str]) -> None:
    candidate = store.candidate(row.candidate) if row.candidate else None
    code = row.code if row.code is not None else candidate.code if candidate else None
    if code is None:
        return
    name = row.file
    if RUN_FILE.fullmatch(name) is None or row.form != "runs":
        end = ".cu" if row.file.endswith(".cu") else ".py"
        name = f"level_{row.level}_problem_{row.problem_id}_sample_{row.sample_id}_kernel{end}"
        if end == ".cu":
            notes.append("raw CUDA sources are written as .cu: KernelBench itself reads only .py kernels")
    (folder / name).write_bytes(code.encode("utf-8", "surrogatepass"))
