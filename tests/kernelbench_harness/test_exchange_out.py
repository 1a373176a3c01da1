"""Labels of our own going out, and imported claims held against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, run

from kernelbench_harness.candidates import Sample
from kernelbench_harness.engine import label_many
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.exchange import agreement, remember_samples, unverified_jobs
from kernelbench_harness.exchange.importing import import_items
from kernelbench_harness.exchange.rows import COLUMNS, neutral_rows
from kernelbench_harness.exchange.run_folder import export_runs
from kernelbench_harness.exchange.runs import read_runs
from kernelbench_harness.exchange.samples import read_samples
from kernelbench_harness.exchange.training import export_examples, export_parquet
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Timing, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.store import LabelStore
from tests.kernelbench_harness.exchange_sources import CUDA, PROBLEMS, SQUARE, kernel, record, write_run

MACHINE = {"processor": "some processor", "method": 1}
RUNTIME, REFERENCE = Timing((1.0, 2.0, 4.0), 2.0, 1.5), Timing((2.0, 2.0), 2.0, 0.0)
RIGHT = """\
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, x):
        return x * x
"""
WRONG, BROKEN = RIGHT.replace("x * x", "x * x + 1"), RIGHT.replace("return", "return )")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        yield opened


def made(store: LabelStore, problem: Problem, code: str, verdict: Verdict, stage: Stage, **more: Any) -> Candidate:
    """A label as the harness makes it."""
    candidate = Candidate(code, "mine.py")
    error = {} if verdict is Verdict.CORRECT else {"error": f"whole\n{verdict}", "first_error": str(verdict)}
    label = Label(problem.id, candidate.id, "full", verdict, stage, environment="e", **error, **more)
    store.add(label, problem, candidate, MACHINE)
    return candidate


def own_labels(store: LabelStore) -> None:
    """One label of every verdict, on one problem; timeouts before and after the compilation."""
    problem = PROBLEMS[1, 1]
    made(store, problem, "0", Verdict.COMPILE_ERROR, Stage.HOST_COMPILE)
    made(store, problem, "1", Verdict.RUNTIME_ERROR, Stage.LAUNCH)
    made(store, problem, "2", Verdict.TIMEOUT, Stage.RUN)
    made(store, problem, "3", Verdict.TIMEOUT, Stage.HOST_COMPILE)
    made(store, problem, "4", Verdict.WRONG_SHAPE, Stage.SHAPE)
    made(store, problem, "5", Verdict.WRONG_DTYPE, Stage.DTYPE)
    made(store, problem, "6", Verdict.WRONG_VALUE, Stage.VALUE)
    made(store, problem, "7", Verdict.CHEATING, Stage.STATIC, evidence=("line 3: reads the caller's frame",))
    made(store, problem, "8", Verdict.CORRECT, Stage.TIMING, runtime=RUNTIME, reference=REFERENCE)
    made(store, problem, "9", Verdict.CORRECT, Stage.VALUE, unmeasured="timing turned off")


def test_our_labels_have_kernelbenchs_form_and_come_back_whole(store: LabelStore, tmp_path: Path) -> None:
    own_labels(store)
    done = export_runs(store, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "eval_results.json").read_text())
    assert list(results) == ["1"] and done.written == 10
    assert sorted(one["sample_id"] for one in results["1"]) == list(range(10))
    for one in results["1"]:
        assert list(one) == ["sample_id", "compiled", "correctness", "metadata", "runtime", "runtime_stats"]
        code = (tmp_path / "out" / kernel(1, one["sample_id"])).read_text()
        assert one["compiled"] == (code not in "03" and code != "7")
        assert one["correctness"] == (code in "89")
        assert one["metadata"]["hardware"] == "some processor"
        if code == "8":
            assert one["runtime"] == pytest.approx(7 / 3)
            stats = one["runtime_stats"]
            assert list(stats) == ["mean", "std", "min", "max", "num_trials", "hardware", "device"]
            assert (stats["min"], stats["max"], stats["num_trials"]) == (1.0, 4.0, 3)
            assert (stats["hardware"], stats["device"]) == ("some processor", "cpu")
        else:
            assert (one["runtime"], one["runtime_stats"]) == (-1.0, {})
    with LabelStore(tmp_path / "second.sqlite") as second:
        assert import_items(second, read_runs(tmp_path / "out", {})).kept == 10
        for label, problem, candidate in second.iterate():
            first = next(one for one, _, other in store.iterate() if other.code == candidate.code)
            assert replace(label, environment="") == replace(first, environment="")
            environment = second.environment(label.environment)
            assert environment is not None and environment["verified"] is False
            assert problem == PROBLEMS[1, 1]


@pytest.mark.parametrize("damage", ["label", "problem", "stage", "code", "kind"])
def test_a_damaged_label_in_the_metadata_is_read_as_kernelbench_would(
    store: LabelStore, tmp_path: Path, damage: str
) -> None:
    made(store, PROBLEMS[1, 1], "6", Verdict.WRONG_VALUE, Stage.VALUE)
    export_runs(store, tmp_path / "out")
    path = tmp_path / "out" / "eval_results.json"
    results = json.loads(path.read_text())
    own = results["1"][0]["metadata"]["kernelbench_harness"]
    match damage:
        case "label" | "problem":
            del own[damage]
        case "stage":
            own["label"]["stage"] = "link"
        case "code":
            own["problem"]["code"] += "#"
        case _:
            results["1"][0]["metadata"]["kernelbench_harness"] = 3
    path.write_text(json.dumps(results))
    with LabelStore(tmp_path / "second.sqlite") as second:
        import_items(second, read_runs(tmp_path / "out", PROBLEMS))
        ((label, _, _),) = second.iterate()
    assert (label.verdict, label.error) == (Verdict.WRONG_VALUE, "whole\nwrong_value")
    assert label.evidence == ("the source's claim: correctness is false",)


def test_a_run_that_was_labelled_here_is_exported_by_its_own_numbers(store: LabelStore, tmp_path: Path) -> None:
    problem = PROBLEMS[1, 1]
    one = made(store, problem, "x", Verdict.CORRECT, Stage.VALUE, unmeasured="timing turned off")
    pending = Candidate("not yet")
    samples = [Sample(problem, one, 4, kernel(1, 4)), Sample(problem, one, 7, kernel(1, 7))]
    remember_samples(store, "mine", [*samples, Sample(problem, pending, 9, kernel(1, 9))])
    done = export_runs(store, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "eval_results.json").read_text())
    assert [record["sample_id"] for record in results["1"]] == [4, 7]
    assert any("no label yet" in note for note in done.notes)
    assert not (tmp_path / "out" / kernel(1, 9)).exists()


def test_labelling_a_run_does_not_touch_what_was_imported_of_it(store: LabelStore, tmp_path: Path) -> None:
    source = write_run(tmp_path / "run", {"1": [record(0, correct=True)]}, {kernel(1, 0): "x"})
    import_items(store, read_runs(source, {}))
    problem = PROBLEMS[1, 1]
    one, other = Candidate("x"), Candidate("y")
    for candidate in (one, one, other):
        remember_samples(store, "run", [Sample(problem, candidate, 0, kernel(1, 0))])
    found = [(row.run, row.form, row.candidate) for row in read_samples(store)]
    assert found == [("run", "runs", one.id), ("run 2", "label", one.id), ("run 3", "label", other.id)]


def test_our_label_stands_before_a_claim_unless_told_otherwise(store: LabelStore, tmp_path: Path) -> None:
    source = write_run(tmp_path / "run", {"1": [record(0, correct=True)]}, {kernel(1, 0): "x"})
    import_items(store, read_runs(source, PROBLEMS))
    made(store, PROBLEMS[1, 1], "x", Verdict.WRONG_VALUE, Stage.VALUE)
    export_runs(store, tmp_path / "ours")
    export_runs(store, tmp_path / "theirs", "claimed")
    assert json.loads((tmp_path / "ours" / "eval_results.json").read_text())["1"][0]["correctness"] is False
    theirs = (tmp_path / "theirs" / "eval_results.json").read_text()
    assert theirs == (source / "eval_results.json").read_text()


def test_nothing_is_written_over(store: LabelStore, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no labels to export"):
        export_runs(store, tmp_path / "out")
    own_labels(store)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    for export in (export_runs, export_parquet, export_examples):
        with pytest.raises(HarnessError, match=r"out: is there already"):
            export(store, tmp_path / "out")
        with pytest.raises(HarnessError, match="does not exist; make it first"):
            export(store, tmp_path / "none" / "out")
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("labels")) == ["out"]


def test_parquet_has_every_field(store: LabelStore, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    own_labels(store)
    made(store, PROBLEMS[1, 2], "lone \ud800", Verdict.CORRECT, Stage.VALUE, unmeasured="u")
    assert export_parquet(store, tmp_path / "l.parquet").written == 11
    read = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "l.parquet"), split="train", cache_dir=str(tmp_path / "c")
    )
    assert read.column_names == list(COLUMNS)
    rows = list(read)
    for row, wanted in zip(rows, neutral_rows(store), strict=True):
        assert row | {"candidate": 0} == wanted | {"candidate": 0}
    timed = next(row for row in rows if row["runtime_ms"])
    assert (timed["runtime_ms"], timed["runtime_statistic"], timed["runtime_samples_ms"]) == (2.0, "median", [1, 2, 4])
    assert timed["reference"] == SQUARE and timed["verified"] is True
    assert json.loads(timed["environment_record"]) == MACHINE


def test_examples_answer_as_the_validators_of_kernels_do(store: LabelStore, tmp_path: Path) -> None:
    own_labels(store)
    source = write_run(
        tmp_path / "run",
        {"1": [record(0, correct=True), record(1, correct=True), record(2)]},
        {kernel(1, 0): "claimed", kernel(1, 1): "6", kernel(1, 2): "claimed wrong"},
    )
    import_items(store, read_runs(source, PROBLEMS))
    assert export_examples(store, tmp_path / "all.jsonl").written == 12
    examples = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    found = {example["prompt"]["candidate"]: example for example in examples}
    assert {code: example["result"]["verdict"] for code, example in found.items()} == {
        "0": "compile_error", "1": "runtime_error", "2": "timeout", "3": "compile_error", "4": "wrong_shape",
        "5": "wrong_dtype", "6": "wrong_value", "7": "cheating", "8": "correct", "9": "correct",
        "claimed": "correct", "claimed wrong": "wrong_value",
    }  # fmt: skip
    assert found["8"]["result"] == {"verdict": "correct", "compiled": True, "correct": True, "runtime_ms": 2.0}
    assert found["3"]["result"]["compiled"] is False and found["7"]["result"]["compiled"] is True
    assert found["1"]["result"]["error"] == "runtime_error"
    assert found["claimed"]["verified"] is False and found["claimed"]["result"]["runtime_ms"] == 1.88
    assert len({example["split"] for example in examples}) == 1, "all candidates of one problem share a split"
    done = export_examples(store, tmp_path / "own.jsonl", verified_only=True)
    assert (done.written, done.notes) == (10, ("2 unverified claims left out",))


def test_claims_are_held_against_labels_made_here(tmp_path: Path, harness_cache: Path) -> None:
    claims = [record(0, correct=True), record(1, correct=True), record(2, False), record(3, correct=True)]
    source = write_run(
        tmp_path / "run",
        {"1": claims},
        {kernel(1, 0): RIGHT, kernel(1, 1): WRONG, kernel(1, 2): BROKEN, kernel(1, 3): CUDA},
    )
    options = HarnessOptions(cache_dir=harness_cache, timing=False)
    with LabelStore(tmp_path / "labels.sqlite") as store:
        import_items(store, read_runs(source, PROBLEMS))
        before = agreement(store)
        assert (before.claims, before.checked) == (4, 0)
        jobs = unverified_jobs(store)
        assert {candidate.code for _, candidate in jobs} == {RIGHT, WRONG, BROKEN}, "raw CUDA cannot be called"
        assert label_many(jobs, store, options).new == 3
        after = agreement(store)
    assert (after.claims, after.checked, after.agreeing) == (4, 3, 2)
    assert after.pairs == {
        ("correct", "correct"): 1,
        ("correct", "wrong_value"): 1,
        ("compile_error", "compile_error"): 1,
    }
    assert after.unchecked == {"raw CUDA source: how a ModelNew calls it is not known": 1}
    assert "correct          wrong_value           1  differs" in after.text()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("class ModelNew: load_inline(cuda_sources=s)", "needs nvcc"),
        ("import triton\nclass ModelNew: ...", ""),
        ("class ModelNew:\n  x = torch.zeros(3, device='cuda')", "needs a GPU"),
        ("class ModelNew: ...", ""),
    ],
)
def test_what_cannot_be_checked_here_says_why(code: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelbench_harness.exchange import verify

    monkeypatch.setattr(verify, "_has", lambda: (False, False))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert verify.why_not_here(Candidate(code)) == reason


# The commands


def test_import_and_export_by_command(tmp_path: Path) -> None:
    problem = {"code": SQUARE, "level": 1, "name": "1_Square", "problem_id": 1}
    (tmp_path / "p.jsonl").write_text(json.dumps(problem))
    write_run(tmp_path / "run", {"1": [record(0, correct=True)], "9": [record(0)]}, {kernel(1, 0): "x"})
    done = run("import", "run", "--format", "runs", "--problems", "p.jsonl", "--out", "l.sqlite", cwd=tmp_path)
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, "correct               1")
    assert "2 read, 1 kept (1 new), 1 dropped; unverified -> l.sqlite" in done.stdout
    assert "dropped      1  the source has no kernel file for it" in done.stdout
    done = run("export", "l.sqlite", "--format", "eval_results", "--out", "back", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 written -> back\n")
    assert (tmp_path / "back" / "eval_results.json").read_text() == (tmp_path / "run" / "eval_results.json").read_text()


def test_an_archive_of_which_nothing_can_be_taken_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.bin").write_bytes(bytes(range(256)))
    done = run("import", "junk.bin", "--format", "archive", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: junk.bin: none of ")
    assert not list(tmp_path.glob("*.sqlite*"))


def test_help_and_import_of_the_package_load_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kernelbench_harness import cli\nfrom kernelbench_harness.exchange import archive, tree\n"
        "from kernelbench_harness.exchange import run_folder, training\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'datasets', 'ray', 'triton'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "none", "--format", "runs"), "none: no such folder"),
        (("import", "none", "--format", "archive"), "none: no such file or folder"),
        (("import", ".", "--format", "samples"), "no kernel.json below"),
        (("import", ".", "--format", "runs", "--problems", "gone.jsonl"), "gone.jsonl: no such file or folder"),
        (("import", os.devnull, "--format", "archive"), "no such file or folder"),
        (("import", "."), "Missing option '--format'"),
        (("export", "none.sqlite", "--format", "parquet", "--out", "o"), "none.sqlite: no such label store"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
