from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from base_gtm.decode import Grammar, compile_grammar, decode, lltokenizer
from base_gtm.quantity import read_number
from base_gtm.schema import ToolSpec
from base_gtm.scoring import Reader
from base_gtm.tokenizer import encode_text

NUMBER = {"type": "number", "minimum": 0, "maximum": 60000}


def grammar_of(base: Any, sub: Any) -> Grammar:
    schema = {"type": "object", "properties": {"x": sub, "y": {"type": "boolean"}}, "required": ["x", "y"]}
    return compile_grammar(
        ToolSpec("tool", "", {}, schema), base.tokenizer, lltokenizer(base.tokenizer, base.model.config.vocab_size)
    )


def logits_after(base: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return base.model(input_ids=torch.tensor([ids])).logits[0, -1]


def test_a_tree_read_gives_what_single_reads_give(base: Any) -> None:
    prompt = encode_text(base.tokenizer, "a prompt of some length: ")
    reader = Reader(base.model, prompt[:-3])
    reader.next_logits()
    reader.ids += prompt[-3:]
    paths = [(5, 6, 7), (5, 9), (8,)]
    found = reader.read_tree(paths)
    assert set(found) == {(), (5,), (5, 6), (5, 6, 7), (5, 9), (8,)}
    for path, logits in found.items():
        assert torch.allclose(logits, logits_after(base, prompt + list(path)), atol=1e-4), path
    reader.ids.append(11)  # nothing of the tree is kept
    assert torch.allclose(reader.next_logits(), logits_after(base, [*prompt, 11]), atol=1e-4)


def test_masses_are_those_of_decoding_by_digits(base: Any) -> None:
    """The share of numbers below one tenth, by a full forward for every token under the same rules."""
    from base_gtm.decode import Writer

    grammar = grammar_of(base, NUMBER)
    writer = Writer(grammar)
    ids = encode_text(base.tokenizer, "p") + writer.force()
    digits = writer.number()
    assert digits is not None and digits.name == "x"

    def below_a_tenth(text: str, path: list[int]) -> float:
        grown, ends = digits.following(text)
        chances = torch.softmax(logits_after(base, ids + path)[[*grown, *ends]].double(), -1).tolist()
        total = sum(chances[len(grown) :]) if ends else 0.0  # 0 and 0.0 themselves
        for token, chance in zip(grown, chances, strict=False):
            more = text + digits.tokens[token]
            if more in ("0", "0."):
                total += chance * below_a_tenth(more, [*path, token])
            elif more == "0.0":
                total += chance
        return total

    median, estimate = Reader(base.model, ids).answer(read_number(digits))
    share = below_a_tenth("", [])
    assert median is not None and estimate is not None and 0 < share < 1
    assert (estimate.low < 0.1) == (share > 0.1) and (estimate.median < 0.1) == (share > 0.5)
    assert 0 <= estimate.low <= estimate.median <= estimate.high <= 60000


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"minimum": 5, "maximum": 9},
        {"minimum": -3, "maximum": -1},
        {"exclusiveMinimum": 0},
        {"maximum": 0.004},
        {"minimum": 1000},
    ],
)
def test_the_median_is_the_value_and_in_bounds(base: Any, bounds: dict[str, float]) -> None:
    grammar = grammar_of(base, {"type": "number", **bounds})
    for prompt in ("p", "another", "0.25 0.25 0.25", "7 ms"):
        found = decode(grammar, base.model, encode_text(base.tokenizer, prompt))
        value, spread = found.value["x"], found.estimates.get("x")
        assert bounds.get("minimum", -math.inf) <= value <= bounds.get("maximum", math.inf)
        assert value != 0 or "exclusiveMinimum" not in bounds
        if spread is not None:
            low, high = bounds.get("minimum", -math.inf), bounds.get("maximum", math.inf)
            assert low <= spread.low <= spread.median <= spread.high <= high
            assert value == pytest.approx(spread.median, rel=0.2, abs=0.02)


@pytest.mark.parametrize(
    ("text", "number", "goes_on"),
    [
        ("1.2", 1.234, "3"),
        ("1.2", 1.2, None),
        ("0.0", 0.031, "3"),
        ("1.2", 1.3, "9"),
        ("-1.2", -1.29, "9"),
        ("3.", 3, "0"),
    ],
)
def test_a_number_goes_on_to_what_its_masses_tell(base: Any, text: str, number: float, goes_on: str | None) -> None:
    """Within the beginning that was read; and not with a zero where it may end."""
    from base_gtm.decode import Writer

    writer = Writer(grammar_of(base, {"type": "number"}))
    writer.force()
    digits = writer.number()
    assert digits is not None
    found = digits.towards(text, number)
    assert found == digits.ends if goes_on is None else [digits.tokens[token] for token in found] == [goes_on]


def test_whole_numbers_and_multiples_are_decoded_by_tokens(base: Any) -> None:
    for sub in ({"type": "integer"}, {"type": "number", "multipleOf": 0.5}, {"type": ["number", "null"]}):
        found = decode(grammar_of(base, sub), base.model, encode_text(base.tokenizer, "p"))
        assert not found.estimates
