"""The gate with the kernel harness: warm workers, and front ends that say what the whole build says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from engine_jobs import PROBLEM, real_jobs
from test_engine import OPTIONS, Opener

from adapt.domain import Answered, CallItem, Domain, Unanswered
from adapt.errors import AdaptError
from adapt.gate import Gate
from base_gtm.schema import ToolCall
from domains.cpp import DOMAIN
from domains.kernel_tool import KernelTool
from domains.kernels import content_of
from kernelbench_harness.engine import Labeller
from kernelbench_harness.engine.local import LocalPool
from kernelbench_harness.errors import CandidateError, HarnessError, ToolchainError
from kernelbench_harness.front_end import FrontEnd
from kernelbench_harness.label import Stage, Verdict
from kernelbench_harness.options import HarnessOptions

CHEAT = """
import torch.nn as nn
import torch
class ModelNew(nn.Module):
    def forward(self, x):
        import gc
        for one in gc.get_objects():
            pass
        return torch.relu(x)
"""


@pytest.fixture(scope="module")
def domain() -> Domain:
    builds = HarnessOptions().cache().with_name("kernelbench-harness-tests")  # those of earlier test runs
    tool = KernelTool(content_of, lambda: HarnessOptions(cache_dir=builds, timing=False, run_timeout_s=60))
    return replace(DOMAIN, open_real_tool=tool.open, engines=tool.engines, exact=tool.exact)


def arguments(count: int) -> list[dict[str, str]]:
    """Five verdicts in turn, a problem that cannot be built, a candidate that is no text."""
    given = [{"reference": PROBLEM.code, "candidate": candidate.code} for _, candidate in real_jobs(count)]
    broken = {"reference": PROBLEM.code.replace("torch.rand", "torch.nothing"), "candidate": "x = 1"}
    return [*given, broken, {"reference": PROBLEM.code, "candidate": 7}]  # type: ignore[dict-item]


def children() -> set[int]:
    """Processes of ours that live: the harness's warm ones among them."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


@pytest.mark.timeout(240)
def test_workers_stay_warm_from_step_to_step_and_end_with_the_gate(domain: Domain) -> None:
    before = children()
    with Gate(domain, policy="real") as gate:
        given = arguments(5)
        first = gate.call_many(given)
        warm = children() - before
        assert warm
        begun = time.monotonic()
        again = gate.call_many([*arguments(10)[5:10], given[0]])
        took = time.monotonic() - begun
        assert children() - before == warm, "the same processes"
        assert [one.source for one in first] == ["real"] * 6 + ["arguments"]
        verdicts = ["correct", "wrong_value", "compile_error", "runtime_error", "wrong_shape"]
        assert [one.result.content["verdict"] for one in first[:5]] == verdicts
        assert first[5].result.is_error and "nothing" in first[5].result.text
        assert [one.result.content["verdict"] for one in again] == [*verdicts, "correct"]
        assert gate.remembered == 1 and again[5].seconds == 0
        assert sum(one.seconds for one in again) <= took * len(os.sched_getaffinity(0)) + 1
    assert children() == before


@pytest.mark.timeout(240)
def test_front_ends_say_what_the_whole_build_says_and_nothing_else(domain: Domain) -> None:
    assert domain.exact is not None and domain.exact.decides == ("compile_error",)
    name = domain.spec.name
    good = arguments(5)[:5]
    late = good[0]["candidate"].replace("ext = load", "nowhere()\next = load")
    unparsed = {"reference": PROBLEM.code, "candidate": "def ("}
    calls = [ToolCall(name, one) for one in [*good, unparsed, {"reference": PROBLEM.code, "candidate": late}]]
    calls += [ToolCall(name, {"reference": PROBLEM.code, "candidate": CHEAT})]
    calls += [item.call for item in islice(DOMAIN.calls(5), 4)]
    with domain.exact.open() as check:
        said = [check(call) for call in calls]
    with Gate(domain, policy="real") as gate:
        real = [answer.result for answer in gate.call_many([call.arguments for call in calls])]
    decided = 0
    for checked, result in zip(said, real, strict=True):
        if checked is None:
            assert result.content["verdict"] != "compile_error"
        else:
            assert checked == result
            decided += 1
    assert decided >= 3


def test_an_engine_is_fed_as_long_as_the_gate_lives(domain: Domain) -> None:
    """The domain's way through the engine, with labels that cost nothing."""
    opener = Opener(pause_s=0.01)

    @contextmanager
    def timed(options: Any) -> Iterator[Labeller]:
        with opener(options) as echo:
            label = echo.label
            echo.label = lambda *job: replace(label(*job), seconds={"total": 0.01})  # type: ignore[method-assign]
            yield echo

    tool = KernelTool(lambda label: {"verdict": label.verdict.value}, HarnessOptions)

    def engine(items: Iterator[CallItem | None], workers: int | None) -> Iterator[Answered | Unanswered]:
        yield from tool._answers(items, lambda: LocalPool(OPTIONS, workers or 2, timed))

    given = [{"reference": "r", "candidate": f"timeout:{n}"} for n in range(12)]
    with Gate(replace(domain, engines={"local": engine}), policy="real") as gate:
        for first in range(0, 12, 3):
            answers = gate.call_many(given[first : first + 3])
            assert [answer.result.content for answer in answers] == [{"verdict": "timeout"}] * 3
            time.sleep(0.05)
        assert len(opener.opened) <= 2 and opener.closed == 0 and len(opener.asked) == 12
    assert opener.closed == len(opener.opened)


CODE = "import torch\nclass ModelNew(torch.nn.Module):\n    pass\n"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FrontEnd(True, Verdict.COMPILED, Stage.LINK, "", "", "shim", 0.1, ("linker",)), None),
        (FrontEnd(False, Verdict.TIMEOUT, Stage.IMPORT, "slow", "slow", "", 0.1, ()), None),
        (
            FrontEnd(False, Verdict.COMPILE_ERROR, Stage.HOST_COMPILE, "a\nb", "b" * 200, "shim", 0.1, ()),
            {"verdict": "compile_error", "compiled": False, "correct": False, "error": "b" * 160},
        ),
        (
            FrontEnd(False, Verdict.CHEATING, Stage.STATIC, "looks", "looks", "", 0.0, ()),
            {"verdict": "cheating", "compiled": True, "correct": False, "error": "looks"},
        ),
        (CandidateError("asks for a GPU"), None),
        (ToolchainError("no nvcc"), None),
        (HarnessError("the worker died"), AdaptError),
    ],
)
def test_what_front_ends_find_becomes_the_tools_result(found: FrontEnd | Exception, said: Any) -> None:
    class Ends:
        def check(self, problem: object, candidate: object) -> FrontEnd:
            if isinstance(found, Exception):
                raise found
            return found

    tool, call = KernelTool(content_of, HarnessOptions), ToolCall("t", {"reference": CODE, "candidate": CODE})
    if said is AdaptError:
        with pytest.raises(AdaptError, match="the worker died"):
            tool._checked(Ends(), call)  # type: ignore[arg-type]
        return
    result = tool._checked(Ends(), call)  # type: ignore[arg-type]
    assert (result and result.content) == said


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before
