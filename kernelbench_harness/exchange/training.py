"""Writes a store's labels for training: parquet with everything, or examples of a simulator as JSON lines.

An example is one call and its answer: `prompt` has the arguments of a kernel validator (reference, candidate),
`result` what it answers (verdict, compiled, correct, and runtime_ms or error); the other columns say what a fair split
needs to know. Labels that a machine with a GPU made so become training labels of a domain elsewhere.

Guarantees: a file is written whole or not at all; an example appears once for each candidate on each problem, a label
made by the harness before an imported claim, and says which it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.exchange.records import choose
from kernelbench_harness.exchange.rows import COLUMNS, neutral_rows
from kernelbench_harness.exchange.run_folder import Exported, refuse_used
from kernelbench_harness.label import COMPILING, Stage, Verdict, text_hash
from kernelbench_harness.store import LabelStore

ERROR_LIMIT = 160
"""Characters of the first error line that an example has."""
_BATCH = 512


def export_parquet(store: LabelStore, out: Path) -> Exported:
    """One row a label. Raises HarnessError when `out` is there already or pyarrow is missing."""
    refuse_used(out)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise HarnessError("writing parquet needs pyarrow; pip install datasets") from None
    kinds = {
        "string": pyarrow.string(),
        "int64": pyarrow.int64(),
        "float64": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "list": pyarrow.list_(pyarrow.string()),
        "floats": pyarrow.list_(pyarrow.float64()),
    }
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    written = 0

    def write(draft: Path) -> None:
        nonlocal written
        rows = neutral_rows(store)
        with pyarrow.parquet.ParquetWriter(draft, schema, compression="zstd") as writer:
            while batch := [_sound(row) for row in islice(rows, _BATCH)]:
                writer.write_batch(pyarrow.RecordBatch.from_pylist(batch, schema=schema))
                written += len(batch)

    _whole(out, write)
    return Exported(written, (out,))


def _sound(row: dict[str, Any]) -> dict[str, Any]:
    """Text that UTF-8 can hold: a lone surrogate becomes a question mark."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in row.items()
    }


def export_examples(store: LabelStore, out: Path, verified_only: bool = False) -> Exported:
    """One JSON object a line: prompt, result, and what is known of them. Raises HarnessError when `out` is there."""
    refuse_used(out)
    counts = {"written": 0, "left": 0}

    def write(draft: Path) -> None:
        with draft.open("w", encoding="utf-8") as handle:
            for example in examples(store):
                if verified_only and not example["verified"]:
                    counts["left"] += 1
                    continue
                handle.write(json.dumps(example) + "\n")
                counts["written"] += 1

    _whole(out, write)
    notes = [f"{counts['left']} unverified claims left out"] if counts["left"] else []
    return Exported(counts["written"], (out,), tuple(notes))


def examples(store: LabelStore) -> Iterator[dict[str, Any]]:
    """The training examples of a store, one for each candidate on each problem."""
    chosen = set(choose(store).keys.values())
    for row in neutral_rows(store):
        if row["key"] in chosen:
            yield example_of(row)


def example_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `neutral_rows` as an example. The split is by problem: all candidates of one share it."""
    share = int(text_hash(row["problem_name"], str(row["level"])), 16) % 100
    return {
        "prompt": {"reference": row["reference"], "candidate": row["candidate"]},
        "result": result_of(row),
        "verified": row["verified"],
        "split": "test" if share < 12 else "validation" if share < 20 else "train",
        "group": row["problem_name"],
        "seconds": json.loads(row["seconds"]).get("total"),
        "tags": {
            "level": row["level"],
            "problem_id": row["problem_id"],
            "problem_version": row["problem_version"],
            "scale": row["scale"],
            "stage": row["stage"],
            "candidate_name": row["candidate_name"],
            "evidence": row["evidence"],
            "runtime_statistic": row["runtime_statistic"],
            "unmeasured": row["unmeasured"],
            "samples": row["samples"],
        },
        "key": row["key"],
        "environment": row["environment"],
        "environment_record": json.loads(row["environment_record"]),
    }


def result_of(row: dict[str, Any]) -> dict[str, Any]:
    """What a kernel validator answers. A compilation that ran out of time left nothing to run: it did not compile. Of a
    candidate that was only compiled it says no more."""
    if row["verdict"] == Verdict.COMPILED:
        return {"verdict": row["verdict"], "compiled": True}
    built = row["verdict"] != "compile_error" and Stage(row["stage"]) not in COMPILING
    content: dict[str, Any] = {
        "verdict": row["verdict"] if built else "compile_error",
        "compiled": built,
        "correct": row["correct"],
    }
    if row["correct"]:
        return content | ({} if row["runtime_ms"] is None else {"runtime_ms": float(f"{row['runtime_ms']:.3g}")})
    return content | {"error": row["first_error"][:ERROR_LIMIT]}


def _whole(out: Path, write: Callable[[Path], None]) -> None:
    """Write a draft beside `out` and put it in its place."""
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        write(draft)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
