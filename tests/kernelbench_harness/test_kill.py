"""kill -9 at random moments: the store in the end is the one of an undisturbed run, and nothing is left behind."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_jobs import PROBLEM, RELU, contents, count_inserts, inserts, real_jobs

from kernelbench_harness.store import LabelStore

ROOT = Path(__file__).resolve().parents[2]
_SUBREAPER = 36


class Command:
    """`kernelbench-harness label` on the jobs, again and again into one store."""

    def __init__(self, folder: Path, cache: Path, count: int, workers: int) -> None:
        (folder / "level1").mkdir(exist_ok=True)
        (folder / "level1" / f"{PROBLEM.name}.py").write_text(RELU)
        lines = (json.dumps({"code": c.code, "name": c.name, "problem": p.name}) for p, c in real_jobs(count))
        (folder / "jobs.jsonl").write_text("\n".join(lines))
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
        given = "--scale full --problem-version corpus --no-timing --json"
        base = [sys.executable, "-m", "kernelbench_harness.cli", "label", "level1", "jobs.jsonl"]
        self.command = [*base, *given.split(), "--workers", str(workers), "--out"]

    def start(self, out: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, str(out)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, out: Path) -> dict[str, int]:
        process = self.start(out)
        stdout, stderr = process.communicate(timeout=240)
        assert process.returncode == 0, stderr
        told: dict[str, int] = json.loads(stdout)
        return told


@contextlib.contextmanager
def orphans() -> Iterator[set[int]]:
    """Makes this process the parent of its descendants' orphans; yields the children that were there before."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield children()
    finally:
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)


def children() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def wait_for_orphans(before: set[int], limit_s: float = 20.0) -> None:
    """Until every child that was not there before has ended. Fails when one does not."""
    deadline = time.monotonic() + limit_s
    while left := children() - before:
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_text()[:200] for pid in left]
        time.sleep(0.02)


def killed_and_finished(folder: Path, cache: Path, jobs: int, kills: int, longest_s: float, workers: int) -> int:
    """Kill the command `kills` times, by turns a random while after its start and after a label of it, then let it
    finish; compare with one that was left alone. Returns how many kills fell between the first label and the last."""
    rng = random.Random(7)
    command = Command(folder, cache, jobs, workers)
    alone, out = folder / "alone.sqlite", folder / "killed.sqlite"
    told = command.finish(alone)
    assert told["new"] == jobs
    count_inserts(out)
    met = 0
    with orphans() as before:
        for number in range(kills):
            process = command.start(out)
            if number % 2:
                wait_for_a_label(process, out)
                time.sleep(rng.uniform(0.0, 0.5))
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(rng.uniform(0.3, longest_s))
            met += process.poll() is None and 0 < labels(out) < jobs
            process.send_signal(signal.SIGKILL)
            process.communicate()
            wait_for_orphans(before)
        done = command.finish(out)
        wait_for_orphans(before)
    assert done["new"] + done["reused"] == jobs
    with LabelStore(alone) as undisturbed, LabelStore(out) as disturbed:
        assert contents(disturbed) == contents(undisturbed)
        assert sorted(inserts(disturbed)) == sorted(contents(undisturbed)), "nothing labelled twice"
        assert disturbed._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return met


def wait_for_a_label(process: subprocess.Popen[str], path: Path) -> None:
    """Until the store has one more, or the process has ended."""
    with LabelStore(path) as store:
        before = sum(store.counts().values())
        while process.poll() is None and sum(store.counts().values()) == before:
            time.sleep(0.01)


def labels(path: Path) -> int:
    with LabelStore(path) as store:
        return sum(store.counts().values())


@pytest.fixture
def cache(tmp_path: Path, build_cache: Path) -> Path:
    """A user's cache folder with the builds of earlier test runs."""
    (tmp_path / "cache" / "kernelbench-harness").mkdir(parents=True)
    (tmp_path / "cache" / "kernelbench-harness" / "build").symlink_to(build_cache)
    return tmp_path / "cache"


@pytest.mark.timeout(300)
def test_four_kills(tmp_path: Path, cache: Path) -> None:
    assert killed_and_finished(tmp_path, cache, jobs=10, kills=4, longest_s=4.0, workers=2) >= 1


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_a_hundred_kills(tmp_path: Path, cache: Path) -> None:
    assert killed_and_finished(tmp_path, cache, jobs=1400, kills=100, longest_s=4.0, workers=2) >= 80
