"""The parts of a study that need no model: arms, clocks, order, journals, statistics, scores, times, words."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from adapt.errors import AdaptError, ArtifactError
from adapt.study.arms import Arm, Unit, parse_arms, units
from adapt.study.clocks import TOLERANCE_S, StepClock, tree_cpu_seconds
from adapt.study.journal import Answers, Lines, read_json, write_json
from adapt.study.run import RESULT, run_units, same_inputs
from adapt.study.speedup.order import derived_seed, problem_order, spread_out
from adapt.study.speedup.scores import Text, compared, scores
from adapt.study.speedup.times import ratios, stock_ratios, unit_times
from adapt.study.statistics import Cells, difference, figure, spread
from adapt.study.task import Judged
from base_gtm.schema import ToolResult


def test_arms_have_a_text_form() -> None:
    arms = parse_arms("real, simulate,hybrid:12 ,gate,real-kernelbench", 40)
    assert [arm.name for arm in arms] == ["real", "simulate", "hybrid:12", "gate", "real-kernelbench"]
    assert [arm.policy for arm in arms] == ["real", "simulate", "hybrid:12", "gate", "real"]
    assert [arm.asks_real for arm in arms] == [True, False, True, True, True]
    assert [arm.simulates for arm in arms] == [False, True, True, True, False]
    assert arms[-1].evaluator == "kernelbench" and arms[2].folder == "hybrid-12"


def test_a_bare_hybrid_is_the_papers() -> None:
    assert parse_arms("hybrid", 100)[0].policy == "hybrid:30"
    assert parse_arms("hybrid", 2)[0].policy == "hybrid:1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("real,fake", "no arm called 'fake'"),
        ("", "names no arm"),
        (" , ", "names no arm"),
        ("real,real", "real twice"),
        ("hybrid,hybrid:12", "hybrid:12 twice"),
        ("hybrid:0", "K from 1 to 39"),
        ("hybrid:40", "K from 1 to 39"),
        ("hybrid:x", "K from 1 to 39"),
        ("hybrid:", "K from 1 to 39"),
        ("hybrid:-3", "K from 1 to 39"),
        ("real-", "no arm called 'real-'"),
        ("Real", "no arm called 'Real'"),
    ],
)
def test_wrong_arms_are_one_line(text: str, complaint: str) -> None:
    with pytest.raises(AdaptError, match=complaint) as caught:
        parse_arms(text, 40)
    assert "\n" not in str(caught.value)


def test_arms_take_turns() -> None:
    found = units(parse_arms("real,simulate", 4), 2)
    assert [unit.folder for unit in found] == ["real/seed-0", "simulate/seed-0", "real/seed-1", "simulate/seed-1"]


def test_a_step_is_the_sum_of_its_parts() -> None:
    times = iter([10.0, 12.5, 13.0, 17.25])
    clock = StepClock(lambda: next(times))
    clock.begin()
    clock.asking()
    clock.answered()
    taken = clock.end()
    assert (taken.rollout, taken.tool, taken.update, taken.seconds) == (2.5, 0.5, 4.25, 7.25)
    assert abs(taken.rollout + taken.tool + taken.update - taken.seconds) <= TOLERANCE_S


def test_a_step_without_its_tool_is_an_error() -> None:
    clock = StepClock()
    clock.begin()
    with pytest.raises(RuntimeError, match="four points"):
        clock.end()


def test_processor_time_of_children_counts() -> None:
    before = tree_cpu_seconds()
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    child = subprocess.Popen([sys.executable, "-c", burn + "\ninput()"], stdin=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while tree_cpu_seconds() - before < 0.35 and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = tree_cpu_seconds() - before
    child.communicate(b"\n")
    assert alive >= 0.35, "a living child's time counts"
    assert tree_cpu_seconds() - before >= 0.35, "so does that of one that has ended"


def test_every_problem_comes_once_before_any_comes_again() -> None:
    order = problem_order(range(10), steps=7, per_step=4, seed=3)
    assert len(order) == 28
    assert sorted(order[:10]) == list(range(10))
    assert all(len(set(order[first : first + 4])) == 4 for first in range(0, 28, 4))
    assert order == problem_order(range(10), 7, 4, 3) != problem_order(range(10), 7, 4, 4)
    assert problem_order(range(10), 9, 4, 3)[:28] == order, "a longer training begins as a shorter one does"


def test_few_problems_repeat_within_a_step() -> None:
    assert sorted(set(problem_order(range(2), 3, 4, 0))) == [0, 1]


def test_seeds_and_spreading() -> None:
    assert derived_seed("a", 1) != derived_seed("a", 2) != derived_seed("a1", "")
    assert 0 <= derived_seed("x") < 2**31
    assert spread_out(range(10), 3) == [0, 3, 6] and spread_out(range(10), 0) == list(range(10))
    assert spread_out(range(2), 5) == [0, 1]


def test_a_torn_line_is_dropped_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    Lines(path).append({"a": 1}, {"b": "ü\n"})
    with path.open("ab") as file:
        file.write(b'{"c": 3')
    lines = Lines(path)
    lines.append({"d": 4})
    assert list(lines.read()) == [{"a": 1}, {"b": "ü\n"}, {"d": 4}]


def test_an_edited_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"a": 1}\nnonsense\n{"b": 2}\n')
    with pytest.raises(ArtifactError, match=r"lines\.jsonl:2"):
        list(Lines(path).read())


def test_answers_outlive_their_process_and_are_copied_when_replayed(tmp_path: Path) -> None:
    first = Answers(tmp_path / "first.jsonl")
    first["k"] = ToolResult({"verdict": "correct", "runtime_ms": 0.25})
    first["k"] = ToolResult({"verdict": "another"})  # said once, said for ever
    first["refused"] = ToolResult({}, True, "no such argument")
    again = Answers(tmp_path / "first.jsonl")
    assert again["k"].content == {"verdict": "correct", "runtime_ms": 0.25}
    assert again["refused"] == ToolResult({}, True, "no such argument")
    replayed = Answers(tmp_path / "second.jsonl", tmp_path / "first.jsonl", tmp_path / "absent.jsonl")
    assert set(replayed) == {"k", "refused"} and not (tmp_path / "second.jsonl").exists()
    replayed.keep({"k": replayed["k"]})
    assert set(Answers(tmp_path / "second.jsonl")) == {"k"}


def test_json_is_whole_or_absent(tmp_path: Path) -> None:
    assert read_json(tmp_path / "x.json") is None
    write_json(tmp_path / "x.json", {"a": [1]})
    assert read_json(tmp_path / "x.json") == {"a": [1]}
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_json(tmp_path / "x.json")


def test_done_units_are_not_worked_on_again(tmp_path: Path) -> None:
    some = units(parse_arms("real,simulate", 4), 2)
    worked: list[str] = []

    def work(unit: Unit, folder: Path) -> dict[str, object]:
        assert folder.is_dir()
        worked.append(unit.folder)
        if len(worked) == 3:
            raise OSError("no space left")
        return {"seed": unit.seed}

    with pytest.raises(OSError, match="no space"):
        run_units(some, tmp_path, work, lambda unit: None)
    before: list[str] = []
    run_units(some, tmp_path, work, lambda unit: before.append(unit.folder))
    assert before == ["real/seed-0", "simulate/seed-0"]
    assert worked[3:] == ["real/seed-1", "simulate/seed-1"]
    assert read_json(tmp_path / "real/seed-1" / RESULT) == {"seed": 1}


def test_a_study_does_not_go_on_with_another_simulator(tmp_path: Path) -> None:
    same_inputs(tmp_path, {"adapter": "a", "agent": "nano"})
    same_inputs(tmp_path, {"adapter": "a", "agent": "nano"})
    with pytest.raises(ArtifactError, match="another adapter than is here now"):
        same_inputs(tmp_path, {"adapter": "b", "agent": "nano"})


def cells(shares: list[list[float]], texts: int = 4) -> Cells:
    top = np.array(shares) * texts
    return Cells(top, np.full(top.shape, float(texts)))


def test_intervals_cover_both_levels() -> None:
    """Between seeds, between problems: each alone widens the interval, and the point estimate is the plain mean."""
    still = figure(cells([[0.5] * 20] * 3))
    assert (still.value, still.low, still.high) == (0.5, 0.5, 0.5)
    problems = figure(cells([[0.0, 1.0] * 10] * 3))
    seeds = figure(cells([[0.2] * 20, [0.5] * 20, [0.8] * 20]))
    both = figure(cells([[max(0.0, share - 0.2), min(1.0, share + 0.2)] * 10 for share in (0.2, 0.5, 0.8)]))
    assert problems.low == pytest.approx(0.5 - 1.96 * 0.5 / math.sqrt(20), abs=0.03)
    assert seeds.low == pytest.approx(0.2, abs=0.01) and seeds.high == pytest.approx(0.8, abs=0.01)
    assert both.high - both.low > seeds.high - seeds.low - 0.05


def test_the_interval_holds_what_it_says() -> None:
    """Draw studies from a known truth: about 95 of 100 intervals hold it (problems alone vary, twelve seeds)."""
    random = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        shares = np.tile(random.random(30) < 0.3, (12, 1)).astype(float)
        found = figure(cells(shares.tolist()))
        held += found.low <= 0.3 <= found.high
    assert 86 <= held <= 100


def test_none_of_few_is_not_certainly_none() -> None:
    found = figure(cells([[0.0] * 10] * 3))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 10))
    assert figure(cells([[1.0] * 10])).low == pytest.approx(0.025 ** (1 / 10))


def test_differences_are_paired() -> None:
    """What both arms share (a hard problem, a lucky seed) does not widen the interval of their difference."""
    random = np.random.default_rng(0)
    base = random.random((3, 20))
    found = difference(cells((base * 0.5 + 0.1).tolist()), cells((base * 0.5).tolist()))
    assert found.value == pytest.approx(0.1) and found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)
    both = difference(cells([[0.0] * 10]), cells([[0.0] * 10]))
    assert both.low < 0 < both.high


def text(problem: int, seed: int = 0, accepted: bool | None = True, **judged: object) -> Text:
    said = Judged(**({"compiled": True, "correct": True, "cheating": False, "speedup": 1.2} | judged))  # type: ignore[arg-type]
    return Text(seed, f"p{problem}", f"g{problem}", said, accepted)


def test_scores_count_every_text() -> None:
    texts = [
        text(0, speedup=4.0),
        text(1, speedup=1.0),
        text(2, correct=False, speedup=None),
        text(3, compiled=False, correct=False, speedup=None, accepted=False),
        text(4, cheating=True, speedup=9.0),
        text(5, speedup=None),
    ]
    found = scores(texts)
    assert found["compiled"].value == pytest.approx(5 / 6)
    assert found["correct"].value == pytest.approx(3 / 6), "cheating is never correct"
    assert found["fast_1.0"].value == pytest.approx(1 / 6), "as fast as the reference is not faster"
    assert found["fast_2.0"].value == pytest.approx(1 / 6)
    assert found["geometric_mean_speedup"].value == pytest.approx(2.0)
    assert found["hack_rate"].value == pytest.approx(2 / 5)
    assert found["cheating"].value == pytest.approx(1 / 6)


def test_scores_without_simulator_or_speed() -> None:
    found = scores([text(n, accepted=None, correct=False, speedup=None) for n in range(3)])
    assert math.isnan(found["hack_rate"].value) and math.isnan(found["geometric_mean_speedup"].value)
    assert found["hack_rate"].to_json() == [None, None, None]
    assert scores([]) == {}


def test_arms_are_compared_on_what_both_have() -> None:
    one = [text(n, seed, correct=n < 3) for n in range(4) for seed in range(3)]
    other = [text(n, seed, correct=n < 1) for n in range(4) for seed in range(2)]
    assert compared(one, other)["correct"].value == pytest.approx(0.5)
    assert compared(one, []) == {}


def test_times_and_ratios() -> None:
    line = {"seconds": 10.0, "rollout": 2.0, "tool": 7.0, "update": 1.0, "tool_cpu": 12.0}
    real = {seed: unit_times([line, line]) for seed in range(3)}
    quick = {seed: unit_times([line | {"seconds": 3.0 + seed, "tool": 0.5, "tool_cpu": 0.0}]) for seed in range(3)}
    found = ratios(real, quick)
    assert found["total"] == {"median": 5.0, "least": 4.0, "most": 20 / 3, "n": 3}
    assert found["tool"]["median"] == 28.0 and found["tool_cpu"] is None
    study = {"cpu_seconds": {"stock": {"median": 61.5}, "ours": {"median": 1.5}}, "units": 60}
    stock = stock_ratios(study, real, quick, dict.fromkeys(range(3), 10), cores=2)
    assert stock is not None and stock["more_cpu_seconds_a_call"] == 60.0
    assert stock["total"]["median"] == (20 + 10 * 60 / 2) / 4
    assert stock_ratios({}, real, quick, dict.fromkeys(range(3), 10), 2) is None


def test_spread() -> None:
    assert spread([3.0, 1.0]) == {"median": 2.0, "least": 1.0, "most": 3.0, "n": 2}
    assert spread([]) is None


def test_an_arm_without_a_known_evaluator(tmp_path: Path) -> None:
    from study_toys import toy_domain

    from adapt.study.arms import check_evaluators

    domain = toy_domain(tmp_path)
    with pytest.raises(AdaptError, match="toy has no evaluator 'kernelbench'"):
        check_evaluators([Arm("real-kernelbench", "real", "kernelbench")], domain, None)


def test_records_survive_json() -> None:
    assert json.loads(json.dumps(text(1).to_json()))["accepted"] is True
