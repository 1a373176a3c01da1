"""KernelBench's evaluator as a way to label: its own compile cache filled in parallel, then one process a candidate.

That is how its own scripts go about it: `build_compile_cache` in a pool of processes, then `eval_kernel_against_ref` in
a fresh process for each candidate with one limit for all that it does; whatever ends that process without a result is
counted there as a failed compilation. Guarantees: nothing of KernelBench is imported into this process; every process
that was started has ended when a call returns.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.candidates import Job
from kernelbench_harness.errors import HarnessError

CORRECT_TRIALS, TIMED_TRIALS = 5, 100
"""The defaults of KernelBench's scripts."""
_CHILD = "kernelbench_harness.gpu.their_child"


@dataclass(frozen=True)
class Their:
    """Where KernelBench is and how long it may take."""

    sources: Path
    """Folder that holds its package `kernelbench`."""
    build: Path
    """Cache of compiled candidates; empty at first."""
    timeout_s: float = 180.0
    timed_trials: int = TIMED_TRIALS


def locate(folder: Path) -> Path:
    """The folder of KernelBench's sources in a checkout. Raises HarnessError where there is none."""
    for place in (folder / "src", folder):
        if (place / "kernelbench" / "eval.py").is_file():
            return place.resolve()
    raise HarnessError(f"{folder}: no src/kernelbench/eval.py here; give a checkout of KernelBench with --kernelbench")


def precompile(their: Their, jobs: Sequence[Job], workers: int, told: Callable[[str], None]) -> float:
    """Fills its cache, so many at a time; wall seconds. Triton candidates have nothing to compile beforehand."""
    native = [job for job in jobs if backend_of(job[1].code) == "cuda"]
    begin = time.monotonic()
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for number, answer in enumerate(pool.map(lambda job: _ask(their, job, "compile"), native), 1):
            told(f"KernelBench compiles {number} of {len(native)}: {_word(answer)}")
    return time.monotonic() - begin


def evaluate(their: Their, jobs: Iterator[Job]) -> Iterator[dict[str, Any]]:
    """Its answer to each job in turn, with the wall seconds that it took."""
    for job in jobs:
        yield _ask(their, job, "eval")


def backend_of(code: str) -> str:
    """KernelBench's word for what a candidate is written in."""
    return "triton" if "import triton" in code else "cuda"


def _ask(their: Their, job: Job, kind: str) -> dict[str, Any]:
    problem, candidate = job
    build = their.build / candidate.id
    build.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="theirs-") as folder:
        answer = Path(folder) / "answer.json"
        request = {
            "kind": kind,
            "sources": str(their.sources),
            "problem": problem.code,
            "candidate": candidate.code,
            "build": str(build),
            "backend": backend_of(candidate.code),
            "correct_trials": CORRECT_TRIALS,
            "timed_trials": their.timed_trials,
            "answer": str(answer),
        }
        found = _run(json.dumps(request), their.timeout_s, folder)
        if not found:
            try:
                found = json.loads(answer.read_text())
            except (OSError, ValueError):
                found = {"died": "the evaluator ended without an answer"}
    return found | {"wall_s": round(time.monotonic() - begin, 3)}


def _run(request: str, timeout_s: float, folder: str) -> dict[str, Any]:
    """Runs the child to its end; what kept it from answering, or nothing."""
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])},
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(request, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return {"died": f"timed out after {timeout_s:g} s"}
    finally:
        _end(process)
    if process.returncode:
        last = (errors or "").strip().splitlines()
        return {"died": f"status {process.returncode}: {last[-1][:300] if last else 'no message'}"}
    return {}


def _end(process: subprocess.Popen[str]) -> None:
    """Ends a child with whatever it started in its session (ninja, nvcc)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _word(answer: dict[str, Any]) -> str:
    return str(answer.get("died") or ("compiled" if answer.get("compiled") else "failed"))
