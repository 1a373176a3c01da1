"""Tools of many formats become one collection; nothing is lost silently."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from base_gtm.cli import app
from base_gtm.collection.collected import Collected, Dropped, read_collection, write_lines
from base_gtm.collection.formats.functions import read_functions
from base_gtm.collection.gather import Gathering
from base_gtm.collection.schemas import SchemaProblem, modern, of_words
from base_gtm.collection.similar import without_copies, words_of
from base_gtm.errors import DataError
from base_gtm.schema import ToolSpec

SEAL = {
    "api_name": "loanPayment",
    "api_description": "Monthly payment of a loan",
    "field": "Finance/Loans",
    "parameters": {"amount": {"type": "float", "description": "Borrowed"}, "years": {"type": "int", "description": ""}},
    "required": ["amount"],
    "responses": {"payment": {"type": "float", "description": "A month"}},
}
TOOLEYES = {
    "path": "Advice/Slips",
    "name": "advice_by_id",
    "description": "A slip",
    "parameters": {"type": "object", "properties": {"slip_id": {"type": "string"}}, "required": ["slip_id"]},
}
BFCL = {
    "id": "simple_1",
    "question": [[{"role": "user", "content": "?"}]],
    "function": [
        {
            "name": "area",
            "description": "Area of a triangle",
            "parameters": {
                "type": "dict",
                "properties": {"base": {"type": "float"}, "points": {"type": "tuple", "items": {"type": "integer"}}},
                "required": ["base"],
            },
        }
    ],
}
XLAM = {
    "query": "?",
    "answers": "[]",
    "tools": json.dumps(
        [
            {
                "name": "live_giveaways",
                "description": "Giveaways",
                "parameters": {
                    "type": {"description": "Kind", "type": "str", "default": "beta"},
                    "pages": {"description": "Pages", "type": "List[int], optional"},
                    "user": {"description": "Who", "type": "str"},
                },
            }
        ]
    ),
}
MCP = {
    "result": {
        "tools": [
            {
                "name": "search",
                "title": "Search",
                "description": "Searches",
                "inputSchema": {
                    "$schema": "http://json-schema.org/draft-07/schema#",
                    "type": "object",
                    "properties": {"n": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
                },
                "outputSchema": {"type": "object", "properties": {"hits": {"type": "integer"}}},
            },
            {"description": "without a name"},
        ]
    }
}
OPENAI = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": None}}
OPENAPI = """
openapi: 3.0.3
info: {title: Pets, version: "1"}
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
      - {name: X-Trace, in: header, schema: {type: string}}
    get:
      operationId: getPet
      tags: [pet]
      summary: One pet
      responses:
        "404": {description: none}
        "200":
          description: it
          content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
    put:
      summary: Change a pet
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
      responses: {"204": {description: done}}
components:
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        name: {type: string, nullable: true}
        mother: {$ref: "#/components/schemas/Pet"}
"""


def gathered(*sources: Path | str, wanted: str = "") -> tuple[dict[str, Collected], list[Dropped], Gathering]:
    gathering = Gathering([str(source) for source in sources], wanted)
    items = list(gathering)
    kept = {item.spec.name: item for item in items if isinstance(item, Collected)}
    return kept, [item for item in items if isinstance(item, Dropped)], gathering


def lines(path: Path, records: Sequence[Any]) -> Path:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records))
    return path


def test_every_format_becomes_the_one_schema(tmp_path: Path) -> None:
    records = lines(tmp_path / "all.jsonl", [SEAL, TOOLEYES, BFCL, XLAM, MCP, OPENAI])
    (tmp_path / "pets.yaml").write_text(OPENAPI)
    kept, dropped, gathering = gathered(records, tmp_path / "pets.yaml")

    loan = kept["loanPayment"]
    assert (loan.field, loan.subfield, loan.source, loan.response) == ("Finance", "Loans", "seal-tools", "given")
    assert loan.spec.input_schema["required"] == ["amount"]
    assert loan.spec.input_schema["properties"]["years"]["type"] == "integer"
    assert loan.spec.output_schema is not None and loan.spec.output_schema["required"] == ["payment"]
    assert kept["advice_by_id"].response == "missing" and kept["advice_by_id"].field == "Advice"
    assert kept["area"].spec.input_schema["properties"]["points"] == {"type": "array", "items": {"type": "integer"}}
    assert kept["live_giveaways"].spec.input_schema["required"] == ["user"]
    assert kept["live_giveaways"].spec.input_schema["properties"]["pages"]["items"] == {"type": "integer"}
    search = kept["search"].spec
    assert search.input_schema["properties"]["n"] == {"type": "number", "exclusiveMinimum": 0} and search.title
    assert "$schema" not in search.input_schema and search.output_schema is not None
    assert kept["now"].spec.input_schema == {"type": "object", "properties": {}}
    assert [(item.reason, item.origin.rpartition("#")[2]) for item in dropped] == [("no name", "1")]

    pet = kept["getPet"]
    assert (pet.field, pet.subfield, pet.spec.description) == ("Pets", "pet", "One pet")
    assert pet.spec.input_schema["required"] == ["id"] and list(pet.spec.input_schema["properties"]) == ["id"]
    assert pet.spec.output_schema is not None and pet.spec.output_schema["$ref"] == "#/$defs/Pet"
    name = pet.spec.output_schema["$defs"]["Pet"]["properties"]["name"]
    assert name == {"type": ["string", "null"]}
    change = kept["put_pets_id"].spec.input_schema
    assert change["required"] == ["id", "name"] and change["properties"]["mother"] == {"$ref": "#/$defs/Pet"}
    for tool in kept.values():
        Draft202012Validator.check_schema(tool.spec.input_schema)
    assert sum(count.tools for count in gathering.counts.values()) == len(kept)


def test_what_is_left_out_is_counted_with_its_place(tmp_path: Path) -> None:
    broken = {**SEAL, "api_name": "odd", "parameters": {"x": {"type": "quux"}}, "required": []}
    missing = {**SEAL, "api_name": "lost", "required": ["nothing"]}
    abroad = {"name": "far", "inputSchema": {"type": "object", "properties": {"x": {"$ref": "http://x/y.json"}}}}
    dangling = {"name": "near", "inputSchema": {"type": "object", "properties": {"x": {"$ref": "#/$defs/no"}}}}
    finish = {**TOOLEYES, "name": "finish"}
    given = [SEAL, "{broken", broken, missing, abroad, dangling, finish, SEAL, {"what": 1}, 3]
    kept, dropped, gathering = gathered(lines(tmp_path / "some.jsonl", given))
    assert list(kept) == ["loanPayment"]
    assert [(item.origin.rpartition(":")[2], item.reason) for item in dropped] == [
        ("2", "not valid JSON"),
        ("3", "input schema cannot be used"),
        ("4", "input schema cannot be used"),
        ("5", "input schema cannot be used"),
        ("6", "input schema cannot be used"),
        ("7", "not a tool"),
        ("8", "seen before"),
        ("9", "no known format"),
        ("10", "no known format"),
    ]
    assert "quux" in dropped[1].detail and "nothing" in dropped[2].detail and "another document" in dropped[3].detail
    (count,) = gathering.counts.values()
    assert count.records == 10 and count.kept == 1 and count.records == count.kept + sum(count.dropped.values())


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("str", {"type": "string"}),
        ("INTEGER", {"type": "integer"}),
        ("List[float]", {"type": "array", "items": {"type": "number"}}),
        ("typing.Dict[str, List[int]]", {"type": "object", "additionalProperties": of_words("List[int]")}),
        ("Tuple[int, str]", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
        ("Optional[bool]", {"type": ["boolean", "null"]}),
        ("int | None", {"type": ["integer", "null"]}),
        ("Union[str, List[str]]", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
        ("str, optional", {"type": "string"}),
        ("Literal['a', 'b']", {"enum": ["a", "b"]}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("any", {}),
    ],
)
def test_types_in_words(text: str, schema: Any) -> None:
    assert of_words(text) == schema


@pytest.mark.parametrize(
    "raw",
    [{"type": "frob"}, {"properties": 3}, {"items": 3}, {"type": "object", "required": "x"}, [], {"minimum": "a"}],
)
def test_what_is_no_schema_is_a_problem(raw: Any) -> None:
    with pytest.raises(SchemaProblem):
        modern(raw)


def test_a_bottomless_schema_is_a_problem() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"properties": {"x": deep}}
    with pytest.raises(SchemaProblem, match="levels deep"):
        modern(deep)


def test_a_modern_schema_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"type": {"type": "string"}, "items": {"type": "array", "items": {"$ref": "#/$defs/a~1b"}}},
        "required": ["type"],
        "additionalProperties": False,
        "$defs": {"a/b": {"enum": [{"type": "frob"}]}},
    }
    assert modern(schema) == schema


def test_functions_become_tools(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from typing import Annotated\nfrom pydantic import BaseModel, Field\n"
        "class Out(BaseModel):\n    total: float\n"
        "def add(a: Annotated[float, Field(ge=0)], b: int = 2) -> Out:\n    'Adds.'\n    return Out(total=a + b)\n"
        "def words(text: str) -> list[str]:\n    return text.split()\n"
        "def odd(x, /):\n    return x\n"
        "def _hidden():\n    pass\n"
    )
    items = list(read_functions(str(tmp_path / "mine.py")))
    add, odd, words = items
    assert isinstance(add, Collected) and isinstance(words, Collected) and isinstance(odd, Dropped)
    assert add.spec.input_schema["properties"]["a"] == {"type": "number", "minimum": 0}
    assert add.spec.input_schema["required"] == ["a"] and add.spec.description == "Adds."
    assert add.spec.output_schema is not None and add.spec.output_schema["required"] == ["total"]
    assert words.spec.output_schema is not None and words.spec.output_schema["properties"]["result"]["type"] == "array"
    (dumps,) = read_functions("python:textwrap:shorten")
    assert isinstance(dumps, Collected | Dropped)
    for wrong in ("python:no_such_module_here", "python:json:nothing", str(tmp_path / "none.py")):
        with pytest.raises(DataError):
            list(read_functions(wrong))


SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("little")
@server.tool()
def double(n: int) -> int:
    "Twice."
    return 2 * n
server.run()
"""


def test_a_living_server_is_asked(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    (tmp_path / "server.py").write_text(SERVER)
    kept, dropped, _ = gathered(f"mcp:{sys.executable} {tmp_path / 'server.py'}")
    assert not dropped and kept["double"].spec.input_schema["required"] == ["n"]
    with pytest.raises(DataError, match="no-such-command"):
        gathered("mcp:no-such-command-anywhere")


def named(name: str) -> Collected:
    return Collected(ToolSpec(name, "", {"type": "object"}), "", "", "x", name, "missing")


def test_near_copies_are_left_out() -> None:
    assert words_of("getHTTPStatus_code") == "get http status code"
    names = ["getWeather", "get_weather", "GetWeathers", "sumNumbers", "subtractNumbers", "convertCurrency"]
    kept, dropped = without_copies([named(name) for name in names])
    assert [tool.spec.name for tool in kept] == ["getWeather", "sumNumbers", "subtractNumbers", "convertCurrency"]
    assert {item.reason for item in dropped} == {"near copy"} and "like getWeather" in dropped[0].detail


@pytest.mark.timeout(120)
def test_twenty_thousand_tools_are_compared_in_under_a_minute() -> None:
    rng = Random(0)
    words = [f"{a}{b}" for a in "get set find list make send read load plan book".split() for b in range(60)]
    tools = [named("_".join(rng.choice(words) for _ in range(3)) + str(n)) for n in range(20_000)]
    began = time.monotonic()
    kept, dropped = without_copies(tools)
    assert time.monotonic() - began < 60
    assert len(kept) + len(dropped) == 20_000


def test_a_collection_survives_its_file(tmp_path: Path) -> None:
    kept, _, _ = gathered(lines(tmp_path / "all.jsonl", [SEAL, TOOLEYES]))
    assert write_lines(tmp_path / "tools.jsonl", kept.values()) == 2
    assert list(read_collection(tmp_path / "tools.jsonl")) == list(kept.values())
    (tmp_path / "tools.jsonl").write_text('{"name": "x"}\n')
    with pytest.raises(DataError, match=r"tools\.jsonl:1: no collected tool"):
        list(read_collection(tmp_path / "tools.jsonl"))


def test_a_source_that_is_named_twice_gives_its_tools_once(tmp_path: Path) -> None:
    source = lines(tmp_path / "some.jsonl", [SEAL])
    kept, dropped, _ = gathered(source, source)
    assert len(kept) == 1 and [item.reason for item in dropped] == ["seen before"]


def invoke(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["tools", "import", *words])
    if isinstance(result.exception, DataError):
        return 2, str(result.exception)
    return result.exit_code, result.output


def test_the_command_writes_a_collection_and_says_what_was_lost(tmp_path: Path) -> None:
    copy = {**SEAL, "api_name": "Loan_Payment", "api_description": "Another"}
    source = lines(tmp_path / "some.jsonl", [SEAL, copy, TOOLEYES, "{"])
    status, said = invoke(str(source), "--out", str(tmp_path / "out"))
    assert status == 0 and "2 tools, 2 fields" in said
    assert [tool.spec.name for tool in read_collection(tmp_path / "out" / "tools.jsonl")] == [
        "loanPayment",
        "advice_by_id",
    ]
    dropped = [json.loads(line) for line in (tmp_path / "out" / "dropped.jsonl").read_text().splitlines()]
    assert {one["origin"].rpartition(":")[2] for one in dropped} == {"2", "4"}
    counts = json.loads((tmp_path / "out" / "counts.json").read_text())[str(source)]
    assert counts["records"] == 4 and counts["kept"] == 2 and sum(counts["dropped"].values()) == 2
    assert "<svg" in (tmp_path / "out" / "fields.svg").read_text()


@pytest.mark.parametrize(
    ("name", "content", "options", "complaint"),
    [
        ("empty.jsonl", b"", (), "the file is empty"),
        ("none.jsonl", None, (), "cannot be read"),
        ("bytes.json", b"\xff\xfe\x00", (), "not UTF-8"),
        ("broken.json", b"{", (), "not valid JSON"),
        ("list.json", b"[]", (), "holds no records"),
        ("other.jsonl", b'{"a": 1}\n', (), "no tool among"),
        ("broken.yaml", b"a: [", (), "not valid YAML"),
        ("seal.json", json.dumps(SEAL).encode(), ("--format", "frob"), "known are collection, openapi"),
        ("seal.json", json.dumps(SEAL).encode(), ("--format", "bfcl"), "no tool among"),
        ("seal.json", json.dumps(SEAL).encode(), ("--similarity", "0"), "--similarity 0"),
    ],
)
def test_wrong_input_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, options: tuple[str, ...], complaint: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    status, said = invoke(str(tmp_path / name), "--out", str(tmp_path / "out"), *options)
    assert status == 2 and complaint in said and "\n" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif("GTM_EXTERNAL_DATA" not in os.environ, reason="GTM_EXTERNAL_DATA names no folder of real data")
def test_real_collections_lose_nothing_silently() -> None:
    data = Path(os.environ["GTM_EXTERNAL_DATA"])
    names = ("seal_tools.jsonl", "tooleyes.jsonl", "mcp_tools.jsonl")
    kept, dropped, gathering = gathered(*(data / name for name in names))
    for name, rows in zip(names, (4076, 758, 2774), strict=True):
        count = gathering.counts[str(data / name)]
        assert count.records == rows == count.kept + sum(count.dropped.values())
        assert count.kept > 0.7 * rows
    assert Counter(item.reason for item in dropped)["not a tool"] == 190
    for tool in list(kept.values())[::50]:
        Draft202012Validator.check_schema(tool.spec.input_schema)
