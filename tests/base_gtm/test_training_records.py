"""Records as rows of tokens: what is a value, what is cut, what is left out, and which part a record falls into."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from some_records import some_records, write_some
from typer.testing import CliRunner

from base_gtm.cli import app
from base_gtm.data import Record, write_records
from base_gtm.data.split import WORLDS
from base_gtm.decode import compile_grammar, lltokenizer
from base_gtm.errors import DataError
from base_gtm.example import read_examples, table
from base_gtm.model import NANO_FOLDER
from base_gtm.prompt import completion, render
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, closed_object
from base_gtm.tokenizer import load_tokenizer
from base_gtm.training.dataset import prepare
from base_gtm.training.options import TrainOptions
from base_gtm.training.records import (
    BY_SCHEMA,
    HELD_OUT,
    LONG_ANSWER,
    LONG_PROMPT,
    NEW,
    PROMPT,
    STRUCTURE,
    VALUE,
    Row,
    Sources,
    row_of,
)

SPEC = ToolSpec(
    "area",
    "Area of a rectangle.",
    closed_object({"width": {"type": "number"}, "height": {"type": "number"}}),
    closed_object({"area": {"type": "number"}, "shape": {"enum": ["square", "other"]}}),
)
CALL = ToolCall("area", {"width": 3, "height": 4})
RECORD = Record(SPEC, CALL, ToolResult({"area": 12, "shape": "other"}), source="made")
ERROR = Record(SPEC, CALL, ToolResult(is_error=True, text="no such rectangle"), source="error:value")
TEXT = Record(ToolSpec("say", "Says.", {}), ToolCall("say", {}), ToolResult(text="well"))
NOTE = closed_object({"note": {"type": "string"}})


@pytest.fixture(scope="module")
def nano() -> Any:
    return load_tokenizer(NANO_FOLDER)


def row(record: Record, tokenizer: Any, max_tokens: int = 400, max_completion: int = 100) -> Row:
    found = row_of(record, tokenizer, max_tokens, max_completion)
    assert isinstance(found, Row), found
    return found


def shown(found: Row, tokenizer: Any, side: int) -> str:
    return str(tokenizer.decode([one for one, at in zip(found.input_ids, found.sides, strict=True) if at == side]))


def test_a_row_is_prompt_completion_and_end(nano: Any) -> None:
    found = row(RECORD, nano)
    assert nano.decode(found.input_ids[: found.prompt_length]) == render(SPEC, CALL).text
    assert nano.decode(found.input_ids[found.prompt_length : -1]) == completion(SPEC, RECORD.result)
    assert found.input_ids[-1] == nano.eos_token_id and not found.cut


def test_values_and_the_first_token_are_told_from_structure(nano: Any) -> None:
    found = row(RECORD, nano)
    assert shown(found, nano, VALUE) == '{12other"'
    assert shown(found, nano, STRUCTURE) == '"area":,"shape":"}' + nano.eos_token
    assert shown(found, nano, PROMPT) == render(SPEC, CALL).text
    assert [nano.decode([found.input_ids[at] for at in group]) for group in found.values] == ["12", 'other"']


def test_an_error_is_a_value_throughout_and_knows_how_an_answer_would_begin(nano: Any) -> None:
    found = row(ERROR, nano)
    assert found.is_error and found.input_ids[found.prompt_length] == found.error_start
    assert found.answer_start == row(RECORD, nano).input_ids[row(RECORD, nano).prompt_length]
    assert shown(found, nano, STRUCTURE) == nano.eos_token
    assert nano.decode([row(TEXT, nano).answer_start]) == '"'


def test_a_long_prompt_loses_its_oldest_turns_then_argument_text(nano: Any) -> None:
    spec = ToolSpec("count", "Counts.", closed_object({"text": {"type": "string"}}), None)
    call = ToolCall("count", {"text": "a b " * 400})
    cut = row(Record(spec, call, ToolResult(text="400")), nano, 200)
    assert cut.cut and cut.prompt_length == 200
    turns = tuple((ToolCall("count", {"text": f"turn {number} " * 9}), ToolResult(text="9")) for number in range(6))
    short = Record(spec, ToolCall("count", {"text": "a"}), ToolResult(text="1"), history=turns)
    found = row(short, nano, 200)
    text = nano.decode(found.input_ids)
    assert found.cut and found.prompt_length <= 200 and "turn 5" in text and "turn 0" not in text


@pytest.mark.parametrize(
    "record",
    [
        replace(TEXT, result=ToolResult(text="a<|end|>b")),
        replace(RECORD, spec=replace(SPEC, output_schema=NOTE), result=ToolResult({"note": "a<|end|>b"})),
    ],
)
def test_an_answer_ends_where_it_ends_and_decoding_can_write_it(nano: Any, record: Record) -> None:
    found = row(record, nano)
    written = found.input_ids[found.prompt_length :]
    assert written.index(nano.eos_token_id) == len(written) - 1
    assert "a< |end|>b" in str(json.loads(nano.decode(written[:-1])))
    matcher = compile_grammar(record.spec, nano, lltokenizer(nano, len(nano))).pristine.deep_copy()
    assert matcher.validate_tokens(written) == len(written)


def test_what_cannot_be_shown_says_why(nano: Any) -> None:
    assert row_of(RECORD, nano, 5, 100) == LONG_PROMPT
    assert row_of(RECORD, nano, 400, 3) == LONG_ANSWER


def sources(tmp_path: Path, **others: Any) -> Sources:
    return Sources(TrainOptions(out=tmp_path / "out", **others))


def test_an_error_that_the_schema_decides_is_left_out(tmp_path: Path) -> None:
    broken = Record(
        SPEC, ToolCall("area", {"width": "wide"}), ToolResult(is_error=True, text="no"), source="error:type"
    )
    write_records(tmp_path / "some.jsonl", [RECORD, broken, ERROR])
    left_out = Counter[str]()
    drawn = list(sources(tmp_path, records=(tmp_path / "some.jsonl",), validation_share=0).draw(left_out))
    assert [record.source for _, record in drawn] == ["made", "error:value"] and left_out == {BY_SCHEMA: 1}


def test_equal_records_fall_into_the_same_part(tmp_path: Path) -> None:
    records = list(some_records(300))
    write_records(tmp_path / "once.jsonl", records)
    write_records(tmp_path / "back.jsonl", reversed(records))
    once, back = (
        {record.call.key: part for part, record in chosen.draw(Counter())}
        for chosen in (
            sources(tmp_path, records=(tmp_path / f"{name}.jsonl",), validation_share=0.2) for name in ("once", "back")
        )
    )
    assert once == back
    assert 0.1 < list(once.values()).count("validation") / len(once) < 0.3


def test_candidates_for_one_reference_fall_into_the_same_part(tmp_path: Path) -> None:
    calls = [ToolCall("check", {"reference": f"r{at // 2}", "candidate": f"c{at}"}) for at in range(200)]
    spec = ToolSpec("check", "Checks.", {})
    write_records(tmp_path / "some.jsonl", [Record(spec, call, ToolResult(text="right")) for call in calls])
    chosen = sources(tmp_path, records=(tmp_path / "some.jsonl",), validation_share=0.5)
    parts = [part for part, _ in chosen.draw(Counter())]
    assert parts[::2] == parts[1::2] and 30 < parts[::2].count("validation") < 70


def test_validation_files_are_measured_on_alone(tmp_path: Path) -> None:
    write_records(tmp_path / "held.jsonl", [RECORD])
    some = write_some(tmp_path / "some.jsonl", 5)
    chosen = sources(tmp_path, records=(some,), validation=(tmp_path / "held.jsonl",), validation_share=0)
    assert [part for part, _ in chosen.draw(Counter())] == ["train"] * 5 + ["validation"]


def test_held_out_tools_are_left_out_unless_asked_for(tmp_path: Path, nano: Any) -> None:
    made = CliRunner().invoke(
        app, ["carg", "generate", "--out", str(tmp_path / "carg"), "--workers", "1", "--records", "150"]
    )
    assert made.exit_code == 0, made.output
    some, left_out, none = (
        sources(tmp_path, carg=(tmp_path / "carg",), validation_share=0.1),
        Counter[str](),
        Counter[str](),
    )
    few = list(some.draw(left_out))
    everything = list(sources(tmp_path, carg=(tmp_path / "carg",), all_tools=True).draw(none))
    assert left_out[HELD_OUT] > 15 and none[HELD_OUT] == 0
    assert len(few) + left_out.total() == len(everything) + none.total() == 150
    assert not any(record.spec.name.startswith("robot") for _, record in few)
    measured = {record.spec.name for part, record in few if part == "validation" and record.source.startswith(NEW)}
    assert measured and not measured & {record.spec.name for part, record in few if part == "train"}
    unmeasured = list(sources(tmp_path, carg=(tmp_path / "carg",), validation_share=0).draw(Counter()))
    assert measured <= {record.spec.name for _, record in unmeasured} and {part for part, _ in unmeasured} == {"train"}
    assert {record.spec.name for _, record in unmeasured} < {record.spec.name for _, record in everything}
    others = list(sources(tmp_path, carg=(tmp_path / "carg",), validation_share=0.1, renamed=0.99).draw(Counter()))
    same = sum(one == other for one, other in zip(few, others, strict=True))
    assert [part for part, _ in few] == [part for part, _ in others]
    assert 0 <= same - sum(part == "validation" for part, _ in few) < 10, "only training records are renamed"
    split, examples = some.split, list(read_examples(tmp_path / "carg"))
    assert split is not None
    for name in ("unseen", "worlds"):
        held = [
            one for one in examples if one.tool.field in WORLDS or (name == "unseen" and one.tool.key in split.unseen)
        ]
        (tmp_path / name).mkdir()
        table(held).to_parquet(tmp_path / name / "part-00000.parquet")
    each = sources(tmp_path, carg=(tmp_path / "carg", tmp_path / "unseen")).each(Counter())
    assert [any(True for _ in drawn) for drawn in each] == [True, False], "all folders' tools are split together"
    with pytest.raises(DataError, match=r"hold no record .* of held-out tools; --all-tools learns"):
        prepare(sources(tmp_path, carg=(tmp_path / "worlds",)), nano)


def test_a_prepared_data_set_is_used_again(tmp_path: Path, nano: Any) -> None:
    chosen = sources(tmp_path, records=(write_some(tmp_path / "some.jsonl", 40),), validation_share=0.2)
    first = prepare(chosen, nano)
    path = chosen.options.out / "data" / "train.arrow"
    written = path.stat().st_mtime_ns
    again = prepare(chosen, nano)
    assert path.stat().st_mtime_ns == written and again.facts == first.facts
    assert len(first.train) + len(first.validation) == 40
    assert first.facts.tokens == sum(len(one) for one in first.train["input_ids"]) == sum(first.train["length"])
    (path.parent / "facts.json").unlink()  # as a kill before the end leaves it
    path.write_bytes(path.read_bytes()[:500])
    assert prepare(chosen, nano).facts == first.facts
    assert json.loads((path.parent / "facts.json").read_text())["tokens"] == first.facts.tokens
