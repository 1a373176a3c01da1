"""The commands that wait for a GPU box: their parts, and each of them dry, as far as a CPU goes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
import typer

from kernelbench_harness.devices import gpus
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import agreement, item, noise, shards, theirs
from kernelbench_harness.gpu.cases import ALL, GOOD
from kernelbench_harness.gpu.h100_sanity import PROBLEMS, PUBLISHED, compare
from kernelbench_harness.gpu.jobs import Listed, generated, read_jobs, write_jobs
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Timing, Verdict
from kernelbench_harness.store import LabelStore

ROOT = Path(__file__).resolve().parents[2]
ABSENT = ("datasets", "trl", "llguidance", "jsonschema", "pydantic", "mapie", "adapt", "base_gtm", "domains")
"""What a GPU box may lack; the harness's commands must not ask for it. Later versions of typer ask for pydantic."""
LACKING = f"""
import runpy, sys
def for_typer():
    frame = sys._getframe(1)
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("typer"):
        frame = frame.f_back
    return frame is not None
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r} and not (name.startswith("pydantic") and for_typer()):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Lacking())
module = sys.argv.pop(1)
sys.argv[0] = module
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def command(name: str, *arguments: str) -> list[str]:
    """One of the commands, on a machine that lacks what a box may lack."""
    return [sys.executable, "-B", "-c", LACKING, f"kernelbench_harness.gpu.{name}", *arguments]


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=200, cwd=ROOT)


def result(out: Path, name: str) -> dict[str, object]:
    found = json.loads((out / "dry-run" / f"{name}.json").read_text())
    assert {"item", "device", "dry_run", "date", "commit", "arguments", "figures", "environment"} == set(found)
    assert found["item"] == name and found["dry_run"] is True and found["environment"]["torch"]
    return dict(found["figures"])


# Journal, results, tables


def test_a_torn_line_is_left_out_and_cut_off(tmp_path: Path) -> None:
    journal = item.Journal(tmp_path / "a" / "x.journal.jsonl")
    assert list(journal.read()) == []
    journal.append({"n": 1})
    with journal.path.open("ab") as file:
        file.write(b'{"n": 2')
    assert [one["n"] for one in journal.read()] == [1]
    journal.append({"n": 3})
    assert [one["n"] for one in journal.read()] == [1, 3]
    journal.path.write_text('{"n": 1}\n{"n":\n{"n": 3}\n')
    with pytest.raises(HarnessError, match=r"x\.journal\.jsonl:2: not a record"):
        list(journal.read())


def test_results_are_written_whole(tmp_path: Path) -> None:
    made = item.begin("check", tmp_path, 1.0, True, "abc", {"runs": 2})
    assert made.commit == "abc" and not made.over and made.device == "cpu"
    path = made.write({"x": 1}, {"torch": "2"})
    raw = json.loads(path.read_text())
    assert (raw["figures"], raw["commit"], raw["arguments"]) == ({"x": 1}, "abc", {"runs": 2})
    assert [one.name for one in path.parent.iterdir()] == ["check.json"]
    assert item.begin("check", tmp_path, 0.0, True, "", {}).over
    assert item.slug("NVIDIA H200 (80GB)/x") == "NVIDIA_H200_80GB_x"


def test_tables_are_aligned() -> None:
    lines = item.table(("name", "n"), [["a", 1], ["longer", 20]]).splitlines()
    assert lines == ["name     n", "a        1", "longer  20"]


@pytest.mark.skipif(bool(gpus()), reason="here is a GPU")
@pytest.mark.parametrize("name", ["check", "labels", "head_to_head", "h100_sanity"])
def test_without_a_gpu_each_says_so_in_one_line(tmp_path: Path, name: str) -> None:
    more = ["--data", str(_data(tmp_path))] if name == "h100_sanity" else []
    done = run(name, "--out", str(tmp_path / "out"), *more)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("error: ") and "GPU" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "--dry-run", "--minutes", "x"), "minutes"),
        (("check", "--cases", "no such case"), "GPU" if not gpus() else "no case"),
        (("labels", "--languages", "cpp"), "give cuda, triton"),
        (("labels", "--jobs", "/nowhere.jsonl"), "cannot be read"),
        (("labels", "--objects", "/nowhere"), "no such folder"),
        (("labels", "--take", "/nowhere.jsonl.gz"), "no such file"),
        (("head_to_head", "--kernelbench", "/nowhere"), "kernelbench/eval.py"),
        (("h100_sanity", "--data", "/nowhere"), "no such file"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(arguments[0], "--out", str(tmp_path), *arguments[1:])
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: ") and message in done.stderr


# Jobs and shards


def test_jobs_come_back_as_they_went(tmp_path: Path) -> None:
    made = list(islice(generated(3, ["cuda", "triton"]), 6))
    assert {one.about["language"] for one in made} == {"cuda", "triton"}
    assert write_jobs(tmp_path / "jobs.jsonl", made) == 6
    assert read_jobs(tmp_path / "jobs.jsonl") == made
    assert made == list(islice(generated(3, ["cuda", "triton"]), 6))


@pytest.mark.parametrize("line", ["{}", '{"problem": {"name": "a"}, "code": "x"}', "[]", '{"problem": 1, "code": "x"}'])
def test_a_line_that_is_no_job_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "jobs.jsonl").write_text(line + "\n")
    with pytest.raises(HarnessError, match=r"jobs\.jsonl:1: no job"):
        read_jobs(tmp_path / "jobs.jsonl")


def _row(number: int, noise_of: random.Random) -> shards.Row:
    text = "".join(noise_of.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(3000))
    problem, candidate = Problem("p", "x = 1"), Candidate(f"# {number} {text}", f"c{number}")
    timing = Timing((1.0, 2.0, 3.0), 2.0, 1.0)
    label = Label(
        problem.id,
        candidate.id,
        "full",
        Verdict.CORRECT,
        Stage.TIMING,
        runtime=timing,
        reference=timing,
        environment="e1",
    )
    return shards.Row(label, problem, candidate, {"language": "cuda", "number": number})


def _hash(path: Path) -> str:
    """Of a file: pytest explains how two of megabytes differ for hours where CI is set."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_shards_hold_everything_and_keep_below_their_limit(tmp_path: Path) -> None:
    rows = [_row(number, random.Random(number)) for number in range(400)]
    files = shards.write_shards(tmp_path, "labels", rows, {"e1": {"torch": "2"}}, limit=300_000)
    assert len(files) >= 3 and all(path.stat().st_size <= 300_000 for path in files)
    found, environments = shards.read_shards(files)
    assert found == rows and environments == {"e1": {"torch": "2"}}
    again = [_hash(path) for path in files]
    assert [_hash(path) for path in shards.write_shards(tmp_path, "labels", rows, environments, 300_000)] == again
    (one,) = shards.write_shards(tmp_path, "labels", rows[:3], environments)
    assert [path.name for path in tmp_path.iterdir()] == [one.name] == ["labels-000.jsonl.gz"]
    with LabelStore(tmp_path / "labels.sqlite") as store:
        assert shards.add_to(store, rows, environments) == 400
        assert shards.add_to(store, rows[:10], environments) == 0


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    (path,) = shards.write_shards(tmp_path, "labels", [_row(0, random.Random(0))], {})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(HarnessError, match=r"labels-000\.jsonl\.gz:\d+: no shard"):
        shards.read_shards([path])
    path.write_bytes(gzip.compress(b'{"environments": {}}\n{"label": 1}\n'))
    with pytest.raises(HarnessError, match=r"gz:2: no shard"):
        shards.read_shards([path])


# The other evaluator

STAND_IN = """
import os, sys, time
import litellm
from dotenv import load_dotenv
load_dotenv()
class Result:
    def __init__(self, compiled, correctness):
        self.compiled, self.correctness, self.metadata = compiled, correctness, {"error": ValueError("x")}
        self.runtime = self.ref_runtime = 1.5 if correctness else -1.0
def build_compile_cache(source, verbose, build):
    if "no such" in source:
        return False, "", "error: no such thing"
    open(os.path.join(build, "built"), "w").write("x")
    return True, "", None
def eval_kernel_against_ref(original_model_src, custom_model_src, build_dir, backend, **others):
    assert os.path.isdir(build_dir) and others["num_perf_trials"] == 100
    if "dies" in custom_model_src:
        os._exit(3)
    if "hangs" in custom_model_src:
        time.sleep(60)
    if "lock" in custom_model_src:
        return None
    return Result(True, backend == "triton")
"""
"""Answers as KernelBench's evaluator does; the real one needs a GPU even to say no."""


@pytest.fixture
def their(tmp_path: Path) -> theirs.Their:
    package = tmp_path / "kb" / "src" / "kernelbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "eval.py").write_text(STAND_IN)
    return theirs.Their(theirs.locate(tmp_path / "kb"), tmp_path / "build", timeout_s=20)


def test_their_answers_and_their_deaths_are_told_apart(their: theirs.Their) -> None:
    jobs = [(GOOD.problem, Candidate(code)) for code in ("plain", "import triton", "dies", "lock")]
    plain, triton, dead, nothing = theirs.evaluate(their, iter(jobs))
    assert (plain["compiled"], plain["correctness"], plain["runtime_ms"]) == (True, False, None)
    assert triton["correctness"] and triton["runtime_ms"] == 1.5 and "litellm" in triton["absent"]
    assert "status 3" in dead["died"] and "nothing" in nothing
    assert agreement.word_of_theirs(dead).startswith("status 3") and agreement.word_of_theirs(triton) == "correct"


def test_one_that_hangs_is_ended_with_all_it_started(their: theirs.Their) -> None:
    from dataclasses import replace

    begin = time.monotonic()
    (answer,) = theirs.evaluate(replace(their, timeout_s=1.5), iter([(GOOD.problem, Candidate("hangs"))]))
    assert "timed out" in answer["died"] and time.monotonic() - begin < 15


def test_their_cache_is_filled_in_parallel(their: theirs.Their) -> None:
    told: list[str] = []
    jobs = [(GOOD.problem, Candidate(code)) for code in ("a", "b", "no such", "import triton")]
    assert theirs.precompile(their, jobs, 2, told.append) > 0
    assert len(told) == 3 and sum("failed" in line for line in told) == 1
    assert len(list(their.build.glob("*/built"))) == 2


def _ours(verdict: Verdict, first: str = "", ms: float | None = None) -> dict[str, object]:
    compiled = verdict is not Verdict.COMPILE_ERROR
    correct = verdict is Verdict.CORRECT
    said = {"verdict": str(verdict), "compiled": compiled, "correctness": correct, "first_error": first}
    return said | {"evidence": ["patches x"] if verdict is Verdict.CHEATING else [], "runtime_ms": ms}


def test_agreement_names_each_difference() -> None:
    right = {"compiled": True, "correctness": True, "runtime_ms": 2.0}
    pairs = {
        "same": (_ours(Verdict.CORRECT, ms=1.0), right),
        "zeros": (_ours(Verdict.WRONG_VALUE, "every value is zero"), right),
        "cheat": (_ours(Verdict.CHEATING), right),
        "fault": (_ours(Verdict.RUNTIME_ERROR, "SIGSEGV"), {"died": "status -11"}),
        "header": (_ours(Verdict.COMPILE_ERROR, "no_such.h"), {"nothing": "no result"}),
        "agreed": (_ours(Verdict.COMPILE_ERROR, "x"), {"compiled": False, "correctness": False}),
    }
    records: list[dict[str, object]] = []
    for name, (mine, other) in pairs.items():
        records += [{"kind": "ours", "job": name, **mine}, {"kind": "theirs", "job": name, **other}]
    records += [{"kind": "seconds", "of": "ours", "labels": 6, "seconds": 60.0}]
    records += [{"kind": "repeat", "job": "same", "ours_ms": ms, "theirs_ms": 2 * ms} for ms in (1.0, 1.1)]
    found = agreement.figures(records, list(pairs))
    assert found["both"] == 6 and set(found["differences"]) == {"zeros", "cheat", "fault"}
    assert (found["same_compiled"], found["same_correct"]) == (5, 4)
    assert found["ours"]["labels_per_hour"] == 360 and found["times_ours_over_theirs"] == 0.5
    assert found["spread"]["ours"]["median_spread"] == pytest.approx(0.1 / 1.05, abs=1e-3)
    assert (
        "zeros pass" in found["differences"]["zeros"]["why"] and "not compiled" in found["differences"]["fault"]["why"]
    )
    assert "labels an hour" in agreement.text(found, "a card", False)
    assert agreement.correct_in_both(records) == {"same"}


# Times


def test_ranks_and_ratios() -> None:
    records = [{"problem": f"p{n}", "level": 1, "median_ms": 2.0 * n} for n in range(1, 6)]
    published = {f"level1/p{n}": float(n) for n in range(1, 6)}
    found = compare([*records, {"problem": "q", "level": 1, "reason": "too large"}], published, 7)
    assert (found["rank_correlation"], found["median_ratio"], found["compared"]) == (1.0, 2.0, 5)
    assert found["left_out"] == {"q": "too large"} and found["problems"] == 7
    published |= {"level1/p1": 5.0, "level1/p5": 1.0}
    assert compare(records, published, 5)["rank_correlation"] == pytest.approx(-0.6)
    assert compare([], published, 5)["rank_correlation"] is None


def test_spreads_of_medians() -> None:
    records = [{"times": {"add": {"median_ms": ms, "reference_ms": 2.0}}} for ms in (1.0, 1.1, 1.2)]
    found = noise.figures(records)["add"]
    assert found["spread"] == pytest.approx(0.2 / 1.1, abs=1e-3) and found["itself"] == [2.0, 1.8182, 1.6667]
    assert noise.figures([]) == {}


# Each command, dry


def _data(folder: Path) -> Path:
    """Problems and published times of our own in KernelBench's forms."""
    forwards = {"1_a": "x + 1", "2_b": "x.sin().cos().exp()", "3_c": "(x @ x.T).sum(1)", "4_d": "torch.softmax(x, 1)"}
    template = (
        "import torch\nimport torch.nn as nn\nN = 64\n\nclass Model(nn.Module):\n    def forward(self, x):\n"
        "        return {}\n\ndef get_inputs():\n    return [torch.rand(N, N)]\n\n"
        "def get_init_inputs():\n    return []\n"
    )
    rows = [
        {"code": template.format(body), "level": 1, "name": name, "problem_id": int(name[0])}
        for name, body in forwards.items()
    ]
    (folder / PROBLEMS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / PUBLISHED).write_text(
        json.dumps({"level1": {f"{n}.py": {"mean": k + 1.0} for k, n in enumerate(forwards)}})
    )
    return folder


@pytest.mark.slow
def test_check_dry(tmp_path: Path, harness_cache: Path) -> None:
    from kernelbench_harness.gpu.check import DRY, check

    check(dry_run=True, out=tmp_path, runs=2, cache=harness_cache)
    figures = result(tmp_path, "check")
    assert figures["cases"]["tried"] == figures["cases"]["right"] == len(DRY)  # type: ignore[index]
    assert figures["timing"][noise.ON_CPU[0].name]["runs"] == 2  # type: ignore[index]
    lines = (tmp_path / "dry-run" / "check.journal.jsonl").read_text()
    check(dry_run=True, out=tmp_path, runs=2, cache=harness_cache)
    assert (tmp_path / "dry-run" / "check.journal.jsonl").read_text() == lines, "nothing is tried twice"


def test_check_fails_when_a_case_comes_out_wrong(
    tmp_path: Path, harness_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from kernelbench_harness.gpu import cases
    from kernelbench_harness.gpu.check import check

    accused = next(case for case in ALL if case.stages == (Stage.STATIC,))
    monkeypatch.setattr(cases, "ALL", (replace(accused, here=(Verdict.CORRECT,), name="load_inline"),))
    with pytest.raises(typer.Exit) as ended:
        check(dry_run=True, out=tmp_path, runs=0, cache=harness_cache)
    assert ended.value.exit_code == 1


def test_h100_sanity_dry(tmp_path: Path, harness_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelbench_harness.gpu import h100_sanity

    monkeypatch.setattr(h100_sanity, "DRY", ("1_", "2_", "3_", "4_"))
    h100_sanity.h100_sanity(data=_data(tmp_path), dry_run=True, out=tmp_path, cache=harness_cache)
    figures = result(tmp_path, "h100_sanity")
    assert figures["compared"] == 4 and -1 <= figures["rank_correlation"] <= 1  # type: ignore[operator]


def test_head_to_head_dry(tmp_path: Path, their: theirs.Their) -> None:
    """Its caches are cold, so here nothing is compiled; the stand-in calls all of it compiled and not correct."""
    own = GOOD.problem.code.replace("class Model(", "class ModelNew(")
    codes = (
        own,
        own.replace("* 3.0", "* 2.0"),
        "def broken(:\n",
        own.replace("return torch.tanh", "import gc; gc.get_objects(); return torch.tanh"),
    )
    write_jobs(tmp_path / "jobs.jsonl", [Listed((GOOD.problem, Candidate(code))) for code in codes])
    arguments = ("--kernelbench", str(tmp_path / "kb"), "--candidates", str(tmp_path / "jobs.jsonl"))
    done = run("head_to_head", "--dry-run", "--out", str(tmp_path), *arguments)
    assert done.returncode == 0, done.stderr
    figures = result(tmp_path, "head_to_head")
    assert figures["candidates"] == figures["both"] == 4
    assert "labels an hour" in done.stdout and not (tmp_path / "dry-run" / "head_to_head.cache").exists()


@pytest.mark.slow
def test_labels_killed_and_run_again_are_all_there_once(tmp_path: Path, harness_cache: Path) -> None:
    """On a machine that lacks what a box may lack; the first run is killed as soon as it has a label."""
    out = tmp_path / "results"
    arguments = ["--dry-run", "--seed", "5", "--cache", str(harness_cache), "--out", str(out)]
    store = out / "dry-run" / "labels.sqlite"
    process = subprocess.Popen(command("labels", *arguments), cwd=ROOT, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if store.exists() and _count(store):
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = _count(store)
    done = run("labels", *arguments)
    assert done.returncode == 0, done.stderr
    figures = result(out, "labels")
    assert figures["labels"] == figures["asked"] == before + figures["new"]  # type: ignore[operator]
    (shard,) = figures["files"]  # type: ignore[misc]
    rows, environments = shards.read_shards([out / "dry-run" / shard])
    assert {row.about["language"] for row in rows} == {"cuda", "triton"} and len(environments) == 1
    elsewhere = tmp_path / "elsewhere"
    taken = run("labels", *arguments[:5], "--out", str(elsewhere), "--take", str(out / "dry-run" / shard))
    assert taken.returncode == 0, taken.stderr
    assert result(elsewhere, "labels")["new"] == 0, "what was labelled on another machine is not labelled again"


def _count(store: Path) -> int:
    with LabelStore(store) as opened:
        return sum(opened.counts().values())


def test_a_job_that_is_listed_twice_is_labelled_once(tmp_path: Path) -> None:
    one = Listed((GOOD.problem, Candidate("x = (")), {"language": "cuda"})
    write_jobs(tmp_path / "jobs.jsonl", [one, one])
    done = run("labels", "--dry-run", "--jobs", str(tmp_path / "jobs.jsonl"), "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = result(tmp_path, "labels")
    assert (figures["asked"], figures["labels"], figures["new"]) == (2, 1, 1)
    assert figures["by_language"] == {"cuda": {"compile_error": 1}}
