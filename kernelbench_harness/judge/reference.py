"""The reference of a problem: run once in a confined child, kept in a folder that only the harness writes.

Guarantees: a reference is complete or absent (built aside, then renamed); its inputs lie apart from its expected
outputs, so that a candidate can be given the one folder without the other. Every trouble is a ProblemError that names
the problem, a disk that is full or cannot be written a HarnessError. What a killed process left half made is removed
by the next one. It holds no time: a reference is timed anew beside each candidate (`retime.py`).
"""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness import tree
from kernelbench_harness.compare import precision
from kernelbench_harness.compare.outputs import Difference, Tolerance, compare, tolerances_of
from kernelbench_harness.compare.trivial import trivial
from kernelbench_harness.errors import PlaceError, ProblemError
from kernelbench_harness.hub import hub_reason
from kernelbench_harness.label import Problem, text_hash
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process import precise_child
from kernelbench_harness.process.place import RunFolder, RunFolders, check_space, discard, publish, writing
from kernelbench_harness.process.worker import Clock, Ended, Stop, Worker
from kernelbench_harness.process.zygote import SCARCE
from kernelbench_harness.sandbox.policy import Policy

LIMIT_S, GPU_LIMIT_S = 30.0, 120.0
"""Wall seconds of a reference, everything together; on a GPU sizes are larger, and inputs are drawn on the CPU too."""
_MAKING = "making-"
_FORMAT = 4
"""Raised when what a reference's folder holds changes."""


@dataclass(frozen=True)
class Reference:
    """What candidates of one problem are given, and what they are held against."""

    inputs: Path
    """Folder with common.safetensors (weights, tensors among the init arguments) and seed_N.safetensors."""
    init: Any
    """get_init_inputs() as a tree's JSON form."""
    trees: dict[str, Any]
    """get_inputs() for each seed."""
    state: list[list[str]]
    """[state_dict name, tensor name in common.safetensors], in order."""
    expected: dict[int, list[tree.Stored]]
    """Output tensors for each seed."""
    repeatable: bool
    """Whether one model gives the same output to the same inputs later: it keeps no state."""
    changes_inputs: bool
    """Whether the reference itself changes its inputs in place."""
    tolerances: Mapping[int, list[Tolerance]]
    """By seed, one for each output tensor."""
    precise: Mapping[int, list[precision.Precise | None]]
    """Of the first seed, where it could be had: the outputs in other precisions."""
    trivial: str = ""
    """Why a candidate that does not compute the problem would pass; a property of the problem, named in its labels."""

    def room(self, seed: int) -> int:
        """Most bytes of a file with a candidate's outputs for a seed: their type may be twice as wide."""
        return 2 * sum(len(one.data) for one in self.expected[seed]) + (64 << 20)


def differ(reference: Reference, seed: int, got: list[tree.Stored]) -> Difference | None:
    """What is wrong with a candidate's output for a seed: its form, its values, or the precision that it took."""
    want = reference.expected[seed]
    difference = compare(got, want, reference.tolerances[seed])
    if difference is None and (text := precision.halved(got, want, reference.precise.get(seed, ()))):
        return Difference(*precision.WRONG, text)
    return difference


class References:
    """The cache of references below a folder, for one environment; `gpu` is the level of its sandbox (`Policy.gpu`)."""

    def __init__(self, folder: Path, environment: str, options: HarnessOptions, gpu: int = 0) -> None:
        self._gpu = gpu
        self._folder, self._environment, self._options = folder, environment, options
        self._last: tuple[str, Reference] | None = None
        self._swept = False

    def get(self, problem: Problem, worker: Worker, folders: RunFolders) -> Reference:
        """The reference of a problem, from the cache or run now. Raises ProblemError."""
        key = text_hash(problem.id, self._environment, str(_FORMAT))
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        if reason := hub_reason(problem):
            raise ProblemError(f"problem {problem.name}: {reason}")
        final = self._folder / key
        if not final.is_dir():
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._sweep()
                with (self._folder / f"{key}.lock").open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    if not final.is_dir():
                        self._make(problem, final, worker, folders)
        reference = _load(final, self._options.seeds)
        self._last = (key, reference)
        return reference

    @property
    def _limit_s(self) -> float:
        return GPU_LIMIT_S if self._gpu else LIMIT_S

    def _make(self, problem: Problem, final: Path, worker: Worker, folders: RunFolders) -> None:
        options = self._options
        with folders.new() as place:
            path = place.work / "problem.py"
            path.write_text(problem.code, encoding="utf-8", errors="replace")
            job = {
                "kind": "reference",
                "code": problem.code,
                "path": str(path),
                "work": str(place.work),
                "seeds": list(options.seeds),
                "init_seed": options.seeds[0],
                "device": options.device.partition(":")[0],
            }
            policy = Policy(
                write=(place.work,),
                memory_bytes=options.memory_bytes,
                cpu_seconds=int(self._limit_s) + 5,
                file_bytes=options.file_bytes,
                disk_bytes=8 * options.file_bytes,
                gpu=self._gpu,
            )
            hearing = _Hearing(problem, options, place, str(path), self._limit_s)
            ended = worker.run(job, policy, place.work, self._limit_s, hearing.handle)
            record = hearing.record(ended)
            staging = self._folder / f"{_MAKING}{final.name}"
            discard(staging)  # of a process that was killed: its lock is ours now
            try:
                with writing(self._folder):
                    staging.mkdir()
                    hearing.copy(record, staging)
                    publish(staging, final)
            finally:
                discard(staging)

    def _sweep(self) -> None:
        """Removes what killed processes left half made: folders whose key nobody has locked."""
        if self._swept:
            return
        self._swept = True
        for staging in self._folder.glob(f"{_MAKING}*"):
            with (self._folder / f"{staging.name.removeprefix(_MAKING)}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                discard(staging)


class _Hearing:
    """Takes the messages of a reference's child and checks them."""

    def __init__(self, problem: Problem, options: HarnessOptions, place: RunFolder, path: str, limit_s: float) -> None:
        self._limit_s, self._most = limit_s, options.file_bytes
        self._problem, self._seeds, self._place, self._path = problem, options.seeds, place, path
        self._said: dict[str, Any] = {"expected": {}, "changes": False}
        self._failure = ""
        self._stage = "start"

    def handle(self, message: dict[str, Any], clock: Clock) -> dict[str, Any] | None:
        match message:
            case {"kind": "stage", "stage": str(stage)}:
                self._stage = stage[:20]
            case {"kind": "made", "init": init, "state": state, "trees": trees}:
                self._said["made"] = {"init": init, "state": state, "trees": trees}
            case {"kind": "outputs", "seed": int(seed), "tree": raw, "changed": bool(changed)}:
                self._said["expected"][str(seed)] = raw
                self._said["changes"] = self._said["changes"] or changed
            case {"kind": "precise", "kinds": list(kinds)}:
                self._said["precise"] = [kind for kind in ("exact", *precision.HALVES) if kind in kinds]
            case {"kind": "determined", "repeatable": bool(repeatable)}:
                self._said["repeatable"] = repeatable
            case {"kind": "failed", "summary": str(summary)}:
                self._failure = summary
                raise Stop
            case {"kind": "done"}:
                self._said["done"] = True
                return None
            case _:
                self._failure = f"its process sent an unknown message of kind {message['kind'][:20]!r}"
                raise Stop
        return {"kind": "go"}

    def record(self, ended: Ended) -> dict[str, Any]:
        """What was said, checked. Raises ProblemError."""
        if self._failure or "done" not in self._said:
            check_space(self._place.work)
        if self._failure:
            raise self._error(self._failure)
        if ended.timed_out:
            raise self._error(
                f"it runs longer than {self._limit_s:g} s (at stage {self._stage}); shrink it to another scale"
            )
        if SCARCE in ended.over_disk:
            raise PlaceError(
                f"{self._place.work.parents[1]}: the disk has too little room for the reference of problem "
                f"{self._problem.name}; free some space or set TMPDIR to another folder"
            )
        if ended.over_memory:
            raise self._error(f"it takes {ended.over_memory} of memory; shrink it to another scale")
        if ended.flooded or ended.malformed or ended.over_disk:
            raise self._error("it prints without end" if ended.flooded else ended.over_disk or ended.malformed)
        if "done" not in self._said or not {"made", "repeatable"} <= set(self._said):
            raise self._error(f"its process ended with status {ended.returncode} at stage {self._stage}")
        return self._said

    def copy(self, record: dict[str, Any], staging: Path) -> None:
        """Reads what the child left in its folder, checks it, and writes it as ours. Raises ProblemError."""
        work = self._place.work
        (staging / "inputs").mkdir()
        try:
            names = ["common.safetensors", *(f"seed_{seed}.safetensors" for seed in self._seeds)]
            for name in names:
                data = tree.read_plain(work / name, self._most)
                tree.load_stored(data)
                (staging / "inputs" / name).write_bytes(data)
            for seed in self._seeds:
                name = f"expected_{seed}.safetensors"
                data = tree.read_plain(work / name, self._most)
                if not tree.select(record["expected"][str(seed)], tree.load_stored(data)):
                    raise tree.TreeError("forward returned no tensor")
                (staging / name).write_bytes(data)
            if record.get("precise"):
                data = tree.read_plain(work / precise_child.NAME, self._most)
                tree.load_stored(data)
                (staging / precise_child.NAME).write_bytes(data)
            record |= _properties(staging, record, self._seeds)
        except (tree.TreeError, KeyError) as error:
            raise self._error(f"its outputs cannot be used: {error}") from error
        (staging / "record.json").write_text(json.dumps(record), encoding="utf-8")
        for path in (staging, staging / "inputs"):
            path.chmod(0o755)

    def _error(self, text: str) -> ProblemError:
        text = " ".join(text.replace(self._path, "problem.py").split())
        return ProblemError(f"problem {self._problem.name} (scale {self._problem.scale}): {text}")


def _properties(folder: Path, record: dict[str, Any], seeds: tuple[int, ...]) -> dict[str, Any]:
    """What the files of a reference say about the problem: its tolerances, and whether it is trivial. JSON."""
    expected = [_expected(folder, record, seed) for seed in seeds]
    inputs = []
    for seed in seeds:
        stored = tree.load_stored((folder / "inputs" / f"seed_{seed}.safetensors").read_bytes())
        inputs.append(tree.select(record["made"]["trees"][str(seed)], stored))
    precise = _precise(folder, record, expected[0])
    noise = [precision.noise(want, known) for want, known in zip(expected[0], precise, strict=True)]
    tolerances = tolerances_of(expected, noise)
    return {
        "tolerances": {str(seed): [asdict(one) for one in row] for seed, row in zip(seeds, tolerances, strict=True)},
        "trivial": trivial(expected, inputs, tolerances),
    }


def _expected(folder: Path, record: dict[str, Any], seed: int) -> list[tree.Stored]:
    stored = tree.load_stored((folder / f"expected_{seed}.safetensors").read_bytes())
    return tree.select(record["expected"][str(seed)], stored)


def _precise(folder: Path, record: dict[str, Any], want: list[tree.Stored]) -> list[precision.Precise | None]:
    """The outputs of the first seed in other precisions; None for one that has none, or none that makes sense."""
    kinds = record.get("precise") or []
    if "exact" not in kinds:
        return [None] * len(want)
    stored = tree.load_stored((folder / precise_child.NAME).read_bytes())
    found: list[precision.Precise | None] = []
    for index, output in enumerate(want):
        arrays = {kind: stored[f"{kind}_{index}"].array() for kind in ("places", *kinds) if f"{kind}_{index}" in stored}
        places = arrays.get("places")
        count = math.prod(output.shape)
        usable = (
            len(arrays) == 1 + len(kinds)
            and places is not None
            and all(one.shape == places.shape and one.ndim == 1 for one in arrays.values())
            and bool(((places >= 0) & (places < count)).all())
        )
        if not usable or places is None:
            found.append(None)
            continue
        rounded = {kind: arrays[kind] for kind in kinds if kind != "exact"}
        found.append(precision.Precise(places, arrays["exact"], rounded))
    return found


def _load(folder: Path, seeds: tuple[int, ...]) -> Reference:
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    expected = {seed: _expected(folder, record, seed) for seed in seeds}
    return Reference(
        inputs=folder / "inputs",
        init=record["made"]["init"],
        trees=record["made"]["trees"],
        state=record["made"]["state"],
        expected=expected,
        repeatable=record["repeatable"],
        changes_inputs=record["changes"],
        tolerances={seed: [Tolerance(**one) for one in record["tolerances"][str(seed)]] for seed in seeds},
        precise={seeds[0]: _precise(folder, record, expected[seeds[0]])},
        trivial=record["trivial"],
    )
