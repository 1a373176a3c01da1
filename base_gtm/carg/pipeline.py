"""Many jobs of CARG: parts of a Parquet table, pass rates, resume.

    FOLDER/carg.json              the options that the records depend on
    FOLDER/part-00000.parquet     records of the first jobs
    FOLDER/part-00000.json        what came of these jobs, check by check and tool by tool
    FOLDER/pass_rates.json        all of them together

Guarantees: a part appears whole or not at all; the same command after a kill goes on with the next part and gives the
same table as a run that was never stopped; no two records have the same key. What a paid teacher answered is in its own
journal, so that a part that is done again costs nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from base_gtm.carg.maker import NO_SCENE, Maker, Outcome, Plan
from base_gtm.errors import DataError
from base_gtm.example import FAULTS, KINDS, Kind
from base_gtm.files import write_whole
from base_gtm.schema import content_hash
from base_gtm.teachers.teacher import Teacher

MANIFEST, RATES = "carg.json", "pass_rates.json"
JOBS, JOBS_THAT_WAIT = 5000, 200
"""Jobs of a part: seconds of the executable teacher's work, minutes of a server's."""
_FRUITLESS = 3
"""Parts without a new record after which there are no more to be had."""


@dataclass(frozen=True)
class CargOptions:
    """What `base-gtm carg generate` takes."""

    out: Path = Path("carg")
    """Folder of the records; the same command goes on where it was stopped."""
    records: int = 10_000
    """Records to write; more can be asked for later."""
    seed: int = 0
    """Another seed, other records."""
    single: float = 0.5
    """Share of single calls."""
    multi: float = 0.3
    """Share of dialogues."""
    error: float = 0.2
    """Share of wrong calls."""
    faults: tuple[str, ...] = FAULTS
    """What is wrong with these: type, missing, excess, value. Can be given several times; value alone makes wrong calls
    that the schema takes and the tool refuses, which are all that training learns from."""
    turns: int = 5
    """Most turns of a dialogue."""
    attempts: int = 3
    """How often a record is tried before it is given up."""
    workers: int = 0
    """Processes of the executable teacher; 0: one a core."""

    def plan(self) -> Plan:
        """Raises DataError for numbers and faults that make none."""
        shares: dict[Kind, float] = {"single": self.single, "multi": self.multi, "error": self.error}
        if min(shares.values()) < 0 or sum(shares.values()) <= 0:
            raise DataError("--single, --multi, --error: give shares of 0 or more, one of them above 0")
        for name, least in (("records", 1), ("turns", 2), ("attempts", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise DataError(f"--{name} {getattr(self, name)}: give {least} or more")
        unknown = next((fault for fault in self.faults if fault not in FAULTS), None)
        if unknown is not None:
            raise DataError(f"--faults '{unknown}': known are {', '.join(FAULTS)}")
        faults = tuple(fault for fault in FAULTS if fault in self.faults)
        return Plan(self.seed, shares, self.turns, self.attempts, faults)


@dataclass
class Tally:
    """What came of jobs."""

    jobs: int = 0
    records: int = 0
    seen_before: int = 0
    """Passed every check, and left out: an equal record was there."""
    given_up: int = 0
    """Passed in no attempt."""
    checks: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """Kind -> check -> [passed, judged], every attempt counted."""
    tools: dict[str, dict[str, int]] = field(default_factory=dict)
    """Tool -> jobs, attempts, records, and the failures of each check."""

    def count(self, outcome: Outcome, is_new: bool) -> None:
        """Take in what came of one job."""
        tool = self.tools.setdefault(outcome.tool, {"jobs": 0, "attempts": 0, "records": 0})
        self.jobs += 1
        tool["jobs"] += 1
        tool["attempts"] += len(outcome.attempts)
        for attempt in outcome.attempts:
            for check, complaint in attempt.items():
                passed = self.checks.setdefault(outcome.kind, {}).setdefault(check, [0, 0])
                passed[0] += not complaint
                passed[1] += 1
                if complaint:
                    tool[check] = tool.get(check, 0) + 1
        self.records += is_new
        tool["records"] += is_new
        self.given_up += outcome.row is None
        self.seen_before += outcome.row is not None and not is_new

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        for name in ("jobs", "records", "seen_before", "given_up"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, checks in other.checks.items():
            mine = self.checks.setdefault(kind, {})
            for check, (passed, judged) in checks.items():
                before = mine.get(check, [0, 0])
                mine[check] = [before[0] + passed, before[1] + judged]
        for name, counts in other.tools.items():
            tool = self.tools.setdefault(name, {})
            for key, number in counts.items():
                tool[key] = tool.get(key, 0) + number


def generate(options: CargOptions, teacher: Teacher, identity: Mapping[str, Any], workers: Workers) -> Tally:
    """Write records until there are as many as asked for. identity: what they depend on besides the options. Raises
    DataError for a folder of other options, and where no more records are to be had.
    """
    folder = options.out
    jobs = JOBS_THAT_WAIT if teacher.waits else JOBS
    tools = content_hash([tool.key for tool in teacher.tools])
    _open(folder, {**asdict(options.plan()), **identity, "jobs": jobs, "tools": tools})
    tally, keys, part = _resume(folder, options.records, jobs)
    fruitless, begun, before = 0, time.monotonic(), tally.records
    while tally.records < options.records:
        now = Tally()
        rows = []
        for outcome in workers.outcomes(range(part * jobs, (part + 1) * jobs)):
            is_new = outcome.row is not None and outcome.row["key"] not in keys
            now.count(outcome, is_new)
            if is_new and outcome.row is not None:
                keys.add(outcome.row["key"])
                rows.append(outcome.row)
            if tally.records + now.records == options.records:
                break
        _write_part(folder, part, rows, now)
        tally.add(now)
        part += 1
        fruitless = 0 if rows else fruitless + 1
        _say(tally, options.records, (tally.records - before) / (time.monotonic() - begun))
        if fruitless == _FRUITLESS:
            raise DataError(
                f"{folder}: {_FRUITLESS * jobs:,} jobs gave no new record after {tally.records:,} of "
                f"{options.records:,}; {RATES} says what the checks refuse; ask for fewer, or give more tools"
            )
    return tally


class Workers:
    """Does jobs in order, several at a time: processes where a teacher computes, threads where it waits."""

    def __init__(self, make: Any, arguments: tuple[Any, ...], plan: Plan, number: int, waits: bool) -> None:
        """make(*arguments) gives the teacher, in each process anew. number: processes or threads; 0: one a core."""
        self._given = (make, arguments, plan)
        self._number = number or os.cpu_count() or 1
        self._waits = waits
        self._stack = ExitStack()
        self._pool: Executor | None = None

    def __enter__(self) -> Workers:
        if self._waits:
            _begin(*self._given)
            self._pool = self._stack.enter_context(ThreadPoolExecutor(self._number))
        elif self._number > 1:
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(self._number, context, initializer=_begin_here, initargs=self._given)
            self._pool = self._stack.enter_context(pool)
        else:
            _begin(*self._given)
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def outcomes(self, jobs: Iterable[int]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs."""
        if self._pool is None:
            return map(_make, jobs)
        return self._few_ahead(jobs) if self._waits else self._pool.map(_make, jobs, chunksize=50)

    def _few_ahead(self, jobs: Iterable[int]) -> Iterator[Outcome]:
        """No more jobs under way than threads: what is asked and then not wanted is paid for too."""
        assert self._pool is not None
        left = iter(jobs)
        asked = deque(self._pool.submit(_make, job) for job in islice(left, self._number))
        while asked:
            yield asked.popleft().result()
            asked.extend(self._pool.submit(_make, job) for job in islice(left, 1))


_maker: Maker | None = None
"""Of this process."""


def _begin(make: Any, arguments: tuple[Any, ...], plan: Plan) -> None:
    global _maker  # noqa: PLW0603  a pool's initialiser has no other way to hand on what is dear to make
    _maker = Maker(make(*arguments), plan)


def _begin_here(make: Any, arguments: tuple[Any, ...], plan: Plan) -> None:
    """In a process of its own, which ends when the one that started it is gone: killed, that could not tell it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    _begin(make, arguments, plan)


def _make(job: int) -> Outcome:
    assert _maker is not None
    return _maker.make(job)


def _open(folder: Path, identity: Mapping[str, Any]) -> None:
    """Write down what the records depend on, or hold a folder's against it. Raises DataError."""
    path = folder / MANIFEST
    wanted = json.loads(json.dumps(identity))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_whole(path, json.dumps(wanted, indent=1) + "\n")
            return
        held = {"faults": list(FAULTS), **json.loads(path.read_text())}  # all of them, before there was a choice
    except OSError as error:
        raise DataError(f"{folder}: cannot be used ({error.strerror}); give another --out") from None
    except ValueError:
        raise DataError(f"{path}: not valid JSON; give another --out") from None
    for name, value in wanted.items():
        if held.get(name) != value:
            said = "other tools" if name == "tools" else f"{name} {held.get(name)}, not {value}"
            raise DataError(f"{folder}: holds records of other options ({said}); give these, or another --out")


def _resume(folder: Path, wanted: int, jobs: int) -> tuple[Tally, set[str], int]:
    """What is there: its tally, its keys, and the number of the next part. A last part that was cut short because no
    more records were wanted is done again when more are.
    """
    from pyarrow.parquet import read_table

    tally, keys, part = Tally(), set[str](), 0
    while (side := _part(folder, part, "json")).exists():
        now = Tally(**json.loads(side.read_text()))
        if now.jobs < jobs and tally.records + now.records < wanted:
            side.unlink()
            break
        tally.add(now)
        if now.records:
            keys |= set(read_table(_part(folder, part, "parquet"), columns=["key"])["key"].to_pylist())
        part += 1
    if part:
        print(f"carg: going on after {tally.records:,} records", file=sys.stderr)
    return tally, keys, part


def _write_part(folder: Path, part: int, rows: list[Mapping[str, Any]], tally: Tally) -> None:
    """The table first: the side file says that the part counts."""
    from datasets import Dataset, disable_progress_bars

    from base_gtm.example import features

    disable_progress_bars()  # one a part, of milliseconds
    path = _part(folder, part, "parquet")
    if rows:
        draft = path.with_suffix(".draft")
        Dataset.from_list([dict(row) for row in rows], features=features()).to_parquet(str(draft))
        draft.replace(path)
    write_whole(_part(folder, part, "json"), json.dumps(asdict(tally)) + "\n")


def write_rates(folder: Path, tally: Tally) -> Path:
    """Pass rates as a file for people: by kind and check, then tool by tool, the worst first."""
    rates = {
        kind: {
            check: {"passed": passed, "judged": judged, "rate": round(passed / judged, 5)}
            for check, (passed, judged) in tally.checks.get(kind, {}).items()
            if check != NO_SCENE
        }
        for kind in KINDS
    }
    tools = dict(sorted(tally.tools.items(), key=lambda item: item[1]["records"] / max(1, item[1]["jobs"])))
    whole = {name: getattr(tally, name) for name in ("jobs", "records", "seen_before", "given_up")}
    path = folder / RATES
    write_whole(path, json.dumps({**whole, "checks": rates, "tools": tools}, indent=1) + "\n")
    return path


def _part(folder: Path, number: int, suffix: str) -> Path:
    return folder / f"part-{number:05d}.{suffix}"


def _say(tally: Tally, wanted: int, rate: float) -> None:
    share = tally.records / tally.jobs if tally.jobs else 0
    print(
        f"carg: {tally.records:,} of {wanted:,} records, {rate:,.0f} a second, {share:.1%} of the jobs gave one",
        file=sys.stderr,
        flush=True,
    )
