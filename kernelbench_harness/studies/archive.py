"""Recorded compile verdicts of the AI CUDA Engineer Archive against ours, row by row.

Guarantees: a difference is listed with the archive's words and ours; nothing is explained away. The reason that a
difference has in the version of torch is named where our first error is one of the changes known here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.exchange.claims import failed_build, first_error_of
from kernelbench_harness.files import json_lines
from kernelbench_harness.studies.ours import Row
from kernelbench_harness.studies.units import ARCHIVE, Unit

_CHANGES = (
    (r"DeprecatedTypeProperties", "torch 2.13 takes no x.type() where a scalar type is wanted; x.scalar_type() is"),
    (r"getCurrentCUDAStream|CUDAStream", "torch 2.13's extension.h no longer includes c10/cuda/CUDAStream.h"),
    (r"getCurrentCUDABlasHandle|CUDAContext", "torch 2.13's extension.h no longer includes ATen/cuda/CUDAContext.h"),
)


@dataclass(frozen=True)
class Compared:
    """One row of the archive."""

    name: str
    recorded: bool
    """Whether it compiled there."""
    recorded_error: str
    ours: bool
    our_error: str
    reason: str
    """Why the two differ, as far as the version of torch or CUDA explains it; empty when they agree."""


def recorded(data: Path) -> list[tuple[Unit, bool, str]]:
    """(unit, whether it compiled, first error line) of every row, in the archive's order."""
    found = []
    for line in json_lines(data / ARCHIVE):
        row = line.value if isinstance(line.value, dict) else {}
        error = str(row.get("Error") or "")
        built = not failed_build(error)
        name = f"{row['Level_ID']}_{row['Task_ID']}_{row['Kernel_Name']}"
        unit = Unit("archive", name, "archive_kernel", None, row["CUDA_Code"])
        found.append((unit, built, "" if built else first_error_of(error)))
    return found


def compare(rows: Iterable[tuple[Unit, bool, str]], ours: Mapping[str, Row]) -> list[Compared]:
    """The rows that we have answered."""
    made = []
    for unit, built, error in rows:
        if unit.key in ours:
            answer = ours[unit.key].built
            why = "" if answer.ok == built else _reason(answer.first_error)
            made.append(Compared(unit.name, built, error, answer.ok, answer.first_error, why))
    return made


def as_dict(rows: list[Compared]) -> dict[str, Any]:
    """JSON values: counts, and every difference."""
    pairs = Counter((row.recorded, row.ours) for row in rows)
    return {
        "rows": len(rows),
        "reproduced": sum(row.recorded == row.ours for row in rows),
        "compiled_in_both": pairs[True, True],
        "failed_in_both": pairs[False, False],
        "differences": [asdict(row) for row in rows if row.recorded != row.ours],
        "failures": [
            {"name": row.name, "recorded": row.recorded_error, "ours": row.our_error}
            for row in rows
            if not row.recorded and not row.ours
        ],
    }


def _reason(error: str) -> str:
    return next((why for pattern, why in _CHANGES if re.search(pattern, error)), "not known to be torch's version")
