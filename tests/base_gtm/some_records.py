"""Records to train on in tests: single calls of six small tools that really compute.

Guarantees: the same seed gives the same records. A record's source is its tool's field, so that there are several.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from base_gtm.data import Record, write_records
from base_gtm.example import Provenance
from base_gtm.teachers.executable.teacher import ExecutableTeacher

TOOLS = (
    "convert_apr_apy",
    "convert_temperature",
    "identifier_case_convert",
    "matrix_determinant",
    "modular_inverse",
    "tempo_delay_time",
)
"""Of six fields, with the shortest specs; their answers hold numbers, truth values, listed values, text and lists."""


def some_records(count: int, seed: int = 0) -> Iterator[Record]:
    """So many records."""
    return itertools.islice(_endless(seed), count)


def write_some(path: Path, count: int, seed: int = 0) -> Path:
    """The path, where now so many records lie."""
    write_records(path, some_records(count, seed))
    return path


def _endless(seed: int) -> Iterator[Record]:
    teacher = ExecutableTeacher()
    tools = [tool for tool in teacher.tools if tool.spec.name in TOOLS]
    for job in itertools.count():
        made = Provenance(teacher.name, seed, job)
        tool = made.random("tool").choice(tools)
        scene = teacher.single(tool, made)
        if scene is not None:
            yield Record(tool.spec, scene.turns[0].call, scene.turns[0].result, source=tool.field)
