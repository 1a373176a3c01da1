"""The compile study: what it compiles, how it counts, and that it goes on where it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.studies import archive, shim_against_stock, units
from kernelbench_harness.studies.captured import captured
from kernelbench_harness.studies.ours import Measured, Row, request_of
from kernelbench_harness.studies.stock import Outcome, Step, find_stock
from kernelbench_harness.studies.summary import summary, table
from kernelbench_harness.studies.units import Unit

CANDIDATE = """
import torch
from torch.utils.cpp_extension import load_inline

assert torch.cuda.is_available()


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.op = load_inline(
            name="late", cpp_sources=["void go();"], cuda_sources="void go() {}", functions=["go"],
            extra_cuda_cflags=["-O3 --use_fast_math"], verbose=True,
        )
"""
ROW = {"Level_ID": 1, "Task_ID": 3, "Kernel_Name": "k", "Correct": True, "Error": None}
BROKEN = "void f() { undeclared(); }\n"
SOUND = "__global__ void k(float* x) { *x = 1.f; }\nvoid f() { k<<<1, 1>>>(nullptr); }\n"
needs_nvcc = pytest.mark.skipif(
    shutil.which("nvcc") is None and not Path("/usr/local/cuda/bin/nvcc").exists(), reason="there is no nvcc"
)


@pytest.fixture(scope="module")
def unit() -> Unit:
    asked = captured(CANDIDATE)
    assert asked is not None
    return units.of_call(asked, "generator-sound", "late")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        ROW | {"CUDA_Code": SOUND},
        ROW | {"CUDA_Code": BROKEN, "Correct": False, "Error": "kernel.cu(1): error: undeclared\nninja: build stopped"},
    ]
    (tmp_path / units.ARCHIVE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / units.CUDA_L1).write_text("")
    return tmp_path


def test_a_call_of_load_inline_is_captured_where_it_stands(unit: Unit) -> None:
    assert unit.main_cpp is not None
    assert unit.cuda is not None
    assert unit.main_cpp.startswith("#include <torch/extension.h>\nvoid go();\nPYBIND11_MODULE(")
    assert unit.cuda.startswith("#include <torch/types.h>\n#include <cuda.h>\n#include <cuda_runtime.h>\nvoid go() {}")
    assert unit.cuda_cflags == ("-O3", "--use_fast_math")
    assert Unit.from_json(unit.to_json()) == unit
    files = {one.name: one.text for one in request_of(unit).units}
    assert files == {"main.cpp": unit.main_cpp, "cuda.cu": unit.cuda}, "both sides compile the same text"


def test_a_candidate_without_a_build_is_none() -> None:
    assert captured("import torch\nclass ModelNew(torch.nn.Module):\n    pass\n") is None


def test_the_choice_fails_cleanly_without_data(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="--data"):
        units.choose(tmp_path, 4)
    assert shim_against_stock.main(["--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 2


@needs_nvcc
def test_stock_says_which_tool_refused_and_at_what_stage() -> None:
    stock = find_stock()

    def tried(main: str | None, cuda: str | None) -> Outcome:
        return stock.compile(Unit("archive", "x", "x", main, cuda))

    sound = tried(None, SOUND)
    assert (sound.ok, sound.stage, sound.tool) == (True, "", "")
    assert [step.file for step in sound.steps] == ["cuda.cu", "link"]
    assert 0 < sound.cpu_s < sum(step.cpu_s for step in sound.steps)
    host = tried("int main( {", SOUND)
    assert (host.ok, host.stage, host.tool) == (False, "host_compile", "g++")
    assert [step.file for step in host.steps] == ["main.cpp"], "main.cpp's error ends the unit"
    device = tried(None, BROKEN)
    assert (device.stage, device.tool) == ("device_compile", "cudafe++")
    assert "undeclared" in device.first_error
    assert tried(None, "__constant__ int big[1 << 20];\n__global__ void k(int* x) { *x = big[*x]; }\n").tool == "ptxas"
    missing = tried("void nowhere();\nvoid f() { nowhere(); }\n", None)
    assert (missing.stage, missing.tool) == ("link", "ld")
    assert Outcome.from_json(missing.to_json()) == missing


def _outcome(key: str, ok: bool, stage: str, line: str, tool: str, cpu_s: float, held_up: float = 2.0) -> Outcome:
    return Outcome(key, "archive", key, ok, stage, line, line, tool, (Step("cuda.cu", cpu_s, held_up * cpu_s),))


def _row(key: str, ok: bool, stage: str, line: str, tier: str = "shim") -> Row:
    built = Measured(ok, stage, line, tier, "why", 2.0, 4.0)
    return Row(key, built, Measured(True, "", "", tier, "", 0.5, 0.5))


def test_the_summary_counts_what_both_have_answered() -> None:
    line = "cuda.cu:3: error: expected a ';'"
    stock = [
        _outcome("a", True, "", "", "", 100.0, held_up=1.0),
        _outcome("b", False, "device_compile", line, "cudafe++", 60.0),
        _outcome("c", False, "device_compile", "ptxas error   : too much", "ptxas", 80.0),
        _outcome("unanswered", True, "", "", "", 100.0),
    ]
    ours = [
        _row("a", True, "", ""),
        _row("b", False, "device_compile", line, "stock"),
        _row("c", True, "", "", "middle"),
    ]
    found = summary(stock, ours)
    assert found["units"] == 3
    assert found["verdicts"]["equal"] == 2
    assert [one["unit"] for one in found["verdicts"]["differences"]] == ["c"]
    assert (found["first_error_line"]["identical"], found["first_error_line"]["both_failed"]) == (1, 1)
    assert found["cpu_seconds"]["ratio"]["median"] == 40.0
    wall = found["wall_seconds"]
    assert (wall["units"], wall["ratio"]["median"]) == (1, 25.0), "a time on the clock counts where nothing held it up"
    assert {name: one["units"] for name, one in found["decided_by"]["tiers"].items()} == {
        "shim": 1,
        "middle": 1,
        "stock": 1,
    }
    front = found["front_end"]
    assert (front["judged"], front["equal"], front["refused_beyond_the_front_end"]) == (2, 1, {"ptxas": 1})
    assert "verdict equal           2/3" in table(found)


def test_the_archive_is_compared_row_by_row(data: Path) -> None:
    rows = archive.recorded(data)
    assert [built for _, built, _ in rows] == [True, False]
    answers = {
        unit.key: _row(unit.key, False, "device_compile", "error: no member getCurrentCUDAStream") for unit, *_ in rows
    }
    found = archive.as_dict(archive.compare(rows, answers))
    assert (found["rows"], found["reproduced"], found["failed_in_both"]) == (2, 1, 1)
    assert "CUDAStream.h" in found["differences"][0]["reason"]


def test_an_answer_is_kept_and_never_asked_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of writing: the half line goes, the rest stays."""
    chosen = [Unit("archive", name, "x", None, text) for name, text in (("a", SOUND), ("b", BROKEN))]
    work = tmp_path / "work"
    work.mkdir()
    (work / "units.jsonl").write_text("".join(unit.to_json() + "\n" for unit in chosen))
    first = _outcome(chosen[0].key, True, "", "", "", 10.0).to_json()
    second = _outcome(chosen[1].key, False, "device_compile", "x", "cudafe++", 10.0)
    (work / "stock.jsonl").write_text(first + "\n" + second.to_json()[:40])
    asked: list[str] = []

    class Kept:
        def compile(self, unit: Unit) -> Outcome:
            asked.append(unit.name)
            return second

    monkeypatch.setattr(shim_against_stock, "find_stock", lambda arch, include: Kept())
    shim_against_stock.run(data, work, None, count=2, side="stock")
    assert asked == ["b"]
    kept = (work / "stock.jsonl").read_text().splitlines()
    assert kept == [first, second.to_json()]


def test_units_in_cpp_are_sound_and_broken_by_turns() -> None:
    chosen = units.choose_cpp(6)
    assert [unit.source for unit in chosen] == ["generator-sound", "generator-broken"] * 3
    assert all(unit.cuda is None and unit.main_cpp and "PYBIND11_MODULE" in unit.main_cpp for unit in chosen)
    assert len({unit.key for unit in chosen}) == 6
    assert units.choose_cpp(4) == chosen[:4]


@pytest.mark.stress
@needs_nvcc
def test_a_cpp_unit_has_stocks_verdict_from_our_build(tmp_path: Path) -> None:
    """Through the command, both sides for real: a minute and more, most of it what is made once."""
    out = tmp_path / "found.json"
    given = ["--language", "cpp", "--count", "1", "--work", str(tmp_path / "work"), "--out", str(out)]
    assert shim_against_stock.main(given) == 0
    found = json.loads(out.read_text())["shim_against_stock"]
    assert (found["units"], found["verdicts"]["equal"]) == (1, 1)
    assert found["cpu_seconds"]["stock"]["median"] > 3 * found["cpu_seconds"]["ours"]["median"]
