from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from jsonschema import Draft202012Validator

from base_gtm.decode import Decoded, compile_grammar, decode, lltokenizer
from base_gtm.digits import short_number
from base_gtm.errors import SpecError
from base_gtm.places import allowed, distinct, locate
from base_gtm.schema import ToolSpec, closed_object
from base_gtm.scoring import Trie, tempered
from base_gtm.tokenizer import encode_text

Run = Callable[..., Decoded]


@pytest.fixture(scope="module")
def run(base: Any) -> Run:
    lltok = lltokenizer(base.tokenizer, base.model.config.vocab_size)

    def decoded(schema: Any, prompt: str = "p", brief: bool = True, **options: Any) -> Decoded:
        grammar = compile_grammar(ToolSpec("tool", "", {}, schema), base.tokenizer, lltok, brief=brief)
        return decode(grammar, base.model, encode_text(base.tokenizer, prompt), **options)

    return decoded


def one(sub: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": sub}, "required": ["x"], "additionalProperties": False}


def by_hand(base: Any, prompt: str, before: str, values: list[str], after: str) -> list[float]:
    """Probabilities of the values with a full forward for every token and the same rule at every branch."""
    start = encode_text(base.tokenizer, prompt) + encode_text(base.tokenizer, before)
    rows = [encode_text(base.tokenizer, value + after) for value in values]
    logs = []
    for row in rows:
        total = 0.0
        for at, token in enumerate(row):
            options = sorted({other[at] for other in rows if other[:at] == row[:at]})
            with torch.no_grad():
                logits = base.model(input_ids=torch.tensor([start + row[:at]])).logits[0, -1].double()
            total += float(torch.log_softmax(logits[options], -1)[options.index(token)])
        logs.append(total)
    return [math.exp(log) for log in logs]


@pytest.mark.parametrize(
    "values", [["low", "lower", "lowest", "high"], ["wrong_value", "wrong_shape", "wrong"], ["a"] * 1]
)
def test_distribution_over_an_enum_is_exact(run: Run, base: Any, values: list[str]) -> None:
    found = run(one({"enum": values}), "some prompt")
    if len(values) == 1:
        assert found.value == {"x": values[0]} and not found.distributions and found.confidence == 1.0
        return
    expected = by_hand(base, "some prompt", '{"x":"', values, '"}')
    assert list(found.distributions["x"]) == values
    assert list(found.distributions["x"].values()) == pytest.approx(expected, abs=1e-5)
    assert found.value["x"] == values[expected.index(max(expected))]
    assert sum(found.distributions["x"].values()) == pytest.approx(1)


def test_union_on_its_first_field(run: Run, base: Any, cpp_spec: ToolSpec) -> None:
    found = run(cpp_spec.output_schema)
    verdicts = found.distributions["verdict"]
    assert list(verdicts) == [
        "correct",
        "runtime_error",
        "timeout",
        "wrong_shape",
        "wrong_dtype",
        "wrong_value",
        "cheating",
        "compile_error",
    ]
    assert list(verdicts.values()) == pytest.approx(by_hand(base, "p", '{"verdict":"', list(verdicts), '",'), abs=1e-5)
    assert list(found.distributions) == ["verdict"]  # the rest follows
    assert found.value["compiled"] == (found.value["verdict"] != "compile_error")
    assert found.confidence == max(verdicts.values())


def test_tokens_that_join_punctuation(cpp_spec: ToolSpec) -> None:
    """A tokenizer of the GPT kind, where `":"` and `","` are one token each."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from base_gtm.model import Base, new_nano

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<e>", "<p>"]
    )
    core.train_from_iterator(['{"verdict":"wrong_value","compiled":true,"correct":false}'] * 20, trainer)
    joined = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<e>", pad_token="<p>")
    assert len(encode_text(joined, '":"')) == len(encode_text(joined, '","')) == 1
    base = Base(new_nano(joined, hidden_size=32, num_hidden_layers=1, initializer_range=0.3), joined, "joined", "0")
    grammar = compile_grammar(cpp_spec, joined, lltokenizer(joined, len(joined)))
    found = decode(grammar, base.model, encode_text(joined, "p"))
    chances = found.distributions["verdict"]
    assert list(chances.values()) == pytest.approx(by_hand(base, "p", '{"verdict":"', list(chances), '","'), abs=1e-5)
    assert len(chances) == 8 and found.value["verdict"] == max(chances, key=lambda name: chances[name])


def test_a_later_field_knows_the_earlier_one(run: Run) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "grade": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["ok", "grade"],
    }
    found = run(schema)
    assert set(found.distributions["ok"]) == {"true", "false"}
    assert list(found.distributions["grade"]) == ["1", "2", "3", "4", "5"]


def test_temperature_keeps_the_first(run: Run) -> None:
    values = ["low", "lower", "lowest", "high"]
    plain, flat, sharp = (run(one({"enum": values}), temperature=t) for t in (1.0, 5.0, 0.2))
    assert plain.value == flat.value == sharp.value
    assert flat.confidence < plain.confidence < sharp.confidence
    # two values share a first token: by branch, a low temperature would turn this order round
    assert max(tempered([math.log(0.4), math.log(0.36), math.log(0.24)], 0.1)) > 0.5
    assert tempered([-1.0, -2.0, -3.0], 1e9) == pytest.approx([1 / 3] * 3)


def test_trie_reads_every_branch_once() -> None:
    trie = Trie.of([(1, 2, 3), (1, 2, 4), (1, 5, 6), (7, 8, 9)])
    assert set(trie.children) == {(), (1,), (1, 2)}
    assert trie.paths == ((1, 2),)


@pytest.mark.parametrize(
    ("text", "whole", "fits"),
    [
        ("123", False, True),
        ("1230000", False, True),
        ("1234", False, False),
        ("1234", True, True),
        ("12.3", False, True),
        ("12.34", False, False),
        ("123.", False, False),
        ("0.00123", False, True),
        ("0.001234", False, False),
        ("1e5", False, False),
        ("1.", True, False),
        ("-", False, True),
        ("0.0000000000000", False, False),
    ],
)
def test_numbers_are_short(text: str, whole: bool, fits: bool) -> None:
    assert short_number(text, whole) is fits


def test_numbers_end_within_three_digits(run: Run) -> None:
    for prompt in ("a", "b", "c", "d", "e", "f"):
        number = run(one({"type": "number", "minimum": 0, "maximum": 60000}), prompt).value["x"]
        assert len(f"{number:.17g}".replace(".", "").strip("0")) <= 3 or number == float(f"{number:.2e}")


@pytest.mark.parametrize("step", [7, 101, 1001])
def test_a_multiple_ends_where_it_is_one(run: Run, step: int) -> None:
    for prompt in ("a", "b", "c"):
        found = run(one({"type": "array", "items": {"type": "integer", "multipleOf": step}, "minItems": 2}), prompt)
        assert all(number % step == 0 and number < 10**17 for number in found.value["x"])


def test_bounds_hold_where_the_grammar_is_lax(run: Run) -> None:
    # llguidance 1.7 takes 0 for a number that must be above 0
    for prompt in ("a", "b", "c", "d"):
        found = run(one({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}), prompt)
        assert 0 < found.value["x"] < 0.001


def test_brief_leaves_optional_properties_out(run: Run, cpp_spec: ToolSpec) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "boolean"}, "b": {"type": "boolean"}},
        "required": ["b"],
    }
    assert set(run(schema).value) == {"b"}
    assert set(run(schema, brief=False).value) in ({"b"}, {"a", "b"})


@pytest.mark.parametrize(
    "sub",
    [
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}, "minItems": 2},
        {"allOf": [closed_object({"a": {}, "b": {}}), {"additionalProperties": {"type": "boolean"}}]},
    ],
)
def test_a_map_in_a_brief_answer_has_an_entry_at_most(run: Run, sub: Any) -> None:
    found = run(one(sub)).value["x"]
    assert Draft202012Validator(sub).is_valid(found), found
    for entry in found if isinstance(found, list) else [found]:
        assert len(entry) <= (2 if "allOf" in sub else 1) and all(len(name) <= 16 for name in entry)


def test_required_in_one_part_described_in_another(run: Run) -> None:
    schema = {
        "allOf": [
            {"$ref": "#/$defs/named"},
            {"type": "object", "properties": {"b": {"enum": ["x", "y"]}}, "required": ["a", "b"]},
        ],
        "$defs": {"named": {"type": "object", "properties": {"a": {"enum": [1, 2]}}}},
    }
    found = run(schema)
    assert found.value["a"] in (1, 2) and found.value["b"] in ("x", "y")
    assert set(found.distributions) == {"a", "b"}


@pytest.mark.parametrize(
    ("kind", "lead", "empty_above", "empty"),
    [
        *((kind, 0.1, 0.5, False) for kind in ("string", "integer", "number")),
        *((kind, 30, 0.5, True) for kind in ("string", "integer", "number", "object")),
        *((kind, 30, 1, False) for kind in ("string", "integer", "number", "object")),
    ],
)
def test_a_value_is_empty_only_where_that_is_likely_enough(
    run: Run, base: Any, kind: str, lead: float, empty_above: float, empty: bool
) -> None:
    """The end of an empty value leads each other token, by little or by much."""
    sub: dict[str, Any] = {"type": "array", "items": {"type": kind}, "maxItems": 3}
    if kind == "string":
        sub = {"type": kind}
    elif kind == "object":
        sub = {"type": kind, "additionalProperties": {"type": "boolean"}}
    (end,) = encode_text(base.tokenizer, {"string": '"', "object": "}"}.get(kind, "]"))

    def lead_by(_: Any, __: Any, logits: torch.Tensor) -> torch.Tensor:
        flat = torch.zeros_like(logits)
        flat[..., end] = lead
        return flat

    hook = base.model.get_output_embeddings().register_forward_hook(lead_by)
    try:
        found = run(one(sub), empty_above=empty_above).value["x"]
    finally:
        hook.remove()
    assert (not found) is empty, found


def test_a_schema_that_refers_to_itself_ends(run: Run) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["next"],
        "additionalProperties": False,
    }
    value = run({"$ref": "#/$defs/node", "$defs": {"node": node}}).value
    while value["next"] is not None:
        value = value["next"]


def test_a_schema_that_refers_to_itself_ends_soon_where_nothing_is_to_be_empty(run: Run) -> None:
    tree = {"type": "array", "items": {"$ref": "#"}, "maxItems": 1}
    found = run(tree, empty_above=1.0)
    assert found.value and 3 < found.tokens < 60, found.value


def test_unbounded_text_ends(run: Run) -> None:
    found = run(one({"type": "string"}))
    assert len(found.value["x"]) <= 256
    assert len(run({"type": "array", "items": {"type": "boolean"}}).value) <= 16
    assert isinstance(run({}).value, str | int | float | bool | None)


FEW = {"enum": ["a", "b", "c"]}
ANY = {"type": "object"}


@pytest.mark.parametrize(
    ("sub", "names"),
    [
        ({"not": {"type": "string"}}, "'not' at /properties/x:"),
        ({"type": "array", "items": {"not": {"const": 1}}}, "'not' at /properties/x/items:"),
        ({"if": {"type": "string"}, "then": {"maxLength": 3}}, "'if' at /properties/x, 'then' at"),
        ({"if": {"type": "string"}, "else": {"minimum": 3}}, "'else' at /properties/x:"),
        ({"type": "array", "items": FEW, "uniqueItems": True, "minItems": 2}, "'uniqueItems' at /properties/x:"),
        ({"type": "array", "contains": FEW, "maxContains": 1}, "'contains' at /properties/x"),
        ({"type": "array", "prefixItems": [FEW], "contains": FEW}, "'contains' at /properties/x"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "'oneOf' at /properties/x:"),
        (ANY | {"propertyNames": {"pattern": "^a"}, "minProperties": 1}, "'propertyNames' at"),
        (ANY | {"anyOf": [ANY | {"properties": {"a": FEW}}], "unevaluatedProperties": False}, "'unevaluatedProp"),
        ({"$dynamicRef": "#x"}, r"'\$dynamicRef' at"),
        ({"type": "string", "pattern": "(?=a)b"}, "'pattern' at /properties/x: .*look-ahead"),
        ({"type": "string", "pattern": "^(a)\\1$"}, "'pattern' at /properties/x: .*backref"),
        ({"$ref": "#/$defs/missing"}, r"#/\$defs/missing"),
        ({"$ref": "http://example.org/x.json"}, "leads out"),
        (False, "nsatisfiable"),
    ],
)
def test_what_cannot_be_honoured_is_named_with_its_place(run: Run, sub: Any, names: str) -> None:
    with pytest.raises(SpecError, match=names) as caught:
        run(one(sub))
    assert "\n" not in str(caught.value)


TWO = ANY | {"properties": {"a": FEW, "b": FEW}}


@pytest.mark.parametrize("brief", [True, False])
@pytest.mark.parametrize(
    "sub",
    [
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 1},
        {"type": "array", "items": {"enum": [1, 1.0, True, [1], [True]]}, "uniqueItems": True},
        {"type": "array", "items": {"type": "array", "items": FEW, "uniqueItems": True}, "maxItems": 3},
        {"type": "array", "items": FEW, "uniqueItems": False, "minItems": 4},
        {"uniqueItems": True},
        {"type": "array", "items": FEW, "contains": {"const": "b"}},
        {"type": "array", "contains": {"const": "b"}, "minContains": 2, "minItems": 3},
        {"type": "array", "items": FEW, "contains": {"const": "b"}, "minContains": 0},
        TWO | {"dependentRequired": {"a": ["b"]}, "required": ["a"]},
        TWO | {"dependentRequired": {"a": ["b"], "b": ["c"]}, "required": ["a"]},
        TWO | {"dependentSchemas": {"a": {"required": ["c"], "properties": {"c": FEW}}}, "required": ["a"]},
        TWO | {"dependencies": {"a": ["b"]}, "required": ["a"]},
        TWO | {"propertyNames": {"maxLength": 1}, "required": ["a"]},
        TWO | {"propertyNames": {"enum": ["b"]}},
        TWO | {"minProperties": 2, "additionalProperties": False},
        TWO | {"maxProperties": 1},
        TWO | {"patternProperties": {"^c": FEW}, "required": ["a"]},
        TWO | {"unevaluatedProperties": False, "required": ["a"]},
        {"allOf": [TWO, {"properties": {"c": FEW}, "required": ["c"]}], "unevaluatedProperties": False},
        {"type": "array", "prefixItems": [FEW], "unevaluatedItems": False},
        {"type": "array", "prefixItems": [FEW], "additionalItems": False},
        {"oneOf": [{"const": 1}, {"enum": [2, 3]}, {"enum": [3]}]},
        {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
        {"type": "string", "then": {"maxLength": 3}, "maxLength": 5},
        {"type": "string", "maxLength": 5, "contentEncoding": "base64", "x-other": {"not": {}}},
    ],
)
def test_keywords_that_the_decoder_does_not_know_are_honoured(run: Run, sub: Any, brief: bool) -> None:
    for prompt in ("a", "b", "some other prompt"):
        value = run(one(sub), prompt, brief).value
        Draft202012Validator(one(sub)).validate(value)


def test_repeats_are_those_of_json() -> None:
    schema = {"type": "array", "uniqueItems": True}
    assert distinct(schema, [1, 1.0, True, "1", [1], [True], [1], {"a": 1}, {"a": 1.0}]) == [
        1,
        True,
        "1",
        [1],
        [True],
        {"a": 1},
    ]
    assert distinct({"type": "array"}, [1, 1]) == [1, 1]


@pytest.mark.parametrize(
    ("text", "path", "partial"),
    [
        ("", (), ""),
        ('{"a":', ("a",), ""),
        ('{"a":"x","b":tr', ("b",), "tr"),
        ('{"a":{"b":[1,"', ("a", "b", 1), '"'),
        ('{"a":12', ("a",), "12"),
        ('{"a":1.', ("a",), "1."),
        ("[", (0,), ""),
    ],
)
def test_place_in_unfinished_text(text: str, path: tuple[Any, ...], partial: str) -> None:
    place = locate(text)
    assert place is not None and (place.path, place.partial) == (path, partial)


@pytest.mark.parametrize("text", ["{", '{"a', '{"a":1,', '{"a":"x"', '{"a":true}', "[1]", "[true", '["x"'])
def test_no_place_in_keys_and_after_values(text: str) -> None:
    place = locate(text)
    assert place is None or (text == "[true" and place is None)


def test_values_follow_from_what_is_written(cpp_spec: ToolSpec) -> None:
    place = locate('{"verdict":"timeout","compiled":')
    assert place is not None and cpp_spec.output_schema is not None
    assert allowed(cpp_spec.output_schema, place) == [True]


def test_free_text_tool(base: Any) -> None:
    lltok = lltokenizer(base.tokenizer, base.model.config.vocab_size)
    grammar = compile_grammar(ToolSpec("free", "", {}), base.tokenizer, lltok)
    found = decode(grammar, base.model, encode_text(base.tokenizer, "p"))
    assert isinstance(found.value, str) and json.dumps(found.value) and 0 < found.confidence <= 1
