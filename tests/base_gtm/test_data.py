"""Records: their file, and the split of the tools that they are about."""

import json
import re
from dataclasses import replace
from random import Random

import jsonschema
import pytest
from some_records import some_records

from base_gtm.arguments import check
from base_gtm.data import Record, read_records, write_records
from base_gtm.data.renamed import property_names, renamed
from base_gtm.data.split import split_tools
from base_gtm.errors import DataError
from base_gtm.example import Example, Provenance, Turn
from base_gtm.files import files_hash
from base_gtm.model import folder_hash
from base_gtm.prompt import completion, render
from base_gtm.schema import ToolCall, ToolResult
from base_gtm.teachers.executable.teacher import ExecutableTeacher


def record(**others):
    """A line of a file of records."""
    return json.dumps({"spec": {"name": "t"}, "arguments": {}, "result": {}, **others})


def call(**arguments):
    return record(arguments=arguments)


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
        ("null", "JSON object"),
        (call(x="@").replace('"@"', "NaN"), "NaN is no number"),
        (call(x="@").replace('"@"', "-Infinity"), "-Infinity is no number"),
        (call(x="@").replace('"@"', "1e999"), "1e999 is no number"),
        (call(x="@").replace('"@"', "1" * 5000), "not valid JSON"),
        (call(x="@").replace("@", "\\ud800"), "lone surrogate"),
        (call(x="@").replace('"@"', "[" * 64 + "]" * 64), "nested more than 64 deep"),
        (call(x="@").replace('"@"', "[" * 9999 + "]" * 9999), "nested more than 64 deep"),
        (record(evidence=5), "'evidence' is no text"),
        (record(source=5), "'source' is no text"),
        (record(history=5), "'history' is no list"),
        (record(blocks=[["a", 5]]), "'blocks' are pairs of texts"),
        (record(spec={"name": "t", "outputSchema": {"properties": []}}), "no.* JSON Schema"),
        (record(spec={"name": "t", "inputSchema": {"properties": []}}), "no.* JSON Schema"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    path = tmp_path / "broken.jsonl"
    path.write_text(record() + "\n" + line + "\n")
    with pytest.raises(DataError, match=message) as caught:
        list(read_records(path))
    assert f"{path}:2: " in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_nested_as_deep_as_may_be_is_shown_and_written(tmp_path):
    deep = '{"anyOf": [' * 30 + "{}" + "]}" * 30  # with the record and the spec around it 63
    line = record(
        spec={"name": "t", "outputSchema": json.loads(deep)}, result=json.loads('{"a":' * 63 + "1" + "}" * 63)
    )
    (tmp_path / "deep.jsonl").write_text(line + "\n")
    (found,) = read_records(tmp_path / "deep.jsonl")
    assert render(found.spec, found.call).text and completion(found.spec, found.result).endswith("}" * 63)


def test_a_file_of_records_is_whole_or_not_there(tmp_path):
    def killed():
        yield from some_records(1, seed=6)
        raise KeyboardInterrupt

    path = tmp_path / "new" / "records.jsonl"
    with pytest.raises(KeyboardInterrupt):
        write_records(path, killed())
    assert not list(path.parent.iterdir())
    write_records(path, some_records(2))
    with pytest.raises(KeyboardInterrupt):
        write_records(path, killed())
    assert len(list(read_records(path))) == 2 and len(list(path.parent.iterdir())) == 1


def test_the_hash_of_files_is_a_folder_s(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(bytes(2 << 20))
    assert files_hash([path]) == folder_hash(tmp_path)
    monkeypatch.setattr("base_gtm.files._HASHED_WHOLE", 1 << 20)
    sampled = files_hash([path])
    path.write_bytes(bytes((2 << 20) - 1) + b"x")
    assert files_hash([path]) != sampled


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
    assert (len(by_key), *map(len, (split.unseen, split.like_unseen, split.validation))) == (496, 93, 9, 30)
    assert {by_key[key].field for key in split.unseen} == set(split.fields) >= {"Libraries", "Robotics"}
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
    unmeasured = split_tools(teacher.tools, validation=0)
    assert not unmeasured.validation and unmeasured.unseen == split.unseen
    measured = by_key[next(iter(split.validation))]
    alone = Example("single", measured, "", (), Turn("", ToolCall(measured.spec.name, {}), ToolResult()), made)
    assert (split.part(alone), unmeasured.part(alone)) == ("validation", "train")


def test_a_field_that_makes_up_much_more_than_the_share_is_not_held_out():
    tools = ExecutableTeacher().tools[:40]
    one = [replace(tool, field="all") for tool in tools]
    assert not split_tools(one).unseen and not split_tools(one).validation
    some = [replace(tool, field="few" if at % 10 == 0 else "most") for at, tool in enumerate(tools)]
    assert split_tools(some).fields == ("few",)


def test_a_record_under_other_names_is_the_same_call():
    teacher, names = ExecutableTeacher(), [f"name_{at}" for at in range(40)]
    made = Provenance("executable", 3, 1)
    found = 0
    for tool in teacher.tools[::9]:
        for kind in ("single", "error"):
            scene = teacher.single(tool, made, ()) if kind == "single" else teacher.error(tool, "value", made, ())
            if scene is None:
                continue
            one = Record.of_example(Example(kind, tool, "", (), scene.turns[-1], made, scene.flaw))
            other = renamed(one, names, Random(1))
            if other is None:
                continue
            found += 1
            assert other == renamed(one, names, Random(1))
            before, after = (set(property_names(it.spec.input_schema)) for it in (one, other))
            assert after <= set(names) and len(before) == len(after)
            verdicts = [check(it.spec, it.call.arguments) is None for it in (one, other)]
            assert verdicts[0] == verdicts[1]
            if kind == "single":
                jsonschema.validate(dict(other.result.content), dict(other.spec.output_schema))
                assert leaves(other.result.content) == leaves(one.result.content)
            elif scene.flaw.parameter in before:
                assert scene.flaw.parameter not in re.findall(r"\w+", other.result.text)
    assert found > 60


def leaves(value):
    """The values in which a result ends, in their order."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [leaf for inner in value for leaf in leaves(inner)] if isinstance(value, list) else [value]
