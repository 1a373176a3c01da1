"""The catalogue of device cases: on a GPU each gets its verdict and harms nothing; here every source compiles.

Without a GPU the marked tests skip, and what can be known is: the static ones are cheating, what no compiler takes is a
compile error, and every other source compiles and loads, so that none rots until a GPU is at hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kernelbench_harness.cheats.static import examine
from kernelbench_harness.devices import gpus
from kernelbench_harness.gpu.cases import ALL, GOOD, Case, fault, harmful
from kernelbench_harness.harness import Harness, HarnessOptions
from kernelbench_harness.label import Stage, Verdict

on_gpu = pytest.mark.skipif(not gpus(), reason="no CUDA device (nvidia-smi lists none)")
Open = Callable[[str], Harness]


def _harnesses(options: HarnessOptions) -> Iterator[Open]:
    opened: dict[str, Harness] = {}

    def of(track: str) -> Harness:
        if track not in opened:
            opened[track] = Harness(replace(options, track=track))  # type: ignore[arg-type]
        return opened[track]

    yield of
    for harness in opened.values():
        harness.close()


# On a GPU


@pytest.fixture(scope="module")
def device(harness_cache: Path) -> Iterator[Open]:
    core = min(os.sched_getaffinity(0))
    yield from _harnesses(HarnessOptions(device="cuda", cache_dir=harness_cache, core=core, run_timeout_s=20))


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_on_the_device(device: Open, case: Case) -> None:
    harness = device(case.track)
    label = harness.label(case.problem, case.candidate)
    assert not fault(case, label, gpu=True)
    if case.verdicts == (Verdict.CORRECT,):
        assert label.evidence == () or all("works on a stream of its own" in line for line in label.evidence)
        assert label.runtime is not None and label.reference is not None, label.unmeasured
    if harmful(case):
        after = harness.label(GOOD.problem, GOOD.candidate)
        assert not fault(GOOD, after, gpu=True), f"after it: {after.verdict} {after.error}"
    left = [path.name for path in harness._folders._root.iterdir() if path.name != "lock"]
    assert not left, "a run leaves its folder"


# Without one


@pytest.fixture(scope="module")
def here(harness_cache: Path) -> Iterator[Open]:
    core = min(os.sched_getaffinity(0))
    # The real headers would say the same in a minute and a half each.
    yield from _harnesses(HarnessOptions(cache_dir=harness_cache, core=core, timing=False, compile_mode="shim"))


def _source(case: Case) -> str:
    """The CUDA text of a case, by which two of them are alike to a compiler."""
    found = re.search(r"CUDA(?:_SOURCE)? = r'''(.*?)'''", case.code, re.S)
    return found.group(1) if found else case.code


DISTINCT = list({_source(case): case for case in reversed(ALL) if case.here and case.language == "cuda"}.values())
"""One case of each CUDA text."""
OTHERS = [case for case in ALL if case.here and case.language != "cuda"]


def test_names_are_unique_and_every_kind_is_there() -> None:
    assert len({case.name for case in ALL}) == len(ALL) > 130
    assert {case.language for case in ALL} == {"cuda", "triton", "torch"}
    verdicts = {verdict for case in ALL for verdict in case.verdicts}
    assert verdicts == set(Verdict) - {Verdict.COMPILED}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_what_the_source_shows(case: Case) -> None:
    """The static ones are accused of what they do, no other of anything."""
    forbidden = examine(case.code, case.track).forbidden
    if case.stages == (Stage.STATIC,):
        assert any(case.told in line for line in forbidden), forbidden
    else:
        assert forbidden == ()


@pytest.mark.slow
@pytest.mark.parametrize("case", DISTINCT, ids=lambda case: case.name)
def test_every_source_is_what_it_says_to_a_compiler(here: Open, case: Case) -> None:
    label = here(case.track).label(case.problem, case.candidate)
    assert not fault(case, label, gpu=False), label.error[:2000]
    if label.verdict is Verdict.COMPILED:
        assert (label.stage, label.unmeasured) == (Stage.LINK, "no GPU")


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.name)
def test_what_needs_no_compiler_is_judged_here(here: Open, case: Case) -> None:
    if case.language == "triton":
        pytest.importorskip("triton")
    label = here(case.track).label(case.problem, case.candidate)
    assert not fault(case, label, gpu=False), label.error[:2000]
