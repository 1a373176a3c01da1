"""Labels in files small enough to travel: gzipped JSON lines, each file whole in itself.

The first line is {"environments": {id: record}}, every other one label with its problem, its candidate and what is
known about it. Guarantees: no file is larger than the limit (but one of a single enormous label); each is written whole
or not at all; equal labels give equal bytes. Does not guarantee an order.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.label import Candidate, Label, Problem
from kernelbench_harness.store import LabelStore

LIMIT_BYTES = 15_000_000
_EVERY = 50
"""Lines between two looks at the size; a line is a few kilobytes before it is compressed."""


@dataclass(frozen=True)
class Row:
    """One label as it travels."""

    label: Label
    problem: Problem
    candidate: Candidate
    about: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        raw = {
            "label": json.loads(self.label.to_json()),
            "problem": asdict(self.problem),
            "code": self.candidate.code,
            "name": self.candidate.name,
            "about": dict(self.about),
        }
        return json.dumps(raw, sort_keys=True).encode() + b"\n"


def write_shards(
    folder: Path,
    stem: str,
    rows: Iterable[Row],
    environments: Mapping[str, Mapping[str, Any]],
    limit: int = LIMIT_BYTES,
) -> list[Path]:
    """Files STEM-000.jsonl.gz, ...; those of an earlier writing are replaced or removed."""
    folder.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"environments": environments}, sort_keys=True).encode() + b"\n"
    written: list[Path] = []
    for number, raw in enumerate(_packed(rows, head, limit)):
        path = folder / f"{stem}-{number:03}.jsonl.gz"
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(raw)
        os.replace(beside, path)
        written.append(path)
    for old in folder.glob(f"{stem}-[0-9][0-9][0-9].jsonl.gz"):
        if old not in written:
            old.unlink()
    return written


def _packed(rows: Iterable[Row], head: bytes, limit: int) -> Iterator[bytes]:
    """The bytes of each file. A file is closed well before the limit: what the compressor holds back is small."""
    buffer, packer = _opened(head)
    lines = 0
    for row in rows:
        line = row.line()
        # A line never takes more room compressed than plain.
        if lines and buffer.tell() + len(line) > limit:
            packer.close()
            yield buffer.getvalue()
            buffer, packer = _opened(head)
            lines = 0
        packer.write(line)
        lines += 1
        if lines % _EVERY == 0 or len(line) > limit // 100:
            packer.flush()  # so that the buffer's size is what was written
    if lines:
        packer.close()
        yield buffer.getvalue()


def _opened(head: bytes) -> tuple[io.BytesIO, gzip.GzipFile]:
    buffer = io.BytesIO()
    packer = gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0)
    packer.write(head)
    return buffer, packer


def read_shards(paths: Sequence[Path]) -> tuple[list[Row], dict[str, dict[str, Any]]]:
    """Every row of some files, and the environments of all. Raises HarnessError naming the file and the line."""
    rows: list[Row] = []
    environments: dict[str, dict[str, Any]] = {}
    for path in paths:
        number = 0
        try:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    raw = json.loads(line)
                    if number == 1:
                        environments |= raw["environments"]
                        continue
                    label = Label.from_json(json.dumps(raw["label"]))
                    problem = Problem(**raw["problem"])
                    rows.append(Row(label, problem, Candidate(raw["code"], raw["name"]), raw["about"]))
        except FileNotFoundError:
            raise HarnessError(f"{path}: no such file; give a .jsonl.gz that `labels` wrote") from None
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise HarnessError(
                f"{path}:{number}: no shard of labels ({error}); copy it from its machine again"
            ) from None
    return rows, environments


def add_to(store: LabelStore, rows: Iterable[Row], environments: Mapping[str, Mapping[str, Any]]) -> int:
    """Puts rows into a store; how many were new."""
    return sum(
        store.add(row.label, row.problem, row.candidate, environments.get(row.label.environment, {})) for row in rows
    )
