"""domains/cuda: to a GPU box and back, and its adapter's command, as far as a machine without a GPU goes."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from adapt.parquet import read_environments, read_labels
from domains.cuda import boxes, on_gpu
from domains.cuda.calls import calls
from kernelbench_harness.gpu.jobs import read_jobs
from kernelbench_harness.gpu.shards import Row, write_shards
from kernelbench_harness.label import Label, Stage, Timing, Verdict

ENVIRONMENT = {"torch": "2", "gpu": "a card"}
TIMING = Timing((1.0, 1.25, 1.5), 1.25, 0.5)


def _labelled(jobs: Path, folder: Path) -> list[Path]:
    """Labels of some jobs, as a box would hand them back: by turns correct with a time, wrong, and not compiled."""
    rows = []
    for number, listed in enumerate(read_jobs(jobs)):
        problem, candidate = listed.job
        common = (problem.id, candidate.id, problem.scale)
        seconds = {"total": 1.5}
        if number % 3 == 0:
            label = Label(*common, Verdict.CORRECT, Stage.TIMING, runtime=TIMING, reference=TIMING, seconds=seconds)
        else:
            verdict, stage = [
                (Verdict.WRONG_VALUE, Stage.VALUE),
                (Verdict.COMPILE_ERROR, Stage.DEVICE_COMPILE),
            ][number % 2]
            label = Label(*common, verdict, stage, error="whole", first_error="first", seconds=seconds)
        rows.append(Row(label, problem, candidate, listed.about))
    return write_shards(folder, "labels", rows, {"": ENVIRONMENT})


def test_what_goes_to_a_box_comes_back_with_its_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes.main(["jobs", str(tmp_path / "jobs.jsonl"), "--count", "40", "--seed", "3"])
    files = _labelled(tmp_path / "jobs.jsonl", tmp_path)
    boxes.main(["take", *map(str, files), "--into", str(tmp_path / "labels")])
    assert "40 labels" in capsys.readouterr().out
    found = {record.call.key: record for record in read_labels(tmp_path / "labels" / "gpu.parquet")}
    wanted = list(islice(calls(3), 40))
    assert {item.call.key for item in wanted} == set(found)
    for item in wanted:
        record = found[item.call.key]
        assert (record.split, record.cohort, record.group, record.twin) == (
            item.split,
            item.cohort,
            item.group,
            item.twin,
        )
        assert record.tags == dict(item.tags) and record.source == "shipped" and record.seconds == 1.5
    contents = [record.result.content for record in found.values() if record.result.content]
    assert any(one["verdict"] == "correct" and one["runtime_ms"] == 1.25 for one in contents)
    assert any(one["verdict"] == "compile_error" and one["error"] == "first" for one in contents)
    assert list(read_environments(tmp_path / "labels").values()) == [ENVIRONMENT]


def test_kernels_of_others_do_not_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes.main(["jobs", str(tmp_path / "jobs.jsonl"), "--count", "3"])
    lines = [json.loads(line) for line in (tmp_path / "jobs.jsonl").read_text().splitlines()]
    lines[0]["about"]["cohort"] = "archive"
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    files = _labelled(tmp_path / "jobs.jsonl", tmp_path)
    monkeypatch.setattr(boxes, "LABELS", tmp_path / "shipped")
    boxes.main(["take", *map(str, files), "--into", str(tmp_path / "shipped")])
    boxes.main(["take", *map(str, files), "--into", str(tmp_path / "kept")])
    assert len(list(read_labels(tmp_path / "shipped" / "gpu.parquet"))) == 2
    assert len(list(read_labels(tmp_path / "kept" / "gpu.parquet"))) == 3


def test_labels_of_other_calls_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes.main(["jobs", str(tmp_path / "jobs.jsonl"), "--count", "1"])
    text = json.loads((tmp_path / "jobs.jsonl").read_text()) | {"about": {}}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(text) + "\n")
    files = _labelled(tmp_path / "jobs.jsonl", tmp_path)
    for arguments in (["take", str(files[0])], ["take", str(tmp_path / "none.gz")], ["jobs", "/nowhere/jobs.jsonl"]):
        with pytest.raises(SystemExit) as ended:
            boxes.main(arguments)
        said = capsys.readouterr().err
        assert ended.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1


def test_hand_written_kernels_can_be_sent_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GTM_EXTERNAL_DATA", raising=False)
    boxes.main(["jobs", str(tmp_path / "jobs.jsonl"), "--foreign"])
    found = read_jobs(tmp_path / "jobs.jsonl")
    assert found and {one.about["cohort"] for one in found} == {"foreign"}
    assert {one.about["split"] for one in found} == {"test"}


# The adapter's command


def test_an_arm_that_fails_is_named_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps themselves are adapt's verbs; here two that end at once, one of them badly."""

    def steps(arm: str, *others: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (
            ("doctor", ("doctor", "--json")),
            ("train", ("train", "no such domain" if arm == "qlora" else "--help")),
        )

    monkeypatch.setattr(on_gpu, "_steps", steps)
    on_gpu.on_gpu(dry_run=True, out=tmp_path)
    figures = json.loads((tmp_path / "dry-run" / "cuda_adapter.json").read_text())["figures"]
    assert set(figures) == {"lora", "qlora"}
    assert "error: " in figures["qlora"]["failed"]["train"]
    journal = (tmp_path / "dry-run" / "cuda_adapter.journal.jsonl").read_text()
    on_gpu.on_gpu(dry_run=True, out=tmp_path, arms="qlora")
    later = (tmp_path / "dry-run" / "cuda_adapter.journal.jsonl").read_text()
    assert later.startswith(journal) and later.count("doctor") == journal.count("doctor"), (
        "what ended is not done again"
    )


def test_the_steps_are_verbs_of_adapt_in_order() -> None:
    names = [name for name, _ in on_gpu._steps("qlora", "nano", 3.0, Path("more.jsonl"), False)]
    assert names == ["label", "label further", "train", "calibrate", "score"]
    words = dict(on_gpu._steps("qlora", "nano", 3.0, None, False))
    assert (
        "--qlora" in words["train"] and "--qlora" not in dict(on_gpu._steps("lora", "nano", 3.0, None, False))["train"]
    )
