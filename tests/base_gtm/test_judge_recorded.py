"""Recorded calls of real tools: every form of response, specs made of other sessions alone, baselines that copy."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from base_commands import run
from jsonschema import Draft202012Validator

from base_gtm.errors import DataError
from base_gtm.judge.inferred import infer, infer_arguments
from base_gtm.judge.question import Attempt
from base_gtm.judge.recorded import BASELINES, REAL, Case, cases, majority, mark, nearest, read_specs, some_of
from base_gtm.judge.sessions import read_sessions, result_of
from base_gtm.schema import ToolResult

MCP = {"content": [{"type": "text", "text": '{"a": 1}'}, {"type": "note"}], "isError": False}
SHOWN = "meta=None content=[TextContent(type='text', text={!r}, annotations=None)] isError={}"
TWO_SHOWN = SHOWN.format("it's", True).replace(
    "None)]", "None), TextContent(type='text', text=\"'late'\", annotations=None)]"
)


@pytest.mark.parametrize(
    ("response", "result"),
    [
        ('{"a": 1}', ToolResult({"a": 1})),
        ({"a": 1}, ToolResult({"a": 1})),
        ("[1, 2]", ToolResult({"result": [1, 2]})),
        ("23.5", ToolResult(text="23.5")),
        ("sent", ToolResult(text="sent")),
        ("", ToolResult(text="")),
        ("Error: no such flight", ToolResult(is_error=True, text="Error: no such flight")),
        (json.dumps(MCP), ToolResult({"a": 1})),
        (json.dumps(MCP | {"isError": True}), ToolResult(is_error=True, text='{"a": 1}')),
        (json.dumps(MCP | {"structuredContent": {"b": 2}}), ToolResult({"b": 2})),
        (SHOWN.format(json.dumps(MCP), False), ToolResult({"a": 1})),
        (SHOWN.format("it's\nlate", True), ToolResult(is_error=True, text="it's\nlate")),
        (TWO_SHOWN, ToolResult(is_error=True, text="it's\n'late'")),
        (unquoted := SHOWN.replace("{!r}", "late").format(True), ToolResult(text=unquoted)),
        (broken := SHOWN.replace("{!r}", "'\\x'").format(True), ToolResult(text=broken)),
        (halved := SHOWN.format("\ud800", True), ToolResult(text=halved)),
        ('{"a": "\\ud800"}', ToolResult(text='{"a": "\\ud800"}')),
        ('{"a": NaN}', ToolResult(text='{"a": NaN}')),
        (SHOWN.format("cut", False)[:50], ToolResult(text=SHOWN.format("cut", False)[:50])),
    ],
)
def test_every_form_of_response_is_a_result(response: Any, result: ToolResult) -> None:
    assert result_of(response) == result


def test_an_inferred_schema_allows_what_it_was_made_of() -> None:
    values: list[Any] = [
        {"id": 1, "price": 2, "cabin": "economy", "legs": [{"at": "JFK"}], "note": None},
        *[{"id": at, "price": 2.5, "cabin": "economy", "legs": [], "note": "x" * at} for at in range(9)],
        {"id": 1, "price": 0, "cabin": "business", "legs": [{"at": "SFO", "late": True}], "note": {"by": 1}},
    ]
    schema = infer(values)
    check = Draft202012Validator(schema)
    assert all(check.is_valid(value) for value in values)
    assert schema["required"] == ["id", "price", "cabin", "legs", "note"]
    assert schema["properties"]["cabin"] == {"type": "string", "enum": ["business", "economy"]}
    assert schema["properties"]["id"] == {"type": "integer"} and schema["properties"]["price"] == {"type": "number"}
    assert schema["properties"]["legs"]["items"]["required"] == ["at"]
    assert not check.is_valid({**values[0], "cabin": "first"}) and not check.is_valid({"id": 1})
    keyed = infer([{f"key_{at}": {"amount": at}} for at in range(20)])
    assert Draft202012Validator(keyed).is_valid({"key_99": {"amount": 1}}) and "properties" not in keyed
    assert infer([]) == {} and infer_arguments([]) == {"type": "object", "properties": {}}


def session(name: str, *calls: tuple[str, dict[str, Any], Any]) -> str:
    told = [{"tool": tool, "arguments": arguments, "response": response} for tool, arguments, response in calls]
    return json.dumps({"session": name, "calls": told})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three sessions with a shop; each has a word that no other has."""
    path = tmp_path / "shop.jsonl"
    lines = [
        session(
            "one",
            ("find", {"title": "Dune"}, '{"isbn": "alpha", "copies": 2}'),
            ("buy", {"isbn": "alpha"}, "done"),
            ("gone", {"why": "alpha"}, "away"),
        ),
        session(
            "two",
            ("find", {"title": "Emma"}, '{"isbn": "beta", "copies": 1}'),
            ("find", {"title": "Dune"}, '{"isbn": "gamma", "copies": 2}'),
            ("buy", {"isbn": "beta"}, "done"),
        ),
        session("three", ("buy", {"isbn": "delta", "gift": True}, "Error: no such book")),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def asked(file: Path) -> list[Case]:
    sessions = read_sessions(file)
    return cases(sessions, {}, some_of(sessions, 0))


def test_a_session_is_asked_without_itself(file: Path) -> None:
    find, buy, gone, *_, last = asked(file)
    known = json.dumps([find.question.spec.to_json(), str(find.others)])
    assert "alpha" not in known and "beta" in known
    assert find.question.spec.input_schema["properties"] == {"title": {"type": "string"}}
    assert buy.question.spec.output_schema is None
    assert [call.name for call, _ in buy.question.history] == ["find"]
    assert not gone.others and gone.question.spec.input_schema["properties"] == {}
    assert "gift" not in last.question.spec.input_schema["properties"]


def test_baselines_copy_what_other_sessions_say(file: Path) -> None:
    find, buy, gone, emma, dune, *_ = asked(file)
    assert nearest(find).content == {"isbn": "gamma", "copies": 2}
    assert majority(buy).content == "done"
    assert nearest(gone).failed and majority(gone).failed
    assert nearest(emma).content == nearest(dune).content == {"isbn": "alpha", "copies": 2}
    assert mark(dune, nearest(dune)).fields == 0.5 and not mark(dune, nearest(dune)).exact
    assert all(mark(case, BASELINES[REAL](case)).exact for case in asked(file))


def test_an_answer_is_marked(file: Path) -> None:
    find, buy, *_, last = asked(file)
    assert mark(find, Attempt({"isbn": "alpha", "copies": "2"})).to_json() == {
        "session": "one",
        "tool": "find",
        "valid": False,
        "exact": False,
        "fields": 0.5,
        "failed": "",
    }
    assert mark(buy, Attempt("done")).exact and mark(buy, Attempt("done")).valid
    assert not mark(buy, Attempt(text='"done')).valid and mark(buy, Attempt(text="done")).exact
    assert mark(last, Attempt(refused=True, text="Error: no such book")).exact
    assert not mark(last, Attempt("Error: no such book")).exact
    assert mark(last, Attempt(failed="too long")).fields == 0


def test_a_given_spec_is_used(file: Path, tmp_path: Path) -> None:
    inputs = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    spec = {"name": "find", "description": "Find a book", "inputSchema": inputs}
    (tmp_path / "tools.jsonl").write_text(json.dumps(spec) + "\n")
    sessions = read_sessions(file)
    find, buy, *_ = cases(sessions, read_specs([tmp_path / "tools.jsonl"]), ["one"])
    assert find.given and find.question.spec.description == "Find a book" and not buy.given
    assert find.question.spec.output_schema is not None and "beta" not in json.dumps(find.question.spec.to_json())


def test_a_tool_of_a_server_is_not_taken_for_a_namesake(file: Path, tmp_path: Path) -> None:
    specs = [{"server": "store", "name": name, "description": name, "inputSchema": {}} for name in ("find", "buy")]
    (tmp_path / "tools.jsonl").write_text("".join(json.dumps(spec) + "\n" for spec in specs))
    known = read_specs([tmp_path / "tools.jsonl"])
    assert known.keys() == {"store/find", "store/buy", "*/find", "*/buy"}
    assert not any(case.given for case in cases(read_sessions(file), known, ["one", "two", "three"]))
    served = file.read_text().replace('"tool": "buy"', '"server": "shop", "tool": "buy"')
    file.write_text(served)
    given = [case.recorded.tool for case in cases(read_sessions(file), known, ["one", "two", "three"]) if case.given]
    assert given == ["shop/buy"] * 3


def test_the_command_prints_and_resumes(base: Any, file: Path, tmp_path: Path) -> None:
    base.model.save_pretrained(tmp_path / "small")
    base.tokenizer.save_pretrained(tmp_path / "small")
    given = ("judge", "recorded", str(file), "--base", str(tmp_path / "small"), "--max-new-tokens", "8")
    out = ("--out", str(tmp_path / "out"))
    said = run(*given, *out)
    assert "small, constrained" in said.stdout and "majority response" in said.stdout
    assert "7 calls, 0 with a given spec" in said.stderr and "7 of 7 answers" in said.stderr
    written = json.loads((tmp_path / "out" / "recorded.json").read_text())["shop.jsonl"]
    rows = written["tables"]["shop.jsonl: recorded calls, % (95 % interval)"]
    assert rows[REAL]["exact"]["mean"] == 1.0 and rows["small, constrained"]["exact"]["n"] == 7
    assert all(one["mark"]["valid"] for one in written["answers"]["small, constrained"])
    assert "| find |" in (tmp_path / "out" / "recorded.md").read_text()
    again = run(*given, *out)
    assert again.stdout == said.stdout and "answers," not in again.stderr
    few = run(*given, *out, "--calls", "1", "--decoding", "constrained")
    assert "answers," not in few.stderr and "7 calls" not in few.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ('{"session": "a"}', "no session of recorded calls"),
        ('{"session": "a", "calls": [{"tool": "t", "arguments": []}]}', "no session of recorded calls"),
        ('{"session": "a", "calls": [{"tool": "t", "arguments": {"x": "\\ud800"}, "response": ""}]}', "lone surrogate"),
        ('{"session": "a", "calls": []}', "holds no calls"),
        ('{"session": "a", "calls": [{"tool": "t", "arguments": {}, "response": ""}]}', "other sessions"),
    ],
)
def test_mistakes_are_one_line(text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    if text is not None:
        path.write_text(text + "\n")
    with pytest.raises(DataError, match=words) as caught:
        run("judge", "recorded", str(path), "--out", str(tmp_path / "out"))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


DATA = Path(os.environ.get("GTM_EXTERNAL_DATA", "/none"))


@pytest.mark.skipif(not (DATA / "tau_bench_airline_calls.jsonl").is_file(), reason="GTM_EXTERNAL_DATA is not set")
def test_real_sessions_are_read() -> None:
    sessions = read_sessions(DATA / "tau_bench_airline_calls.jsonl")
    some = cases(sessions, {}, some_of(sessions, 60))
    assert len(some) >= 60
    marks = {name: [mark(case, answer(case)) for case in some] for name, answer in BASELINES.items()}
    assert all(one.exact for one in marks[REAL])
    assert sum(one.valid for one in marks[REAL]) / len(some) > 0.8, "inferred schemas refuse what tools really said"
    shares = {name: sum(one.fields for one in found) / len(some) for name, found in marks.items()}
    assert shares["majority response"] < shares["nearest example"] < 1
    live = read_sessions(DATA / "live_mcp_calls.jsonl")
    results = [one.result for one_session in live for one in one_session.calls]
    cut = [result for result in results if result.text.startswith("meta=")]
    assert len(cut) / len(results) < 0.1 and any(result.is_error for result in results)
