"""Refusals of calls that the schema accepts, with a small base that was taught to refuse one city."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from base_gtm.errors import ModelError
from base_gtm.model import Base, load_base, new_nano
from base_gtm.prompt import ERROR, completion, render
from base_gtm.refusal import MOST
from base_gtm.schema import ToolCall, ToolResult, ToolSpec
from base_gtm.simulator import Request, Simulator
from base_gtm.tokenizer import SPECIALS, encode_text, train_tokenizer

SPEC = ToolSpec(
    "weather",
    "Weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    {"type": "object", "properties": {"rain": {"type": "boolean"}}, "required": ["rain"]},
)
SAYS = "no city named Nowhere"
KNOWN, UNKNOWN = ToolCall("weather", {"city": "Paris"}), ToolCall("weather", {"city": "Nowhere"})
TURNS = [(KNOWN, ToolResult({"rain": True})), (UNKNOWN, ToolResult(is_error=True, text=SAYS))]


def new(tokenizer: Any) -> Any:
    return new_nano(tokenizer, hidden_size=32, num_hidden_layers=2, num_attention_heads=2)


def taught(tokenizer: Any) -> Base:
    model = new(tokenizer).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    rows, labels = torch.full((2, 88), tokenizer.pad_token_id), torch.full((2, 88), -100)
    for row, (call, result) in enumerate(TURNS):
        prompt = encode_text(tokenizer, render(SPEC, call).text)
        answer = [*encode_text(tokenizer, completion(SPEC, result)), tokenizer.eos_token_id]
        rows[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    for _ in range(150):
        loss = model(input_ids=rows, labels=labels).loss
        if loss < 0.05:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Base(model.eval(), tokenizer, "taught", "0" * 16, refusal_threshold=0.5)


@pytest.fixture(scope="module", params=["one token", "several tokens"])
def base(request: pytest.FixtureRequest, tokenizer: Any) -> Base:
    if request.param == "one token":
        assert len(encode_text(tokenizer, ERROR)) == 1
        return taught(tokenizer)
    texts = [render(SPEC, call).text + completion(SPEC, result) for call, result in TURNS]
    plain = train_tokenizer(texts, 400, [token for token in SPECIALS if token != ERROR])
    assert len(encode_text(plain, ERROR)) > 1
    return taught(plain)


def by_hand(base: Base, call: ToolCall) -> float:
    """The probability from a forward of the whole prompt."""
    prompt = encode_text(base.tokenizer, render(SPEC, call).text)
    first = [encode_text(base.tokenizer, text)[0] for text in (ERROR, '{"rain":')]
    with torch.no_grad():
        logits = base.model(input_ids=torch.tensor([prompt])).logits[0, -1, first].double()
    return float(torch.softmax(logits, -1)[0])


def test_the_call_that_it_was_taught_to_refuse(base: Base) -> None:
    simulator = Simulator(base)
    good, bad = (simulator.answer(SPEC, call) for call in (KNOWN, UNKNOWN))
    assert good.result == ToolResult({"rain": True})
    assert bad.result == ToolResult(is_error=True, text=SAYS)
    assert bad.confidence == bad.refusal_probability and not bad.distributions
    for answer, call in ((good, KNOWN), (bad, UNKNOWN)):
        assert answer.refusal_probability == pytest.approx(by_hand(base, call), abs=1e-5)
    assert bad.tokens == len(encode_text(base.tokenizer, completion(SPEC, bad.result)))


def test_a_batch_refuses_what_single_calls_refuse(base: Base) -> None:
    simulator = Simulator(base)
    calls = [KNOWN, UNKNOWN, KNOWN, ToolCall("weather", {"city": "Paris, near Nowhere"}), UNKNOWN]
    batch = simulator.answer_batch(SPEC, [Request(call) for call in calls])
    for call, (decision, together) in zip(calls, batch, strict=True):
        alone = simulator.answer(SPEC, call)
        assert together is not None and together.result == alone.result
        assert together.refusal_probability == pytest.approx(alone.refusal_probability, abs=1e-4)
        assert decision.refusal_probability == together.refusal_probability and decision.refusal is None


def test_who_decides_how_probable_is_enough(base: Base, tmp_path: Path) -> None:
    assert Simulator(base, refuse_above=1.0).answer(SPEC, UNKNOWN).result.content
    assert Simulator(base, refuse_above=0.0).answer(SPEC, KNOWN).result.is_error
    mute = Base(base.model, base.tokenizer, "mute", base.hash)
    answer = Simulator(mute).answer(SPEC, UNKNOWN)
    assert not answer.result.is_error and answer.refusal_probability is None
    assert Simulator(mute, refuse_above=0.5).answer(SPEC, UNKNOWN).result.is_error


def test_wrong_arguments_are_refused_for_certain(base: Base) -> None:
    ((decision, answer),) = Simulator(base).answer_batch(SPEC, [Request(ToolCall("weather", {}))])
    assert decision.refusal_probability == 1.0 and answer is not None and answer.refusal_probability == 1.0


def test_a_tool_of_free_text_and_a_message_without_end(tokenizer: Any) -> None:
    """A base that knows nothing is made to refuse: its message is text within bounds."""
    model = new_nano(tokenizer, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, initializer_range=0.3)
    simulator = Simulator(Base(model, tokenizer, "random", "0" * 16), refuse_above=0.0)
    for index in range(3):
        answer = simulator.answer(ToolSpec("free", "", {"type": "object"}), ToolCall("free", {"i": index}))
        assert answer.result.is_error and 0 < len(answer.result.text) <= MOST
        assert answer.refusal_probability is not None and 0 < answer.refusal_probability < 1


def test_an_adapter_refuses_nothing_and_costs_one_read(base: Base, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    copy = new(base.tokenizer)
    copy.load_state_dict(base.model.state_dict())
    get_peft_model(copy, LoraConfig(r=2, target_modules="all-linear")).save_pretrained(tmp_path)
    fresh = new(base.tokenizer)
    fresh.load_state_dict(base.model.state_dict())
    adapted = Simulator(Base(fresh, base.tokenizer, "taught", base.hash, 0.5), tmp_path)
    answer = adapted.answer(SPEC, UNKNOWN)
    assert not answer.result.is_error and answer.refusal_probability is None


@pytest.fixture
def folder(base: Base, tmp_path: Path) -> Path:
    base.model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_the_card_says_it(folder: Path) -> None:
    assert load_base(str(folder)).refusal_threshold is None
    (folder / "card.json").write_text(json.dumps({"refusal": {"threshold": 0.25}}))
    loaded = load_base(str(folder))
    assert loaded.refusal_threshold == 0.25 and Simulator(loaded).answer(SPEC, UNKNOWN).result.text == SAYS
    for card in ('{"refusal": {"threshold": 3}}', '{"refusal": {"threshold": "high"}}', "{", "[]", '{"refusal": []}'):
        (folder / "card.json").write_text(card)
        with pytest.raises(ModelError, match=r"card\.json: ") as caught:
            load_base(str(folder))
        assert "\n" not in str(caught.value)
