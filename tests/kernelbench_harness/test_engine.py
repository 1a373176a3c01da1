"""The engine: what it skips, keeps, collects and survives. A small labeller stands in for the harness where only the
engine is on trial; `test_real_harness` runs the real one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kernelbench_harness import errors
from kernelbench_harness.candidates import reference_candidate
from kernelbench_harness.engine import Failure, Labeller, label_many
from kernelbench_harness.errors import HarnessError, PlaceError, ProblemError, StoreError, ToolchainError
from kernelbench_harness.label import STAGES, Candidate, Label, Problem, Stage, Verdict
from kernelbench_harness.problems import load_problems
from kernelbench_harness.progress import Plain
from kernelbench_harness.scale import shrink_all
from kernelbench_harness.store import LabelStore


@dataclass(frozen=True)
class Options:
    """What the engine itself reads of the harness's options."""

    core: int = -1
    device: str = "cpu"
    compile_only: bool = False


OPTIONS: Any = Options()
GOOD, BROKEN = Problem("good", "g", 1, 1), Problem("broken", "b", 1, 2)


class Echo:
    """Labels by the candidate's text: a verdict's name. Counts what it was asked."""

    def __init__(self, core: int, environment: str = "e1", pause_s: float = 0.0) -> None:
        self.core, self.environment_id, self.pause_s = core, environment, pause_s
        self.environment: Mapping[str, Any] = {"name": environment}
        self.asked: list[str] = []

    def label(self, problem: Problem, candidate: Candidate) -> Label:
        self.asked.append(candidate.code)
        time.sleep(self.pause_s)
        if problem is BROKEN:
            raise ProblemError("problem broken cannot be built (no Model)")
        verdict = Verdict(candidate.code.split(":")[0])
        text = "what went wrong"
        return Label(
            problem.id, candidate.id, "full", verdict, min(STAGES[verdict]), text, text, environment=self.environment_id
        )


class Opener:
    """Opens `Echo`es and remembers them."""

    def __init__(self, **given: Any) -> None:
        self.given, self.opened, self.closed = given, [], 0  # type: ignore[var-annotated]
        self.lock = threading.Lock()

    @contextmanager
    def __call__(self, options: Any) -> Iterator[Labeller]:
        echo = Echo(options.core, **self.given)
        with self.lock:
            self.opened.append(echo)
        try:
            yield echo
        finally:
            with self.lock:
                self.closed += 1

    @property
    def asked(self) -> list[str]:
        return [code for echo in self.opened for code in echo.asked]


def jobs(count: int, problem: Problem = GOOD) -> list[tuple[Problem, Candidate]]:
    return [(problem, Candidate(f"{'timeout' if n % 3 else 'wrong_value'}:{n}")) for n in range(count)]


def test_counts_and_resume(tmp_path: Path) -> None:
    opener = Opener()
    with LabelStore(tmp_path / "l.sqlite") as store:
        first = label_many(jobs(6), store, OPTIONS, open_labeller=opener)
        assert dict(first.counts) == {"timeout": 4, "wrong_value": 2}
        assert (first.new, first.reused, first.interrupted) == (6, 0, False)
        assert first.labels_per_hour is not None and first.labels_per_hour > 0
        again = label_many(jobs(9), store, OPTIONS, open_labeller=opener)
        assert (again.new, again.reused) == (3, 6)
        assert dict(again.counts) == {"timeout": 6, "wrong_value": 3}
        assert len(opener.asked) == 9 and opener.closed == 2
        none = label_many(jobs(9), store, OPTIONS, open_labeller=opener)
        assert (none.new, none.reused, none.labels_per_hour) == (0, 9, None)


def test_another_environment_is_labelled_again(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "l.sqlite") as store:
        label_many(jobs(3), store, OPTIONS, open_labeller=Opener())
        other = label_many(jobs(3), store, OPTIONS, open_labeller=Opener(environment="e2"))
        assert (other.new, other.reused) == (3, 0)


def test_a_repeated_job_runs_once_and_a_stream_may_be_lazy(tmp_path: Path) -> None:
    opener = Opener()
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(iter(jobs(3) + jobs(3)), store, OPTIONS, open_labeller=opener)
    assert (summary.new, summary.reused, len(opener.asked)) == (3, 3, 3)


def test_a_broken_problem_is_asked_once_and_stops_nothing(tmp_path: Path) -> None:
    opener = Opener()
    mixed = [*jobs(2), *jobs(3, BROKEN), *jobs(4)[2:]]
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(mixed, store, OPTIONS, open_labeller=opener)
    assert (summary.new, summary.failed) == (4, 3)
    assert summary.failures == (Failure("broken", "problem broken cannot be built (no Model)", 3, of_problem=True),)
    assert len(opener.asked) == 5


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_workers_have_cores_of_their_own(tmp_path: Path) -> None:
    opener = Opener(pause_s=0.05)
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(jobs(12), store, OPTIONS, workers=2, open_labeller=opener)
    assert summary.new == 12
    assert len({echo.core for echo in opener.opened}) == 2
    assert all(echo.asked for echo in opener.opened)
    assert sorted(opener.asked) == sorted(candidate.code for _, candidate in jobs(12))


def test_more_workers_than_cores_or_jobs_are_not_opened(tmp_path: Path) -> None:
    opener = Opener()
    with LabelStore(tmp_path / "l.sqlite") as store:
        label_many(jobs(1), store, OPTIONS, workers=99, open_labeller=opener)
    assert len(opener.opened) == 1


def test_a_machine_that_fails_ends_the_run_with_its_error(tmp_path: Path) -> None:
    @contextmanager
    def no_compiler(options: Any) -> Iterator[Labeller]:
        raise ToolchainError("no g++ on this machine; install it")
        yield

    with LabelStore(tmp_path / "l.sqlite") as store, pytest.raises(ToolchainError, match="no g\\+\\+"):
        label_many(jobs(3), store, OPTIONS, workers=2, open_labeller=no_compiler)


def test_a_store_that_fails_ends_the_run_with_its_error(tmp_path: Path) -> None:
    store = LabelStore(tmp_path / "l.sqlite")
    store.close()
    with pytest.raises(StoreError):
        label_many(jobs(3), store, OPTIONS, open_labeller=Opener())


def test_ctrl_c_ends_cleanly_and_discards_what_was_under_way(tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test-suite in the background inherits it ignored
    opener = Opener(pause_s=0.3)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    with LabelStore(tmp_path / "l.sqlite") as store:
        timer.start()
        summary = label_many(jobs(50), store, OPTIONS, open_labeller=opener)
        timer.join()
        assert summary.interrupted
        assert 1 <= summary.new < 10
        assert sum(store.counts().values()) == summary.new == len(opener.asked) - 1
        rest = label_many(jobs(6), store, OPTIONS, open_labeller=Opener())
        assert rest.new + rest.reused == 6


KILLED = """
import sys
sys.path[:0] = {paths!r}
from test_engine import GOOD, OPTIONS, Opener, jobs
from kernelbench_harness.engine import label_many
from kernelbench_harness.store import LabelStore
class Tell:
    def __enter__(self): return self
    def __exit__(self, *rest): pass
    def advance(self, what, *, fresh=True): print(what, flush=True)
with LabelStore(sys.argv[1]) as store:
    label_many(jobs(1000), store, OPTIONS, progress=Tell(), open_labeller=Opener(pause_s=0.01))
"""


def test_kill_9_then_resume_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    here = Path(__file__).resolve()
    script = KILLED.format(paths=[str(here.parent), str(here.parents[2])])
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = 0
    while seen < 10 and process.stdout.readline():
        seen += 1
    process.kill()
    process.wait()
    opener = Opener()
    with LabelStore(path) as store:
        kept = sum(store.counts().values())
        assert kept >= seen == 10
        summary = label_many(jobs(60), store, OPTIONS, open_labeller=opener)
        assert (summary.reused, summary.new) == (min(kept, 60), 60 - min(kept, 60))
        assert len(opener.asked) == summary.new


def test_plain_progress_says_rate_and_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain("labels", 4) as progress:
        progress.advance("correct")
        progress.advance("timeout")
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.startswith("labels: 2/4 in 0 s (")
    assert "correct 1, timeout 1" in out.err


RELU = """\
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features):
        super(Model, self).__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.rand(16, 16)]


def get_init_inputs():
    return [16]
"""


@pytest.mark.timeout(120)
def test_real_harness(tmp_path: Path) -> None:
    harness = pytest.importorskip("kernelbench_harness.harness")
    problem = Problem("relu", RELU, 1, 19, "corpus")
    wrong = reference_candidate(problem).code.replace("torch.relu", "torch.tanh")
    broken = Problem("broken", RELU.replace("nn.Linear(features, features)", "nn.Linear(features)"), 1, 20, "corpus")
    work = [
        (problem, reference_candidate(problem)),
        (problem, Candidate(wrong)),
        (problem, Candidate("def (")),
        (broken, reference_candidate(problem)),
    ]
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(work, store, harness.HarnessOptions(cache_dir=tmp_path / "cache"))
        assert dict(summary.counts) == {"compile_error": 1, "correct": 1, "wrong_value": 1}
        assert [failure.name for failure in summary.failures] == ["broken"]
        (environment,) = {label.environment for label, _, _ in store.iterate()}
        assert store.environment(environment)
        again = label_many(work[:3], store, harness.HarnessOptions(cache_dir=tmp_path / "cache"))
        assert (again.new, again.reused) == (0, 3)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_real_problems_are_correct_with_their_own_model(tmp_path: Path) -> None:
    """Every tenth of the 200 problems of levels 1 and 2, at the cpu scale."""
    data = os.environ.get("GTM_EXTERNAL_DATA")
    if not data:
        pytest.skip("set GTM_EXTERNAL_DATA to the folder with kernelbench_problems.jsonl")
    harness = pytest.importorskip("kernelbench_harness.harness")
    sample = load_problems(str(Path(data) / "kernelbench_problems.jsonl"), levels=[1, 2])[4::10]
    small = [problem for problem in shrink_all(sample, "cpu") if isinstance(problem, Problem)]
    with LabelStore(tmp_path / "l.sqlite") as store:
        work = [(problem, reference_candidate(problem)) for problem in small]
        summary = label_many(work, store, harness.HarnessOptions(cache_dir=tmp_path / "cache"), workers=2)
        wrong = [(p.name, label.verdict, label.first_error) for label, p, _ in store.iterate() if label.runtime is None]
    assert len(small) == 20
    assert (wrong, summary.failures, dict(summary.counts)) == ([], (), {"correct": 20})


class Faulty(Echo):
    """Raises what the candidate's text says, as often as it says: "HarnessError 2:name"."""

    raised: ClassVar[Counter[str]] = Counter()

    def label(self, problem: Problem, candidate: Candidate) -> Label:
        kind, _, rest = candidate.code.partition(" ")
        times = int(rest.split(":")[0] or 0) if rest else 0
        if self.raised[candidate.code] < times:
            self.raised[candidate.code] += 1
            raise {"OSError": OSError(errno.ENOSPC, "No space left on device"), "bug": TypeError("no such thing")}.get(
                kind
            ) or getattr(errors, kind)(f"told to fail by {candidate.code}")
        return _timeout(problem, candidate)


def _timeout(problem: Problem, candidate: Candidate) -> Label:
    return Label(problem.id, candidate.id, "full", Verdict.TIMEOUT, Stage.RUN, "slow", "slow", environment="e1")


@contextmanager
def faulty(options: Any) -> Iterator[Labeller]:
    Faulty.opened += 1  # type: ignore[attr-defined]
    yield Faulty(options.core)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Any:
    Faulty.raised.clear()
    monkeypatch.setattr(Faulty, "opened", 0, raising=False)
    return Faulty


def told_to(*codes: str) -> list[tuple[Problem, Candidate]]:
    return [(GOOD, Candidate(code, f"name of {code}")) for code in codes]


def test_a_worker_that_dies_is_replaced_and_the_job_tried_once_more(tmp_path: Path, faults: Any) -> None:
    work = told_to("HarnessError 1:a", "HarnessError 0:b", "bug 5:c", "HarnessError 0:d")
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(work, store, OPTIONS, open_labeller=faulty)
        assert (summary.new, summary.failed) == (3, 1)
        assert faults.raised == {"HarnessError 1:a": 1, "bug 5:c": 2}
        assert faults.opened == 4, "a fresh worker after each of the three failures"
        assert summary.failures == (Failure("name of bug 5:c", "TypeError: no such thing (tried 2 times)"),)


def test_an_error_of_one_candidate_is_collected_and_not_tried_again(tmp_path: Path, faults: Any) -> None:
    work = told_to("RequestError 9:a", "CandidateError 9:b", "ToolchainError 9:d", "HarnessError 0:c")
    with LabelStore(tmp_path / "l.sqlite") as store:
        summary = label_many(work, store, OPTIONS, open_labeller=faulty)
    assert (summary.new, faults.raised.total(), faults.opened) == (1, 3, 1)
    assert [(one.name, one.reason) for one in summary.failures] == [
        ("name of RequestError 9:a", "told to fail by RequestError 9:a"),
        ("name of CandidateError 9:b", "told to fail by CandidateError 9:b"),
        ("name of ToolchainError 9:d", "told to fail by ToolchainError 9:d"),
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [("PlaceError 9:a", PlaceError), ("OSError 9:a", HarnessError)],
)
def test_a_fault_of_the_machine_ends_the_run(tmp_path: Path, faults: Any, code: str, error: type[HarnessError]) -> None:
    with (
        LabelStore(tmp_path / "l.sqlite") as store,
        pytest.raises(error, match=r"told to fail|No space left.*free some"),
    ):
        label_many(told_to("HarnessError 0:a", code, "HarnessError 0:b"), store, OPTIONS, open_labeller=faulty)
    with LabelStore(tmp_path / "l.sqlite") as store:
        assert store.counts() == {"timeout": 1}


def test_workers_that_only_fail_end_the_run(tmp_path: Path, faults: Any) -> None:
    work = told_to(*(f"HarnessError 9:{n}" for n in range(20)))
    with (
        LabelStore(tmp_path / "l.sqlite") as store,
        pytest.raises(HarnessError, match="8 jobs in a row failed on fresh workers too"),
    ):
        label_many(work, store, OPTIONS, open_labeller=faulty)


def test_the_rate_counts_fresh_labels_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain("labels", 10) as progress:
        for _ in range(4):
            progress.advance("correct", fresh=False)
        progress._start -= 3600
        progress.advance("correct")
    assert "5/10 in 3600 s (1/h, 18000 s left)" in capsys.readouterr().err


def test_each_runner_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelbench_harness.devices import Gpu
    from kernelbench_harness.engine import ahead, here, local
    from kernelbench_harness.options import HarnessOptions

    two = tuple(Gpu(n, f"GPU-{n}", "NVIDIA X", "sm_80", "580", "80000", "1980", "700") for n in range(2))
    monkeypatch.setattr("kernelbench_harness.devices.gpus", lambda: two)
    monkeypatch.setattr("kernelbench_harness.engine.cores.usable_cores", lambda: list(range(8)))
    monkeypatch.setattr("kernelbench_harness.engine.here.usable_cores", lambda: list(range(8)))
    given: list[HarnessOptions] = []

    class Pool(local.LocalPool):
        def __init__(self, options: HarnessOptions, workers: int, opener: Any = None, devices: Any = ()) -> None:
            super().__init__(options, workers, opener, devices)
            given.extend([options] * workers)
            self.devices, self.workers = devices, workers

    monkeypatch.setattr(here, "LocalPool", Pool)
    place = here.here(HarnessOptions(device="cuda"), None)
    assert isinstance(place, ahead.CompileAhead)
    runners, compilers = place._runners, place._compilers
    assert isinstance(runners, Pool) and isinstance(compilers, Pool)
    assert (runners.devices, runners.workers, compilers.workers) == (["cuda:0", "cuda:1"], 2, 6)
    told = given[-1]
    assert (told.compile_only, told.device, told.arch, told.timing) == (True, "cpu", "sm_80", False)
    assert here.devices(HarnessOptions(device="cuda:1")) == ["cuda:1"]
    with pytest.raises(HarnessError, match="this machine shows 2 GPUs"):
        here.devices(HarnessOptions(device="cuda:7"))
    alone = here.here(HarnessOptions(), 3)
    assert isinstance(alone, Pool) and alone.workers == 3


def test_compiling_ahead_changes_no_label_and_is_bounded(tmp_path: Path) -> None:
    from kernelbench_harness.engine.ahead import CompileAhead
    from kernelbench_harness.engine.local import LocalPool

    compiled, ran = Opener(environment="c"), Opener(pause_s=0.02)
    drawn: list[int] = []

    def stream() -> Iterator[tuple[Problem, Candidate]]:
        for job in jobs(30):
            drawn.append(len(drawn) - len(ran.asked))
            yield job

    with LabelStore(tmp_path / "l.sqlite") as store:
        place = CompileAhead(LocalPool(OPTIONS, 2, compiled), LocalPool(OPTIONS, 1, ran), look=4)
        summary = label_many(stream(), store, OPTIONS, backend=place)
        assert {label.environment for label, _, _ in store.iterate()} == {"e1"}
    assert (summary.new, summary.failed) == (30, 0)
    assert sorted(compiled.asked) == sorted(ran.asked) == sorted(candidate.code for _, candidate in jobs(30))
    assert max(drawn) <= 4 + 1 + 1, "no more than the look-ahead and what the runner holds"
    assert (compiled.closed, ran.closed) == (len(compiled.opened), len(ran.opened))


def test_a_compiler_that_fails_leaves_the_job_to_the_runner(tmp_path: Path, faults: Any) -> None:
    from kernelbench_harness.engine.ahead import CompileAhead
    from kernelbench_harness.engine.local import LocalPool

    work = told_to("HarnessError 1:a", "CandidateError 1:b", "bug 1:c", "HarnessError 0:d")
    with LabelStore(tmp_path / "l.sqlite") as store:
        place = CompileAhead(LocalPool(OPTIONS, 1, faulty), LocalPool(OPTIONS, 1, timeouts), look=2)
        summary = label_many(work, store, OPTIONS, backend=place)
    assert (summary.new, summary.failed) == (4, 0)
    assert faults.raised.total() == 3


@contextmanager
def timeouts(options: Any) -> Iterator[Labeller]:
    echo = Echo(options.core)
    echo.label = _timeout  # type: ignore[method-assign]
    yield echo


def test_outcomes_are_taken_one_by_one_and_leaving_early_ends_the_workers() -> None:
    from kernelbench_harness.engine import outcomes
    from kernelbench_harness.engine.local import LocalPool

    opener = Opener(pause_s=0.01)
    with LocalPool(OPTIONS, 2, opener) as pool:
        stream = outcomes(jobs(1000), pool)
        found = [next(stream) for _ in range(5)]
        stream.close()
    assert all(outcome.label is not None and outcome.label.candidate == job[1].id for job, outcome in found)
    assert opener.closed == len(opener.opened)
    assert len(opener.asked) < 20


def test_two_pools_take_different_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelbench_harness.engine.cores import Core, usable_cores

    monkeypatch.setattr("kernelbench_harness.engine.cores._folder", lambda: tmp_path)  # others of this user are at work
    count = len(usable_cores())
    first = Core.reserve_many(1)
    second = Core.reserve_many(count)
    try:
        assert len({core.number for core in second}) == count
        if count > 1:
            assert second[0].number != first[0].number, "the free ones come first"
    finally:
        for core in [*first, *second]:
            core.release()


def test_options_survive_the_way_to_a_cluster(tmp_path: Path) -> None:
    from kernelbench_harness.engine import message
    from kernelbench_harness.options import HarnessOptions

    options = HarnessOptions(
        cache_dir=tmp_path / "c", objects=tmp_path / "o", device="cuda", arch="sm_80", timing_samples=(3, 9), core=1
    )
    assert message.options_of(message.options_text(options), 1) == options
