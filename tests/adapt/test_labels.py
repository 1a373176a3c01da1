"""The label store: nothing lost, nothing twice, and a clear word when the disk or the file is bad."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapt.errors import ArtifactError
from adapt.labels import LabelRecord, LabelStore, stocked
from base_gtm.schema import ToolCall, ToolResult


def record(number: int, environment: str = "", **changes) -> LabelRecord:
    label = LabelRecord(
        call=ToolCall("tool", {"x": number, "text": "ä\n" * number}),
        result=ToolResult({"verdict": "odd" if number % 2 else "even"}),
        seconds=0.25,
        split="train" if number % 3 else "test",
        cohort="seen",
        group=f"g{number % 4}",
        twin=f"t{number // 2}",
        environment=environment,
        source="live",
        tags={"site": [1, 2]},
        run="r1",
    )
    return replace(label, **changes)


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    labels = [record(n) for n in range(6)]
    labels.append(record(9, result=ToolResult({}, True, "'x' is missing")))
    with LabelStore(tmp_path / "deep" / "labels.sqlite") as store:
        assert all(store.add(label) for label in labels)
        assert not store.add(labels[0]), "a label is never replaced"
        assert sorted(store.iterate(), key=lambda r: r.call.arguments["x"]) == labels
        assert store.get(labels[3].call) == labels[3]
        assert store.has(labels[0].call) and not store.has(ToolCall("tool", {"x": 100}))
        assert {r.split for r in store.iterate(split="test")} == {"test"}
        assert store.counts("split", "cohort") == {("test", "seen"): 3, ("train", "seen"): 4}
        assert store.count(run="r1", split="test") == 3
        assert store.call_keys() == {label.call.key for label in labels}
        with pytest.raises(ValueError, match="no column"):
            store.counts("seconds; DROP TABLE labels")


def test_order_and_digest_depend_on_the_content_alone(tmp_path: Path) -> None:
    labels = [record(n) for n in range(20)]
    with LabelStore(tmp_path / "a.sqlite") as one, LabelStore(tmp_path / "b.sqlite") as two:
        one.add_many(labels)
        two.add_many(reversed(labels))
        assert list(one.iterate()) == list(two.iterate())
        assert one.digest() == two.digest()
        two.add(record(99))
        assert one.digest() != two.digest()
        twins = [label.twin for label in one.iterate()]
        assert all(twins[i] == twins[i + 1] for i in range(0, 20, 2)), "twins stand beside each other"


def test_the_same_call_in_two_environments_is_two_labels(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "l.sqlite") as store:
        here = store.add_environment({"compiler": "a"})
        there = store.add_environment({"compiler": "b"})
        assert store.add_environment({"compiler": "a"}) == here
        assert store.add(record(1, there, source="shipped")) and store.add(record(1, here))
        assert store.count() == 2
        kept = store.get(record(1).call)
        assert kept is not None and kept.source == "live"
        assert store.environments() == {here: {"compiler": "a"}, there: {"compiler": "b"}}


def test_an_environment_that_comes_with_every_answer_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store, LabelStore(path) as other:
        here = store.add_environment({"compiler": "a"})
        other._db.execute("BEGIN IMMEDIATE")  # whoever writes now waits for this one
        assert store.add_environment({"compiler": "a"}) == here
        other._db.rollback()
        assert store.add_environment({"compiler": "b"}) != here
        assert other.add_environment({"compiler": "a"}) == here and len(other.environments()) == 2


def test_labels_ship_as_parquet_with_their_environment(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    with LabelStore(tmp_path / "a.sqlite") as store:
        environment = store.add_environment({"cores": 2})
        store.add_many([record(n, environment) for n in range(50)])
        assert store.export_parquet(folder / "part.parquet") == 50
        labels = list(store.iterate())
    with LabelStore(tmp_path / "b.sqlite") as other:
        assert other.import_parquet(folder) == 50
        assert other.import_parquet(folder) == 0, "taking them in twice changes nothing"
        assert list(other.iterate()) == [replace(label, source="shipped", run="") for label in labels]
        assert other.environments() == {environment: {"cores": 2}}
    assert [path.name for path in sorted(folder.iterdir())] == ["environment.json", "part.parquet"]


def test_an_empty_store_is_stocked_with_what_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped, path = tmp_path / "labels", tmp_path / "b.sqlite"
    assert stocked(path, shipped) == path and not path.exists(), "a domain without labels leaves no file"
    with LabelStore(tmp_path / "a.sqlite") as store:
        environment = store.add_environment({"cores": 2})
        store.add_many([record(n, environment) for n in range(5)])
        store.export_parquet(shipped / "part.parquet")
    stocked(path, shipped)
    assert capsys.readouterr().out == "shipped labels taken in: 5\n"
    with LabelStore(tmp_path / "own.sqlite") as own:
        own.add(record(9, own.add_environment({"cores": 2})))
    stocked(tmp_path / "own.sqlite", shipped)
    with LabelStore(tmp_path / "own.sqlite") as own:
        assert own.count() == 1, "labels of one's own are not mixed with others unasked"


def test_export_refuses_an_unknown_environment(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "a.sqlite") as store:
        store.add(record(1, "0123456789abcdef"))
        with pytest.raises(ArtifactError, match="environment 0123456789abcdef"):
            store.export_parquet(tmp_path / "x.parquet")


def test_broken_shipped_files_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    with LabelStore(tmp_path / "a.sqlite") as store:
        store.add(record(1, store.add_environment({"cores": 2})))
        store.export_parquet(folder / "part.parquet")
        (folder / "environment.json").write_text(json.dumps({"0" * 16: {"cores": 3}}))
        with pytest.raises(ArtifactError, match=r"environment\.json: must map the hash"):
            store.import_parquet(folder)
        (folder / "environment.json").write_text("{}")
        (folder / "part.parquet").write_bytes(b"PAR1 not really")
        with pytest.raises(ArtifactError, match=r"part\.parquet: cannot be read"):
            store.import_parquet(folder)


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(ArtifactError, match=r"labels\.sqlite: not a label store"):
        LabelStore(path)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_labels import record
from adapt.labels import LabelStore
with LabelStore(Path(sys.argv[1])) as store:
    for n in range(int(sys.argv[3]), int(sys.argv[4])):
        store.add(record(n))
        print(n, flush=True)
"""


def start_writer(path: Path, first: int, last: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, environment) -> None:
    path = tmp_path / "labels.sqlite"
    child = start_writer(path, 0, 100_000, environment)
    assert child.stdout is not None
    for _ in range(100):
        last = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    child.wait(timeout=10)
    with LabelStore(path) as store:
        stored = {label.call.arguments["x"] for label in store.iterate()}
        assert set(range(last + 1)) <= stored
        assert store.add(record(200_000)), "the file is whole and can be written"


def test_several_processes_write_at_once(tmp_path: Path, environment) -> None:
    path = tmp_path / "labels.sqlite"
    children = [start_writer(path, first, first + 150, environment) for first in (0, 100, 200)]
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    with LabelStore(path) as store:
        assert store.count() == 350


def test_a_full_disk_is_one_line_and_keeps_what_was_stored(tmp_path: Path, environment) -> None:
    path = tmp_path / "labels.sqlite"
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n{WRITER}"
    command = [sys.executable, "-c", code, str(path), str(Path(__file__).parent), "0", "5000"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    assert "ArtifactError" in done.stderr and "cannot be read or written" in done.stderr.splitlines()[-1]
    with LabelStore(path) as store:
        assert store.count() == len(done.stdout.split()) > 50
