"""Records: their file, and the split of the tools that they are about."""

from dataclasses import replace

import pytest
from some_records import some_records

from base_gtm.data import Record, read_records, write_records
from base_gtm.data.split import split_tools
from base_gtm.errors import DataError
from base_gtm.example import Example, Provenance, Turn
from base_gtm.schema import ToolCall, ToolResult
from base_gtm.teachers.executable.teacher import ExecutableTeacher


def test_records_survive_a_file(tmp_path):
    records = [replace(record, evidence="amber 3; cedar 1") for record in some_records(20, seed=5)]
    path = tmp_path / "records.jsonl"
    assert write_records(path, records) == 20
    assert [r.to_json() for r in read_records(path)] == [r.to_json() for r in records]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "JSON object"),
        ("{}", "'spec' is missing"),
        ('{"spec": {"name": "t"}}', "no turn"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    path = tmp_path / "broken.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match=message) as caught:
        list(read_records(path))
    assert f"{path}:1" in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        list(read_records(tmp_path / "none.jsonl"))


def test_a_record_of_carg_survives_a_file_with_its_history_and_its_refusal(tmp_path):
    teacher = ExecutableTeacher()
    book = [tool for tool in teacher.tools if tool.field == "Libraries"]
    made = Provenance("executable", 3, 1)
    scene = next(filter(None, (teacher.multi(book[:3], replace(made, job=job), ()) for job in range(50))))
    multi = Record.of_example(Example("multi", book[2], "", scene.turns[:-1], scene.turns[-1], made))
    wrong = next(filter(None, (teacher.error(tool, "missing", made, ()) for tool in book)))
    error = Record.of_example(Example("error", book[2], "", (), wrong.turns[-1], made, wrong.flaw))
    assert multi.history and error.result.is_error and error.source == "error:missing"
    path = tmp_path / "records.jsonl"
    write_records(path, [multi, error])
    assert list(read_records(path)) == [replace(multi, blocks=None), error]


def test_no_tool_is_on_both_sides_of_the_split():
    teacher = ExecutableTeacher()
    split = split_tools(teacher.tools)
    assert split == split_tools(reversed(teacher.tools))
    by_key = {tool.key: tool for tool in teacher.tools}
    assert 0.15 < len(split.unseen) / len(by_key) < 0.25
    assert {by_key[key].field for key in split.unseen} == set(split.fields) >= {"Libraries", "Robotics"}
    assert 0.04 < len(split.validation) / len(by_key) < 0.08
    assert len(split.unseen | split.like_unseen | split.validation) == sum(
        map(len, (split.unseen, split.like_unseen, split.validation))
    )
    seen = next(tool for tool in teacher.tools if tool.spec.name not in split.names)
    held = next(tool for tool in teacher.tools if tool.key in split.unseen)
    turn, earlier = (Turn("", ToolCall(tool.spec.name, {}), ToolResult()) for tool in (seen, held))
    made = Provenance("executable", 0, 0)
    assert split.part(Example("single", seen, "", (), turn, made)) == "train"
    assert split.part(Example("multi", held, "", (turn,), earlier, made)) == "unseen"
    assert split.part(Example("multi", seen, "", (earlier,), turn, made)) is None
