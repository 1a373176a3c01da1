"""On a CUDA device: a batch of all kinds of death, what is left of it, times that repeat, the parent's clean hands."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kernelbench_harness.devices import gpus
from kernelbench_harness.engine import label_many
from kernelbench_harness.gpu.cases import ALL, GOOD, Case
from kernelbench_harness.gpu.noise import ON_GPU
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.label import Candidate, Label, Verdict
from kernelbench_harness.store import LabelStore

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not gpus(), reason="no CUDA device (nvidia-smi lists none)"),
]


@pytest.fixture(scope="module")
def options(harness_cache: Path) -> HarnessOptions:
    core = min(os.sched_getaffinity(0))
    return HarnessOptions(device="cuda", cache_dir=harness_cache, core=core, run_timeout_s=20)


@pytest.fixture(scope="module")
def harness(options: HarnessOptions) -> Iterator[Harness]:
    with Harness(options) as made:
        yield made


def case(name: str) -> Case:
    (found,) = (one for one in ALL if one.name == name)
    return found


def label(harness: Harness, one: Case) -> Label:
    return harness.label(one.problem, one.candidate)


def users_of_the_device() -> set[int]:
    """Processes that hold a context on any GPU, as nvidia-smi sees them from here."""
    asked = ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    return {int(line) for line in done.stdout.split() if line.isdigit()}


def used_mib() -> int:
    asked = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
    return int(subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout.split()[0])


def children() -> set[int]:
    """Every living process below this one."""
    found, todo = set(), [os.getpid()]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                new = {int(one) for one in task.read_text().split()} - found
            except OSError:
                continue
            found |= new
            todo += new
    return found


DEADLY = (
    "an illegal address",
    "a device-side assert",
    "an infinite loop in a kernel",
    "all of the device's memory",
    "most of the device's memory, kept",
    "os._exit after a launch",
)


def test_a_batch_survives_every_kind_of_death(options: HarnessOptions, tmp_path: Path) -> None:
    """KernelBench's label bug 7; in between and at the end the same honest candidate, which is always right."""
    jobs = []
    for number, name in enumerate(DEADLY):
        deadly, good = case(name), GOOD.code + f"# {number}\n"
        jobs += [(deadly.problem, deadly.candidate), (GOOD.problem, Candidate(good))]
    with LabelStore(tmp_path / "labels.sqlite") as store:
        summary = label_many(jobs, store, replace(options, timing=False, core=None), None)
        assert summary.failed == 0 and summary.new == len(jobs)
        verdicts = {candidate.id: found.verdict for found, _, candidate in store.iterate()}
        again = label_many(jobs, store, replace(options, timing=False, core=None), None)
        assert (again.new, again.reused) == (0, len(jobs))
    for place, name in enumerate(DEADLY):
        assert verdicts[jobs[2 * place][1].id] in case(name).verdicts, name
        assert verdicts[jobs[2 * place + 1][1].id] is Verdict.CORRECT, f"after {name}"


@pytest.mark.parametrize("name", ["most of the device's memory, kept", "an infinite loop in a kernel", "a trap"])
def test_nothing_is_left_on_the_device(options: HarnessOptions, name: str) -> None:
    before, users = used_mib(), users_of_the_device()
    with Harness(options) as harness:
        assert label(harness, case(name)).verdict in case(name).verdicts
        root = harness._folders._root
        assert [path.name for path in root.iterdir()] == ["lock"]
    assert not root.exists()
    end = time.monotonic() + 10
    while time.monotonic() < end and (used_mib() > before + 64 or users_of_the_device() - users):
        time.sleep(0.2)
    assert used_mib() <= before + 64 and not users_of_the_device() - users


def test_no_process_outlives_the_harness(options: HarnessOptions) -> None:
    before = children()
    with Harness(options) as harness:
        label(harness, case("a loop on the host"))
        label(harness, GOOD)
    end = time.monotonic() + 10
    while time.monotonic() < end and children() - before:
        time.sleep(0.1)
    assert not children() - before


def test_the_parent_opens_no_context(harness: Harness) -> None:
    assert label(harness, GOOD).verdict is Verdict.CORRECT
    assert os.getpid() not in users_of_the_device()
    opened = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [name for name in opened if name.startswith("/dev/nvidia")]


def test_a_time_is_milliseconds_of_the_device(harness: Harness) -> None:
    """KernelBench's label bug 9: a kernel that spins for 60 million cycles takes 30 to 60 ms at 1 to 2 GHz."""
    found = label(harness, case("a kernel of twenty milliseconds"))
    assert found.runtime is not None, found.error or found.unmeasured
    assert min(found.runtime.samples_ms) >= 20.0 and found.runtime.median_ms < 120.0
    assert found.runtime.iqr_ms < 0.2 * found.runtime.median_ms


def test_a_reference_against_itself_is_near_one(harness: Harness) -> None:
    from kernelbench_harness.candidates import reference_candidate

    for problem in ON_GPU:
        found = harness.label(problem, reference_candidate(problem))
        assert found.runtime is not None and found.reference is not None, found.error or found.unmeasured
        assert found.reference.median_ms / found.runtime.median_ms == pytest.approx(1.0, abs=0.1), problem.name


def test_a_cold_cache_is_slower_than_a_warm_one(harness: Harness) -> None:
    """A time below what memory allows would mean that the 2 MB came out of an L2 cache."""
    found = harness.label(GOOD.problem, GOOD.candidate)
    assert found.runtime is not None
    bytes_moved = 2 * 1024 * 512 * 4
    assert found.runtime.median_ms * 1e-3 > bytes_moved / 20e12, "no memory moves 20 TB a second"
    assert found.conditions["candidate"]["l2_flush_bytes"] > 0


def test_a_label_says_where_it_was_made(harness: Harness) -> None:
    found = label(harness, GOOD)
    assert {"before", "after"} <= set(found.conditions["candidate"]["gpu"])
    text = str(harness.environment)
    assert gpus()[0].name in text and "cuda" in text


def test_stock_headers_and_the_shim_agree(options: HarnessOptions) -> None:
    """load_inline's own headers on a box whose torch has them: the same verdict, and the library runs."""
    with Harness(replace(options, compile_mode="stock", timing=False)) as stock:
        found = label(stock, GOOD)
    assert found.verdict is Verdict.CORRECT and found.compiler == "stock", found.error
