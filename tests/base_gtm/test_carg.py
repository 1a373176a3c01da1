"""CARG: records that hold, checks with teeth, a run that survives a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from base_gtm.arguments import check
from base_gtm.carg.checks import judged, nothing_known
from base_gtm.carg.groups import Groups
from base_gtm.carg.maker import Maker, Plan
from base_gtm.carg.pipeline import MANIFEST, RATES
from base_gtm.carg.plant import PLANTS, plant
from base_gtm.carg.show import markdown, sample
from base_gtm.cli import app, main
from base_gtm.collection.collected import Collected, write_lines
from base_gtm.errors import DataError
from base_gtm.example import Example, Flaw, Provenance, Turn, read_examples, table
from base_gtm.schema import ToolCall, ToolResult, ToolSpec
from base_gtm.teachers.executable.teacher import ExecutableTeacher
from base_gtm.teachers.flaws import broken
from base_gtm.teachers.plausible import plausible
from base_gtm.teachers.schema import SchemaTeacher

MADE = Provenance("teacher", 0, 0)
HOTEL = ToolSpec(
    "book_room",
    "Book a room",
    {
        "type": "object",
        "properties": {
            "guest_id": {"type": "string", "minLength": 2, "description": "Guest"},
            "check_in": {"type": "string", "format": "date", "description": "First night"},
            "check_out": {"type": "string", "format": "date", "description": "Day of departure"},
            "min_price": {"type": "number", "minimum": 0, "description": "Least"},
            "max_price": {"type": "number", "minimum": 0, "description": "Most"},
            "beds": {"type": "integer", "minimum": 1, "maximum": 4, "description": "Beds"},
            "limit": {"type": "integer", "minimum": 1, "description": "Most rooms"},
        },
        "required": ["guest_id", "check_in", "check_out"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "room": {"type": "string"},
            "guest_id": {"type": "string"},
            "offers": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["room"],
        "additionalProperties": False,
    },
)
TOOL = Collected(HOTEL, "Travel", "Hotels", "test", "here", "given")
GIVEN = {"guest_id": "G-77", "check_in": "2026-05-01", "check_out": "2026-05-04", "beds": 3}
REQUEST = "Book guest G-77 from 2026-05-01 to 2026-05-04 with 3 beds."


def single(
    arguments: dict[str, Any] | None = None, result: dict[str, Any] | None = None, request: str = REQUEST
) -> Example:
    call = ToolCall("book_room", GIVEN if arguments is None else arguments)
    answer = ToolResult({"room": "12b"} if result is None else result)
    return Example("single", TOOL, "Travel, Hotels", (), Turn(request, call, answer), MADE)


def complaint(example: Example, check: str) -> str:
    return judged(example, nothing_known)[check]


def test_a_good_record_passes() -> None:
    assert not any(judged(single(), nothing_known).values())


@pytest.mark.parametrize(
    ("check", "example", "words"),
    [
        ("types", single({**GIVEN, "beds": "three"}), "expected integer"),
        ("types", single({"guest_id": "G-77"}), "missing"),
        ("types", single(result={"room": 12}), "not of type"),
        ("types", single(result={"offers": []}), "'room' is a required"),
        ("contradictions", single({**GIVEN, "check_in": "2026-05-09"}), "first lies beyond the second"),
        ("contradictions", single({**GIVEN, "min_price": 90, "max_price": 50}), "first lies beyond the second"),
        ("contradictions", single(request=REQUEST.replace("3 beds", "2 beds")), "request says 2"),
        ("coherence", single(result={"room": "12b", "guest_id": "G-78"}), "'guest_id' is 'G-78'"),
        ("coherence", single({**GIVEN, "limit": 1}, {"room": "a", "offers": ["a", "b"]}), "lists 2"),
        ("coherence", single(result={"room": "<room number>"}), "stands in"),
    ],
)
def test_what_single_checks_refuse(check: str, example: Example, words: str) -> None:
    assert words in complaint(example, check)


def multi(history: Sequence[tuple[dict[str, Any], dict[str, Any]]], arguments: dict[str, Any]) -> Example:
    turns = tuple(Turn("Before.", ToolCall("find_guest", given), ToolResult(found)) for given, found in history)
    turn = Turn("Now book.", ToolCall("book_room", arguments), ToolResult({"room": "12b"}))
    return Example("multi", TOOL, "", turns, turn, MADE)


def test_a_dialogue_takes_something_up() -> None:
    found = ({"name": "Ann"}, {"guest_id": "G-77"})
    assert complaint(multi([found], GIVEN), "history") == ""
    assert "named nowhere" in complaint(multi([({"name": "Ann"}, {"guest_id": "G-12"})], GIVEN), "history")
    assert "takes up" in complaint(multi([({"name": "Ann"}, {"x": 1})], {**GIVEN, "guest_id": "Bo"}), "history")
    assert "no earlier turn" in complaint(multi([], GIVEN), "history")
    twice = replace(multi([found], GIVEN), history=(single().turn,))
    assert "made before" in complaint(twice, "history")


def error(arguments: dict[str, Any], flaw: Flaw, text: str) -> Example:
    turn = Turn(REQUEST, ToolCall("book_room", arguments), ToolResult(is_error=True, text=text))
    return Example("error", TOOL, "", (), turn, MADE, flaw)


HELPFUL = "Error: book_room: parameter 'beds': expected a value of at most 4, got integer 9."


def test_an_error_is_one_and_helps() -> None:
    nine = {**GIVEN, "beds": 9}
    assert not any(judged(error(nine, Flaw("value", "beds"), HELPFUL), nothing_known).values())
    assert "another way" in complaint(error(nine, Flaw("type", "beds"), HELPFUL), "existence")
    assert "no missing fault" in complaint(error(GIVEN, Flaw("missing", "beds"), HELPFUL), "existence")
    assert complaint(error(GIVEN, Flaw("value", "beds"), HELPFUL), "existence") == ""  # the tool alone could know
    doubted = judged(error(GIVEN, Flaw("value", "beds"), HELPFUL), lambda example: "three beds are fine")
    assert doubted["existence"] == "three beds are fine"
    assert "does not name" in complaint(error(nine, Flaw("value", "beds"), "Error: invalid input"), "message")
    assert "what would do" in complaint(error(nine, Flaw("value", "beds"), "Error: beds is bad"), "message")
    assert "one line" in complaint(error(nine, Flaw("value", "beds"), "Error:\nbeds"), "format")


@pytest.mark.parametrize("fault", ["type", "missing", "excess", "value"])
def test_broken_calls_are_broken_in_the_way_they_say(fault: Any) -> None:
    seen = set()
    for seed in range(60):
        made = broken(HOTEL, GIVEN, fault, Random(seed))
        assert made is not None
        arguments, parameter = made
        assert arguments != GIVEN
        assert complaint(error(arguments, Flaw(fault, parameter), HELPFUL), "existence") == ""
        seen.add(parameter)
    assert len(seen) > 1
    assert broken(HOTEL, GIVEN, fault, Random(3)) == broken(HOTEL, GIVEN, fault, Random(3))


@pytest.fixture(scope="module")
def teacher() -> ExecutableTeacher:
    return ExecutableTeacher()


@pytest.fixture(scope="module")
def examples(teacher: ExecutableTeacher) -> list[Example]:
    maker = Maker(teacher, Plan(7, {"single": 1, "multi": 1, "error": 1}, 4, 3))
    rows = [maker.make(job).row for job in range(1500)]
    return [Example.of_row(row) for row in rows if row is not None]


def test_most_jobs_give_a_record_of_each_kind(examples: list[Example]) -> None:
    assert len(examples) > 1100
    kinds = [example.kind for example in examples]
    assert min(kinds.count(kind) for kind in ("single", "multi", "error")) > 250
    faults = [example.flaw.fault for example in examples if example.flaw]
    assert min(faults.count(fault) for fault in ("type", "missing", "excess", "value")) > 30
    assert len({example.tool.spec.name for example in examples}) > 250


def test_a_record_is_a_row_and_back(examples: list[Example]) -> None:
    rows = table(examples)
    assert rows.num_rows == len(examples)
    for example, row in zip(examples, rows, strict=True):
        assert Example.of_row(row) == example
        assert row["key"] == example.key


def test_the_teacher_stands_by_its_records(teacher: ExecutableTeacher, examples: list[Example]) -> None:
    for example in examples:
        assert not any(judged(example, teacher.doubt).values())
    stranger = replace(examples[0], turn=replace(examples[0].turn, call=ToolCall("nobody", {})))
    assert "no executable tool" in teacher.doubt(stranger)


def test_the_checks_have_teeth(teacher: ExecutableTeacher, examples: list[Example]) -> None:
    teeth = plant(examples, 240, teacher.doubt, 0)
    assert set(teeth.catches) == set(PLANTS)
    for name, catch in teeth.catches.items():
        assert catch.planted == 40, name
        assert catch.by_its_check >= 0.95 * catch.planted, (name, catch)
    assert teeth.false_alarms < 0.05 * teeth.clean


def test_a_dialogue_belongs_together(teacher: ExecutableTeacher) -> None:
    groups, rng = Groups(teacher.tools), Random(0)
    scores = []
    for target in range(0, len(teacher.tools), 5):
        group = groups.around(target, 4, rng)
        assert group[-1] is teacher.tools[target]
        assert len({tool.spec.name for tool in group}) == len(group) <= 4
        scores.append(groups.score([teacher.tools.index(tool) for tool in group]))
    by_chance = [groups.score(rng.sample(range(len(teacher.tools)), 4)) for _ in range(60)]
    assert sum(scores) / len(scores) > 3 * sum(by_chance) / len(by_chance)


@pytest.mark.parametrize(
    ("name", "schema", "pattern"),
    [
        ("guest_email", {"type": "string"}, r".+@.+\..+"),
        ("checkIn", {"type": "string", "format": "date"}, r"\d{4}-\d{2}-\d{2}"),
        ("order_id", {"type": "string"}, r"[A-Z]+-\d+"),
        ("size", {"enum": ["S", "M"]}, r"[SM]"),
        ("max_price", {"type": "number", "minimum": 10, "maximum": 20}, r"1\d(\.\d+)?|20\.0"),
        ("tags", {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}, r"\['.+', '.+'\]"),
        (
            "guest",
            {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]},
            r"\{'age': \d+\}",
        ),
    ],
)
def test_plausible_arguments(name: str, schema: dict[str, Any], pattern: str) -> None:
    spec = ToolSpec("t", "", {"type": "object", "properties": {name: schema}, "required": [name]})
    seen = set()
    for seed in range(8):
        found = plausible(spec, Random(seed))
        assert found is not None and re.fullmatch(pattern, str(found[name])), found
        assert found == plausible(spec, Random(seed))
        seen.add(str(found))
    assert len(seen) > 1


def test_arguments_that_no_schema_takes() -> None:
    spec = ToolSpec(
        "t", "", {"type": "object", "properties": {"x": {"type": "string", "pattern": "^q{40}$"}}, "required": ["x"]}
    )
    assert plausible(spec, Random(0)) is None


def test_a_schema_alone_gives_errors(tmp_path: Path) -> None:
    write_lines(tmp_path / "tools.jsonl", [TOOL, replace(TOOL, spec=replace(HOTEL, name="reserve_suite"))])
    options = ("--teacher", "schema", "--tools", str(tmp_path / "tools.jsonl"), "--single", "0", "--multi", "0")
    status, said = generate(tmp_path / "out", *options, "--records", "120")
    assert status == 0, said
    with pytest.raises(DataError, match="no wrong value that a schema takes"):
        generate(tmp_path / "values", *options, "--faults", "value")
    examples = list(read_examples(tmp_path / "out"))
    assert len(examples) == 120
    assert {example.flaw.fault for example in examples if example.flaw} == {"type", "missing", "excess", "value"}
    assert not any(any(judged(example, SchemaTeacher([]).doubt).values()) for example in examples)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def generate(folder: Path, *more: str) -> tuple[int, str]:
    return run("carg", "generate", "--out", str(folder), "--workers", "1", *more)


def test_senseless_values_alone_are_left_to_the_tool(tmp_path: Path) -> None:
    options = ("--single", "0", "--multi", "0", "--error", "1", "--faults", "value", "--records", "40")
    status, said = generate(tmp_path, *options)
    assert status == 0, said
    for example in read_examples(tmp_path):
        assert example.flaw is not None and example.flaw.fault == "value"
        assert check(example.tool.spec, example.turn.call.arguments) is None and example.turn.result.is_error


def test_generate_show_and_faults(tmp_path: Path) -> None:
    status, said = generate(tmp_path / "a", "--records", "1200")
    assert status == 0 and "1,200 records" in said
    examples = list(read_examples(tmp_path / "a"))
    assert len(examples) == len({example.key for example in examples}) == 1200
    rates = json.loads((tmp_path / "a" / RATES).read_text())
    assert rates["records"] == 1200 == sum(tool["records"] for tool in rates["tools"].values())
    assert set(rates["checks"]["multi"]) >= {"types", "contradictions", "coherence", "history"}
    assert all(0 < rate["rate"] <= 1 for kind in rates["checks"].values() for rate in kind.values())

    status, said = run("carg", "show", str(tmp_path / "a"), "--records", "3")
    assert status == 0 and said.count("### ") == 3
    assert markdown(sample(examples, 1, 0)[0]) in said
    status, said = run("carg", "faults", str(tmp_path / "a"), "--number", "12", "--out", str(tmp_path / "teeth.json"))
    assert status == 0
    assert sum(one["planted"] for one in json.loads((tmp_path / "teeth.json").read_text())["catches"].values()) == 12


def test_more_records_go_on_where_fewer_ended(tmp_path: Path) -> None:
    generate(tmp_path / "a", "--records", "100")
    few = [example.key for example in read_examples(tmp_path / "a")]
    generate(tmp_path / "a", "--records", "250")
    generate(tmp_path / "b", "--records", "250")
    more = [example.key for example in read_examples(tmp_path / "a")]
    assert more[:100] == few
    assert more == [example.key for example in read_examples(tmp_path / "b")]


def test_two_processes_write_what_one_writes(tmp_path: Path) -> None:
    generate(tmp_path / "a", "--records", "200")
    run("carg", "generate", "--out", str(tmp_path / "b"), "--workers", "2", "--records", "200")
    assert list(read_examples(tmp_path / "a")) == list(read_examples(tmp_path / "b"))


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Killed at random moments, the same table in the end."""
    program = (
        "import base_gtm.carg.pipeline as p; p.JOBS = 60; import sys; from base_gtm.cli import main; "
        "sys.argv = ['base-gtm', 'carg', 'generate', '--out', sys.argv[1], '--workers', '1', '--records', '300']; "
        "main()"
    )
    rng, kills = Random(0), 0
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a")], stderr=subprocess.PIPE)
        assert child.stderr is not None
        child.stderr.readline()  # it has got somewhere
        time.sleep(rng.uniform(0, 0.3))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.communicate()
        if (tmp_path / "a" / RATES).exists():
            break
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "b")], check=True, capture_output=True)
    assert kills >= 2
    assert list(read_examples(tmp_path / "a")) == list(read_examples(tmp_path / "b"))
    for name in (RATES, MANIFEST):
        assert (tmp_path / "a" / name).read_text() == (tmp_path / "b" / name).read_text()


@pytest.mark.slow
def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    program = (
        "import sys; from base_gtm.cli import main; sys.argv[1:1] = ['carg', 'generate', '--workers', '2']; main()"
    )
    options = ["--out", str(tmp_path), "--records", "100000"]
    run_ = subprocess.Popen([sys.executable, "-c", program, *options], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(children := _children(run_.pid)) < 3 and time.monotonic() < until:  # two workers, and spawn's tracker
        time.sleep(0.1)
    time.sleep(4)  # the workers have imported what they need
    os.kill(run_.pid, signal.SIGKILL)
    run_.wait()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(children) >= 3
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "--records", "0"], "--records 0: give 1 or more"),
        (["generate", "--turns", "1"], "--turns 1: give 2 or more"),
        (["generate", "--single", "0", "--multi", "0", "--error", "0"], "one of them above 0"),
        (["generate", "--faults", "value", "--faults", "typo"], "--faults 'typo': known are type, missing"),
        (["generate", "--teacher", "nobody"], "known are executable, schema and endpoint"),
        (["generate", "--tools", "x.jsonl"], "has tools of its own"),
        (["generate", "--teacher", "schema"], "name a collection with --tools"),
        (["generate", "--teacher", "endpoint"], "name a collection with --tools"),
        (["generate", "--teacher", "endpoint", "--tools", "missing.jsonl"], "missing.jsonl: cannot be read"),
        (["show", "missing"], "holds no records"),
        (["show", ".", "--records", "0"], "give 1 or more"),
        (["faults", "missing"], "holds no records"),
        (["faults", ".", "--number", "-1"], "give 1 or more"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["base-gtm", "carg", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert words in said and said.count("\n") == 1


def test_a_folder_of_other_options_is_refused(tmp_path: Path) -> None:
    generate(tmp_path, "--records", "20")
    with pytest.raises(DataError, match=r"other options \(seed 0, not 1\)"):
        generate(tmp_path, "--records", "20", "--seed", "1")
    with pytest.raises(DataError, match=r"other options \(faults \['type', 'missing', 'excess', 'value'\], not"):
        generate(tmp_path, "--records", "20", "--faults", "value")
    before = json.loads((tmp_path / MANIFEST).read_text())
    del before["faults"]
    (tmp_path / MANIFEST).write_text(json.dumps(before))
    assert generate(tmp_path, "--records", "20")[0] == 0, "a folder from before the option has all four"
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        generate(tmp_path, "--records", "20")
