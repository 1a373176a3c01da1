"""The label store of a domain: what the real tool really answered, one row a call and environment.

Guarantees: one transaction a label, so kill -9 loses at most the label being written and never breaks the file;
several processes may write at once; a label that is there is never replaced; iteration order depends on the content
alone. Shipped labels travel as parquet beside an environment.json that keeps each environment once.

Does not guarantee: the last labels after a power cut (WAL with synchronous=NORMAL), or a network file system.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Literal, cast

from adapt.domain import Split
from adapt.errors import AdaptError, ArtifactError
from base_gtm.schema import ToolCall, ToolResult, canonical_json, content_hash

Source = Literal["live", "shipped", "recorded"]

_COLUMNS = (
    "key",
    "call_key",
    "tool",
    "arguments",
    "content",
    "is_error",
    "text",
    "seconds",
    "split",
    "cohort",
    "group_",
    "twin",
    "tags",
    "environment",
    "source",
    "run",
)
_TYPES = {"is_error": "INTEGER", "seconds": "REAL", "key": "TEXT PRIMARY KEY"}
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS labels ({", ".join(f"{name} {_TYPES.get(name, 'TEXT')} NOT NULL" for name in _COLUMNS)});
CREATE INDEX IF NOT EXISTS labels_call ON labels (call_key);
CREATE INDEX IF NOT EXISTS labels_order ON labels (split, twin, key);
CREATE TABLE IF NOT EXISTS environments (id TEXT PRIMARY KEY, record TEXT NOT NULL);
"""


@dataclass(frozen=True)
class LabelRecord:
    """One real answer, with what a fair split and an honest report need to know of the call."""

    call: ToolCall
    result: ToolResult
    seconds: float
    """Wall time of the real tool on this call."""
    split: Split
    cohort: str
    group: str
    twin: str
    environment: str
    """Id of the environment record that the store keeps once; "" when unknown."""
    source: Source
    """live: made in this workspace; shipped: came with the domain; recorded: seen between an agent and its tool."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    """Id of the run that made it."""

    @property
    def key(self) -> str:
        """Call and environment: what the store is keyed by."""
        return f"{self.call.key}-{self.environment}"


class LabelStore:
    """Labels in one SQLite file. Open it as a context manager; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the store. Raises ArtifactError when the file is broken or cannot be written."""
        self.path = path
        self._lock = Lock()
        self._kept: set[str] = set()
        with _clear_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _connect(path)
            self._db.executescript(_SCHEMA)

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, record: LabelRecord) -> bool:
        """Store one label in its own transaction; False when the store has it already. Raises ArtifactError."""
        return self.add_many([record]) == 1

    def add_many(self, records: Iterable[LabelRecord]) -> int:
        """Store several labels in one transaction: all or none. Returns how many were new."""
        statement = f"INSERT OR IGNORE INTO labels VALUES ({', '.join('?' * len(_COLUMNS))})"
        rows = [_row(record) for record in records]
        with self._lock, _clear_errors(self.path), self._db:
            before = self._db.total_changes
            self._db.executemany(statement, rows)
            return self._db.total_changes - before

    def add_environment(self, record: Mapping[str, Any]) -> str:
        """Keep an environment record once; returns its id, the content hash."""
        identity = content_hash(record)
        if identity not in self._kept:  # it comes with every answer, and every write is a transaction
            with self._lock, _clear_errors(self.path), self._db:
                self._db.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", (identity, canonical_json(record)))
            self._kept.add(identity)
        return identity

    def environments(self) -> dict[str, dict[str, Any]]:
        """Environment id -> record."""
        return {identity: json.loads(text) for identity, text in self._ask("SELECT id, record FROM environments")}

    def has(self, call: ToolCall, environment: str | None = None) -> bool:
        """Whether the call has a label, in any environment or in the one given."""
        return self.get(call, environment) is not None

    def get(self, call: ToolCall, environment: str | None = None) -> LabelRecord | None:
        """The label of a call: a live one before a shipped one."""
        order = " ORDER BY source = 'live' DESC, key LIMIT 1"
        rows = list(self._select({"call_key": call.key, "environment": environment}, order))
        return rows[0] if rows else None

    def call_keys(self) -> set[str]:
        """Keys of every labelled call: one question instead of one a call."""
        return {key for (key,) in self._ask("SELECT DISTINCT call_key FROM labels")}

    def iterate(
        self, split: str | None = None, cohort: str | None = None, source: str | None = None
    ) -> Iterator[LabelRecord]:
        """Labels, twins beside each other, in an order that depends on the content alone."""
        return self._select({"split": split, "cohort": cohort, "source": source}, " ORDER BY twin, key")

    def count(self, **where: str | None) -> int:
        """How many labels: by split, cohort, source, run, environment."""
        clause, values = _where(where)
        return int(next(iter(self._ask(f"SELECT COUNT(*) FROM labels{clause}", values)))[0])

    def counts(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Labels by the values of some columns, e.g. counts("source", "split")."""
        names = ", ".join(_column(name) for name in columns)
        rows = self._ask(f"SELECT {names}, COUNT(*) FROM labels GROUP BY {names} ORDER BY {names}")
        return {tuple(row[:-1]): row[-1] for row in rows}

    def digest(self, split: str | None = None) -> str:
        """Hash of the labels (calls and results): the input hash that a manifest keeps of a store."""
        digest = sha256()
        clause, values = _where({"split": split})
        for row in self._ask(f"SELECT key, content, is_error, text FROM labels{clause} ORDER BY key", values):
            digest.update(canonical_json(list(row)).encode())
        return digest.hexdigest()[:16]

    def import_parquet(self, folder: Path) -> int:
        """Take in the shipped labels of a folder (*.parquet, environment.json); returns how many were new.

        Raises ArtifactError naming the file that is broken.
        """
        from adapt.parquet import read_environments, read_labels

        files = sorted(folder.glob("*.parquet"))
        if not files:
            return 0
        for record in read_environments(folder).values():
            self.add_environment(record)
        return sum(self.add_many(read_labels(path)) for path in files)

    def export_parquet(self, path: Path, records: Iterable[LabelRecord] | None = None) -> int:
        """Write labels (default: all) as parquet, and their environments into environment.json beside it."""
        from adapt.parquet import write_labels

        return write_labels(path, self.iterate() if records is None else records, self.environments())

    def _select(self, where: Mapping[str, str | None], order: str) -> Iterator[LabelRecord]:
        clause, values = _where(where)
        for row in self._ask(f"SELECT {', '.join(_COLUMNS)} FROM labels{clause}{order}", values):
            yield record_of(dict(zip(_COLUMNS, row, strict=True)))

    def _ask(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows through a connection of their own, so that a reader never holds up or meets a half-made write."""
        with _clear_errors(self.path):
            db = _connect(self.path)
            try:
                yield from db.execute(statement, values)
            finally:
                db.close()


def row_of(record: LabelRecord) -> dict[str, Any]:
    """A label as flat columns, structured ones as canonical JSON text: one row of SQLite or parquet."""
    return dict(zip(_COLUMNS, _row(record), strict=True))


def record_of(row: Mapping[str, Any]) -> LabelRecord:
    """Inverse of `row_of`."""
    return LabelRecord(
        call=ToolCall(row["tool"], json.loads(row["arguments"])),
        result=ToolResult(json.loads(row["content"]), bool(row["is_error"]), row["text"]),
        seconds=float(row["seconds"]),
        split=cast(Split, row["split"]),
        cohort=row["cohort"],
        group=row["group_"],
        twin=row["twin"],
        environment=row["environment"],
        source=cast(Source, row["source"]),
        tags=json.loads(row["tags"]),
        run=row["run"],
    )


def stocked(path: Path, shipped: Path) -> Path:
    """The path of a store, after the labels that ship in a folder went into it, where it holds none yet."""
    if any(shipped.glob("*.parquet")):
        with LabelStore(path) as store:
            if not store.count() and (new := store.import_parquet(shipped)):
                print(f"shipped labels taken in: {new}")
    return path


def _row(record: LabelRecord) -> tuple[Any, ...]:
    return (
        record.key,
        record.call.key,
        record.call.name,
        canonical_json(record.call.arguments),
        canonical_json(record.result.content),
        int(record.result.is_error),
        record.result.text,
        record.seconds,
        record.split,
        record.cohort,
        record.group,
        record.twin,
        canonical_json(record.tags),
        record.environment,
        record.source,
        record.run,
    )


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    return db


def _column(name: str) -> str:
    column = "group_" if name == "group" else name
    if column not in _COLUMNS:
        raise ValueError(f"labels have no column '{name}'")
    return column


def _where(conditions: Mapping[str, str | None]) -> tuple[str, tuple[Any, ...]]:
    chosen = {_column(name): value for name, value in conditions.items() if value is not None}
    clause = " AND ".join(f"{name} = ?" for name in chosen)
    return (f" WHERE {clause}" if clause else "", tuple(chosen.values()))


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """What SQLite or the disk refuses becomes one line that says what is kept and what to do."""
    try:
        yield
    except AdaptError:
        raise
    except sqlite3.OperationalError as error:
        raise ArtifactError(
            f"{path}: cannot be read or written ({error}); what was stored so far is kept: free space or check the "
            "permissions, then run the same command again"
        ) from None
    except sqlite3.DatabaseError as error:
        raise ArtifactError(f"{path}: not a label store ({error}); move it away and run `adapt label` again") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be written ({error.strerror})") from None


def training_digest(store: LabelStore) -> str:
    """Hash of every label that training reads; equal digests need no second training."""
    return content_hash([store.digest("train"), store.digest("validation")])
