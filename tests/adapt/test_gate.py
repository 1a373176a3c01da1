"""The gate: who answers, what is asked once, what stays warm, what a failure does to everybody who waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from gates import Simulated, Watched, always, broken_ones, domain_of, engine_of, truth, with_engine

from adapt.domain import RealTool
from adapt.errors import AdaptError, ArtifactError
from adapt.gate import Confident, Gate, Hybrid, Real, Simulate, policy
from base_gtm.schema import ToolResult


@pytest.mark.parametrize("given", [Simulate(), Real(), Hybrid(0), Hybrid(30), Confident()])
def test_a_policy_survives_its_text(given: object) -> None:
    assert policy(str(given)) == given
    assert policy(given) is given  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "simulated", "hybrid", "hybrid:", "hybrid:-1", "hybrid:x", "hybrid:1.5", "real:1"]
)
def test_what_is_no_policy_is_one_line(text: str) -> None:
    with pytest.raises(AdaptError, match="give simulate, real, hybrid:K"):
        policy(text)


def test_real_answers_come_in_order_at_once_and_once(tmp_path: Path) -> None:
    tool = Watched(pause_s=0.1)
    with Gate(domain_of(tool, tmp_path), policy="real", workers=4) as gate:
        begun = time.monotonic()
        given = [{"n": n} for n in (3, 4, 4, 8, 1, 6, 3)]
        answers = gate.call_many(given)
        assert time.monotonic() - begun < 0.45, "five different calls of 0.1 s on four workers"
        assert [answer.result for answer in answers] == [truth(one) for one in given]
        assert sorted(tool.asked) == [1, 3, 4, 6, 8] and tool.most_at_once > 1
        assert {answer.source for answer in answers} == {"real"} and all(one.confidence is None for one in answers)
        assert [("asked before" in one.why, one.seconds > 0) for one in answers] == [
            (False, True),
            (False, True),
            (True, False),
            (False, True),
            (False, True),
            (False, True),
            (True, False),
        ]
        again = gate.call({"n": 8})
        assert again.result == truth({"n": 8}) and len(tool.asked) == 5
        assert gate.counts == {"arguments": 0, "simulator": 0, "exact": 0, "real": 8} and gate.remembered == 3
        assert 0.5 <= gate.seconds["real"] < 2
        assert (tool.opened, tool.closed) == (4, 0), "warm, also while nobody asks"
    assert tool.closed == 4


def test_what_is_asked_twice_may_be_asked_twice(tmp_path: Path) -> None:
    tool, kept = Watched(), dict[str, ToolResult]()
    with Gate(domain_of(tool, tmp_path), policy="real", workers=1, deduplicate=False, replay=kept) as gate:
        gate.call_many([{"n": 2}, {"n": 2}, {"n": 3}])
        gate.call({"n": 2})
    assert tool.asked == [2, 2, 3, 2] and len(kept) == 4
    with Gate(domain_of(tool, tmp_path), policy="real", workers=1, deduplicate=False, replay=kept) as gate:
        gate.call_many([{"n": 2}, {"n": 3}, {"n": 2}, {"n": 2}, {"n": 2}])
        assert gate.remembered == 4 and tool.asked == [2, 2, 3, 2, 2], "the fourth 2 was never asked before"


def test_a_replay_answers_exactly_and_takes_what_is_new(tmp_path: Path) -> None:
    tool, kept = Watched(), dict[str, ToolResult]()
    given = [{"n": n} for n in range(6)]
    with Gate(domain_of(tool, tmp_path), policy="real", replay=kept, workers=2) as gate:
        first = gate.call_many(given)
        assert len(kept) == 6, "written before the answers are out"
    other = Watched()
    with Gate(domain_of(other, tmp_path), policy="real", replay=kept, workers=2) as gate:
        again = gate.call_many([*given, {"n": 100}])
        assert [one.result for one in again[:6]] == [one.result for one in first]
        assert other.asked == [100] and gate.remembered == 6 and len(kept) == 7
        assert all("replayed" in one.why and one.seconds == 0 for one in again[:6])


def test_many_threads_share_one_real_answer(tmp_path: Path) -> None:
    tool = Watched(pause_s=0.02)
    with Gate(domain_of(tool, tmp_path), policy="real", workers=3) as gate, ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda n: (n, gate.call({"n": n % 10}).result), range(60)))
    assert all(result == truth({"n": n % 10}) for n, result in found)
    assert sorted(tool.asked) == list(range(10))
    assert gate.counts["real"] == 60 and gate.remembered == 50


def test_wrong_arguments_reach_nobody(tmp_path: Path) -> None:
    tool, simulator = Watched(), always("even", 1.0)
    bad = [{}, {"n": "2"}, {"n": 2, "m": 1}, {"n": None}, [2], None, "n", {"n": float("nan")}]
    bad += [{"n": 1, "note": "\ud800"}, {"n": float("inf")}]
    for chosen in ("real", "simulate", "gate"):
        with Gate(domain_of(tool, tmp_path), policy=chosen, specialist=simulator) as gate:  # type: ignore[arg-type]
            answers = gate.call_many(bad)
            assert {answer.source for answer in answers} == {"arguments"}
            assert all(answer.result.is_error and "halves" in answer.result.text for answer in answers)
            assert gate.counts["arguments"] == len(bad)
    assert not tool.asked and not simulator.batches
    assert "'n'" in answers[0].result.text or "n" in answers[0].result.text


def test_hybrid_follows_the_step_and_policies_are_switched_while_others_call(tmp_path: Path) -> None:
    tool, simulator = Watched(pause_s=0.001), always("odd", 0.95)
    with Gate(domain_of(tool, tmp_path), policy="hybrid:2", specialist=simulator, workers=2) as gate:  # type: ignore[arg-type]
        sources = []
        for step in range(4):
            gate.step = step
            sources.append(gate.call({"n": step}).source)
        assert sources == ["simulator", "simulator", "real", "real"]
        stop, seen = threading.Event(), set()

        def ask(number: int) -> int:
            count = 0
            while not stop.is_set():
                given = [{"n": 1000 * number + n % 7} for n in range(count, count + 3)]
                seen.update((answer.source, str(answer.why)) for answer in gate.call_many(given))
                count += 3
            return count

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, number) for number in range(4)]
            for turn in range(20):
                gate.policy = ("simulate", Real(), "hybrid:3")[turn % 3]
                gate.step = turn % 5
                time.sleep(0.01)
            stop.set()
            total = sum(future.result() for future in asking)
        assert sum(gate.counts.values()) == total + 4
        assert {"simulator", "real"} == {source for source, _ in seen}
        with pytest.raises(AdaptError, match="give simulate"):
            gate.policy = "sometimes"
        assert gate.policy == Real() or isinstance(gate.policy, Simulate | Hybrid)


def test_a_switch_opens_what_it_needs_and_keeps_the_old_policy_where_it_cannot(tmp_path: Path) -> None:
    @contextmanager
    def absent() -> Iterator[RealTool]:
        raise AdaptError("halves: no such machine here")
        yield

    domain, simulator = domain_of(absent, tmp_path), always("odd", 0.95)
    for chosen in ("real", "hybrid:5", "gate"):
        with pytest.raises(AdaptError, match="no such machine here"):
            Gate(domain, policy=chosen, specialist=simulator).__enter__()  # type: ignore[arg-type]
    with Gate(domain, policy="simulate", specialist=simulator) as gate:  # type: ignore[arg-type]
        with pytest.raises(AdaptError, match="no such machine here"):
            gate.policy = "real"
        assert gate.policy == Simulate() and gate.call({"n": 1}).source == "simulator"
    tool = Watched()
    with Gate(domain_of(tool, tmp_path), policy="simulate", specialist=simulator, workers=1) as gate:  # type: ignore[arg-type]
        assert tool.opened == 0
        gate.policy = "real"
        assert tool.opened == 1 and gate.call({"n": 1}).source == "real"


def test_confident_asks_whom_the_calibration_says(tmp_path: Path) -> None:
    sure = {"even": 0.95, "odd": 0.04, "broken": 0.01}
    unsure = {"even": 0.5, "odd": 0.45, "broken": 0.05}
    tool, simulator = Watched(), Simulated(lambda n: unsure if n % 10 == 1 else sure)
    with Gate(domain_of(tool, tmp_path), policy="gate", specialist=simulator) as gate:  # type: ignore[arg-type]
        answers = gate.call_many([{"n": n} for n in (2, 21, 2000, 2)])
    assert [answer.source for answer in answers] == ["simulator", "real", "real", "simulator"]
    assert "0.500, threshold 0.900" in answers[1].why and "foreign: unheard of" in answers[2].why
    assert [answer.confidence for answer in answers] == [0.95, 0.5, 0.95, 0.95]
    assert simulator.batches == [3], "one batch, and equal calls once"
    assert sorted(tool.asked) == [21, 2000]
    assert answers[1].seconds >= 0.001 and gate.seconds["simulator"] == pytest.approx(0.002 + 2 * 0.001)
    uncalibrated = Simulated(lambda n: sure)
    uncalibrated.calibration = None  # type: ignore[assignment]
    with pytest.raises(ArtifactError, match="adapt calibrate halves"):
        Gate(domain_of(tool, tmp_path), policy="gate", specialist=uncalibrated).__enter__()  # type: ignore[arg-type]
    unpromised = Simulated(lambda n: sure, None)
    with Gate(domain_of(tool, tmp_path), policy="gate", specialist=unpromised) as gate:  # type: ignore[arg-type]
        answer = gate.call({"n": 2})
        assert answer.source == "real" and "no threshold" in answer.why and answer.confidence is None
        assert not unpromised.batches


def test_an_exact_check_settles_the_doubt_that_it_can_settle(tmp_path: Path) -> None:
    doubts = {
        1: {"even": 0.60, "odd": 0.02, "broken": 0.38},  # all of the doubt is about what the check finds out
        2: {"even": 0.50, "odd": 0.45, "broken": 0.05},  # a doubt that it cannot settle
        3: {"even": 0.04, "odd": 0.01, "broken": 0.95},  # sure
        4: {"even": 0.30, "odd": 0.01, "broken": 0.69},  # expects what the real tool finds out as early
    }
    exact, asked = broken_ones()
    tool, simulator = Watched(), Simulated(lambda n: doubts[int(abs(n) % 10)])
    domain = domain_of(tool, tmp_path, exact=exact)
    with Gate(domain, policy="gate", specialist=simulator) as gate:  # type: ignore[arg-type]
        answers = gate.call_many([{"n": n} for n in (11, -11, 12, 13, 14, 2011)])
        assert [answer.source for answer in answers] == ["simulator", "exact", "real", "simulator", "real", "real"]
        assert answers[0].confidence == pytest.approx(0.60 / 0.62) and "now that the exact check" in answers[0].why
        assert answers[1].result == truth({"n": -11})
        assert sorted(asked) == [-11, 11] and sorted(tool.asked) == [12, 14, 2011]
        assert gate.seconds["exact"] > 0 and gate.counts["exact"] == 1


def test_a_check_that_fails_or_is_slower_than_the_tool_decides_nothing(tmp_path: Path) -> None:
    doubt = {"even": 0.60, "odd": 0.02, "broken": 0.38}
    exact, _ = broken_ones(fails=True)
    tool = Watched()
    with Gate(domain_of(tool, tmp_path, exact=exact), policy="gate", specialist=Simulated(lambda n: doubt)) as gate:  # type: ignore[arg-type]
        answer = gate.call({"n": 4})
        assert answer.source == "real" and "the exact check failed" in answer.why
    exact, asked = broken_ones(pause_s=0.03)
    with Gate(domain_of(tool, tmp_path, exact=exact), policy="real", specialist=Simulated(lambda n: doubt)) as gate:  # type: ignore[arg-type]
        gate.call_many([{"n": n} for n in range(5)])
        gate.policy = "gate"
        gate.call_many([{"n": n} for n in range(10, 15)])
        assert len(asked) == 5 and gate.counts["simulator"] == 5
        assert gate.call({"n": 20}).source == "real" and len(asked) == 5, "0.03 s against none at all"


def test_checks_run_at_once(tmp_path: Path) -> None:
    doubt = {"even": 0.60, "odd": 0.02, "broken": 0.38}
    exact, asked = broken_ones(pause_s=0.1)
    domain = domain_of(Watched(), tmp_path, exact=exact)
    with Gate(domain, policy="gate", specialist=Simulated(lambda n: doubt), workers=4) as gate:  # type: ignore[arg-type]
        begun = time.monotonic()
        gate.call_many([{"n": n} for n in range(4)])
        assert time.monotonic() - begun < 0.35 and len(asked) == 4


def test_a_call_that_kills_its_worker_is_an_answer_and_an_engine_that_fails_is_everybodys_error(tmp_path: Path) -> None:
    tool = Watched()
    with Gate(with_engine(domain_of(tool, tmp_path), engine_of(tool, unanswered=7)), policy="real") as gate:
        one, two = gate.call_many([{"n": 7}, {"n": 8}])
        assert one.result.is_error and "died twice" in one.result.text and one.source == "real"
        assert two.result == truth({"n": 8})
    with Gate(with_engine(domain_of(tool, tmp_path), engine_of(tool, dies_on=9)), policy="real") as gate:
        assert gate.call({"n": 2}).result == truth({"n": 2})
        for n in (9, 10):
            with pytest.raises(AdaptError, match="the disk is full"):
                gate.call_many([{"n": n}, {"n": 11 * n}])


def test_an_idle_or_busy_gate_closes_and_says_so(tmp_path: Path) -> None:
    tool = Watched(pause_s=0.2)
    gate = Gate(domain_of(tool, tmp_path), policy="real", workers=2)
    with pytest.raises(AdaptError, match="the gate is closed"):
        gate.call({"n": 1})
    with gate, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gate.call_many, [{"n": n} for n in range(40)])
        time.sleep(0.1)
        begun = time.monotonic()
        gate.close()
        assert time.monotonic() - begun < 1.0, "what is in hand ends, the rest is dropped"
        with pytest.raises(AdaptError, match="was closed"):
            waiting.result()
    assert tool.closed == tool.opened == 2 and len(tool.asked) < 10


SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from gates import Watched, domain_of
from adapt.gate import Gate
tool = Watched(pause_s=0.3)
try:
    with Gate(domain_of(tool, Path({folder!r})), policy="real", workers=2) as gate:
        gate.call({{"n": 1}})
        print("warm", flush=True)
        gate.call_many([{{"n": n}} for n in range(2, 1000)])
except KeyboardInterrupt:
    print("interrupted", tool.opened == tool.closed == 2, len(tool.asked) < 20, flush=True)
"""


def test_ctrl_c_ends_a_wait_and_the_workers(tmp_path: Path) -> None:
    here = Path(__file__).resolve()
    script = SCRIPT.format(paths=[str(here.parent), str(here.parents[2])], folder=str(tmp_path))
    # A test-suite in the background inherits the signal ignored.
    started = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + script
    process = subprocess.Popen([sys.executable, "-c", started], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "warm\n"
    time.sleep(0.2)
    begun = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert said == "interrupted True True\n" and process.returncode == 0
    assert time.monotonic() - begun < 10
