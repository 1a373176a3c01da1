"""Labels that say only that a candidate compiles: readable, exported where they fit, and never taken for more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kernelbench_harness.engine import Summary
from kernelbench_harness.exchange.records import choose, is_compiled
from kernelbench_harness.exchange.run_folder import export_runs
from kernelbench_harness.exchange.training import export_examples, export_parquet
from kernelbench_harness.exchange.verify import agreement
from kernelbench_harness.explain import explain
from kernelbench_harness.label import Candidate, Label, Problem, Stage, Verdict
from kernelbench_harness.report import label_text, summary_text
from kernelbench_harness.store import LabelStore

PROBLEM = Problem("19_ReLU", "class Model: ...", 1, 19)
KERNEL = Candidate("class ModelNew: ...", "level_1_problem_19_sample_0_kernel.py")
HERE = {"processor": "x", "device": "cpu"}
COMPILED = Label(
    PROBLEM.id, KERNEL.id, "full", Verdict.COMPILED, Stage.LINK, unmeasured="no GPU", compiler="shim", environment="e1"
)
WRONG = replace(
    COMPILED, verdict=Verdict.WRONG_VALUE, stage=Stage.VALUE, unmeasured="", error="2 of 3", first_error="2"
)


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    with LabelStore(tmp_path / "l.sqlite") as opened:
        opened.add(COMPILED, PROBLEM, KERNEL, HERE)
        yield opened


def test_it_reads_as_what_it_is(store: LabelStore, tmp_path: Path) -> None:
    assert is_compiled(COMPILED)
    assert explain(COMPILED, KERNEL) == ["not run         no GPU"]
    assert "verdict         compiled" in label_text(COMPILED, PROBLEM, KERNEL)
    text = summary_text(Summary({"compiled": 1}, 1, 0), 1, tmp_path, {})
    assert "compiles and loads; not run" in text.splitlines()[0]
    assert store.counts() == {"compiled": 1}


def test_kernelbench_has_no_such_record(store: LabelStore, tmp_path: Path) -> None:
    done = export_runs(store, tmp_path / "run")
    assert done.written == 0
    assert done.notes == ("1 labels say only that a candidate compiles: KernelBench has no such record; left out",)
    assert json.loads((tmp_path / "run" / "eval_results.json").read_text()) == {}


def test_an_example_says_no_more_than_is_known(store: LabelStore, tmp_path: Path) -> None:
    assert export_examples(store, tmp_path / "e.jsonl").written == 1
    example = json.loads((tmp_path / "e.jsonl").read_text())
    assert example["result"] == {"verdict": "compiled", "compiled": True}
    assert example["tags"]["unmeasured"] == "no GPU"
    parquet = pytest.importorskip("pyarrow.parquet")
    export_parquet(store, tmp_path / "l.parquet")
    (row,) = parquet.read_table(tmp_path / "l.parquet").to_pylist()
    assert (row["compiled"], row["correct"], row["verdict"]) == (True, None, "compiled")


def test_a_label_of_a_run_speaks_first(store: LabelStore, tmp_path: Path) -> None:
    run = replace(WRONG, environment="e0")
    store.add(run, PROBLEM, KERNEL, {**HERE, "device": "cuda"})
    assert choose(store).label(store, PROBLEM.id, KERNEL.id) == run, "both are ours, one knows more"
    assert export_runs(store, tmp_path / "run").written == 1


@pytest.mark.parametrize(
    ("claim", "checked", "compiled"),
    [
        (WRONG, 0, 1),
        (
            replace(WRONG, verdict=Verdict.COMPILE_ERROR, stage=Stage.DEVICE_COMPILE),
            1,
            0,
        ),
    ],
)
def test_a_claim_that_goes_further_is_neither_confirmed_nor_refuted(
    store: LabelStore, claim: Label, checked: int, compiled: int
) -> None:
    store.add(replace(claim, environment="claims"), PROBLEM, KERNEL, {"source": "them", "verified": False})
    found = agreement(store)
    assert (found.claims, found.checked, found.agreeing, found.compiled) == (1, checked, 0, compiled)
    assert ("differs" in found.text()) == bool(checked)
    assert ("were not run here" in found.text()) == bool(compiled)


def test_a_compiled_label_says_why_it_is_no_more() -> None:
    with pytest.raises(ValueError, match="so does a compiled one"):
        replace(COMPILED, unmeasured="")
