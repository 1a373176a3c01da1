"""Tools and records of a teacher behind an endpoint: what is asked, what is kept, what is never asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_model import Model, serving
from typer.testing import CliRunner

from base_gtm.carg.checks import judged, nothing_known
from base_gtm.cli import app
from base_gtm.collection.collected import Collected, read_collection, write_lines
from base_gtm.example import read_examples
from base_gtm.schema import ToolSpec


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def url(model: Model) -> Iterator[str]:
    with serving(model) as address:
        yield address


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def tool(name: str, **properties: str) -> Collected:
    inputs = {
        "type": "object",
        "properties": {
            key: {"type": kind, "description": key, "minimum": 5}
            if kind == "integer"
            else {"type": kind, "description": key, "minLength": 1}
            for key, kind in properties.items()
        },
        "required": list(properties),
        "additionalProperties": False,
    }
    outputs = {
        "type": "object",
        "properties": {"ticket_id": {"type": "string"}, **{key: {"type": kind} for key, kind in properties.items()}},
        "required": ["ticket_id"],
        "additionalProperties": False,
    }
    return Collected(ToolSpec(name, f"To {name} a parcel", inputs, outputs), "Post", "Parcels", "test", name, "given")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    given = [
        tool("weigh", parcel="string", grams="integer"),
        tool("send", parcel="string", town="string"),
        tool("trace", ticket_id="string"),
        tool("insure", ticket_id="string", amount="integer"),
    ]
    write_lines(tmp_path / "tools.jsonl", given)
    return tmp_path / "tools.jsonl"


def carg(url: str, tools: Path, out: Path, records: int) -> tuple[int, str]:
    asked = ("--teacher", "endpoint", "--base-url", url, "--model", "filler", "--tools", str(tools))
    return run("carg", "generate", "--out", str(out), "--records", str(records), *asked, "--concurrency", "4")


def test_records_of_an_endpoint(url: str, model: Model, tools: Path, tmp_path: Path) -> None:
    status, said = carg(url, tools, tmp_path / "out", 60)
    assert status == 0, said
    examples = list(read_examples(tmp_path / "out"))
    assert len(examples) == 60
    assert {example.kind for example in examples} == {"single", "multi", "error"}
    assert all(not any(judged(example, nothing_known).values()) for example in examples)
    assert {example.provenance.teacher for example in examples} == {"filler"}
    assert any(example.provenance.attempt > 0 for example in examples), "no refused answer was asked for again"
    refined = [question for question in model.questions if "An earlier answer was refused" in question]
    assert any("4711" in question for question in refined), "the complaint was not passed on"
    assert any("Conversation so far" in question for question in model.questions)

    for part in (tmp_path / "out").glob("part-*"):
        part.unlink()
    assert carg(url, tools, tmp_path / "out", 60)[0] == 0
    assert list(read_examples(tmp_path / "out")) == examples
    assert len(set(model.requests)) == len(model.requests), "a paid answer was asked for again"


def test_tools_are_invented(url: str, model: Model, tmp_path: Path) -> None:
    options = ("--fields", "24", "--subfields", "3", "--tools", "4", "--base-url", url, "--model", "filler")
    status, said = run("tools", "generate", "--out", str(tmp_path), *options)
    assert status == 0, said
    tools = list(read_collection(tmp_path / "tools.jsonl"))
    dropped = [json.loads(line) for line in (tmp_path / "dropped.jsonl").read_text().splitlines()]
    taxonomy = json.loads((tmp_path / "fields.json").read_text())
    assert len(taxonomy) == 24
    assert len(tools) + len(dropped) == 4 * sum(map(len, taxonomy.values()))
    assert {one["reason"] for one in dropped} == {
        "a required parameter is not declared",
        "a property has no description",
        "near copy",
    }
    assert {tool.field for tool in tools} <= taxonomy.keys()
    assert (tmp_path / "fields.svg").exists()

    asked = len(model.questions)
    assert run("tools", "generate", "--out", str(tmp_path), *options)[0] == 0
    assert len(model.questions) == asked
    assert list(read_collection(tmp_path / "tools.jsonl")) == tools


def test_missing_result_schemas_are_written(url: str, tmp_path: Path) -> None:
    spec = ToolSpec("weigh", "Weigh a parcel", {"type": "object", "properties": {}})
    write_lines(tmp_path / "tools.jsonl", [Collected(spec, "Post", "", "test", "here", "missing")])
    asked = ("--out", str(tmp_path / "done"), "--base-url", url, "--model", "filler")
    status, said = run("tools", "complete", "--tools", str(tmp_path / "tools.jsonl"), *asked)
    assert status == 0 and "1 of 1 missing" in said
    (done,) = read_collection(tmp_path / "done" / "tools.jsonl")
    assert done.response == "completed" and done.spec.output_schema is not None


def test_an_endpoint_that_is_not_there(tools: Path, tmp_path: Path) -> None:
    from base_gtm.errors import TeacherError

    with pytest.raises(TeacherError, match="not reachable"):
        carg("http://127.0.0.1:9/v1", tools, tmp_path / "out", 5)
    with pytest.raises(TeacherError, match="base_url"):
        carg("", tools, tmp_path / "out", 5)
