"""Candidates that are none: listed with their reason, and the batch goes on; samples keep their numbers."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from kernelbench_harness.candidates import LIMIT_BYTES, load_candidates, read_candidate
from kernelbench_harness.errors import CandidateError, ProblemError
from kernelbench_harness.files import LINE_LIMIT, Fault, json_lines, read_text
from kernelbench_harness.label import Problem
from kernelbench_harness.problems import load_problems

PROBLEMS = [Problem("19_ReLU", "class Model: ...", 1, 19)]
GOOD = "class ModelNew: ..."


def kernel(folder: Path, sample: int, content: bytes) -> Path:
    path = folder / f"level_1_problem_19_sample_{sample}_kernel.py"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"x = '\xff\xfe'", "not UTF-8 text (byte 5)"),
        ("class ModelNew: ...".encode("utf-16"), "binary data"),
        (b"\x7fELF\x02\x01\x01\x00\x00\xc3", "binary data"),
        (b"x = 1\0\0\0", "binary data (NUL at character 5)"),
        (b"#" * (LIMIT_BYTES + 1), "larger than 5 MB"),
        ("é".encode() * (LIMIT_BYTES // 2 + 1), "larger than 5 MB"),
    ],
)
def test_a_file_that_is_no_candidate_stops_nothing(tmp_path: Path, content: bytes, reason: str) -> None:
    bad = kernel(tmp_path, 0, content)
    kernel(tmp_path, 1, GOOD.encode())
    pairing = load_candidates(tmp_path, PROBLEMS)
    assert [candidate.code for _, candidate in pairing.jobs] == [GOOD]
    (line,) = pairing.unusable
    assert line.startswith(f"{bad}: {reason}")
    assert "\n" not in line
    with pytest.raises(CandidateError, match=r"^[^\n]*sample_0_kernel\.py: "):
        read_candidate(bad)


def test_what_is_no_regular_file_is_never_waited_for(tmp_path: Path) -> None:
    kernel(tmp_path, 0, GOOD.encode())
    os.mkfifo(tmp_path / "level_1_problem_19_sample_1_kernel.py")
    (tmp_path / "level_1_problem_19_sample_2_kernel.py").symlink_to("/dev/zero")
    (tmp_path / "level_1_problem_19_sample_3_kernel.py").symlink_to(tmp_path / "gone")
    (tmp_path / "level_1_problem_19_sample_4_kernel.py").symlink_to("level_1_problem_19_sample_4_kernel.py")
    (tmp_path / "folder.py").mkdir()
    pairing = load_candidates(tmp_path, PROBLEMS)
    assert len(pairing.jobs) == 1
    assert len(pairing.unusable) == 4


def test_a_huge_candidate_is_not_read_whole(tmp_path: Path) -> None:
    path = kernel(tmp_path, 0, b"")
    with path.open("wb") as handle:
        handle.truncate(50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(CandidateError, match="larger than 5 MB"):
            read_candidate(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * LIMIT_BYTES
    finally:
        tracemalloc.stop()


def test_rows_that_are_no_candidate_stop_nothing(tmp_path: Path) -> None:
    rows = [
        json.dumps({"code": GOOD, "problem": "19_ReLU", "sample_id": 4, "name": "mine"}),
        "{broken",
        json.dumps([1]),
        json.dumps({"code": "", "problem": "19_ReLU"}),
        json.dumps({"code": GOOD}),
        json.dumps({"code": "a\0b", "problem": "19_ReLU"}),
        json.dumps({"code": "#" * (LIMIT_BYTES + 1), "problem": "19_ReLU"}),
        json.dumps({"code": GOOD, "problem": "other"}),
        "[" * 100_000,
    ]
    path = tmp_path / "c.jsonl"
    path.write_bytes("\n".join(rows).encode() + b"\n\xff\n")
    pairing = load_candidates(path, PROBLEMS)
    assert [(sample.sample_id, sample.file) for sample in pairing.samples] == [(4, "mine")]
    assert [line.split(": ")[0] for line in pairing.unusable] == [f"{path}:{n}" for n in (2, 3, 4, 5, 6, 7, 9, 10)]
    assert len(pairing.unmatched) == 1


def test_two_samples_with_one_code_are_two(tmp_path: Path) -> None:
    for sample in (0, 7):
        kernel(tmp_path, sample, GOOD.encode())
    pairing = load_candidates(tmp_path, PROBLEMS)
    assert [(sample.sample_id, sample.candidate.id) for sample in pairing.samples] == [
        (0, pairing.jobs[0][1].id),
        (7, pairing.jobs[0][1].id),
    ]


def test_nothing_to_label_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CandidateError, match=r"no \.py or \.cu files here"):
        load_candidates(tmp_path, PROBLEMS)
    kernel(tmp_path, 0, b"\0")
    with pytest.raises(CandidateError, match=r"no candidate for any of .*; the first left out: .*NUL"):
        load_candidates(tmp_path, PROBLEMS)
    (tmp_path / "level_3_problem_99_sample_0_kernel.py").write_text(GOOD)
    (tmp_path / "level_1_problem_19_sample_0_kernel.py").unlink()
    with pytest.raises(CandidateError, match="wants level 3 problem 99, which is not loaded"):
        load_candidates(tmp_path, PROBLEMS)


# Files


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    code = "class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n# \u2028\x0b\x85"
    row = {"code": code, "name": "a", "level": 1, "problem_id": 1}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\r\n\n", encoding="utf-8")
    (problem,) = load_problems(str(path))
    assert problem.code == code
    path.write_text("\n\n{", encoding="utf-8")
    with pytest.raises(ProblemError, match=r"p\.jsonl:3: not valid JSON"):
        load_problems(str(path))


def test_an_endless_line_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernelbench_harness.files.LINE_LIMIT", 100)
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'"' + b"x" * 5_000_000 + b'"\n' + b'{"a": 1}')
    long, short = json_lines(path)
    assert long.fault is not None and "more than" in long.fault.reason
    assert (short.number, short.value) == (2, {"a": 1})
    assert LINE_LIMIT > 6 * LIMIT_BYTES


def test_a_limit_counts_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes("é".encode() * 5)
    assert read_text(path, 10) == "é" * 5
    assert isinstance(read_text(path, 9), Fault)


def test_a_folder_with_its_problems_stands_alone(tmp_path: Path) -> None:
    from kernelbench_harness.candidates import KERNELBENCH, problems_beside
    from kernelbench_harness.problems import load_problems

    for name in ("add", "scale"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "problem.py").write_text(
            "class Model: pass\ndef get_inputs(): pass\ndef get_init_inputs(): pass\n"
        )
        (tmp_path / name / f"{name}_first.py").write_text("class ModelNew: pass\n")
    assert problems_beside(tmp_path) == str(tmp_path)
    problems = load_problems(str(tmp_path))
    assert [one.name for one in problems] == ["add", "scale"]
    jobs = load_candidates(tmp_path, problems).jobs
    assert [(one.name, candidate.name) for one, candidate in jobs] == [
        ("add", "add_first.py"),
        ("scale", "scale_first.py"),
    ]
    alone = tmp_path / "add"
    assert [one.name for one, _ in load_candidates(alone, load_problems(str(alone))).jobs] == ["add"]
    run = tmp_path / "run"
    run.mkdir()
    assert problems_beside(run) is None
    (run / "level_1_problem_19_sample_0_kernel.py").write_text("class ModelNew: pass\n")
    assert problems_beside(run) == KERNELBENCH


def test_only_the_problems_that_candidates_want_are_brought_to_scale(tmp_path: Path, monkeypatch) -> None:
    from kernelbench_harness import scale
    from kernelbench_harness.commands.work import Asked, work_of

    folder, candidate = tmp_path / "problems", tmp_path / "k.py"
    folder.mkdir()
    for name in ("one", "two"):
        text = f"# {name}\nclass Model: ...\ndef get_inputs(): return []\ndef get_init_inputs(): return []\n"
        (folder / f"{name}.py").write_text(text)
    candidate.write_text("class ModelNew: pass\n")
    brought: list[str] = []

    def shrink_all(problems, wanted):
        brought.extend(problem.name for problem in problems)
        return list(problems)

    monkeypatch.setattr(scale, "shrink_all", shrink_all)
    asked = Asked(str(folder), candidate, False, "two", None, "cpu", "v0.1", True)
    assert [problem.name for problem, _ in work_of(asked).jobs] == ["two"]
    assert brought == ["two"]
