"""The kernel harness as a real tool: many calls on its engine are answered as one at a time, refused ones included."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_jobs import PROBLEM, real_jobs

from adapt.domain import CallItem, Unanswered
from adapt.errors import AdaptError
from adapt.registry import find
from base_gtm.schema import ToolCall
from domains.kernel_tool import KernelTool
from domains.kernels import content_of
from kernelbench_harness.options import HarnessOptions


def items() -> list[CallItem]:
    """Five verdicts, and a problem that cannot be built."""
    calls = [ToolCall("cpp", {"reference": PROBLEM.code, "candidate": c.code}) for _, c in real_jobs(5)]
    broken = ToolCall("cpp", {"reference": PROBLEM.code.replace("torch.rand", "torch.nothing"), "candidate": "x = 1"})
    return [CallItem(call, "train", "seen", "relu", str(n)) for n, call in enumerate([*calls, broken])]


@pytest.mark.timeout(240)
def test_the_engine_answers_as_the_open_tool_does() -> None:
    builds = HarnessOptions().cache().with_name("kernelbench-harness-tests")  # those of earlier test runs
    tool = KernelTool(content_of, lambda: HarnessOptions(cache_dir=builds, timing=False, run_timeout_s=60))
    given = items()
    with tool.open() as one:
        alone = {item.call.key: one.call(item.call) for item in given}
        environment = dict(one.environment)
    found = list(tool.engines["local"](iter(given), 2))
    assert not any(isinstance(answer, Unanswered) for answer in found)
    assert {answer.item.call.key: answer.result for answer in found} == alone  # type: ignore[union-attr]
    assert sum(result.is_error for result in alone.values()) == 1
    assert all(answer.seconds > 0 and answer.environment == environment for answer in found)  # type: ignore[union-attr]


@pytest.mark.timeout(240)
def test_an_unprimed_tool_builds_once_more_and_keeps_that_apart(tmp_path: Path) -> None:
    builds = HarnessOptions().cache().with_name("kernelbench-harness-tests")
    tool = KernelTool(content_of, lambda: HarnessOptions(cache_dir=builds, timing=False, run_timeout_s=60))
    given = items()[:2]
    before = {answer.item.call.key: answer.result for answer in tool.engines["local"](iter(given), 1)}  # type: ignore[union-attr]
    alone = tool.unprimed(find("cpp").domain, tmp_path / "known")
    found = {answer.item.call.key: answer.result for answer in alone.engines["local"](iter(given), 1)}  # type: ignore[union-attr]
    assert found == before
    assert len(list((tmp_path / "known").glob("build/*/result/*/result.json"))) == len(given)
    assert len([path for path in (tmp_path / "known" / "reference").iterdir() if path.is_dir()]) == 1
    again = {answer.item.call.key: answer.result for answer in alone.engines["local"](iter(given), 1)}  # type: ignore[union-attr]
    assert again == before


def test_what_the_machine_lacks_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tool = KernelTool(content_of, lambda: HarnessOptions(cache_dir=tmp_path / "file"))
    with pytest.raises(AdaptError, match="cannot be written"):
        list(tool.engines["local"](iter(items()), 1))
