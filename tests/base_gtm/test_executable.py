"""Executable tools: true answers, draws that hold, refusals that help, states that follow from their calls."""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Annotated, Any

import pytest
from pydantic import Field

from base_gtm.arguments import check, validator
from base_gtm.collection.similar import without_copies
from base_gtm.schema import ToolResult, canonical_json
from base_gtm.teachers.executable import executable_tools
from base_gtm.teachers.executable.kit import Like, Refused, Result, State, Tool, number, said, tool, whole

TOOLS = {one.name: one for one in executable_tools()}
WORLDS = sorted({one.state.__module__.rpartition(".")[2] for one in TOOLS.values() if one.state})
GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = json.loads((GOLDEN / "worlds.json").read_text())
DRAWS = 20


class Share(Result):
    part: float = Field(description="Share of the whole")


@tool("Testing", "Parts", "What part of {whole_} is {part}?", "{part} of something, please.")
def share_of(
    part: Annotated[float, Field(ge=0, le=1e6, description="The part"), Like(number(1, 10))],
    whole_: Annotated[int, Field(ge=0, le=100, description="The whole"), Like(whole(5, 50), given=0.5)] = 10,
) -> Share:
    """Share of a part in a whole."""
    if whole_ == 0:
        raise Refused("parameter 'whole_': 0 has no parts; give a whole above 0")
    return Share(part=part / whole_)


def test_a_signature_is_a_spec() -> None:
    spec = share_of.spec
    assert spec.name == "share_of"
    assert spec.description == "Share of a part in a whole."
    assert spec.input_schema["required"] == ["part"]
    assert spec.input_schema["properties"]["whole_"] == {
        "default": 10,
        "description": "The whole",
        "maximum": 100,
        "minimum": 0,
        "type": "integer",
    }
    assert spec.output_schema is not None and spec.output_schema["required"] == ["part"]
    assert "title" not in canonical_json(spec.to_json()).replace('"title":""', "")


def test_answers_and_refusals() -> None:
    assert share_of.answer({"part": 5}) == ToolResult({"part": 0.5})
    own = share_of.answer({"part": 5, "whole_": 0})
    assert own.is_error and own.text == "Error: share_of: parameter 'whole_': 0 has no parts; give a whole above 0"
    assert "expected number" in share_of.answer({"part": "five"}).text
    assert "'part' is missing" in share_of.answer({}).text


def test_a_request_says_what_is_given_and_nothing_else() -> None:
    rng = Random(0)
    assert share_of.ask({"part": 2.0}, rng) == "2 of something, please."
    assert share_of.ask({"part": 2.5, "whole_": 7}, rng) == "What part of 7 is 2.5?"
    drawn = [share_of.draw(Random(seed)) for seed in range(50)]
    assert drawn == [share_of.draw(Random(seed)) for seed in range(50)]
    assert 10 < sum("whole_" in (one or {}) for one in drawn) < 40


@pytest.mark.parametrize(
    ("value", "words"), [(True, "yes"), (3.0, "3"), (["a", 1], "a, 1"), ({"x": 1.5}, "x 1.5"), ("x", "x")]
)
def test_values_in_sentences(value: Any, words: str) -> None:
    assert said(value) == words


def test_there_are_enough_tools_in_enough_fields() -> None:
    kept, copies = without_copies([one.collected for one in TOOLS.values()])
    assert len(kept) >= 300, [copy.detail for copy in copies]
    assert len({one.field for one in kept}) >= 40
    assert sum(one.state is not None for one in TOOLS.values()) >= 30
    assert len(WORLDS) >= 8


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool(name: str) -> None:
    """Specs are described and bounded; what people ask is answered, in the form that the spec promises."""
    one = TOOLS[name]
    _described(one)
    answers = validator(f"{name} result", canonical_json(one.spec.output_schema))
    refused = asked = 0
    for arguments, state in _drawn(one):
        asked += 1
        assert check(one.spec, arguments) is None, arguments
        first = one.answer(arguments, copy.deepcopy(state))
        assert first == one.answer(json.loads(json.dumps(arguments)), copy.deepcopy(state)), "not the same twice"
        assert one.ask(arguments, Random(0)), "no request for these arguments"
        refused += first.is_error
        if not first.is_error:
            assert not list(answers.iter_errors(dict(first.content))), first.content
            json.dumps(dict(first.content), allow_nan=False)
    if one.state is None:
        assert asked == DRAWS
        assert refused <= 0.2 * DRAWS


@pytest.mark.parametrize("name", sorted(name for name, one in TOOLS.items() if one.wrong(Random(0))))
def test_a_wrong_value_is_refused_with_help(name: str) -> None:
    one = TOOLS[name]
    for seed in range(10):
        rng = Random(seed)
        state = one.state.start(rng) if one.state else None
        arguments = one.draw(rng, state)
        for parameter, value in one.wrong(rng).items() if arguments is not None else ():
            given = {**arguments, parameter: value}
            assert check(one.spec, given) is None, "the schema finds it, not the tool"
            before = copy.deepcopy(state)
            answer = one.answer(given, state)
            assert answer.is_error, given
            assert f"'{parameter}'" in answer.text
            assert len(answer.text) > len(f"Error: {name}: parameter '{parameter}'") + 15
            assert state == before, "a refusal changed the state"


def test_golden_values() -> None:
    """Against figures that do not come from this code, nor from the libraries that it calls."""
    rows = [row for path in sorted(GOLDEN.glob("*.json")) if path.stem != "worlds" for row in _read(path)]
    for row in rows:
        answer = TOOLS[row["tool"]].answer(row["arguments"])
        assert not answer.is_error, (row, answer.text)
        assert _agrees(row["result"], dict(answer.content), row.get("tolerance", 1e-9)), (row, answer.content)
        assert len(row["source"]) > 10
    assert len({row["tool"] for row in rows}) >= 60


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one["world"])
def test_a_scenario(scenario: Mapping[str, Any]) -> None:
    """What a world answers, call by call, worked out by hand."""
    world = [one for one in TOOLS.values() if one.state and one.state.__module__.endswith("." + scenario["world"])]
    by_name = {one.name: one for one in world}
    assert world[0].state is not None
    state = world[0].state.start(Random(scenario.get("seed", 0)))
    for name, arguments, expected in scenario["calls"]:
        answer = by_name[name].answer(arguments, state)
        if expected == "Error":
            assert answer.is_error, (name, arguments, answer.content)
        else:
            assert not answer.is_error, (name, arguments, answer.text)
            assert _agrees(expected, dict(answer.content), 1e-9), (name, arguments, answer.content)


def test_every_world_has_scenarios() -> None:
    counts = Counter(scenario["world"] for scenario in SCENARIOS)
    assert all(counts[world] >= 2 for world in WORLDS if world != "library"), counts


@pytest.mark.parametrize("world", WORLDS)
def test_walks_of_a_world(world: str) -> None:
    """A refusal changes nothing, the same calls give the same answers, and most calls are answered."""
    tools = [one for one in TOOLS.values() if one.state and one.state.__module__.endswith("." + world)]
    refused = made = 0
    for seed in range(30):
        calls: list[tuple[Tool, dict[str, Any], ToolResult]] = []
        state = _start(tools[0], seed)
        rng = Random(seed)
        for _ in range(12):
            one = rng.choice(tools)
            arguments = one.draw(rng, state)
            if arguments is None:
                continue
            before = copy.deepcopy(state)
            answer = one.answer(arguments, state)
            assert not answer.is_error or state == before
            calls.append((one, arguments, answer))
        refused += sum(answer.is_error for _, _, answer in calls)
        made += len(calls)
        again = _start(tools[0], seed)
        assert [one.answer(arguments, again) for one, arguments, _ in calls] == [answer for _, _, answer in calls]
    assert made > 150
    assert refused < 0.4 * made


def _start(one: Tool, seed: int) -> State:
    assert one.state is not None
    return one.state.start(Random(seed))


def _drawn(one: Tool) -> Iterator[tuple[dict[str, Any], State | None]]:
    for seed in range(DRAWS):
        rng = Random(seed)
        state = one.state.start(rng) if one.state else None
        arguments = one.draw(rng, state)
        if arguments is not None:
            yield arguments, state


def _described(one: Tool) -> None:
    spec = one.spec
    assert len(spec.description) > 15
    for schema in (spec.input_schema, spec.output_schema or {}):
        for name, about in schema.get("properties", {}).items():
            assert about.get("description"), name
    for name, about in spec.input_schema.get("properties", {}).items():
        _bounded(name, about)


def _bounded(name: str, about: Mapping[str, Any]) -> None:
    """Every number has both bounds, every text and list a longest length."""
    for branch in about.get("anyOf", [about]):
        kind = branch.get("type")
        if "enum" in branch or "const" in branch or kind in ("boolean", "null"):
            continue
        if kind in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & branch.keys(), name
            assert {"maximum", "exclusiveMaximum"} & branch.keys(), name
        elif kind == "string":
            assert {"maxLength", "pattern", "format"} & branch.keys(), name
        elif kind == "array":
            assert "maxItems" in branch, name


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return rows


def _agrees(expected: Any, got: Any, tolerance: float) -> bool:
    """Whether all that is expected is there; numbers within the tolerance."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=tolerance, abs_tol=1e-12)
    if isinstance(expected, dict):
        held = isinstance(got, dict) and expected.keys() <= got.keys()
        return held and all(_agrees(value, got[key], tolerance) for key, value in expected.items())
    if isinstance(expected, list):
        held = isinstance(got, list) and len(expected) == len(got)
        return held and all(_agrees(one, other, tolerance) for one, other in zip(expected, got, strict=True))
    return bool(expected == got)
