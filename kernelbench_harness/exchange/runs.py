"""Reads and writes KernelBench run folders: kernel files and eval_results.json.

eval_results.json maps a problem's number to the records of its samples ({sample_id, compiled, correctness, metadata,
runtime, runtime_stats}; early runs had one record instead of a list). It does not say the level: that stands in the
kernel files' names.

Guarantees: every record and every kernel file of a run becomes an item, one without a label too, so that an export can
give back what was read, in its order. Does not guarantee what other files of a run folder say: they are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.candidates import LIMIT_BYTES, RUN_FILE, code_fault
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.exchange.claims import Claim, NoClaim, claim_of
from kernelbench_harness.exchange.items import Item, missing
from kernelbench_harness.files import Fault, read_text
from kernelbench_harness.label import Problem

RESULTS = "eval_results.json"


@dataclass(frozen=True)
class _File:
    """A kernel file, or why it is none."""

    name: str
    level: int
    code: str | None
    fault: str = ""


@dataclass(frozen=True)
class _Record:
    """One evaluation record and where it stood."""

    place: str
    """The problem's key."""
    sample_id: int | None
    raw: Any
    shape: str


_Files = dict[tuple[int, int], list[_File]]
"""Kernel files by problem and sample number."""


def read_runs(source: Path, problems: Mapping[tuple[int, int], Problem], name: str | None = None) -> list[Item]:
    """Items of a run folder, or of the run folders in a folder. Raises HarnessError when there is none."""
    if not source.is_dir():
        raise HarnessError(f"{source}: no such folder; a run folder holds kernel files and {RESULTS}")
    folders = [source] if (source / RESULTS).is_file() else sorted(p.parent for p in source.glob(f"*/{RESULTS}"))
    if not folders:
        raise HarnessError(
            f"{source}: no {RESULTS} here or one folder below; to label kernels that have no results yet, use `label`"
        )
    if name is not None and len(folders) > 1:
        raise HarnessError(f"{source}: holds {len(folders)} runs; --name is for one run folder")
    return [item for folder in folders for item in _read_run(folder, problems, name or folder.resolve().name)]


def _read_run(folder: Path, problems: Mapping[tuple[int, int], Problem], run: str) -> list[Item]:
    files = _files(folder)
    items: list[Item] = []
    used: set[tuple[int, int]] = set()
    for record in _records(folder / RESULTS):
        key = (_whole(record.place), record.sample_id)
        found: list[_File] = []
        if key[0] is not None and key[1] is not None:
            used.add((key[0], key[1]))
            found = files.get((key[0], key[1]), [])
        items.append(_item(record, found, run, len(items), problems))
    for (problem, sample), found in sorted(files.items()):
        for file in found if (problem, sample) not in used or len(found) > 1 else ():
            items.append(_item(_Record(str(problem), sample, None, "none"), [file], run, len(items), problems))
    return items


def _files(folder: Path) -> _Files:
    found: _Files = {}
    for path in sorted(folder.iterdir()):
        match = RUN_FILE.fullmatch(path.name)
        if match is None or path.is_dir():
            continue
        text = read_text(path, LIMIT_BYTES)
        fault = text.reason if isinstance(text, Fault) else code_fault(text)
        file = _File(path.name, int(match["level"]), None if isinstance(text, Fault) else text, fault)
        found.setdefault((int(match["problem"]), int(match["sample"])), []).append(file)
    return found


def _records(path: Path) -> Iterator[_Record]:
    text = read_text(path)
    if isinstance(text, Fault):
        raise HarnessError(f"{path}: {text.reason}")
    try:
        results = json.loads(text)
    except json.JSONDecodeError as error:
        raise HarnessError(
            f"{path}:{error.lineno}: not valid JSON ({error.msg}); was its evaluation cut short?"
        ) from None
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: not usable JSON ({error})") from None
    if not isinstance(results, dict):
        raise HarnessError(f"{path}: maps problem numbers to the records of their samples; this is something else")
    for place, found in results.items():
        single = not isinstance(found, list)
        for raw in [found] if single else found:
            sample = raw.get("sample_id") if isinstance(raw, dict) else None
            yield _Record(place, sample if type(sample) is int else None, raw, "single" if single else "list")
        if found == []:
            yield _Record(place, None, None, "empty")


def _item(
    record: _Record, files: list[_File], run: str, position: int, problems: Mapping[tuple[int, int], Problem]
) -> Item:
    file = files[0] if len(files) == 1 else None
    number = _whole(record.place)
    problem = problems.get((file.level, number)) if file is not None and number is not None else None
    claim: Claim | NoClaim = claim_of(record.raw)
    if isinstance(claim, Claim) and claim.problem is not None:
        problem = claim.problem
    fault = file.fault if file else ""
    if record.shape == "empty":
        fault = "the source lists no sample of the problem"
    elif number is None or record.sample_id is None:
        fault = "its problem or sample number is no integer"
    elif len(files) > 1:
        fault = f"kernel files of {len(files)} levels have its number, and {RESULTS} does not say which"
    code = file.code if file else None
    return Item(
        run=run,
        position=position,
        form="runs",
        place=record.place,
        level=file.level if file else None,
        problem_id=number,
        sample_id=record.sample_id,
        file=file.name if file else "",
        problem=problem,
        code=code,
        claim=claim if isinstance(claim, Claim) else None,
        environment=environment_of(record.raw, f"KernelBench run {run}", "runs"),
        record=record.raw,
        shape=record.shape,
        reason=missing(problem, code, claim, fault),
    )


def environment_of(record: object, source: str, form: str) -> dict[str, Any]:
    """What a record says of where it was made."""
    metadata = record.get("metadata") if isinstance(record, dict) else None
    stats = record.get("runtime_stats") if isinstance(record, dict) else None
    said: dict[str, Any] = {"source": source, "format": form, "verified": False}
    for key in ("hardware", "device"):
        for place in (metadata, stats, record):
            value = place.get(key) if isinstance(place, dict) else None
            if isinstance(value, str) and value:
                said.setdefault(key, value)
    return {"hardware": "not stated", **said}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
