"""timing, window, quiet, conditions, retime: honest times, taken alone, with what the machine was like beside them."""

from __future__ import annotations

import gc
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernelbench_harness.baseline import kernelbench_form, measure_baseline
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.judge.window import Window
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Verdict
from kernelbench_harness.progress import Silent
from kernelbench_harness.stability import measure_stability
from kernelbench_harness.timing import conditions, quiet
from kernelbench_harness.timing import measure as timing
from kernelbench_harness.timing.measure import Protocol, measure
from kernelbench_harness.timing.quiet import Quiet

ADD = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x, y):
        return x + y

def get_inputs():
    return [torch.rand(64, 128), torch.rand(64, 128)]

def get_init_inputs():
    return []
"""
PROBLEM = Problem("add", ADD)
GOOD = Candidate(ADD.replace("class Model(", "class ModelNew("))


@pytest.fixture(scope="module")
def harness(harness_cache: Path) -> Iterator[Harness]:
    options = HarnessOptions(cache_dir=harness_cache, core=min(os.sched_getaffinity(0)))
    with Harness(options) as made:
        yield made


# Samples


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_every_call_has_inputs_of_its_own_and_the_last_outputs_are_kept() -> None:
    made: list[int] = []
    called: list[int] = []

    def fresh(index: int) -> list[int]:
        made.append(index)
        return [index]

    def call(inputs: list[int]) -> int:
        called.append(inputs[0])
        inputs[0] = -1  # inputs that are used twice would show
        return called[-1]

    found = measure(call, fresh, keep=3)
    assert -1 not in called and called == made
    timed = called[found.warm_ups :]
    assert timed == list(range(len(found.samples) * found.inner))
    assert found.kept == {index: index for index in timed[-3:]}
    assert found.inner == timing.MOST_INNER, "a call far below the clock's resolution is made many times"


def test_a_sample_is_the_time_of_one_call_however_many_it_holds() -> None:
    quick = measure(lambda _: spin(20e-6), lambda index: index)
    assert quick.inner in (4, 8), "20 us and what a call costs"
    assert 0.019 < statistics.median(quick.samples) < 0.2
    slow = measure(lambda _: spin(3e-3), lambda index: index)
    assert slow.inner == 1
    assert 3.0 <= min(slow.samples) < 20.0


def test_large_inputs_are_not_prepared_by_the_dozen() -> None:
    found = measure(lambda _: None, lambda index: index, input_bytes=timing.INPUT_BYTES // 2)
    assert found.inner == 2


def test_sampling_ends_at_the_target_or_with_the_budget() -> None:
    steady = measure(lambda _: spin(5e-4), lambda index: index, protocol=Protocol(target=0.5))
    assert 20 <= len(steady.samples) <= 200 and timing.standard_error(steady.samples) <= 0.5
    assert steady.claims["wall_ms"] >= 50, "spread over the least time"
    waits = iter([0.001, 0.004] * 500)
    begin = time.perf_counter()
    unsteady = measure(lambda _: spin(next(waits)), lambda index: index, protocol=Protocol(target=1e-6, budget_s=0.1))
    assert time.perf_counter() - begin < 1.5
    assert 5 <= len(unsteady.samples) < 200
    few = measure(lambda _: spin(0.02), lambda index: index, protocol=Protocol(budget_s=0.01, fewest=7))
    assert len(few.samples) == 7, "fewest samples, whatever the budget"


def test_garbage_is_not_collected_meanwhile_and_again_afterwards() -> None:
    seen: list[bool] = []
    measure(lambda _: seen.append(gc.isenabled()), lambda index: index)
    assert not any(seen[60:]) and gc.isenabled()


def test_replacing_the_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    found = measure(lambda _: sum(range(2000)), lambda index: index)
    assert min(found.samples) > 0.001


def test_the_caches_are_written_over_between_samples() -> None:
    evict = timing._Evictor(3 << 20)
    assert evict._buffer is not None
    evict()
    evict()
    assert set(evict._buffer.raw[:: 1 << 16]) == {2} and evict._buffer.raw[-1] == 2


def test_standard_errors_and_quartiles() -> None:
    assert timing.quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
    assert timing.standard_error([3.0] * 9) == 0.0
    assert timing.standard_error([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(1.2533 * 2 / 1.349 / 5**0.5 / 3)
    assert not timing.valid_samples([1.0, 2.0]) and not timing.valid_samples([1.0, 2.0, float("nan")])


# Claims against the parent's clock


@pytest.fixture
def window(tmp_path: Path) -> Window:
    made = Window(Quiet(tmp_path), None)
    made.open()
    return made


def claim(samples: list[float], **others: object) -> dict[str, object]:
    return {"kind": "timed", "samples": samples, "inner": 1, "warm_ups": 3, "claims": {}} | others


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (claim([9.0] * 20), "more than the time that passed"),
        (claim([0.001] * 20, inner=3000), "not numbers"),
        (claim([0.5] * 20, inner=32), "more than the time that passed"),
        (claim([0.001, -1.0, 0.001]), "not numbers"),
        (claim([0.001] * 20, inner="many"), "not numbers"),
        (claim([0.001] * 2), "not numbers"),
    ],
)
def test_claims_that_cannot_be(window: Window, message: dict[str, object], error: str) -> None:
    time.sleep(0.01)
    assert window.take(message) == 0
    assert error in window.error


def test_claims_that_explain_the_time_need_no_second_look(window: Window) -> None:
    begin = time.monotonic()
    while time.monotonic() - begin < 0.05:
        pass
    passed = (time.monotonic() - window._began) * 1000
    assert window.take(claim([0.8 * passed / 4] * 4)) == 0
    assert not window.error and not window.pending


def test_claims_far_below_what_passed_are_held_against_our_clock(window: Window) -> None:
    time.sleep(0.1)
    calls = window.take(claim([0.05] * 20))
    assert calls > 1 and window.pending
    blocks = 0
    while calls:
        window.start_block()
        time.sleep(0.001 * calls)  # a millisecond a call, a twentieth of it claimed
        calls = window.end_block()
        blocks += 1
    assert blocks > 5, "one slow block condemns nobody"
    assert "host clock" in window.evidence and window.pending


def test_one_good_block_clears_an_honest_claim(window: Window) -> None:
    time.sleep(0.1)
    calls = window.take(claim([0.5] * 20))
    window.start_block()
    time.sleep(0.05)  # somebody else had the core
    assert window.end_block() == calls
    window.start_block()
    assert window.end_block() == 0
    assert not window.evidence and not window.pending
    assert window.account()["host_clock_ms"] < 0.5


def test_calls_that_nobody_asked_for(window: Window) -> None:
    assert window.end_block() == 0
    assert "nobody asked" in window.error


# Alone


def test_one_alone_keeps_all_others_out(tmp_path: Path) -> None:
    inside: list[str] = []
    overlaps: list[str] = []
    stop = time.monotonic() + 1.5
    entered = {"shared": 0, "alone": 0}

    def work(alone: bool) -> None:
        mine = Quiet(tmp_path)
        while time.monotonic() < stop:
            with mine.working():
                kind = "shared"
                if alone:
                    assert mine.alone()
                    kind = "alone"
                inside.append(kind)
                now = list(inside)
                time.sleep(0.002)
                if (alone and len(now) > 1) or (not alone and "alone" in now):
                    overlaps.append(str(now))
                entered[kind] += 1
                inside.remove(kind)

    threads = [threading.Thread(target=work, args=(alone,)) for alone in (False, False, False, True, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not overlaps
    assert entered["alone"] >= 5 and entered["shared"] >= 5, "neither kind starves"


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kernelbench_harness.timing.quiet import Quiet\n"
        "q = Quiet(Path(sys.argv[1]))\n"
        "with q.working(): print(q.alone(), flush=True); time.sleep(60)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    mine = Quiet(tmp_path)
    taken: list[float] = []

    def enter() -> None:
        with mine.working():
            taken.append(time.monotonic())

    thread = threading.Thread(target=enter)
    thread.start()
    time.sleep(0.2)
    assert not taken, "the other process is alone"
    killed = time.monotonic()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    thread.join(20)
    assert taken and taken[0] >= killed and mine.waited_s > 0.1


def test_a_holder_that_never_leaves_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "PATIENCE_S", 0.1)
    with Quiet(tmp_path).working():
        other = Quiet(tmp_path)
        with other.working():
            assert not other.alone() and not other.held


def test_without_exclusion_nothing_is_locked(tmp_path: Path) -> None:
    one = Quiet(tmp_path, exclusive=False)
    with one.working():
        assert not one.alone()
    assert not list(tmp_path.iterdir())


# Conditions


def test_conditions_are_json_and_say_what_this_machine_tells() -> None:
    watch = conditions.Watch(min(os.sched_getaffinity(0)))
    found = watch.end()
    assert json.loads(json.dumps(found)) == found
    assert found["before"]["running"] >= 1 and found["before"]["load"] >= 0
    assert found["seconds"] >= 0


def test_conditions_of_a_machine_that_tells_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq": "3400000\n",
        "sys/class/hwmon/hwmon0/temp1_input": "41500\n",
        "sys/class/thermal/thermal_zone0/temp": "-273000\n",
        "sys/devices/system/cpu/cpu3/cache/index0/size": "32K\n",
        "sys/devices/system/cpu/cpu3/cache/index0/level": "1\n",
        "sys/devices/system/cpu/cpu3/cache/index0/shared_cpu_list": "3\n",
        "sys/devices/system/cpu/cpu3/cache/index3/size": "32768K\n",
        "sys/devices/system/cpu/cpu3/cache/index3/level": "3\n",
        "sys/devices/system/cpu/cpu3/cache/index3/shared_cpu_list": "0-7\n",
        "sys/devices/system/cpu/cpu3/cache/index2/size": "1024K\n",
        "sys/devices/system/cpu/cpu3/cache/index2/level": "2\n",
        "sys/devices/system/cpu/cpu3/cache/index2/shared_cpu_list": "3,11\n",
        "sys/devices/system/cpu/cpu3/topology/thread_siblings_list": "3,11\n",
        "proc/stat": "cpu3 1 2 3 4 5 6 7 250 0 0\nprocs_running 4\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(conditions, "_SYSTEM", tmp_path / "sys")
    monkeypatch.setattr(conditions, "_PROCESSES", tmp_path / "proc")
    conditions._sensors.cache_clear()
    found = conditions.snapshot(3)
    conditions._sensors.cache_clear()
    assert (found["mhz"], found["celsius"], found["running"]) == (3400.0, 41.5, 4)
    assert conditions._stolen_ms(3) == 250 * 1000 / os.sysconf("SC_CLK_TCK")
    assert conditions.private_cache_bytes(3) == 1 << 20, "threads of one core share it; the last level is not private"


def test_conditions_of_a_machine_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "_SYSTEM", tmp_path)
    monkeypatch.setattr(conditions, "_PROCESSES", tmp_path)
    conditions._sensors.cache_clear()
    found = conditions.snapshot(0)
    conditions._sensors.cache_clear()
    assert set(found) <= {"cores", "load"}
    assert "stolen_ms" not in conditions.Watch(0).end()


# Labels


def label(harness: Harness, candidate: Candidate = GOOD) -> Label:
    found = harness.label(PROBLEM, candidate)
    assert found.verdict is Verdict.CORRECT, found.error
    return found


def test_a_label_holds_both_times_and_their_conditions(harness: Harness) -> None:
    found = label(harness)
    assert found.runtime is not None and found.reference is not None and not found.unmeasured
    assert len(found.runtime.samples_ms) >= 5
    for who in ("candidate", "reference"):
        account = found.conditions[who]
        assert account["alone"] is True and account["calls_per_sample"] >= 1
        assert account["process"]["cpu_ms"] > 0 and "involuntary_switches" in account["process"]
        assert {"before", "after", "standard_error", "clock_ns"} <= set(account)
    assert 0 < found.seconds["alone"] < found.seconds["total"]
    assert Label.from_json(found.to_json()) == found


def test_a_reference_against_itself_is_near_one(harness: Harness) -> None:
    """Five per cent on a quiet machine (docs/results.md); here others run, so within a tenth, or on both sides of one:
    a harness that favours one of the two would stay on one side."""
    ratios: list[float] = []
    for _ in range(12):
        found = label(harness)
        assert found.runtime is not None and found.reference is not None
        ratios.append(found.reference.median_ms / found.runtime.median_ms)
        if abs(ratios[-1] - 1) < 0.1 or min(ratios) < 1 < max(ratios):
            return
    pytest.fail(f"always on one side: {ratios}")


def test_a_slower_candidate_is_slower(harness: Harness) -> None:
    twice = GOOD.code.replace("return x + y", "return x + y + torch.zeros(64, 128).sin().sum()")
    found = label(harness, Candidate(twice))
    assert found.runtime is not None and found.reference is not None
    assert found.runtime.median_ms > 1.3 * found.reference.median_ms


def test_without_timing_a_correct_label_ends_at_its_values(harness_cache: Path) -> None:
    with Harness(HarnessOptions(cache_dir=harness_cache, timing=False)) as untimed:
        found = label(untimed)
        assert (found.stage, found.unmeasured) == (Stage.VALUE, "timing turned off")
        assert found.runtime is None and found.reference is None and not found.conditions
        assert found.seconds["alone"] == 0
        wrong = untimed.label(PROBLEM, Candidate(GOOD.code.replace("x + y", "x - y")))
        assert wrong.verdict is Verdict.WRONG_VALUE and not wrong.unmeasured


def test_a_slowed_clock_is_noticed(harness: Harness) -> None:
    code = GOOD.code.replace("import torch\n", "import torch, sys\n", 1) + (
        "_t = sys.modules['kernelbench_harness.timing.measure']\n_real = _t._clock\n_t._clock = lambda: _real() / 50\n"
    )
    found = harness.label(PROBLEM, Candidate(code))
    assert found.verdict is Verdict.CHEATING and found.evidence, found.error


def test_baselines_are_kernelbench_files_of_either_kind(harness_cache: Path) -> None:
    bad = Problem("bad", "x = 1")
    times, failures = measure_baseline([PROBLEM, bad], HarnessOptions(cache_dir=harness_cache), Silent(), ("eager",))
    assert len(failures) == 1 and "bad" in failures[0]
    entry = times["level1"]["add.py"]["eager"]
    assert 0 < entry["min"] <= entry["median"] <= entry["max"] and entry["num_trials"] >= 5
    assert {"mean", "std", "hardware", "device"} <= set(entry)
    assert kernelbench_form(times) == {"level1": {"add.py": entry}}
    assert kernelbench_form(times, "compile") == {"level1": {}}
    assert list(times["environments"]) == [times["level1"]["add.py"]["environment"]]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_compiled_baseline_has_a_time_or_a_reason(harness_cache: Path) -> None:
    times, _ = measure_baseline([PROBLEM], HarnessOptions(cache_dir=harness_cache), Silent(), ("eager", "compile"))
    entry = times["level1"]["add.py"]
    assert ("compile" in entry) != bool(entry.get("unmeasured"))
    if "compile" in entry:
        assert entry["compile"]["median"] > 0


def test_the_stability_of_two_runs(harness_cache: Path) -> None:
    found = measure_stability(HarnessOptions(cache_dir=harness_cache), 2, problems=[PROBLEM])
    assert json.loads(json.dumps(found)) == found
    for one in found["problems"].values():
        assert len(one["medians_ms"]) == len(one["speedup_against_itself"]) == 2
        assert one["spread"] >= 0 and one["alone_s"] > 0
    with pytest.raises(HarnessError, match="two runs"):
        measure_stability(HarnessOptions(cache_dir=harness_cache), 1)


@pytest.mark.parametrize(
    "wrong", [{"timing_samples": (1, 5)}, {"timing_samples": (9, 5)}, {"timing_error": 0.0}, {"timing_budget_s": 0.0}]
)
def test_options_of_timing_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(HarnessError):
        HarnessOptions(**wrong)  # type: ignore[arg-type]
