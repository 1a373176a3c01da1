"""Which records are asked: calls of unseen tools, and records of training tools that may be copied from.

Guarantees: the tools of the whole folder are split before a record is chosen; the same folder, numbers and seed give
the same records; more of them begin with the fewer; of a record that is asked, the tool has just given the same answer
again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

from base_gtm.collection.collected import Collected
from base_gtm.data.split import Split, split_tools
from base_gtm.errors import DataError
from base_gtm.example import KINDS, Example, Kind, parts_of, read_part, tool_of
from base_gtm.teachers.executable.kit import SOURCE

_TOOL = ("spec", "field", "subfield", "source", "origin", "response")
_SPARE = 1.3
"""Training records that are looked at for each that is wanted: some have a held-out tool in their history."""


@dataclass(frozen=True)
class Chosen:
    """Records of a folder."""

    unseen: tuple[Example, ...]
    """To be asked, kind after kind."""
    known: tuple[Example, ...]
    """Of training tools."""
    split: Split
    disputed: int
    """Records left out because the tool answers otherwise by now."""


@dataclass(frozen=True)
class _Place:
    """Where a record stands, and what decides whether it is chosen."""

    rank: str
    part: Path
    row: int
    kind: Kind
    tool: str


def choose(folder: Path, number: int, known: int, seed: int, doubt: Callable[[Example], str | None]) -> Chosen:
    """`number` records of unseen tools of each kind, and `known` ones of training tools. Raises DataError."""
    places, tools = _survey(folder, seed)
    split = split_tools(tools)
    unseen = [place for place in places if place.tool in split.unseen]
    if not unseen:
        raise DataError(f"{folder}: no record of an unseen tool among {len(tools):,} tools; generate more records")
    chosen = [place for kind in KINDS for place in _first(number, [one for one in unseen if one.kind == kind])]
    held = split.unseen | split.like_unseen | split.validation
    others = _first(int(known * _SPARE), [place for place in places if place.tool not in held])
    found = _read(chosen + others)
    true = [one for one in (found[place] for place in chosen) if doubt(one) is None]
    if not true:
        raise DataError(f"{folder}: the tools answer otherwise in every record; generate them again with this version")
    train = [one for one in (found[place] for place in others) if split.part(one) == "train"][:known]
    return Chosen(tuple(true), tuple(train), split, len(chosen) - len(true))


def _first(number: int, places: Sequence[_Place]) -> list[_Place]:
    return nsmallest(number, places, key=lambda place: place.rank)


def _survey(folder: Path, seed: int) -> tuple[list[_Place], list[Collected]]:
    """Every record's place, and every tool."""
    tools: dict[str, Collected] = {}
    keys: dict[tuple[str, ...], str] = {}
    places: list[_Place] = []
    for part in parts_of(folder):
        for number, row in enumerate(read_part(part, [*_TOOL, "kind", "key", "teacher"]).to_pylist()):
            if row["teacher"] != SOURCE:
                raise DataError(f"{part}: records of {row['teacher']}; only those of executable tools can be run again")
            told = tuple(row[name] for name in _TOOL)
            if told not in keys:
                tool = tool_of(row)
                keys[told] = tool.key  # a hash of the whole spec, dear to take 200,000 times
                tools[tool.key] = tool
            rank = hashlib.sha256(f"{seed}/{row['key']}".encode()).hexdigest()
            places.append(_Place(rank, part, number, row["kind"], keys[told]))
    return places, list(tools.values())


def _read(places: Sequence[_Place]) -> dict[_Place, Example]:
    found: dict[_Place, Example] = {}
    for part in sorted({place.part for place in places}):
        here = [place for place in places if place.part == part]
        rows = read_part(part).take([place.row for place in here]).to_pylist()
        found |= {place: Example.of_row(row) for place, row in zip(here, rows, strict=True)}
    return found
