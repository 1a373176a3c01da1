"""A whole study of a toy tool: TRL really trains, a process is really killed, curves are compared bit for bit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from study_toys import RECIPE, ToyGate, toy_study

from adapt.study.clocks import TOLERANCE_S
from adapt.study.journal import Lines
from adapt.study.record import ANSWERS, ROLLOUTS, read_steps, read_texts
from adapt.study.speedup.report import render
from adapt.study.speedup.study import carry_out

HERE = Path(__file__).parent
ARMS = "real,simulate,hybrid:2,gate"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def found(place: Path) -> dict[str, Any]:
    """Four arms, two seeds, to the end."""
    return carry_out(toy_study(place, ARMS, seeds=2), place / "run")


def rewards(folder: Path) -> list[list[float]]:
    return [line["rewards"] for line in read_steps(folder)]


def test_every_arm_is_trained_timed_and_judged(place: Path, found: Mapping[str, Any]) -> None:
    assert list(found["arms"]) == ["real", "simulate", "hybrid:2", "gate"]
    for arm in found["arms"].values():
        assert [unit["seed"] for unit in arm["units"]] == [0, 1]
        assert arm["counts"] == arm["counts"] | {"texts": 16, "problems": 4, "seeds": 2}
        assert [point["step"] for point in arm["curve"]] == [0, 2, 4, 6]
        for unit in arm["units"]:
            assert [line["step"] for line in unit["steps"]] == [1, 2, 3, 4, 5, 6]
            assert all(len(line["rewards"]) == 32 for line in unit["steps"])
    assert found["untrained"]["counts"]["texts"] == 16
    assert json.loads((place / "run/study.json").read_text())["ratios"] == json.loads(json.dumps(found["ratios"]))


def test_the_parts_of_a_step_are_its_time(found: Mapping[str, Any]) -> None:
    for arm in found["arms"].values():
        for unit in arm["units"]:
            for line in unit["steps"]:
                parts = line["rollout"] + line["tool"] + line["update"]
                assert abs(parts - line["seconds"]) <= TOLERANCE_S
                assert min(line["rollout"], line["tool"], line["update"]) > 0
                # TRL's own clock runs from the rollout to the backward pass: all but the optimiser.
                assert line["rollout"] + line["tool"] < line["trainer"]["step_time"] <= line["seconds"] + 0.002
            accounted = sum(line["seconds"] for line in unit["steps"]) + unit["spent"]["validation"]
            assert accounted + unit["spent"]["checkpoints"] <= unit["spent"]["wall"] + 0.01


def test_arms_meet_the_same_problems(place: Path, found: Mapping[str, Any]) -> None:
    def problems(arm: str, seed: int) -> list[list[str]]:
        lines = Lines(place / "run" / arm / f"seed-{seed}" / ROLLOUTS).read()
        return [[one["problem"] for one in line["rollouts"]] for line in lines]

    for seed in (0, 1):
        assert problems("real", seed) == problems("simulate", seed) == problems("hybrid-2", seed)
    assert problems("real", 0) != problems("real", 1)
    assert all(set(Counter(step).values()) == {8} for step in problems("real", 0)), "eight texts a problem"


def test_who_answers_follows_the_policy(place: Path, found: Mapping[str, Any]) -> None:
    arms = found["arms"]
    assert set(arms["real"]["sources"]) <= {"real", "no call"}
    assert set(arms["simulate"]["sources"]) <= {"simulator", "no call"}
    for unit in arms["hybrid:2"]["units"]:
        sources = [set(line["sources"]) - {"no call"} for line in unit["steps"]]
        assert sources == [{"simulator"}] * 2 + [{"real"}] * 4
    assert {"simulator", "real"} <= set(arms["gate"]["sources"])
    assert arms["simulate"]["units"][0]["asked_real"] == 0
    keys = [line["key"] for line in Lines(place / "run/real/seed-0" / ANSWERS).read()]
    assert len(keys) == len(set(keys)) == arms["real"]["units"][0]["asked_real"] > 0


def test_the_agent_that_learned_from_the_simulator_learned_to_fool_it(found: Mapping[str, Any]) -> None:
    """The toy's simulator accepts a letter anywhere: whatever it accepts and the truth refuses is counted as such."""
    texts = found["arms"]["simulate"]["texts"]
    accepted = [text for text in texts if text["accepted"]]
    assert accepted and all(text["compiled"] for text in accepted)
    refused = [text for text in accepted if not text["correct"]]
    assert found["arms"]["simulate"]["final"]["hack_rate"][0] == pytest.approx(len(refused) / len(accepted))


def test_the_report_stands_alone_and_says_what_was_done(place: Path, found: Mapping[str, Any]) -> None:
    page = (place / "run/report.html").read_text()
    Balanced().feed(page)
    assert page == render(json.loads((place / "run/study.json").read_text()))
    assert page.count("<svg") == 4 and "<script" not in page
    assert not any(word in page for word in ('src="', "url(http", "<link", "@import"))
    for said in ("61,003 s", "5,518 s", "llama3.1-405b", "2 seeds", "two-level percentile bootstrap", "hybrid:2"):
        assert said in page
    for sentence in found["sentences"]:
        assert escape(sentence) in page
    assert any("leaves room for" in said or "ended" in said for said in found["sentences"])
    for beginning in ("The gate's", "Of the final texts that the simulator accepts", "The gate cost"):
        assert any(said.startswith(beginning) for said in found["sentences"]), beginning


class Balanced(HTMLParser):
    """Refuses a page whose tables or figures are not closed in order."""

    WATCHED = ("div", "table", "tr", "td", "th", "figure", "ul", "li", "dl", "svg", "body", "html")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.WATCHED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.WATCHED:
            assert self.open and self.open.pop() == tag, (tag, self.getpos())


def test_the_same_seed_gives_the_same_curve(place: Path, found: Mapping[str, Any]) -> None:
    """The simulator's arm again: rewards and final texts, bit for bit. With another seed they differ."""
    carry_out(toy_study(place, "simulate"), place / "again")
    first, again = place / "run/simulate/seed-0", place / "again/simulate/seed-0"
    assert rewards(again) == rewards(first) != rewards(place / "run/simulate/seed-1")
    assert read_texts(again) == read_texts(first)


def test_a_replayed_real_arm_gives_the_same_curve_and_asks_nobody(place: Path, found: Mapping[str, Any]) -> None:
    gates: list[ToyGate] = []

    @contextmanager
    def watched(arm: Any, answers: Any, known: Any) -> Any:
        gates.append(ToyGate(arm, answers))
        yield gates[-1]

    study = toy_study(place, "real", open_gate=watched, replay=place / "run")
    carry_out(study, place / "replayed")
    first, again = place / "run/real/seed-0", place / "replayed/real/seed-0"
    assert rewards(again) == rewards(first) and read_texts(again) == read_texts(first)
    assert gates[0].asked == []
    assert {line["key"] for line in Lines(again / ANSWERS).read()} == {
        line["key"] for line in Lines(first / ANSWERS).read()
    }, "a replayed run can be replayed in its turn"


def test_other_settings_learn_too(place: Path, found: Mapping[str, Any]) -> None:
    """An adapter instead of all weights, a divergence term, gradients over several batches: one tool call a step."""
    recipe = replace(RECIPE, steps=2, lora=2, beta=0.04, micro_batch=8, evaluate_every=0, judge_samples=0)
    study = toy_study(place, "simulate", recipe=recipe)
    other = carry_out(study, place / "other")
    (unit,) = other["arms"]["simulate"]["units"]
    assert [len(line["rewards"]) for line in unit["steps"]] == [32, 32]
    assert next(line["rewards"] for line in unit["steps"]) == rewards(place / "run/simulate/seed-0")[0]
    assert all(line["trainer"]["kl"] >= 0 for line in unit["steps"])
    assert other["arms"]["simulate"]["final"] == {} and other["arms"]["simulate"]["curve"] == []
    assert any("No final text was judged" in said for said in other["sentences"])


def test_the_tool_can_be_asked_about_demonstrations(place: Path, found: Mapping[str, Any]) -> None:
    recipe = replace(RECIPE, steps=2, demonstrate=True, evaluate_every=0, judge_samples=0)
    shown = carry_out(toy_study(place, "real", recipe=recipe), place / "shown")
    (unit,) = shown["arms"]["real"]["units"]
    assert all(set(line["rewards"]) == {1.0} and line["sources"] == {"real": 32} for line in unit["steps"])
    assert any("asked about demonstrations" in said for said in shown["sentences"])


def test_a_finished_study_is_not_repeated(place: Path, found: Mapping[str, Any]) -> None:
    def no_gate(arm: Any, answers: Any, known: Any) -> Any:
        raise AssertionError(f"{arm.name} is opened again")

    study = toy_study(place, ARMS, seeds=2, open_gate=no_gate)
    again = carry_out(replace(study, simulates=False, load=no_gate), place / "run")  # type: ignore[arg-type]
    assert again["arms"]["real"]["units"] == found["arms"]["real"]["units"]


@pytest.mark.parametrize("between", [0.0, 1e9], ids=["a checkpoint each step", "no checkpoint yet"])
def test_killed_and_gone_on_with_is_as_if_undisturbed(place: Path, found: Mapping[str, Any], between: float) -> None:
    """A process really dies by SIGKILL in the middle of a training; the next one goes on to the same end."""
    folder = place / f"killed-{between:g}"
    (folder / "run").mkdir(parents=True)
    (folder / "agent").symlink_to(place / "agent")
    unit = folder / "run/real/seed-0"
    logged = killed_at(folder, unit, 3, between)
    assert 3 <= len(logged) < RECIPE.steps and not (unit / "result.json").exists()
    study = toy_study(folder, "real", recipe=replace(RECIPE, checkpoint_s=between))
    carry_out(study, folder / "run")
    steps = read_steps(unit)
    assert [line["after_kill"] for line in steps] == [number == len(logged) for number in range(6)]
    assert steps[: len(logged)] == logged, "what was written down stands as it was, its times too"
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in Lines(unit / ROLLOUTS).read()] == [1, 2, 3, 4, 5, 6]
    assert rewards(unit) == rewards(place / "run/real/seed-0")
    assert read_texts(unit) == read_texts(place / "run/real/seed-0")
    keys = [line["key"] for line in Lines(unit / ANSWERS).read()]
    assert len(keys) == len(set(keys)), "nothing is asked twice"
    assert json.loads((unit / "result.json").read_text())["repeated_steps_that_differ"] == 0
    assert not (unit / "checkpoints").exists()


def killed_at(folder: Path, unit: Path, steps: int, between: float) -> list[dict[str, Any]]:
    """Start the study in a process, kill it when so many steps are written down and the next is on its way."""
    command = [sys.executable, str(HERE / "study_toys.py"), str(folder), "0.01", str(between)]
    environment = {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if (unit / "steps.jsonl").is_file() and len((unit / "steps.jsonl").read_bytes().splitlines()) >= steps:
                time.sleep(0.1)
                break
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()[1].decode()[-2000:]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return read_steps(unit)
