"""The header shim against the stock compile, and the archive's recorded verdicts against ours.

    python -m kernelbench_harness.studies.shim_against_stock --data DIR --out results/cpu/shim_against_stock_cuda.json
    python -m kernelbench_harness.studies.shim_against_stock --language cpp --out FILE

Each unit costs about a hundred CPU seconds on the stock side, so every answer is kept in `--work` as it comes: the
command may be killed at any point and goes on where it was. Give `--include` for headers of CUDA libraries that a CPU
build of torch lacks (the folders named `include` in PyPI's nvidia packages).
Guarantees: the stock side compiles the plain way, without any precompiled header; nothing is left out of the result
that both sides have answered.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from kernelbench_harness.compile.nvcc import find_nvcc
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.studies import archive, ours
from kernelbench_harness.studies.ours import Row
from kernelbench_harness.studies.stock import Outcome, find_stock
from kernelbench_harness.studies.summary import summary, table
from kernelbench_harness.studies.units import Unit, choose, choose_cpp

COUNT = 72
ARCH = "sm_90"


class _Answer(Protocol):
    @property
    def key(self) -> str: ...

    def to_json(self) -> str: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = _parser().parse_args(arguments)
    kept = "shim_against_stock" if options.language == "cuda" else f"shim_against_stock_{options.language}"
    work = options.work or HarnessOptions().cache().parent / "studies" / kept
    if options.include:
        os.environ["CUDA_INC_PATH"] = os.pathsep.join(str(folder) for folder in options.include)
    try:
        if options.language == "cpp":
            found = run_cpp(work, options.out, options.count, options.side)
        else:
            found = run(options.data, work, options.out, options.count, options.include, options.side)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(found["shim_against_stock"]))
    rows = found.get("archive")
    if rows is None:
        return 0
    print(f"archive                 recorded verdict reproduced {rows['reproduced']}/{rows['rows']}")
    for one in rows["differences"]:
        print(f"  {one['name']}: recorded {'compiled' if one['recorded'] else 'failed'} | {one['our_error'][:90]}")
    return 0


def run(
    data: Path, work: Path, out: Path | None, count: int = COUNT, include: Sequence[Path] = (), side: str = "both"
) -> dict[str, Any]:
    """Answers what is not answered yet, and writes and returns the result. Raises HarnessError."""
    work.mkdir(parents=True, exist_ok=True)
    units = _units(work / "units.jsonl", count, lambda: choose(data, count))
    recorded = archive.recorded(data)
    # The archive's rows are many and cheap on our side.
    rows, outcomes = _both(units, [unit for unit, _, _ in recorded], work, include, side)
    compared = archive.compare(recorded, {row.key: row for row in rows})
    return _written({**_found(rows, outcomes), "archive": archive.as_dict(compared)}, out)


def run_cpp(work: Path, out: Path | None, count: int = COUNT, side: str = "both") -> dict[str, Any]:
    """The same for C++ candidates of the generator, without an archive. Raises HarnessError."""
    work.mkdir(parents=True, exist_ok=True)
    units = _units(work / "units.jsonl", count, lambda: choose_cpp(count))
    return _written(_found(*_both(units, [], work, (), side)), out)


def _both(
    units: Sequence[Unit], ours_alone: Sequence[Unit], work: Path, include: Sequence[Path], side: str
) -> tuple[list[Row], list[Outcome]]:
    """Answers what is not answered yet; all answers of ours, and stock's to the units."""
    if side in ("both", "ours"):
        cache = work / "cache"
        asked = {unit.key: unit for unit in (*units, *ours_alone)}
        if _missing(asked.values(), work / "ours.jsonl"):
            ours.warm(cache, ARCH)
        _answer(asked.values(), work / "ours.jsonl", lambda unit: ours.answer(unit, cache, ARCH), "ours")
    if side in ("both", "stock"):
        _answer(units, work / "stock.jsonl", find_stock(ARCH, include).compile, "stock")
    chosen = {unit.key for unit in units}
    outcomes = [Outcome.from_json(line) for line in _lines(work / "stock.jsonl")]
    return [Row.from_json(line) for line in _lines(work / "ours.jsonl")], [one for one in outcomes if one.key in chosen]


def _found(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "what": "our build in mode auto against g++ and nvcc with torch's own headers and flags",
        "versions": _versions(),
        "shim_against_stock": summary(outcomes, rows),
    }


def _written(found: dict[str, Any], out: Path | None) -> dict[str, Any]:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shim_against_stock", description=(__doc__ or "").split("\n", 1)[0])
    default = os.environ.get("GTM_EXTERNAL_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(default) if default else Path("."),
        help="the folder with the public kernels (default: GTM_EXTERNAL_DATA)",
    )
    parser.add_argument("--out", type=Path, help="the JSON file for the result")
    parser.add_argument("--work", type=Path, help="where the answers are kept (default: in the user's cache)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"units (default {COUNT})")
    parser.add_argument("--include", type=Path, action="append", default=[], help="more headers of CUDA libraries")
    parser.add_argument("--language", choices=("cuda", "cpp"), default="cuda", help="of the units (default cuda)")
    parser.add_argument("--side", choices=("both", "stock", "ours", "none"), default="both", help="what to answer now")
    return parser


def _units(kept: Path, count: int, choice: Callable[[], list[Unit]]) -> list[Unit]:
    """The choice, as it was made the first time: the generator and the data may change between two runs."""
    if kept.exists():
        units = [Unit.from_json(line) for line in _lines(kept)]
        if len(units) >= count:
            return units[:count]
    units = choice()
    partial = kept.with_suffix(".tmp")
    partial.write_text("".join(f"{unit.to_json()}\n" for unit in units))
    partial.replace(kept)
    return units


def _answer(units: Iterable[Unit], kept: Path, ask: Callable[[Unit], _Answer], side: str) -> None:
    left = _missing(units, kept)
    for number, unit in enumerate(left, start=1):
        answer = ask(unit)
        with kept.open("a") as file:
            file.write(answer.to_json() + "\n")
        print(f"{side} {number}/{len(left)} {unit.source} {unit.name}", file=sys.stderr, flush=True)


def _missing(units: Iterable[Unit], kept: Path) -> list[Unit]:
    done = {json.loads(line)["key"] for line in _lines(kept)}
    return [unit for unit in units if unit.key not in done]


def _lines(path: Path) -> list[str]:
    """Whole lines; the last one is cut off where a run was killed while writing it."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return whole.splitlines()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    nvcc = find_nvcc()
    return {"torch": version("torch"), "nvcc": nvcc.version, "arch": ARCH}


if __name__ == "__main__":
    sys.exit(main())
