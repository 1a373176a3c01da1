"""Generated records: true, valid, deterministic."""

from dataclasses import replace
from itertools import islice
from random import Random

import jsonschema
import pytest

from base_gtm.data import Record, read_records, stream, write_records
from base_gtm.data.split import split_tools
from base_gtm.data.tools import TOOLS
from base_gtm.errors import DataError
from base_gtm.example import Example, Provenance, Turn
from base_gtm.schema import ToolCall, ToolResult
from base_gtm.teachers.executable.teacher import ExecutableTeacher


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.spec.name)
def test_tool_takes_what_it_draws_and_answers_what_it_promises(tool):
    random = Random(7)
    for _ in range(100):
        arguments = tool.draw(random)
        jsonschema.validate(arguments, tool.spec.input_schema)
        jsonschema.validate(tool.run(**arguments), tool.spec.output_schema)


def test_golden_values_from_outside():
    """Values anyone can check by hand or in an almanac."""
    run = {tool.spec.name: tool.run for tool in TOOLS}
    assert run["leap_year"](year=1900) == {"leap": False, "days": 365}
    assert run["leap_year"](year=2000) == {"leap": True, "days": 366}
    assert run["days_between"](first="2024-02-28", second="2024-03-01") == {"days": 2, "order": "before"}
    assert run["triangle_kind"](a=3, b=4, c=5) == {"kind": "scalene", "right": True}
    assert run["celsius_to_fahrenheit"](celsius=-40) == {"fahrenheit": -40, "freezing": True}
    assert run["circle_area"](radius=10) == {"area": 314}


def test_stream_repeats_for_a_seed_and_differs_between_seeds():
    first, again, other = ([r.to_json() for r in islice(stream(seed), 50)] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_inspector_answers_the_worst_finding():
    """The verdict is what the rules, read by hand, say of the findings in the evidence."""
    seen = 0
    for record in islice(stream(3), 400):
        if record.source != "inspector":
            continue
        verdicts = record.spec.output_schema["properties"]["verdict"]["enum"]
        rules = dict(rule.split(": ") for rule in record.call.arguments["rules"].split("; "))
        found = [] if record.evidence == "no findings" else [f.split()[0] for f in record.evidence.split("; ")]
        worst = max((verdicts.index(rules[kind]) for kind in found), default=0)
        assert record.result.content == {"verdict": verdicts[worst], "usable": worst == 0}
        seen += 1
    assert seen > 100


def test_records_survive_a_file(tmp_path):
    records = list(islice(stream(5), 20))
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
    assert not split.unseen & split.like_unseen
    seen = next(tool for tool in teacher.tools if tool.spec.name not in split.names)
    held = next(tool for tool in teacher.tools if tool.key in split.unseen)
    turn, earlier = (Turn("", ToolCall(tool.spec.name, {}), ToolResult()) for tool in (seen, held))
    made = Provenance("executable", 0, 0)
    assert split.part(Example("single", seen, "", (), turn, made)) == "train"
    assert split.part(Example("multi", held, "", (turn,), earlier, made)) == "unseen"
    assert split.part(Example("multi", seen, "", (earlier,), turn, made)) is None
