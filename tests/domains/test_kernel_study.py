"""The kernel domains' study: problems and their split, demonstrations, texts as candidates, the reward, the judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from adapt.domain import SPLITS
from adapt.errors import AdaptError, ArtifactError
from base_gtm.schema import ToolResult, content_hash
from domains.cpp import DOMAIN as CPP
from domains.cpp.study import task as cpp_task
from domains.cuda import DOMAIN as CUDA
from domains.cuda.study import task as cuda_task
from domains.kernel_study import KernelTask
from domains.kernel_study.answers import LONGEST, candidate_of
from domains.kernel_study.handwriting import demonstration
from domains.kernel_study.reward import COMPILED, CORRECT, SPEED, WRITTEN, reward
from domains.kernel_study.times import TABLE, measure_times, read_times, reference_key
from domains.kernel_tool import KernelTool
from domains.kernels import content_of
from kernelbench_harness.options import HarnessOptions

TASKS = {"cpp": cpp_task(), "cuda": cuda_task()}
CODE = "class ModelNew:\n    pass"


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> KernelTask:
    return TASKS[request.param]


def test_the_domains_have_it() -> None:
    assert CPP.study is not None and CPP.study() is TASKS["cpp"]
    assert CUDA.study is not None and CUDA.study() is TASKS["cuda"]


def test_every_split_has_enough_and_no_composition_is_in_two(task: KernelTask) -> None:
    problems = {split: task.problems(split) for split in SPLITS}
    assert len(problems["train"]) >= 24 and len(problems["validation"]) >= 8 and len(problems["test"]) >= 12
    groups = [{problem.group for problem in problems[split]} for split in SPLITS]
    assert sum(map(len, groups)) == len(set().union(*groups)) == sum(map(len, problems.values()))
    everything = [problem for split in SPLITS for problem in problems[split]]
    assert len({problem.id for problem in everything}) == len({p.arguments["reference"] for p in everything})
    assert all(problem.split == split for split in SPLITS for problem in problems[split])
    assert not {problem.group for problem in problems["train"]} & (task.test | task.validation)


def test_what_is_unseen_is_made_of_steps_that_are_seen(task: KernelTask) -> None:
    def lines(problem: Any) -> set[str]:
        """What forward does; the first step of two and the only step are spelt differently."""
        found = problem.arguments["reference"].split("torch.Tensor:\n")[1].split("\n\n")[0].splitlines()
        return {line.strip().replace("return ", "").replace("x = ", "") for line in found}

    known = set().union(*map(lines, task.problems("train")))
    for split in ("validation", "test"):
        assert all(lines(problem) <= known for problem in task.problems(split))  # type: ignore[arg-type]


def test_the_references_run() -> None:
    import torch

    task = TASKS["cpp"]
    for problem in [*task.problems("train")[::7], *task.problems("validation"), *task.problems("test")]:
        space: dict[str, Any] = {}
        exec(problem.arguments["reference"], space)
        outcome = space["Model"](*space["get_init_inputs"]())(*space["get_inputs"]())
        assert outcome.dtype == torch.float32 and bool(torch.isfinite(outcome).all()), problem.id


def test_prompts_say_what_to_do_and_show_the_model(task: KernelTask) -> None:
    for problem in task.problems("test"):
        assert "ModelNew" in problem.prompt and "class Model(nn.Module)" in problem.prompt
        assert "def get_inputs" in problem.prompt and "{reference}" not in problem.prompt
        assert len(problem.prompt) < 1800


def test_clean_demonstrations_are_right_as_far_as_the_dry_run_sees() -> None:
    assert CPP.evidence is not None
    for problem, group in TASKS["cpp"]._all[::9]:
        text = demonstration(group.operator, group.variant, Random(problem.id), "cpp", broken=0.0)
        call = TASKS["cpp"].call(problem, text)
        assert call is not None and "dry run agrees" in CPP.evidence(call).text, (problem.id, text)


def test_half_of_the_demonstrations_have_a_mistake_and_all_are_of_train_problems(task: KernelTask) -> None:
    clean = replace(task, broken=0.0)
    pairs = list(task.demonstrations(3, 240))
    same = [text == other for (_, text), (_, other) in zip(pairs, clean.demonstrations(3, 240), strict=True)]
    assert 0.4 < sum(same) / len(same) < 0.6
    train = {problem.id for problem in task.problems("train")}
    assert {problem.id for problem, _ in pairs} <= train
    lines = [line.strip() for _, text in pairs for line in text.splitlines()]
    assert all(lines) and not any(line.startswith("//") for line in lines)
    assert max(len(text) for _, text in pairs) < 2600
    assert sum(task.call(problem, text) is not None for problem, text in pairs) >= 0.9 * len(pairs)


def test_cuda_is_shown_triton_too() -> None:
    texts = [text for _, text in TASKS["cuda"].demonstrations(0, 80)]
    assert 0 < sum("@triton.jit" in text for text in texts) < 30
    assert sum("cuda_sources" in text for text in texts) > 40


def test_problems_and_demonstrations_are_the_same_in_every_process() -> None:
    program = (
        "from domains.cpp.study import task; from base_gtm.schema import content_hash; t = task();"
        "print(content_hash([[p.id, p.split, p.prompt] for s in ('train', 'validation', 'test') for p in t.problems(s)]"
        " + [[p.id, text] for p, text in t.demonstrations(1, 40)]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    there = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    task = TASKS["cpp"]
    here = [[p.id, p.split, p.prompt] for split in SPLITS for p in task.problems(split)]
    assert there.stdout.strip() == content_hash(here + [[p.id, text] for p, text in task.demonstrations(1, 40)])
    assert next(task.demonstrations(1, 1)) != next(task.demonstrations(2, 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CODE, CODE),
        (f"```python\n{CODE}\n```", CODE),
        (f"Here it is.\n\n```py\n{CODE}\n```\nIt is fast.", CODE),
        (f"```\n{CODE}  # draft\n```\nBetter:\n```python\n{CODE}\n```", CODE),
        (f"```python\n{CODE}\n```\nRun it:\n```bash\npython run.py\n```", CODE),
        (f"~~~python\n{CODE}\n~~~", CODE),
        (f"```python\n{CODE}", CODE),  # cut off before the fence was closed
        (f"  ```python\n{CODE}\n  ```", CODE),
        (f"```python\r\n{CODE}\r\n```\r\nThat is all.", CODE),
        ("", None),
        ("I cannot do that.", None),
        ("```python\nprint(1)\n```", None),
        ("class ModelNew(:\n", None),
        (f"{CODE}\n\x00", None),
        (f"{CODE}  # \ud800", None),
        (f"{CODE}\n" + "#" * LONGEST, None),
        ("ModelNew = " + "(" * 5000, None),
        ("ModelNew" + ".a" * 20000, None),
        ("ModelNew = " + "-" * 20000 + "1", None),
        (f"```python\n{CODE}\n" + "x = (\n```", None),
        (f"A ModelNew is below.\n```cpp\nint main() {{}}\n```\n```python\n{CODE}\n```", CODE),
    ],
)
def test_what_of_a_text_is_the_candidate(text: str, found: str | None) -> None:
    taken = candidate_of(text)
    assert taken == found or (taken is not None and found is not None and taken.split() == found.split())


def test_a_call_is_the_problem_and_the_candidate(task: KernelTask) -> None:
    problem = task.problems("train")[0]
    call = task.call(problem, f"```\n{CODE}\n```")
    assert call is not None and call.name == task.tool
    assert call.arguments == {"reference": problem.arguments["reference"], "candidate": CODE + "\n"}
    assert task.call(problem, "no code") is None


def result(verdict: str, **more: Any) -> ToolResult:
    return ToolResult({"verdict": verdict, **more})


@pytest.mark.parametrize(
    ("given", "reference_ms", "worth"),
    [
        (None, 1.0, 0.0),
        (ToolResult(is_error=True, text="refused"), 1.0, 0.0),
        (result("cheating", compiled=True, correct=False), 1.0, 0.0),
        (result("compile_error", compiled=False), 1.0, WRITTEN),
        (result("runtime_error", compiled=True), 1.0, WRITTEN + COMPILED),
        (result("timeout", compiled=True), 1.0, WRITTEN + COMPILED),
        (result("compiled", compiled=True), 1.0, WRITTEN + COMPILED),
        (result("correct", runtime_ms=2.0), 2.0, WRITTEN + COMPILED + CORRECT + SPEED / 2),
        (result("correct", runtime_ms=1.0), 16.0, 1.0),
        (result("correct", runtime_ms=1e-9), 16.0, 1.0),
        (result("correct", runtime_ms=16.0), 1.0, WRITTEN + COMPILED + CORRECT),
        (result("correct", runtime_ms=6e4), 1e-3, WRITTEN + COMPILED + CORRECT),
        (result("correct"), 1.0, WRITTEN + COMPILED + CORRECT + SPEED / 2),
        (result("correct", runtime_ms=1.0), None, WRITTEN + COMPILED + CORRECT + SPEED / 2),
        (result("correct", runtime_ms=0.0), 1.0, WRITTEN + COMPILED + CORRECT + SPEED / 2),
        (result("correct", runtime_ms=float("nan")), 1.0, WRITTEN + COMPILED + CORRECT + SPEED / 2),
    ],
)
def test_the_reward(given: ToolResult | None, reference_ms: float | None, worth: float) -> None:
    assert reward(given, reference_ms) == pytest.approx(worth)


def test_faster_is_worth_more() -> None:
    worth = [reward(result("correct", runtime_ms=ms), 1.0) for ms in (20.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.2, 0.07, 0.01)]
    assert worth == sorted(worth) and len(set(worth)) == len(worth) and worth[-1] == pytest.approx(1.0)
    assert worth[0] > reward(result("wrong_value"), 1.0) > reward(result("compile_error"), 1.0) > 0


def test_the_reward_knows_the_references_time(tmp_path: Path) -> None:
    task = replace(TASKS["cpp"], root=tmp_path)
    problem, other = task.problems("train")[:2]
    key = reference_key(str(problem.arguments["reference"]))
    (tmp_path / TABLE).write_text(json.dumps({"ms": {key: 3.2}}))
    answer = result("correct", runtime_ms=0.2)
    assert task.reward(problem, answer) == pytest.approx(1.0)
    assert task.reward(other, answer) == pytest.approx(1 - SPEED / 2)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ms": []}', '{"ms": {"a": "fast"}}', "{"])
def test_a_broken_table_of_times_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / TABLE).write_text(text)
    with pytest.raises(ArtifactError, match="not a table of reference times"):
        read_times(tmp_path / TABLE)
    assert read_times(tmp_path / "none.json") == {}


@pytest.fixture(scope="module")
def options() -> HarnessOptions:
    builds = HarnessOptions().cache().with_name("kernelbench-harness-tests")  # those of earlier test runs
    return HarnessOptions(cache_dir=builds, timing_samples=(5, 20), run_timeout_s=60)


@pytest.mark.timeout(240)
def test_the_judge_is_the_real_tool_in_order(options: HarnessOptions) -> None:
    task = replace(TASKS["cpp"], real=KernelTool(content_of, lambda: options))
    entry: Mapping[str, Any] = {problem.id: (problem, group) for problem, group in task._all}
    problem, group = next(found for name, found in entry.items() if name.startswith("relu_plus_other/"))
    good = demonstration(group.operator, group.variant, Random(0), "cpp", broken=0.0)
    wrong = good.replace("y_ptr[i] = z + ", "y_ptr[i] = z - ")
    broken = good.replace("x.numel();", "x.numel()")
    torch_alone = (
        "import torch\nclass ModelNew(torch.nn.Module):\n    def forward(self, x, other):\n        return None\n"
    )
    texts = [good, "no code", broken, wrong, good, torch_alone]
    judged = list(task.judge([(problem, text) for text in texts]))
    assert [(one.compiled, one.correct) for one in judged] == [
        (True, True), (False, False), (False, False), (True, False), (True, True), (True, False),
    ]  # fmt: skip
    assert judged[0] == judged[4] and judged[0].speedup is not None and judged[0].speedup > 0
    assert all(one.speedup is None for one in judged if not one.correct)
    assert not any(one.cheating for one in judged)
    assert list(task.judge([])) == [] and not next(task.judge([(problem, "none")])).compiled


@pytest.mark.timeout(240)
def test_reference_times_are_measured_once(options: HarnessOptions, tmp_path: Path) -> None:
    codes = [str(problem.arguments["reference"]) for problem in TASKS["cpp"].problems("validation")[:2]]
    told: list[int] = []

    def advance(steps: int = 1, note: str = "") -> None:
        told.append(steps)

    assert measure_times(tmp_path / TABLE, codes[:1], options, advance) == 1
    first = dict(read_times(tmp_path / TABLE))
    assert measure_times(tmp_path / TABLE, codes, options, advance) == 2
    second = read_times(tmp_path / TABLE)
    assert first.items() <= second.items() and all(0 < ms < 1000 for ms in second.values()) and sum(told) == 3


def test_a_judge_that_cannot_work_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = HarnessOptions()
    task = replace(TASKS["cpp"], real=KernelTool(content_of, lambda: replace(options, cache_dir=tmp_path / "file")))
    problem, text = next(task.demonstrations(0, 1))
    with pytest.raises(AdaptError, match="cannot be written"):
        list(task.judge([(problem, text), (problem, CODE)]))
